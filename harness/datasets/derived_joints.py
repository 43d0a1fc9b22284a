"""Joints that files do not hold, as weighted means of those they do."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray


def mean_weights(
    wanted: Sequence[str], given: Sequence[str], derived: Mapping[str, Mapping[str, float]]
) -> NDArray[np.float64]:
    """Return the weights that make wanted joints of given ones: `weights @ points_of_given`.

    Args:
        wanted: joints to make.
        given: joints of the files.
        derived: wanted joint -> weight of given ones, for those that are not given themselves.

    Returns:
        (wanted, given); each row sums to 1 where the weights in `derived` do.
    """
    weights = np.zeros((len(wanted), len(given)))
    for row, joint in enumerate(wanted):
        for source, weight in derived.get(joint, {joint: 1.0}).items():
            weights[row, list(given).index(source)] = weight
    return weights
