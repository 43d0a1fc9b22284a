"""What a lifter costs: parameters, multiply-accumulates, time and memory, side by side."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Literal

import torch
from pydantic import BaseModel, ConfigDict

from harness.body.skeleton import H36M_17
from harness.foundation.memory import keep_freed_memory
from harness.foundation.settings import ModelSettings
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import parameter_count
from harness.lifting.computation import computation
from harness.lifting.contract import Lifter
from harness.lifting.made_input import made_input
from harness.lifting.registry import method_called
from harness.reporting.published import published_table
from harness.reporting.table_parts import csv_text
from harness.reporting.table_text import Table

Style = Literal["md", "csv", "json"]

RULE = (
    "MACs: multiply-accumulates of linear layers, convolutions and products of two tensors, "
    "attention's among them, of one window in one pass; none for norms, activations, softmax, "
    "additions, choices, scaling and fixed transforms. Flip at test doubles them."
)

_LONGEST = 10.0
"""Seconds after which a lifter is not timed again."""


class LifterCost(BaseModel):
    """What one lifter costs.

    Attributes:
        model: the method.
        network: its own parameters, as they differ from the published ones.
        frames: length of its window.
        predicted_frames: how many of them it predicts.
        hypotheses: poses it predicts of each.
        parameters: trainable ones.
        macs_per_window: multiply-accumulates of a window.
        macs_per_frame: the same, by predicted frame.
        printed_giga: what its source prints in their place, in 10^9, where it prints something.
        printed_counts: what the source's number counts.
        window_ms: median milliseconds of one window alone; None where nothing was timed.
        batch: windows predicted at once in what follows.
        frames_per_second: predicted in batches, from the median time of one.
        peak_mib: the most MiB of tensors held at one time while a batch is predicted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: str
    network: dict[str, object]
    frames: int
    predicted_frames: int
    hypotheses: int
    parameters: int
    macs_per_window: int
    macs_per_frame: float
    printed_giga: float | None
    printed_counts: str | None
    window_ms: float | None
    batch: int
    frames_per_second: float | None
    peak_mib: float


def lifter_costs(
    models: Mapping[str, ModelSettings],
    *,
    batch: int | None = None,
    repetitions: int = 5,
    device: str = "cpu",
    said: Callable[[str], None] = lambda _: None,
) -> list[LifterCost]:
    """Return what each lifter costs, timed by turns in this process on random 2D.

    Args:
        models: settings by method; joints are Human3.6M's 17.
        batch: windows at once; by default what each lifter is predicted with.
        repetitions: how often each is timed, 0 for not at all; a lifter is left out of further
            turns once it has taken ten seconds.
        device: where.
        said: told what is done next.

    Raises:
        HarnessError: a network's settings are wrong.
    """
    lifters = {
        name: build_lifter(method_called(name), settings.network, H36M_17, H36M_17, seed=0).eval()
        for name, settings in models.items()
    }
    batches = {name: batch or lifter.windows_at_a_time for name, lifter in lifters.items()}
    taken = {}
    for name, lifter in lifters.items():
        said(f"counting {name}")
        taken[name] = computation(lifter, batches[name])
    calls = {}
    for name, lifter in lifters.items():
        lifter.to(device)
        for windows in {1, batches[name]}:
            calls[name, windows] = _call(lifter, windows, device)
    times = _by_turns(calls, repetitions, device, said)
    costs = []
    for name, lifter in lifters.items():
        predicted = lifter.frames if lifter.predicts == "all" else 1
        network = changed_settings(name, models[name].network)
        printed = _printed(name, network)
        alone, together = times[name, 1], times[name, batches[name]]
        costs.append(
            LifterCost(
                model=name,
                network=network,
                frames=lifter.frames,
                predicted_frames=predicted,
                hypotheses=lifter.hypotheses,
                parameters=parameter_count(lifter),
                macs_per_window=taken[name].multiply_accumulates,
                macs_per_frame=taken[name].multiply_accumulates / predicted,
                printed_giga=printed[0] if printed else None,
                printed_counts=printed[1] if printed else None,
                window_ms=1000 * median(alone) if alone else None,
                batch=batches[name],
                frames_per_second=(
                    predicted * batches[name] / median(together) if together else None
                ),
                peak_mib=taken[name].peak_bytes / 2**20,
            )
        )
    return costs


def cost_text(costs: Sequence[LifterCost], style: Style) -> str:
    """Return costs as a Markdown table with its rule, as CSV or as JSON."""
    if style == "json":
        return json.dumps([cost.model_dump(mode="json") for cost in costs], indent=2)
    if style == "csv":
        rows = [
            {**cost.model_dump(mode="json"), "network": json.dumps(cost.network)} for cost in costs
        ]
        return csv_text(rows).rstrip("\n")
    lines = [
        [
            cost.model,
            ", ".join(f"{key} {value}" for key, value in cost.network.items()) or "published",
            f"{cost.predicted_frames} of {cost.frames}",
            f"{cost.parameters:,}",
            _giga(cost.macs_per_window),
            f"{cost.macs_per_frame / 1e6:,.2f} M",
            "" if cost.printed_giga is None else f"{cost.printed_giga:g} G",
            "" if cost.window_ms is None else f"{cost.window_ms:,.1f}",
            f"{cost.batch}",
            "" if cost.frames_per_second is None else f"{cost.frames_per_second:,.0f}",
            f"{cost.peak_mib:,.0f}",
        ]
        for cost in costs
    ]
    heads = [
        "model",
        "network",
        "frames predicted",
        "parameters",
        "MACs a window",
        "MACs a frame",
        "printed",
        "ms a window",
        "batch",
        "frames a second",
        "peak MiB",
    ]
    counted = dict.fromkeys(
        f"{cost.model}'s printed number counts {cost.printed_counts}."
        for cost in costs
        if cost.printed_counts
    )
    return "\n\n".join([Table(heads, lines, words=3).markdown(), RULE, *counted])


def _giga(count: int) -> str:
    return f"{count / 1e9:,.3f} G" if count >= 10**9 else f"{count / 1e6:,.3f} M"


def _call(lifter: Lifter, windows: int, device: str) -> Callable[[], object]:
    inputs = made_input(lifter, windows, device=device)
    return lambda: lifter(inputs)


def _by_turns(
    calls: Mapping[tuple[str, int], Callable[[], object]],
    repetitions: int,
    device: str,
    said: Callable[[str], None],
) -> dict[tuple[str, int], list[float]]:
    """Return the seconds of each call; the first, which warms up, counts where it is the only."""
    times: dict[tuple[str, int], list[float]] = {key: [] for key in calls}
    first: dict[tuple[str, int], float] = {}
    keep_freed_memory()  # as predicting does
    with torch.inference_mode():
        for turn in range(repetitions + 1 if repetitions else 0):
            said(f"timing, turn {turn} of {repetitions}")
            for key, call in calls.items():
                if sum(times[key], first.get(key, 0.0)) > _LONGEST:
                    continue
                start = time.perf_counter()
                call()
                if device == "cuda":
                    torch.cuda.synchronize()
                seconds = time.perf_counter() - start
                if turn == 0:
                    first[key] = seconds
                else:
                    times[key].append(seconds)
    return {key: values or ([first[key]] if key in first else []) for key, values in times.items()}


def changed_settings(name: str, network: Mapping[str, object]) -> dict[str, object]:
    """Return those of a network's settings that are not as published.

    Raises:
        HarnessError: there is no such method.
    """
    published = method_called(name).settings().model_dump(mode="json")
    return {key: value for key, value in network.items() if value != published[key]}


def _printed(name: str, network: Mapping[str, object]) -> tuple[float, str] | None:
    """Return what was printed of a network, in 10^9, and what was counted, if it was."""
    for _, row in published_table("computation").iterrows():
        if row["model"] == name and json.loads(row["network"]) == network:
            return float(row["printed_giga"]), str(row["counted"])
    return None
