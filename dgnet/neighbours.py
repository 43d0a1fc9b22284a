"""Who is connected: the masks D (eq. 3, 4), L (eq. 10, 11) and their alternatives of table VII.

A mask is a bool tensor (..., N, M): row i tells which of M candidates joint i listens to. The first
N candidates, or for the unified form the middle N of 3N, are the joints themselves.
"""

import torch
from torch import Tensor

from dgnet.config import Connection
from dgnet.graph import BodyGraph


@torch.no_grad()
def nearest(
    features: Tensor,
    count: int,
    include_self: bool,
    candidates: Tensor | None = None,
    present: Tensor | None = None,
) -> Tensor:
    """Mask the `count` nearest candidates of each joint by Euclidean distance (eq. 3, 10).

    Distances come from the Gram matrix: |x_j|^2 - 2 x_i.x_j orders the candidates of joint i as
    |x_i - x_j| does. Joints are alike far more than they differ, so x is taken relative to the
    first joint: otherwise |x|^2 swallows the digits that tell neighbours apart, and rounding would
    choose. No gradient flows through the choice. Among equally distant candidates `torch.topk`
    chooses; on one machine it always chooses alike. Joints with the same neighbours leave a
    dynamical layer with the same features, so ties are frequent, and it makes no difference which
    of them is chosen: they tell the same.

    Args:
        features: (..., N, C), of features or of motions.
        count: K.
        include_self: whether a joint is a candidate of its own. If so it is always chosen, being at
            distance 0, even where rounding or a duplicate would say otherwise.
        candidates: (..., M, C), M = 3N, where they are not the joints themselves.
        present: (..., M) bool, false for candidates that do not exist.

    Returns:
        (..., N, M) bool with min(K, present candidates) true in each row.
    """
    origin = features[..., :1, :]
    features = features - origin
    others = features if candidates is None else candidates - origin
    products = features @ others.transpose(-1, -2)
    squares = products.diagonal(dim1=-2, dim2=-1)
    if candidates is not None:
        squares = others.square().sum(-1)
    distance = torch.sub(squares.unsqueeze(-2), products, alpha=2)
    own = distance.diagonal((others.shape[-2] - features.shape[-2]) // 2, -2, -1)
    own.fill_(-torch.inf if include_self else torch.inf)
    if present is not None:
        distance.masked_fill_(~present.unsqueeze(-2), torch.inf)
    chosen = distance.topk(min(count, others.shape[-2]), largest=False, sorted=False).indices
    mask = torch.zeros_like(distance, dtype=torch.bool).scatter_(-1, chosen, True)
    return mask & (distance < torch.inf)


def static_mask(
    connection: Connection,
    graph: BodyGraph,
    count: int,
    include_self: bool,
    frames: int = 1,
    seed: int = 0,
) -> Tensor | None:
    """Mask connections that no pose changes (table VII), or none where poses decide.

    - fixed: the joints that a bone connects.
    - symmetry: the mirror image (after Fang et al., AAAI 2018); a midline joint has itself.
    - full: all joints.
    - random: `count` joints drawn once for each joint from `seed`.

    Args:
        connection: the style; None is returned for "precomputed" and "dynamical".
        graph: the body.
        count: K of "random".
        include_self: whether a joint is connected to itself, or for "random" may be.
        frames: 1, or 3 for the unified form, where the styles hold alike in all three frames.
        seed: of "random".

    Returns:
        (N, frames * N) bool or None.
    """
    joints = graph.joints
    own = _own(joints, frames * joints)
    if connection in ("precomputed", "dynamical"):
        return None
    if connection == "random":
        draw = torch.rand(own.shape, generator=torch.Generator().manual_seed(seed))
        draw = draw if include_self else draw.masked_fill(own, 2.0)
        chosen = draw.argsort(dim=-1)[:, :count]
        return torch.zeros_like(own).scatter_(-1, chosen, True)
    base = {
        "fixed": graph.bones,
        "symmetry": graph.mirrors,
        "full": lambda: torch.ones(joints, joints, dtype=torch.bool),
    }[connection]()
    base = base | torch.eye(joints, dtype=torch.bool)
    if include_self:
        return base.repeat(1, frames)
    without = base.repeat(1, frames) & ~own
    return without | (own & ~without.any(dim=-1, keepdim=True))


def _own(joints: int, candidates: int) -> Tensor:
    """Mark each joint among the candidates: the same index, or the middle third of 3N."""
    return torch.eye(joints, candidates, dtype=torch.bool).roll((candidates - joints) // 2, dims=1)
