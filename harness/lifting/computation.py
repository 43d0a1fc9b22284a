"""What a prediction computes and holds: multiply-accumulates and memory, by one stated rule.

Counted are linear layers, convolutions and products of two tensors, attention's among them, however
they are written (`@`, einsum, bmm). Not counted are norms, activations, softmax, additions, choices
such as top-k, scaling by a vector, and transforms by a matrix that never changes (a discrete cosine
transform). Both are worked out on shapes alone, in the time it takes to go through the layers.
"""

import copy
import weakref
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

from baselines.fixed_matrix import CosineTransform, InverseCosineTransform
from harness.lifting.contract import Lifter
from harness.lifting.made_input import made_input


@dataclass(frozen=True)
class Computation:
    """What predicting takes.

    Attributes:
        multiply_accumulates: of one window, in one pass, without its mirror image; with all steps
            and hypotheses of a lifter that samples.
        peak_bytes: the most bytes of tensors held at one time, weights and input among them, what
            a single operation needs inside not; at the number type of the weights.
        windows: how many are predicted at once in `peak_bytes`.
    """

    multiply_accumulates: int
    peak_bytes: int
    windows: int


def computation(lifter: Lifter, windows: int = 1) -> Computation:
    """Return what predicting with a lifter takes.

    Args:
        lifter: put into evaluation mode and left in it.
        windows: how many at once, for the memory.
    """
    shapes, device = copy.deepcopy(lifter).eval().to("meta"), "meta"
    try:
        products = _multiply_accumulates(shapes, device)
    except Exception:  # whatever it is that a lifter of somebody's own needs values for
        shapes, device = lifter.eval(), "cpu"
        products = _multiply_accumulates(shapes, device)
    held = sum(tensor.nbytes for tensor in (*shapes.parameters(), *shapes.buffers()))
    inputs = made_input(shapes, windows, device=device)
    held += sum(part.nbytes for part in vars(inputs).values() if part is not None)
    with torch.inference_mode(), _LiveTensors() as live:
        shapes(inputs)
    return Computation(products, held + live.peak, windows)


def macs_per_frame(lifter: Lifter) -> float:
    """Return the multiply-accumulates of a window by the frames that it predicts."""
    predicted = lifter.frames if lifter.predicts == "all" else 1
    return computation(lifter).multiply_accumulates / predicted


def _multiply_accumulates(lifter: Lifter, device: str) -> int:
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        lifter(made_input(lifter, 1, device=device))
    counts = counter.get_flop_counts()
    transforms = {
        name
        for name, module in lifter.named_modules()
        if isinstance(module, CosineTransform | InverseCosineTransform)
    }
    # Modules are counted under the name of the outermost one's class and the way to them.
    left_out = sum(
        sum(by_operation.values())
        for path, by_operation in counts.items()
        if path.partition(".")[2] in transforms
    )
    return (sum(counts["Global"].values()) - left_out) // 2


class _LiveTensors(TorchDispatchMode):
    """Follows how many bytes the results of operations hold while they are in use."""

    def __init__(self) -> None:
        super().__init__()
        self.peak = self._now = 0
        self._users: Counter[int] = Counter()

    def __torch_dispatch__(
        self,
        function: Any,
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        given = {id(leaf) for leaf in tree_leaves((args, kwargs))}
        result = function(*args, **(kwargs or {}))
        for made in tree_leaves(result):
            if isinstance(made, Tensor) and id(made) not in given:
                self._follow(made, args)
        return result

    def _follow(self, made: Tensor, args: Sequence[Any]) -> None:
        storage = made.untyped_storage()
        key, size = storage._cdata, storage.nbytes()
        known = key in self._users
        if not known and any(
            isinstance(one, Tensor) and one.untyped_storage()._cdata == key
            for one in tree_leaves(args)
        ):
            return  # a view of a weight or of the input
        self._users[key] += 1
        if not known:
            self._now += size
            self.peak = max(self.peak, self._now)
        weakref.finalize(made, self._left, key, size)

    def _left(self, key: int, size: int) -> None:
        self._users[key] -= 1
        if self._users[key] == 0:
            del self._users[key]
            self._now -= size
