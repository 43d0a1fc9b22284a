"""The published settings on files in Human3.6M's formats: what whoever has the data will run."""

import contextlib
import json
from pathlib import Path
from typing import Any

import h36m_fixtures as fixtures
import pytest
import yaml
from click.testing import CliRunner
from tiny_project import ROOT

from harness.cli.main import harness
from harness.reporting.published import published_by_action
from pipelines.predict import predict
from pipelines.prepare import prepare
from pipelines.score import score
from pipelines.tables import tables
from pipelines.train import train

CPN = "cpn_ft_h36m_dbb"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The profile `paper` as it is in params.yaml, but for one small model and few steps."""
    params: dict[str, Any] = yaml.safe_load((ROOT / "params.yaml").read_text())
    params = {key: params[key] for key in ("seeds", "profiles")} | {
        "profile": "paper",
        "models": ["martinez"],
    }
    paper = params["profiles"]["paper"]
    paper["models"]["martinez"]["network"] = {"width": 8}
    paper["models"]["martinez"]["training"] |= {"epochs": 1, "steps_per_epoch": 2}
    folder = tmp_path_factory.mktemp("human36m")
    raw = folder / "data/raw/paper"
    raw.mkdir(parents=True)
    recordings = fixtures.motion()
    fixtures.write_motion(raw, recordings)
    fixtures.write_keypoints(raw, CPN, fixtures.detections(fixtures.ground_truth_2d(recordings)))
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_TRACKING", "off")
        Path("params.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(params))))
        prepare("paper")
        train("paper", "martinez", 0)
        predict("paper", "martinez", 0)
        score("paper", "martinez", 0)
        tables("paper")
    return folder


def test_all_five_subjects_train_and_the_last_epoch_is_kept(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project)
    said = CliRunner().invoke(harness, ["data", "inspect", "paper"]).output
    splits = [line.split()[0] for line in said.splitlines() if line.startswith(("train", "vali"))]
    assert splits == ["train"], "no subject is held out under the published settings"
    record = json.loads((project / "results/paper/runs/martinez-seed0/run.json").read_text())
    assert record["dataset"] == "h36m"
    assert record["parameters"]["training"]["select"] == "last"
    assert record["parameters"]["input_2d"] == CPN


def test_measured_rows_stand_beside_published_rows_with_their_difference(
    project: Path,
) -> None:
    table = (project / "results/paper/tables/table_01_mpjpe.md").read_text()
    (measured,) = (
        line for line in table.splitlines() if line.startswith("| Martinez et al., measured here")
    )
    (difference,) = (
        line for line in table.splitlines() if "Martinez et al., measured minus published" in line
    )
    metrics = json.loads((project / "results/paper/runs/martinez-seed0/metrics.json").read_text())[
        "h36m17-actionwise"
    ]
    published = published_by_action("table_01_h36m_protocol1").set_index("model").loc["martinez"]
    assert f"{metrics['MPJPE']:.1f}" in measured
    assert f"{metrics['MPJPE'] - published['Avg']:+.1f}" in difference
    assert f"{metrics['MPJPE/Walking'] - published['Walking']:+.1f}" in difference


def test_scores_count_every_test_frame_once(project: Path) -> None:
    score = json.loads(
        (
            project / "results/paper/runs/martinez-seed0/scores/h36m17-actionwise/score.json"
        ).read_text()
    )
    takes = fixtures.motion(subjects=("S9", "S11"))
    frames = 4 * sum(len(take) for subject in takes.values() for take in subject.values())
    assert score["frames"] == frames
    assert score["clips"] == 4 * 59, "236 sequence-camera pairs: S11 lacks Directions"
