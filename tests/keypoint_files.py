"""Files as detectors write them, in their exact forms, of people who stand and wave."""

import csv
import json
import lzma
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from standing_body import STANDING

from harness.datasets.keypoints.layouts import BLAZEPOSE_33, COCO, JointOrder
from harness.datasets.keypoints.seen_joints import seen_joints

WIDTH, HEIGHT, FPS = 640, 480, 25.0
FRAMES = 12
_FOCAL, _DISTANCE = 500.0, 4.0

Floats = NDArray[np.float64]


def waving(frames: int = FRAMES, to_the_right: float = 0.0) -> Floats:
    """Return (frames, 17, 3) camera-space metres of somebody who faces the camera and waves."""
    body = np.tile(STANDING[:, [0, 2, 1]] * [1.0, -1.0, 1.0], (frames, 1, 1))
    body += [to_the_right, 1.0, _DISTANCE]
    wave = 0.2 * np.sin(np.arange(frames) / 3)
    body[:, 13, 0] += wave
    body[:, 16, 0] -= wave
    return body


def seen(order: JointOrder, body: Floats) -> Floats:
    """Return (frames, joints, 3) pixels and confidence; 0, 0, 0 for joints that nobody knows."""
    points = seen_joints(body, order)
    pixels = points[..., :2] / points[..., 2:] * _FOCAL + [WIDTH / 2, HEIGHT / 2]
    sure = np.where(np.isnan(pixels[..., :1]), 0.0, 0.9)
    return np.nan_to_num(np.concatenate([pixels, sure], axis=-1))


def write_json(path: Path, value: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return path


def coco(path: Path, people: list[Floats], first: int = 0) -> Path:
    """Write COCO results of people, (frames, joints, 3) each."""
    return write_json(
        path,
        [
            {
                "image_id": first + frame,
                "category_id": 1,
                "keypoints": person[frame].ravel().tolist(),
                "score": 0.98,
            }
            for frame in range(len(people[0]))
            for person in people
        ],
    )


def coco_annotations(path: Path, person: Floats, sizes: list[tuple[int, int]]) -> Path:
    images = [
        {"id": 100 + frame, "file_name": f"clip_{frame:04d}.jpg", "width": width, "height": height}
        for frame, (width, height) in enumerate(sizes)
    ]
    annotations = [
        {
            "id": frame,
            "image_id": 100 + frame,
            "category_id": 1,
            "keypoints": person[frame].ravel().tolist(),
            "num_keypoints": 17,
            "bbox": [0, 0, 1, 1],
            "track_id": 3,
        }
        for frame in range(len(sizes))
    ]
    return write_json(path, {"images": images, "annotations": annotations, "categories": []})


def alphapose(path: Path, people: list[Floats]) -> Path:
    return write_json(
        path,
        [
            {
                "image_id": f"{frame}.jpg",
                "category_id": 1,
                "keypoints": person[frame].ravel().tolist(),
                "score": 2.9,
                "box": [10.0, 10.0, 100.0, 300.0],
                "idx": [number + 1.0],
            }
            for frame in range(len(people[0]))
            for number, person in enumerate(people)
        ],
    )


def openpose(folder: Path, people: list[Floats], empty: tuple[int, ...] = ()) -> Path:
    for frame in range(len(people[0])):
        here = [] if frame in empty else people
        write_json(
            folder / f"clip_{frame:012d}_keypoints.json",
            {
                "version": 1.3,
                "people": [
                    {
                        "person_id": [-1],
                        "pose_keypoints_2d": person[frame].ravel().tolist(),
                        "face_keypoints_2d": [],
                        "hand_left_keypoints_2d": [],
                        "hand_right_keypoints_2d": [],
                        "pose_keypoints_3d": [],
                    }
                    for person in here
                ],
            },
        )
    return folder


def mmpose_instance(person: Floats) -> dict[str, Any]:
    return {
        "keypoints": person[:, :2].tolist(),
        "keypoint_scores": person[:, 2].tolist(),
        "bbox": [[10.0, 10.0, 100.0, 300.0]],
        "bbox_score": 0.97,
    }


def mmpose(path: Path, person: Floats) -> Path:
    frames = [
        {"frame_id": number, "instances": [mmpose_instance(pose)]}
        for number, pose in enumerate(person)
    ]
    return write_json(path, frames)


def mmpose_demo(path: Path, person: Floats) -> Path:
    frames = [
        {"frame_id": number, "instances": [mmpose_instance(pose)]}
        for number, pose in enumerate(person, start=1)
    ]
    return write_json(path, {"meta_info": {"dataset_name": "coco"}, "instance_info": frames})


def mmpose_folder(folder: Path, person: Floats) -> Path:
    for number, pose in enumerate(person):
        write_json(folder / f"{number:06d}.json", [mmpose_instance(pose)])
    return folder


def ultralytics_labels(folder: Path, people: list[Floats], *, tracked: bool) -> Path:
    folder.mkdir(parents=True)
    for frame in range(len(people[0])):
        lines = []
        for number, person in enumerate(people):
            shares = person[frame] / [WIDTH, HEIGHT, 1.0]
            values = [0, 0.5, 0.5, 0.2, 0.6, *shares.ravel(), *([number + 1] if tracked else [])]
            lines.append(" ".join(f"{value:g}" for value in values))
        (folder / f"clip_{frame + 1}.txt").write_text("\n".join(lines) + "\n")
    return folder


def ultralytics_json(path: Path, person: Floats) -> Path:
    return write_json(
        path,
        [
            [
                {
                    "name": "person",
                    "class": 0,
                    "confidence": 0.9,
                    "box": {"x1": 1.0, "y1": 2.0, "x2": 3.0, "y2": 4.0},
                    "track_id": 7,
                    "keypoints": {
                        "x": pose[:, 0].tolist(),
                        "y": pose[:, 1].tolist(),
                        "visible": pose[:, 2].tolist(),
                    },
                }
            ]
            for pose in person
        ],
    )


def mediapipe_json(path: Path, person: Floats) -> Path:
    frames = [
        {
            "pose_landmarks": [
                [
                    {"x": x / WIDTH, "y": y / HEIGHT, "z": 0.0, "visibility": sure, "presence": 1.0}
                    for x, y, sure in pose
                ]
            ]
        }
        for pose in person
    ]
    return write_json(path, frames)


def mediapipe_table(path: Path, person: Floats) -> Path:
    rows = [
        [frame, landmark, x / WIDTH, y / HEIGHT, 0.0, sure]
        for frame, pose in enumerate(person)
        for landmark, (x, y, sure) in enumerate(pose)
    ]
    return write_csv(path, [["frame", "landmark", "x", "y", "z", "visibility"], *rows])


def mediapipe_wide(path: Path, person: Floats) -> Path:
    names = [
        *("nose", "left_eye_inner", "left_eye", "left_eye_outer", "right_eye_inner", "right_eye"),
        *("right_eye_outer", "left_ear", "right_ear", "mouth_left", "mouth_right"),
        *(
            f"{side}_{joint}"
            for joint in ("shoulder", "elbow", "wrist", "pinky", "index", "thumb")
            for side in ("left", "right")
        ),
        *(
            f"{side}_{joint}"
            for joint in ("hip", "knee", "ankle", "heel", "foot_index")
            for side in ("left", "right")
        ),
    ]
    header = ["frame"] + [f"{name}_{what}" for name in names for what in ("x", "y", "visibility")]
    rows = [[frame, *(pose / [WIDTH, HEIGHT, 1]).ravel()] for frame, pose in enumerate(person)]
    return write_csv(path, [header, *rows])


def videopose3d(path: Path, videos: dict[str, Floats], size: tuple[int, int]) -> Path:
    metadata = {
        "layout_name": "coco",
        "num_joints": 17,
        "keypoints_symmetry": [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]],
        "video_metadata": {name: {"w": size[0], "h": size[1]} for name in videos},
    }
    positions = {
        name: {"custom": [person[..., :2].astype("float32")]} for name, person in videos.items()
    }
    np.savez_compressed(path, positions_2d=positions, metadata=metadata)
    return path


def deeplabcut(path: Path, people: dict[str, Floats], parts: list[str]) -> Path:
    several = len(people) > 1
    columns = [(name, part, what) for name in people for part in parts for what in _LIKELIHOOD]
    header = [["scorer", *["net"] * len(columns)]]
    if several:
        header.append(["individuals", *(name for name, _, _ in columns)])
    header += [["bodyparts", *(part for _, part, _ in columns)]]
    header += [["coords", *(what for _, _, what in columns)]]
    frames = len(next(iter(people.values())))
    rows = [
        [frame, *np.concatenate([person[frame].ravel() for person in people.values()])]
        for frame in range(frames)
    ]
    return write_csv(path, [*header, *rows])


_LIKELIHOOD = ("x", "y", "likelihood")


def deeplabcut_hdf5(path: Path, people: str) -> Path:
    """Unpack what pandas wrote (data/make_deeplabcut.py) of "one" or "two" people."""
    packed = Path(__file__).parent / "data" / f"deeplabcut_{people}.h5.xz"
    path.write_bytes(lzma.decompress(packed.read_bytes()))
    return path


def sleap_hdf5(path: Path, people: dict[str, Floats], parts: list[str]) -> Path:
    import h5py

    stacked = np.stack(list(people.values()))  # tracks, frames, nodes, 3
    lost = stacked[..., 2] == 0
    found = np.where(lost[..., None], np.nan, stacked).transpose(0, 3, 2, 1)
    with h5py.File(path, "w") as file:
        packed = {"compression": "gzip", "compression_opts": 9}
        file.create_dataset("tracks", data=found[:, :2], **packed)
        file.create_dataset("point_scores", data=found[:, 2], **packed)
        file.create_dataset("instance_scores", data=found[:, 2].mean(axis=1), **packed)
        file.create_dataset("track_occupancy", data=np.ones(found.shape[::-3], np.uint8), **packed)
        file["track_names"] = [name.encode() for name in people]
        file["node_names"] = [part.encode() for part in parts]
        file["edge_names"] = np.zeros((0, 2), "S8")
        file["labels_path"] = "labels.v001.slp"
        file["provenance"] = "{}"
    return path


def sleap(path: Path, people: dict[str, Floats], parts: list[str]) -> Path:
    header = ["track", "frame_idx", "instance.score"]
    header += [f"{part}.{what}" for part in parts for what in ("x", "y", "score")]
    frames = len(next(iter(people.values())))
    rows = [
        [name, frame, 0.9, *person[frame].ravel()]
        for frame in range(frames)
        for name, person in people.items()
    ]
    return write_csv(path, [header, *rows])


def named_csv(path: Path, person: Floats, parts: list[str]) -> Path:
    header = ["frame"] + [f"{part}_{what}" for part in parts for what in ("x", "y", "confidence")]
    return write_csv(path, [header, *([frame, *pose.ravel()] for frame, pose in enumerate(person))])


def named_npz(path: Path, person: Floats, parts: list[str], **more: Any) -> Path:
    np.savez(path, keypoints=person, joints=np.array(parts), **more)
    return path


def write_csv(path: Path, rows: list[list[Any]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows(rows)
    return path


COCO_PARTS = [
    *("nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"),
    *("left_elbow", "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip"),
    *("left_knee", "right_knee", "left_ankle", "right_ankle"),
]


def coco_person(frames: int = FRAMES, to_the_right: float = 0.0) -> Floats:
    """Return (frames, 17, 3): COCO's joints of somebody who waves."""
    return seen(COCO, waving(frames, to_the_right))


def blazepose_person() -> Floats:
    return seen(BLAZEPOSE_33, waving())
