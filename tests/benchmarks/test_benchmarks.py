"""Benchmarks run, and what they record can be read; how fast they are is no matter of tests."""

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from held_memory import hold

from benchmarks import (
    baselines,
    dgnet,
    growth,
    importing,
    large_set,
    p_mpjpe,
    precision,
    profiles,
    rounding,
    scoring,
    windows,
)
from benchmarks.command import parser_of, run
from benchmarks.growth import Curve, draw, exponent
from benchmarks.memory import Usage, usage_of
from benchmarks.record import Line, at_least, at_most, digits, read_lines, table_of
from benchmarks.timing import Turns


def test_a_figure_meets_its_target_or_does_not() -> None:
    assert at_most("time", 2.0, "s", 2).meets_target
    assert not at_most("time", 2.1, "s", 2).meets_target
    assert at_least("speed", 4.0, "x", 4).meets_target
    assert not at_least("speed", 3.9, "x", 4).meets_target
    assert Line("size", 3.0, "MB").meets_target is None


def test_what_is_recorded_is_read_back_and_names_the_machine(tmp_path: Path) -> None:
    lines = [at_most("time", 2.0, "s", 3), Line("size", 1234.0, "MB")]
    run("tried", lambda arguments: lines, parser_of("Try."), ["--out", str(tmp_path)])
    assert read_lines(tmp_path) == [("tried", line) for line in lines]
    recorded = json.loads((tmp_path / "tried.json").read_text())
    assert recorded["lines"][0] == {
        "name": "time",
        "value": 2.0,
        "unit": "s",
        "target": "at most 3",
        "meets_target": True,
    }
    assert recorded["hardware"]["cores"] >= 1
    assert "torch" in recorded["versions"]
    assert recorded["load"].keys() == {"begin", "end"}


def test_the_table_shows_figure_and_target_side_by_side() -> None:
    table = table_of([("one", at_most("time", 2.5, "s", 2)), ("two", Line("size", 1234.0, "MB"))])
    first, second = (row.split("|") for row in table.splitlines()[2:])
    assert [cell.strip() for cell in first[1:-1]] == ["one", "time", "2.5 s", "at most 2", "**no**"]
    assert [cell.strip() for cell in second[1:-1]] == ["two", "size", "1,234 MB", "", ""]


@pytest.mark.parametrize(
    ("value", "shown"), [(0, "0"), (1.2345, "1.23"), (98765.4, "98,765"), (0.0001234, "1.2e-04")]
)
def test_three_digits_are_enough(value: float, shown: str) -> None:
    assert digits(value) == shown


def test_an_exponent_is_that_of_the_larger_sizes() -> None:
    sizes = [10.0, 100.0, 1000.0, 10_000.0]
    values = [1.0 + 0.01 * size**1.5 for size in sizes]
    assert exponent(sizes, values) == pytest.approx(1.5, abs=0.01)
    assert exponent(sizes[:2], [2.0, 200.0]) == pytest.approx(2.0)


def test_curves_are_drawn(tmp_path: Path) -> None:
    draw({"window length": [Curve("work", [1, 2], [0.1, 0.2], [1e6, 2e6])]}, tmp_path)
    assert (tmp_path / "growth_window_length.png").stat().st_size > 1000


def test_work_is_timed_in_turns() -> None:
    calls: list[str] = []
    works = {name: lambda name=name: calls.append(name) for name in "ab"}
    turns = Turns(works, rounds=3, shortest=0.0)
    assert calls == [*"ab", *"ababab"]
    assert {len(times) for times in turns.samples.values()} == {3}


def test_peak_memory_is_that_of_the_work() -> None:
    used = usage_of(hold, 50_000_000)
    assert used.result == 50_000_000
    assert 90e6 < used.peak < 120e6


def test_the_literal_generator_gives_the_batches_that_ours_does(tmp_path: Path) -> None:
    prepared = windows.made_set(tmp_path / "set", 3, 31)
    chosen = np.array([0, 30, 7, 12])
    for frames, predicts in ((4, "all"), (9, "middle")):
        shape = windows.Shape(frames, predicts)
        reader = windows.WindowReader(prepared, prepared.clips, "gt", shape)
        index = windows.TrainingWindows(prepared.clips, frames, predicts)
        numbers = chosen % len(index)
        ours = reader.batch(index[numbers])
        theirs = windows.SlicingGenerator(prepared, frames, predicts).batch(numbers)
        np.testing.assert_allclose(ours.inputs.keypoints, theirs[0], atol=1e-6)
        np.testing.assert_allclose(ours.target + ours.root[:, :, None], theirs[1], atol=1e-6)


def _in_this_process(work: Callable[..., Any], *arguments: Any) -> Usage:
    return Usage(work(*arguments), 1.0, 1.0, 1)


@pytest.mark.parametrize(
    "module",
    [
        p_mpjpe,
        windows,
        pytest.param(scoring, marks=pytest.mark.slow),
        importing,
        baselines,
        pytest.param(dgnet, marks=pytest.mark.slow),
        pytest.param(growth, marks=pytest.mark.slow),
        profiles,
        pytest.param(rounding, marks=pytest.mark.slow),
    ],
    ids=lambda module: module.__name__,
)
def test_a_benchmark_runs_small(
    module: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (windows, scoring, importing):
        monkeypatch.setattr(place, "usage_of", _in_this_process)
    # Pictures have a test of their own, and to give memory back matters to figures alone.
    monkeypatch.setattr(growth, "draw", lambda curves, folder: None)
    monkeypatch.setattr(growth, "_release", lambda: None)
    threads = torch.get_num_threads()
    options = module.parser() if hasattr(module, "parser") else parser_of("Try.")
    run("small", module.measure, options, ["--smoke", "--out", str(tmp_path)])
    torch.set_num_threads(threads)
    lines = [line for _, line in read_lines(tmp_path)]
    assert lines
    assert all(np.isfinite(line.value) for line in lines)


@pytest.mark.slow
def test_training_on_a_large_set_runs_under_its_limit(tmp_path: Path) -> None:
    run("small", large_set.measure, large_set.parser(), ["--smoke", "--out", str(tmp_path)])
    held = read_lines(tmp_path)[0][1]
    assert 0 < held.value < 4
    assert held.meets_target


@pytest.mark.slow
def test_each_precision_is_timed_alone_and_compiled() -> None:
    lines = precision.speed({"channels": 4, "blocks": 1}, 2, 1, "eager")
    names = [line.name.removeprefix("DG-Net training step, 2 windows, ") for line in lines]
    assert names[0] == "float32"
    assert {"bfloat16, speed against float32", "bfloat16, compiled, speed against float32"} <= {
        *names
    }
    assert all(line.value > 0 for line in lines)
    assert torch.get_float32_matmul_precision() == "highest"


def test_in_bfloat16_products_have_fewer_digits() -> None:
    seen = []
    precision.in_bfloat16(lambda batch: seen.append((torch.eye(2) @ torch.eye(2)).dtype))(None)
    assert seen == [torch.bfloat16]
