"""VideoPose3D's releases (facebookresearch/VideoPose3D: run.py, common/model.py)."""

import math
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


class VideoPose3DImporter(PublicImporter):
    """`pretrained_h36m_cpn.bin`, `pretrained_humaneva15_detectron.bin` and their like."""

    method = "videopose3d"
    release = "facebookresearch/VideoPose3D"
    entry = "model_pos"

    def network(self, weights: Mapping[str, Tensor]) -> dict[str, Any]:
        """Return receptive field and width; filters are three frames wide."""
        expand = weight_of(weights, "expand_conv.weight", 3, self.method)
        convolutions = count_of(weights, "layers_conv.{}.weight")
        widths = [expand.shape[2]] + [
            weight_of(weights, f"layers_conv.{number}.weight", 3, self.method).shape[2]
            for number in range(0, convolutions, 2)
        ]
        if set(widths) != {3}:
            raise HarnessError(
                f"its convolutions see {', '.join(map(str, widths))} frames; only three each are "
                "imported (architecture 3,3,3 and longer)"
            )
        return {"frames": 3 ** len(widths), "channels": expand.shape[0]}

    def prefixes(self, network: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
        """Return the names of the two alternating lists of layers as blocks."""
        blocks = [
            pair
            for number in range(round(math.log(network["frames"], 3)) - 1)
            for pair in (
                (f"network.blocks.{number}.convolution.", f"layers_conv.{2 * number}."),
                (f"network.blocks.{number}.norm.", f"layers_bn.{2 * number}."),
                (f"network.blocks.{number}.mixing.", f"layers_conv.{2 * number + 1}."),
                (f"network.blocks.{number}.mixing_norm.", f"layers_bn.{2 * number + 1}."),
            )
        ]
        return [
            ("network.expand.", "expand_conv."),
            ("network.expand_norm.", "expand_bn."),
            ("network.shrink.", "shrink."),
            *blocks,
        ]

    def conditions(self, file_name: str, weights: Mapping[str, Tensor]) -> Conditions:
        """Tell data sets and 2D sources by their joints, COCO's 17 by the file's name."""
        predicted = weight_of(weights, "shrink.bias", 1, self.method).shape[0] // 3
        seen = weight_of(weights, "expand_conv.weight", 3, self.method).shape[1] // 2
        root = "predicted, its target zero"
        detectron = "coco" in file_name or "detectron" in file_name
        if predicted == 15:
            found = ("humaneva_15", "gt") if seen == 15 else ("coco_17", "detectron_pt_coco")
            return Conditions("humaneva", "humaneva_15", *found, root)
        if seen == 16:
            return Conditions("h36m", "h36m_17", "h36m_16", "sh_ft_h36m", root)
        if detectron:
            return Conditions("h36m", "h36m_17", "coco_17", "detectron_pt_coco", root)
        return Conditions("h36m", "h36m_17", "h36m_17", "cpn_ft_h36m_dbb", root)
