"""`harness train`, `predict` and `models` from end to end in a folder of their own."""

import json
from pathlib import Path

import numpy as np
import pytest
import yaml
from click.testing import CliRunner, Result

from harness.body.camera import h36m_cameras, project
from harness.body.skeleton import H36M_17
from harness.cli.main import harness
from harness.datasets.prepared import Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.errors import HarnessError
from harness.lifting import registry
from harness.lifting.checkpoint import read_contract
from harness.prediction.stored import read_predictions

PARAMS = {
    "profile": "tiny",
    "seeds": [0],
    "models": ["martinez"],
    "profiles": {
        "tiny": {
            "dataset": {"name": "synthetic"},
            "input_2d": "gt",
            "flip_test": True,
            "protocols": ["h36m17-actionwise"],
            "models": {
                "martinez": {
                    "network": {"width": 16},
                    "training": {"epochs": 2, "batch_size": 8, "learning_rate": 1e-3},
                }
            },
        }
    },
}


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a project folder with a small prepared set."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    camera = h36m_cameras()["S1"][0]
    rng = np.random.default_rng(0)
    with write_prepared_set(tmp_path / "data/prepared/tiny", H36M_17) as writer:
        for split in ("train", "validation", "test"):
            positions = rng.normal([0.0, 0.0, 5.0], 0.3, size=(24, 17, 3))
            writer.add_clip(
                origin=split,
                subject=split,
                action="Walking",
                subaction="1",
                split=split,  # type: ignore[arg-type]
                fps=50.0,
                camera=camera,
                camera_key="S1/54138969",
                positions_3d=positions,
                keypoints_2d={"gt": project(positions, camera)},
                layouts={"gt": Source2D(layout="h36m_17", exact=True, confidence=False)},
            )
        writer.finish(
            name="tiny", title="Tiny", licence="", citation="", importer_version=1, settings={}
        )
    return tmp_path


def call(*arguments: str) -> Result:
    return CliRunner().invoke(harness, arguments, catch_exceptions=True)


def refused(*arguments: str) -> str:
    result = call(*arguments)
    assert isinstance(result.exception, HarnessError), result.output
    return str(result.exception)


def test_train_then_predict(place: Path) -> None:
    trained = call("train", "martinez", "--accelerator", "cpu")
    assert trained.exit_code == 0, trained.exception
    run = place / "results/tiny/runs/martinez-seed0"
    assert "validation MPJPE" in trained.output
    assert json.loads((run / "run.json").read_text())["status"] == "finished"
    assert len((run / "history.csv").read_text().splitlines()) == 3

    for name in ("tiny/martinez-seed0", str(run)):
        predicted = call("predict", name, "--accelerator", "cpu")
        assert predicted.exit_code == 0, predicted.exception
    stored = read_predictions(run / "predictions")
    assert stored.contract.flip_test
    assert stored.clips["subject"].tolist() == ["test"]

    out = place / "noisy"
    options = ("--noise", "5", "--draw", "2", "--no-flip", "--split", "validation")
    assert call("predict", str(run), *options, "--out", str(out)).exit_code == 0
    contract = read_predictions(out).contract
    assert contract.corruption == {"kind": "gaussian", "sigma_px": 5.0, "draw": 2}
    assert (contract.flip_test, contract.split) == (False, "validation")


def test_settings_change_for_one_run(place: Path) -> None:
    result = call(
        *("train", "martinez", "--seed", "3", "--accelerator", "cpu", "--folder", "mine"),
        *("--set", "training.epochs=1", "--set", "network.dropout=0.1"),
        *("--set", "training.select=last", "--precision", "64-true"),
    )
    assert result.exit_code == 0, result.exception
    contract = read_contract(place / "mine/model.safetensors")
    assert contract.seed == 3
    assert contract.recipe["epochs"] == 1
    assert contract.recipe["precision"] == "64-true"
    assert contract.network == {**contract.network, "dropout": 0.1, "width": 16}
    assert contract.selection == "last"


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("training.epoch=1", "'epoch'; did you mean 'epochs'"),
        ("network.widht=1", "'widht'; did you mean 'width'"),
        ("training.epochs=0", "'epochs': found 0, expected greater than or equal to 1"),
        ("epochs=1", "expected training.KEY=VALUE or network.KEY=VALUE"),
        ("training.epochs", "expected training.KEY=VALUE or network.KEY=VALUE"),
    ],
)
def test_a_mistyped_setting_is_refused_by_name(place: Path, change: str, problem: str) -> None:
    assert problem in refused("train", "martinez", "--set", change)
    assert not (place / "results").exists()


def test_a_profile_need_not_have_all_models_that_are_listed(place: Path) -> None:
    params = PARAMS | {"models": ["martinez", "semgcn"]}
    (place / "params.yaml").write_text(yaml.safe_dump(params))
    assert call("train", "martinez").exit_code == 0


def test_unknown_names_are_answered_with_the_nearest() -> None:
    assert "'martines'; did you mean 'martinez'" in refused("train", "martines")
    assert "'tini'; did you mean 'tiny'" in refused("train", "martinez", "--profile", "tini")
    assert "'semgnc'; did you mean 'semgcn'" in refused("models", "semgnc")


def test_data_that_are_not_prepared_say_how_to_prepare_them(place: Path) -> None:
    (place / "data/prepared/tiny/manifest.json").unlink()
    assert "harness data prepare" in refused("train", "martinez")


def test_models_lists_sizes_and_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    # Of the larger ones more would be built than is tested.
    some = ("dgnet", "fsg", "martinez", "semgcn", "videopose3d")
    monkeypatch.setattr(registry, "METHODS", {name: registry.METHODS[name] for name in some})
    text = call("models").output
    for name in some:
        assert name in text
    assert "2,669,147" in text
    listed = json.loads(call("models", "--format", "json").output)
    sizes = {entry["name"]: entry["parameters_predicting"] for entry in listed}
    assert sizes["dgnet"] == 2_333_037
    one = json.loads(call("models", "semgcn", "--format", "json").output)
    assert one["published"]
    in_full = call("models", "semgcn").output
    assert "learning_rate: 0.001" in in_full
    assert "differs from the original" in in_full
