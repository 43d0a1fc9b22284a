"""Prediction refuses input that a checkpoint does not belong to; noise is drawn from names."""

from pathlib import Path

import numpy as np
import pytest
from tiny_lifter import METHOD, tiny_plan, write_tiny_set

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.lifting import registry
from harness.prediction.corruption import corrupted_keypoints
from harness.prediction.predict_run import predict_run
from harness.prediction.stored import read_predictions
from harness.training.train_run import train_run


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a set, another set, and a trained run."""
    folder = tmp_path_factory.mktemp("prediction")
    write_tiny_set(folder / "set", (20, 15, 8, 30), seed=0)
    write_tiny_set(folder / "other", (20, 15, 8, 30), seed=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("HARNESS_TRACKING", "off")
        patch.setitem(registry.METHODS, METHOD.name, "tiny_lifter:METHOD")
        train_run(tiny_plan(folder / "set", folder / "run"), accelerator="cpu")
    return folder


@pytest.fixture(autouse=True)
def _linear_method(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.METHODS, METHOD.name, "tiny_lifter:METHOD")


def test_each_frame_of_the_split_is_predicted(place: Path, tmp_path: Path) -> None:
    out = predict_run(place / "run", place / "set", flip_test=True, out=tmp_path / "p")
    stored = read_predictions(out)
    test = PreparedSet(place / "set").select("test")
    assert stored.clips["frames"].tolist() == test["frames"].tolist() == [30]
    assert stored.positions.shape == (30, 17, 3)
    assert stored.contract.model == "linear"
    assert stored.contract.flip_test
    assert stored.contract.input_2d == stored.contract.trained_on_2d == "gt"


def test_predicting_twice_gives_the_same_bytes(place: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        predict_run(place / "run", place / "set", flip_test=True, out=tmp_path / name)
    for name in ("predictions.npy", "clips.parquet", "contract.json"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_another_2d_source_must_be_asked_for(place: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"trained on 2D source 'gt'.*not on 'noisy'"):
        predict_run(
            place / "run", place / "set", flip_test=False, input_2d="noisy", out=tmp_path / "p"
        )
    assert not (tmp_path / "p").exists()
    predict_run(
        place / "run",
        place / "set",
        flip_test=False,
        input_2d="noisy",
        allow_other_input=True,
        out=tmp_path / "p",
    )
    contract = read_predictions(tmp_path / "p").contract
    assert (contract.input_2d, contract.trained_on_2d) == ("noisy", "gt")


def test_other_data_must_be_asked_for(place: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="was trained on data set tiny"):
        predict_run(place / "run", place / "other", flip_test=False, out=tmp_path / "p")


def test_a_checkpoint_the_record_does_not_know_is_refused(place: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for name in ("run.json", "model.safetensors"):
        (run / name).write_bytes((place / "run" / name).read_bytes())
    record = (run / "run.json").read_text()
    (run / "run.json").write_text(
        record.replace('"checkpoint_sha256": "', "&f".replace("&", '"checkpoint_sha256": "'))
    )
    with pytest.raises(HarnessError, match="not the checkpoint"):
        predict_run(run, place / "set", flip_test=False)


def test_noise_has_its_size_and_its_draw(place: Path) -> None:
    prepared = PreparedSet(place / "set")
    exact = prepared.keypoints_2d("gt")

    def noise(sigma: float, draw: int) -> np.ndarray:
        spec = {"kind": "gaussian", "sigma_px": sigma, "draw": draw}
        return corrupted_keypoints(prepared, prepared.clips, "gt", spec)[0] - exact

    five = noise(5.0, 0)
    assert np.std(five) == pytest.approx(5.0, rel=0.05)
    assert abs(five.mean()) < 0.3
    np.testing.assert_allclose(noise(10.0, 0), 2 * five, atol=1e-3)
    assert np.abs(noise(5.0, 1) - five).max() > 1
    np.testing.assert_array_equal(noise(0.0, 0), 0)
    alone, _ = corrupted_keypoints(
        prepared, prepared.select("test"), "gt", {"kind": "gaussian", "sigma_px": 5.0, "draw": 0}
    )
    rows = slice(43, 73)
    np.testing.assert_array_equal(alone[rows] - exact[rows], five[rows])


def test_noise_is_recorded_and_changes_predictions(place: Path, tmp_path: Path) -> None:
    spec = {"kind": "gaussian", "sigma_px": 20.0, "draw": 0}
    for name, corruption in (("clean", None), ("noisy", spec)):
        predict_run(
            place / "run",
            place / "set",
            flip_test=False,
            corruption=corruption,
            out=tmp_path / name,
        )
    noisy, clean = read_predictions(tmp_path / "noisy"), read_predictions(tmp_path / "clean")
    assert noisy.contract.corruption == spec
    assert np.abs(noisy.positions - clean.positions).max() > 1e-3


def test_an_unknown_corruption_is_refused(place: Path, tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="sigma_pix"):
        predict_run(
            place / "run",
            place / "set",
            flip_test=False,
            corruption={"kind": "gaussian", "sigma_pix": 5.0},
            out=tmp_path / "p",
        )
