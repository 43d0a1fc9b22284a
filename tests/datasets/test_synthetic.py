from functools import cache
from pathlib import Path

import numpy as np
import pytest

from harness.body.camera import h36m_cameras, project, world_to_camera
from harness.body.skeleton import H36M_17
from harness.datasets.importers import prepare_set
from harness.datasets.prepared import PreparedSet
from harness.datasets.synthetic.actions import ACTIONS
from harness.datasets.synthetic.anatomy import LIMITS
from harness.datasets.synthetic.importer import SyntheticSettings, body_of, perform
from harness.datasets.synthetic.subjects import draw_body
from harness.foundation.errors import HarnessError

FPS = 50.0
SECONDS = 12.0
SETTINGS = SyntheticSettings(seconds=SECONDS, fps=FPS)
SUBJECTS = ("S1", "S9")
# Human3.6M's names (SemGCN, define_actions).
NAMES = [
    *("Directions", "Discussion", "Eating", "Greeting", "Phoning", "Photo", "Posing", "Purchases"),
    *("Sitting", "SittingDown", "Smoking", "Waiting", "WalkDog", "Walking", "WalkTogether"),
]
SEATED = ("Eating", "Sitting", "Smoking")
ON_FOOT = ("Walking", "WalkDog", "WalkTogether")
JOINT = {name: number for number, name in enumerate(H36M_17.joints)}


@cache
def take(subject: str, action: str, number: int = 1) -> np.ndarray:
    return perform(subject, action, number, SETTINGS)


def joint(world: np.ndarray, name: str) -> np.ndarray:
    return world[:, JOINT[name]]


def bone_lengths(world: np.ndarray) -> np.ndarray:
    parents, children = np.array(H36M_17.edges).T
    return np.linalg.norm(world[:, children] - world[:, parents], axis=-1)


def distance(world: np.ndarray, first: str, second: str) -> np.ndarray:
    return np.linalg.norm(joint(world, first) - joint(world, second), axis=-1)


def angle(world: np.ndarray, first: str, middle: str, last: str) -> np.ndarray:
    """Degrees between the bones that meet at `middle`; 0 where they run straight on."""
    before = joint(world, middle) - joint(world, first)
    after = joint(world, last) - joint(world, middle)
    lengths = np.linalg.norm(before, axis=-1) * np.linalg.norm(after, axis=-1)
    return np.degrees(np.arccos(np.clip(np.sum(before * after, axis=-1) / lengths, -1, 1)))


def forward(world: np.ndarray) -> np.ndarray:
    """The horizontal direction the pelvis faces."""
    left = joint(world, "LHip") - joint(world, "RHip")
    ahead = np.stack([left[:, 1], -left[:, 0]], axis=-1)
    return ahead / np.linalg.norm(ahead, axis=-1, keepdims=True)


def ahead_of_hip(world: np.ndarray, name: str) -> np.ndarray:
    away = joint(world, name) - joint(world, "Hip")
    return np.sum(away[:, :2] * forward(world), axis=-1)


def speed(world: np.ndarray) -> np.ndarray:
    return np.linalg.norm(np.diff(world, axis=0), axis=-1) * FPS


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> PreparedSet:
    path = tmp_path_factory.mktemp("synthetic") / "set"
    prepare_set("synthetic", None, path, {"seconds": 1.0, "takes": 1})
    return PreparedSet(path)


def test_the_actions_are_those_of_human36m() -> None:
    assert list(ACTIONS) == NAMES


@pytest.mark.parametrize("subject", SUBJECTS)
def test_a_subject_keeps_its_bones_in_every_frame_and_take(subject: str) -> None:
    expected = bone_lengths(take(subject, "Walking"))[0]
    for action in NAMES:
        for number in (1, 2):
            lengths = bone_lengths(take(subject, action, number))
            np.testing.assert_allclose(lengths, np.tile(expected, (len(lengths), 1)), atol=1e-9)


def test_people_differ_in_size_and_proportion_as_people_do() -> None:
    bodies = [draw_body(seed) for seed in range(60)]
    statures = np.array([body.stature for body in bodies])
    assert 1.55 <= statures.min() < 1.65
    assert 1.80 < statures.max() <= 1.90
    for body in bodies:
        lengths = {name: body.length(name) for name in JOINT}
        for name in ("Hip", "Knee", "Foot", "Shoulder", "Elbow", "Wrist"):
            assert lengths[f"L{name}"] == pytest.approx(lengths[f"R{name}"], rel=0.01)
        # Drillis and Contini: thigh 0.245 and shin 0.246 of stature, upper arm 0.186 between
        # surface marks; joint centres of Human3.6M's skeleton lie a little apart from these.
        assert 0.45 < body.leg / body.stature < 0.56
        assert 0.12 < lengths["LElbow"] / body.stature < 0.19
    ratios = [body.length("LKnee") / body.length("Spine") for body in bodies]
    assert np.ptp(ratios) > 0.1


def test_subjects_are_different_people() -> None:
    lengths = {tuple(np.round(bone_lengths(take(name, "Sitting"))[0], 6)) for name in SUBJECTS}
    assert len(lengths) == len(SUBJECTS)
    assert body_of("S1", 0).stature != body_of("S1", 1).stature


@pytest.mark.parametrize("action", NAMES)
def test_joints_stay_within_human_limits(action: str) -> None:
    for subject in SUBJECTS:
        for number in (1, 2, 3):
            world = take(subject, action, number)
            for side in "LR":
                knee = angle(world, f"{side}Hip", f"{side}Knee", f"{side}Foot")
                elbow = angle(world, f"{side}Shoulder", f"{side}Elbow", f"{side}Wrist")
                assert knee.max() <= LIMITS["Foot"][0][1] + 0.1
                assert elbow.max() <= LIMITS["Wrist"][0][1] + 0.1
                # Neither knee nor thigh bends the wrong way: the knee lies before the line from
                # hip to ankle, seen along the pelvis, or beside it where the legs are crossed.
                thigh = joint(world, f"{side}Knee") - joint(world, f"{side}Hip")
                back = np.sum(thigh[:, :2] * forward(world), axis=-1)
                assert back.min() > -np.sin(np.radians(35)) * np.linalg.norm(thigh[0])
            # The back bends by at most 90 degrees and hardly backward.
            trunk = angle(world, "Hip", "Spine", "Thorax")
            assert trunk.max() < LIMITS["Spine"][0][1] + LIMITS["Thorax"][0][1]
            assert angle(world, "Thorax", "Neck/Nose", "Head").max() < 75


@pytest.mark.parametrize("action", NAMES)
def test_people_move_no_faster_than_people_can(action: str) -> None:
    world = take("S1", action)
    # A hand that waves or a foot that swings reaches 5 m/s; the hips of a walker 1.5 m/s.
    assert speed(world).max() < 6
    assert speed(world)[:, JOINT["Hip"]].max() < 2
    acceleration = np.linalg.norm(np.diff(world, 2, axis=0), axis=-1) * FPS**2
    assert acceleration.max() < 120


@pytest.mark.parametrize("action", NAMES)
def test_feet_rest_on_the_floor_and_nothing_sinks_into_it(action: str) -> None:
    for subject in SUBJECTS:
        world = take(subject, action)
        ankle = body_of(subject, 0).ankle_height
        feet = world[:, [JOINT["LFoot"], JOINT["RFoot"]], 2]
        assert world[..., 2].min() > 0.6 * ankle
        assert np.abs(feet.min(axis=1) - ankle).max() < 0.08


@pytest.mark.parametrize("action", NAMES)
def test_a_foot_that_stands_does_not_slide(action: str) -> None:
    world = take("S9", action)
    slower = speed(world)[:, [JOINT["LFoot"], JOINT["RFoot"]]].min(axis=1)
    # Between heel strike and heel off one foot is still, up to the moment both roll.
    assert np.median(slower) < 0.06


def test_walkers_walk_and_others_stay_about_where_they_are() -> None:
    for subject in SUBJECTS:
        for action in NAMES:
            covered = speed(take(subject, action))[:, JOINT["Hip"]].mean()
            if action in ON_FOOT:
                assert 0.6 < covered < 1.5, action
            elif action != "Phoning":
                assert covered < 0.35, action


def test_gait_is_periodic_and_legs_alternate_with_arms_against_them() -> None:
    for subject in SUBJECTS:
        world = take(subject, "Walking")
        left, right = ahead_of_hip(world, "LFoot"), ahead_of_hip(world, "RFoot")
        assert np.corrcoef(left, right)[0, 1] < -0.8
        spectrum = np.abs(np.fft.rfft((left - left.mean()) * np.hanning(len(left)))) ** 2
        frequency = np.fft.rfftfreq(len(left), 1 / FPS)
        strongest = frequency[spectrum.argmax()]
        assert 0.6 < strongest < 1.2
        near = np.abs(frequency - strongest) < 0.35
        assert spectrum[near].sum() > 0.8 * spectrum.sum()
        arm = ahead_of_hip(world, "LWrist")
        assert np.corrcoef(arm, left)[0, 1] < -0.5
        assert np.corrcoef(arm, right)[0, 1] > 0.5


def test_gaits_differ_in_what_the_arms_do() -> None:
    for subject in SUBJECTS:
        swing = {}
        for action in ON_FOOT:
            world = take(subject, action)
            swing[action] = sorted(ahead_of_hip(world, f"{side}Wrist").std() for side in "LR")
        assert swing["Walking"][0] > 0.09
        assert swing["WalkDog"][0] < 0.09
        assert swing["WalkTogether"][0] < 0.09
        dog, pair = take(subject, "WalkDog"), take(subject, "WalkTogether")
        reach = max(distance(dog, f"{side}Shoulder", f"{side}Wrist").mean() for side in "LR")
        hooked = min(distance(pair, f"{side}Shoulder", f"{side}Wrist").mean() for side in "LR")
        ahead = max(ahead_of_hip(dog, f"{side}Wrist").mean() for side in "LR")
        assert ahead > 0.3
        assert hooked < reach


def test_sitting_is_low_and_sitting_down_goes_from_standing_to_the_floor() -> None:
    for subject in SUBJECTS:
        upright = body_of(subject, 0).hip_height
        for action in NAMES:
            height = joint(take(subject, action), "Hip")[:, 2] / upright
            if action in SEATED:
                assert 0.45 < height.min() <= height.max() < 0.65, action
            elif action == "SittingDown":
                assert height[0] > 0.9
                assert height.min() < 0.2
            elif action not in ("Photo", "Purchases"):
                assert height.min() > 0.85, action


def test_the_telephone_stays_at_the_ear() -> None:
    for subject in SUBJECTS:
        for number in (1, 2):
            world = take(subject, "Phoning", number)
            at_ear = [distance(world, f"{side}Wrist", "Head") for side in "LR"]
            nearer = min(at_ear, key=np.mean)
            assert nearer.max() < 0.25
            side = "L" if nearer is at_ear[0] else "R"
            elbow = angle(world, f"{side}Shoulder", f"{side}Elbow", f"{side}Wrist")
            assert elbow.min() > 90


@pytest.mark.parametrize("action", ["Eating", "Smoking"])
def test_a_hand_goes_to_the_mouth_and_away_again(action: str) -> None:
    for subject in SUBJECTS:
        world = take(subject, action)
        to_head = min(
            (distance(world, f"{side}Wrist", "Head") for side in "LR"), key=lambda d: d.min()
        )
        assert to_head.min() < 0.33
        assert to_head.max() > 0.45
        near = to_head < (to_head.min() + to_head.max()) / 2
        assert np.count_nonzero(np.diff(near.astype(int)) == 1) >= 2


def test_directions_points_with_a_stretched_arm_and_greeting_waves_a_high_hand() -> None:
    for subject in SUBJECTS:
        pointing = take(subject, "Directions")
        straight = [angle(pointing, f"{s}Shoulder", f"{s}Elbow", f"{s}Wrist") for s in "LR"]
        level = [
            joint(pointing, f"{s}Wrist")[:, 2] - joint(pointing, f"{s}Shoulder")[:, 2] for s in "LR"
        ]
        assert (
            max(np.mean((a < 45) & (h > -0.3)) for a, h in zip(straight, level, strict=True)) > 0.3
        )
        waving = take(subject, "Greeting")
        above = [
            joint(waving, f"{s}Wrist")[:, 2] - joint(waving, f"{s}Shoulder")[:, 2] for s in "LR"
        ]
        assert max(np.mean(height > 0.2) for height in above) > 0.4


def test_purchases_bends_down_and_photo_holds_both_hands_before_the_face() -> None:
    for subject in SUBJECTS:
        shopping = take(subject, "Purchases")
        lean = joint(shopping, "Thorax") - joint(shopping, "Hip")
        tilt = np.degrees(np.arccos(lean[:, 2] / np.linalg.norm(lean, axis=-1)))
        assert tilt.max() > 45
        assert tilt.min() < 20
        photo = take(subject, "Photo")
        both = np.maximum(distance(photo, "LWrist", "Head"), distance(photo, "RWrist", "Head"))
        assert np.mean(both < 0.45) > 0.4
        assert np.median(distance(photo, "LWrist", "RWrist")) < 0.4


def test_people_breathe_between_frames_but_hold_their_poses() -> None:
    still = [speed(take(subject, "Posing")).mean() for subject in SUBJECTS]
    lively = [speed(take(subject, "Purchases")).mean() for subject in SUBJECTS]
    assert 0.02 < np.mean(still) < 0.8 * np.mean(lively)


def test_takes_differ_and_depend_on_nothing_but_their_own_seed() -> None:
    first, second = take("S1", "Walking", 1), take("S1", "Walking", 2)
    assert np.abs(first - second).max() > 0.3
    again = perform("S1", "Walking", 1, SETTINGS.model_copy(update={"takes": 9, "train": ["S1"]}))
    np.testing.assert_array_equal(again, first)
    other = perform("S1", "Walking", 1, SETTINGS.model_copy(update={"seed": 1}))
    assert np.abs(other - first).max() > 0.3


def test_motion_does_not_depend_on_the_frame_rate() -> None:
    slow = perform("S1", "Walking", 1, SETTINGS.model_copy(update={"fps": 25.0}))
    np.testing.assert_allclose(slow[5:-5], take("S1", "Walking")[::2][5:-5], atol=0.004)


def test_both_hands_and_both_directions_are_used() -> None:
    short = SETTINGS.model_copy(update={"seconds": 1.0})
    preferred, turning = [], []
    for number in range(1, 17):
        phoning = perform("S5", "Phoning", number, short)
        preferred.append(
            distance(phoning, "LWrist", "Head").mean() < distance(phoning, "RWrist", "Head").mean()
        )
        ahead = forward(perform("S5", "Walking", number, short))
        turning.append(np.cross(np.append(ahead[0], 0), np.append(ahead[-1], 0))[2] > 0)
    assert 0 < np.mean(preferred) < 0.6
    assert 0.1 < np.mean(turning) < 0.9


@pytest.mark.parametrize("subject", list(h36m_cameras()))
def test_every_camera_sees_the_whole_person(subject: str) -> None:
    for action in NAMES:
        world = perform(subject, action, 1, SETTINGS.model_copy(update={"seconds": 6.0}))
        for camera in h36m_cameras()[subject]:
            positions = world_to_camera(world, camera)
            assert positions[..., 2].min() > 1.5
            pixels = project(positions, camera)
            inside = np.all((pixels >= 0) & (pixels <= (camera.width, camera.height)), axis=-1)
            assert inside.mean() > 0.99, action


def test_the_prepared_set_has_every_clip_and_both_sources(prepared: PreparedSet) -> None:
    clips = prepared.clips
    assert len(clips) == 7 * 15 * 4
    assert set(clips["frames"]) == {50}
    assert set(clips["fps"]) == {50.0}
    splits = clips.groupby("split")["subject"].unique()
    assert {split: set(names) for split, names in splits.items()} == {
        "train": {"S1", "S5", "S6", "S7"},
        "validation": {"S8"},
        "test": {"S9", "S11"},
    }
    assert set(clips["subaction"]) == {f"{action} 1" for action in NAMES}
    assert set(clips["camera"][clips["subject"] == "S9"]) == {
        f"S9/{camera.name}" for camera in h36m_cameras()["S9"]
    }
    sources = prepared.manifest.sources_2d
    assert (sources["gt"].exact, sources["detected"].exact) == (True, False)
    assert prepared.confidence("detected") is not None
    assert prepared.manifest.source_files == {}


def test_exact_keypoints_are_the_projection_of_the_positions(prepared: PreparedSet) -> None:
    exact, found = prepared.keypoints_2d("gt"), prepared.keypoints_2d("detected")
    for clip in prepared.clips.iloc[::37].itertuples():
        rows = slice(clip.first_row, clip.first_row + clip.frames)
        positions = np.asarray(prepared.positions_3d[rows], dtype=np.float64)
        expected = project(positions, prepared.camera(clip.camera))
        np.testing.assert_allclose(exact[rows], expected, atol=2e-3)
    error = np.linalg.norm(found - exact, axis=-1)
    assert 4 < error.mean() < 9


def test_the_same_settings_give_the_same_bytes_and_subsets_keep_their_clips(tmp_path: Path) -> None:
    small = {
        "train": ["S1"],
        "validation": [],
        "test": ["S9"],
        "actions": ["Photo"],
        "takes": 1,
        "seconds": 0.5,
    }
    first = prepare_set("synthetic", None, tmp_path / "a", small)
    assert prepare_set("synthetic", None, tmp_path / "b", small).data_hash == first.data_hash
    other = prepare_set("synthetic", None, tmp_path / "c", {**small, "seed": 1})
    assert other.data_hash != first.data_hash
    more = {**small, "train": ["S5", "S1"], "actions": ["Greeting", "Photo"], "takes": 2}
    prepare_set("synthetic", None, tmp_path / "d", more)
    few, many = PreparedSet(tmp_path / "a"), PreparedSet(tmp_path / "d")
    key = ["subject", "subaction", "camera"]
    for clip in few.clips.merge(many.clips, on=key, suffixes=("", "_of_many")).itertuples():
        here = slice(clip.first_row, clip.first_row + clip.frames)
        there = slice(clip.first_row_of_many, clip.first_row_of_many + clip.frames)
        np.testing.assert_array_equal(few.positions_3d[here], many.positions_3d[there])
        np.testing.assert_array_equal(
            few.keypoints_2d("detected")[here], many.keypoints_2d("detected")[there]
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"train": ["S2"]}, "unknown subject of data set synthetic 'S2'"),
        ({"test": ["S8"]}, "S8 is listed as validation and as test"),
        ({"actions": ["Walk"]}, "unknown action of data set synthetic 'Walk'"),
        ({"actions": ["Photo", "Photo"]}, "Photo is listed more than once"),
        ({"takes": 0}, "takes"),
        ({"seconds": -1}, "seconds"),
        ({"detector": {"scael": 2}}, "'detector.scael'; did you mean 'scale'"),
    ],
)
def test_wrong_options_are_refused_before_anything_is_written(
    tmp_path: Path, options: dict, message: str
) -> None:
    with pytest.raises(HarnessError, match=message):
        prepare_set("synthetic", None, tmp_path / "set", options)
    assert list(tmp_path.iterdir()) == []
