"""OpenSim's table of markers, as Pose2Sim writes it too: tab-separated, y up, metres.

The header is that of OpenSim's documentation, "Marker (.trc) Files"; markers are the joints, with _
for what a name in OpenSim cannot hold.
"""

import re
from pathlib import Path

from harness.foundation.files import atomic_file
from harness.prediction.motion import Motion


def write(motion: Motion, path: Path) -> None:
    """Write the joints of a motion in metres as markers."""
    names = [re.sub(r"\W", "_", joint) for joint in motion.skeleton.joints]
    frames = len(motion.positions)
    rate = f"{motion.fps:.6f}"
    start = motion.first_frame + 1  # OpenSim counts frames from 1
    lines = [
        f"PathFileType\t4\t(X/Y/Z)\t{path.name}",
        "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame"
        "\tOrigNumFrames",
        f"{rate}\t{rate}\t{frames}\t{len(names)}\tm\t{rate}\t{start}\t{frames}",
        "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t",
        "\t\t" + "\t".join(f"X{n}\tY{n}\tZ{n}" for n in range(1, len(names) + 1)),
        "",
    ]
    for number, (time, pose) in enumerate(zip(motion.seconds, motion.upright, strict=True)):
        places = "\t".join(f"{value:.6f}" for value in pose.ravel())
        lines.append(f"{start + number}\t{time:.6f}\t{places}")
    with atomic_file(path) as stream:
        stream.write("\n".join(lines) + "\n")
