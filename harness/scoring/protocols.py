"""Evaluation protocols: named, versioned decisions that move numbers, each with its source.

Equal ids and versions mean comparable numbers. A change of anything that can move a number raises
the version; descriptions may change freely. What each one means, and why published numbers differ
by more than the methods do, is told in docs/protocols.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from harness.body.skeleton import H36M_16, H36M_17, HUMANEVA_15, MPI_INF_3DHP_17, Skeleton
from harness.body.vectors import joint_major
from harness.datasets.h36m.contents import SHIFTED_TAKES
from harness.foundation.files import sha256_of_json
from harness.foundation.suggest import unknown_name
from harness.scoring.metrics import CORE_METRICS, POSITION_METRICS, DistanceMetric, Metric

RootPolicy = Literal["as_predicted", "subtract_predicted_root", "overwrite_root"]
"""What is done with the predicted root; the true one is always at the origin.

as_predicted: nothing, so the root's own error counts and the pose keeps its offset (VideoPose3D).
subtract_predicted_root: the whole predicted pose is moved until its root is right (SemGCN).
overwrite_root: only the root joint is put right, the others stay (P-STMO).
"""

Target = Literal["camera", "image25d", "image25d_made"]
"""What predictions are compared with.

camera: positions in camera space, metres, relative to the root (VideoPose3D's family).
image25d: the image's x and y and a depth, in pixels, times a factor of each frame in millimetres a
    pixel that the data set's file gives (MotionBERT's family). Predictions in the image's units are
    multiplied by that true factor too.
image25d_made: the same made from camera space, factor = depth of the root / focal length. It shows
    what that target does to a number where no file gives one, and is nobody's protocol.
"""

Coverage = Literal["all", "whole_windows", "aligned_windows"]
"""Which frames of a clip are scored: all of them once, or those of windows of the lifter's length.

whole_windows: windows lie end to end from the clip's start and the rest is left out; a clip
    shorter than a window is one window, but as the last of all clips it has none (MotionBERT,
    lib/data/datareader_h36m.py).
aligned_windows: the rest is in a last window that ends with the clip, so frames that the window
    before it has too count twice (MixSTE, common/generators.py and run.py). Here both times with
    their one prediction; there each window has its own.
"""

OWN_JOINTS = Skeleton(name="own_joints", joints=(), parents=(), left=(), right=())
"""Stands in a protocol for whatever joints a data set has."""


# Part of a definition only where they say something, so that older definitions stay the same.
_ADDED_LATER = {"excluded_takes", "target", "coverage", "x_and_y_of_input"}


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """One way of turning predictions into numbers.

    Attributes:
        id: how commands and files call it.
        version: raised with every change that can move a number.
        description: what it is, in one sentence.
        source: the public code that it follows.
        skeleton: joints taken by name, in this order, from predictions and ground truth; OWN_JOINTS
            for all that a data set has.
        not_scored: joints of `skeleton` that no metric counts.
        no_credit: further joints that PCK and AUC do not count, such as a root that always hits.
        root: what is done with the predicted root, before any metric.
        groups: clips equal in these columns form a group, averaged over frames.
        average: the final number: "groups" weighs all groups alike, "frames" all frames.
        metrics: names of the metrics computed.
        actions: the only actions scored, matched exactly; all where empty.
        excluded: (subject, action) pairs left out.
        excluded_takes: (subject, subaction) pairs left out.
        target: what predictions are compared with.
        coverage: which frames of a clip are scored.
        x_and_y_of_input: the predicted x and y are replaced by those of the 2D input.
        privileged: what the source gives at test time that a user would not have, in words.
        needs_valid: the data set must say which frames count. Where it does say so, only those
            count under every protocol.
        annotation: the data set must have been prepared with this annotation, where one is named.
        flip_test: whether the source averages over the mirrored input; None where sources differ.
        decimals: digits after the point in tables.
    """

    id: str
    version: int
    description: str
    source: str
    skeleton: Skeleton
    not_scored: tuple[str, ...] = ()
    no_credit: tuple[str, ...]
    root: RootPolicy
    groups: tuple[str, ...]
    average: Literal["groups", "frames"]
    metrics: tuple[str, ...] = tuple(metric.name for metric in CORE_METRICS)
    actions: tuple[str, ...] = ()
    excluded: tuple[tuple[str, str], ...] = ()
    excluded_takes: tuple[tuple[str, str], ...] = ()
    target: Target = "camera"
    coverage: Coverage = "all"
    x_and_y_of_input: bool = False
    privileged: tuple[str, ...] = ()
    needs_valid: bool = False
    annotation: str | None = None
    flip_test: bool | None
    decimals: int = 1

    @property
    def joints(self) -> tuple[str, ...]:
        """The joints whose errors are stored, in order; P-MPJPE aligns on exactly these."""
        return tuple(joint for joint in self.skeleton.joints if joint not in self.not_scored)

    @cached_property
    def scored_skeleton(self) -> Skeleton:
        """The joints whose errors are stored; a joint whose parent is not among them hangs free."""
        kept = [self.skeleton.index(joint) for joint in self.joints]
        place = {index: position for position, index in enumerate(kept)}
        pairs = [
            (place[left], place[right])
            for left, right in zip(self.skeleton.left, self.skeleton.right, strict=True)
            if left in place and right in place
        ]
        return Skeleton(
            name="scored",
            joints=self.joints,
            parents=tuple(place.get(self.skeleton.parents[index], -1) for index in kept),
            left=tuple(left for left, _ in pairs),
            right=tuple(right for _, right in pairs),
        )

    @property
    def definition(self) -> str:
        """SHA-256 of everything that can move a number."""
        told = {"description", "source", "skeleton", "privileged"}
        values = {
            f.name: getattr(self, f.name)
            for f in fields(self)
            if f.name not in told
            and not (f.name in _ADDED_LATER and getattr(self, f.name) == f.default)
        }
        shape = [self.skeleton.joints, self.skeleton.parents]
        return sha256_of_json({**values, "skeleton": shape})

    def fitted_to(self, skeleton: Skeleton) -> "Protocol":
        """Return the protocol as it counts on a data set of these joints."""
        return replace(self, skeleton=skeleton) if self.skeleton == OWN_JOINTS else self

    def counts(self, metric: Metric) -> NDArray[np.bool_]:
        """Return which of `joints` the metric counts."""
        left_out = self.no_credit if isinstance(metric, DistanceMetric) else ()
        return np.array([joint not in left_out for joint in self.joints])

    def decimals_of(self, metric: Metric) -> int:
        """Return how many digits after the point a value of the metric is printed with."""
        return self.decimals + metric.extra_decimals

    def keeps(self, clips: pd.DataFrame) -> NDArray[np.bool_]:
        """Return which clips are scored; names match exactly.

        Args:
            clips: rows with subject, action and subaction.
        """
        rows = clips[["subject", "action", "subaction"]].itertuples(index=False)
        return np.array(
            [
                (not self.actions or action in self.actions)
                and (subject, action) not in self.excluded
                and (subject, subaction) not in self.excluded_takes
                for subject, action, subaction in rows
            ],
            dtype=bool,
        )

    def covered(self, lengths: Sequence[int], window: int) -> list[NDArray[np.int64]]:
        """Return the numbers of the frames of each clip that are scored, as often as they count.

        Args:
            lengths: frames of all clips of the split, in the data set's order.
            window: length of the lifter's window.
        """
        if self.coverage == "all":
            return [np.arange(length) for length in lengths]
        whole = [np.arange(length // window * window or length) for length in lengths]
        if self.coverage == "aligned_windows":
            return [
                np.append(frames, np.arange(length - window, length))
                if len(frames) < length
                else frames
                for frames, length in zip(whole, lengths, strict=True)
            ]
        if lengths and lengths[-1] < window:
            whole[-1] = whole[-1][:0]
        return whole

    def place(
        self,
        predicted: NDArray[np.floating],
        predicted_skeleton: Skeleton,
        truth: NDArray[np.floating],
        truth_skeleton: Skeleton,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return prediction and truth as metrics take them: joints picked, roots dealt with.

        Args:
            predicted: (frames, ..., joints of predicted_skeleton, 3) metres.
            predicted_skeleton: joints of the predictions.
            truth: (frames, joints of truth_skeleton, 3) metres, anywhere in space.
            truth_skeleton: joints of the ground truth.

        Returns:
            (frames, ..., joints of the protocol, 3) and (frames, joints of the protocol, 3).

        Raises:
            HarnessError: predictions or ground truth lack a joint of the protocol's skeleton.
        """
        root = self.skeleton.joints[self.skeleton.root]
        columns, truth_columns = (
            dict(zip(self.skeleton.joints, self.skeleton.columns_in(skeleton), strict=True))
            for skeleton in (predicted_skeleton, truth_skeleton)
        )
        result = joint_major(predicted, [columns[joint] for joint in self.joints])
        target = joint_major(truth, [truth_columns[joint] for joint in self.joints])
        target -= joint_major(truth, [truth_columns[root]])
        if self.root == "subtract_predicted_root":
            result -= joint_major(predicted, [columns[root]])
        elif self.root == "overwrite_root" and root in self.joints:
            result[..., self.joints.index(root), :] = 0.0
        return result, target


_H36M_ACTIONWISE = Protocol(
    id="h36m17-actionwise",
    version=1,
    description=(
        "Human3.6M as most papers report it: 17 joints, the predicted root counts, the mean of "
        "the actions' means"
    ),
    source="VideoPose3D, run.py and common/loss.py",
    skeleton=H36M_17,
    no_credit=("Hip", "Spine", "Neck/Nose"),
    root="as_predicted",
    groups=("action",),
    average="groups",
    flip_test=True,
)

_HUMANEVA = Protocol(
    id="humaneva15-validate",
    version=1,
    description=(
        "HumanEva-I, validation part of Walking, Jog and Box, the mean over subjects and actions; "
        "the damaged head of S3 Walking counts"
    ),
    source="VideoPose3D, run.py --by-subject and common/humaneva_dataset.py",
    skeleton=HUMANEVA_15,
    no_credit=("Hip",),
    root="as_predicted",
    groups=("subject", "action"),
    average="groups",
    actions=("Walking", "Jog", "Box"),
    flip_test=True,
)

_3DHP_UNIVERSAL = Protocol(
    id="3dhp17-univ-frameweighted",
    version=1,
    description=(
        "MPI-INF-3DHP, universal annotation, valid frames of TS1 to TS6, all frames weighed alike; "
        "PCK and AUC over 14 joints"
    ),
    source="P-STMO, common/utils.py and 3dhp_test; mpii_compute_3d_pck.m",
    skeleton=MPI_INF_3DHP_17,
    no_credit=("Pelvis", "Spine", "Head"),
    root="overwrite_root",
    groups=("subject", "action", "subaction"),
    average="frames",
    needs_valid=True,
    annotation="univ_annot3",
    flip_test=True,
)

_ALL = (
    _H36M_ACTIONWISE,
    replace(
        _H36M_ACTIONWISE,
        id="h36m17-actionwise-rootzero",
        description="as h36m17-actionwise, but the predicted root joint is overwritten by the true",
        source="P-STMO, common/utils.py",
        root="overwrite_root",
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m16-semgcn",
        description=(
            "Human3.6M without Neck/Nose, poses moved to a perfect root, action by action: what "
            "SemGCN's evaluation reads as, not what it computes"
        ),
        source="SemGCN, main_gcn.py as it reads; see h36m16-semgcn-executed",
        skeleton=H36M_16,
        no_credit=("Hip", "Spine"),
        root="subtract_predicted_root",
        flip_test=False,
        decimals=2,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m16-semgcn-executed",
        description=(
            "Human3.6M without Neck/Nose, only the root joint put right, action by action: what "
            "SemGCN's evaluation computes"
        ),
        source=(
            "SemGCN, main_gcn.py as PyTorch runs it: `x -= x[:, :1]` sets the root to 0 before it "
            "is subtracted from the others"
        ),
        skeleton=H36M_16,
        no_credit=("Hip", "Spine"),
        root="overwrite_root",
        flip_test=False,
        decimals=2,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m17-actionwise-no-s9drift",
        description=(
            "as h36m17-actionwise without the three takes of S9 whose ground truth is shifted"
        ),
        source="Vegetebird/MHFormer#92; left out by MotionBERT's family",
        excluded_takes=SHIFTED_TAKES,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m17-aligned-windows",
        description=(
            "as h36m17-actionwise, but frames that a last window aligned to the clip's end shares "
            "with the window before it count twice"
        ),
        source="MixSTE, run.py; the same in KTPFormer and D3DP",
        coverage="aligned_windows",
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m17-motionbert25d",
        description=(
            "Human3.6M as MotionBERT's family scores it: 2.5D truth and predictions times the true "
            "factor of each frame, root joint put right, three shifted takes of S9 left out, only "
            "whole windows"
        ),
        source="MotionBERT, train.py; the same in MotionAGFormer, PoseMamba and TCPFormer",
        root="overwrite_root",
        excluded_takes=SHIFTED_TAKES,
        target="image25d",
        coverage="whole_windows",
        privileged=("the true millimetres a pixel of each frame",),
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m17-made25d",
        description=(
            "as h36m17-actionwise-rootzero against a 2.5D target made from camera space; shows "
            "what MotionBERT's target does, compares with nobody's"
        ),
        source="target after lcn-pose, tools/gendb.py, with factor = root depth / focal length",
        root="overwrite_root",
        target="image25d_made",
        privileged=("the true millimetres a pixel of each frame",),
        flip_test=None,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m17-made25d-xy-of-input",
        description=(
            "as h36m17-made25d with x and y of the 2D input in place of the predicted ones, so "
            "that only depth is judged where the input is exact"
        ),
        source="MotionBERT, train.py with gt_2d; target as in h36m17-made25d",
        root="overwrite_root",
        target="image25d_made",
        x_and_y_of_input=True,
        privileged=("the true millimetres a pixel of each frame",),
        flip_test=None,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m14-martinez",
        description="Human3.6M without Hip, Spine and Neck/Nose, poses moved to a perfect root",
        source="3d-pose-baseline, src/data_utils.py",
        not_scored=("Hip", "Spine", "Neck/Nose"),
        no_credit=(),
        root="subtract_predicted_root",
        flip_test=False,
        decimals=2,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="h36m17-framewise",
        description="as h36m17-actionwise, but all frames weigh alike; diagnostic, not reported",
        source="VideoPose3D, run.py, validation during training",
        average="frames",
        flip_test=None,
    ),
    _HUMANEVA,
    replace(
        _HUMANEVA,
        id="humaneva15-validate-no-s3walk",
        description="as humaneva15-validate without S3 Walking, whose head joint is damaged",
        source="facebookresearch/VideoPose3D#29",
        excluded=(("S3", "Walking"),),
    ),
    _3DHP_UNIVERSAL,
    replace(
        _3DHP_UNIVERSAL,
        id="3dhp17-annot3-seqmean",
        description=(
            "MPI-INF-3DHP, metric annotation, valid frames, the six test sequences weighed alike"
        ),
        source="D3DP, README",
        average="groups",
        annotation="annot3",
        flip_test=None,
    ),
    replace(
        _3DHP_UNIVERSAL,
        id="3dhp16-cross-poseaug",
        description=(
            "MPI-INF-3DHP as a test of Human3.6M lifters: 16 joints in Human3.6M's order, poses "
            "moved to a perfect root, all frames weighed alike"
        ),
        source="PoseAug, data_extra and run_evaluate.py",
        skeleton=H36M_16,
        no_credit=("Hip", "Spine"),
        root="subtract_predicted_root",
        needs_valid=False,
        annotation=None,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="common16-actionwise",
        description=(
            "across data sets: the 16 joints of Human3.6M without Neck/Nose, matched by name, "
            "poses moved to a perfect root, the mean of the actions' means"
        ),
        source="joints and root as PoseAug, run_evaluate.py; average as h36m17-actionwise",
        skeleton=H36M_16,
        no_credit=("Hip", "Spine"),
        root="subtract_predicted_root",
        flip_test=None,
    ),
    replace(
        _H36M_ACTIONWISE,
        id="own-actionwise",
        description=(
            "all joints that a data set has, whatever they are; as h36m17-actionwise otherwise, "
            "without PCK and AUC, which nobody has defined for them"
        ),
        source="as h36m17-actionwise",
        skeleton=OWN_JOINTS,
        no_credit=(),
        metrics=tuple(metric.name for metric in POSITION_METRICS),
        flip_test=None,
    ),
)

COMMON_PROTOCOL = "common16-actionwise"
"""The protocol for lifters that were trained on one data set and tested on another."""

PROTOCOLS: dict[str, Protocol] = {protocol.id: protocol for protocol in _ALL}


def protocol_called(id: str) -> Protocol:
    """Return the protocol with this id.

    Raises:
        HarnessError: there is none.
    """
    if id not in PROTOCOLS:
        raise unknown_name("protocol", id, PROTOCOLS)
    return PROTOCOLS[id]
