"""Inference of the latest lifters against two other writings of them, on the same weights.

The literal one is that of the equations: one window after the other, attention among one group of
tokens and of one head at a time, mean and variance of a norm by themselves. The public formulation
works on whole batches; it makes every matrix of attention, scales the temporal graph of
MotionAGFormer by products with diagonal matrices, and passes the mirror image and each hypothesis
of D3DP one after the other. The streams of DSTformer and MotionAGFormer follow one another in all.
"""

import argparse
import copy
from collections.abc import Callable
from types import MethodType

import torch
from torch import Tensor, nn

from baselines.attention import Attention
from baselines.d3dp import Denoiser, Diffusion
from baselines.mixste import MixSTE
from baselines.motionagformer import MotionAGFormer, TemporalGraphConvolution
from baselines.motionbert import DSTformer
from baselines.poseformerv2 import PoseFormerV2
from benchmarks.command import parser_of, run
from benchmarks.record import Line, at_least, at_most
from benchmarks.timing import Turns
from harness.foundation.memory import keep_freed_memory

BATCH = 8


def public_attention(self: Attention, tokens: Tensor) -> Tensor:
    """Return the attention by matrices of scores."""
    count, channels = tokens.shape[-2:]
    mapped = self.qkv(tokens.reshape(-1, count, channels))
    mapped = mapped.reshape(-1, count, 3, self.heads, channels // self.heads)
    query, key, value = mapped.permute(2, 0, 3, 1, 4).unbind(0)
    scores = (query @ key.transpose(-2, -1)) * (channels // self.heads) ** -0.5
    heard = scores.softmax(dim=-1) @ value
    return self.out(heard.transpose(1, 2).reshape(tokens.shape))


def literal_attention(self: Attention, tokens: Tensor) -> Tensor:
    """Return the attention group by group and head by head."""
    count, channels = tokens.shape[-2:]
    width = channels // self.heads
    heard = []
    for group in tokens.reshape(-1, count, channels):
        queries, keys, values = self.qkv(group).split(channels, dim=-1)
        heads = []
        for head in range(self.heads):
            own = slice(head * width, (head + 1) * width)
            weights = (queries[:, own] @ keys[:, own].T / width**0.5).exp()
            heads.append(weights / weights.sum(dim=1, keepdim=True) @ values[:, own])
        heard.append(torch.cat(heads, dim=1))
    return self.out(torch.stack(heard).reshape(tokens.shape))


def literal_norm(self: nn.LayerNorm, features: Tensor) -> Tensor:
    """Return the features less their mean, divided by their standard deviation, scaled."""
    mean = features.mean(dim=-1, keepdim=True)
    variance = ((features - mean) ** 2).mean(dim=-1, keepdim=True)
    return (features - mean) / (variance + self.eps).sqrt() * self.weight + self.bias


def public_graph(self: TemporalGraphConvolution, features: Tensor, values: Tensor) -> Tensor:
    """Return A `values`, A made by two products with diagonal matrices."""
    similarity = features @ features.transpose(1, 2)
    least = similarity.topk(self.neighbours, dim=-1, largest=True).values[..., -1:]
    adjacency = (similarity >= least).float()
    degrees = torch.diag_embed(adjacency.sum(dim=-1) ** -0.5)
    return degrees @ adjacency @ degrees @ values


def public_formulation(network: nn.Module) -> nn.Module:
    """Return a copy with the same weights that computes as public code does."""
    network = copy.deepcopy(network)
    for module in network.modules():
        if isinstance(module, Attention):
            module.forward = MethodType(public_attention, module)  # type: ignore[method-assign]
        if isinstance(module, TemporalGraphConvolution):
            module.propagated = MethodType(public_graph, module)  # type: ignore[method-assign]
    return network


def literal_formulation(network: nn.Module) -> nn.Module:
    """Return a copy with the same weights that computes as the equations are written."""
    network = public_formulation(network)
    for module in network.modules():
        if isinstance(module, Attention):
            module.forward = MethodType(literal_attention, module)  # type: ignore[method-assign]
        if isinstance(module, nn.LayerNorm):
            module.forward = MethodType(literal_norm, module)  # type: ignore[method-assign]
    return network


def networks(smoke: bool) -> dict[str, tuple[nn.Module, int, int]]:
    """Return networks by name, with the frames and numbers a joint that they take."""
    if smoke:
        return {
            "MixSTE": (MixSTE(9, channels=16, depth=1), 9, 2),
            "MotionAGFormer": (MotionAGFormer(9, channels=16, depth=1), 9, 3),
        }
    return {
        "MixSTE, 243 frames, 1 of 8 blocks": (MixSTE(243, depth=1), 243, 2),
        "MotionAGFormer-XS, 27 frames": (MotionAGFormer(27, channels=64, depth=12), 27, 3),
        "MotionAGFormer-B, 243 frames, 2 of 16 layers": (MotionAGFormer(243, depth=2), 243, 3),
        "MotionBERT-Lite, 243 frames, 1 of 5 layers": (
            DSTformer(channels=256, ratio=4, depth=1),
            243,
            3,
        ),
        "PoseFormerV2, 243 frames": (
            PoseFormerV2(243, kept_frames=27, kept_coefficients=27),
            243,
            2,
        ),
    }


def linear_layers(network: nn.Module, poses: Tensor) -> Callable[[], None]:
    """Return a function that does what `network` asks of its linear layers, nothing else."""
    asked: list[tuple[nn.Linear, tuple[int, ...]]] = []

    def note(module: nn.Module, inputs: tuple[Tensor]) -> None:
        assert isinstance(module, nn.Linear)
        asked.append((module, tuple(inputs[0].shape)))

    # A subclass may take other inputs; without it the part is a little smaller than it could be.
    layers = [module for module in network.modules() if type(module) is nn.Linear]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    network(poses)
    for hook in hooks:
        hook.remove()
    tokens = {shape: torch.randn(shape) for _, shape in asked}

    def call() -> None:
        for layer, shape in asked:
            layer(tokens[shape])

    return call


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return how much faster a batch is lifted, and what a step of D3DP costs."""
    rounds = 1 if arguments.smoke else 2
    lines = []
    keep_freed_memory()  # as predicting does; for the others, too
    with torch.inference_mode():
        for name, (network, frames, numbers) in networks(arguments.smoke).items():
            network.eval()
            poses = 0.3 * torch.randn(BATCH, frames, 17, numbers)
            public, literal = public_formulation(network), literal_formulation(network)
            window = poses[:1]
            for other in (public, literal):
                torch.testing.assert_close(network(window), other(window), atol=1e-4, rtol=1e-3)
            works = {
                "ours": _call(network, poses),
                "public": _call(public, poses),
                # The equations are of one window; a batch is one after the other.
                "literal": _call(literal, window),
                "linear": linear_layers(network, poses),
            }
            turns = Turns(works, rounds)
            what = f"{name}, inference of {BATCH} windows"
            lines += [
                Line(what, 1000 * turns["ours"], "ms"),
                at_least(
                    f"{what}, speed against the equations as they are written",
                    BATCH * turns.ratio("literal", "ours"),
                    "x",
                    1.5,
                ),
                Line(
                    f"{what}, speed against the public formulation",
                    turns.ratio("public", "ours"),
                    "x",
                ),
                Line(
                    f"{what}, linear layers alone, part of that formulation's time",
                    100 * turns.ratio("linear", "public"),
                    "%",
                ),
            ]
        lines += _sampling(arguments.smoke, rounds)
    return lines


def _call(network: Callable[[Tensor], object], poses: Tensor) -> Callable[[], None]:
    def call() -> None:
        network(poses)

    return call


def _sampling(smoke: bool, rounds: int) -> list[Line]:
    """Return the time of D3DP's sampler, in passes of its network over the same poses."""
    steps, hypotheses, channels = 5, 5, 16 if smoke else 256
    denoiser = Denoiser(27, channels=channels, depth=2).eval()
    keypoints = torch.randn(2, 27, 17, 2)
    noise = list(torch.randn(steps, 2, hypotheses, 27, 17, 3))
    both = torch.cat([keypoints, keypoints])
    noisy = torch.cat([noise[0], noise[0]])
    times = torch.full((4,), 500.0)

    def mirror(points: Tensor) -> Tensor:
        return points * torch.tensor([-1.0, *[1.0] * (points.shape[-1] - 1)])

    public, literal = public_formulation(denoiser), literal_formulation(denoiser)

    def one_by_one(network: nn.Module, windows: int) -> Callable[[], None]:
        def passes() -> None:
            for _ in range(steps):
                for lifted in both.split(windows):
                    for hypothesis in range(hypotheses):
                        own = noisy[: len(lifted), hypothesis : hypothesis + 1]
                        network(lifted, own, times[: len(lifted)])

        return passes

    turns = Turns(
        {
            "sampler": lambda: Diffusion().sample(denoiser, keypoints, noise, mirror),
            "pass": lambda: denoiser(both, noisy, times),
            "public": one_by_one(public, 2),
            "literal": one_by_one(literal, 1),
        },
        rounds,
    )
    what = f"D3DP, {steps} steps of {hypotheses} hypotheses and their mirror images"
    return [
        at_most(f"{what}, in passes", turns.ratio("sampler", "pass") / steps, "x", 1.1),
        at_least(
            f"{what}, speed against the equations as they are written",
            turns.ratio("literal", "sampler"),
            "x",
            1.5,
        ),
        Line(
            f"{what}, speed against one hypothesis after the other, in the public formulation",
            turns.ratio("public", "sampler"),
            "x",
        ),
    ]


if __name__ == "__main__":
    run("lifters", measure, parser_of(__doc__))
