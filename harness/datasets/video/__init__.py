"""A video: its frames, and the detector that finds the person in them."""
