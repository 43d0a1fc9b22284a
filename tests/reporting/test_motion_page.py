"""The page of a motion: any joints, with or without 2D, and what does not fit is refused."""

import hashlib
import json
import re
from importlib import resources

import numpy as np
import pytest

from harness.foundation.errors import HarnessError
from harness.reporting.page.motion import Motion, Picture, Poses, motion_page, plain_motion

JOINTS, PARENTS = ("a", "b"), (-1, 0)


def motion(frames: int = 3, **changes: object) -> Motion:
    values: dict[str, object] = {
        "name": "walk",
        "joints": JOINTS,
        "parents": PARENTS,
        "fps": 30.0,
        "poses": (Poses("lifted", np.zeros((frames, 2, 3))),),
    }
    return Motion(**(values | changes))  # type: ignore[arg-type]


def test_a_motion_of_named_joints_alone_is_enough_for_a_page() -> None:
    page = motion_page([motion()], "My </script> video", ["Root-relative."])
    found = re.search(r'id="data">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    assert data["title"] == "My </script> video"
    assert data["notes"] == ["Root-relative."]
    assert data["viewer"]["clips"][0]["motion"]["frames"] == 3
    assert "<title>My &lt;/script&gt; video</title>" in page
    assert "connect-src 'none'" in page
    assert len(page.encode()) < 2_000_000


def test_missing_keypoints_and_filled_frames_are_kept_apart() -> None:
    keypoints = np.array([[[1.0, 2.0], [np.nan, np.nan]]])
    picture = Picture("detector", PARENTS, keypoints, 640, 480, np.array([[False, True]]))
    plain = plain_motion(motion(1, picture=picture, filled=np.array([True])))
    assert plain["filled"] == "AQ=="
    assert plain["picture"]["filled"] == "AAE="
    assert plain["picture"]["step"] == 0.1


def test_a_far_path_is_kept_as_well_as_sixteen_bits_reach() -> None:
    far = np.zeros((3, 2, 3))
    far[-1] = 100.0
    plain = plain_motion(motion(poses=(Poses("lifted", far),)))
    assert plain["poses"][0]["step"] == pytest.approx(100 / 32767)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"poses": (Poses("lifted", np.zeros((3, 5, 3))),)}, r"lifted have shape \(3, 5, 3\)"),
        ({"poses": ()}, "needs poses"),
        ({"fps": 0.0}, "frame rate above 0"),
        ({"parents": (-1,)}, "1 for 2 joints"),
        ({"filled": np.zeros(2, bool)}, r"filled frames have shape \(2,\), expected \(3,\)"),
        (
            {"picture": Picture("2D", PARENTS, np.zeros((2, 2, 2)), 10, 10)},
            r"2D input have shape \(2, 2, 2\)",
        ),
    ],
)
def test_what_does_not_fit_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(HarnessError, match=said):
        motion(**changes)


def test_no_motion_makes_no_page() -> None:
    with pytest.raises(HarnessError, match="no motion to show"):
        motion_page([], "empty")


def test_libraries_are_the_unchanged_files_of_their_releases() -> None:
    folder = resources.files("harness.reporting.page").joinpath("libraries")
    text = folder.joinpath("README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\S+\.js) \| .* \| `([0-9a-f]{64})` \|$", text, re.MULTILINE)
    files = {
        f"{part.name}/{file.name}"
        for part in folder.iterdir()
        if part.is_dir()
        for file in part.iterdir()
        if file.name.endswith(".js")
    }
    assert {name for name, _ in rows} == files
    for name, digest in rows:
        assert hashlib.sha256(folder.joinpath(name).read_bytes()).hexdigest() == digest
