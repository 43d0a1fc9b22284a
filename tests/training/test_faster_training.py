"""Switches that make training faster: half precision, fewer digits in products, compiling."""

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_lifter import METHOD, LinearLifter, LinearSettings, tiny_plan, write_tiny_set
from torch import Tensor

from harness.body.skeleton import H36M_17
from harness.lifting import registry
from harness.lifting.checkpoint import read_contract
from harness.lifting.contract import Batch
from harness.runs.errors import HarnessError
from harness.runs.provenance import RunRecord
from harness.training import compiling
from harness.training.compiling import compiles
from harness.training.train_run import train_run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.METHODS, METHOD.name, "tiny_lifter:METHOD")
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.chdir(tmp_path)
    write_tiny_set(tmp_path / "set")


def trained(folder: str, **training: object) -> tuple[RunRecord, dict[str, Tensor]]:
    plan = tiny_plan(Path("set"), Path(folder), network={"dropout": 0.0}, epochs=1, **training)
    record = train_run(plan, accelerator="cpu")
    return record, load_file(f"{folder}/model.safetensors")


def test_half_precision_gives_errors_near_by_and_is_on_record() -> None:
    exact, weights = trained("exact")
    half, rounded = trained("half", precision="bf16-mixed")
    assert read_contract(Path("half/model.safetensors")).recipe["precision"] == "bf16-mixed"
    assert half.parameters["training"]["precision"] == "bf16-mixed"
    errors = [record.results["validation_MPJPE"] for record in (exact, half)]
    assert errors[0] != errors[1]
    assert errors[1] == pytest.approx(errors[0], rel=0.03)
    assert all(rounded[name].dtype == weight.dtype for name, weight in weights.items())


def test_products_lose_digits_in_training_steps_only(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {True: set[str](), False: set[str]()}
    plain = LinearLifter.forward

    def watched(self: LinearLifter, inputs: object) -> Tensor:
        seen[self.training].add(torch.get_float32_matmul_precision())
        return plain(self, inputs)  # type: ignore[arg-type]

    monkeypatch.setattr(LinearLifter, "forward", watched)
    trained("fast", float32_products="medium")
    assert seen == {True: {"medium"}, False: {"highest"}}
    assert torch.get_float32_matmul_precision() == "highest"


def test_a_compiled_loss_trains_to_the_same_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    plain_record, plain = trained("plain")
    # Traced and differentiated as for any back end, without the minute that C++ takes to compile.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    calls = LinearLifter.loss
    traced = []

    def loss(self: LinearLifter, batch: Batch) -> Tensor:
        traced.append(torch.compiler.is_compiling())
        return calls(self, batch)

    monkeypatch.setattr(LinearLifter, "loss", loss)
    record, compiled = trained("compiled", compile="on")
    assert traced
    assert all(traced)
    assert (plain_record.results["compiled"], record.results["compiled"]) == (False, True)
    for name, weight in plain.items():
        torch.testing.assert_close(compiled[name], weight, rtol=1e-4, atol=1e-5)


def test_auto_compiles_where_it_pays(monkeypatch: pytest.MonkeyPatch) -> None:
    lifter = LinearLifter(LinearSettings(), H36M_17, H36M_17)
    assert not compiles("off", lifter, 10**9, 1)
    assert not compiles("auto", lifter, 10**9, 1)  # nobody has measured that it ever pays
    lifter.compiling_pays_after = 500
    assert compiles("on", lifter, 1, 1)
    assert not compiles("auto", lifter, 499, 1)
    assert compiles("auto", lifter, 500, 1)
    assert not compiles("auto", lifter, 500, 2)
    with pytest.raises(HarnessError, match="several processes"):
        compiles("on", lifter, 500, 2)
    monkeypatch.setattr(compiling.shutil, "which", lambda program: None)
    assert not compiles("auto", lifter, 500, 1)
    with pytest.raises(HarnessError, match=r"no C\+\+ compiler"):
        compiles("on", lifter, 500, 1)
