"""People are followed from frame to frame, gaps are filled and marked, joints are derived."""

from pathlib import Path

import keypoint_files as files
import numpy as np
import pytest
from keypoint_files import FRAMES, coco_person, seen, waving

from harness.body.skeleton import H36M_17, HUMANEVA_15, MPI_INF_3DHP_17
from harness.datasets.keypoints.filling import filled, longest_gap
from harness.datasets.keypoints.layouts import BY_COUNT, COCO, HALPE_26, MPII_16
from harness.datasets.keypoints.mapping import DERIVATIONS, derivations, lifter_keypoints
from harness.datasets.keypoints.people import (
    Person,
    choose_people,
    confident,
    people_of,
)
from harness.datasets.keypoints.read import read_keypoints
from harness.datasets.keypoints.seen_joints import seen_joints
from harness.foundation.errors import HarnessError

LEFT, RIGHT = coco_person(30), coco_person(30, to_the_right=0.8)


def people_in(path: Path) -> dict[str, Person]:
    return dict(people_of(read_keypoints(path)[1]))


def test_people_are_followed_though_their_order_changes(tmp_path: Path) -> None:
    swapped = np.arange(30) % 3 == 1
    one = np.where(swapped[:, None, None], RIGHT, LEFT)
    two = np.where(swapped[:, None, None], LEFT, RIGHT)
    people = people_in(files.coco(tmp_path / "a.json", [one, two]))
    assert list(people) == ["1", "2"]
    np.testing.assert_allclose(people["1"].points, LEFT[..., :2])
    np.testing.assert_allclose(people["2"].points, RIGHT[..., :2])


def test_somebody_who_was_away_for_long_is_somebody_new(tmp_path: Path) -> None:
    path = files.coco(tmp_path / "a.json", [LEFT, RIGHT])
    kept = [
        item
        for number, item in enumerate(files.json.loads(path.read_text()))
        if number % 2 == 0 or item["image_id"] < 5 or item["image_id"] > 25
    ]
    people = people_in(files.write_json(path, kept))
    assert {name: person.frames_seen for name, person in people.items()} == {"1": 30, "2": 9}
    assert np.isnan(people["2"].points[10]).all(), "20 frames away: the same person"
    for item in kept:
        item["image_id"] *= 3  # now away for 63 frames
    people = people_in(files.write_json(path, kept))
    assert {name: person.frames_seen for name, person in people.items()} == {
        "1": 30,
        "2": 5,
        "3": 4,
    }
    assert people["3"].first_frame == 78


def test_a_detector_that_jumps_to_somebody_else_is_noticed(tmp_path: Path) -> None:
    there = (np.arange(30) % 20 < 10)[:, None, None]
    jumping = np.where(there, LEFT, coco_person(30, to_the_right=3.0))
    people = people_in(files.coco(tmp_path / "a.json", [jumping]))
    assert {name: person.frames_seen for name, person in people.items()} == {"1": 20, "2": 10}


def test_who_comes_back_alone_after_long_is_the_one_who_went(tmp_path: Path) -> None:
    jumping = np.where((np.arange(30) < 15)[:, None, None], LEFT, coco_person(30, to_the_right=3.0))
    path = files.coco(tmp_path / "a.json", [jumping])
    held = files.json.loads(path.read_text())
    for item in held[15:]:
        item["image_id"] += 100
    people = people_in(files.write_json(path, held))
    assert {name: person.frames_seen for name, person in people.items()} == {"1": 30}


def test_files_that_say_who_is_who_are_believed(tmp_path: Path) -> None:
    people = people_in(files.alphapose(tmp_path / "a.json", [RIGHT, LEFT]))
    np.testing.assert_allclose(people["1"].points, RIGHT[..., :2])


def test_people_are_chosen_by_name_size_or_all_who_last(tmp_path: Path) -> None:
    larger = LEFT * [1.2, 1.2, 1.0]
    people = people_in(files.coco(tmp_path / "a.json", [RIGHT, larger]))
    assert [person.name for person in choose_people(people, "1", "a")] == ["1"]
    assert [person.name for person in choose_people(people, "largest", "a")] == ["2"]
    assert [person.name for person in choose_people(people, None, "a")] == ["2"]
    assert [person.name for person in choose_people(people, "all", "a")] == ["1", "2"]
    with pytest.raises(HarnessError, match=r"a: unknown person '7' \(known: 1, 2\)"):
        choose_people(people, "7", "a")
    fleeting = {**people, "3": Person("3", COCO, 0, LEFT[:4, :, :2], LEFT[:4, :, 2], 4)}
    assert [person.name for person in choose_people(fleeting, "all", "a")] == ["1", "2"]


def test_unsure_joints_are_not_found_and_nobody_may_be_left() -> None:
    person = Person("1", COCO, 0, LEFT[..., :2], LEFT[..., 2].copy(), 30)
    person.confidence[3, 9] = 0.2
    sure = confident(person, 0.3, "a")
    assert np.argwhere(np.isnan(sure.points[..., 0])).tolist() == [[3, 9]]
    assert sure.confidence[3, 9] == 0
    with pytest.raises(
        HarnessError, match=r"never seen with a confidence of 0.95 .*highest is 0.9"
    ):
        confident(person, 0.95, "a")


def test_gaps_are_filled_on_a_line_in_time_and_ends_are_held() -> None:
    points = np.full((6, 1, 2), np.nan)
    points[1, 0], points[4, 0] = (10.0, 0.0), (40.0, 6.0)
    whole, missing = filled(points)
    assert whole[:, 0].tolist() == [[10, 0], [10, 0], [20, 2], [30, 4], [40, 6], [40, 6]]
    assert missing[:, 0].tolist() == [True, False, True, True, False, True]
    assert longest_gap(missing) == 2


def test_a_hidden_limb_goes_along_with_the_trunk() -> None:
    walk = np.arange(9.0)[:, None, None] * [100.0, 0.0]
    points = np.array([[[0.0, 0.0], [10.0, 50.0]]]) + walk
    points[2:6, 1], points[0, 0] = np.nan, np.nan
    whole, missing = filled(points, trunk=[0])
    np.testing.assert_allclose(whole[1:, 1], points[1:, 0] + [10.0, 50.0])
    assert whole[0].tolist() == [[100.0, 0.0], [10.0, 50.0]], "what was found stays where it is"
    assert missing.sum() == 5
    np.testing.assert_allclose(filled(points)[0][2:6, 1, 1], 50.0)


@pytest.mark.parametrize("order", dict.fromkeys(BY_COUNT.values()), ids=lambda order: order.name)
@pytest.mark.parametrize("skeleton", [H36M_17, HUMANEVA_15, MPI_INF_3DHP_17], ids=lambda s: s.name)
def test_every_detector_gives_every_joint_of_the_usual_lifters(order, skeleton) -> None:
    chosen = derivations(skeleton.joints, dict.fromkeys(order.joints, 1.0), "a")
    for joint in skeleton.joints:
        assert joint in order.joints or joint in chosen
    for weights in chosen.values():
        assert sum(weights.values()) == pytest.approx(1.0), "a body that moves moves its joints"


def test_weights_of_all_ways_sum_to_one() -> None:
    for ways in DERIVATIONS.values():
        for weights in ways:
            assert sum(weights.values()) == pytest.approx(1.0)


def test_derived_joints_lie_near_those_of_the_body() -> None:
    body = waving()
    person = Person("1", COCO, 0, seen(COCO, body)[..., :2], np.ones((FRAMES, 17)), FRAMES)
    points, _, gaps, derived = lifter_keypoints(person, H36M_17.joints, "a")
    assert set(derived) == {"Hip", "Spine", "Thorax", "Neck/Nose", "Head"}
    assert not gaps.any()
    exact = body[..., :2] / body[..., 2:] * 500 + [320, 240]
    off = np.linalg.norm(points - exact, axis=-1).mean(axis=0)
    assert off[H36M_17.index("Hip")] < 0.1
    assert off.max() < 10, "500 pixels are a metre at 1 m, the body is 4 m away"


def test_a_way_whose_joints_are_seldom_seen_gives_way_to_the_next() -> None:
    points = seen(COCO, waving(30))[..., :2]
    points[5:, COCO.joints.index("LEar")] = np.nan
    person = Person("1", COCO, 0, points, np.isfinite(points[..., 0]).astype(float), 30)
    _, _, gaps, derived = lifter_keypoints(person, H36M_17.joints, "a")
    assert derived["Neck/Nose"] == {"Nose": 1.0}
    assert set(derived["Head"]) == {"LEye", "REye", "LShoulder", "RShoulder"}
    assert not gaps.any(), "the ear is not needed"


def test_a_joint_is_marked_where_any_that_it_is_made_of_was_filled() -> None:
    points = seen(COCO, waving(30))[..., :2]
    confidence = np.full((30, 17), 0.8)
    points[4, COCO.joints.index("LHip")], confidence[4, COCO.joints.index("LHip")] = np.nan, 0.0
    person = Person("1", COCO, 0, points, confidence, 30)
    whole, sure, gaps, _ = lifter_keypoints(person, H36M_17.joints, "a")
    marked = {H36M_17.joints[joint] for frame, joint in np.argwhere(gaps) if frame == 4}
    assert marked == {"Hip", "LHip", "Spine"}
    assert np.isfinite(whole).all()
    assert (sure[4, H36M_17.index("Hip")], sure[4, H36M_17.index("RHip")]) == (0.0, 0.8)


def test_joints_that_are_never_seen_or_not_there_are_named() -> None:
    points = seen(COCO, waving())[..., :2]
    points[:, COCO.joints.index("LKnee")] = np.nan
    person = Person("1", COCO, 0, points, np.ones((FRAMES, 17)), FRAMES)
    with pytest.raises(HarnessError, match="person '1': LKnee is never seen, and LKnee needs it"):
        lifter_keypoints(person, H36M_17.joints, "a")
    with pytest.raises(HarnessError, match="has no LKnee and nothing that it can be derived from"):
        derivations(
            H36M_17.joints, {"Hip": 1.0, "RHip": 1.0, "RKnee": 1.0, "RFoot": 1.0, "LHip": 1.0}, "a"
        )


def test_a_face_looks_where_the_body_does() -> None:
    body = waving(1)
    found = seen_joints(body, HALPE_26)[0]
    nose, ears = found[0], found[[3, 4]].mean(axis=0)
    assert nose[2] < ears[2] - 0.05, (
        "somebody who faces the camera has the nose nearer than the ears"
    )
    assert found[3, 0] > found[4, 0], "and the left ear on the right of the picture"
    assert np.isnan(found[HALPE_26.joints.index("LHeel")]).all()
    upper = seen_joints(body, MPII_16)[0, MPII_16.joints.index("UpperNeck")]
    np.testing.assert_allclose(upper, body[0, [8, 9]].mean(axis=0))
