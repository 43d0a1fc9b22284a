"""Grids of experiments: what the cells are, running one, running all that are missing."""
