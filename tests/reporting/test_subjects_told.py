"""Intervals over subjects as comparisons, tables and the report show them, and where none are."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from scored_sets import make_run, make_set
from tiny_project import tiny_params

from harness.cli.compare import compare
from harness.datasets.prepared import PreparedSet
from harness.foundation.settings import Settings
from harness.reporting.comparison import Comparison, compare_models
from harness.reporting.comparison_text import as_csv, as_markdown, conditions
from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.page.boards import boards
from harness.reporting.person_table import person_table
from harness.reporting.profile_tables import write_tables
from harness.reporting.stored.scored_runs import find_scored_model

PROTOCOL = "h36m17-actionwise"
TAKES = [
    *((subject, "Walking", str(take), 9) for subject in ("P1", "P2", "P10") for take in (1, 2)),
    ("P1", "Sitting", "1", 8),
    ("P2", "Sitting", "1", 7),
]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return make_set(tmp_path_factory.mktemp("data") / "made", takes=TAKES, cameras=1)


@pytest.fixture(scope="module")
def results(prepared: PreparedSet, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    for model, noise in (("dgnet", 0.05), ("semgcn", 0.07)):
        make_run(folder, prepared, model, noise=noise, profile="tiny")
    return folder


@pytest.fixture(scope="module")
def comparison(results: Path) -> Comparison:
    found = [find_scored_model(name, "tiny", PROTOCOL, results) for name in ("dgnet", "semgcn")]
    return compare_models(found)


def cells(line: str) -> list[str]:
    return [cell.strip().strip("*") for cell in line.strip("|").split("|")]


def test_a_comparison_has_a_column_of_intervals_over_subjects(comparison: Comparison) -> None:
    heads, _, *rows = as_markdown(comparison).split("\n\n")[0].splitlines()
    place = cells(heads).index("95 % over subjects")
    found = {cells(row)[0]: cells(row)[place] for row in rows}
    assert found["Sitting"] == "", "two people sat"
    assert comparison.average.over_subjects is not None
    (limits,) = comparison.average.over_subjects
    assert found["average"] == f"{limits.low:+.1f} to {limits.high:+.1f}"
    assert limits.low < comparison.average.differences[0].value < limits.high
    assert "the 3 subjects are resampled, then takes inside each" in "\n".join(
        conditions(comparison)
    )
    lines = list(csv.DictReader(io.StringIO(as_csv(comparison))))
    assert float(lines[-1]["subject_low"]) == limits.low
    assert [line["subjects"] for line in lines] == ["2", "2", "3", "3", "3", "3"]


def test_compare_by_subject_has_a_row_a_person_with_an_interval(
    results: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = ["dgnet", "semgcn", "--by", "subject", "--profile", "tiny", "--seeds", "0"]
    arguments += ["--protocol", PROTOCOL, "--results", str(results), "--format", "json"]
    output = CliRunner().invoke(compare, arguments, catch_exceptions=False).output
    rows = [row for row in json.loads(output)["rows"] if row["model"] == "semgcn"]
    assert [row["subject"] for row in rows] == ["P1", "P2", "P10", "average"]
    assert all(row["low"] < row["difference"] < row["high"] for row in rows)
    assert [row["subject_low"] is None for row in rows] == [True, True, True, False]


def test_tables_show_them_and_there_is_one_of_subjects(results: Path, tmp_path: Path) -> None:
    settings = Settings(**tiny_params() | {"models": ["dgnet", "semgcn"]})
    runs = ProfileRuns(("dgnet", "semgcn"), (0,), "tiny", PROTOCOL, results)
    page = person_table(runs)
    measured = {
        (line["model"], line["metric"], line["subject"]): line
        for line in csv.DictReader(io.StringIO(page.csv))
    }
    metrics = json.loads(
        (results / f"tiny/runs/dgnet-seed0/scores/{PROTOCOL}/metrics.json").read_text()
    )
    average = measured["dgnet", "MPJPE", "Avg"]
    assert float(average["value"]) == pytest.approx(metrics["MPJPE"], abs=1e-3)
    assert float(average["subject_low"]) < float(average["value"]) < float(average["subject_high"])
    assert {subject for _, _, subject in measured} == {"P1", "P2", "P10", "Avg"}
    assert float(measured["semgcn", "P-MPJPE", "P10"]["low"]) > 0
    table, _ = page.markdown.partition("## MPJPE by subject")[2].split(
        "95 % intervals over each", 1
    )
    (dgnet,) = (line for line in table.splitlines() if line.startswith("| DG-Net"))
    assert "**" in dgnet

    write_tables(settings, "tiny", results)
    first = (results / "tiny/tables/table_01_mpjpe.md").read_text()
    assert "| 95 % interval | 95 % over subjects |" in " ".join(first.split())
    assert "Interval over subjects: the 3 subjects are resampled" in first
    line = boards(runs)["leaderboard"][0]["values"]["MPJPE"]
    shown = f"{float(average['subject_low']):.1f} to {float(average['subject_high']):.1f}"
    assert line["over_subjects"] == shown
    assert boards(runs)["differences"][0]["rows"][0]["cells"][0]["over_subjects"].startswith("+")


def test_of_two_subjects_there_is_none_and_a_line_says_why(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set", takes=[take for take in TAKES if take[0] != "P10"])
    for model in ("dgnet", "semgcn"):
        make_run(tmp_path, prepared, model, profile="tiny")
    found = [find_scored_model(name, "tiny", PROTOCOL, tmp_path) for name in ("dgnet", "semgcn")]
    text = as_markdown(compare_models(found))
    assert "over subjects" not in text.splitlines()[0]
    assert "no interval over subjects: the takes are of 2 subjects" in text
    write_tables(Settings(**tiny_params()), "tiny", tmp_path)
    table = (tmp_path / "tiny/tables/table_01_mpjpe.md").read_text()
    assert "95 % over subjects" not in table
    assert "No interval over subjects: the takes are of 2 subjects" in table
