"""How long lifters take for a frame, measured side by side in one process (table V).

Two ways of use are timed. "window": one window at a time, as from a camera; the time is that of the
frames predicted, so a lifter that predicts all four of its frames does a quarter of the work for
each. "clip": a recorded clip at once, as `harness.lifting.lift` does it. Lifters take turns, so
that whatever else the machine does falls on all of them alike. Only the network is timed, on
random keypoints: nothing it does depends on what they show.
"""

import time
from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from harness.body.skeleton import H36M_17
from harness.foundation.provenance import hardware, versions
from harness.foundation.settings import ModelSettings
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import parameter_count
from harness.lifting.contract import Lifter
from harness.lifting.made_input import made_input
from harness.lifting.registry import method_called
from harness.reporting.cost import changed_settings
from harness.reporting.paper.speed_report import USES, SpeedReport, Timing, Use

SKELETON = H36M_17
WITHOUT_KNN = "dgnet_without_knn"
_MODELS = ("videopose3d", WITHOUT_KNN, "dgnet")
_WARM_UP = 3


def measure_speed(
    models: Mapping[str, ModelSettings],
    *,
    clip_frames: int = 512,
    repetitions: int = 15,
    device: str = "cpu",
) -> SpeedReport:
    """Time the systems of table V: VideoPose3D, and DG-Net with and without nearest neighbours.

    Args:
        models: settings by model; networks that they do not name are of published size.
        clip_frames: length of the clip that is lifted at once.
        repetitions: how often each is timed, by turns.
        device: where.

    Raises:
        HarnessError: a network's settings are wrong.
    """
    timed = {name: _lifter(name, models).to(device) for name in _MODELS}
    calls = {
        (name, use): _call(lifter, use, clip_frames, device)
        for name, lifter in timed.items()
        for use in USES
    }
    times = interleaved(calls, repetitions, device)
    return SpeedReport(
        hardware=hardware(),
        device=device,
        threads=torch.get_num_threads(),
        clip_frames=clip_frames,
        versions=versions(),
        timings=[
            Timing(
                model=name,
                reduced=_reduced(name, models),
                frames=lifter.frames,
                parameters=parameter_count(lifter),
                ms_per_frame={
                    use: [
                        1000 * seconds / _frames(lifter, use, clip_frames)
                        for seconds in times[name, use]
                    ]
                    for use in USES
                },
            )
            for name, lifter in timed.items()
        ],
    )


def interleaved(
    calls: Mapping[tuple[str, Use], Callable[[], object]], repetitions: int, device: str
) -> dict[tuple[str, Use], list[float]]:
    """Return the seconds of each call, all called once a repetition, one after the other."""
    times: dict[tuple[str, Use], list[float]] = {name: [] for name in calls}
    with torch.inference_mode():
        for repetition in range(-_WARM_UP, repetitions):
            for name, call in calls.items():
                _wait(device)
                start = time.perf_counter()
                call()
                _wait(device)
                if repetition >= 0:
                    times[name].append(time.perf_counter() - start)
    return times


def _network(name: str, models: Mapping[str, ModelSettings]) -> dict[str, object]:
    method = "dgnet" if name == WITHOUT_KNN else name
    network = dict(models[method].network) if method in models else {}
    return network | ({"knn": False} if name == WITHOUT_KNN else {})


def _reduced(name: str, models: Mapping[str, ModelSettings]) -> dict[str, object]:
    network = {key: value for key, value in _network(name, models).items() if key != "knn"}
    return changed_settings("dgnet" if name == WITHOUT_KNN else name, network)


def _lifter(name: str, models: Mapping[str, ModelSettings]) -> Lifter:
    method = method_called("dgnet" if name == WITHOUT_KNN else name)
    return build_lifter(method, _network(name, models), SKELETON, SKELETON, seed=0).eval()


def _call(lifter: Lifter, use: Use, clip_frames: int, device: str) -> Callable[[], Tensor]:
    if use == "clip" and lifter.lifts_clips:
        inputs = made_input(lifter, 1, frames=clip_frames, device=device)
        return lambda: lifter.lift_clip(inputs)
    windows = 1 if use == "window" else -(-clip_frames // _frames(lifter, "window", clip_frames))
    inputs = made_input(lifter, windows, device=device)
    return lambda: lifter(inputs)


def _frames(lifter: Lifter, use: Use, clip_frames: int) -> int:
    """Return how many frames a call predicts."""
    if use == "clip":
        return clip_frames
    return lifter.frames if lifter.predicts == "all" else 1


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()
