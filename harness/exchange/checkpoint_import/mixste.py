"""MixSTE's releases (JinluZhang1126/MixSTE: run.py, common/model_cross.py)."""

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor

from harness.exchange.checkpoint_import.importer import (
    Conditions,
    PublicImporter,
    count_of,
    weight_of,
)
from harness.exchange.checkpoint_import.transformer_names import Names, block_names, h36m_conditions
from harness.foundation.errors import HarnessError


def mixste_network(weights: Mapping[str, Tensor], prefix: str, method: str) -> dict[str, Any]:
    """Return what the shapes of MixSTE's weights tell of the network.

    Raises:
        HarnessError: they are not weights of `method`.
    """
    embedding = weight_of(weights, f"{prefix}Temporal_pos_embed", 3, method)
    hidden = weight_of(weights, f"{prefix}STEblocks.0.mlp.fc1.weight", 2, method).shape[0]
    return {
        "frames": embedding.shape[1],
        "channels": embedding.shape[2],
        "depth": count_of(weights, prefix + "STEblocks.{}.norm1.weight"),
        "ratio": hidden // embedding.shape[2],
    }


def mixste_names(ours: str, theirs: str, depth: int) -> Names:
    """Return the names of MixSTE's weights."""
    blocks = [
        pair
        for kind, public in (("spatial", "STEblocks"), ("temporal", "TTEblocks"))
        for level in range(depth)
        for pair in block_names(f"{ours}{kind}_blocks.{level}.", f"{theirs}{public}.{level}.")
    ]
    return [
        (f"{ours}embedding.", f"{theirs}Spatial_patch_to_embedding."),
        (f"{ours}joint_embedding", f"{theirs}Spatial_pos_embed"),
        (f"{ours}frame_embedding", f"{theirs}Temporal_pos_embed"),
        (f"{ours}spatial_norm.", f"{theirs}Spatial_norm."),
        (f"{ours}temporal_norm.", f"{theirs}Temporal_norm."),
        (f"{ours}head.", f"{theirs}head."),
        *blocks,
    ]


class MixSTEImporter(PublicImporter):
    """`best_epoch.bin` and its like."""

    method = "mixste"
    release = "JinluZhang1126/MixSTE"
    entry = "model_pos"

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return frames, width, depth and the MLPs' ratio.

        Raises:
            HarnessError: they are D3DP's or no weights of MixSTE.
        """
        if any(name.startswith("pose_estimator.") for name in weights):
            raise HarnessError(
                "its names begin with 'pose_estimator.', so it is a checkpoint of d3dp; "
                "import it with --model d3dp"
            )
        return mixste_network(weights, "", self.method)

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the blocks and of what lies around them."""
        return mixste_names("network.", "", network["depth"])

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return Human3.6M with CPN's detections, or ground truth where the file's name says so."""
        return h36m_conditions(file_name, "predicted, its target zero")
