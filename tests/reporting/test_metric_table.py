"""Every metric stands in a table, whether or not the predictions allow it."""

from pathlib import Path

import pandas as pd
import pytest
from scored_sets import make_run, make_set

from harness.reporting.measured_rows import ProfileRuns
from harness.reporting.metric_table import metric_table
from harness.reporting.paper.action_tables import action_tables
from harness.reporting.table_parts import write_page
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.stored_score import read_score

SHIFTED = (
    ("S9", "Walking", "Waiting 1", 12),
    ("S9", "Walking", "2", 9),
    ("S11", "WalkDog", "1", 9),
)


def runs_of(results: Path, *models: str) -> ProfileRuns:
    return ProfileRuns(models, (0,), "quick", "h36m17-actionwise", results)


def test_every_metric_has_a_column_and_the_values_of_the_score(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set")
    for model, noise in (("dgnet", 0.05), ("semgcn", 0.1)):
        make_run(tmp_path / "results", prepared, model, noise=noise)
    page = metric_table(runs_of(tmp_path / "results", "dgnet", "semgcn", "martinez"))
    write_page(page, tmp_path)
    table = pd.read_csv(tmp_path / "table_metrics.csv").set_index(["model", "metric"])["value"]
    metrics = read_score(
        tmp_path / "results/quick/runs/dgnet-seed0/scores/h36m17-actionwise"
    ).metrics
    for name, metric in METRICS.items():
        assert f"{name} ({metric.unit})" in page.markdown
        found = table["dgnet", name]
        if name == "MRPE":
            assert pd.isna(found)
        else:
            assert found == pytest.approx(metrics[name], abs=1e-4)
    assert "martinez" in page.markdown.partition("## Not measured")[2]
    assert metric_table(runs_of(tmp_path, "dgnet")).csv.startswith("table,model")


def test_tables_print_the_average_without_the_shifted_takes_too(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set", takes=SHIFTED)
    folder = make_run(tmp_path / "results", prepared, "dgnet", dataset="h36m")
    page = action_tables(runs_of(tmp_path / "results", "dgnet"))[0].markdown
    from harness.prediction.stored import read_predictions

    without = score_predictions(
        read_predictions(folder / "predictions"),
        prepared,
        protocol_called("h36m17-actionwise-no-s9drift"),
        tmp_path / "without",
    ).metrics["MPJPE"]
    assert f"(h36m17-actionwise-no-s9drift): DG-Net {without:.1f}" in page
    other = make_run(tmp_path / "other", prepared, "dgnet")  # the same names on other data
    assert other.exists()
    assert "no-s9drift" not in action_tables(runs_of(tmp_path / "other", "dgnet"))[0].markdown
