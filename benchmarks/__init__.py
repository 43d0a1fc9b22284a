"""Measurements of speed and memory beside their targets; `python -m benchmarks` makes all."""
