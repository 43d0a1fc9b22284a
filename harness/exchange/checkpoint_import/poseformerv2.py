"""PoseFormerV2's releases (QitaoZhao/PoseFormerV2: run_poseformer.py, common/)."""

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
from harness.exchange.checkpoint_import.transformer_names import (
    attention_names,
    block_names,
    h36m_conditions,
    mlp_names,
)


class PoseFormerV2Importer(PublicImporter):
    """`27_243_45.2.bin` and its like."""

    method = "poseformerv2"
    release = "QitaoZhao/PoseFormerV2"
    entry = "model_pos"
    required = MappingProxyType({"frames": "27, 81 or 243; the file's name may say"})

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return kept frames and coefficients, width, depth and the MLPs' ratio."""
        joint_channels = weight_of(weights, "Spatial_pos_embed", 3, self.method).shape[2]
        hidden = weight_of(weights, "Spatial_blocks.0.mlp.fc1.weight", 2, self.method).shape[0]
        return {
            "kept_frames": weight_of(weights, "Temporal_pos_embed", 3, self.method).shape[1],
            "kept_coefficients": weight_of(weights, "Temporal_pos_embed_", 3, self.method).shape[1],
            "joint_channels": joint_channels,
            "depth": count_of(weights, "blocks.{}.norm1.weight"),
            "ratio": hidden // joint_channels,
        }

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the blocks and of what lies around them."""
        levels = range(network["depth"])
        return [
            ("network.embedding.", "Joint_embedding."),
            ("network.joint_embedding", "Spatial_pos_embed"),
            ("network.coefficient_map.", "Freq_embedding."),
            ("network.coefficient_embedding", "Temporal_pos_embed_"),
            ("network.frame_embedding", "Temporal_pos_embed"),
            ("network.spatial_norm.", "Spatial_norm."),
            ("network.mixed_norm.", "Temporal_norm."),
            ("network.coefficient_mean.", "weighted_mean."),
            ("network.frame_mean.", "weighted_mean_."),
            ("network.head.", "head."),
            *(
                pair
                for level in levels
                for pair in block_names(
                    f"network.spatial_blocks.{level}.", f"Spatial_blocks.{level}."
                )
            ),
            *(
                pair
                for level in levels
                for pair in _mixed_block(f"network.mixed_blocks.{level}.", f"blocks.{level}.")
            ),
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return Human3.6M with CPN's detections, or ground truth where the file's name says so."""
        return h36m_conditions(file_name, "predicted, its target zero")


def _mixed_block(ours: str, theirs: str) -> list[tuple[str, str]]:
    return [
        (f"{ours}attention_norm.", f"{theirs}norm1."),
        (f"{ours}mlp_norm.", f"{theirs}norm2."),
        (f"{ours}frequency_norm.", f"{theirs}norm3."),
        *attention_names(f"{ours}attention.", f"{theirs}attn."),
        *mlp_names(f"{ours}mlp.", f"{theirs}mlp1."),
        *mlp_names(f"{ours}frequency_mlp.mlp.", f"{theirs}mlp2."),
    ]
