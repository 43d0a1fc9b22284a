"""WS-GCN's grid of rows, run for real on a tiny set, and the table made of it."""

import csv
import shutil
from pathlib import Path
from typing import Any

import pytest
from tiny_project import tiny_params

from harness.experiments.cell import run_cell
from harness.experiments.executor import place_cells
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, write_json
from harness.foundation.settings import Settings, load_settings, validated
from harness.reporting.grids.supervision_table import supervision_table
from harness.reporting.table_parts import Page
from pipelines.prepare import prepare

ROWS = ["labelled_only", "full", "without_bone_lengths", "weak", "without_warm_up"]
GRID = Path("results/tiny/grids/wsgcn")


def params(**training: Any) -> dict[str, Any]:
    """Return settings of a tiny set with two training subjects and the variations as shipped."""
    values = tiny_params()
    tiny = values["profiles"]["tiny"]
    tiny["dataset"]["options"] |= {"train": ["S1", "S5"], "validation": ["S6"]}
    tiny["models"]["wsgcn"] = {
        "network": {"channels": 8, "modules": 1, "warm_up_epochs": 1},
        "training": {"epochs": 2, "steps_per_epoch": 2, "batch_size": 8, **training},
    }
    shipped = load_settings(Path(__file__).parents[2] / "params.yaml").grids["wsgcn"]
    return {**values, "grids": {"wsgcn": {**shipped, "profiles": {"tiny": {}}}}}


SETTINGS = validated(Settings, params(), "params")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project folder whose grid is finished, each cell run in this process."""
    folder = tmp_path_factory.mktemp("supervision")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_TRACKING", "off")
        (folder / "params.yaml").write_text(Settings.model_dump_json(SETTINGS))
        prepare("tiny")
        for placed in place_cells(SETTINGS, "wsgcn", "tiny"):
            write_json(placed.folder / "cell.json", placed.cell.model_dump(mode="json"))
            run_cell(placed.folder, placed.key, placed.prepared)
        shutil.rmtree(folder / ".harness", ignore_errors=True)
    return folder


@pytest.fixture
def project(finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, to change."""
    shutil.copytree(finished / "results", tmp_path / "results")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def page(settings: Settings = SETTINGS) -> Page:
    return supervision_table(settings, "tiny", Path("results"))


def sections(text: str) -> dict[str, list[list[str]]]:
    """Return the rows of each table, head first, by the section that it stands in."""
    found: dict[str, list[list[str]]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("### "):
            section += ": " + line.removeprefix("### ")
        elif line.startswith("## "):
            section = line.removeprefix("## ")
        elif line.startswith("|") and not line.startswith("|:"):
            found.setdefault(section, []).append([cell.strip() for cell in line.split("|")[1:-1]])
    return found


def lines(text: str, **chosen: str) -> list[dict[str, str]]:
    rows = csv.DictReader(text.splitlines())
    return [row for row in rows if all(row[name] == value for name, value in chosen.items())]


def cell(name: str) -> Path:
    return GRID / f"{name}-wsgcn-seed0"


def stored(name: str) -> dict[str, float]:
    averages: dict[str, float] = read_json(
        cell(name) / "evaluations/test/scores/h36m17-actionwise/metrics.json"
    )
    return averages


def on_human36m() -> None:
    for name in ROWS:
        path = cell(name) / "evaluations/test/scores/h36m17-actionwise/score.json"
        header = read_json(path)
        header["conditions"]["predictions"]["dataset"] = "h36m"
        write_json(path, header)


@pytest.mark.usefixtures("project")
def test_each_row_says_how_it_was_supervised_and_what_that_gave() -> None:
    head, *rows = sections(page().markdown)["Measured here, on the data set `synthetic`"]
    assert [row[:4] for row in rows] == [
        ["labelled only (S1)", "no", "no", ""],
        ["full", "", "", ""],
        ["weak (S1 labelled)", "yes", "no", "yes"],
        ["weak (S1 labelled)", "yes", "yes", "yes"],
        ["weak (S1 labelled)", "yes", "yes", "no"],
    ]
    averages = [stored(name) for name in ROWS]
    for metric in ("MPJPE", "P-MPJPE"):
        column = head.index(metric)
        values = [average[metric] for average in averages]
        assert [row[column] for row in rows] == [f"{value:.1f}" for value in values]
        apart = [f"{value - values[0]:+.1f}" for value in values[1:]]
        assert [row[column + 1] for row in rows] == ["", *apart]
    assert len({row[-1] for row in rows}) == 5, "five runs"
    assert len({average["MPJPE"] for average in averages}) == 5, "five different lifters"


@pytest.mark.usefixtures("project")
def test_numbers_of_another_data_set_stand_apart_from_published_ones() -> None:
    made = page()
    found = sections(made.markdown)
    assert [row[-2:] for row in found["Published, measured on Human3.6M"][1:]] == [
        ["41.95", "33.40"],
        ["53.16", "43.77"],
        ["49.23", "39.88"],
        ["63.50", "52.14"],
    ]
    ranking = found["Ranking: weak supervision on Human3.6M"][1:]
    assert [row[1] for row in ranking] == [
        *("AdaptPose", "HDVR", "WS-GCN", "PGNIS", "MetaPose", "PoseAug")
    ]
    assert "cannot be set against the published ones" in made.markdown
    assert {row["dataset"] for row in lines(made.csv, origin="measured")} == {"synthetic"}
    assert {row["dataset"] for row in lines(made.csv, origin="published")} == {"h36m"}


@pytest.mark.usefixtures("project")
def test_the_csv_holds_every_number_with_its_conditions() -> None:
    made = page().csv
    assert len(lines(made, origin="published", table="wsgcn")) == 8
    assert len(lines(made, origin="published", table="wsgcn_ranking")) == 6
    (weak,) = lines(made, origin="measured", metric="MPJPE", bone_loss="yes", warm_up="yes")
    assert float(weak["value"]) == pytest.approx(stored("weak")["MPJPE"], abs=0.001)
    assert float(weak["low"]) < float(weak["value"]) < float(weak["high"])
    assert (weak["supervision"], weak["labelled"], weak["input_2d"]) == ("weak", "S1", "gt")
    assert weak["run_ids"] == read_json(cell("weak") / "run.json")["run_id"]


@pytest.mark.usefixtures("project")
def test_on_human36m_measured_rows_stand_beside_published_ones_and_are_ranked() -> None:
    on_human36m()
    found = sections(page().markdown)
    rows = found["Published, measured on Human3.6M"][1:]
    assert [row[0] for row in rows[:3]] == [*("full", "measured here", "measured minus published")]
    assert len(rows) == 4 * 3
    error = stored("weak")["MPJPE"]
    after_weak = rows[[row[:3] for row in rows].index(["weak", "yes", "yes"]) + 1 :][:2]
    assert [row[3] for row in after_weak] == [f"{error:.1f}", f"{error - 49.23:+.1f}"]
    ranking = found["Ranking: weak supervision on Human3.6M"][1:]
    assert ranking[-1][:4] == ["7", "WS-GCN, measured here", "single", "frame"]


@pytest.mark.usefixtures("project")
def test_what_is_not_finished_is_told() -> None:
    shutil.rmtree(cell("weak"))
    made = page().markdown
    assert "- weak-wsgcn-seed0: not run" in made
    assert len(sections(made)["Measured here, on the data set `synthetic`"]) == 1 + 4
    shutil.rmtree(GRID)
    assert "Measured here" not in page().markdown
    assert len(sections(page().markdown)["Published, measured on Human3.6M"]) == 1 + 4


@pytest.mark.usefixtures("project")
def test_rows_of_different_budgets_are_refused() -> None:
    path = cell("weak") / "run.json"
    record = read_json(path)
    record["parameters"]["training"]["epochs"] = 3
    write_json(path, record)
    with pytest.raises(HarnessError, match="different budgets"):
        page()


def test_a_profile_without_the_grid_is_refused() -> None:
    with pytest.raises(HarnessError, match="not defined for profile humaneva"):
        supervision_table(SETTINGS, "humaneva", Path("results"))
