"""DSTformer's two streams: their linear maps in one batched product against one after the other.

The streams have weights of their own, so a batch of both is a product of stacks of matrices. What
it costs to stack the tokens is left out.
"""

import argparse
from collections.abc import Callable

import torch
from torch.nn import functional

from benchmarks.command import parser_of, run
from benchmarks.record import Line
from benchmarks.timing import Turns

JOINTS = 17
SIZES = ((8, 243, 256), (1, 243, 512), (1, 27, 256))
"""Windows, frames and channels: Lite, the published size, and a short window alone."""


def works(tokens: int, channels: int) -> dict[str, Callable[[], object]]:
    """Return the map to query, key and value of both streams, done in either way."""
    streams = torch.randn(2, tokens, channels)
    weights, biases = torch.randn(2, 3 * channels, channels), torch.randn(2, 1, 3 * channels)
    stacked = weights.transpose(1, 2).contiguous()
    return {
        "apart": lambda: [
            functional.linear(stream, weight, bias[0])
            for stream, weight, bias in zip(streams, weights, biases, strict=True)
        ],
        "together": lambda: torch.baddbmm(biases, streams, stacked),
    }


def measure(arguments: argparse.Namespace) -> list[Line]:
    """Return the speed of both streams in one product, by size."""
    sizes = ((1, 2, 8),) if arguments.smoke else SIZES
    rounds = 1 if arguments.smoke else 7
    lines = []
    with torch.inference_mode():
        for windows, frames, channels in sizes:
            turns = Turns(works(windows * frames * JOINTS, channels), rounds)
            name = (
                f"linear map of DSTformer's two streams, batch of {windows}, {frames} frames, "
                f"{channels} channels, in one product, speed against one after the other"
            )
            lines.append(Line(name, turns.ratio("apart", "together"), "x"))
    return lines


if __name__ == "__main__":
    run("streams", measure, parser_of(__doc__))
