"""MotionAGFormer's releases (TaatiTeam/MotionAGFormer: train.py, model/MotionAGFormer.py)."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor

from harness.exchange.checkpoint_import.importer import (
    Conditions,
    PublicImporter,
    count_of,
    weight_of,
)
from harness.exchange.checkpoint_import.motionbert import FAMILY, ROOT
from harness.exchange.checkpoint_import.transformer_names import (
    attention_names,
    h36m_conditions,
    mlp_names,
)


class MotionAGFormerImporter(PublicImporter):
    """`motionagformer-b-h36m.pth.tr` and its like."""

    method = "motionagformer"
    release = "TaatiTeam/MotionAGFormer"
    entry = "model"
    required = MappingProxyType({"neighbours": "k of the temporal graph, 2 in all releases"})

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return frames, width, depth, the MLPs' ratio and the head's width."""
        channels = weight_of(weights, "pos_embed", 3, self.method).shape[2]
        norm = weight_of(weights, "layers.0.graph_temporal.mixer.batch_norm.weight", 1, self.method)
        hidden = weight_of(weights, "layers.0.att_spatial.mlp.fc1.weight", 2, self.method)
        return {
            "frames": norm.shape[0],
            "channels": channels,
            "depth": count_of(weights, "layers.{}.fusion.weight"),
            "ratio": hidden.shape[0] // channels,
            "representation": weight_of(weights, "head.weight", 2, self.method).shape[1],
            "space": "image25d",
        }

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the two streams' blocks and of what lies around them."""
        layers = range(network["depth"])
        blocks = [
            pair
            for layer in layers
            for kind, public in (("attention", "att"), ("graph", "graph"))
            for axis in ("spatial", "temporal")
            for pair in _block(
                f"network.layers.{layer}.{kind}_{axis}.", f"layers.{layer}.{public}_{axis}."
            )
        ]
        return [
            ("network.embedding.", "joints_embed."),
            ("network.joint_embedding", "pos_embed"),
            *((f"network.layers.{layer}.fusion.", f"layers.{layer}.fusion.") for layer in layers),
            *blocks,
            ("network.head.0.", "norm."),
            ("network.head.1.", "rep_logit.fc."),
            ("network.head.3.", "head."),
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return Human3.6M with the family's own hourglass detections and their confidence."""
        return h36m_conditions(file_name, ROOT, *FAMILY)


def _block(ours: str, theirs: str) -> list[tuple[str, str]]:
    mixer, public = f"{ours}mixer.", f"{theirs}mixer."
    return [
        (f"{ours}mixer_norm.", f"{theirs}norm1."),
        (f"{ours}mlp_norm.", f"{theirs}norm2."),
        (f"{ours}mixer_scale", f"{theirs}layer_scale_1"),
        (f"{ours}mlp_scale", f"{theirs}layer_scale_2"),
        *attention_names(mixer, public),
        (f"{mixer}own.", f"{public}U."),
        (f"{mixer}heard.", f"{public}V."),
        (f"{mixer}norm.", f"{public}batch_norm."),
        *mlp_names(f"{ours}mlp.", f"{theirs}mlp."),
    ]
