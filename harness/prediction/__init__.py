"""Predictions as files: made by a run, or brought from elsewhere with what is declared of them."""
