"""What a lifter sees, connects and predicts in single frames of a clip, for figures 6 and 7.

A frame is lifted in the window that has it in the middle, so that it has neighbours before and
after; `harness predict` takes windows side by side, so its digits differ a little from these.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray

from dgnet import DGNet
from dgnet.layer import DynamicalGraphLayer
from harness.body.skeleton import Skeleton
from harness.datasets.clip_names import clip_names
from harness.datasets.prepared import PreparedSet, Split
from harness.foundation.errors import HarnessError
from harness.foundation.suggest import nearest_name
from harness.lifting.checkpoint import CHECKPOINT, load_checkpoint
from harness.lifting.contract import Lifter, first_predicted
from harness.lifting.windows import WindowIndex, WindowReader
from harness.prediction.predict_split import check_input

Floats = NDArray[np.float64]

_OF_PAPER = ("WalkDog", "Walking")
"""The actions of figure 6."""


@dataclass(frozen=True)
class Moment:
    """One frame of a clip.

    Attributes:
        frame: its number in the clip.
        keypoints: (joints of the 2D layout, 2) pixels: the input.
        predicted: (joints, 3) root-relative camera-space metres.
        truth: likewise, or None where the data set has 2D only.
        affinities: by kind, "spatial", "backward" (to the frame before) and "forward" (to the one
            after), (joints, joints): a row weighs what its joint takes from others. Empty for
            lifters without such.
    """

    frame: int
    keypoints: Floats
    predicted: Floats
    truth: Floats | None
    affinities: dict[str, Floats]


@dataclass(frozen=True)
class Scene:
    """Some frames of a clip as a run sees them.

    Attributes:
        model: name of the model.
        run_id: the training run.
        clip: the clip's name, such as "S9/Walking/1/54138969".
        dataset: title of the data set.
        input_2d: the 2D source lifted.
        fps: frames a second.
        skeleton: joints of predictions.
        layout: joints of the 2D input.
        block: the block whose affinities these are, from 0.
        moments: the frames.
    """

    model: str
    run_id: str
    clip: str
    dataset: str
    input_2d: str
    fps: float
    skeleton: Skeleton
    layout: Skeleton
    block: int
    moments: tuple[Moment, ...]


def find_clip(prepared: PreparedSet, name: str, split: Split | None = None) -> pd.DataFrame:
    """Return, as a table of one row, the first clip whose name is or begins with `name`.

    Raises:
        HarnessError: there is none.
    """
    clips = prepared.select(split)
    names = clip_names(clips)
    for row, known in enumerate(names):
        if f"{known}/".startswith(f"{name.strip('/')}/"):
            return clips.iloc[[row]]
    nearest = nearest_name(name, names)
    hint = f"; did you mean '{nearest}'?" if nearest else f"; its first is '{names[0]}'"
    raise HarnessError(f"{prepared.path}: has no clip '{name}' in split {split}{hint}")


def usual_clips(prepared: PreparedSet) -> list[pd.DataFrame]:
    """Return a test clip of each action of figure 6, or the first clip where there is neither.

    Each is a table of one row.
    """
    clips = prepared.select("test")
    chosen = [clips[clips["action"] == action].head(1) for action in _OF_PAPER]
    return [clip for clip in chosen if not clip.empty] or [clips.head(1)]


def spread_frames(frames: int, count: int) -> list[int]:
    """Return `count` frames of a clip, evenly spread, its ends left out where it is long enough."""
    return sorted({int(frame) for frame in np.linspace(0, frames - 1, count + 2)[1:-1]})


def frame_numbers(text: str) -> list[int]:
    """Return the frames that "3,8,20-24" or, with a step, "0-60:5" mean; ends are included.

    Raises:
        HarnessError: the text has another form.
    """
    numbers: list[int] = []
    for part in text.split(","):
        found = re.fullmatch(r"(\d+)(?:-(\d+)(?::([1-9]\d*))?)?", part.strip())
        if not found:
            raise HarnessError(f"frames '{text}': expected a list such as 3,8,20-24 or 0-60:5")
        first = int(found[1])
        numbers += range(first, int(found[2] or first) + 1, int(found[3] or 1))
    if not numbers:
        raise HarnessError(f"frames '{text}': names none; ranges go upwards")
    return numbers


def has_affinities(run: Path) -> bool:
    """Return whether a run's checkpoint can be loaded and is of a network with dynamical layers."""
    try:
        lifter, _ = load_checkpoint(run / CHECKPOINT)
    except HarnessError:
        return False  # weights that are elsewhere, or a method that is not installed here
    network = getattr(lifter, "network", None)
    return isinstance(network, DGNet) and any(
        isinstance(module, DynamicalGraphLayer) for module in network.modules()
    )


def make_scene(
    run: Path,
    prepared: PreparedSet,
    clip: pd.DataFrame,
    frames: Sequence[int],
    *,
    input_2d: str | None = None,
    block: int = 0,
    allow_other_input: bool = False,
) -> Scene:
    """Lift frames of a clip with a finished run.

    Args:
        run: the run's folder.
        prepared: the data set.
        clip: one of its clips, as a table of one row.
        frames: numbers within the clip.
        input_2d: the 2D source to lift; by default the one trained on.
        block: the block to take affinities from; the paper shows the first.
        allow_other_input: lift data or a 2D source that the run was not trained on.

    Raises:
        HarnessError: a frame or block does not exist, or the input is not what the run was trained
            on and that was not asked for.
    """
    lifter, contract = load_checkpoint(run / CHECKPOINT)
    source = contract.input_2d if input_2d is None else input_2d
    if not allow_other_input:
        check_input(contract, prepared, source)
    (name,), length = clip_names(clip), int(clip["frames"].item())
    outside = [frame for frame in frames if not 0 <= frame < length]
    if outside or not frames:
        raise HarnessError(f"{name} has frames 0 to {length - 1}, asked for {outside or 'none'}")
    place = first_predicted(
        lifter.frames, "middle" if lifter.predicts == "all" else lifter.predicts
    )
    reader = WindowReader(prepared, clip, source, lifter)
    rows = clip["first_row"].item() + np.asarray(frames, dtype=np.int64)
    start = rows - place
    inputs = reader.inputs(WindowIndex(np.zeros_like(rows), start, rows, rows + 1))
    with torch.inference_mode():
        positions = lifter(inputs)
    if lifter.hypotheses > 1:
        positions = positions.mean(dim=1)  # what counts of several, see scoring.hypotheses
    predicted = positions[:, place if lifter.predicts == "all" else 0].double().numpy()
    affinities = _affinities(lifter, inputs.keypoints, block, place)
    columns = list(lifter.layout.columns_in(prepared.layout(source)))
    keypoints = prepared.keypoints_2d(source)[rows][:, columns].astype(np.float64)
    truth = _truth(prepared, lifter.skeleton, rows)
    moments = (
        Moment(
            frame=frame,
            keypoints=keypoints[number],
            predicted=predicted[number],
            truth=None if truth is None else truth[number],
            affinities={kind: matrices[number] for kind, matrices in affinities.items()},
        )
        for number, frame in enumerate(frames)
    )
    return Scene(
        model=contract.method,
        run_id=contract.run_id,
        clip=name,
        dataset=prepared.manifest.title,
        input_2d=source,
        fps=float(clip["fps"].item()),
        skeleton=lifter.skeleton,
        layout=lifter.layout,
        block=block,
        moments=tuple(moments),
    )


def _truth(prepared: PreparedSet, skeleton: Skeleton, rows: NDArray[np.int64]) -> Floats | None:
    if not prepared.manifest.has_3d:
        return None
    positions = prepared.positions_3d[rows][:, list(skeleton.columns_in(prepared.skeleton))]
    return (positions - positions[:, skeleton.root, None]).astype(np.float64)


def _affinities(
    lifter: Lifter, keypoints: torch.Tensor, block: int, place: int
) -> dict[str, Floats]:
    """Return by kind the (windows, joints, joints) of the first layer that has it, of one frame."""
    network = getattr(lifter, "network", None)
    if not isinstance(network, DGNet):
        return {}
    if not 0 <= block < len(network.blocks):
        raise HarnessError(f"the network has blocks 1 to {len(network.blocks)}, not {block + 1}")
    found: dict[str, Floats] = {}
    for name, matrices in network.affinities(keypoints, block).items():
        for kind, matrix in _of_frame(name.rpartition(".")[2], matrices, lifter.frames, place):
            found.setdefault(kind, matrix.double().numpy())
    return found


def _of_frame(
    kind: str, matrices: torch.Tensor, frames: int, place: int
) -> list[tuple[str, torch.Tensor]]:
    """Return the matrices of the frame at `place`; see `DGNet.affinities` for what is there."""
    if kind == "unified":
        before, now, after = matrices[:, place].chunk(3, dim=-1)
        return [("spatial", now), ("backward", before), ("forward", after)]
    missing = frames - matrices.shape[1]  # of the last frames forward, of the first backward
    index = place - missing if kind == "backward" else place
    return [(kind, matrices[:, index])] if 0 <= index < matrices.shape[1] else []
