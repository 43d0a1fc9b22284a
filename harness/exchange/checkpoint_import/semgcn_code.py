"""Releases of SemGCN's code: SemGCN and Martinez et al. (garyzhao/SemGCN: models/)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from harness.exchange.checkpoint_import.importer import (
    Conditions,
    PublicImporter,
    count_of,
    weight_of,
)
from harness.foundation.errors import HarnessError

_EDGES = {46: 16, 49: 17}
"""Entries of the adjacency matrix of Human3.6M's skeleton -> its joints."""


def _conditions(file_name: str, root: str) -> Conditions:
    """Return Human3.6M with ground truth 2D, or stacked hourglass where the file's name says so."""
    hourglass = "_sh" in file_name
    return Conditions(
        dataset="h36m",
        data_skeleton="h36m_17",
        data_layout="h36m_16" if hourglass else "h36m_17",
        input_2d="sh_ft_h36m" if hourglass else "gt",
        root=root,
    )


class MartinezImporter(PublicImporter):
    """`ckpt_linear.pth.tar`."""

    method = "martinez"
    release = "garyzhao/SemGCN"
    entry = "state_dict"

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return width, stages, joints and whether the root is predicted."""
        first = weight_of(weights, "w1.weight", 2, self.method)
        last = weight_of(weights, "w2.weight", 2, self.method)
        joints, predicted = first.shape[1] // 2, last.shape[0] // 3
        if joints not in (16, 17) or predicted not in (joints, joints - 1):
            raise HarnessError(
                f"it maps {joints} joints to {predicted}; 16 or 17 to as many, or to one less, are "
                "imported"
            )
        return {
            "joints": joints,
            "predict_root": predicted == joints,
            "width": first.shape[0],
            "stages": count_of(weights, "linear_stages.{}.w1.weight"),
        }

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the layers before, in and after the stages."""
        stages = [
            pair
            for number in range(network["stages"])
            for part, theirs in (("first", 1), ("second", 2))
            for pair in (
                (
                    f"network.stages.{number}.{part}.linear.",
                    f"linear_stages.{number}.w{theirs}.",
                ),
                (
                    f"network.stages.{number}.{part}.norm.",
                    f"linear_stages.{number}.batch_norm{theirs}.",
                ),
            )
        ]
        return [
            ("network.input.linear.", "w1."),
            ("network.input.norm.", "batch_norm1."),
            ("network.output.", "w2."),
            *stages,
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return the data of the release."""
        predicted = self.network(weights)["predict_root"]
        return _conditions(file_name, "predicted" if predicted else "not predicted, zero")


class SemGCNImporter(PublicImporter):
    """`ckpt_semgcn.pth.tar`, `ckpt_semgcn_nonlocal.pth.tar` and their like."""

    method = "semgcn"
    release = "garyzhao/SemGCN"
    entry = "state_dict"

    def public_name(self, name: str) -> str:
        """Spell `nonlocal` one way: the word is reserved in Python 3, so copies renamed it."""
        name = re.sub(r"\.(?!nonlocal\.)_?non_?local_?\w{0,8}\.", ".nonlocal.", name, flags=re.I)
        # Pooling wraps g and phi in one more module, so their names have one more number.
        return re.sub(r"\.nonlocal\.(g|phi)\.0\.", r".nonlocal.\1.", name)

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return width, modules, joints and whether there are non-local blocks."""
        first = weight_of(weights, "gconv_input.0.gconv.W", 3, self.method)
        edges = weight_of(weights, "gconv_input.0.gconv.e", 2, self.method).shape[1]
        if edges not in _EDGES:
            raise HarnessError(
                f"its skeleton has {edges} entries of the adjacency matrix; Human3.6M's "
                "with 16 (46 entries) or 17 joints (49) are imported"
            )
        joints = _EDGES[edges]
        non_local = "gconv_input.1.nonlocal.theta.weight" in weights
        if non_local and joints != 16:
            raise HarnessError(
                "non-local blocks are imported for 16 joints, whose groups are known"
            )
        layers = {name.split(".")[1] for name in weights if name.startswith("gconv_layers.")}
        return {
            "joints": joints,
            "channels": first.shape[2],
            "modules": len(layers) // 2 if non_local else len(layers),
            "non_local": non_local,
        }

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of our one list of layers in the three public ones."""
        kinds = [_residual] * network["modules"]
        theirs = [f"gconv_layers.{number}." for number in range(2 * network["modules"])]
        inputs = [(_graph_module, "gconv_input.0.")]
        if network["non_local"]:
            inputs.append((_non_local, "gconv_input.1."))
            kinds = [_residual, _non_local] * network["modules"]
        layers = [*inputs, *zip(kinds, theirs, strict=False), (_convolution, "gconv_output.")]
        return [
            pair
            for number, (kind, name) in enumerate(layers)
            for pair in kind(f"network.layers.{number}.", name)
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return the data of the release."""
        return _conditions(file_name, "predicted, and subtracted from all joints for scoring")


class WSGCNImporter(SemGCNImporter):
    """What RoyMikeJiang/WSGCN's main_gcn.py writes: SemGCN's network under SemGCN's names."""

    method = "wsgcn"
    release = "RoyMikeJiang/WSGCN"


def _convolution(ours: str, theirs: str) -> list[tuple[str, str]]:
    return [
        (f"{ours}weight", f"{theirs}W"),
        (f"{ours}edge_logits", f"{theirs}e"),
        (f"{ours}bias", f"{theirs}bias"),
    ]


def _graph_module(ours: str, theirs: str) -> list[tuple[str, str]]:
    convolution = _convolution(f"{ours}convolution.", f"{theirs}gconv.")
    return [*convolution, (f"{ours}norm.", f"{theirs}bn.")]


def _residual(ours: str, theirs: str) -> list[tuple[str, str]]:
    return [
        *_graph_module(f"{ours}first.", f"{theirs}gconv1."),
        *_graph_module(f"{ours}second.", f"{theirs}gconv2."),
    ]


def _non_local(ours: str, theirs: str) -> list[tuple[str, str]]:
    names = {"pair.": "concat_project.0.", "out.": "W.0.", "norm.": "W.1."}
    same = {name: name for name in ("g.", "theta.", "phi.")}
    return [(ours + name, f"{theirs}nonlocal.{public}") for name, public in (names | same).items()]
