"""Random input of the right shapes, for all that depends on a network and not on what it sees."""

import torch

from harness.lifting.contract import Lifter, LifterInput


def made_input(
    lifter: Lifter, windows: int, *, frames: int | None = None, device: str = "cpu"
) -> LifterInput:
    """Return random 2D of some windows, before a camera without distortion, 5 m away.

    Numbers are of the type of the lifter's weights.

    Args:
        lifter: what is to take it; tells joints, and what it is given besides keypoints.
        windows: how many.
        frames: of each; by default a window of the lifter's.
        device: where; "meta" gives shapes without values.
    """
    frames = frames or lifter.frames
    generator = torch.Generator().manual_seed(0)
    joints = len(lifter.layout)
    made = LifterInput(
        0.3 * torch.randn(windows, frames, joints, 2, generator=generator),
        torch.tensor([[2.3, 2.3, 0, 0, 0, 0, 0, 0, 0]]).repeat(windows, 1),
        torch.full((windows, frames), 5.0) if lifter.uses_root_depth else None,
        torch.ones(windows, frames, joints) if lifter.uses_confidence else None,
    )
    return made.to(torch.device(device), next(lifter.parameters()).dtype)
