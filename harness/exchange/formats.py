"""The formats of exported models, and what can be refused before anything heavy is imported."""

import importlib.util
from pathlib import Path
from typing import Literal, get_args

from harness.foundation.errors import HarnessError

Format = Literal["safetensors", "torchscript", "onnx"]

FORMATS: tuple[Format, ...] = get_args(Format)
SUFFIXES: dict[Format, str] = {"safetensors": ".safetensors", "torchscript": ".pt", "onnx": ".onnx"}
NEEDED = {"onnx": ("onnx", "onnxruntime")}
"""The packages that a format needs beside the harness's own."""


def check_place(checkpoint: Path, style: Format, path: Path, force: bool) -> None:
    """Raise where an export cannot be: its file is there, its checkpoint or a package is not.

    Args:
        checkpoint: the weights to export.
        style: the format.
        path: the file to write.
        force: replace a file that is there.

    Raises:
        HarnessError: see above; the message says what to do.
    """
    if path.exists() and not force:
        raise HarnessError(f"{path}: exists; choose another place, or replace it with --force")
    if not checkpoint.is_file():
        raise HarnessError(f"{checkpoint}: no such checkpoint; train the run first")
    for package in NEEDED.get(style, ()):
        if importlib.util.find_spec(package) is None:
            raise missing_package(style, package, "it is not installed")


def missing_package(style: Format, package: str, reason: str) -> HarnessError:
    """Return the error of a format whose package cannot be imported."""
    return HarnessError(
        f"format {style} needs the package {package} ({reason}); install it with "
        "pip install -c constraints.txt 'pose-lifting-harness[export]'"
    )
