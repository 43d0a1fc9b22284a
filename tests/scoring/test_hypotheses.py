"""Several hypotheses: the aggregates against slow loops, and what looks at the truth."""

import json
import math
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from scored_sets import make_contract, make_set, true_poses

from harness.body.camera import Camera, project
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import Predictions, read_predictions, write_predictions
from harness.reporting.stored.score_text import as_markdown
from harness.scoring.hypotheses import J_AGG, J_AGG_FITTED, J_BEST, P_AGG, P_BEST
from harness.scoring.image_space import lines_of_sight
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.stored_score import read_score

ACTIONWISE = protocol_called("h36m17-actionwise")
ALIGNED = protocol_called("h36m17-aligned-windows")
HYPOTHESES, WINDOW = 5, 4
Array = NDArray[np.float32]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return make_set(tmp_path_factory.mktemp("data") / "made")


def several(prepared: PreparedSet, noise: float = 0.08) -> Array:
    truth = true_poses(prepared)
    rng = np.random.default_rng(3)
    size = (len(truth), HYPOTHESES, 17, 3)
    return (truth[:, None] + noise * rng.normal(size=size)).astype(np.float32)


@pytest.fixture(scope="module")
def predictions(prepared: PreparedSet, tmp_path_factory: pytest.TempPathFactory) -> Predictions:
    folder = tmp_path_factory.mktemp("predictions") / "p"
    contract = make_contract(prepared, frames=WINDOW, hypotheses=HYPOTHESES)
    write_predictions(folder, contract, prepared.select("test"), several(prepared))
    return read_predictions(folder)


def rows_of_test(prepared: PreparedSet) -> NDArray[np.int64]:
    clips = prepared.select("test").itertuples()
    return np.concatenate([np.arange(c.first_row, c.first_row + c.frames) for c in clips])


Errors = list[list[list[float]]]
"""By frame, hypothesis and joint."""


def slow(prepared: PreparedSet, of_clip: Callable[..., list[float]]) -> float:
    """Return the mean of actions of an aggregate that gives each frame's error of a clip."""
    poses = several(prepared).astype(float)
    truth = prepared.positions_3d[rows_of_test(prepared)].astype(float)
    truth -= truth[:, :1]
    by_action: dict[str, list[float]] = defaultdict(list)
    row = 0
    for clip in prepared.select("test").itertuples():
        rows = slice(row, row + clip.frames)
        row += clip.frames
        errors = [
            [[1000 * math.dist(p[j], t[j]) for j in range(17)] for p in candidates]
            for candidates, t in zip(poses[rows], truth[rows], strict=True)
        ]
        by_action[clip.action] += of_clip(errors, poses[rows], truth[rows], clip)
    means = [sum(values) / len(values) for values in by_action.values()]
    return sum(means) / len(means)


def p_agg(errors: Errors, poses: Array, truth: Array, clip: object) -> list[float]:
    return [
        sum(1000 * math.dist(poses[n, :, j].mean(axis=0), truth[n, j]) for j in range(17)) / 17
        for n in range(len(errors))
    ]


def j_best(errors: Errors, poses: Array, truth: Array, clip: object) -> list[float]:
    return [sum(min(e[h][j] for h in range(HYPOTHESES)) for j in range(17)) / 17 for e in errors]


def p_best(length: int) -> Callable[..., list[float]]:
    def of_clip(errors: Errors, poses: Array, truth: Array, clip: object) -> list[float]:
        values: list[float] = []
        for first in range(0, len(errors), length):
            window = errors[first : first + length]
            best = min(
                (sum(sum(e[h]) for e in window) / (17 * len(window)), h) for h in range(HYPOTHESES)
            )
            values += [best[0]] * len(window)
        return values

    return of_clip


def j_agg(
    prepared: PreparedSet, root_of: Callable[[Array, Array, Array, Camera], Array]
) -> Callable[..., list[float]]:
    """J-Agg with the path that `root_of` makes of true roots, keypoints, mean pose and camera."""

    def of_clip(errors: Errors, poses: Array, truth: Array, clip: object) -> list[float]:
        rows = slice(clip.first_row, clip.first_row + clip.frames)  # type: ignore[attr-defined]
        camera = prepared.camera(clip.camera)  # type: ignore[attr-defined]
        seen = prepared.keypoints_2d("gt")[rows].astype(float)
        true_roots = prepared.positions_3d[rows, 0].astype(float)
        roots = root_of(true_roots, seen, poses.mean(axis=1), camera)
        values = []
        for n, e in enumerate(errors):
            total = 0.0
            for j in range(17):
                apart = [
                    math.dist(project(poses[n, h, j] + roots[n], camera), seen[n, j])
                    for h in range(HYPOTHESES)
                ]
                total += e[apart.index(min(apart))][j]
            values.append(total / 17)
        return values

    return of_clip


def best_projecting(true_roots: Array, seen: Array, poses: Array, camera: Camera) -> Array:
    """Where the mean pose has to stand to lie on its lines of sight, frame by frame."""
    found = []
    for pose, lines in zip(poses, lines_of_sight(seen, camera), strict=True):
        left, right = [], []
        for (x, y, z), (u, v) in zip(pose, lines, strict=True):
            left += [[1, 0, -u], [0, 1, -v]]  # x + tx = u (z + tz), y + ty = v (z + tz)
            right += [u * z - x, v * z - y]
        found.append(np.linalg.lstsq(np.array(left), np.array(right), rcond=None)[0])
    return np.array(found)


def test_the_aggregates_are_those_of_slow_loops(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    found = {item.name: value.average for item, value in score.aggregates().items()}
    expected = {
        P_AGG: slow(prepared, p_agg),
        J_AGG: slow(prepared, j_agg(prepared, lambda roots, *_: roots)),
        J_AGG_FITTED: slow(prepared, j_agg(prepared, best_projecting)),
        P_BEST: slow(prepared, p_best(WINDOW)),
        J_BEST: slow(prepared, j_best),
    }
    assert found == pytest.approx(expected, rel=1e-9)
    assert found[J_BEST] < found[P_BEST]


def test_an_offset_of_all_joints_changes_nothing_where_the_root_is_subtracted(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    contract = make_contract(prepared, frames=WINDOW, hypotheses=HYPOTHESES)
    moved = several(prepared) + np.array([0.2, -0.1, 0.3], dtype=np.float32)
    write_predictions(tmp_path / "p", contract, prepared.select("test"), moved)
    subtracted = protocol_called("h36m16-semgcn")
    plain, offset = (
        score_predictions(made, prepared, subtracted, tmp_path / name, force=True).aggregates()
        for name, made in (("plain", predictions), ("offset", read_predictions(tmp_path / "p")))
    )
    for item, value in plain.items():
        assert offset[item].average == pytest.approx(value.average, rel=1e-4), item.name


def test_p_best_of_a_batch_chooses_for_more_frames_and_says_so(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score", best_over=3)
    found = {item.name: value.average for item, value in score.aggregates().items()}
    batch = found["P-Best of 3 windows"]
    assert batch == pytest.approx(slow(prepared, p_best(3 * WINDOW)), rel=1e-9)
    assert batch > slow(prepared, p_best(WINDOW))
    assert P_BEST not in found


def test_an_aligned_last_window_counts_twice_and_has_a_best_hypothesis_of_its_own(
    prepared: PreparedSet, tmp_path: Path
) -> None:
    window = 7
    assert set(prepared.select("test")["frames"]) >= {20, 16, 5}  # a clip may also be too short
    contract = make_contract(prepared, frames=window, hypotheses=HYPOTHESES)
    write_predictions(tmp_path / "p", contract, prepared.select("test"), several(prepared))
    predictions = read_predictions(tmp_path / "p")
    score = score_predictions(predictions, prepared, ALIGNED, tmp_path / "score")

    def by_window(of_clip: Callable[..., list[float]]) -> Callable[..., list[float]]:
        def of_windows(errors: Errors, poses: Array, truth: Array, clip: object) -> list[float]:
            starts = [*range(0, len(errors) - window, window), max(len(errors) - window, 0)]
            return [
                value
                for start in starts
                for window_of in [slice(start, start + window)]
                for value in of_clip(errors[window_of], poses[window_of], truth[window_of], clip)
            ]

        return of_windows

    found = {item.name: value.average for item, value in score.aggregates().items()}
    assert found[P_AGG] == pytest.approx(slow(prepared, by_window(p_agg)), rel=1e-9)
    assert found[P_BEST] == pytest.approx(slow(prepared, by_window(p_best(window))), rel=1e-9)
    assert found[P_AGG] != pytest.approx(slow(prepared, p_agg), rel=1e-9)


def test_only_the_mean_pose_ranks(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    assert score.metrics["MPJPE"] == pytest.approx(slow(prepared, p_agg), rel=1e-6)
    departures = score.header.conditions.departures
    assert departures == (f"the mean of {HYPOTHESES} hypotheses (P-Agg)",)
    # What `compare`, tables and references read holds no aggregate that uses the truth.
    assert not {J_AGG, P_BEST, J_BEST} & {*METRICS, *score.sequences.by_metric, *score.metrics}
    text = as_markdown(score)
    assert "J-Agg uses the true path of the root, in every frame: it ranks nothing" in text
    assert "J-Best uses the true poses" in text
    assert "P-Agg uses" not in text


def test_j_agg_rests_on_the_true_path_of_the_root(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    found = {item.name: value.average for item, value in score.aggregates().items()}

    def constant(roots: Array, *_: object) -> Array:
        return np.broadcast_to(roots.mean(axis=0) + np.array([0, 0, 1.0]), roots.shape)

    away = slow(prepared, j_agg(prepared, constant))
    assert away > 1.1 * found[J_AGG]
    assert found[J_AGG] <= found[J_AGG_FITTED] < away


def test_a_score_of_hypotheses_comes_back_and_is_guarded(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    made = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    read = read_score(tmp_path / "score")
    assert read.aggregates() == made.aggregates()
    with (tmp_path / "score/hypotheses.csv").open("a") as stream:
        stream.write("\n")
    with pytest.raises(HarnessError, match="was changed after it was written"):
        read_score(tmp_path / "score")


def test_one_hypothesis_has_no_aggregates(prepared: PreparedSet, tmp_path: Path) -> None:
    truth = true_poses(prepared)
    write_predictions(tmp_path / "p", make_contract(prepared), prepared.select("test"), truth)
    score = score_predictions(
        read_predictions(tmp_path / "p"), prepared, ACTIONWISE, tmp_path / "score"
    )
    assert score.aggregates() == {}
    assert not (tmp_path / "score/hypotheses.csv").exists()
    assert json.loads((tmp_path / "score/score.json").read_text())["hypotheses_sha256"] is None


def test_without_the_lifted_2d_there_is_no_j_agg(prepared: PreparedSet, tmp_path: Path) -> None:
    contract = make_contract(prepared, hypotheses=HYPOTHESES, input_2d="cpn", trained_on_2d="cpn")
    write_predictions(tmp_path / "p", contract, prepared.select("test"), several(prepared))
    score = score_predictions(
        read_predictions(tmp_path / "p"), prepared, ACTIONWISE, tmp_path / "score"
    )
    assert {item.name for item in score.aggregates()} == {P_AGG, P_BEST, J_BEST}
    assert "MRPE fitted" not in score.metrics


def test_a_predicted_root_is_stored_and_scored(prepared: PreparedSet, tmp_path: Path) -> None:
    clips, truth = prepared.select("test"), true_poses(prepared)
    roots = prepared.positions_3d[rows_of_test(prepared), 0] + np.array([0.03, 0, 0.04], np.float32)
    contract = make_contract(prepared, predicts_root=True)
    write_predictions(tmp_path / "p", contract, clips, truth, roots)
    score = score_predictions(
        read_predictions(tmp_path / "p"), prepared, ACTIONWISE, tmp_path / "score"
    )
    assert score.metrics["MRPE"] == pytest.approx(50, abs=1e-3)
    assert score.metrics["MRPE fitted"] == pytest.approx(0, abs=0.1)  # exact 2D of a perfect pose
    with pytest.raises(HarnessError, match="the root's path is none, expected"):
        write_predictions(tmp_path / "q", contract, clips, truth)
