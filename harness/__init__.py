"""Benchmark and evaluation harness for lifting 2D human poses in video to 3D."""
