"""DG-Net, the dynamical graph network (arXiv 2109.07353), in plain PyTorch."""

from dgnet.config import DGNetConfig
from dgnet.coordinates import balanced
from dgnet.graph import BodyGraph
from dgnet.loss import pose_loss, total_loss
from dgnet.network import DGNet, Levels

__all__ = ["BodyGraph", "DGNet", "DGNetConfig", "Levels", "balanced", "pose_loss", "total_loss"]
