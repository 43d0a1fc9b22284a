"""Public names of what today's transformers share (`baselines.attention`)."""

import re

from harness.exchange.checkpoint_import.importer import Conditions
from harness.foundation.errors import HarnessError

Names = list[tuple[str, str]]
"""Beginnings of our names, each with the public one in its place."""


def h36m_conditions(
    file_name: str, root: str, dataset: str = "h36m", usual: str = "cpn_ft_h36m_dbb"
) -> Conditions:
    """Return Human3.6M with the `usual` detections, or ground truth where the file's name says so.

    Raises:
        HarnessError: the file is named as releases for other joints are.
    """
    lowered = file_name.lower()
    for sign, joints in (("3dhp", _3DHP), ("mpi", _3DHP), ("wild", "COCO keypoints")):
        if sign in lowered:
            raise HarnessError(
                f"its name says that it is for {joints}; only releases for Human3.6M's joints are "
                "imported (rename the file if it is one)"
            )
    source = "gt" if re.search(r"(^|[_.-])gt([_.-]|$)", lowered) else usual
    return Conditions(dataset, "h36m_17", "h36m_17", source, root)


_3DHP = "MPI-INF-3DHP, whose joints stand in another order"


def attention_names(ours: str, theirs: str) -> Names:
    """Return the names of an attention."""
    return [(f"{ours}qkv.", f"{theirs}qkv."), (f"{ours}out.", f"{theirs}proj.")]


def mlp_names(ours: str, theirs: str) -> Names:
    """Return the names of an MLP."""
    return [(f"{ours}0.", f"{theirs}fc1."), (f"{ours}2.", f"{theirs}fc2.")]


def block_names(ours: str, theirs: str, axis: str = "") -> Names:
    """Return the names of a transformer block; DSTformer's end in the `axis` it works on."""
    return [
        (f"{ours}attention_norm.", f"{theirs}norm1{axis}."),
        *attention_names(f"{ours}attention.", f"{theirs}attn{axis}."),
        (f"{ours}mlp_norm.", f"{theirs}norm2{axis}."),
        *mlp_names(f"{ours}mlp.", f"{theirs}mlp{axis}."),
    ]
