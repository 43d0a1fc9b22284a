"""Forward passes of public releases, from their published architecture and parameter names.

Nothing here is shared with the networks under test: plain functions over a dict of tensors, laid
out as the public code has it (channels before joints or frames).
"""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional

Weights = dict[str, Tensor]


def random_weights(shapes: Mapping[str, tuple[int, ...]], norms: Mapping[str, int]) -> Weights:
    """Random weights of these shapes, and batch norms of these widths."""
    generator = torch.Generator().manual_seed(0)
    weights: Weights = {}
    for name, shape in shapes.items():
        fan = max(1, torch.Size(shape[1:]).numel())
        weights[name] = torch.randn(shape, generator=generator) / fan**0.5
    for name, width in norms.items():
        weights[f"{name}.weight"] = torch.rand(width, generator=generator) + 0.5
        weights[f"{name}.bias"] = torch.randn(width, generator=generator) * 0.1
        weights[f"{name}.running_mean"] = torch.randn(width, generator=generator) * 0.1
        weights[f"{name}.running_var"] = torch.rand(width, generator=generator) + 0.5
        weights[f"{name}.num_batches_tracked"] = torch.tensor(7)
    return weights


def _norm(weights: Weights, name: str, values: Tensor, eps: float = 1e-5) -> Tensor:
    """Batch norm in evaluation over dimension 1."""
    return functional.batch_norm(
        values,
        weights[f"{name}.running_mean"],
        weights[f"{name}.running_var"],
        weights[f"{name}.weight"],
        weights[f"{name}.bias"],
        eps=eps,
    )


# VideoPose3D: common/model.py, TemporalModel


def videopose3d_weights(
    joints_in: int = 17, joints_out: int = 17, channels: int = 12, blocks: int = 2
) -> Weights:
    shapes = {
        "expand_conv.weight": (channels, 2 * joints_in, 3),
        "shrink.weight": (3 * joints_out, channels, 1),
        "shrink.bias": (3 * joints_out,),
    }
    norms = {"expand_bn": channels}
    for block in range(blocks):
        shapes[f"layers_conv.{2 * block}.weight"] = (channels, channels, 3)
        shapes[f"layers_conv.{2 * block + 1}.weight"] = (channels, channels, 1)
        norms |= {f"layers_bn.{2 * block + part}": channels for part in (0, 1)}
    return random_weights(shapes, norms)


def videopose3d(weights: Weights, keypoints: Tensor, causal: bool = False) -> Tensor:
    """(batch, frames, joints, 2) -> (batch, frames - receptive field + 1, joints, 3)."""
    features = keypoints.flatten(2).permute(0, 2, 1)
    features = functional.conv1d(features, weights["expand_conv.weight"])
    features = functional.relu(_norm(weights, "expand_bn", features))
    dilation, layer = 3, 0
    while f"layers_conv.{layer}.weight" in weights:
        shift = dilation if causal else 0
        end = features.shape[2] - dilation + shift
        skipped = features[:, :, dilation + shift : end]
        for part, spread in ((layer, dilation), (layer + 1, 1)):
            kernel = weights[f"layers_conv.{part}.weight"]
            features = functional.conv1d(features, kernel, dilation=spread)
            features = functional.relu(_norm(weights, f"layers_bn.{part}", features))
        features = skipped + features
        dilation, layer = dilation * 3, layer + 2
    positions = functional.conv1d(features, weights["shrink.weight"], weights["shrink.bias"])
    return positions.permute(0, 2, 1).unflatten(2, (-1, 3))


# Martinez et al.: SemGCN's models/linear_model.py


def martinez_weights(
    joints_in: int = 16, joints_out: int = 15, width: int = 12, stages: int = 2
) -> Weights:
    shapes = {
        "w1.weight": (width, 2 * joints_in),
        "w1.bias": (width,),
        "w2.weight": (3 * joints_out, width),
        "w2.bias": (3 * joints_out,),
    }
    norms = {"batch_norm1": width}
    for stage in range(stages):
        for part in (1, 2):
            shapes[f"linear_stages.{stage}.w{part}.weight"] = (width, width)
            shapes[f"linear_stages.{stage}.w{part}.bias"] = (width,)
            norms[f"linear_stages.{stage}.batch_norm{part}"] = width
    return random_weights(shapes, norms)


def martinez(weights: Weights, keypoints: Tensor) -> Tensor:
    """(batch, joints, 2) -> (batch, joints out, 3)."""

    def layer(linear: str, norm: str, values: Tensor) -> Tensor:
        mapped = functional.linear(values, weights[f"{linear}.weight"], weights[f"{linear}.bias"])
        return functional.relu(_norm(weights, norm, mapped))

    values = layer("w1", "batch_norm1", keypoints.flatten(1))
    stage = 0
    while f"linear_stages.{stage}.w1.weight" in weights:
        name = f"linear_stages.{stage}"
        inner = layer(f"{name}.w1", f"{name}.batch_norm1", values)
        values = values + layer(f"{name}.w2", f"{name}.batch_norm2", inner)
        stage += 1
    return functional.linear(values, weights["w2.weight"], weights["w2.bias"]).unflatten(1, (-1, 3))


# SemGCN: models/sem_gcn.py, sem_graph_conv.py, graph_non_local.py

SEMGCN_PARENTS = {
    16: (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 8, 10, 11, 8, 13, 14),
    17: (-1, 0, 1, 2, 0, 4, 5, 0, 7, 8, 9, 8, 11, 12, 8, 14, 15),
}
SEMGCN_GROUPS = ((2, 3), (5, 6), (1, 4), (0, 7), (8, 9), (14, 15), (11, 12), (10, 13))


def semgcn_weights(
    joints: int = 16, channels: int = 8, layers: int = 2, non_local: str | None = None
) -> Weights:
    """`non_local` is how the release spells the module's name."""
    edges = joints + 2 * (joints - 1)
    shapes: dict[str, tuple[int, ...]] = {}
    norms: dict[str, int] = {}

    def convolution(name: str, inputs: int, outputs: int) -> None:
        shapes[f"{name}.W"] = (2, inputs, outputs)
        shapes[f"{name}.e"] = (1, edges)
        shapes[f"{name}.bias"] = (outputs,)

    def block(name: str) -> None:
        inner = channels // 2
        for part in ("g.0", "phi.0", "theta"):
            shapes[f"{name}.{non_local}.{part}.weight"] = (inner, channels, 1)
            shapes[f"{name}.{non_local}.{part}.bias"] = (inner,)
        shapes[f"{name}.{non_local}.concat_project.0.weight"] = (1, 2 * inner, 1, 1)
        shapes[f"{name}.{non_local}.W.0.weight"] = (channels, inner, 1)
        shapes[f"{name}.{non_local}.W.0.bias"] = (channels,)
        norms[f"{name}.{non_local}.W.1"] = channels

    convolution("gconv_input.0.gconv", 2, channels)
    norms["gconv_input.0.bn"] = channels
    if non_local:
        block("gconv_input.1")
    position = 0
    for _ in range(layers):
        for part in ("gconv1", "gconv2"):
            convolution(f"gconv_layers.{position}.{part}.gconv", channels, channels)
            norms[f"gconv_layers.{position}.{part}.bn"] = channels
        position += 1
        if non_local:
            block(f"gconv_layers.{position}")
            position += 1
    convolution("gconv_output", channels, 3)
    return random_weights(shapes, norms)


def semgcn(weights: Weights, keypoints: Tensor, non_local: str | None = None) -> Tensor:
    """(batch, joints, 2) -> (batch, joints, 3)."""
    joints = keypoints.shape[1]
    mask = torch.eye(joints, dtype=torch.bool)
    for joint, parent in enumerate(SEMGCN_PARENTS[joints]):
        if parent >= 0:
            mask[joint, parent] = mask[parent, joint] = True

    def convolution(name: str, values: Tensor) -> Tensor:
        scores = torch.full((joints, joints), -9e15)
        scores[mask] = weights[f"{name}.e"][0]
        affinity, itself = torch.softmax(scores, dim=1), torch.eye(joints)
        own = torch.matmul(affinity * itself, values @ weights[f"{name}.W"][0])
        theirs = torch.matmul(affinity * (1 - itself), values @ weights[f"{name}.W"][1])
        return own + theirs + weights[f"{name}.bias"]

    def module(name: str, values: Tensor) -> Tensor:
        mapped = convolution(f"{name}.gconv", values).transpose(1, 2)
        return functional.relu(_norm(weights, f"{name}.bn", mapped).transpose(1, 2))

    def block(name: str, values: Tensor) -> Tensor:
        order = [joint for group in SEMGCN_GROUPS for joint in group]
        restored = [order.index(joint) for joint in range(joints)]
        ordered = values[:, order].transpose(1, 2)

        def mapped(part: str, given: Tensor) -> Tensor:
            weight = weights[f"{name}.{part}.weight"]
            return functional.conv1d(given, weight, weights[f"{name}.{part}.bias"])

        g = functional.max_pool1d(mapped("g.0", ordered), 2)
        phi = functional.max_pool1d(mapped("phi.0", ordered), 2)
        theta = mapped("theta", ordered)
        pairs = torch.cat(
            [
                theta.unsqueeze(3).expand(-1, -1, -1, phi.shape[2]),
                phi.unsqueeze(2).expand(-1, -1, theta.shape[2], -1),
            ],
            dim=1,
        )
        scores = functional.conv2d(pairs, weights[f"{name}.concat_project.0.weight"])
        heard = torch.matmul(functional.relu(scores[:, 0]) / phi.shape[2], g.transpose(1, 2))
        out = _norm(weights, f"{name}.W.1", mapped("W.0", heard.transpose(1, 2)))
        return (out + ordered).transpose(1, 2)[:, restored]

    values = module("gconv_input.0", keypoints)
    if non_local:
        values = block(f"gconv_input.1.{non_local}", values)
    position = 0
    while any(name.startswith(f"gconv_layers.{position}.") for name in weights):
        name = f"gconv_layers.{position}"
        if f"{name}.gconv1.gconv.W" in weights:
            values = values + module(f"{name}.gconv2", module(f"{name}.gconv1", values))
        else:
            values = block(f"{name}.{non_local}", values)
        position += 1
    return convolution("gconv_output", values)


# ST-GCN: nets/st_gcn_single_frame.py, st_gcn_multi_frame.py, utils/, post_refine.py

STGCN_PARTS = ((11, 12, 13), (14, 15, 16), (4, 5, 6), (1, 2, 3), (0, 7, 8, 9, 10))
_JOINT_BONES = (
    *((0, 1), (2, 1), (3, 2), (4, 0), (5, 4), (6, 5), (7, 0), (8, 7), (9, 8), (10, 9)),
    *((11, 8), (12, 11), (13, 12), (14, 8), (15, 14), (16, 15)),
)
_JOINT_MIRRORS = ((6, 3), (5, 2), (4, 1), (11, 14), (12, 15), (13, 16))
_JOINT_LEVELS = (1, 2, 3, 4, 2, 3, 4, 0, 1, 2, 3, 2, 3, 4, 2, 3, 4)
_PART_BONES = ((0, 4), (1, 4), (2, 4), (3, 4))
_PART_MIRRORS = ((0, 1), (2, 3))
_PART_LEVELS = (1, 1, 1, 1, 0)


def _relations(
    bones: tuple[tuple[int, int], ...],
    mirrors: tuple[tuple[int, int], ...],
    levels: tuple[int, ...],
    frames: int,
) -> Tensor:
    """The matrices K x TV x TV of "spatial" strategy with links in time."""
    count = len(levels)
    linked = torch.eye(count * frames)
    sort: dict[tuple[int, int], int] = {}
    for frame in range(frames):
        offset = frame * count
        for kind, pairs in ((None, bones), (3, mirrors)):
            for first, second in pairs:
                for j, i in ((first, second), (second, first)):
                    linked[j + offset, i + offset] = 1
                    nearer = 1 if levels[j] > levels[i] else 2
                    sort[j + offset, i + offset] = nearer if kind is None else kind
        if frame + 1 < frames:
            for node in range(count):
                early, late = offset + node, offset + count + node
                linked[early, late] = linked[late, early] = 1
                sort[early, late], sort[late, early] = 4, 5
    normalised = linked / linked.sum(dim=0)
    matrices = torch.zeros(4 if frames == 1 else 6, count * frames, count * frames)
    matrices[0] = normalised.diag().diag()
    for (j, i), kind in sort.items():
        matrices[kind, j, i] = normalised[j, i]
    return matrices


def stgcn_weights(
    frames: int, joint: tuple[int, int, int] = (6, 6, 8), part: int = 10, refine: bool = False
) -> tuple[Weights, Weights]:
    """Weights of the network, and of the refinement (none unless asked for)."""
    kinds = 4 if frames == 1 else 6
    shapes: dict[str, tuple[int, ...]] = {}
    norms = {"data_bn": 34}

    def module(name: str, inputs: int, outputs: int, skip: bool) -> None:
        shapes[f"{name}.gcn.conv.weight"] = (outputs * kinds, inputs, 1, 1)
        shapes[f"{name}.gcn.conv.bias"] = (outputs * kinds,)
        shapes[f"{name}.tcn.3.weight"] = (outputs, outputs, 1, 1)
        shapes[f"{name}.tcn.3.bias"] = (outputs,)
        norms.update({f"{name}.tcn.0": outputs, f"{name}.tcn.4": outputs})
        if skip and inputs != outputs:
            shapes[f"{name}.residual.0.weight"] = (outputs, inputs, 1, 1)
            shapes[f"{name}.residual.0.bias"] = (outputs,)
            norms[f"{name}.residual.1"] = outputs

    def pointwise(name: str, inputs: int, outputs: int, taps: int = 1) -> None:
        shapes[f"{name}.weight"] = (outputs, inputs, taps, 1)
        shapes[f"{name}.bias"] = (outputs,)

    for number, (inputs, outputs) in enumerate(zip((2, *joint), joint, strict=False)):
        module(f"st_gcn_networks.{number}", inputs, outputs, skip=number > 0)
    module("st_gcn_pool.0", joint[-1], part, skip=True)
    module("st_gcn_pool.1", part, part, skip=True)
    pointwise("conv4.0", part, part, taps=1 if frames == 1 else 3)
    pointwise("conv2.0", 2 * part, joint[-1])
    for name in ("g", "theta", "phi"):
        pointwise(f"non_local.{name}", 2 * joint[-1], joint[-1])
    pointwise("non_local.W.0", joint[-1], 2 * joint[-1])
    pointwise("fcn.1", 2 * joint[-1], 3)
    norms |= {"conv4.1": part, "conv2.1": joint[-1], "non_local.W.1": 2 * joint[-1]}
    refinement = {
        "post_refine.0.weight": (1024, 102),
        "post_refine.0.bias": (1024,),
        "post_refine.3.weight": (34, 1024),
        "post_refine.3.bias": (34,),
    }
    return random_weights(shapes, norms), random_weights(refinement if refine else {}, {})


def stgcn(weights: Weights, keypoints: Tensor) -> Tensor:
    """(batch, frames, 17, 2) -> (batch, frames, 17, 3)."""
    batch, frames, joints, _ = keypoints.shape

    def pointwise(name: str, values: Tensor, padding: int = 0) -> Tensor:
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        return functional.conv2d(values, weight, bias, padding=(padding, 0))

    def module(name: str, values: Tensor, matrices: Tensor, skip: bool = True) -> Tensor:
        mapped = pointwise(f"{name}.gcn.conv", values)
        mapped = mapped.view(batch, len(matrices), -1, 1, mapped.shape[3])
        mapped = torch.einsum("nkctv,kvw->nctw", mapped, matrices)
        mapped = functional.relu(_norm(weights, f"{name}.tcn.0", mapped))
        mapped = _norm(weights, f"{name}.tcn.4", pointwise(f"{name}.tcn.3", mapped))
        if f"{name}.residual.0.weight" in weights:
            values = _norm(weights, f"{name}.residual.1", pointwise(f"{name}.residual.0", values))
        return functional.relu(mapped + values if skip else mapped)

    over_joints = _relations(_JOINT_BONES, _JOINT_MIRRORS, _JOINT_LEVELS, frames)
    over_parts = _relations(_PART_BONES, _PART_MIRRORS, _PART_LEVELS, frames)
    values = keypoints.permute(0, 2, 3, 1).reshape(batch, joints * 2, frames)
    values = _norm(weights, "data_bn", values, eps=0.1).view(batch, joints, 2, frames)
    values = values.permute(0, 2, 3, 1).reshape(batch, 2, 1, frames * joints)
    for number in range(3):
        values = module(f"st_gcn_networks.{number}", values, over_joints, skip=number > 0)
    values = values.view(batch, -1, frames, joints)
    pooled = torch.stack([values[..., list(part)].amax(dim=3) for part in STGCN_PARTS], dim=3)
    parts = pooled.reshape(batch, -1, 1, frames * 5)
    for number in range(2):
        parts = module(f"st_gcn_pool.{number}", parts, over_parts)
    parts = parts.view(batch, -1, frames, 5)
    body = pointwise("conv4.0", parts.amax(dim=3, keepdim=True), padding=0 if frames == 1 else 1)
    body = functional.relu(_norm(weights, "conv4.1", body))
    fused = pointwise("conv2.0", torch.cat([body.expand(-1, -1, -1, 5), parts], dim=1))
    fused = functional.relu(_norm(weights, "conv2.1", fused))
    spread = torch.zeros(batch, fused.shape[1], frames, joints)
    for number, part in enumerate(STGCN_PARTS):
        for joint in part:
            spread[..., joint] = fused[..., number]
    values = torch.cat([values, spread], dim=1)
    theta, phi, g = (
        pointwise(f"non_local.{name}", values).flatten(2) for name in ("theta", "phi", "g")
    )
    affinity = torch.softmax(theta.transpose(1, 2) @ phi, dim=-1)
    heard = (affinity @ g.transpose(1, 2)).transpose(1, 2).view(batch, -1, frames, joints)
    values = values + _norm(weights, "non_local.W.1", pointwise("non_local.W.0", heard))
    return pointwise("fcn.1", values).permute(0, 2, 3, 1)


def stgcn_refined(
    weights: Weights, regressed: Tensor, keypoints: Tensor, camera: Tensor, root_depth: Tensor
) -> Tensor:
    """Middle pose (batch, 17, 3), its pixels, (batch, 9) intrinsics, (batch,) depth of the root."""
    depth = regressed[..., 2].clone()
    depth[:, 0] = 0
    absolute = (depth + root_depth[:, None]).unsqueeze(2)
    ray = (keypoints - camera[:, None, 2:4]) * absolute / camera[:, None, 0:2]
    ray = torch.cat([ray, absolute], dim=2)
    ray = ray - ray[:, :1]
    seen = torch.cat([regressed, ray], dim=2).flatten(1)
    hidden = functional.relu(
        functional.linear(seen, weights["post_refine.0.weight"], weights["post_refine.0.bias"])
    )
    score = functional.linear(
        hidden, weights["post_refine.3.weight"], weights["post_refine.3.bias"]
    )
    share = torch.sigmoid(score).view(-1, 17, 2)
    refined = regressed.clone()
    refined[..., :2] = share * regressed[..., :2] + (1 - share) * ray[..., :2]
    return refined
