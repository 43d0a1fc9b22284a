"""Predictions on MotionBERT's file score as its own code would score them, written out slowly.

The reference follows train.py's evaluate step by step in Python floats: pixels, true factor, root,
block list, whole windows, mean of actions.
"""

import math
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from motionbert_files import CAMERAS, SIZES, VIDEOS, made_part, write_part
from scipy.spatial.transform import Rotation
from scored_sets import make_contract, make_predictions, make_set

from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import Predictions, read_predictions, write_predictions
from harness.scoring.protocols import protocol_called
from harness.scoring.score import measure, score_predictions

PROTOCOL = protocol_called("h36m17-motionbert25d")
WINDOW = 8
PART = made_part()


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    folder = tmp_path_factory.mktemp("motionbert")
    write_part(folder / "raw", PART)
    prepare_set("h36m_motionbert", folder / "raw", folder / "set", {})
    return PreparedSet(folder / "set")


def network_output(seed: int = 1) -> np.ndarray:
    """The label in the network's units with noise, as float32; the root is not 0."""
    rng = np.random.default_rng(seed)
    relative = PART["joint3d_image"] - PART["joint3d_image"][:, :1]
    return (relative * 2 / 1000 + 0.02 * rng.normal(size=relative.shape)).astype(np.float32)


@pytest.fixture(scope="module")
def predictions(prepared: PreparedSet, tmp_path_factory: pytest.TempPathFactory) -> Predictions:
    folder = tmp_path_factory.mktemp("predictions") / "p"
    contract = make_contract(
        prepared, input_2d="sh_finetuned", trained_on_2d="sh_finetuned", frames=WINDOW
    ).model_copy(update={"space": "image25d"})
    write_predictions(folder, contract, prepared.select("test"), network_output())
    return read_predictions(folder)


def slow_frames() -> tuple[dict[str, list[float]], dict[str, list[float]]]:
    """Return by action the errors of the frames that count: MPJPE and P-MPJPE."""
    output = network_output().astype(float)
    plain: dict[str, list[float]] = defaultdict(list)
    aligned: dict[str, list[float]] = defaultdict(list)
    start = 0
    for number, (source, action, camera, frames) in enumerate(VIDEOS):
        width, height = 1000, SIZES[CAMERAS[camera]]
        whole = frames // WINDOW * WINDOW
        if frames < WINDOW:  # one stretched window, which covers all frames; none as the last
            whole = 0 if number == len(VIDEOS) - 1 else frames
        for row in range(start, start + whole):
            if source[:-6] == "s_09_act_05_subact_02":
                continue
            p = output[row].copy()
            p[0] = 0
            pixels = np.array(
                [
                    [(x + 1) * width / 2, (y + height / width) * width / 2, z * width / 2]
                    for x, y, z in p
                ]
            )
            millimetres = pixels * PART["2.5d_factor"][row]
            millimetres -= millimetres[0]
            truth = PART["joints_2.5d_image"][row] - PART["joints_2.5d_image"][row, 0]
            distances = [math.dist(millimetres[j], truth[j]) for j in range(17)]
            # Stored in single precision, joint by joint.
            plain[action].append(sum(float(np.float32(d)) for d in distances) / 17)
            a, b = millimetres - millimetres.mean(axis=0), truth - truth.mean(axis=0)
            turned = Rotation.align_vectors(b, a)[0].apply(a)
            scaled = turned * (turned * b).sum() / (a * a).sum()
            aligned[action].append(sum(math.dist(scaled[j], b[j]) for j in range(17)) / 17)
        start += frames
    return plain, aligned


def mean_of_actions(errors: dict[str, list[float]]) -> float:
    means = [sum(values) / len(values) for values in errors.values()]
    return sum(means) / len(means)


def test_the_score_is_that_of_the_literal_reference(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    score = score_predictions(predictions, prepared, PROTOCOL, tmp_path / "score")
    plain, aligned = slow_frames()
    assert score.metrics["MPJPE"] == pytest.approx(mean_of_actions(plain), rel=1e-9)
    assert score.metrics["P-MPJPE"] == pytest.approx(mean_of_actions(aligned), rel=1e-6)
    for action, errors in plain.items():
        expected = sum(errors) / len(errors)
        assert score.metrics[f"MPJPE/{action}"] == pytest.approx(expected, rel=1e-9)
    # 16 of 19, none of the blocked, 24 of 24, 5 of 5, 8 of 8, none of the last 6
    assert score.header.frames == 16 + 24 + 5 + 8 == sum(map(len, plain.values()))


def test_the_errors_themselves_agree_in_double_precision(
    prepared: PreparedSet, predictions: Predictions
) -> None:
    from harness.scoring.fitting import clips_to_score
    from harness.scoring.metrics import mpjpe
    from harness.scoring.scored_clips import scored_clips

    clips = clips_to_score(predictions, prepared, PROTOCOL)
    first = next(scored_clips(predictions, prepared, PROTOCOL, clips)).poses
    scale = PART["2.5d_factor"][:16, None, None]
    output = network_output()[:16].astype(float)
    output[:, 0] = 0
    truth = PART["joints_2.5d_image"][:16] - PART["joints_2.5d_image"][:16, :1]
    expected = np.linalg.norm(output * 500 * scale - truth, axis=-1)
    found = mpjpe(first.predicted, first.target, first.frames)
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_it_needs_the_file_and_camera_space_protocols_need_camera_space(
    prepared: PreparedSet, predictions: Predictions, tmp_path: Path
) -> None:
    usual = protocol_called("h36m17-actionwise")
    with pytest.raises(HarnessError, match="has no positions in camera space"):
        measure(predictions, prepared, usual)
    metric = make_set(tmp_path / "set")
    with pytest.raises(HarnessError, match=r"needs the 2\.5D truth and the factor"):
        measure(make_predictions(tmp_path / "p", metric), metric, PROTOCOL)


def test_units_of_the_image_become_metres_where_camera_space_is_known(tmp_path: Path) -> None:
    """A perfect 2.5D network misses camera space by perspective alone, and the score says why."""
    prepared = make_set(tmp_path / "set")
    clips = prepared.select("test")
    root_depth, poses = [], []
    for clip in clips.itertuples():
        rows = slice(clip.first_row, clip.first_row + clip.frames)
        camera = prepared.camera(clip.camera)
        positions = prepared.positions_3d[rows].astype(float)
        factor = positions[:, :1, 2:] / np.mean(camera.focal_length)  # metres a pixel
        plane = positions[..., :2] / positions[..., 2:] * camera.focal_length
        image = np.concatenate([plane, positions[..., 2:] / factor], axis=-1)
        poses.append((image - image[:, :1]) * 2 / camera.width)
        root_depth.append(factor)
    contract = make_contract(prepared).model_copy(update={"space": "image25d"})
    write_predictions(tmp_path / "p", contract, clips, np.concatenate(poses).astype(np.float32))
    predictions = read_predictions(tmp_path / "p")
    made = score_predictions(
        predictions, prepared, protocol_called("h36m17-made25d"), tmp_path / "made"
    )
    assert made.metrics["MPJPE"] == pytest.approx(0, abs=1e-3)
    assert made.header.conditions.departures == ()
    usual = score_predictions(
        predictions, prepared, protocol_called("h36m17-actionwise"), tmp_path / "usual"
    )
    assert usual.metrics["MPJPE"] > 5
    assert usual.header.conditions.departures == (
        "in units of the image, scaled by the true millimetres a pixel of each frame",
    )
    # With exact 2D as x and y, depth alone is judged; the lens's distortion is all that is left.
    depth_only = protocol_called("h36m17-made25d-xy-of-input")
    half = np.concatenate(poses).astype(np.float32) * [0.5, 0.5, 1]
    write_predictions(tmp_path / "half", contract, clips, half.astype(np.float32))
    spoilt = read_predictions(tmp_path / "half")
    assert measure(spoilt, prepared, depth_only).metric("MPJPE").sums.mean() < 40
