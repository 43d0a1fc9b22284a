"""Today's lifters written from their equations, over weights under their public names.

Slow and literal: one window, one group of tokens and one head at a time, nothing of the networks
under test. Names and shapes are those of the released state dicts. Random weights are large
everywhere, because layer scales of 1e-5 and embeddings of zero would hide what a block computes.
"""

from collections.abc import Callable, Mapping
from math import cos, exp, log, pi, sqrt

import torch
from torch import Tensor

Weights = dict[str, Tensor]
HEADS = 8
LEFT, RIGHT = (4, 5, 6, 11, 12, 13), (1, 2, 3, 14, 15, 16)
HEARS = {
    0: {1, 7},
    1: {0, 2},
    2: {1, 3},
    3: {2},
    4: {0, 5},
    5: {4, 6},
    6: {5},
    7: {0, 8},
    8: {7, 9},
    9: {8, 10},
    10: {9},
    11: {8, 12},
    12: {11, 13},
    13: {12},
    14: {8, 15},
    15: {14, 16},
    16: {15},
}


def random_weights(shapes: Mapping[str, tuple[int, ...]]) -> Weights:
    """Return random float64 weights; matrices keep the size of what they map."""
    generator = torch.Generator().manual_seed(0)
    weights = {}
    for name, shape in shapes.items():
        drawn = torch.randn(shape, generator=generator, dtype=torch.float64)
        if name.endswith("running_var"):
            drawn = drawn.abs() + 0.3
        elif name.endswith("num_batches_tracked"):
            drawn = torch.tensor(7)
        elif len(shape) == 2:
            drawn = drawn * 1.5 / sqrt(shape[1])
        weights[name] = drawn
    return weights


def linear_shapes(name: str, outputs: int, inputs: int, bias: bool = True) -> dict[str, tuple]:
    """Return the shapes of a linear layer."""
    return {f"{name}.weight": (outputs, inputs)} | ({f"{name}.bias": (outputs,)} if bias else {})


def norm_shapes(name: str, channels: int) -> dict[str, tuple]:
    """Return the shapes of a layer norm."""
    return {f"{name}.weight": (channels,), f"{name}.bias": (channels,)}


def attention_shapes(name: str, channels: int, bias: bool = True) -> dict[str, tuple]:
    """Return the shapes of an attention."""
    return linear_shapes(f"{name}.qkv", 3 * channels, channels, bias) | linear_shapes(
        f"{name}.proj", channels, channels
    )


def mlp_shapes(name: str, channels: int, ratio: int) -> dict[str, tuple]:
    """Return the shapes of an MLP."""
    return linear_shapes(f"{name}.fc1", ratio * channels, channels) | linear_shapes(
        f"{name}.fc2", channels, ratio * channels
    )


def block_shapes(name: str, channels: int, ratio: int) -> dict[str, tuple]:
    """Return the shapes of a transformer block."""
    return {
        **norm_shapes(f"{name}.norm1", channels),
        **attention_shapes(f"{name}.attn", channels),
        **norm_shapes(f"{name}.norm2", channels),
        **mlp_shapes(f"{name}.mlp", channels, ratio),
    }


def linear(w: Weights, name: str, x: Tensor) -> Tensor:
    """x W^T + b."""
    product = x @ w[f"{name}.weight"].T
    return product + w[f"{name}.bias"] if f"{name}.bias" in w else product


def norm(w: Weights, name: str, x: Tensor, eps: float) -> Tensor:
    """Layer norm over the last axis."""
    mean = x.mean(-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(-1, keepdim=True)
    return (x - mean) / (variance + eps).sqrt() * w[f"{name}.weight"] + w[f"{name}.bias"]


def gelu(x: Tensor) -> Tensor:
    """x Phi(x)."""
    return x * (1 + torch.erf(x / sqrt(2))) / 2


def mlp(w: Weights, name: str, x: Tensor) -> Tensor:
    """Two linear maps with a GELU between them."""
    return linear(w, f"{name}.fc2", gelu(linear(w, f"{name}.fc1", x)))


def attention(w: Weights, name: str, x: Tensor) -> Tensor:
    """Attention among the rows of one matrix, head by head."""
    channels = x.shape[1]
    width = channels // HEADS
    qkv = linear(w, f"{name}.qkv", x)
    heads = []
    for head in range(HEADS):
        q, k, v = (
            qkv[:, part * channels + head * width : part * channels + (head + 1) * width]
            for part in range(3)
        )
        scores = torch.exp(q @ k.T / sqrt(width))
        heads.append(scores / scores.sum(1, keepdim=True) @ v)
    return linear(w, f"{name}.proj", torch.cat(heads, dim=1))


def block(w: Weights, name: str, x: Tensor) -> Tensor:
    """A pre-norm block on one group of tokens."""
    x = x + attention(w, f"{name}.attn", norm(w, f"{name}.norm1", x, 1e-6))
    return x + mlp(w, f"{name}.mlp", norm(w, f"{name}.norm2", x, 1e-6))


def over_joints(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply to the joints of each frame of (frames, joints, channels)."""
    return torch.stack([function(frame) for frame in x])


def over_frames(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    """Apply to the frames of each joint of (frames, joints, channels)."""
    return torch.stack([function(x[:, joint]) for joint in range(x.shape[1])], dim=1)


def flipped(x: Tensor) -> Tensor:
    """Mirror (..., 17, coordinates): x changes its sign, left and right change places."""
    result = x.clone()
    for a, b in (*zip(LEFT, RIGHT, strict=True), *zip(RIGHT, LEFT, strict=True)):
        result[..., a, :] = x[..., b, :]
    result[..., 0] = -result[..., 0]
    return result


def mixste_shapes(
    frames: int, channels: int, depth: int, coordinates: int = 2, prefix: str = ""
) -> dict[str, tuple]:
    """Return the shapes of MixSTE's state dict."""
    shapes = {
        **linear_shapes("Spatial_patch_to_embedding", channels, coordinates),
        "Spatial_pos_embed": (1, 17, channels),
        "Temporal_pos_embed": (1, frames, channels),
        **norm_shapes("Spatial_norm", channels),
        **norm_shapes("Temporal_norm", channels),
        **norm_shapes("head.0", channels),
        **linear_shapes("head.1", 3, channels),
    }
    for kind in ("STEblocks", "TTEblocks"):
        for level in range(depth):
            shapes |= block_shapes(f"{kind}.{level}", channels, 2)
    return {prefix + name: shape for name, shape in shapes.items()}


def mixste(w: Weights, x: Tensor, depth: int, condition: Tensor | None = None) -> Tensor:
    """Lift one window (frames, 17, coordinates)."""
    x = linear(w, "Spatial_patch_to_embedding", x) + w["Spatial_pos_embed"]
    if condition is not None:
        x = x + condition
    for level in range(depth):
        x = over_joints(lambda tokens, i=level: block(w, f"STEblocks.{i}", tokens), x)
        x = norm(w, "Spatial_norm", x, 1e-6)
        if level == 0:
            x = x + w["Temporal_pos_embed"][0][:, None]
        x = over_frames(lambda tokens, i=level: block(w, f"TTEblocks.{i}", tokens), x)
        x = norm(w, "Temporal_norm", x, 1e-6)
    return linear(w, "head.1", norm(w, "head.0", x, 1e-5))


def d3dp_shapes(frames: int, channels: int, depth: int) -> dict[str, tuple]:
    """Return the shapes of D3DP's state dict without its schedule."""
    return {
        **mixste_shapes(frames, channels, depth, 5, "pose_estimator."),
        **linear_shapes("pose_estimator.time_mlp.1", 2 * channels, channels),
        **linear_shapes("pose_estimator.time_mlp.3", channels, 2 * channels),
    }


def d3dp_schedule() -> dict[str, Tensor]:
    """Return the buffers that D3DP stores, all of them, in float64."""
    levels = [cos((i / 1000 + 0.008) / 1.008 * pi / 2) ** 2 for i in range(1001)]
    betas = [max(0.0, min(1 - levels[i + 1] / levels[i], 0.999)) for i in range(1000)]
    beta = torch.tensor(betas, dtype=torch.float64)
    products, product = [], 1.0
    for value in betas:
        product *= 1 - value
        products.append(product)
    bar = torch.tensor(products, dtype=torch.float64)
    before = torch.cat([torch.ones(1, dtype=torch.float64), bar[:-1]])
    variance = beta * (1 - before) / (1 - bar)
    return {
        "betas": beta,
        "alphas_cumprod": bar,
        "alphas_cumprod_prev": before,
        "sqrt_alphas_cumprod": bar.sqrt(),
        "sqrt_one_minus_alphas_cumprod": (1 - bar).sqrt(),
        "log_one_minus_alphas_cumprod": (1 - bar).log(),
        "sqrt_recip_alphas_cumprod": (1 / bar).sqrt(),
        "sqrt_recipm1_alphas_cumprod": (1 / bar - 1).sqrt(),
        "posterior_variance": variance,
        "posterior_log_variance_clipped": variance.clamp(min=1e-20).log(),
        "posterior_mean_coef1": beta * before.sqrt() / (1 - bar),
        "posterior_mean_coef2": (1 - before) * (1 - beta).sqrt() / (1 - bar),
    }


def d3dp_denoised(w: Weights, keypoints: Tensor, noisy: Tensor, time: int, depth: int) -> Tensor:
    """Return the clean pose for one hypothesis of one window."""
    w = {name.removeprefix("pose_estimator."): value for name, value in w.items()}
    channels = w["head.0.weight"].shape[0]
    half = channels // 2
    angles = [time * exp(-i * log(10000) / (half - 1)) for i in range(half)]
    vector = torch.tensor(angles, dtype=torch.float64)
    vector = torch.cat([vector.sin(), vector.cos()])
    vector = linear(w, "time_mlp.3", gelu(linear(w, "time_mlp.1", vector)))
    return mixste(w, torch.cat([keypoints, noisy], dim=-1), depth, vector)


def d3dp_samples(
    w: Weights, keypoints: Tensor, noise: list[Tensor], depth: int, mirrored: bool
) -> Tensor:
    """Return (steps, hypotheses, frames, 17, 3) for one window; `noise` is by step, hypothesis."""
    bar = d3dp_schedule()["alphas_cumprod"].tolist()
    steps = len(noise)
    times = [int(-1 + 1000 * i / steps) for i in range(steps + 1)][::-1]
    hypotheses = []
    for h in range(len(noise[0])):
        y, guesses = noise[0][h], []
        for step in range(steps):
            t, after = times[step], times[step + 1]
            z = y.clamp(-1.1, 1.1)
            x0 = d3dp_denoised(w, keypoints, z, t, depth)
            if mirrored:
                image = d3dp_denoised(w, flipped(keypoints), flipped(z), t, depth)
                x0 = (x0 + flipped(image)) / 2
            x0 = x0.clamp(-1.1, 1.1)
            guesses.append(x0)
            if after < 0:
                break
            e = (y / sqrt(bar[t]) - x0) / sqrt(1 / bar[t] - 1)
            sigma = sqrt((1 - bar[t] / bar[after]) * (1 - bar[after]) / (1 - bar[t]))
            y = sqrt(bar[after]) * x0 + sqrt(1 - bar[after] - sigma**2) * e
            y = y + sigma * noise[step + 1][h]
        hypotheses.append(torch.stack(guesses))
    return torch.stack(hypotheses, dim=1)


def motionbert_shapes(channels: int, ratio: int, depth: int) -> dict[str, tuple]:
    """Return the shapes of DSTformer's state dict."""
    shapes = {
        **linear_shapes("joints_embed", channels, 3),
        "pos_embed": (1, 17, channels),
        "temp_embed": (1, 243, 1, channels),
        **norm_shapes("norm", channels),
        **linear_shapes("pre_logits.fc", 512, channels),
        **linear_shapes("head", 3, 512),
    }
    for level in range(depth):
        for stream in ("blocks_st", "blocks_ts"):
            for axis in "st":
                name = f"{stream}.{level}"
                shapes |= norm_shapes(f"{name}.norm1_{axis}", channels)
                shapes |= norm_shapes(f"{name}.norm2_{axis}", channels)
                shapes |= attention_shapes(f"{name}.attn_{axis}", channels)
                shapes |= mlp_shapes(f"{name}.mlp_{axis}", channels, ratio)
        shapes |= linear_shapes(f"ts_attn.{level}", 2, 2 * channels)
    return shapes


def fusion(w: Weights, name: str, first: Tensor, second: Tensor) -> Tensor:
    """Weigh two streams by a softmax over two."""
    scores = torch.exp(linear(w, name, torch.cat([first, second], dim=-1)))
    shares = scores / scores.sum(-1, keepdim=True)
    return shares[..., :1] * first + shares[..., 1:] * second


def motionbert(w: Weights, x: Tensor, depth: int) -> Tensor:
    """Lift one window (frames, 17, 3)."""
    x = linear(w, "joints_embed", x) + w["pos_embed"] + w["temp_embed"][0, : len(x)]

    def half(name: str, axis: str, x: Tensor) -> Tensor:
        def both(tokens: Tensor) -> Tensor:
            normed = norm(w, f"{name}.norm1_{axis}", tokens, 1e-6)
            tokens = tokens + attention(w, f"{name}.attn_{axis}", normed)
            normed = norm(w, f"{name}.norm2_{axis}", tokens, 1e-6)
            return tokens + mlp(w, f"{name}.mlp_{axis}", normed)

        return over_joints(both, x) if axis == "s" else over_frames(both, x)

    for level in range(depth):
        st = half(f"blocks_st.{level}", "t", half(f"blocks_st.{level}", "s", x))
        ts = half(f"blocks_ts.{level}", "s", half(f"blocks_ts.{level}", "t", x))
        x = fusion(w, f"ts_attn.{level}", st, ts)
    hidden = torch.tanh(linear(w, "pre_logits.fc", norm(w, "norm", x, 1e-6)))
    return linear(w, "head", hidden)


def motionagformer_shapes(frames: int, channels: int, depth: int) -> dict[str, tuple]:
    """Return the shapes of MotionAGFormer's state dict."""
    shapes: dict[str, tuple] = {
        **linear_shapes("joints_embed", channels, 3),
        "pos_embed": (1, 17, channels),
        **norm_shapes("norm", channels),
        **linear_shapes("rep_logit.fc", 512, channels),
        **linear_shapes("head", 3, 512),
    }
    for layer in range(depth):
        for kind in ("att", "graph"):
            for axis, nodes in (("spatial", 17), ("temporal", frames)):
                name = f"layers.{layer}.{kind}_{axis}"
                shapes |= norm_shapes(f"{name}.norm1", channels)
                shapes |= norm_shapes(f"{name}.norm2", channels)
                shapes |= {
                    f"{name}.layer_scale_1": (channels,),
                    f"{name}.layer_scale_2": (channels,),
                }
                shapes |= mlp_shapes(f"{name}.mlp", channels, 4)
                if kind == "att":
                    shapes |= attention_shapes(f"{name}.mixer", channels, bias=False)
                    continue
                shapes |= linear_shapes(f"{name}.mixer.U", channels, channels)
                shapes |= linear_shapes(f"{name}.mixer.V", channels, channels)
                for part in ("weight", "bias", "running_mean", "running_var"):
                    shapes[f"{name}.mixer.batch_norm.{part}"] = (nodes,)
                shapes[f"{name}.mixer.batch_norm.num_batches_tracked"] = ()
        shapes |= linear_shapes(f"layers.{layer}.fusion", 2, 2 * channels)
    return shapes


def graph(w: Weights, name: str, y: Tensor, adjacency: Tensor) -> Tensor:
    """Graph convolution of one group of nodes (nodes, channels)."""
    degrees = torch.diag(adjacency.sum(1) ** -0.5)
    heard = degrees @ adjacency @ degrees @ linear(w, f"{name}.V", y)
    mixed = heard + linear(w, f"{name}.U", y)
    mean, variance = (w[f"{name}.batch_norm.running_{part}"] for part in ("mean", "var"))
    mixed = (mixed - mean[:, None]) / (variance[:, None] + 1e-5).sqrt()
    mixed = mixed * w[f"{name}.batch_norm.weight"][:, None]
    return torch.relu(y + mixed + w[f"{name}.batch_norm.bias"][:, None])


def spatial_adjacency() -> Tensor:
    """Return who hears whom among the joints."""
    return torch.tensor(
        [[float(j in HEARS[i]) for j in range(17)] for i in range(17)], dtype=torch.float64
    )


def temporal_adjacency(y: Tensor, k: int) -> Tensor:
    """Return which frames hear which: those whose dot product reaches the k-th largest."""
    rows = []
    for own in y:
        products = [float(own @ other) for other in y]
        least = sorted(products, reverse=True)[k - 1]
        rows.append([float(product >= least) for product in products])
    return torch.tensor(rows, dtype=torch.float64)


def motionagformer(w: Weights, x: Tensor, depth: int, k: int = 2) -> Tensor:
    """Lift one window (frames, 17, 3)."""
    x = linear(w, "joints_embed", x) + w["pos_embed"]

    def part(name: str, x: Tensor) -> Tensor:
        def tokens_of(tokens: Tensor) -> Tensor:
            y = norm(w, f"{name}.norm1", tokens, 1e-5)
            if "att_" in name:
                mixed = attention(w, f"{name}.mixer", y)
            elif "spatial" in name:
                mixed = graph(w, f"{name}.mixer", y, spatial_adjacency())
            else:
                mixed = graph(w, f"{name}.mixer", y, temporal_adjacency(y, k))
            tokens = tokens + w[f"{name}.layer_scale_1"] * mixed
            hidden = mlp(w, f"{name}.mlp", norm(w, f"{name}.norm2", tokens, 1e-5))
            return tokens + w[f"{name}.layer_scale_2"] * hidden

        return (over_joints if "spatial" in name else over_frames)(tokens_of, x)

    for i in range(depth):
        attended = part(f"layers.{i}.att_temporal", part(f"layers.{i}.att_spatial", x))
        convolved = part(f"layers.{i}.graph_temporal", part(f"layers.{i}.graph_spatial", x))
        x = fusion(w, f"layers.{i}.fusion", attended, convolved)
    hidden = torch.tanh(linear(w, "rep_logit.fc", norm(w, "norm", x, 1e-5)))
    return linear(w, "head", hidden)


def poseformerv2_shapes(kept_frames: int, coefficients: int, depth: int) -> dict[str, tuple]:
    """Return the shapes of PoseFormerV2's state dict."""
    f, n, c = kept_frames, coefficients, 32
    shapes: dict[str, tuple] = {
        **linear_shapes("Joint_embedding", c, 2),
        **linear_shapes("Freq_embedding", 17 * c, 34),
        "Spatial_pos_embed": (1, 17, c),
        "Temporal_pos_embed": (1, f, 17 * c),
        "Temporal_pos_embed_": (1, n, 17 * c),
        **norm_shapes("Spatial_norm", c),
        **norm_shapes("Temporal_norm", 17 * c),
        "weighted_mean.weight": (1, n, 1),
        "weighted_mean.bias": (1,),
        "weighted_mean_.weight": (1, f, 1),
        "weighted_mean_.bias": (1,),
        **norm_shapes("head.0", 34 * c),
        **linear_shapes("head.1", 51, 34 * c),
    }
    for i in range(depth):
        shapes |= block_shapes(f"Spatial_blocks.{i}", c, 2)
        shapes |= {
            **norm_shapes(f"blocks.{i}.norm1", 17 * c),
            **norm_shapes(f"blocks.{i}.norm2", 17 * c),
            **norm_shapes(f"blocks.{i}.norm3", 17 * c),
            **attention_shapes(f"blocks.{i}.attn", 17 * c),
            **mlp_shapes(f"blocks.{i}.mlp1", 17 * c, 2),
            **mlp_shapes(f"blocks.{i}.mlp2", 17 * c, 2),
        }
    return shapes


def dct(x: Tensor) -> Tensor:
    """Return the unnormalised transform of type II along the first axis."""
    m = len(x)
    return torch.stack(
        [sum(2 * x[j] * cos(pi * k * (2 * j + 1) / (2 * m)) for j in range(m)) for k in range(m)]
    )


def idct(x: Tensor) -> Tensor:
    """Return its inverse."""
    m = len(x)
    return torch.stack(
        [
            (x[0] + 2 * sum(x[k] * cos(pi * k * (2 * j + 1) / (2 * m)) for k in range(1, m)))
            / (2 * m)
            for j in range(m)
        ]
    )


def poseformerv2(w: Weights, x: Tensor, depth: int) -> Tensor:
    """Lift the middle frame of one window (frames, 17, 2); (17, 3)."""
    n = w["Temporal_pos_embed_"].shape[1]
    f = w["Temporal_pos_embed"].shape[1]
    frames = len(x)
    first = (frames - 1) // 2 - (f - 1) // 2
    in_time = linear(w, "Joint_embedding", x[first : first + f]) + w["Spatial_pos_embed"]
    for i in range(depth):
        in_time = over_joints(lambda t, i=i: block(w, f"Spatial_blocks.{i}", t), in_time)
    in_time = norm(w, "Spatial_norm", in_time, 1e-6).reshape(f, -1) + w["Temporal_pos_embed"][0]
    coefficients = dct(x)[:n].reshape(n, 34)
    in_frequency = linear(w, "Freq_embedding", coefficients) + w["Temporal_pos_embed_"][0]
    tokens = torch.cat([in_frequency, in_time])
    half = (n + f) // 2
    for i in range(depth):
        name = f"blocks.{i}"
        tokens = tokens + attention(w, f"{name}.attn", norm(w, f"{name}.norm1", tokens, 1e-6))
        a, b = tokens[:half], tokens[half:]
        a = a + mlp(w, f"{name}.mlp1", norm(w, f"{name}.norm2", a, 1e-6))
        b = b + idct(mlp(w, f"{name}.mlp2", dct(norm(w, f"{name}.norm3", b, 1e-6))))
        tokens = torch.cat([a, b])
    tokens = norm(w, "Temporal_norm", tokens, 1e-6)
    means = []
    for name, part in (("weighted_mean", tokens[:n]), ("weighted_mean_", tokens[n:])):
        weighted = sum(w[f"{name}.weight"][0, i, 0] * part[i] for i in range(len(part)))
        means.append(weighted + w[f"{name}.bias"][0])
    return linear(w, "head.1", norm(w, "head.0", torch.cat(means), 1e-5)).reshape(17, 3)
