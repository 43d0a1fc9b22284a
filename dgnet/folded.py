"""DG-Net for prediction only, with all that no pose changes worked out beforehand.

The folded network is the same function of the same weights but for rounding: BatchNorm becomes part
of the weights, learnt adjacencies and scoring vectors become constants, the two products of a
non-local block become one. It needs a third fewer operations, whose number counts where there is
little to compute, as in a single window, and cannot be trained.
"""

import copy

import torch
from torch import Tensor, nn

from dgnet.dynamical import DynamicalSpatialGraph, DynamicalTemporalGraph
from dgnet.fixed import FixedSpatialGraph, FixedTemporalGraph
from dgnet.layer import GraphLayer
from dgnet.network import DGNet
from dgnet.nonlocal_block import NonLocalBlock
from dgnet.weighting import FullyConnected


@torch.no_grad()
def folded(network: DGNet) -> DGNet:
    """Return a copy of a trained network that predicts the same, faster, and can only predict.

    Layers that have no folded form (the unified form, connections that the pose does not decide,
    weightings other than the softmax over neighbours) stay as they are.
    """
    result = copy.deepcopy(network).eval().requires_grad_(False)
    result.drop_block_heads()
    _fold_layers_of(result, network.config.connection == "dynamical" and network.config.knn)
    return result


def _fold_layers_of(module: nn.Module, by_pose: bool) -> None:
    for name, child in module.named_children():
        layer: nn.Module | None = None
        if isinstance(child, FixedSpatialGraph):
            layer = _FixedSpatial(child)
        elif isinstance(child, FixedTemporalGraph):
            layer = _FixedTemporal(child)
        elif isinstance(child, DynamicalSpatialGraph):
            if by_pose and _sums_to_one(child.weighting):
                layer = _DynamicalSpatial(child)
        elif isinstance(child, DynamicalTemporalGraph):
            if by_pose and _sums_to_one(child.forward_weighting):
                layer = _DynamicalTemporal(child)
        elif isinstance(child, NonLocalBlock):
            layer = _NonLocal(child)
        else:
            _fold_layers_of(child, by_pose)
        if layer is not None:
            setattr(module, name, layer)


def _sums_to_one(weighting: nn.Module) -> bool:
    return isinstance(weighting, FullyConnected) and weighting.bound == "softmax"


def _of_norm(norm: nn.BatchNorm1d) -> tuple[Tensor, Tensor]:
    """Return what BatchNorm multiplies each channel by, and what it then adds."""
    mean, variance = norm.get_buffer("running_mean"), norm.get_buffer("running_var")
    factor = norm.weight / (variance + norm.eps).sqrt()
    return factor, norm.bias - mean * factor


def _with_norm(layer: GraphLayer) -> tuple[Tensor, Tensor]:
    """Return a layer's weight (inputs, matrices, outputs) and bias with BatchNorm in them."""
    if layer.norm is None:
        return layer.weight, layer.bias
    factor, shift = _of_norm(layer.norm)
    return layer.weight * factor, layer.bias * factor + shift


def _sender_vector(weighting: nn.Module) -> Tensor:
    """Return b of gamma([x_i, x_j]) = a.x_i + b.x_j + c; the rest cancels in the softmax."""
    return weighting.get_parameter("score.weight")[0].chunk(2)[1]


def _heard(score: Tensor, chosen: Tensor) -> Tensor:
    """Return the affinity (..., N, N): the softmax of the scores of those `chosen`, 0 elsewhere.

    Args:
        score: (..., N) of the senders.
        chosen: (..., N, K) which of them each joint listens to.
    """
    joints = score.shape[-1]
    spread = score.unsqueeze(-2).expand(*score.shape, joints)
    weights = spread.gather(-1, chosen).softmax(-1)
    return torch.zeros_like(spread).scatter_(-1, chosen, weights)


class _Nearest(nn.Module):
    """The choice of `dgnet.neighbours.nearest` as indices, (..., N, K)."""

    def __init__(self, count: int, include_self: bool) -> None:
        super().__init__()
        self.count, self.own = count, -torch.inf if include_self else torch.inf

    def forward(self, features: Tensor) -> Tensor:
        rows = (features - features[..., :1, :]).flatten(0, 1)
        distance = torch.baddbmm(
            rows.square().sum(-1).unsqueeze(-2), rows, rows.transpose(-1, -2), alpha=-2
        )
        distance.diagonal(dim1=-2, dim2=-1).fill_(self.own)
        others = distance.shape[-1] - int(self.own > 0)
        chosen = distance.topk(min(self.count, max(others, 1)), largest=False, sorted=False).indices
        return chosen.unflatten(0, features.shape[:2])


class _Folded(nn.Module):
    """A layer of constants: buffers, so that they follow the module from device to device."""

    def __init__(self, **constants: Tensor) -> None:
        super().__init__()
        for name, constant in constants.items():
            self.register_buffer(name, constant.contiguous())


class _FixedSpatial(_Folded):
    """One product with both weight matrices side by side, one with both adjacencies."""

    weight: Tensor
    bias: Tensor
    adjacency: Tensor

    def __init__(self, layer: FixedSpatialGraph) -> None:
        weight, bias = _with_norm(layer)
        adjacency = layer.adjacency()
        own = torch.diag_embed(adjacency.diagonal())
        # Columns in pairs: of joint j itself, of joint j as a neighbour.
        pairs = torch.stack([own, adjacency - own], dim=-1).flatten(1)
        super().__init__(weight=weight.flatten(1), bias=bias, adjacency=pairs)
        self.activated = layer.norm is not None

    def forward(
        self, x: Tensor, mask: Tensor | None = None, residual: Tensor | None = None
    ) -> Tensor:
        frames, batch, joints, _ = x.shape
        told = (x @ self.weight).view(frames * batch, 2 * joints, -1)
        adjacency = self.adjacency.expand(frames * batch, -1, -1)
        y = torch.baddbmm(self.bias, adjacency, told)
        y = (y.relu_() if self.activated else y).view(frames, batch, joints, -1)
        return y if residual is None else residual + y


class _FixedTemporal(_Folded):
    """Three products, added up in place."""

    now: Tensor
    after: Tensor
    before: Tensor
    bias: Tensor

    def __init__(self, layer: FixedTemporalGraph) -> None:
        weight, bias = _with_norm(layer)
        now, after, before = weight.unbind(1)
        super().__init__(now=now, after=after, before=before, bias=bias)
        self.replicate = layer.outside == "replicate"

    def forward(
        self, x: Tensor, mask: Tensor | None = None, residual: Tensor | None = None
    ) -> Tensor:
        rows = x.flatten(0, -2)
        one = len(rows) // len(x)  # rows of a frame
        y = torch.addmm(self.bias, rows, self.now)
        if len(x) > 1:
            y[:-one].addmm_(rows[one:], self.after)
            y[one:].addmm_(rows[:-one], self.before)
            if self.replicate:
                y[-one:].addmm_(rows[-one:], self.after)
                y[:one].addmm_(rows[:one], self.before)
        y = y.relu_().view_as(x)
        return y if residual is None else residual + y


class _DynamicalSpatial(_Folded):
    """Eq. 3 to 7 with the neighbours as indices."""

    weight: Tensor
    bias: Tensor
    sender: Tensor

    def __init__(self, layer: DynamicalSpatialGraph) -> None:
        weight, bias = _with_norm(layer)
        super().__init__(
            weight=weight.squeeze(1), bias=bias, sender=_sender_vector(layer.weighting)
        )
        self.nearest = _Nearest(layer.neighbours, layer.include_self)

    def forward(
        self, x: Tensor, mask: Tensor | None = None, residual: Tensor | None = None
    ) -> Tensor:
        affinity = _heard(x @ self.sender, self.nearest(x)).flatten(0, 1)
        y = torch.baddbmm(self.bias, affinity, (x @ self.weight).flatten(0, 1))
        y = y.relu_().view_as(x)
        return y if residual is None else residual + y


class _DynamicalTemporal(_Folded):
    """Eq. 10 to 14 likewise."""

    now: Tensor
    after: Tensor
    before: Tensor
    bias: Tensor
    after_sender: Tensor
    before_sender: Tensor

    def __init__(self, layer: DynamicalTemporalGraph) -> None:
        weight, bias = _with_norm(layer)
        now, after, before = weight.unbind(1)
        super().__init__(
            now=now,
            after=after,
            before=before,
            bias=bias,
            after_sender=_sender_vector(layer.forward_weighting),
            before_sender=_sender_vector(layer.backward_weighting),
        )
        self.nearest = _Nearest(layer.neighbours, layer.include_self)
        self.replicate = layer.outside == "replicate"

    def forward(
        self, x: Tensor, mask: Tensor | None = None, residual: Tensor | None = None
    ) -> Tensor:
        frames, _, joints, channels = x.shape
        y = torch.addmm(self.bias, x.flatten(0, -2), self.now).view(-1, joints, channels)
        if frames > 1:
            chosen = self.nearest(x[1:] - x[:-1])
            after, before = x[1:], x[:-1]
            of_after = of_before = chosen
            if self.replicate:
                after, before = torch.cat([after, x[-1:]]), torch.cat([x[:1], before])
                of_after = torch.cat([chosen, chosen[-1:]])
                of_before = torch.cat([chosen[:1], chosen])
            rows = len(after) * x.shape[1]
            forward = _heard(after @ self.after_sender, of_after).flatten(0, 1)
            backward = _heard(before @ self.before_sender, of_before).flatten(0, 1)
            y[:rows].baddbmm_(forward, (after @ self.after).flatten(0, 1))
            y[-rows:].baddbmm_(backward, (before @ self.before).flatten(0, 1))
        y = y.relu_().view_as(x)
        return y if residual is None else residual + y


class _NonLocal(_Folded):
    """x + W g(x) as one product: the weights of g and W, with BatchNorm, multiplied beforehand."""

    weight: Tensor
    told: Tensor
    bias: Tensor
    scorers: Tensor
    constant: Tensor

    def __init__(self, block: NonLocalBlock) -> None:
        factor, shift = _of_norm(block.norm)
        out = block.out.weight.t() * factor
        of_theta, of_phi = block.pair.weight[0].chunk(2)
        super().__init__(
            weight=block.g.weight.t() @ out,
            told=block.g.bias @ out,
            bias=block.out.bias * factor + shift,
            scorers=torch.stack([of_theta @ block.theta.weight, of_phi @ block.phi.weight], 1),
            constant=of_theta @ block.theta.bias + of_phi @ block.phi.bias,
        )

    def forward(self, x: Tensor) -> Tensor:
        rows = x.flatten(0, 1)
        first, second = (rows @ self.scorers + self.constant / 2).div(x.shape[-2]).unbind(-1)
        affinity = (first.unsqueeze(-1) + second.unsqueeze(-2)).relu_()
        return (rows + self.bias).baddbmm_(affinity, rows @ self.weight + self.told).view_as(x)
