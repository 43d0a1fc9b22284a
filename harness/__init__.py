"""Benchmark and evaluation harness for lifting 2D human poses in video to 3D."""

import os

# OpenMP's threads spin while they wait, by default. Where other programs want the cores too, small
# networks then train ten times slower; waiting passively costs next to nothing. It must be said
# before the first import of torch, and what the user has set stands.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
