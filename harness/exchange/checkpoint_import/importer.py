"""What an importer of public checkpoints is, and how names and shapes are matched."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from torch import Tensor, nn

from harness.foundation.errors import HarnessError


@dataclass(frozen=True)
class Conditions:
    """What released weights were trained on, which the file itself does not say.

    Attributes:
        dataset: the data set.
        data_skeleton: its joints.
        data_layout: joints of the 2D source.
        input_2d: the 2D source.
        root: what became of the root joint in training.
    """

    dataset: str
    data_skeleton: str
    data_layout: str
    input_2d: str
    root: str


class PublicImporter(ABC):
    """Reads the checkpoints that one public repository releases.

    Attributes:
        method: our name of the method.
        release: the repository.
        entry: the entry of the file that holds the weights, or None where the file itself does.
        required: network parameters that must be told where the weights' shapes do not tell them,
            each with what it is.
        exact: names of numbers that are read in the precision of the file, not as float32.
    """

    method: str
    release: str
    entry: str | None
    required: Mapping[str, str] = MappingProxyType({})
    exact: tuple[str, ...] = ()

    def public_name(self, name: str) -> str:
        """Return the usual spelling of a public name that differs between releases."""
        return name

    @abstractmethod
    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return the network's parameters that the weights' shapes tell.

        Raises:
            HarnessError: they are not weights of this model.
        """

    def unused(self) -> Sequence[str]:
        """Return names that may be in the file and are no weights; `network` has checked them."""
        return ()

    @abstractmethod
    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return beginnings of our names, each with what a public name has in its place.

        Args:
            network: the network's parameters, defaults included.
        """

    @abstractmethod
    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return what the weights were trained on, as the release's file name and shapes tell."""

    def reshaped(self, name: str, tensor: Tensor, ours: Tensor) -> Tensor:
        """Return a public tensor in the layout of ours, or as it is where it does not fit.

        Pointwise convolutions are linear maps here, so dimensions of size one are dropped.

        Args:
            name: our name of it.
            tensor: the public one.
            ours: one of the shape wanted.
        """
        if tensor.squeeze().shape == ours.squeeze().shape:
            return tensor.reshape(ours.shape)
        return tensor


def spelled(importer: PublicImporter, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the weights under their usual public names.

    Raises:
        HarnessError: two of them are the same weight.
    """
    usual: dict[str, Tensor] = {}
    for name, tensor in weights.items():
        if importer.public_name(name) in usual:
            raise HarnessError(f"weight '{name}' comes twice under different spellings")
        usual[importer.public_name(name)] = tensor
    return usual


def matched(
    importer: PublicImporter,
    network: Mapping[str, Any],
    lifter: nn.Module,
    weights: Mapping[str, Tensor],
) -> dict[str, Tensor]:
    """Return the lifter's state from public weights, each of which is used exactly once.

    Counters of batches, which no prediction depends on, may be missing: old releases of PyTorch
    did not store them.

    Args:
        importer: knows the public names.
        network: the network's parameters.
        lifter: built with them.
        weights: by usual public name.

    Raises:
        HarnessError: a weight is missing, left over or of another shape.
    """
    prefixes = importer.prefixes(network)
    unused = {name: value for name, value in weights.items() if name not in importer.unused()}
    state: dict[str, Tensor] = {}
    for name, ours in lifter.state_dict().items():
        public = _public_name(name, prefixes)
        if public not in unused:
            if name.endswith("num_batches_tracked"):
                state[name] = ours
                continue
            raise HarnessError(
                f"lacks weight '{public}'; it is not a whole checkpoint of {importer.method}"
            )
        tensor = unused.pop(public)
        fitting = importer.reshaped(name, tensor, ours)
        if fitting.shape != ours.shape:
            raise HarnessError(
                f"weight '{public}' has shape {tuple(tensor.shape)}, which is not that of "
                f"'{name}' in {importer.method}, {tuple(ours.shape)}"
            )
        state[name] = fitting
    if unused:
        names = sorted(unused)
        raise HarnessError(
            f"weight '{names[0]}' ({len(names)} in all) has no place in {importer.method}; "
            "it is a checkpoint of another model"
        )
    return state


def weight_of(weights: Mapping[str, Tensor], name: str, dimensions: int, method: str) -> Tensor:
    """Return the weight called `name`, by whose shape a network is recognised.

    Raises:
        HarnessError: there is none, or it has another number of dimensions.
    """
    if name not in weights:
        raise HarnessError(f"lacks weight '{name}'; it is not a checkpoint of {method}")
    if weights[name].ndim != dimensions:
        raise HarnessError(
            f"weight '{name}' has shape {tuple(weights[name].shape)}, expected {dimensions} "
            f"dimensions; it is not a checkpoint of {method}"
        )
    return weights[name]


def count_of(weights: Mapping[str, Tensor], pattern: str) -> int:
    """Return how many of the names pattern.format(0), pattern.format(1), ... follow each other."""
    count = 0
    while pattern.format(count) in weights:
        count += 1
    return count


def _public_name(name: str, prefixes: Sequence[tuple[str, str]]) -> str:
    for ours, theirs in prefixes:
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    raise LookupError(f"no public name is known for '{name}'")
