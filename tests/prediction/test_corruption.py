"""Corruptions of the 2D input, against their definitions written out frame by frame."""

from typing import Any

import numpy as np
import pytest
from tiny_lifter import write_tiny_set

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.corruption import corrupted_keypoints, corruption_settings

Pixels = np.ndarray[Any, Any]
KINDS = ("dropout", "swaps")


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    """Clips of two cameras whose images differ in height."""
    return write_tiny_set(tmp_path_factory.mktemp("corruption") / "set", (200, 150, 80, 300))


def corrupted(prepared: PreparedSet, kind: str, probability: float, draw: int = 0) -> Pixels:
    spec = {"kind": kind, "probability": probability, "draw": draw}
    return corrupted_keypoints(prepared, prepared.clips, "gt", spec)[0]


def test_a_missing_joint_lies_in_the_middle_of_its_image_and_no_other_moves(
    prepared: PreparedSet,
) -> None:
    exact = prepared.keypoints_2d("gt")
    found, missing = corrupted(prepared, "dropout", 0.2), 0
    for clip in prepared.clips.to_dict("records"):
        camera = prepared.camera(clip["camera"])
        for row in range(clip["first_row"], clip["first_row"] + clip["frames"]):
            for joint in range(17):
                if not np.array_equal(found[row, joint], exact[row, joint]):
                    assert found[row, joint].tolist() == [camera.width / 2, camera.height / 2]
                    missing += 1
    assert missing / (len(exact) * 17) == pytest.approx(0.2, abs=0.02)


def test_a_swapped_frame_has_left_for_right_and_all_others_are_as_they_were(
    prepared: PreparedSet,
) -> None:
    exact, layout = prepared.keypoints_2d("gt"), prepared.layout("gt")
    found, swapped = corrupted(prepared, "swaps", 0.2), 0
    for row in range(len(exact)):
        mirrored = exact[row].copy()
        for left, right in zip(layout.left, layout.right, strict=True):
            mirrored[left], mirrored[right] = exact[row, right], exact[row, left]
        is_swapped = np.array_equal(found[row], mirrored)
        assert is_swapped or np.array_equal(found[row], exact[row])
        swapped += is_swapped
    assert swapped / len(exact) == pytest.approx(0.2, abs=0.05)


@pytest.mark.parametrize("kind", KINDS)
def test_never_and_always(prepared: PreparedSet, kind: str) -> None:
    exact = prepared.keypoints_2d("gt")
    np.testing.assert_array_equal(corrupted(prepared, kind, 0.0), exact)
    changed = (corrupted(prepared, kind, 1.0) != exact).any(axis=(1, 2))
    assert changed.all()


@pytest.mark.parametrize("kind", KINDS)
def test_a_draw_is_the_same_again_others_differ_and_more_contains_less(
    prepared: PreparedSet, kind: str
) -> None:
    exact = prepared.keypoints_2d("gt")
    few, again, many = (corrupted(prepared, kind, share) for share in (0.1, 0.1, 0.4))
    np.testing.assert_array_equal(few, again)
    assert (few != corrupted(prepared, kind, 0.1, draw=1)).any()
    touched = few != exact
    np.testing.assert_array_equal(few[touched], many[touched])


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_drawn_for_a_clip_does_not_depend_on_the_others(
    prepared: PreparedSet, kind: str
) -> None:
    test = prepared.select("test")
    alone = corrupted_keypoints(prepared, test, "gt", {"kind": kind, "probability": 0.3})[0]
    first = int(test["first_row"].iloc[0])
    rows = slice(first, first + 300)
    np.testing.assert_array_equal(alone[rows], corrupted(prepared, kind, 0.3)[rows])


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"kind": "swap"}, "unknown kind of corruption 'swap'; did you mean 'swaps'"),
        ({"kind": "dropout"}, "'probability' is missing"),
        ({"kind": "dropout", "probability": 1.5}, "'probability': found 1.5"),
        ({"kind": "swaps", "probabilty": 0.1}, "did you mean 'probability'"),
        ({}, "unknown kind of corruption"),
    ],
)
def test_mistakes_are_named(values: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message):
        corruption_settings(values)
