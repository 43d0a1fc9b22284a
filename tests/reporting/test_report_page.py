"""The report holds the numbers that tables and comparisons print, and says what it lacks."""

import base64
import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from page_results import TAG, Made, make_results

from harness.cli.main import harness
from harness.foundation.errors import HarnessError
from harness.foundation.settings import load_settings
from harness.prediction.stored import read_predictions
from harness.reporting.comparison import compare_models
from harness.reporting.page.report import write_report
from harness.reporting.page.stored_clips import chosen_clips, worst_part
from harness.reporting.profile_tables import runs_of_profile
from harness.scoring.metrics import metric_called


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return make_results(tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="module")
def page(made: Made) -> str:
    path = write_report(made.settings, "tiny", made.results, made.prepared.path)
    assert path == made.results / "tiny/report/index.html"
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def data(page: str) -> dict[str, Any]:
    return data_of(page)


def data_of(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def test_the_leaderboard_holds_the_numbers_of_the_tables(made: Made, data: dict[str, Any]) -> None:
    rows, _ = runs_of_profile(made.settings, "tiny", made.results).rows(metric_called("MPJPE"))
    shown = {row["model"]: row for row in data["boards"]["leaderboard"]}
    assert list(shown) == ["semgcn", "dgnet", "martinez"]
    for row in rows:
        number = shown[row.model]["values"]["MPJPE"]
        assert number["value"] == row.average.mean
        assert number["text"] == f"{row.average.mean:.1f}"
        assert number["interval"] == f"{row.average.low:.1f} to {row.average.high:.1f}"
        heat = next(
            line
            for one in data["boards"]["heat"]
            if (one["metric"], one["by"]) == ("MPJPE", "action")
            for line in one["rows"]
            if line["model"] == row.model
        )
        assert [cell["value"] for cell in heat["cells"]] == [
            row.cells[TAG].mean,
            row.cells["Walking"].mean,
            row.average.mean,
        ]


def test_differences_are_those_of_the_comparison(made: Made, data: dict[str, Any]) -> None:
    models, _ = runs_of_profile(made.settings, "tiny", made.results).scored
    expected = compare_models([models[1], models[0], models[2]], "P-MPJPE")
    shown = next(
        one
        for one in data["boards"]["differences"]
        if (one["metric"], one["reference"]) == ("P-MPJPE", "dgnet")
    )
    assert shown["models"] == ["semgcn", "martinez"]
    for row, line in zip((expected.average, *expected.rows), shown["rows"], strict=True):
        assert line["label"] == row.label
        assert [cell["value"] for cell in line["cells"]] == [d.value for d in row.differences]
        assert [cell["low"] for cell in line["cells"]] == [d.low for d in row.differences]


def test_clips_are_the_predictions_that_are_stored(made: Made, data: dict[str, Any]) -> None:
    clips = data["viewer"]["clips"]
    errors = [float(clip["error"].split()[0]) for clip in clips]
    assert errors == sorted(errors, reverse=True)
    motion = clips[0]["motion"]
    assert [poses["label"] for poses in motion["poses"]] == ["truth", "semgcn", "dgnet", "martinez"]
    assert "affinities" in motion
    predictions = read_predictions(made.results / "tiny/runs/dgnet-seed0/predictions")
    names = motion["name"].split("/")
    clip = next(
        clip
        for clip in predictions.clips.to_dict("records")
        if [clip["subject"], clip["action"], clip["subaction"]] == names[:3]
    )
    rows = predictions.positions[clip["first_row"] : clip["first_row"] + clip["frames"]]
    poses = motion["poses"][2]
    shown = np.frombuffer(base64.b64decode(poses["values"]), "<i2") * poses["step"]
    np.testing.assert_allclose(shown.reshape(rows.shape), rows, atol=poses["step"])


def test_curves_robustness_and_records_are_there(data: dict[str, Any]) -> None:
    assert data["curves"][1] == {
        "model": "dgnet",
        "seed": 0,
        "steps": [10, 20, 30],
        "validation": [130.0, 80.0, pytest.approx(63.33, abs=0.01)],
        "loss": [1.0, 0.5, pytest.approx(0.333, abs=0.001)],
        "kept": 2,
    }
    noise, missing = data["robustness"]
    assert noise["curves"][0]["points"] == [[0, 50, 48, 52], [5, 55, 53, 57], [20, 70, None, None]]
    assert missing["curves"][0]["points"] == [[0, 50, 48, 52], [20, 90, 88, 93]]
    record = data["records"][1]["runs"][0]
    assert record["file"] == "../runs/dgnet-seed0/run.json"
    assert "made by a test" in record["text"]
    assert "h36m16-semgcn" in {row[0] for row in data["conventions"]["dgnet"]["rows"]}


def test_the_page_needs_no_network_and_escapes_names(page: str) -> None:
    assert len(page.encode()) < 5_000_000
    assert "default-src 'none'" in page
    assert not re.search(r'(src|href)="(https?:)?//', page)
    assert TAG not in page
    assert "The MIT License" in page
    assert "Apache License" in page


def test_no_two_methods_have_one_colour(page: str) -> None:
    root = Path(__file__).parents[2]
    colours = re.findall(r"--series-(\d+): ([^;]+);", page)
    script = (root / "harness/reporting/page/assets/page.js").read_text()
    (palette,) = re.findall(r"const PALETTE = (\d+);", script)
    assert [int(number) for number, _ in colours] == list(range(int(palette)))
    assert len({colour for _, colour in colours}) == int(palette)
    assert int(palette) >= len(load_settings(root / "params.yaml").models)


def test_the_command_writes_an_equal_page_of_equal_results(
    made: Made,
    page: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(made.params))
    shutil.copytree(made.results, "results")
    harness(
        ["report", "--data", str(made.prepared.path)],
        standalone_mode=False,
    )
    assert capsys.readouterr().out == "wrote results/tiny/report/index.html\n"
    written = Path("results/tiny/report/index.html").read_text(encoding="utf-8")
    assert data_of(written) == data_of(page) | {"records": data_of(written)["records"]}


def test_without_predictions_the_page_says_so(made: Made, tmp_path: Path) -> None:
    results = tmp_path / "results"
    shutil.copytree(made.results, results, ignore=shutil.ignore_patterns("predictions"))
    path = write_report(made.settings, "tiny", results, made.prepared.path)
    data = data_of(path.read_text(encoding="utf-8"))
    assert data["viewer"] == {"clips": [], "lacking": "no predictions are stored on this machine"}
    assert data["conventions"] == {}
    assert len(data["boards"]["leaderboard"]) == 3


def test_without_scores_there_is_no_page(made: Made, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="nothing was scored yet"):
        write_report(made.settings, "tiny", tmp_path, made.prepared.path)
    assert not list(tmp_path.iterdir())


def test_the_frames_that_err_most_are_shown_of_a_long_clip() -> None:
    errors = np.array([1.0, 1.0, 5.0, 6.0, 1.0])
    assert worst_part(errors, 2) == slice(2, 4)
    assert worst_part(errors, None) == slice(None)


def test_chosen_clips_are_of_different_actions() -> None:
    errors = {4: 9.0, 1: 8.0, 7: 7.0, 2: 6.0, 3: 5.0}
    actions = {4: "Sitting", 1: "Sitting", 7: "Walking", 2: "Walking", 3: "Sitting"}
    assert chosen_clips(errors, actions) == [4, 7, 3]
