"""Which annotation a file holds, judged by its bodies: npz files do not say it.

The universal annotation scales every person to one height, told as knee to neck (Mehta et al. 2017,
section 3.1); in the metric one people differ by some per cent. Of fewer than four people neither
can be said.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from harness.foundation.errors import HarnessError

_KNEE, _HIP, _PELVIS, _SPINE, _NECK = (9, 12), (8, 11), 14, 15, 1
_FEWEST, _ONE_SIZE, _DIFFERENT = 4, 0.01, 0.03


def knee_to_neck(positions: NDArray[np.floating]) -> float:
    """Return the way from the knees over hips and spine to the neck, the median over frames.

    Args:
        positions: (frames, 17, 3) metres, the joints of MPI-INF-3DHP.
    """

    def length(one: int, other: int) -> NDArray[np.floating]:
        return np.linalg.norm(positions[:, one] - positions[:, other], axis=-1)

    thighs = [length(knee, hip) for knee, hip in zip(_KNEE, _HIP, strict=True)]
    trunk = length(_PELVIS, _SPINE) + length(_SPINE, _NECK)
    return float(np.median(np.mean(thighs, axis=0) + trunk))


def check_annotation(
    annotation: str, train: Mapping[str, float], test: Mapping[str, float]
) -> list[str]:
    """Refuse bodies that are of another annotation than named, or of two in one set.

    Args:
        annotation: "univ_annot3" or "annot3".
        train: size of each training subject by name, as `knee_to_neck` measures it.
        test: that of each test sequence.

    Returns:
        What is odd, for a note.

    Raises:
        HarnessError: one part is of one size and the other is not, or all are where they should
            differ.
    """
    parts = {"training": train, "test": test}
    for name, other in (("training", "test"), ("test", "training")):
        sizes, others = np.array([*parts[name].values()]), np.array([*parts[other].values()])
        if not _of_one_size(sizes):
            continue
        if len(others) and np.abs(others / np.median(sizes) - 1).max() > _DIFFERENT:
            raise HarnessError(
                f"all people of the {name} files have one size ({1000 * np.median(sizes):.0f} mm "
                f"from knee to neck), as in the universal annotation, those of the {other} files "
                f"have others ({_range(others)} mm), as in the metric one; take both parts of one "
                "annotation"
            )
        if annotation == "annot3":
            raise HarnessError(
                f"all people of the {name} files have one size ({1000 * np.median(sizes):.0f} mm "
                "from knee to neck), as in the universal annotation; the option annotation is "
                "annot3, so take the files of the metric one, or set annotation=univ_annot3"
            )
    sizes = np.array([*train.values(), *test.values()])
    if annotation == "univ_annot3" and len(sizes) >= _FEWEST and _spread(sizes) > _DIFFERENT:
        return [
            f"people differ in size ({_range(sizes)} mm from knee to neck), which they should not "
            "in the universal annotation; is it the metric one?"
        ]
    return []


def _of_one_size(sizes: NDArray[np.floating]) -> bool:
    return len(sizes) >= _FEWEST and _spread(sizes) < _ONE_SIZE


def _spread(sizes: NDArray[np.floating]) -> float:
    return float(np.ptp(sizes) / np.median(sizes))


def _range(sizes: NDArray[np.floating]) -> str:
    return f"{1000 * sizes.min():.0f} to {1000 * sizes.max():.0f}"
