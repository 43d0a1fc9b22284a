"""Comparisons, tables, figures and regression references, made from stored scores."""
