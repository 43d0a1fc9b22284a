"""What a grid's report says: values from stored scores, differences to the first, curves."""

import shutil
from pathlib import Path

import pytest
from stored_runs import write_run

from harness.experiments.grid import Cell, Evaluation
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, write_json
from harness.reporting.grids.report import grid_markdown, grid_rows
from harness.scoring.metrics import metric_called

PROTOCOL = "h36m17-actionwise"


def write_cell(
    folder: Path, variation: str, mpjpe: float, *, seed: int = 0, curve: list[float], width: int = 8
) -> str:
    """Write a finished cell whose every joint is wrong by `mpjpe` mm, and return its name."""
    cell = Cell(
        grid="choices",
        variation=variation,
        profile="quick",
        model="dgnet",
        seed=seed,
        network={},
        training={},
        input_2d="detected",
        train_actions=None,
        flip_test=True,
        protocols=[PROTOCOL],
        evaluations=[Evaluation(name="test")],
    )
    place = folder / cell.name
    run = write_run(folder / "made", "dgnet", seed, mpjpe=mpjpe, width=width)
    (place / "evaluations/test").mkdir(parents=True)
    shutil.move(run / "scores", place / "evaluations/test/scores")
    record = read_json(run / "run.json")
    write_json(place / "run.json", record | {"results": {"epoch": 1, "parameters": 1234}})
    write_json(place / "cell.json", cell.model_dump(mode="json"))
    write_json(place / "done.json", {"key": "k", "run_id": record["run_id"]})
    rows = [f"{epoch},{epoch},0.001,1.0,{value}\n" for epoch, value in enumerate(curve, 1)]
    head = "epoch,step,learning_rate,train_loss,validation_MPJPE\n"
    (place / "history.csv").write_text(head + "".join(rows))
    shutil.rmtree(folder / "made")
    return cell.name


def test_rows_hold_the_average_over_seeds_and_the_difference_to_the_first(tmp_path: Path) -> None:
    flat, falling = [60.0, 50.0, 50.0, 50.2, 49.9, 50.0], [60.0, 58.0, 56.0, 54.0, 52.0, 50.0]
    order = [
        write_cell(tmp_path, "softmax", 50.0, seed=0, curve=flat),
        write_cell(tmp_path, "softmax", 54.0, seed=1, curve=flat),
        write_cell(tmp_path, "tanh", 49.0, seed=0, curve=falling),
    ]
    rows = grid_rows(tmp_path, order, "test", PROTOCOL, metric_called("MPJPE"))
    assert [row.name for row in rows] == ["softmax", "tanh"]
    assert [row.value for row in rows] == pytest.approx([52.0, 49.0])
    assert rows[0].difference is None
    assert rows[0].seeds == (0, 1)
    assert rows[1].difference is not None
    assert rows[1].difference.value == pytest.approx(-3.0)
    assert [row.still_falling for row in rows] == [False, True]


def test_the_page_says_what_its_numbers_depend_on(tmp_path: Path) -> None:
    name = write_cell(tmp_path, "softmax", 50.0, curve=[50.0] * 3)
    statuses = {name: "stale", "never-run-dgnet-seed0": "missing"}
    page = grid_markdown(tmp_path, statuses, "test", PROTOCOL, "P-MPJPE")
    assert f"stale cells: {name}" in page
    assert "missing cells: never-run-dgnet-seed0" in page
    assert "| softmax" in page
    assert "40.0" in page
    for condition in ("data set synthetic", "2D source detected", "flip at test on", PROTOCOL):
        assert condition in page


def test_what_was_scored_on_other_data_is_refused(tmp_path: Path) -> None:
    order = [
        write_cell(tmp_path, "first", 50.0, curve=[50.0] * 3),
        write_cell(tmp_path, "second", 50.0, curve=[50.0] * 3),
    ]
    path = tmp_path / order[1] / "evaluations/test/scores" / PROTOCOL / "score.json"
    header = read_json(path)
    header["conditions"]["predictions"]["data_hash"] = "f" * 64
    write_json(path, header)
    with pytest.raises(HarnessError, match="data hash"):
        grid_rows(tmp_path, order, "test", PROTOCOL, metric_called("MPJPE"))


def test_a_grid_without_finished_cells_or_scores_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "cmu/grids/choices"
    with pytest.raises(HarnessError, match=r"no finished cell.* grid run choices --profile cmu"):
        grid_markdown(folder, {"softmax-dgnet-seed0": "missing"}, "test", PROTOCOL, "MPJPE")
    name = write_cell(tmp_path, "softmax", 50.0, curve=[50.0] * 3)
    with pytest.raises(HarnessError, match="no such score"):
        grid_markdown(tmp_path, {name: "finished"}, "noise", PROTOCOL, "MPJPE")
    (tmp_path / name / "evaluations/test/scores" / PROTOCOL / "sequences.csv").unlink()
    with pytest.raises(HarnessError, match=rf"no such file.* delete {tmp_path / name} and run"):
        grid_markdown(tmp_path, {name: "finished"}, "test", PROTOCOL, "MPJPE")
