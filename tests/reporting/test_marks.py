"""What is bold in a table: the best, and what follows it down to the first that differs."""

from pathlib import Path

import pytest
from scored_sets import TWELVE_TAKES, make_run, make_set

from harness.reporting.marks import column_marks
from harness.reporting.published import AVERAGE
from harness.reporting.stored.scored_runs import find_scored_model
from harness.scoring.metrics import metric_called


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    prepared = make_set(tmp_path_factory.mktemp("data") / "made", takes=TWELVE_TAKES)
    folder = tmp_path_factory.mktemp("results")
    for model, noises in {
        "dgnet": (0.05, 0.051),
        "fsg": (0.051, 0.05),
        "semgcn": (0.06, 0.06),
        "martinez": (0.05, 0.09),  # worse, but its seeds are so far apart that nothing is certain
    }.items():
        for seed, noise in enumerate(noises):
            make_run(folder, prepared, model, seed=seed, noise=noise)
    return folder


def test_a_wide_interval_earns_no_mark_behind_what_is_known_to_be_worse(results: Path) -> None:
    names = ("martinez", "semgcn", "fsg", "dgnet")
    models = [find_scored_model(name, "quick", "h36m17-actionwise", results, ()) for name in names]
    marks = column_marks(models, metric_called("MPJPE"), ())
    assert marks["dgnet", AVERAGE] == marks["fsg", AVERAGE] == "best"
    assert marks["semgcn", AVERAGE] == "second"
    assert marks["martinez", AVERAGE] == ""
