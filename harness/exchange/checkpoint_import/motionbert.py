"""MotionBERT's releases (Walter0807/MotionBERT: train.py, lib/model/DSTformer.py)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from harness.exchange.checkpoint_import.importer import (
    Conditions,
    PublicImporter,
    count_of,
    weight_of,
)
from harness.exchange.checkpoint_import.transformer_names import block_names, h36m_conditions

FAMILY = ("h36m_motionbert", "sh_finetuned")
"""Data set and 2D of h36m_sh_conf_cam_source_final.pkl, neither SemGCN's hourglass nor CPN."""

ROOT = "moved to zero in the target, set to zero in predictions"


class MotionBERTImporter(PublicImporter):
    """`best_epoch.bin`, `latest_epoch.bin`, of the whole network or its Lite form."""

    method = "motionbert"
    release = "Walter0807/MotionBERT"
    entry = "model_pos"

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return width, depth, the MLPs' ratio, the head's width and the longest window."""
        embedding = weight_of(weights, "temp_embed", 4, self.method)
        channels = embedding.shape[3]
        hidden = weight_of(weights, "blocks_st.0.mlp_s.fc1.weight", 2, self.method).shape[0]
        return {
            "longest": embedding.shape[1],
            "channels": channels,
            "depth": count_of(weights, "ts_attn.{}.weight"),
            "ratio": hidden // channels,
            "representation": weight_of(weights, "head.weight", 2, self.method).shape[1],
            "space": "image25d",
        }

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the two streams' blocks and of what lies around them."""
        blocks = [
            pair
            for level in range(network["depth"])
            for stream, public in (("space_first", "blocks_st"), ("time_first", "blocks_ts"))
            for kind in ("spatial", "temporal")
            for pair in block_names(
                f"network.levels.{level}.{stream}.{kind}.", f"{public}.{level}.", f"_{kind[0]}"
            )
        ]
        return [
            ("network.embedding.", "joints_embed."),
            ("network.joint_embedding", "pos_embed"),
            ("network.frame_embedding", "temp_embed"),
            *(
                (f"network.levels.{level}.fusion.", f"ts_attn.{level}.")
                for level in range(network["depth"])
            ),
            *blocks,
            ("network.head.0.", "norm."),
            ("network.head.1.", "pre_logits.fc."),
            ("network.head.3.", "head."),
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return Human3.6M with the family's own hourglass detections and their confidence."""
        return h36m_conditions(file_name, ROOT, *FAMILY)
