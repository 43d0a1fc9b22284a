"""Files that a motion is written to, a module a format."""
