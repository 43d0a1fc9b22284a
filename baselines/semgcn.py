"""SemGCN: semantic graph convolutional networks for 3D pose regression (Zhao et al., CVPR 2019)."""

from torch import Tensor, nn

from baselines.nonlocal_block import GroupedNonLocalBlock, Groups
from baselines.semantic_graph import (
    Edges,
    GraphConvolutionModule,
    ResidualGraphModule,
    SemanticGraphConvolution,
)
from dgnet.nonlocal_block import NonLocalBlock


class SemGCN(nn.Module):
    """Input graph convolution, residual graph modules, output graph convolution to 3D.

    With `non_local`, a non-local block follows the input convolution and each residual module
    (section 3.3 of the paper, garyzhao/SemGCN sem_gcn.py).
    """

    def __init__(
        self,
        joints: int,
        edges: Edges,
        *,
        channels: int = 128,
        modules: int = 4,
        dropout: float = 0.0,
        non_local: bool = False,
        groups: Groups | None = None,
    ) -> None:
        """Build the network.

        Args:
            joints: number of joints, of the 2D and the 3D pose alike.
            edges: the skeleton's bones as index pairs.
            channels: width of all hidden layers.
            modules: residual modules of two graph convolutions each.
            dropout: after each hidden graph convolution; the published model has none.
            non_local: interleave non-local blocks.
            groups: joints that non-local blocks pool together; None for no pooling.
        """
        super().__init__()

        def block() -> NonLocalBlock:
            if groups is None:
                return NonLocalBlock(channels)
            return GroupedNonLocalBlock(channels, groups)

        layers: list[nn.Module] = [GraphConvolutionModule(joints, edges, 2, channels)]
        if non_local:
            layers.append(block())
        for _ in range(modules):
            layers.append(ResidualGraphModule(joints, edges, channels, dropout))
            if non_local:
                layers.append(block())
        layers.append(SemanticGraphConvolution(joints, edges, channels, 3))
        self.layers = nn.Sequential(*layers)

    def forward(self, keypoints: Tensor) -> Tensor:
        """Map (batch, joints, 2) normalised screen coordinates to (batch, joints, 3)."""
        return self.layers(keypoints)
