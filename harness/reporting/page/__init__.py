"""Pages to look at: the report of a profile and the viewer of motion, each a single HTML file."""
