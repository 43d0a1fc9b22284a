"""ST-GCN's releases (vanoracai's repository of Cai et al., ICCV 2019: nets/, utils/utils1.py).

The network and its refinement are two files, `model_st_gcn_*.pth` and `model_post_refine_*.pth`.
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from torch import Tensor

from harness.exchange.checkpoint_import.importer import (
    Conditions,
    PublicImporter,
    weight_of,
)

_GRAPH_MODULE = {
    "convolution.": "gcn.conv.",
    "pointwise.0.": "tcn.0.",
    "pointwise.3.": "tcn.3.",
    "pointwise.4.": "tcn.4.",
    "skip.0.": "residual.0.",
    "skip.1.": "residual.1.",
}


class STGCNImporter(PublicImporter):
    """`model_st_gcn_*.pth`, and `model_post_refine_*.pth` beside it."""

    method = "stgcn"
    release = "vanoracai/Exploiting-Spatial-temporal-Relationships-for-3D-Pose-Estimation-..."
    entry = None
    required = MappingProxyType({"frames": "1, 3, 5 or 7"})

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return widths and refinement; of the frames only whether it is a single one is told."""
        joint_channels = [
            weight_of(weights, f"st_gcn_networks.{number}.tcn.3.weight", 4, self.method).shape[0]
            for number in range(3)
        ]
        over_time = weight_of(weights, "conv4.0.weight", 4, self.method)
        network = {
            "joint_channels": joint_channels,
            "part_channels": over_time.shape[0],
            "refinement": "post_refine.0.weight" in weights,
        }
        return network | ({"frames": 1} if over_time.shape[2] == 1 else {})

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the graph modules and of the layers that follow them."""
        modules = [
            (f"joint_modules.{number}.", f"st_gcn_networks.{number}.") for number in range(3)
        ]
        modules += [(f"part_modules.{number}.", f"st_gcn_pool.{number}.") for number in range(2)]
        layers = {
            "input_norm.": "data_bn.",
            **{
                ours + part: theirs + public
                for ours, theirs in modules
                for part, public in _GRAPH_MODULE.items()
            },
            "body_convolution.": "conv4.0.",
            "body_norm.": "conv4.1.",
            "fusion.0.": "conv2.0.",
            "fusion.1.": "conv2.1.",
            "attention.out.": "non_local.W.0.",
            "attention.norm.": "non_local.W.1.",
            "attention.": "non_local.",
            "head.1.": "fcn.1.",
        }
        return [
            *((f"network.{ours}", theirs) for ours, theirs in layers.items()),
            ("refinement.layers.", "post_refine."),
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Return Human3.6M with CPN's detections, or ground truth where the file's name says so."""
        source = "gt" if "gt" in file_name else "cpn_ft_h36m_dbb"
        root = "predicted, and set to zero for scoring"
        return Conditions("h36m", "h36m_17", "h36m_17", source, root)

    def reshaped(self, name: str, tensor: Tensor, ours: Tensor) -> Tensor:
        """Return a tensor in our layout: graph convolutions hold one matrix a relation."""
        if "_modules." in name and ".convolution." in name and tensor.numel() == ours.numel():
            relations, *inputs, outputs = ours.shape
            return tensor.view(relations, outputs, *inputs).movedim(1, -1)
        return super().reshaped(name, tensor, ours)
