"""The human body and the cameras that see it: joints, bones, symmetry, projection."""
