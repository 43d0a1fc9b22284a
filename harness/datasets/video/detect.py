"""Finding people in a video: MediaPipe's pose landmarker, of the optional extra `video`."""

from pathlib import Path
from typing import Any

import numpy as np

from harness.datasets.keypoints.detections import Detections, DetectionsBuilder
from harness.datasets.keypoints.layouts import BLAZEPOSE_33
from harness.datasets.video.frames import open_video, pictures
from harness.datasets.video.landmark_model import FOLDER, landmark_model
from harness.foundation.errors import HarnessError
from harness.foundation.progress import track
from harness.foundation.quiet import quiet_libraries
from harness.foundation.shown import shown

TITLE = "video, MediaPipe's landmarks"

_UNKNOWN_FPS = 30.0
"""For the detector alone, which follows a person from frame to frame, where a video tells none."""


def detect_people(path: Path, model: Path | None, most: int = 1) -> Detections:
    """Return the landmarks of people in each frame of a video.

    Args:
        path: the video.
        model: file of the detector's model; see `landmark_model`.
        most: how many people at most are looked for; each takes as long as the first.

    Raises:
        HarnessError: the extra is not installed, there is no model, the video cannot be decoded, or
            nobody is ever seen in it.
    """
    try:
        import cv2  # noqa: F401 - reads the video; without it nothing else is worth a try
        import mediapipe
        from mediapipe.tasks.python import BaseOptions, vision
    except ImportError as error:
        raise HarnessError(
            f"{path}: is a video, which needs a detector ({error}): pip install -c "
            "constraints.txt 'pose-lifting-harness[video]'; or lift what another detector wrote"
        ) from error
    video = open_video(path)
    fps = video.fps or _UNKNOWN_FPS
    builder = DetectionsBuilder(str(path), order=BLAZEPOSE_33)
    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_buffer=landmark_model(model)),
        running_mode=vision.RunningMode.VIDEO,
        num_poses=most,
    )
    with quiet_libraries(), _landmarker(options, model or FOLDER) as landmarker:
        frames = track(pictures(video), f"detecting in {shown(path.name)}", video.frames or None)
        for number, picture in enumerate(frames):
            builder.add_frame(number)
            image = mediapipe.Image(mediapipe.ImageFormat.SRGB, picture)
            found = landmarker.detect_for_video(image, round(number * 1000 / fps))
            for person in found.pose_landmarks:
                rows = [(point.x, point.y, point.visibility) for point in person]
                builder.add(number, np.array(rows, np.float64))
    return builder.finish(shares=True, size=video.size, fps=video.fps)


def _landmarker(options: Any, model: Path) -> Any:
    """Return MediaPipe's pose landmarker; raises HarnessError if it does not take the model."""
    from mediapipe.tasks.python import vision

    try:
        return vision.PoseLandmarker.create_from_options(options)
    except (OSError, RuntimeError, ValueError) as error:
        raise HarnessError(
            f"{model}: MediaPipe does not take its model ({error}); download it again"
        ) from error
