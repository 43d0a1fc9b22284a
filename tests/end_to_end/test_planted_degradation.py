"""Mistakes planted in the pipeline of a trained model: its results have to fail `harness check`."""

import contextlib
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from numpy.typing import NDArray
from tiny_project import tiny_params

import harness.scoring.metrics as metrics
from baselines.martinez import ResidualStage
from harness.cli.main import main
from harness.foundation.files import read_json, sha256_of_file, write_json
from harness.lifting.checkpoint import load_checkpoint, save_checkpoint
from pipelines.predict import predict
from pipelines.prepare import prepare
from pipelines.score import score
from pipelines.train import train

RUN = Path("results/tiny/runs/martinez-seed0")
SEEDS = range(4)  # of two models: enough for a tolerance that a mistake exceeds


def params() -> dict[str, Any]:
    """Settings under which Martinez learns something in a second: exact 2D, 2 s a take."""
    values = tiny_params()
    tiny = values["profiles"]["tiny"]
    tiny["input_2d"] = "gt"
    tiny["dataset"]["options"] |= {"seconds": 2.0, "train": ["S1", "S6", "S7"]}
    tiny["models"]["martinez"] = {
        "network": {"width": 128, "dropout": 0.0},
        "training": {
            "epochs": 12,
            "batch_size": 64,
            "learning_rate": 0.005,
            "schedule": "exponential_by_epoch",
            "decay": 0.7,
        },
    }
    return values | {"models": ["martinez", "semgcn"], "seeds": list(SEEDS)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with two trained models, four seeds each, and their references."""
    folder = tmp_path_factory.mktemp("trained")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_TRACKING", "off")
        Path("params.yaml").write_text(yaml.safe_dump(params()))
        prepare("tiny")
        for model in ("martinez", "semgcn"):
            for seed in SEEDS:
                train("tiny", model, seed)
                predict("tiny", model, seed)
                score("tiny", model, seed)
        assert ended("--update") == 0
    return folder


@pytest.fixture(autouse=True)
def _in_a_copy(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(trained, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HARNESS_TRACKING", "off")


def ended(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(["check", "--stage", "results", *arguments])
    return caught.value.code


def predict_and_score() -> None:
    for model in ("martinez", "semgcn"):
        predict("tiny", model, 0)
        score("tiny", model, 0)


def verdicts(capsys: pytest.CaptureFixture[str]) -> dict[tuple[str, str], str]:
    """Check seed 0 and return verdicts by model and metric, failing unless the exit code fits."""
    capsys.readouterr()
    code = ended("--seeds", "0", "--format", "json")
    output = capsys.readouterr()
    findings = json.loads(output.out)["findings"]
    failed = any(finding["verdict"] == "worse" for finding in findings)
    assert code == int(failed)
    assert ("failed at results of martinez" in output.err) == failed
    return {(finding["model"], finding["metric"]): finding["verdict"] for finding in findings}


def test_without_a_mistake_making_everything_again_passes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    shutil.rmtree(RUN / "predictions")
    predict_and_score()
    assert set(verdicts(capsys).values()) == {"as before"}


def test_a_layer_broken_in_code_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def without_skip(self: ResidualStage, features: torch.Tensor) -> torch.Tensor:
        return self.second(self.first(features))

    monkeypatch.setattr(ResidualStage, "forward", without_skip)
    predict_and_score()
    found = verdicts(capsys)
    assert found["martinez", "MPJPE"] == "worse"
    assert found["martinez", "P-MPJPE"] == "worse"
    assert found["semgcn", "MPJPE"] == found["semgcn", "P-MPJPE"] == "as before"

    assert ended("--seeds", "0") == 1
    rows = [line for line in capsys.readouterr().out.splitlines() if "**worse**" in line]
    assert len(rows) == 2
    assert all("martinez" in row and "h36m17-actionwise" in row for row in rows)


def test_weights_that_were_lost_are_caught(capsys: pytest.CaptureFixture[str]) -> None:
    path = RUN / "model.safetensors"
    lifter, contract = load_checkpoint(path)
    weights = lifter.state_dict()
    name = next(name for name in weights if name.endswith("second.linear.weight"))
    weights[name] = torch.zeros_like(weights[name])
    save_checkpoint(path, weights, contract)
    with pytest.raises(SystemExit) as caught:
        main(["predict", "tiny/martinez-seed0"])
    assert caught.value.code == 2
    assert "is not the checkpoint that" in capsys.readouterr().err

    # Whoever also edits the record is caught by the numbers.
    record = read_json(RUN / "run.json")
    record["results"]["checkpoint_sha256"] = sha256_of_file(path)
    write_json(RUN / "run.json", record)
    predict_and_score()
    assert verdicts(capsys)["martinez", "MPJPE"] == "worse"


def test_a_mistake_in_a_metric_is_caught(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def city_block(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.abs(vectors).sum(axis=-1) * metrics.MILLIMETRES

    monkeypatch.setattr(metrics, "millimetres_long", city_block)
    score("tiny", "martinez", 0)
    found = verdicts(capsys)
    assert found["martinez", "MPJPE"] == "worse"
    assert found["martinez", "P-MPJPE"] == "as before"
