"""Data of one's own, in a neutral layout."""
