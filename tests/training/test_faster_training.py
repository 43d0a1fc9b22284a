"""Switches that make training faster: half precision, fewer digits in products, compiling."""

from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_lifter import METHOD, LinearLifter, LinearSettings, tiny_plan, write_tiny_set
from torch import Tensor

from harness.body.skeleton import H36M_17
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import RunRecord
from harness.lifting import registry
from harness.lifting.checkpoint import read_contract
from harness.lifting.contract import Batch
from harness.lifting.recipe import Recipe
from harness.training import compiling
from harness.training.compiling import Choice, whether_to_compile
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

    def choice(wanted: str, steps: int, processes: int = 1, precision: str = "32-true") -> Choice:
        recipe = Recipe(
            epochs=1, batch_size=1, learning_rate=1, compile=wanted, precision=precision
        )
        return whether_to_compile(recipe, lifter, steps, processes)

    assert not choice("off", 10**9).compiled
    never = choice("auto", 10**9)
    assert never == (False, "no, it was not seen to pay for this model in 32-true")
    lifter.compiling_pays_after = {"32-true": 500, "bf16-mixed": 50}
    assert choice("on", 1).compiled
    assert choice("auto", 499) == (
        False,
        "no, the run takes 499 steps, and compiling pays after 500 in 32-true",
    )
    assert choice("auto", 500) == (
        True,
        "yes, the run takes 500 steps, and compiling pays after 500 in 32-true",
    )
    assert choice("auto", 50, precision="bf16-mixed").compiled
    assert not choice("auto", 500, processes=2).compiled
    with pytest.raises(HarnessError, match="several processes"):
        choice("on", 500, processes=2)
    monkeypatch.setattr(compiling.shutil, "which", lambda program: None)
    assert not choice("auto", 500).compiled
    with pytest.raises(HarnessError, match=r"no C\+\+ compiler"):
        choice("on", 500)


def test_a_run_says_whether_it_compiles_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    record, _ = trained("auto", compile="auto")
    reason = "no, it was not seen to pay for this model in 32-true"
    assert f"compiled: {reason}" in capsys.readouterr().err
    assert record.results["compiled_because"] == reason
