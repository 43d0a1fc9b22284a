"""A table: a line a frame, three columns a joint, with their unit, and which were filled."""

import csv
from pathlib import Path

from harness.foundation.files import atomic_file
from harness.prediction.motion import Motion


def write(motion: Motion, path: Path) -> None:
    """Write frame, time and, for each joint, x, y, z in camera space and whether it was filled."""
    header = ["frame", "time_s"]
    for joint in motion.skeleton.joints:
        header += [f"{joint}_{axis}_{motion.unit}" for axis in "xyz"] + [f"{joint}_filled"]
    with atomic_file(path) as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(header)
        for number, (time, pose, filled) in enumerate(
            zip(motion.seconds, motion.positions, motion.filled, strict=True)
        ):
            row: list[str | int] = [motion.first_frame + number, f"{time:.6f}"]
            for place, gap in zip(pose, filled, strict=True):
                row += [*(f"{value:.6f}" for value in place), int(gap)]
            writer.writerow(row)
