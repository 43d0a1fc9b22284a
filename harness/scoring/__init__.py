"""Metrics, protocols, stored errors and statistics."""
