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

Damage. Frames listed in `trials.DEFECTS` are left out and cut the trial. A frame in which a
joint stands more than 2 cm off the middle of its places before and after, which at 120 frames a
second takes 580 m/s^2, is replaced by the middle of its neighbours: one frame is too short to hide
motion, and cutting there would leave clips of a second.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from harness.body.skeleton import H36M_17
from harness.datasets.cmu.acclaim import AcclaimSkeleton, read_amc
from harness.datasets.cmu.trials import DEFECTS
from harness.datasets.resample import resample
from harness.runs.errors import HarnessError

SPIKE_METRES = 0.02

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
    trial, notes = path.stem, []
    recorded = joint_positions(skeleton, read_amc(path, skeleton))
    keep = np.ones(len(recorded), dtype=bool)
    for defect in DEFECTS.get(trial, ()):
        keep[defect.first - 1 : defect.last] = False
        notes.append(f"{trial}: left out {defect.first}-{defect.last} ({defect.what})")
    pieces: list[Array] = []
    mended: list[int] = []
    for frames in np.split(np.arange(len(recorded)), np.flatnonzero(np.diff(keep)) + 1):
        if keep[frames[0]]:
            piece, spikes = repair_spikes(recorded[frames])
            pieces.append(resample(piece, rate, fps))
            mended += [int(frames[spike]) + 1 for spike in spikes]
    if mended:
        listed = ", ".join(map(str, mended))
        notes.append(f"{trial}: replaced by the middle of their neighbours: {listed}")
    return pieces, notes


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


def repair_spikes(positions: Array) -> tuple[Array, list[int]]:
    """Replace single frames that stand out from both neighbours by the middle of the two.

    A spike also moves the middles of its neighbours, by half as much, so of adjacent frames only
    the one that stands out most is a spike.

    Args:
        positions: (frames, joints, 3) metres.

    Returns:
        The repaired positions and the indices of the replaced frames.
    """
    middles = (positions[:-2] + positions[2:]) / 2
    off = np.zeros(len(positions))
    off[1:-1] = np.linalg.norm(positions[1:-1] - middles, axis=-1).max(axis=-1)
    before, after = np.roll(off, 1), np.roll(off, -1)
    spikes = np.flatnonzero((off > SPIKE_METRES) & (off > before) & (off >= after))
    repaired = positions.copy()
    repaired[spikes] = middles[spikes - 1]
    return repaired, spikes.tolist()
