"""Methods are found by name, ours and those of packages installed beside."""

import importlib.metadata
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from tiny_lifter import METHOD, LinearLifter, LinearSettings
from torch import Tensor

from harness.body.skeleton import H36M_17, Skeleton
from harness.foundation.errors import HarnessError
from harness.lifting import catalogue, registry
from harness.lifting.build import build_lifter
from harness.lifting.catalogue import describe
from harness.lifting.contract import LifterInput
from harness.lifting.registry import (
    method_called,
    method_module,
    method_names,
    method_sources,
)


def add_entry_point(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    entry = importlib.metadata.EntryPoint(name, value, registry.ENTRY_POINT_GROUP)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry])


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(HarnessError, match="unknown model 'dgent'; did you mean 'dgnet'"):
        method_called("dgent")


@pytest.mark.parametrize("name", sorted(registry.METHODS))
def test_each_of_our_methods_loads_under_its_name(name: str) -> None:
    assert method_called(name).name == name
    sources = method_sources(name)
    assert method_module(name) in sources
    shared = ("taken_joints", "beginning", "warm_start", "loop", "window_order", "schedule")
    assert {f"harness.training.{module}" for module in shared} <= sources.keys()
    assert "harness.training.watching" not in sources, "what people see shapes no number"


def test_an_installed_package_adds_a_method(monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry_point(monkeypatch, "linear", "tiny_lifter:METHOD")
    assert "linear" in method_names()
    assert method_called("linear") is METHOD
    assert "tiny_lifter" in method_sources("linear")


def test_a_name_that_is_taken_is_refused_where_it_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    add_entry_point(monkeypatch, "dgnet", "tiny_lifter:METHOD")
    for use in (method_called, method_sources):
        with pytest.raises(HarnessError, match=r"'dgnet' stands for harness.* and tiny_"):
            use("dgnet")
    assert method_called("martinez").name == "martinez", "the others stay usable"


def test_the_same_package_found_twice_is_no_collision(monkeypatch: pytest.MonkeyPatch) -> None:
    group = registry.ENTRY_POINT_GROUP
    entry = importlib.metadata.EntryPoint("linear", "tiny_lifter:METHOD", group)
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: [entry, entry])
    assert method_called("linear") is METHOD


@pytest.mark.parametrize("value", ["tiny:NOTHING", "no_such_package:METHOD", "tiny:CAMERAS"])
def test_a_broken_package_is_named(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    add_entry_point(monkeypatch, "broken", value)
    with pytest.raises(HarnessError, match="method 'broken'"):
        method_called("broken")


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("raise ValueError('no licence key')", "ValueError: no licence key"),
        ("def METHOD(", "SyntaxError"),
        ("from tiny_lifter import METHOD", "calls itself 'linear'"),
    ],
)
def test_a_module_that_fails_is_one_plain_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str, error: str
) -> None:
    name = f"failing_{len(content)}"
    (tmp_path / f"{name}.py").write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    add_entry_point(monkeypatch, name, f"{name}:METHOD")
    with pytest.raises(HarnessError, match=f"method '{name}'.*{error}"):
        method_called(name)
    if error == "SyntaxError":
        with pytest.raises(HarnessError, match=rf"{name}\.py: is not Python"):
            method_sources(name)


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        (lambda predicted: {"pose": predicted}, "returns a dict, expected a tensor"),
        (lambda predicted: predicted[:, 0], r"shape \(2, 17, 3\), expected \(2, 1, 17, 3\)"),
    ],
)
def test_a_lifter_that_returns_something_else_is_told_so(
    monkeypatch: pytest.MonkeyPatch, returned: Callable[[Tensor], Tensor], error: str
) -> None:
    class Careless(LinearLifter):
        def forward(self, inputs: LifterInput) -> Tensor:
            return returned(super().forward(inputs))

    def build(settings: LinearSettings, skeleton: Skeleton, layout: Skeleton) -> Careless:
        return Careless(settings.model_copy(update={"predicts": "middle"}), skeleton, layout)

    monkeypatch.setattr(catalogue, "method_called", lambda name: replace(METHOD, build=build))
    with pytest.raises(HarnessError, match=error):
        describe("linear")


def test_names_and_sources_come_without_importing_a_method() -> None:
    code = (
        "import sys; from harness.lifting.registry import method_names, method_sources\n"
        "method_names(); method_sources('dgnet')\n"
        "sys.exit(any(name in ('torch', 'dgnet', 'baselines') for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_seed_alone_decides_initial_weights() -> None:
    def first(seed: int) -> torch.Tensor:
        return next(build_lifter(METHOD, {}, H36M_17, H36M_17, seed).parameters())

    torch.manual_seed(3)
    before = torch.get_rng_state()
    weight = first(0)
    assert torch.equal(torch.get_rng_state(), before), "building shifted other randomness"
    torch.manual_seed(4)
    assert torch.equal(first(0), weight)
    assert not torch.equal(first(1), weight)


def test_parameters_are_those_of_the_size_table() -> None:
    # DG-Net's plain reading: 2,669,147 with block heads, 2,333,037 without; SemGCN 267,373 and
    # Martinez 4,296,755 with 17 joints.
    entry = describe("dgnet")
    assert (entry.parameters, entry.parameters_predicting) == (2_669_147, 2_333_037)
    assert describe("semgcn").parameters == describe("semgcn").parameters_predicting == 267_373
    assert describe("martinez").parameters == 4_296_755
