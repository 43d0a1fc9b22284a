"""Scoring reads files only, refuses what does not belong together, and counts every frame once."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scored_sets import make_contract, make_predictions, make_set, true_poses

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.foundation.files import only_writer
from harness.prediction.stored import Predictions, read_predictions, write_predictions
from harness.scoring.errors_file import read_errors
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import PROTOCOLS, protocol_called
from harness.scoring.score import score_predictions
from harness.scoring.stored_score import read_score

ACTIONWISE = protocol_called("h36m17-actionwise")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    return make_set(tmp_path_factory.mktemp("data") / "made")


@pytest.fixture(scope="module")
def predictions(prepared: PreparedSet, tmp_path_factory: pytest.TempPathFactory) -> Predictions:
    return make_predictions(tmp_path_factory.mktemp("predictions") / "p", prepared)


def contents(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def test_the_average_is_the_mean_of_the_actions_means(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    by_action: dict[str, list[float]] = defaultdict(list)
    truth = true_poses(prepared)
    row = 0
    for clip in prepared.select("test").itertuples():
        for _ in range(clip.frames):
            distances = [
                1000 * float(np.linalg.norm(predictions.positions[row, j] - truth[row, j]))
                for j in range(17)
            ]
            by_action[clip.action].append(sum(distances) / 17)
            row += 1
    means = {action: sum(values) / len(values) for action, values in by_action.items()}
    every = [value for values in by_action.values() for value in values]
    metrics = score.metrics
    assert metrics["MPJPE"] == pytest.approx(sum(means.values()) / 2, abs=1e-4)
    assert metrics["MPJPE/Walking"] == pytest.approx(means["Walking"], abs=1e-4)
    assert metrics["MPJPE/WalkDog"] == pytest.approx(means["WalkDog"], abs=1e-4)
    assert metrics["MPJPE (frame-wise)"] == pytest.approx(sum(every) / len(every), abs=1e-4)
    assert score.header.frames == len(every) == prepared.select("test")["frames"].sum()


def test_velocity_is_averaged_as_videopose3d_averages_it(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    total, weight, row = 0.0, 0, 0
    truth = true_poses(prepared)
    for clip in prepared.select("test").itertuples():
        rows = slice(row, row + clip.frames)
        row += clip.frames
        if clip.action == "Walking":
            motion = np.diff(predictions.positions[rows].astype(float), axis=0)
            error = motion - np.diff(truth[rows].astype(float), axis=0)
            total += clip.frames * 1000 * np.linalg.norm(error, axis=-1).mean()
            weight += clip.frames
    assert score.metrics["MPJVE/Walking"] == pytest.approx(total / weight, rel=1e-5)


def test_a_clip_of_one_frame_has_no_velocity_but_counts_elsewhere(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    single = (score.sequences.clips["subaction"] == "2") & (
        score.sequences.clips["action"] == "WalkDog"
    )
    assert score.sequences.metric("MPJVE").frames[single].tolist() == [0, 0]
    assert score.sequences.metric("MPJPE").frames[single].tolist() == [1, 1]


def test_perfect_predictions_score_perfectly(prepared: PreparedSet, tmp_path: Path) -> None:
    perfect = make_predictions(tmp_path / "p", prepared, noise=0.0)
    metrics = score_predictions(perfect, prepared, ACTIONWISE, tmp_path / "score").metrics
    del metrics["Symmetry"]  # of the prediction alone, and the truth is not symmetric
    for metric in (METRICS[name] for name in METRICS if name in metrics):
        best = metric.lowest if metric.better == "lower" else metric.highest
        near = 1 if metric.name == "Acceleration in seconds" else 1e-3  # 2500 times what is stored
        assert metrics[metric.name] == pytest.approx(best, abs=near), metric.name


def test_everything_can_be_made_again_from_the_stored_errors(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    errors = read_errors(tmp_path / "score/errors.parquet")
    assert json.loads(errors.conditions) == score.header.conditions.model_dump(mode="json")
    for name, stored in errors.by_metric.items():
        frame = pd.DataFrame(stored.astype(np.float64)).groupby(errors.clip)
        sums = score.sequences.metric(name)
        np.testing.assert_allclose(frame.sum().to_numpy(), sums.sums, rtol=1e-12)
        assert frame.count()[0].tolist() == sums.frames.tolist()
    hits = pd.DataFrame(errors.by_metric["MPJPE"] < 150).groupby(errors.clip).sum().to_numpy()
    pck = score.sequences.metric("PCK@150mm")
    np.testing.assert_array_equal(hits[:, pck.counts], pck.sums[:, pck.counts])
    clips = prepared.select("test")
    pairs = [(clip.clip, frame) for clip in clips.itertuples() for frame in range(clip.frames)]
    assert list(zip(errors.clip, errors.frame, strict=True)) == pairs


def test_a_score_comes_back_as_it_was_made(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    made = score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")
    read = read_score(tmp_path / "score")
    assert read.header == made.header
    assert read.metrics == made.metrics
    assert read.metrics == json.loads((tmp_path / "score/metrics.json").read_text())
    pd.testing.assert_frame_equal(read.sequences.clips, made.sequences.clips, check_dtype=False)


def test_the_order_of_prediction_moves_no_bit(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "one")
    order = np.random.default_rng(0).permutation(len(predictions.clips))
    shuffled = predictions.clips.iloc[order]
    rows = np.concatenate(
        [np.arange(c.first_row, c.first_row + c.frames) for c in shuffled.itertuples()]
    )
    write_predictions(
        tmp_path / "p", predictions.contract, shuffled, np.asarray(predictions.positions[rows])
    )
    score_predictions(read_predictions(tmp_path / "p"), prepared, ACTIONWISE, tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")


def test_scoring_again_replaces_a_score_by_the_same_bytes(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    out = tmp_path / "score"
    score_predictions(predictions, prepared, ACTIONWISE, out)
    before = contents(out)
    score_predictions(predictions, prepared, ACTIONWISE, out)
    assert contents(out) == before


def test_only_valid_frames_count_where_the_set_says_which(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set", valid=True)
    predictions = make_predictions(tmp_path / "p", prepared)
    protocol = replace(ACTIONWISE, needs_valid=True)
    score = score_predictions(predictions, prepared, protocol, tmp_path / "score")
    assert prepared.valid is not None
    kept = {
        (clip.clip, frame)
        for clip in prepared.select("test").itertuples()
        for frame in range(clip.frames)
        if prepared.valid[clip.first_row + frame]
    }
    errors = read_errors(tmp_path / "score/errors.parquet", ["MPJPE"])
    assert set(zip(errors.clip.tolist(), errors.frame.tolist(), strict=True)) == kept
    assert score.header.frames == len(kept) < prepared.select("test")["frames"].sum()


def test_a_set_without_a_valid_frame_is_refused(tmp_path: Path) -> None:
    prepared = make_set(tmp_path / "set", valid=True)
    predictions = make_predictions(tmp_path / "p", prepared)
    prepared.valid = np.zeros(prepared.rows, dtype=bool)
    with pytest.raises(HarnessError, match="no frame"):
        score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")


def test_two_processes_cannot_write_one_score(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    with (
        only_writer(tmp_path / "score"),
        pytest.raises(HarnessError, match="another process is writing it"),
    ):
        score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "score")


def test_a_17_joint_prediction_scores_under_every_protocol_of_human36m(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    ids = [id for id in PROTOCOLS if id.startswith("h36m") and id != "h36m17-motionbert25d"]
    values = {
        id: score_predictions(predictions, prepared, PROTOCOLS[id], tmp_path / id).metrics["MPJPE"]
        for id in ids
    }
    assert len(ids) == 10
    assert values.pop("h36m17-actionwise-no-s9drift") == values["h36m17-actionwise"]  # none there
    assert len(set(values.values())) == len(values)


def test_departures_from_the_source_are_recorded(prepared: PreparedSet, tmp_path: Path) -> None:
    odd = make_predictions(
        tmp_path / "p",
        prepared,
        flip_test=False,
        trained_on_2d="cpn",
        uses_root_depth=True,
        corruption={"kind": "gaussian", "sigma_px": 5},
    )
    departures = score_predictions(
        odd, prepared, ACTIONWISE, tmp_path / "score"
    ).header.conditions.departures
    assert len(departures) == 4
    assert departures[0] == "predicted without flip at test, the protocol's source with"


def _other_data(p: Predictions, folder: Path) -> tuple[Predictions, PreparedSet]:
    return p, make_set(folder / "other", seed=1)


def _one_clip_less(p: Predictions, folder: Path) -> tuple[Predictions, PreparedSet]:
    return replace(p, clips=p.clips.iloc[:-1]), make_set(folder / "same")


def _another_camera(p: Predictions, folder: Path) -> tuple[Predictions, PreparedSet]:
    return replace(p, clips=p.clips.assign(camera="other")), make_set(folder / "same")


def _sixteen_joints(p: Predictions, folder: Path) -> tuple[Predictions, PreparedSet]:
    prepared = make_set(folder / "same")
    return make_predictions(folder / "p16", prepared, skeleton="h36m_16"), prepared


def _not_finite(p: Predictions, folder: Path) -> tuple[Predictions, PreparedSet]:
    positions = np.array(p.positions)
    positions[3, 2, 1] = np.nan
    return replace(p, positions=positions), make_set(folder / "same")


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (_other_data, "data hash"),
        (_one_clip_less, "11 clips .* not the 12 clips"),
        (_another_camera, "predict again"),
        (_sixteen_joints, "predictions of dgnet: .*lacks Neck/Nose"),
        (_not_finite, "NaN or infinity"),
    ],
)
def test_what_does_not_belong_together_is_refused_and_leaves_nothing(
    predictions: Predictions,
    tmp_path: Path,
    spoil: Callable[[Predictions, Path], tuple[Predictions, PreparedSet]],
    reason: str,
) -> None:
    spoilt, prepared = spoil(predictions, tmp_path)
    with pytest.raises(HarnessError, match=reason):
        score_predictions(spoilt, prepared, ACTIONWISE, tmp_path / "score")
    assert not (tmp_path / "score").exists()


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"needs_valid": True}, "counts valid frames only"),
        ({"annotation": "univ_annot3"}, "needs annotation 'univ_annot3'"),
        ({"actions": ("Jog",)}, "no clip of split test is left"),
    ],
)
def test_a_protocol_that_the_set_cannot_serve_is_refused(
    prepared: PreparedSet,
    predictions: Predictions,
    tmp_path: Path,
    changes: dict[str, object],
    reason: str,
) -> None:
    protocol = replace(ACTIONWISE, **changes)  # type: ignore[arg-type]
    with pytest.raises(HarnessError, match=reason):
        score_predictions(predictions, prepared, protocol, tmp_path / "score")


def test_a_score_of_other_predictions_is_replaced_only_by_force(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    out = tmp_path / "score"
    score_predictions(predictions, prepared, ACTIONWISE, out)
    before = contents(out)
    other = replace(predictions, contract=make_contract(prepared, seed=1))
    with pytest.raises(HarnessError, match="another seed"):
        score_predictions(other, prepared, ACTIONWISE, out)
    with pytest.raises(HarnessError, match="another version"):
        score_predictions(predictions, prepared, replace(ACTIONWISE, version=2), out)
    assert contents(out) == before
    score_predictions(other, prepared, ACTIONWISE, out, force=True)
    assert read_score(out).header.conditions.predictions.seed == 1


def test_a_strangers_folder_is_never_replaced(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis/chapter.txt").write_text("years of work")
    with pytest.raises(HarnessError, match="not the folder of a score"):
        score_predictions(predictions, prepared, ACTIONWISE, tmp_path / "thesis", force=True)
    assert (tmp_path / "thesis/chapter.txt").read_text() == "years of work"


def test_a_score_of_an_older_definition_is_not_read(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    older = replace(ACTIONWISE, version=0, root="overwrite_root")
    score_predictions(predictions, prepared, older, tmp_path / "score")
    with pytest.raises(HarnessError, match="version 0 of h36m17-actionwise, which is now"):
        read_score(tmp_path / "score")


@pytest.mark.parametrize("damage", ["edited", "missing", "no score", "not JSON", "other keys"])
def test_a_damaged_score_is_one_plain_error(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path, damage: str
) -> None:
    out = tmp_path / "score"
    score_predictions(predictions, prepared, ACTIONWISE, out)
    table, header = out / "sequences.csv", out / "score.json"
    if damage == "edited":
        table.write_text(table.read_text().replace("9", "8", 1))
    elif damage == "missing":
        table.unlink()
    elif damage == "no score":
        header.unlink()
    elif damage == "not JSON":
        header.write_text("{")
    else:
        header.write_text('{"MPJPE": 3}')
    with pytest.raises(HarnessError, match="score"):
        read_score(out)
