"""ST-GCN of Cai et al.: a local-to-global graph network over a few frames (ICCV 2019).

All joints of all frames of a window are the nodes of one graph. Layouts and constants follow the
public code (vanoracai/Exploiting-Spatial-temporal-Relationships-for-3D-Pose-Estimation-via-Graph-
Convolutional-Networks, nets/).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from baselines.dropout import Dropout
from baselines.spatial_temporal_graph import BodyParts, relation_matrices


class RelationConvolution(nn.Module):
    """Y_w = sum over relations k and nodes v of A_k[v, w] (X_v W_k + b_k).

    Attributes:
        weight: (relations, in channels, out channels).
        bias: (relations, out channels).
    """

    relations: Tensor
    incoming: Tensor

    def __init__(self, relations: Tensor, in_channels: int, out_channels: int) -> None:
        """Build the layer for `relations`, (relations, nodes, nodes): from v, to w."""
        super().__init__()
        count, nodes, _ = relations.shape
        # Row w * count + k holds what node w hears by relation k.
        by_node = relations.permute(2, 0, 1).reshape(nodes * count, nodes)
        self.register_buffer("relations", by_node, persistent=False)
        self.register_buffer("incoming", relations.sum(dim=1).T.contiguous(), persistent=False)
        bound = in_channels**-0.5
        self.weight = nn.Parameter(
            torch.empty(count, in_channels, out_channels).uniform_(-bound, bound)
        )
        self.bias = nn.Parameter(torch.empty(count, out_channels).uniform_(-bound, bound))

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, nodes, in channels) to (batch, nodes, out channels)."""
        nodes = features.shape[1]
        heard = (self.relations @ features).unflatten(1, (nodes, -1)).flatten(2)
        return heard @ self.weight.flatten(0, 1) + self.incoming @ self.bias


class NodeNorm(nn.BatchNorm1d):
    """Batch norm of each channel over batch and nodes."""

    def forward(self, input: Tensor) -> Tensor:
        """Map (batch, nodes, channels) to the same shape."""
        return super().forward(input.flatten(0, 1)).view_as(input)


class GraphModule(nn.Module):
    """Relation convolution and a pointwise map, with a skip connection around both."""

    def __init__(
        self,
        relations: Tensor,
        in_channels: int,
        out_channels: int,
        dropout: float,
        *,
        residual: bool = True,
    ) -> None:
        super().__init__()
        self.convolution = RelationConvolution(relations, in_channels, out_channels)
        self.pointwise = nn.Sequential(
            NodeNorm(out_channels),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(out_channels, out_channels),
            NodeNorm(out_channels),
            Dropout(dropout),
        )
        self.residual = residual
        self.skip: nn.Module = nn.Identity()
        if residual and in_channels != out_channels:
            self.skip = nn.Sequential(nn.Linear(in_channels, out_channels), NodeNorm(out_channels))

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, nodes, in channels) to (batch, nodes, out channels)."""
        mapped = self.pointwise(self.convolution(features))
        return torch.relu(mapped + self.skip(features) if self.residual else mapped)


class AttentionBlock(nn.Module):
    """x + BatchNorm(W softmax(theta(x) phi(x)^T) g(x)): embedded Gaussian non-local block.

    The batch norm starts at zero: an untrained block is the identity.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = channels // 2
        self.theta = nn.Linear(channels, inner)
        self.phi = nn.Linear(channels, inner)
        self.g = nn.Linear(channels, inner)
        self.out = nn.Linear(inner, channels)
        self.norm = NodeNorm(channels)
        nn.init.zeros_(self.norm.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Map (batch, nodes, channels) to the same shape."""
        heard = functional.scaled_dot_product_attention(
            self.theta(features), self.phi(features), self.g(features), scale=1.0
        )
        return features + self.norm(self.out(heard))


class STGCN(nn.Module):
    """Joints, pooled to body parts, pooled to the whole body, and back up to joints.

    Three graph modules over joints; their maxima over each body part go through two graph modules
    over parts; the maxima of these over the body through one convolution over time. Body and part
    features return to each joint, a non-local block relates all joints of all frames, and a linear
    map gives 3D (figure 3 of the paper; nets/st_gcn_multi_frame.py, st_gcn_single_frame.py).
    """

    part_table: Tensor
    part_of: Tensor

    def __init__(
        self,
        body: BodyParts,
        *,
        frames: int = 3,
        joint_channels: Sequence[int] = (128, 128, 256),
        part_channels: int = 512,
        dropout: float = 0.05,
        body_dropout: float = 0.25,
        head_dropout: float = 0.1,
    ) -> None:
        """Build the network.

        Args:
            body: the skeleton and its division into parts.
            frames: length of the window.
            joint_channels: width of each graph module over joints.
            part_channels: width of the graph modules over parts and of the body's features.
            dropout: inside graph modules.
            body_dropout: after the convolution over time.
            head_dropout: after the features of parts and before the last map.
        """
        super().__init__()
        self.frames = frames
        joints = relation_matrices(body.joint_graph(), frames)
        parts = relation_matrices(body.part_graph(), frames)
        self.register_buffer("part_table", body.table(), persistent=False)
        self.register_buffer("part_of", body.part_of_joint(), persistent=False)
        # The public code passes the momentum 0.1 where BatchNorm1d takes its epsilon; kept.
        self.input_norm = nn.BatchNorm1d(2 * body.joints, eps=0.1)
        widths = (2, *joint_channels)
        self.joint_modules = nn.Sequential(
            *(
                GraphModule(joints, before, after, dropout, residual=position > 0)
                for position, (before, after) in enumerate(pairwise(widths))
            )
        )
        self.part_modules = nn.Sequential(
            GraphModule(parts, widths[-1], part_channels, dropout),
            GraphModule(parts, part_channels, part_channels, dropout),
        )
        taps = 3 if frames > 1 else 1
        self.body_convolution = nn.Conv1d(part_channels, part_channels, taps, padding="same")
        self.body_norm = nn.BatchNorm1d(part_channels)
        self.body_dropout = Dropout(body_dropout)
        self.fusion = nn.Sequential(
            nn.Linear(2 * part_channels, widths[-1]),
            NodeNorm(widths[-1]),
            nn.ReLU(),
            Dropout(head_dropout),
        )
        self.attention = AttentionBlock(2 * widths[-1])
        self.head = nn.Sequential(Dropout(head_dropout), nn.Linear(2 * widths[-1], 3))

    def forward(self, keypoints: Tensor) -> Tensor:
        """Lift a window.

        Args:
            keypoints: (batch, frames, joints, 2) normalised screen coordinates.

        Returns:
            (batch, frames, joints, 3) of all frames.
        """
        batch, frames, joints, _ = keypoints.shape
        nodes = self.input_norm(keypoints.reshape(batch * frames, -1)).view(batch, -1, 2)
        of_joints = self.joint_modules(nodes).unflatten(1, (frames, joints))
        pooled = of_joints[:, :, self.part_table].amax(dim=3)
        parts = pooled.shape[2]
        of_parts = self.part_modules(pooled.flatten(1, 2)).unflatten(1, (frames, parts))
        over_time = self.body_convolution(of_parts.amax(dim=2).transpose(1, 2))
        of_body = self.body_dropout(torch.relu(self.body_norm(over_time))).transpose(1, 2)
        both = torch.cat([of_body.unsqueeze(2).expand_as(of_parts), of_parts], dim=-1)
        fused = self.fusion(both.flatten(1, 2)).unflatten(1, (frames, parts))
        of_joints = torch.cat([of_joints, fused[:, :, self.part_of]], dim=-1)
        related = self.attention(of_joints.flatten(1, 2))
        return self.head(related).unflatten(1, (frames, joints))


class PoseRefinement(nn.Module):
    """Chooses between the regressed X and Y and those on the pixel's ray (nets/post_refine.py).

    A two-layer network looks at both poses and gives each coordinate a weight in [0, 1].
    """

    def __init__(self, joints: int, *, width: int = 1024, dropout: float = 0.5) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(6 * joints, width),
            nn.ReLU(),
            Dropout(dropout),
            nn.Linear(width, 2 * joints),
            nn.Sigmoid(),
        )

    def forward(self, regressed: Tensor, on_ray: Tensor) -> Tensor:
        """Blend two poses.

        Args:
            regressed: (batch, joints, 3) metres, root-relative.
            on_ray: (batch, joints, 3) the same depths with X and Y from the pixels.

        Returns:
            (batch, joints, 3).
        """
        both = torch.cat([regressed, on_ray], dim=-1)
        share = self.layers(both.flatten(1)).unflatten(1, (-1, 2))
        blended = share * regressed[..., :2] + (1 - share) * on_ray[..., :2]
        return torch.cat([blended, regressed[..., 2:]], dim=-1)


def pose_on_rays(
    regressed: Tensor, keypoints: Tensor, intrinsics: Tensor, root_depth: Tensor, root: int
) -> Tensor:
    """Return the pose whose X and Y lie on the pixels' rays at the regressed depths.

    X = Z (U - c_x) / f_x at the absolute depth Z, then relative to the root; lens distortion is
    left out, as in the public code (utils/utils1.py, get_uvd2xyz).

    Args:
        regressed: (batch, joints, 3) metres, root-relative; its depths are used.
        keypoints: (batch, joints, 2) normalised screen coordinates.
        intrinsics: (batch, 4 or more) f_x, f_y, c_x, c_y in the units of `keypoints`.
        root_depth: (batch,) true depth of the root in metres.
        root: index of the root joint, whose relative depth counts as zero.

    Returns:
        (batch, joints, 3) metres, root-relative.
    """
    depth = regressed[..., 2:].index_fill(1, torch.tensor(root, device=regressed.device), 0.0)
    focal, centre = intrinsics[:, None, 0:2], intrinsics[:, None, 2:4]
    position = (depth + root_depth[:, None, None]) * (keypoints - centre) / focal
    return torch.cat([position - position[:, root : root + 1], depth], dim=-1)
