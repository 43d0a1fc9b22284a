"""`harness conventions` and `harness leaderboard`: numbers under their own names."""

import json
from pathlib import Path

import numpy as np
import pytest
from scored_sets import make_predictions, make_run, make_set

from harness.cli.main import main
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import read_predictions, write_predictions
from harness.reporting.conventions import conventions
from harness.scoring.protocols import PROTOCOLS
from harness.scoring.score import score_predictions

RUN = "quick/dgnet-seed0"


@pytest.fixture
def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PreparedSet:
    """A project with one scored run, which is the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    prepared = make_set(Path("data/prepared/quick"))
    make_run(Path("results"), prepared, "dgnet")
    return prepared


def output(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert not ended.value.code
    return capsys.readouterr().out


def test_one_table_says_what_each_convention_gives(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    text = output(capsys, "conventions", RUN)
    rows = [line for line in text.splitlines() if line.startswith("| h36m")]
    assert len(rows) >= 6
    assert "- humaneva15-validate: is of data set humaneva" in text
    assert "- h36m17-motionbert25d: " in text
    assert "needs the 2.5D truth" in text
    zeroed = next(row for row in rows if "rootzero" in row).split("|")
    usual = next(row for row in rows if row.startswith("| h36m17-actionwise ")).split("|")
    assert float(zeroed[3]) == pytest.approx(float(zeroed[2]) - float(usual[2]), abs=0.11)
    assert not (Path("results/quick/runs/dgnet-seed0/scores/h36m16-semgcn")).exists()


def test_its_numbers_are_those_of_full_scores(prepared: PreparedSet, tmp_path: Path) -> None:
    predictions = make_predictions(tmp_path / "p", prepared)
    for metric in ("MPJPE", "P-MPJPE", "PCK@150mm"):
        for row in conventions(predictions, prepared, metric).rows:
            out = tmp_path / "scores" / row.protocol.id
            full = score_predictions(
                predictions, prepared, PROTOCOLS[row.protocol.id], out, force=True
            )
            assert row.value == full.metrics[metric]
            assert row.frames == full.sequences.metric(metric).frames.sum()


def test_the_protocol_nearest_to_a_printed_number_is_marked(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    stored = Path("results/quick/runs/dgnet-seed0/predictions")
    table = conventions(read_predictions(stored), prepared)
    wanted = next(row for row in table.rows if row.protocol.id == "h36m16-semgcn")
    text = output(capsys, "conventions", RUN, "--printed", f"{wanted.value:.2f}")
    assert "**h36m16-semgcn**, nearest" in text
    assert f"Nearest to the printed {wanted.value:.2f}: **h36m16-semgcn**" in text
    assert "None gives the printed number" not in text
    far = output(capsys, "conventions", RUN, "--printed", "9999")
    assert "None gives the printed number" in far


def test_what_does_not_fit_is_one_plain_line(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["conventions", RUN, "--metric", "Symmetry"])
    assert ended.value.code
    assert "Symmetry is told of every score alike" in capsys.readouterr().err
    two = make_set(tmp_path / "two", seed=1)
    with pytest.raises(HarnessError, match="no protocol fits these predictions; the first: "):
        conventions(make_predictions(tmp_path / "p", prepared), two)


def test_leaderboard_rows_say_all_a_board_needs(
    prepared: PreparedSet, capsys: pytest.CaptureFixture[str]
) -> None:
    make_run(Path("results"), prepared, "semgcn", noise=0.1, flip_test=False)
    text = output(capsys, "leaderboard", "quick/semgcn-seed0", RUN, "--out", "board")
    assert text.index("| dgnet") < text.index("| semgcn"), "best first"
    rows = json.loads(Path("board.json").read_text())
    assert Path("board.md").read_text().strip() == text.strip()
    by_method = {row["method"]: row for row in rows}
    protocol = PROTOCOLS["h36m17-actionwise"]
    for row in rows:
        assert (row["protocol"], row["definition"]) == (protocol.id, protocol.definition)
        assert row["data_hash"] == prepared.data_hash
        assert set(row["metrics"]) == set(protocol.metrics)
        assert {"data_licence", "input_2d", "frames", "parameters", "run_id"} <= row.keys()
    assert by_method["semgcn"]["departures"] == [
        "predicted without flip at test, the protocol's source with"
    ]
    with pytest.raises(SystemExit):
        main(["leaderboard", "quick/none-seed0"])
    assert "unknown run" in capsys.readouterr().err


def test_boards_of_human36m_show_what_others_printed_under_the_same_convention(
    tmp_path: Path,
) -> None:
    from harness.reporting.leaderboard import as_markdown, leaderboard_rows

    prepared = make_set(tmp_path / "set")
    folder = make_run(tmp_path / "results", prepared, "dgnet")
    (row,) = leaderboard_rows([folder])
    assert "PoseFormerV2" not in as_markdown([row])
    text = as_markdown([row.model_copy(update={"dataset": "h36m"})])
    assert "PoseFormerV2" in text
    assert "MotionBERT" not in text


def test_hypotheses_stand_in_the_row(prepared: PreparedSet, tmp_path: Path) -> None:
    from scored_sets import make_contract, true_poses

    from harness.reporting.leaderboard import leaderboard_rows

    several = np.repeat(true_poses(prepared)[:, None], 3, axis=1)
    contract = make_contract(prepared, hypotheses=3)
    write_predictions(tmp_path / "run/predictions", contract, prepared.select("test"), several)
    score_predictions(
        read_predictions(tmp_path / "run/predictions"),
        prepared,
        PROTOCOLS["h36m17-actionwise"],
        tmp_path / "run/scores/h36m17-actionwise",
    )
    (row,) = leaderboard_rows([tmp_path / "run"])
    assert row.hypotheses == 3
    assert "the mean of 3 hypotheses (P-Agg)" in row.departures
