"""Trials of the CMU database as motion of Human3.6M's joints.

A joint is the end of a bone; where the two skeletons differ, the nearest place is taken:

    Human3.6M             CMU                           remark
    Hip                   middle of lhipjoint and       the file's own root lies about 10 cm
                          rhipjoint                     above it and is not used
    LHip, LKnee, LFoot    lhipjoint, lfemur, ltibia     LFoot is the ankle, as in Human3.6M
    RHip, RKnee, RFoot    rhipjoint, rfemur, rtibia
    Spine                 lowerback                     about halfway from Hip to Thorax
    Thorax                thorax                        where neck and clavicles begin
    Neck/Nose             middle of lowerneck and       13 to 15 cm above Thorax
                          upperneck                     (Human3.6M: 12 cm)
    Head                  head                          a few cm below the crown
    LShoulder, RShoulder  lclavicle, rclavicle
    LElbow, RElbow        lhumerus, rhumerus
    LWrist, RWrist        lwrist, rwrist                lradius and lwrist make one forearm

Other joints lie between some of these, so Hip - Spine, Spine - Thorax, Thorax - Neck/Nose and
Neck/Nose - Head are shorter in a bent body than in a straight one; all other lengths are constant.

The files have y up and a person at rest facing +z; (x, y, z) -> (x, -z, y) makes z up without
mirroring.

Damage. What `damage` finds is left out and cuts the trial, is mended, or is told.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.body.size import bone_without_length
from harness.body.skeleton import H36M_17
from harness.datasets.cmu.acclaim import AcclaimSkeleton, read_amc
from harness.datasets.damage import sound_motion
from harness.datasets.resample import resample
from harness.foundation.errors import HarnessError

Array = NDArray[np.float64]

_BONES_OF_JOINT = {
    "Hip": ("lhipjoint", "rhipjoint"),
    "RHip": ("rhipjoint",),
    "RKnee": ("rfemur",),
    "RFoot": ("rtibia",),
    "LHip": ("lhipjoint",),
    "LKnee": ("lfemur",),
    "LFoot": ("ltibia",),
    "Spine": ("lowerback",),
    "Thorax": ("thorax",),
    "Neck/Nose": ("lowerneck", "upperneck"),
    "Head": ("head",),
    "LShoulder": ("lclavicle",),
    "LElbow": ("lhumerus",),
    "LWrist": ("lwrist",),
    "RShoulder": ("rclavicle",),
    "RElbow": ("rhumerus",),
    "RWrist": ("rwrist",),
}


def motion_pieces(
    path: Path, skeleton: AcclaimSkeleton, rate: float, fps: float
) -> tuple[list[Array], list[str]]:
    """Return the sound pieces of a trial at `fps`, and notes on what was left out or mended.

    Args:
        path: the trial's AMC file.
        skeleton: of its subject.
        rate: frames a second of the file.
        fps: frames a second of the pieces.

    Returns:
        Pieces of (frames, 17, 3) world metres, z up; notes with frames counted from 1.

    Raises:
        HarnessError: the files cannot be used.
    """
    motion = read_amc(path, skeleton)
    recorded = joint_positions(skeleton, motion)
    short = bone_without_length(recorded, H36M_17)
    if short is not None:
        frame, parent, child = short
        made = " and ".join(" + ".join(_BONES_OF_JOINT[joint]) for joint in (parent, child))
        raise HarnessError(
            f"{skeleton.path}: from {parent} to {child} there is no length in frame {frame + 1} of "
            f"{path.name} (bones {made}); correct or download the skeleton again"
        )
    sound, notes = sound_motion(path.stem, motion, recorded, _moving_channels(skeleton), rate)
    return [resample(piece, rate, fps) for piece in sound], notes


def joint_positions(skeleton: AcclaimSkeleton, motion: Array) -> Array:
    """Return (frames, 17, 3) world metres, z up, in the order of H36M_17.

    Raises:
        HarnessError: the skeleton lacks a bone that a joint is made from.
    """
    needed = {bone for bones in _BONES_OF_JOINT.values() for bone in bones}
    missing = sorted(needed - skeleton.index.keys())
    if missing:
        raise HarnessError(
            f"{skeleton.path}: lacks the bones {', '.join(missing)}, which Human3.6M's joints are "
            "made from; is it a skeleton of the CMU database?"
        )
    ends = skeleton.joint_ends(motion)
    joints = [
        np.mean([ends[:, skeleton.index[bone]] for bone in _BONES_OF_JOINT[joint]], axis=0)
        for joint in H36M_17.joints
    ]
    x, y, z = np.moveaxis(np.stack(joints, axis=1), -1, 0)
    return np.stack([x, -z, y], axis=-1)


def _moving_channels(skeleton: AcclaimSkeleton) -> dict[str, slice]:
    """Return the channels of the bones whose angles move a joint.

    These are the bones that joints are made from, and all above them.
    """
    moving = set()
    for name in {bone for bones in _BONES_OF_JOINT.values() for bone in bones}:
        bone = skeleton.index[name]
        while bone >= 0:
            moving.add(skeleton.bones[bone].name)
            bone = skeleton.bones[bone].parent
    return {name: _channels(skeleton, skeleton.index[name]) for name in sorted(moving)}


def _channels(skeleton: AcclaimSkeleton, bone: int) -> slice:
    first = skeleton.first_channel[bone]
    return slice(first, first + len(skeleton.bones[bone].channels))
