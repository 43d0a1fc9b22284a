"""How much a file may cost to read, whoever made it; kept before anything is allocated.

A file of a few kilobytes can ask for gigabytes or hours: by a size that it only claims, by parts
that repeat each other, by steps without end. Files of poses stay far below these limits.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Budget:
    """The limits that every reader of files keeps.

    Attributes:
        text_bytes: of a JSON file.
        yaml_bytes: of a YAML file.
        yaml_nodes: values written in it; its parser is a hundred times slower than JSON's.
        keypoint_bytes: of a file of a detector's keypoints, a long video's.
        keypoint_items: values in such a file.
        motion_bytes: of a file of recorded motion in text; an hour of it at 30 frames a second.
        motion_joints: in such a file's skeleton, ends of bones among them.
        items: values in a file, those that repeat each other counted as often as they are used.
        depth: how deep they lie in each other.
        digits: of an integer; a 64-bit one has at most 19.
        steps: that a small pickle takes.
        bytes_a_step: how many bytes of a large pickle one step, or one value, stands for at least;
            MotionBERT's Human3.6M has two million frames, named one by one, in a gigabyte.
        expansion: how often its own size a file may unpack to; poses shrink to a third at best.
        least_bytes: what every file may unpack to, however small it is.
        least_seconds: what every file may take in a process of its own, however small it is.
        bytes_a_second: what a larger one takes at the slowest.
        process_bytes: of memory that such a process may take beside what it unpacks.
    """

    text_bytes: int = 16 * 2**20
    yaml_bytes: int = 2**19
    yaml_nodes: int = 40_000
    keypoint_bytes: int = 128 * 2**20
    keypoint_items: int = 8_000_000
    motion_bytes: int = 64 * 2**20
    motion_joints: int = 1_000
    items: int = 1_000_000
    depth: int = 32
    digits: int = 19
    steps: int = 1_000_000
    bytes_a_step: int = 32
    expansion: int = 200
    least_bytes: int = 64 * 2**20
    least_seconds: float = 8.0
    bytes_a_second: int = 2 * 2**20
    process_bytes: int = 2**30

    def pickled(self, size: int) -> int:
        """Return the steps that a pickle of `size` bytes may take, and the values it may hold."""
        return max(self.steps, size // self.bytes_a_step)

    def unpacked(self, size: int) -> int:
        """Return the bytes that a file of `size` bytes may unpack to, all its parts together."""
        return max(self.least_bytes, self.expansion * size)

    def seconds(self, size: int) -> float:
        """Return the seconds that a file of `size` bytes may take in a process of its own."""
        return self.least_seconds + size / self.bytes_a_second


BUDGET: Final = Budget()
