"""A skeleton that only a data set defines: trained on, predicted and scored by later processes."""

from pathlib import Path

import custom_files as files
import pytest

from harness.body import skeleton as skeletons
from harness.body.skeleton import H36M_17
from harness.datasets.importers import prepare_set
from harness.foundation.settings import ModelSettings
from harness.prediction.predict_run import predict_run
from harness.prediction.stored import read_predictions
from harness.training.plan import TrainingPlan
from harness.training.train_run import train_run


@pytest.fixture
def _new_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Know the built-in skeletons only, as a process that has opened no data set yet does."""
    known = {name: item for name, item in skeletons._SKELETONS.items() if item.name != "bird_5"}
    monkeypatch.setattr(skeletons, "_SKELETONS", known)


@pytest.mark.usefixtures("_new_process")
@pytest.mark.parametrize("model", ["martinez", "dgnet"])
def test_a_model_of_ones_own_skeleton_is_used_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.chdir(tmp_path)
    files.write(tmp_path / "raw", files.description())
    prepare_set("custom", tmp_path / "raw", tmp_path / "set", {})
    network = {"width": 8} if model == "martinez" else {"channels": 4, "blocks": 1}
    plan = TrainingPlan(
        experiment="birds",
        model=model,
        seed=0,
        settings=ModelSettings(network=network, training={"epochs": 1, "batch_size": 8}),
        input_2d="gt",
        prepared=tmp_path / "set",
        folder=tmp_path / "run",
    )
    train_run(plan)
    known = {H36M_17.name: H36M_17}
    monkeypatch.setattr(skeletons, "_SKELETONS", known)
    predict_run(tmp_path / "run", tmp_path / "set", flip_test=True, accelerator="cpu")
    predictions = read_predictions(tmp_path / "run/predictions")
    assert predictions.positions.shape == (24, 5, 3)
