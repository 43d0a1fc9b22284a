"""The clips of stored predictions as a protocol compares them, one after the other.

What a protocol's target, coverage and root are is decided here and nowhere else; metrics see two
poses in metres.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.body.camera import Camera
from harness.body.skeleton import skeleton_called
from harness.body.vectors import joint_major
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import Predictions
from harness.scoring.image_space import (
    fitted_roots,
    lines_of_sight,
    pose_in_image,
    root_factor,
)
from harness.scoring.metric_kinds import ClipPoses
from harness.scoring.protocols import Protocol

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ScoredClip:
    """The frames of a clip that count.

    Attributes:
        number: of the clip in the prepared set.
        frames: (frames,) numbers within the clip; a frame that counts twice is there twice.
        predicted: (frames, joints, 3) predictions as they are stored, or with hypotheses second.
        truth: (frames, joints, 3) ground truth as it is stored.
        poses: both, as the protocol compares them; of hypotheses, their mean.
        place: the way there.
    """

    number: int
    frames: NDArray[np.int64]
    predicted: NDArray[np.floating]
    truth: NDArray[np.floating]
    poses: ClipPoses
    place: "Place"


def scored_clips(
    predictions: Predictions,
    prepared: PreparedSet,
    protocol: Protocol,
    clips: pd.DataFrame,
    *,
    estimate_roots: bool = True,
) -> Iterator[ScoredClip]:
    """Yield the clips to score, each with the frames that count under the protocol.

    Args:
        predictions: what was predicted.
        prepared: on which data.
        protocol: fitted to the set's joints.
        clips: rows of the prepared set's clips, as `clips_to_score` returns them.
        estimate_roots: whether to say how far estimated roots are off, which costs a fit.

    Raises:
        HarnessError: a prediction or the ground truth is not finite.
    """
    contract = predictions.contract
    split = prepared.select(contract.split).sort_values("clip")
    covered = dict(
        zip(
            split["clip"],
            protocol.covered(split["frames"].tolist(), contract.frames),
            strict=True,
        )
    )
    predicted_from = predictions.clips.set_index("clip")["first_row"]
    seen = None
    if sees_input(predictions, prepared):
        seen = prepared.keypoints_2d(contract.input_2d)
    columns = clips[["clip", "first_row", "camera", "fps"]].itertuples(index=False)
    for number, first_row, camera_key, fps in columns:
        frames = covered[number]
        if prepared.valid is not None:
            frames = frames[prepared.valid[first_row + frames]]
        rows = first_row + frames
        predicted_rows = predicted_from[number] + frames
        stored = predictions.positions[predicted_rows]
        truth = truth_of(prepared, protocol)[rows]
        _refuse_not_finite(number, stored, truth, predictions, prepared)
        camera = prepared.camera(camera_key)
        place = Place(predictions, prepared, protocol, camera, rows, predicted_rows, seen)
        metric = place.metric(stored)
        # Several hypotheses count as their mean, the only aggregate that needs no truth.
        single = metric if metric.ndim == 3 else metric.mean(axis=1, dtype=np.float64)
        predicted, target = place.compared(single, truth)
        poses = ClipPoses(
            predicted=predicted,
            target=target,
            frames=frames,
            skeleton=protocol.scored_skeleton,
            fps=float(fps),
            window=contract.frames,
            roots=place.root_errors(single) if estimate_roots else {},
        )
        yield ScoredClip(number, frames, stored, truth, poses, place)


def truth_of(prepared: PreparedSet, protocol: Protocol) -> NDArray[np.floating]:
    """Return the mapped ground truth that a protocol is about: (rows, joints, 3)."""
    if protocol.target == "image25d" and prepared.image_25d is not None:
        return prepared.image_25d
    return prepared.positions_3d


@dataclass(frozen=True)
class Place:
    """Where the frames of one clip stand, and the ways from what is stored to metres.

    Attributes:
        predictions: what was predicted.
        prepared: on which data.
        protocol: how it is scored.
        camera: that saw the clip.
        rows: (frames,) of the prepared set.
        predicted_rows: (frames,) of the predictions.
        seen: the set's keypoints that were lifted, all rows; None where it does not hold them.
    """

    predictions: Predictions
    prepared: PreparedSet
    protocol: Protocol
    camera: Camera
    rows: NDArray[np.int64]
    predicted_rows: NDArray[np.int64]
    seen: NDArray[np.float32] | None

    def compared(
        self, metric: NDArray[np.floating], truth: NDArray[np.floating]
    ) -> tuple[Floats, Floats]:
        """Return predictions and truth as the protocol compares them, in metres.

        Args:
            metric: (frames, ..., joints, 3) predictions in metres.
            truth: (frames, joints, 3) as stored.
        """
        own = self.prepared.skeleton
        target = truth
        if self.protocol.target == "image25d":
            target = truth / 1000.0
        elif self.protocol.target == "image25d_made":
            target = pose_in_image(truth, self.camera, own.root)
        predicted = skeleton_called(self.predictions.contract.skeleton)
        return self.protocol.place(metric, predicted, target, own)

    def metric(self, stored: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return stored predictions in metres, with x and y of the input if the protocol says."""
        between = (1,) * (stored.ndim - 1)
        if self.predictions.contract.space == "image25d":
            scale = self.factor() * self.camera.width / 2
            stored = stored.astype(np.float64) * scale.reshape(-1, *between)
        if self.protocol.x_and_y_of_input:
            root = skeleton_called(self.predictions.contract.skeleton).root
            seen = self.input_2d()
            seen -= seen[:, root : root + 1]
            plane = seen * self.factor()[:, None, None]
            plane = plane.reshape(len(plane), *between[2:], *plane.shape[1:])
            plane = np.broadcast_to(plane, (*stored.shape[:-1], 2))
            stored = np.concatenate([plane, stored[..., 2:]], axis=-1)
        return stored

    def factor(self) -> Floats:
        """Return (frames,) the true metres a pixel: the file's, or made from camera space."""
        if self.prepared.factor is not None:
            return self.prepared.factor[self.rows] / 1000.0
        return root_factor(self.true_roots(), self.camera)

    def input_2d(self) -> Floats:
        """Return (frames, joints of the predictions, 2) pixels that the lifter was given."""
        assert self.seen is not None  # what needs it is refused, or left out, without
        contract = self.predictions.contract
        columns = skeleton_called(contract.skeleton).columns_in(
            self.prepared.layout(contract.input_2d)
        )
        return joint_major(self.seen[self.rows], columns)

    def scored_columns(self) -> tuple[int, ...]:
        """Return where the joints that are scored stand among those predicted."""
        predicted = skeleton_called(self.predictions.contract.skeleton)
        return self.protocol.scored_skeleton.columns_in(predicted)

    def root_errors(self, metric: NDArray[np.floating]) -> Mapping[str, Floats]:
        """Return by origin (frames, 3) how far the estimated root is from the true one, metres.

        Args:
            metric: (frames, joints, 3) predictions in metres.
        """
        if not self.prepared.manifest.has_3d:
            return {}
        return {
            origin: path - self.true_roots()
            for origin, path in self.estimated_roots(metric).items()
        }

    def estimated_roots(self, metric: NDArray[np.floating]) -> Mapping[str, Floats]:
        """Return by origin the path of the root in camera space that needs nothing of the truth.

        predicted: what the lifter predicts, where it does. fitted: where the pose projects best.
        """
        root = skeleton_called(self.predictions.contract.skeleton).root
        paths = {}
        if self.predictions.roots is not None:
            paths["predicted"] = self.predictions.roots[self.predicted_rows] + metric[:, root]
        if self.seen is not None:
            paths["fitted"] = self.fitted_origins(metric) + metric[:, root]
        return paths

    def fitted_origins(self, metric: NDArray[np.floating]) -> Floats:
        """Return (frames, 3) where poses have to stand to project best, their roots not added."""
        return fitted_roots(metric, lines_of_sight(self.input_2d(), self.camera))

    def true_roots(self) -> NDArray[np.float32]:
        """Return (frames, 3) camera-space metres."""
        return self.prepared.positions_3d[self.rows, self.prepared.skeleton.root]


def sees_input(predictions: Predictions, prepared: PreparedSet) -> bool:
    """Return whether the set holds the 2D that was lifted, uncorrupted and with all joints."""
    contract = predictions.contract
    if contract.corruption is not None or contract.input_2d not in prepared.manifest.sources_2d:
        return False
    layout = prepared.layout(contract.input_2d).joints
    return set(skeleton_called(contract.skeleton).joints) <= set(layout)


def _refuse_not_finite(
    number: int,
    predicted: NDArray[np.floating],
    truth: NDArray[np.floating],
    predictions: Predictions,
    prepared: PreparedSet,
) -> None:
    for what, positions, remedy in (
        (f"the predictions of {predictions.contract.model}", predicted, "predict again"),
        (f"data set {prepared.path}", truth, "prepare it again"),
    ):
        if not np.isfinite(positions).all():
            raise HarnessError(f"clip {number} of {what} holds NaN or infinity; {remedy}")
