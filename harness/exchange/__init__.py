"""Lifters to and from other programs: exported models, public checkpoints."""
