"""A standing body, for fixtures whose poses must be those of people."""

import numpy as np

STANDING = np.array(
    [
        *([0, 0, 0.95], [-0.13, 0, 0.95], [-0.13, 0, 0.5], [-0.13, 0, 0.08]),
        *([0.13, 0, 0.95], [0.13, 0, 0.5], [0.13, 0, 0.08]),
        *([0, 0, 1.18], [0, 0, 1.42], [0, -0.03, 1.53], [0, 0, 1.65]),
        *([0.15, 0, 1.42], [0.15, 0, 1.14], [0.15, 0, 0.9]),
        *([-0.15, 0, 1.42], [-0.15, 0, 1.14], [-0.15, 0, 0.9]),
    ]
)
"""(17, 3): a person who faces -y, metres, z up, feet near 0; joints in the order of H36M_17."""
