"""The mirror image of what a camera saw: to augment training and to average predictions with.

Left and right swap and x changes sign, in 2D by the layout's pairs and in 3D by the skeleton's. The
camera is mirrored with them: the principal point's x changes sign and so does the first tangential
coefficient (in x (radial + p1 x + p2 y) + p1 r2 it is the term odd in x; see
`harness.body.camera.project`); focal lengths, the other coefficients and depths stay.
"""

import torch
from torch import Tensor

from harness.body.skeleton import Skeleton
from harness.lifting.contract import Batch, LifterInput

_CENTER_X, _TANGENTIAL_1 = 2, 7  # in the intrinsics [fx, fy, cx, cy, k1, k2, k3, p1, p2]


def mirrored_points(points: Tensor, skeleton: Skeleton) -> Tensor:
    """Return the mirror image of points (..., joints, 2 or 3), the first coordinate being x."""
    return _negated(points[..., list(skeleton.mirror), :], 0)


def mirrored_inputs(inputs: LifterInput, layout: Skeleton) -> LifterInput:
    """Return what the mirrored camera sees of the mirrored person."""
    return LifterInput(
        mirrored_points(inputs.keypoints, layout),
        _negated(inputs.intrinsics, _CENTER_X, _TANGENTIAL_1),
        inputs.root_depth,
        None if inputs.confidence is None else inputs.confidence[..., list(layout.mirror)],
    )


def mirrored_some(batch: Batch, chosen: Tensor, layout: Skeleton, skeleton: Skeleton) -> Batch:
    """Return the batch with the windows that `chosen`, (batch,) bool, picks mirrored."""
    mirrored = mirrored_inputs(batch.inputs, layout)

    def pick(image: Tensor, original: Tensor) -> Tensor:
        return torch.where(chosen.view(-1, *[1] * (image.ndim - 1)), image, original)

    sure, mirrored_sure = batch.inputs.confidence, mirrored.confidence
    return Batch(
        LifterInput(
            pick(mirrored.keypoints, batch.inputs.keypoints),
            pick(mirrored.intrinsics, batch.inputs.intrinsics),
            batch.inputs.root_depth,
            None if sure is None or mirrored_sure is None else pick(mirrored_sure, sure),
        ),
        pick(mirrored_points(batch.target, skeleton), batch.target),
        pick(_negated(batch.root, 0), batch.root),
        batch.labelled,
    )


def _negated(values: Tensor, *positions: int) -> Tensor:
    signs = torch.ones(values.shape[-1], dtype=values.dtype, device=values.device)
    signs[list(positions)] = -1
    return values * signs
