"""The device to predict on."""

import torch

from harness.foundation.errors import HarnessError


def accelerator_called(name: str) -> str:
    """Return "cpu" or "cuda"; "auto" is a GPU where there is one.

    Raises:
        HarnessError: a GPU is asked for and there is none.
    """
    if name == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and not torch.cuda.is_available():
        raise HarnessError("torch sees no GPU on this machine; predict with --accelerator cpu")
    return name
