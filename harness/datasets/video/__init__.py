"""A video: its frames, and the detector that finds people in them."""
