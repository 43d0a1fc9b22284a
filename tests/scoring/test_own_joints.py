"""Data of one's own: any joints can be scored, each counts, and nothing else is different."""

from pathlib import Path

import numpy as np
import pytest
from scored_sets import make_predictions, make_set

from harness.body.skeleton import Skeleton, register_skeleton
from harness.scoring.metrics import DESCRIPTIVE_METRICS, POSITION_METRICS
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.stored_score import read_score

OWN = protocol_called("own-actionwise")


def test_all_joints_of_an_unknown_skeleton_count(tmp_path: Path) -> None:
    snake = Skeleton("snake_3", ("Head", "Middle", "Tail"), (1, -1, 1), (), ())
    register_skeleton(snake)
    prepared = make_set(tmp_path / "set", skeleton=snake)
    predictions = make_predictions(tmp_path / "p", prepared)
    score_predictions(predictions, prepared, OWN, tmp_path / "score")
    score = read_score(tmp_path / "score")
    assert score.sequences.joints == snake.joints
    body = {"Symmetry", "Angle", "Angle correlation"}  # it has no sides and no limbs
    known = {metric.name for metric in (*POSITION_METRICS, *DESCRIPTIVE_METRICS)} - {"MRPE"}
    assert set(score.sequences.by_metric) == known - body
    assert all(score.protocol.counts(metric).sum() == 3 for metric in POSITION_METRICS)
    by_action: dict[str, list[float]] = {}
    for clip in predictions.clips.itertuples():
        first = prepared.clips.set_index("clip")["first_row"][clip.clip]
        for frame in range(clip.frames):
            truth = prepared.positions_3d[first + frame].astype(float)
            difference = predictions.positions[clip.first_row + frame] - (truth - truth[1])
            errors = [1000 * np.linalg.norm(difference[joint]) for joint in range(3)]
            by_action.setdefault(clip.action, []).append(float(np.mean(errors)))
    expected = np.mean([np.mean(errors) for errors in by_action.values()])
    assert score.metrics["MPJPE"] == pytest.approx(expected, abs=1e-4)


def test_on_the_joints_of_human36m_it_gives_their_numbers(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set")
    predictions = make_predictions(tmp_path / "p", prepared)
    usual = protocol_called("h36m17-actionwise")
    one = score_predictions(predictions, prepared, OWN, tmp_path / "one").metrics
    two = score_predictions(predictions, prepared, usual, tmp_path / "two").metrics
    assert one == {key: two[key] for key in one}
