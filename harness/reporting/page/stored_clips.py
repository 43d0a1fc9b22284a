"""The clips of stored predictions as motions: what a protocol compares, with the 2D beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.datasets.clip_names import clip_names
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import visible
from harness.prediction.stored import Predictions, read_predictions
from harness.reporting.page.motion import Affinities, Motion, Picture, Poses
from harness.reporting.paper.frame_inspection import has_affinities, make_scene
from harness.reporting.stored.scored_runs import (
    ScoredRun,
    find_scored_model,
    require_comparable,
)
from harness.scoring.fitting import clips_to_score
from harness.scoring.metrics import metric_called
from harness.scoring.protocols import Protocol
from harness.scoring.scored_clips import scored_clips

TRUTH = "truth"
_KIND = "spatial"


@dataclass(frozen=True)
class LiftedRun:
    """A scored run whose predictions lie beside it.

    Attributes:
        label: how the viewer calls it.
        folder: the run's.
        scored: its score.
    """

    label: str
    folder: Path
    scored: ScoredRun

    @property
    def predictions_folder(self) -> Path:
        """Where its predictions lie."""
        return self.folder / "predictions"


def lifted_runs(folders: Sequence[Path], protocol: str | None = None) -> list[LiftedRun]:
    """Return runs by their folders, as they were scored under one protocol.

    Args:
        folders: one or more; labels are their names.
        protocol: id of the protocol; the first that the first run was scored under unless named.

    Raises:
        HarnessError: a run is not scored under it, or the runs cannot be compared.
    """
    if protocol is None:
        scores = visible(folders[0].glob("scores/*/score.json"))
        if not scores:
            raise HarnessError(
                f"{folders[0]}: has no score; make one with 'harness score {folders[0]}'"
            )
        protocol = scores[0].parent.name
    results = folders[0].resolve().parents[2]
    models = [
        find_scored_model(str(folder), folder.resolve().parents[1].name, protocol, results)
        for folder in folders
    ]
    require_comparable(models)
    return [
        LiftedRun(folder.name, folder, model.runs[0])
        for folder, model in zip(folders, models, strict=True)
    ]


class StoredClips:
    """The clips that some runs of one data set predicted, all scored under one protocol."""

    def __init__(self, prepared: PreparedSet, runs: Sequence[LiftedRun]) -> None:
        """Open the predictions of `runs`.

        Args:
            prepared: the set that they were made on.
            runs: one or more runs that are comparable.

        Raises:
            HarnessError: predictions are missing or damaged, or made on other data.
        """
        self.prepared = prepared
        self.runs = tuple(runs)
        self.predictions: tuple[Predictions, ...] = tuple(
            read_predictions(run.predictions_folder) for run in runs
        )
        for run, predictions in zip(self.runs, self.predictions, strict=True):
            of_score = run.scored.score.header.conditions.predictions
            if predictions.contract != of_score:
                raise HarnessError(
                    f"{run.predictions_folder}: are other predictions than those that were scored; "
                    f"score them again ('harness score {run.folder}')"
                )
        self.protocol: Protocol = self.runs[0].scored.score.protocol.fitted_to(prepared.skeleton)
        self.clips: pd.DataFrame = clips_to_score(self.predictions[0], prepared, self.protocol)

    @cached_property
    def errors(self) -> dict[int, float]:
        """By number of the clip the mean of the runs' errors, worst first; mm."""
        of_runs = [clip_errors(run.scored) for run in self.runs]
        means = {
            number: float(np.mean([errors[number] for errors in of_runs])) for number in of_runs[0]
        }
        return dict(sorted(means.items(), key=lambda item: (-item[1], item[0])))

    @cached_property
    def names(self) -> dict[int, str]:
        """By number the name of each clip."""
        return dict(zip(self.clips["clip"].tolist(), clip_names(self.clips), strict=True))

    def row(self, number: int) -> pd.DataFrame:
        """Return a clip of the set as a table of one row.

        Raises:
            HarnessError: it is not one of these clips.
        """
        row = self.clips[self.clips["clip"] == number]
        if row.empty:
            raise HarnessError(f"{self.prepared.path}: has no clip {number} that was scored")
        return row

    def motion(self, number: int, most_frames: int | None = None) -> Motion:
        """Return a clip with the truth and what each run predicts.

        Args:
            number: of the clip in the prepared set.
            most_frames: of a longer clip only as many frames are taken: those that follow one
                another with the largest errors.
        """
        row = self.row(number)
        compared = [
            next(
                scored_clips(predictions, self.prepared, self.protocol, row, estimate_roots=False)
            ).poses
            for predictions in self.predictions
        ]
        frames = compared[0].frames
        errors = np.mean(
            [np.linalg.norm(poses.predicted - poses.target, axis=-1) for poses in compared],
            axis=(0, 2),
        )
        part = worst_part(errors, most_frames)
        bodies = [
            Poses(run.label, poses.predicted[part])
            for run, poses in zip(self.runs, compared, strict=True)
        ]
        skeleton = self.protocol.scored_skeleton
        return Motion(
            name=self.names[number],
            joints=skeleton.joints,
            parents=skeleton.parents,
            fps=float(row["fps"].item()),
            poses=(Poses(TRUTH, compared[0].target[part], truth=True), *bodies),
            picture=self._picture(row, frames[part]),
            affinities=self._affinities(row, frames[part]),
            first_frame=int(frames[part][0]),
        )

    def _picture(self, row: pd.DataFrame, frames: NDArray[np.integer]) -> Picture:
        source = self.predictions[0].contract.input_2d
        camera = self.prepared.camera(row["camera"].item())
        keypoints = self.prepared.keypoints_2d(source)[row["first_row"].item() + frames]
        layout = self.prepared.layout(source)
        return Picture(source, layout.parents, keypoints, camera.width, camera.height)

    @cached_property
    def listening(self) -> LiftedRun | None:
        """The first run whose network says who listens to whom."""
        return next((run for run in self.runs if has_affinities(run.folder)), None)

    def _affinities(self, row: pd.DataFrame, frames: NDArray[np.integer]) -> Affinities | None:
        if self.listening is None:
            return None
        scene = make_scene(
            self.listening.folder,
            self.prepared,
            row,
            frames.tolist(),
            input_2d=self.predictions[0].contract.input_2d,
            allow_other_input=True,
        )
        if _KIND not in scene.moments[0].affinities:
            return None
        columns = list(self.protocol.scored_skeleton.columns_in(scene.skeleton))
        weights = np.stack([moment.affinities[_KIND] for moment in scene.moments])
        return Affinities(self.listening.label, weights[:, columns][:, :, columns])


def clip_errors(run: ScoredRun) -> Mapping[int, float]:
    """Return by number of the clip a run's MPJPE in mm, from the sums of its score."""
    sequences = run.score.sequences
    stored = sequences.metric("MPJPE")
    totals = metric_called("MPJPE").factor * stored.sums[:, stored.counts].mean(axis=1)
    return {
        int(number): float(total / frames)
        for number, total, frames in zip(
            sequences.clips["clip"], totals, stored.frames, strict=True
        )
        if frames
    }


def worst_part(errors: NDArray[np.floating], most: int | None) -> slice:
    """Return which frames to take: all, or the `most` following one another that err most.

    Args:
        errors: (frames,) error of each.
        most: how many at most, None for all.
    """
    if most is None or len(errors) <= most:
        return slice(None)
    sums = np.convolve(errors, np.ones(most), mode="valid")
    first = int(np.argmax(sums))
    return slice(first, first + most)


def chosen_clips(errors: Mapping[int, float], actions: Mapping[int, str]) -> list[int]:
    """Return a few clips that say much, worst first: of four actions the worst, a median, the best.

    Args:
        errors: by clip, worst first.
        actions: by clip.
    """
    ranked = list(errors)
    worst = list({actions[number]: number for number in reversed(ranked)}.values())[::-1][:4]
    found = {*worst, ranked[len(ranked) // 2], ranked[-1]}
    return [number for number in ranked if number in found]
