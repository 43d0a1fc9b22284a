"""Committed references, and the check of scores against them."""
