"""BVH, which Blender and other animation programs open: bones of fixed length that turn.

y up, x to the picture's right, z towards the camera; metres. In rest the body is a T that faces the
camera. A bone's length is its median over the motion. A joint with one child turns so that the bone
points exactly where it was lifted; one with several (hips, chest) turns as fits all of them best
(Kabsch). So bones do not shrink and grow as lifted ones do, and joints lie some centimetres
elsewhere.
"""

import re
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.body.kinematics import rotation_from_axis_angle
from harness.body.skeleton import Skeleton
from harness.foundation.files import atomic_file
from harness.prediction.motion import Motion

Floats = NDArray[np.float64]

_SIDEWAYS = ("Hip", "Shoulder", "Elbow", "Wrist", "Eye", "Ear")
_DOWN = ("Knee", "Foot", "Ankle")
_LEAST_BONE = 1e-6
_EULER = "ZXY"
_STUB = 0.1
"""Length beyond a last joint that is written as one, in lengths of its bone."""


def write(motion: Motion, path: Path) -> None:
    """Write the hierarchy and, a line a frame, the root's place and all joints' turns."""
    skeleton = motion.skeleton
    children = _children(skeleton)
    offsets = _rest_offsets(motion.upright, skeleton)
    angles = _euler_degrees(_local_rotations(motion.upright, skeleton, children, offsets))
    order = _depth_first(children, skeleton.root)
    turning = [joint for joint in order if not _is_end(skeleton, children, joint)]
    lines = ["HIERARCHY", *_hierarchy(skeleton, children, offsets, skeleton.root, 0)]
    lines += ["MOTION", f"Frames: {len(angles)}", f"Frame Time: {1 / motion.fps:.8f}"]
    for turns in angles[:, turning].reshape(len(angles), -1):
        lines.append(" ".join(["0 0 0", *(f"{value:.5f}" for value in turns)]))
    with atomic_file(path) as stream:
        stream.write("\n".join(lines) + "\n")


def _children(skeleton: Skeleton) -> list[list[int]]:
    children: list[list[int]] = [[] for _ in skeleton.joints]
    for parent, child in skeleton.edges:
        children[parent].append(child)
    return children


def _is_end(skeleton: Skeleton, children: list[list[int]], joint: int) -> bool:
    """Return whether a joint is no more than the end of its parent's only bone.

    The last joint of a chain has nothing to turn. Where its parent has other bones too, it is a
    joint all the same, for programs take the end of a bone to be all that is there.
    """
    return not children[joint] and len(children[skeleton.parents[joint]]) == 1


def _depth_first(children: list[list[int]], joint: int) -> list[int]:
    return [joint, *(found for child in children[joint] for found in _depth_first(children, child))]


def _rest_offsets(positions: Floats, skeleton: Skeleton) -> Floats:
    """Return (joints, 3) of each joint from its parent in the rest pose; zeros for the root."""
    offsets = np.zeros((len(skeleton), 3))
    for parent, child in skeleton.edges:
        length = np.median(np.linalg.norm(positions[:, child] - positions[:, parent], axis=-1))
        offsets[child] = max(float(length), _LEAST_BONE) * _rest_direction(skeleton, child)
    return offsets


def _rest_direction(skeleton: Skeleton, joint: int) -> Floats:
    """Return where the bone to a joint points in a T pose: left is at the picture's right."""
    side = 1.0 if joint in skeleton.left else -1.0 if joint in skeleton.right else 0.0
    name = skeleton.joints[joint]
    if side and name.endswith(_SIDEWAYS):
        return np.array([side, 0.0, 0.0])
    if side and name.endswith(_DOWN):
        return np.array([0.0, -1.0, 0.0])
    return np.array([0.0, 1.0, 0.0])


def _local_rotations(
    positions: Floats, skeleton: Skeleton, children: list[list[int]], offsets: Floats
) -> Floats:
    """Return (frames, joints, 3, 3) of each joint relative to its parent; identity at the ends."""
    frames = len(positions)
    local = np.tile(np.eye(3), (frames, len(skeleton), 1, 1))
    world = local.copy()
    for joint in _depth_first(children, skeleton.root):
        parent = skeleton.parents[joint]
        before = world[:, parent] if parent >= 0 else np.tile(np.eye(3), (frames, 1, 1))
        ends = children[joint]
        if ends:
            bones = positions[:, ends] - positions[:, joint, None]
            # Seen from the parent: columns turn as R^T d.
            wanted = np.einsum("fba,fcb->fca", before, bones)
            local[:, joint] = _turns(offsets[ends], wanted)
        world[:, joint] = before @ local[:, joint]
    return local


def _turns(rest: Floats, wanted: Floats) -> Floats:
    """Return the rotations (frames, 3, 3) that turn bones (bones, 3) to (frames, bones, 3)."""
    if len(rest) == 1:
        start = np.broadcast_to(rest[0], wanted[:, 0].shape)
        axis = np.cross(start, wanted[:, 0])
        length = np.linalg.norm(axis, axis=-1, keepdims=True)
        angle = np.arctan2(length[:, 0], (start * wanted[:, 0]).sum(axis=-1))
        # Half a turn has no axis of its own: any that is square to the bone does.
        square = np.cross(rest[0], np.eye(3)[np.argmin(np.abs(rest[0]))])
        safe = np.where(length > 1e-12, axis / np.maximum(length, 1e-12), square)
        safe = safe / np.linalg.norm(safe, axis=-1, keepdims=True)
        return rotation_from_axis_angle(safe * angle[:, None])
    spread = np.einsum("fba,bc->fac", wanted, rest)
    left, _, right = np.linalg.svd(spread)
    handed = np.ones((len(wanted), 3))
    handed[:, 2] = np.sign(np.linalg.det(left @ right))
    return (left * handed[:, None]) @ right


def _euler_degrees(rotations: Floats) -> Floats:
    """Return (frames, joints, 3) degrees about z, then the turned x, then the turned y."""
    from scipy.spatial.transform import Rotation

    turns = Rotation.from_matrix(rotations.reshape(-1, 3, 3)).as_euler(_EULER, degrees=True)
    degrees = np.asarray(turns, np.float64).reshape(*rotations.shape[:2], 3)
    return np.unwrap(degrees, axis=0, period=360.0)  # programs interpolate between frames


def _hierarchy(
    skeleton: Skeleton, children: list[list[int]], offsets: Floats, joint: int, depth: int
) -> list[str]:
    """Return the lines of a joint and all below it."""
    indent = "\t" * depth
    place = " ".join(f"{value:.6f}" for value in offsets[joint])
    name = re.sub(r"\W", "_", skeleton.joints[joint])
    turns = " ".join(f"{axis}rotation" for axis in _EULER)
    if _is_end(skeleton, children, joint):
        return [f"{indent}End Site", f"{indent}{{", f"{indent}\tOFFSET {place}", f"{indent}}}"]
    root = joint == skeleton.root
    channels = f"6 Xposition Yposition Zposition {turns}" if root else f"3 {turns}"
    lines = [
        f"{indent}{'ROOT' if root else 'JOINT'} {name}",
        f"{indent}{{",
        f"{indent}\tOFFSET {place}",
        f"{indent}\tCHANNELS {channels}",
    ]
    for child in children[joint]:
        lines += _hierarchy(skeleton, children, offsets, child, depth + 1)
    if not children[joint]:
        beyond = " ".join(f"{value:.6f}" for value in _STUB * offsets[joint])
        lines += [f"{indent}\tEnd Site", f"{indent}\t{{", f"{indent}\t\tOFFSET {beyond}"]
        lines.append(f"{indent}\t}}")
    return [*lines, f"{indent}}}"]
