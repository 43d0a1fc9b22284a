"""`harness cross` and the matrix that `harness tables` makes, of made-up profiles."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_project import ROOT, tiny_params

from harness.cli.main import main
from harness.foundation.settings import load_settings
from harness.reporting.cross_matrix import write_cross_matrix
from pipelines.cross import cross
from pipelines.prepare import prepare
from pipelines.train import train

PAGE = Path("results/across/cross_data.md")


def params() -> dict[str, Any]:
    """Profiles tiny and other, whose tests share no person with the other's training, and leaky."""
    values = tiny_params() | {"models": ["martinez", "semgcn"]}
    values["profiles"]["other"] = json.loads(json.dumps(values["profiles"]["tiny"]))
    other = values["profiles"]["other"]
    other["dataset"]["options"] |= {"train": ["S6"], "test": ["S7", "S9", "S11"], "fps": 50.0}
    other["input_2d"] = "gt"
    values["profiles"]["leaky"] = json.loads(json.dumps(other))
    values["profiles"]["leaky"]["dataset"]["options"] |= {"train": ["S8"], "test": ["S1"]}
    return values


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cross")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_TRACKING", "off")
        Path("params.yaml").write_text(yaml.safe_dump(params(), sort_keys=False))
        for profile in ("tiny", "other", "leaky"):
            prepare(profile)
        for profile in ("tiny", "other"):
            train(profile, "martinez", 0)
    return folder


@pytest.fixture(autouse=True)
def _there(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    monkeypatch.setenv("HARNESS_TRACKING", "off")


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    printed = capsys.readouterr()
    assert not ended.value.code, printed.err
    return printed.out


def test_every_pair_is_tested_once_and_stands_in_the_matrix(
    capsys: pytest.CaptureFixture[str],
) -> None:
    told = run(capsys, "cross", "tiny", "other", "leaky")
    assert "tiny/martinez-seed0 on other\n" in told
    assert "other/martinez-seed0 on other\n" in told
    assert (
        "not tested: tiny/martinez-seed0 on leaky: subject S1 of data/prepared/leaky was trained on"
    ) in told
    assert not list(Path("results").glob("*/runs/*/cross/*/predictions"))
    again = run(capsys, "cross", "tiny", "other")
    assert again.count("tested already") == again.count("\n") == 4

    # Another protocol of the profile, or weights trained again under the same id.
    params_with = params()
    params_with["profiles"]["other"]["protocols"].append("h36m17-framewise")
    Path("params.yaml").write_text(yaml.safe_dump(params_with, sort_keys=False))
    again = run(capsys, "cross", "tiny", "other")
    assert again.count("tested already") == 2
    assert "tiny/martinez-seed0 on other\n" in again
    Path("params.yaml").write_text(yaml.safe_dump(params(), sort_keys=False))
    stored = Path("results/tiny/runs/martinez-seed0/cross/other/scores/h36m17-actionwise")
    header = json.loads((stored / "score.json").read_text())
    header["conditions"]["predictions"]["checkpoint_sha256"] = "0" * 64
    (stored / "score.json").write_text(json.dumps(header))
    again = run(capsys, "cross", "tiny", "other")
    assert again.count("tested already") == 3
    assert "tiny/martinez-seed0 on other\n" in again

    written = run(capsys, "tables")
    for ending in ("md", "csv", "tex", "png", "pdf"):
        assert f"results/across/cross_data.{ending}" in written
    with PAGE.with_suffix(".csv").open() as stream:
        found = {
            (line["model"], line["trained_on"], line["tested_on"]): line
            for line in csv.DictReader(stream)
        }
    assert [key[1:] for key in found] == [
        ("tiny", "tiny"),
        ("tiny", "other"),
        ("other", "tiny"),
        ("other", "other"),
        ("other", "leaky"),
    ]
    line = found["martinez", "tiny", "other"]
    scores = Path("results/tiny/runs/martinez-seed0/cross/other/metrics.json")
    value = json.loads(scores.read_text())["common16-actionwise"]["MPJPE"]
    assert float(line["value"]) == pytest.approx(value, abs=1e-3)
    assert line["protocol"] == "common16-actionwise version 1"
    assert float(line["subject_low"]) < value < float(line["subject_high"]), "of three people"
    assert found["martinez", "other", "tiny"]["subject_low"] == "", "of two"

    text = PAGE.read_text()
    assert "| trained on | tested on tiny" in " ".join(text.split())
    for fact in (
        "matched by name, poses moved to a perfect root",
        "tested on `other`: data set synthetic (data hash ",
        "2D source gt, 50 frames a second, cameras 54138969, 55011271, 58860488, 60457274 (4)",
        "- trained on detected, tested on gt: Martinez et al. of tiny on other",
        "no interval over subjects: the takes are of 2 subjects",
        "(tested on tiny, other, leaky)",
    ):
        assert fact in text, fact
    costs = [line for line in text.splitlines() if line.startswith("| tiny") and "other" in line]
    assert costs, "what training elsewhere costs"


def test_nothing_to_test_with_or_on_is_told(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    told = run(capsys, "cross", "tiny", "leaky", "--results", "results")
    assert "no lifter of leaky is tested: its runs have no weights here (results/leaky)\n" in told
    for folder, said in (
        (
            "--results",
            "no run of tiny, leaky (models martinez, semgcn; seeds 0) has weig",
        ),
        ("--prepared", "no set of tiny, leaky is prepared"),
    ):
        with pytest.raises(SystemExit) as ended:
            main(["cross", "tiny", "leaky", folder, str(tmp_path)])
        assert ended.value.code
        assert said in capsys.readouterr().err


def test_lifters_are_compared_on_the_clips_of_another_profile(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(capsys, "cross", "tiny", "other")
    names = ("tiny/martinez", "other/martinez")
    printed = run(capsys, "compare", *names, "--tested-on", "other", "--format", "json")
    rows = json.loads(printed)["rows"]
    average = {row["model"]: row["value"] for row in rows if row["action"] == "average"}
    for name in names:
        folder = Path("results", name.replace("/", "/runs/") + "-seed0", "cross/other")
        stored = json.loads((folder / "metrics.json").read_text())["h36m17-actionwise"]
        assert average[name] == pytest.approx(stored["MPJPE"], abs=1e-6)
    with pytest.raises(SystemExit) as ended:
        main(["compare", *names, "--tested-on", "leaky"])
    assert ended.value.code == 2
    assert "has no scores of cross/leaky under h36m17-actionwise" in capsys.readouterr().err


def test_the_stage_keeps_its_predictions_and_scores_under_the_targets_protocol_too() -> None:
    cross("other", "tiny", "martinez", 0)
    folder = Path("results/other/runs/martinez-seed0/cross/tiny")
    assert (folder / "predictions/contract.json").is_file()
    assert {path.name for path in (folder / "scores").iterdir()} == {
        "common16-actionwise",
        "h36m17-actionwise",
    }


def test_without_any_such_score_nothing_is_written(tmp_path: Path) -> None:
    assert write_cross_matrix(load_settings(ROOT / "params.yaml"), tmp_path) == []
    assert not list(tmp_path.iterdir())
