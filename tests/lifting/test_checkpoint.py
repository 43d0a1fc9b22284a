"""Checkpoints come back exactly, and nothing damaged, foreign or dangerous is loaded."""

import dataclasses
import json
import pickle
import resource
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from tiny_lifter import METHOD, LinearLifter

from harness.body.skeleton import H36M_17
from harness.foundation.errors import HarnessError
from harness.lifting import registry
from harness.lifting.build import build_lifter
from harness.lifting.checkpoint import (
    ModelContract,
    load_checkpoint,
    parameter_count,
    read_contract,
    save_checkpoint,
)
from harness.lifting.registry import method_called


@pytest.fixture(autouse=True)
def _linear_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.METHODS, METHOD.name, "tiny_lifter:METHOD")


def contract(**changes: object) -> ModelContract:
    values: dict[str, object] = {
        "run_id": "linear-0123456789",
        "method": "linear",
        "network": {"frames": 3},
        "data_skeleton": "h36m_17",
        "data_layout": "h36m_17",
        "skeleton": "h36m_17",
        "layout": "h36m_17",
        "frames": 3,
        "predicts": "all",
        "input_2d": "gt",
        "train_actions": None,
        "dataset": "tiny",
        "data_hash": "00",
        "uses_root_depth": False,
        "seed": 0,
        "recipe": {},
        "selection": "best",
        "epoch": 1,
        "parameters": 3,
    }
    return ModelContract.model_validate(values | changes)


def lifter(seed: int = 0) -> LinearLifter:
    return build_lifter(METHOD, {}, H36M_17, H36M_17, seed)  # type: ignore[return-value]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    save_checkpoint(tmp_path / "model.safetensors", lifter(5).state_dict(), contract())
    return tmp_path / "model.safetensors"


def test_weights_and_contract_come_back(path: Path) -> None:
    loaded, read = load_checkpoint(path)
    assert read == contract() == read_contract(path)
    assert not loaded.training
    expected = lifter(5).state_dict()
    assert loaded.state_dict().keys() == expected.keys()
    for name, weight in loaded.state_dict().items():
        assert torch.equal(weight, expected[name])


def test_equal_weights_give_equal_bytes(path: Path, tmp_path: Path) -> None:
    weights = dict(reversed(lifter(5).state_dict().items()))
    save_checkpoint(tmp_path / "again", weights, contract())
    assert (tmp_path / "again").read_bytes() == path.read_bytes()


@pytest.mark.parametrize("kept", [0, 4, 100, -1])
def test_a_truncated_file_is_refused(path: Path, kept: int) -> None:
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(HarnessError, match="not a whole safetensors file"):
        load_checkpoint(path)


class _Trap:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("a stranger's code ran",)


def test_a_pickle_is_refused_and_never_run(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_bytes(pickle.dumps(_Trap()))
    with pytest.raises(HarnessError, match="not a whole safetensors file"):
        load_checkpoint(path)
    assert capsys.readouterr().out == ""


def test_weights_without_a_contract_are_refused(path: Path) -> None:
    save_file({"weight": torch.zeros(1)}, path)
    with pytest.raises(HarnessError, match="without a contract"):
        load_checkpoint(path)


def test_a_contract_of_another_kind_is_refused(path: Path) -> None:
    save_file({"weight": torch.zeros(1)}, path, {"contract": json.dumps({"method": "linear"})})
    with pytest.raises(HarnessError, match="contract is not one this version reads"):
        load_checkpoint(path)


def changed(path: Path, **tensors: torch.Tensor | None) -> None:
    """Rewrite the checkpoint with some tensors replaced, added or (None) taken away."""
    with safe_open(path, "pt") as file:
        weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    for name, tensor in tensors.items():
        key = name.replace("__", ".")
        if tensor is None:
            del weights[key]
        else:
            weights[key] = tensor
    save_checkpoint(path, weights, contract())


def test_a_missing_tensor_is_named(path: Path) -> None:
    changed(path, layers__1__weight=None)
    with pytest.raises(HarnessError, match=r"lacks tensor 'layers\.1\.weight'"):
        load_checkpoint(path)


def test_an_unused_tensor_is_named(path: Path) -> None:
    changed(path, stowaway=torch.zeros(3))
    with pytest.raises(HarnessError, match="has, unused, tensor 'stowaway'"):
        load_checkpoint(path)


def test_a_tensor_of_another_shape_is_named(path: Path) -> None:
    changed(path, layers__1__bias=torch.zeros(9))
    with pytest.raises(HarnessError, match=r"'layers\.1\.bias' has shape \(9,\), expected \(8,\)"):
        load_checkpoint(path)


def test_a_contract_that_does_not_fit_the_lifter_is_refused(path: Path) -> None:
    save_checkpoint(path, lifter().state_dict(), contract(predicts="middle"))
    with pytest.raises(HarnessError, match="contract does not fit"):
        load_checkpoint(path)


def test_an_unknown_method_names_the_file(path: Path) -> None:
    save_checkpoint(path, lifter().state_dict(), contract(method="linnear"))
    with pytest.raises(HarnessError, match=r"model\.safetensors: unknown model 'linnear'"):
        load_checkpoint(path)


def test_a_missing_checkpoint_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="train the model first"):
        load_checkpoint(tmp_path / "none")


def test_parameters_are_those_that_learn() -> None:
    model = lifter()
    every = 8 * (3 * 17 * 2 + 1) + 2 * 8 + 3 * 17 * 3 * 9
    assert parameter_count(model) == every
    model.layers[1].bias.requires_grad = False
    assert parameter_count(model) == every - 8


@pytest.mark.parametrize(
    ("method", "network"),
    [
        ("martinez", {"width": 100_000}),
        ("semgcn", {"channels": 30_000}),
        ("dgnet", {"channels": 30_000}),
        ("dgnet", {"blocks": 1_000_000}),
        ("videopose3d", {"channels": 1_000_000}),
        ("martinez", {"width": 10**12}),
    ],
)
def test_a_small_file_that_claims_a_large_network_is_refused_at_no_cost(
    tmp_path: Path, method: str, network: dict[str, int]
) -> None:
    claimed = contract(method=method, network=network)
    save_checkpoint(tmp_path / "c.safetensors", {"weight": torch.zeros(100)}, claimed)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(HarnessError, match=r"of more than 1,000,100 weights|at most 1,000,000"):
        load_checkpoint(tmp_path / "c.safetensors")
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024  # KiB


def test_a_network_larger_than_any_is_refused_before_it_is_built() -> None:
    with pytest.raises(HarnessError, match="a lifter of more than 268,435,456 weights"):
        build_lifter(method_called("martinez"), {"width": 500_000}, H36M_17, H36M_17, 0)


def test_a_mistake_in_a_method_is_not_taken_for_its_size() -> None:
    def build(*_: object) -> LinearLifter:
        torch.zeros(2, 3) @ torch.zeros(2, 3)
        raise AssertionError

    wrong = dataclasses.replace(method_called("martinez"), build=build)
    with pytest.raises(RuntimeError, match="mat1 and mat2 shapes"):
        build_lifter(wrong, {}, H36M_17, H36M_17, 0)
