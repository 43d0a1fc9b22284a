"""An array, clip or camera that was changed after a set was prepared is noticed when asked for."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scored_sets import make_set

from harness.cli.main import main
from harness.datasets.prepared import PreparedSet
from harness.datasets.verification import verify_set
from harness.foundation.errors import CheckFailed, HarnessError


@pytest.fixture
def prepared(tmp_path: Path) -> Path:
    make_set(tmp_path / "set", valid=True)
    return tmp_path / "set"


def test_a_set_as_it_was_prepared_passes(
    prepared: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = verify_set(PreparedSet(prepared))
    assert done.files == 3
    assert done.size == sum(path.stat().st_size for path in prepared.rglob("*.npy"))
    with pytest.raises(SystemExit) as ended:
        main(["data", "verify", str(prepared)])
    assert ended.value.code == 0
    assert "is that of its 3 arrays" in capsys.readouterr().out


def _one_bit(name: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        content = bytearray((folder / name).read_bytes())
        content[-3] ^= 1
        (folder / name).write_bytes(bytes(content))

    return change


def _another_action(folder: Path) -> None:
    clips = pd.read_parquet(folder / "clips.parquet")
    clips.loc[0, "action"] = "Sitting"
    clips.to_parquet(folder / "clips.parquet", index=False)


def _another_camera(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    next(iter(manifest["cameras"].values()))["focal_length"] = [1000.0, 1000.0]
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    "change",
    [
        _one_bit("positions_3d.npy"),
        _one_bit("keypoints_2d/gt.npy"),
        _one_bit("valid.npy"),
        _another_action,
        _another_camera,
    ],
)
def test_what_was_changed_is_noticed(
    prepared: Path, change: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    change(prepared)
    with pytest.raises(CheckFailed, match="were changed after it was prepared"):
        verify_set(PreparedSet(prepared))
    with pytest.raises(SystemExit) as ended:
        main(["data", "verify", str(prepared)])
    assert ended.value.code == 1
    assert "Error: " in capsys.readouterr().err


def _clips(**changes: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        clips = pd.read_parquet(folder / "clips.parquet")
        for column, value in changes.items():
            clips[column] = clips[column].astype(object)
            clips.loc[1, column] = value
        clips.to_parquet(folder / "clips.parquet", index=False)

    return change


def _source_elsewhere(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["sources_2d"] = {"../../x": manifest["sources_2d"]["gt"]}
    (folder / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_clips(frames=-1), "no frames or more than any video"),
        (_clips(frames=2**62), "no frames or more than any video"),
        (_clips(first_row=0), "does not count the rows"),
        (_clips(fps=float("inf")), "a frame rate is no positive number"),
        (_clips(split="exam"), "'exam' is no split"),
        (_clips(camera="nobody"), "names camera nobody"),
        (_clips(action="\x1b[31mred"), r"action '\\x1b\[31mred' is no plain name"),
        (_clips(action="=1+1"), "action '=1\\+1' is no plain name"),
        (_clips(subject=None), "lacks subject of a clip"),
        (_clips(clip=0), "the numbers of the clips are negative or come twice"),
        (_source_elsewhere, "is not a manifest this version reads"),
        (
            lambda folder: np.save(
                folder / "positions_3d.npy",
                np.load(folder / "positions_3d.npy").astype(np.float64),
            ),
            r"\(float64\), expected .* \(float32\)",
        ),
    ],
)
def test_what_no_set_can_hold_is_refused_on_opening(
    prepared: Path, change: Callable[[Path], None], message: str
) -> None:
    change(prepared)
    with pytest.raises(HarnessError, match=message) as caught:
        PreparedSet(prepared)
    assert str(caught.value).isprintable()
