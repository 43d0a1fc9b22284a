"""Profiles humaneva, mpi_inf_3dhp and the cross-data-set test, on files in the data sets' formats.

The settings are those of params.yaml but for small networks and few steps, and the stages are the
pipeline's own functions.
"""

import contextlib
import csv
import functools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import humaneva_fixtures
import mpi_inf_3dhp_files
import numpy as np
import pytest
import yaml
from mpi_inf_3dhp_reference import errors_of_sequence, reference
from tiny_project import ROOT, tiny_params

from harness.datasets.mpi_inf_3dhp import sequences as mpi_inf_3dhp_sequences
from harness.prediction.stored import read_predictions
from pipelines import affinity as affinity_stage
from pipelines import speed as speed_stage
from pipelines.cross import cross
from pipelines.figures import figures
from pipelines.predict import predict
from pipelines.prepare import prepare
from pipelines.score import score
from pipelines.speed_table import speed_table
from pipelines.tables import tables
from pipelines.train import train

PUBLISHED: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())["profiles"]
SMALL: dict[str, dict[str, Any]] = {
    "dgnet": {"network": {"channels": 8, "blocks": 1}},
    "videopose3d": {"network": {"frames": 27, "channels": 8}},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to work in."""
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.setattr(mpi_inf_3dhp_sequences, "TRAINING_SEQUENCES", mpi_inf_3dhp_files.LENGTHS)
    with contextlib.chdir(tmp_path):
        yield tmp_path


def write_params(models: list[str], profiles: dict[str, dict[str, Any]]) -> None:
    """Write params.yaml with small models; a profile's further options come with it."""
    for name, options in profiles.items():
        chosen = PUBLISHED[name]
        chosen = json.loads(json.dumps(chosen))
        chosen["dataset"]["options"] |= options
        for model in models:
            training = {**chosen["models"][model].get("training", {}), "epochs": 1}
            chosen["models"][model] = {
                **SMALL[model],
                "training": {**training, "steps_per_epoch": 2, "batch_size": 8},
            }
        profiles[name] = chosen
    params = tiny_params() | {"models": models}
    params["profiles"] |= profiles
    Path("params.yaml").write_text(yaml.safe_dump(params))


def run_profile(profile: str, models: list[str]) -> None:
    for model in models:
        train(profile, model, 0)
        predict(profile, model, 0)
        score(profile, model, 0)
    tables(profile)


def measured(profile: str, table: str) -> dict[tuple[str, str, str], dict[str, str]]:
    """Return the measured lines of a table's CSV by model, metric and cell."""
    with Path(f"results/{profile}/tables/{table}.csv").open(newline="") as stream:
        return {
            (line["model"], line["metric"], line["action"]): line
            for line in csv.DictReader(stream)
            if line["origin"] == "measured"
        }


def metrics_of(profile: str, model: str) -> dict[str, dict[str, float]]:
    path = Path(f"results/{profile}/runs/{model}-seed0/metrics.json")
    values: dict[str, dict[str, float]] = json.loads(path.read_text())
    return values


def test_table_iii_from_files_of_humaneva(folder: Path) -> None:
    models = ["dgnet", "videopose3d"]
    write_params(models, {"humaneva": {"subjects": ["S1", "S3"]}})
    raw = folder / "data/raw/humaneva"
    raw.mkdir(parents=True)
    made = humaneva_fixtures.takes(humaneva_fixtures.placements())
    humaneva_fixtures.write_npz_files(raw, made)
    humaneva_fixtures.write_keypoints(
        raw,
        "detectron_pt_coco",
        humaneva_fixtures.coco_detections(humaneva_fixtures.in_chunks(made)[1]),
        humaneva_fixtures.COCO_METADATA,
    )
    prepare("humaneva")
    run_profile("humaneva", models)
    figures("humaneva")

    lines = measured("humaneva", "table_03_humaneva")
    published = {"Walking/S1": 13.7, "Walking/S3": 47.1, "Jog/S1": 21.0, "Jog/S3": 13.4}
    values = metrics_of("humaneva", "dgnet")["humaneva15-validate"]
    cells = {}
    for cell, printed in published.items():
        action, subject = cell.split("/")
        line = lines["dgnet", "P-MPJPE", cell]
        cells[cell] = values[f"P-MPJPE/{subject}/{action}"]
        assert float(line["value"]) == pytest.approx(cells[cell], abs=1e-3)
        assert float(line["published"]) == printed
        assert float(line["difference"]) == pytest.approx(cells[cell] - printed, abs=0.06)
    average = lines["dgnet", "P-MPJPE", "Avg"]
    assert float(average["value"]) == pytest.approx(np.mean(list(cells.values())), abs=1e-3)
    assert average["difference"] == "", "the published average is over S2 as well"
    sound = [value for cell, value in cells.items() if cell != "Walking/S3"]
    assert Path("results/humaneva/figures/joints.png").is_file()
    without = lines["dgnet", "P-MPJPE", "Avg without Walking/S3"]
    assert float(without["value"]) == pytest.approx(np.mean(sound), abs=1e-3)
    assert not any("Box" in cell for _, _, cell in lines)
    # The protocol of its own leaves the same cell out; it scores Box too.
    other = metrics_of("humaneva", "dgnet")["humaneva15-validate-no-s3walk"]
    assert "P-MPJPE/S3/Walking" not in other
    assert other["P-MPJPE/S3/Jog"] == values["P-MPJPE/S3/Jog"]
    text = Path("results/humaneva/tables/table_03_humaneva.md").read_text()
    assert "Of the 21 numbers printed" in text
    assert "8 were measured" in text
    assert "detectron_pt_coco_15" in text


def test_table_iv_from_files_of_mpi_inf_3dhp(folder: Path) -> None:
    write_params(["dgnet"], {"mpi_inf_3dhp": {"train_subjects": ["S1", "S8"]}})
    raw = folder / "data/raw/mpi_inf_3dhp"
    testing = mpi_inf_3dhp_files.testing()
    mpi_inf_3dhp_files.write_training_mat(raw, mpi_inf_3dhp_files.training())
    mpi_inf_3dhp_files.write_testing_mat(raw, testing)
    prepare("mpi_inf_3dhp")
    run_profile("mpi_inf_3dhp", ["dgnet"])

    predictions = read_predictions(Path("results/mpi_inf_3dhp/runs/dgnet-seed0/predictions"))
    errors = {
        clip.subject: errors_of_sequence(
            np.asarray(predictions.positions[clip.first_row : clip.first_row + clip.frames]),
            testing[clip.subject],
            "univ_annot3",
        )
        for clip in predictions.clips.itertuples()
    }
    lines = measured("mpi_inf_3dhp", "table_04_mpi_inf_3dhp")

    def shown(metric: str, cell: str) -> float:
        return float(lines["dgnet", metric, cell]["value"])

    pooled = reference(np.concatenate(list(errors.values()), axis=1))
    by_sequence = [reference(values) for values in errors.values()]
    outdoor = reference(np.concatenate([errors["TS5"], errors["TS6"]], axis=1))
    for metric, value in pooled.items():
        assert shown(metric, "Avg") == shown(metric, "over frames")
        assert shown(metric, "over frames") == pytest.approx(value, abs=2e-3)
        mean = np.mean([values[metric] for values in by_sequence])
        assert shown(metric, "mean of sequences") == pytest.approx(mean, abs=2e-3)
        assert shown(metric, "Outdoor") == pytest.approx(outdoor[metric], abs=2e-3)
    line = lines["dgnet", "MPJPE", "Avg"]
    assert float(line["published"]) == 76.0
    assert float(line["difference"]) == pytest.approx(pooled["MPJPE"] - 76.0, abs=0.06)

    text = Path("results/mpi_inf_3dhp/tables/table_04_mpi_inf_3dhp.md").read_text()
    assert "3 were measured" in text
    labels = np.concatenate(
        [
            variables["activity_annotation"][variables["valid_frame"] == 1]
            for variables in testing.values()
        ]
    )
    sitting = reference(np.concatenate(list(errors.values()), axis=1)[:, labels == 3])
    by_activity = text.partition("### By activity")[2]
    head = [cell.strip() for cell in by_activity.splitlines()[2].split("|")]
    row = next(line for line in by_activity.splitlines() if "MPJPE" in line)
    assert row.split("|")[head.index("Sitting")].strip() == f"{sitting['MPJPE']:.1f}"


@pytest.mark.usefixtures("folder")
def test_lifters_of_human36m_joints_are_tested_on_mpi_inf_3dhp(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    target = "mpi_inf_3dhp_as_h36m"
    write_params(["dgnet"], {target: {}})
    mpi_inf_3dhp_files.write_testing_mat(Path("data/raw") / target, mpi_inf_3dhp_files.testing())
    prepare(target)
    prepare("tiny")
    train("tiny", "dgnet", 0)
    cross("tiny", target, "dgnet", 0)
    tables("tiny")

    run = Path("results/tiny/runs/dgnet-seed0")
    # The other stages of experiments/dvc.yaml that need no more than this run.
    monkeypatch.setattr(affinity_stage, "STILL_FRAMES", 1)
    monkeypatch.setattr(affinity_stage, "ANIMATED_FRAMES", 1)
    affinity_stage.affinity("tiny", "dgnet", 0)
    quick = functools.partial(speed_stage.measure_speed, clip_frames=16, repetitions=1)
    monkeypatch.setattr(speed_stage, "measure_speed", quick)
    speed_stage.speed("tiny")
    speed_table("tiny")
    item = {"profile": "tiny", "model": "dgnet", "seed": "0", "target": target}
    stages = yaml.safe_load((ROOT / "experiments/dvc.yaml").read_text())["stages"]
    for stage in ("cross", "speed", "speed_table", "affinity"):
        for entry in (*stages[stage]["outs"], *stages[stage].get("metrics", ())):
            path = entry if isinstance(entry, str) else next(iter(entry))
            for key, value in item.items():
                path = path.replace(f"${{item.{key}}}", value)
            assert Path(path).exists(), f"{stage} does not write {path}"
    values = json.loads((run / "cross" / target / "metrics.json").read_text())
    values = values["3dhp16-cross-poseaug"]
    lines = measured("tiny", "table_04_mpi_inf_3dhp")
    for metric in ("PCK@150mm", "AUC", "MPJPE"):
        line = lines["dgnet", metric, "Avg"]
        assert float(line["value"]) == pytest.approx(values[metric], abs=1e-3)
        assert line["dataset"] == "mpi_inf_3dhp"
        assert (line["published"], line["difference"]) == ("", "")
    text = Path("results/tiny/tables/table_04_mpi_inf_3dhp.md").read_text()
    section = text.partition("## Trained on `synthetic`, tested on `mpi_inf_3dhp`")[2]
    for part in ("Green screen", "On The Floor", "trained on detected, tested on gt"):
        assert part in section
    assert "PCK at 150 mm and AUC count 14" in section
