"""Several poses a frame: what is gained by choosing among them, and what the choice looks at.

The four aggregates of D3DP (main.py, evaluate). Only P-Agg, the mean pose, needs nothing of the
truth, so it alone is what a score of hypotheses counts and ranks; it is the score's MPJPE. Errors
here are MPJPE's: millimetres by frame and joint, summed by clip as all others.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import skeleton_called
from harness.scoring.image_space import reprojection_distances
from harness.scoring.metric_kinds import MILLIMETRES, FrameNumbers, Metric
from harness.scoring.scored_clips import ScoredClip
from harness.scoring.sequences import Sums

Floats = NDArray[np.float64]

P_AGG, J_AGG, J_AGG_FITTED = "P-Agg", "J-Agg", "J-Agg with fitted root"
P_BEST, J_BEST = "P-Best", "J-Best"


@dataclass(frozen=True, kw_only=True)
class Aggregate(Metric):
    """A way to make one error of several hypotheses.

    Attributes:
        uses: what it takes from the truth, in words; empty where nothing.
    """

    uses: str


def _aggregate(name: str, description: str, uses: str) -> Aggregate:
    return Aggregate(
        name=name,
        unit="mm",
        better="lower",
        lowest=0.0,
        highest=float("inf"),
        description=description,
        uses=uses,
    )


_AGGREGATES = (
    _aggregate(P_AGG, "the mean of all hypotheses", ""),
    _aggregate(
        J_AGG_FITTED,
        "joint by joint the hypothesis that projects nearest to the 2D input, from the root at "
        "which the mean pose projects best",
        "",
    ),
    _aggregate(
        J_AGG,
        "joint by joint the hypothesis that projects nearest to the 2D input, from the true root",
        "the true path of the root, in every frame",
    ),
    _aggregate(
        P_BEST,
        "the hypothesis with the least error of a window",
        "the true poses, to choose a hypothesis for each window",
    ),
    _aggregate(
        J_BEST,
        "joint by joint the hypothesis with the least error",
        "the true poses, to choose a hypothesis for each joint of each frame",
    ),
)


def aggregate_called(name: str) -> Aggregate:
    """Return what is known of an aggregate, which `P-Best of N windows` is one of too."""
    base = P_BEST if name.startswith(f"{P_BEST} of ") else name
    found = next(item for item in _AGGREGATES if item.name == base)
    return found if base == name else _aggregate(name, found.description, found.uses)


def best_name(windows: int) -> str:
    """Return how P-Best over batches of so many windows is called."""
    return P_BEST if windows == 1 else f"{P_BEST} of {windows} windows"


def hypothesis_sums(clip: ScoredClip, windows: int = 1) -> Sums:
    """Return frames and sums by joint of every aggregate that the data allow.

    J-Agg needs camera space, the camera and the 2D that was lifted; it is left out elsewhere.

    Args:
        clip: predictions with hypotheses, (frames, hypotheses, joints, 3).
        windows: P-Best chooses one hypothesis for so many windows together. D3DP's code does for a
            batch; by definition it is one window. Windows lie end to end from the clip's start.
    """
    place = clip.place
    candidates, target = place.compared(place.metric(clip.predicted), clip.truth)
    errors = MILLIMETRES * np.linalg.norm(candidates - target[:, None], axis=-1)
    mean = MILLIMETRES * np.linalg.norm(candidates.mean(axis=1) - target, axis=-1)
    found = {P_AGG: mean}
    if place.protocol.target == "camera" and place.seen is not None:
        seen = place.input_2d()[:, list(place.scored_columns())]
        single = place.metric(clip.predicted).mean(axis=1)
        fitted = place.fitted_origins(single)
        if place.protocol.root == "subtract_predicted_root":
            fitted += single[:, skeleton_called(place.predictions.contract.skeleton).root]
        roots = {J_AGG_FITTED: fitted, J_AGG: place.true_roots().astype(np.float64)}
        for name, path in roots.items():
            apart = reprojection_distances(candidates, path, seen, place.camera)
            found[name] = _chosen(errors, np.where(np.isnan(apart), np.inf, apart).argmin(axis=1))
    numbers, _ = clip.poses.windows(clip.poses.window)
    found[best_name(windows)] = _best_of_windows(errors, numbers // windows)
    found[J_BEST] = errors.min(axis=1)
    return {name: (len(values), values.sum(axis=0)) for name, values in found.items()}


def _best_of_windows(errors: Floats, numbers: FrameNumbers) -> Floats:
    """Return (frames, joints) the errors of the hypothesis with the least mean of its frames.

    Args:
        errors: (frames, hypotheses, joints).
        numbers: (frames,) ascending; frames of one number choose together.
    """
    if not len(numbers):
        return errors[:, 0]
    starts = np.flatnonzero(np.diff(numbers, prepend=-1))
    totals = np.add.reduceat(errors.sum(axis=2), starts, axis=0)
    of_window = totals.argmin(axis=1)
    of_frame = np.repeat(of_window, np.diff([*starts, len(numbers)]))
    return errors[np.arange(len(numbers)), of_frame]


def _chosen(errors: Floats, hypothesis: NDArray[np.intp]) -> Floats:
    """Return (frames, joints) the errors of the hypothesis chosen for each."""
    return np.take_along_axis(errors, hypothesis[:, None], axis=1)[:, 0]
