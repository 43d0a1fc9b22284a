"""Synthetic motion: forward kinematics of drawn people in fifteen actions; needs no files."""

from harness.datasets.synthetic.importer import IMPORTER

__all__ = ["IMPORTER"]
