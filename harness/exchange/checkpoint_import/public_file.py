"""Weights out of PyTorch files made by strangers, read without running code from them."""

import pickle
import warnings
import zipfile
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from harness.exchange.checkpoint_import.python2_pickle import without_text_integers
from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown


class _LeftOut:
    """Stands for what training code stored beside the weights, such as a random state of numpy."""

    def __init__(self, *_: object) -> None:
        """Take what numpy's own class would be given, and forget it."""

    def __setstate__(self, _: object) -> None:
        """Forget the state."""


_BESIDE_WEIGHTS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_LeftOut, name)
    for name in (
        "numpy.random.__RandomState_ctor",
        "numpy.random._pickle.__randomstate_ctor",
        "numpy.random._pickle.__bit_generator_ctor",
        "numpy.random._mt19937.MT19937",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray._reconstruct",
        "numpy.core.multiarray.scalar",
        "numpy._core.multiarray.scalar",
        "numpy.ndarray",
        "numpy.dtype",
    )
]
"""Names of numpy that public checkpoints use; each leads to the stand-in, never to numpy."""


def read_weights(
    paths: Sequence[Path], key: str | None, exact: Collection[str] = ()
) -> dict[str, Tensor]:
    """Return the weights by name that one or more files hold together.

    Names lose the "module." that a network under DataParallel puts before all of its own.

    Args:
        paths: files written by torch.save.
        key: the entry of the file that holds the weights, or None where the file itself does.
        exact: names of what is left in the file's precision; all else becomes float32.

    Raises:
        HarnessError: a file is missing, damaged, holds more than tensors and plain values, or
            lacks the entry; a weight comes twice, is no tensor or is not finite.
    """
    weights: dict[str, Tensor] = {}
    for path in paths:
        left = BUDGET.unpacked(path.stat().st_size) if path.is_file() else 0
        for name, tensor in _plainly_named(_entry(_loaded(path), key, path)).items():
            if not isinstance(name, str) or not isinstance(tensor, Tensor):
                raise HarnessError(
                    f"{path}: entry {name!r} is {type(tensor).__name__}, expected weights by "
                    "name; it is not a checkpoint of this model"
                )
            if name in weights:
                raise HarnessError(f"{path}: weight '{name}' comes twice; name each file once")
            left -= tensor.numel() * tensor.element_size()
            if left < 0 or tensor.layout is not torch.strided:
                raise HarnessError(
                    f"{path}: weight '{shown(name)}' claims shape {tuple(tensor.shape)}, more than "
                    "the file can hold; get it again"
                )
            if not bool(torch.isfinite(tensor).all()):
                raise HarnessError(
                    f"{path}: weight '{name}' holds NaN or infinity; it is damaged, so get it again"
                )
            single = tensor.is_floating_point() and name not in exact
            weights[name] = tensor.float() if single else tensor
    return weights


def _plainly_named(entry: dict[Any, Any]) -> dict[Any, Any]:
    """Return an entry with names as text, without the beginning that DataParallel gives all."""
    # Python 2 wrote names as bytes.
    named = {
        name.decode("ascii", "replace") if isinstance(name, bytes) else name: value
        for name, value in entry.items()
    }
    while named and all(isinstance(name, str) and name.startswith(_PARALLEL) for name in named):
        named = {name.removeprefix(_PARALLEL): value for name, value in named.items()}
    return named


_PARALLEL = "module."


def _loaded(path: Path) -> Any:
    if not path.is_file():
        raise HarnessError(f"{path}: no such file")
    _check_sums(path)
    try:
        with torch.serialization.safe_globals(_BESIDE_WEIGHTS), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what torch says of odd pickles, before refusing them
            try:
                return torch.load(path, map_location="cpu", weights_only=True)
            except pickle.UnpicklingError as error:
                if _PYTHON_2 not in str(error):
                    raise
                stream = without_text_integers(path)
                return torch.load(stream, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise HarnessError(
            f"{path}: holds more than weights and plain values, or is damaged"
            f"{_reason(error)}; nothing in it was run"
        ) from error
    except Exception as error:  # a damaged file can raise any error at all
        raise HarnessError(
            f"{path}: is not a whole PyTorch file{_reason(error)}; get it again"
        ) from error


_PYTHON_2 = "Unsupported operand 73"
"""What PyTorch says of an integer written as text, as Python 2 wrote those beyond 32 bits."""


def _check_sums(path: Path) -> None:
    """Raise where a part of a file differs from its checksum, which PyTorch itself leaves unread.

    Files in PyTorch's format before 1.6 are no archives and have none.
    """
    try:
        if not zipfile.is_zipfile(path):
            return
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # a damaged archive can raise any error at all
        raise HarnessError(
            f"{path}: is not a whole PyTorch file{_reason(error)}; get it again"
        ) from error
    if damaged is not None:
        raise HarnessError(
            f"{path}: part '{damaged}' was changed after it was written; get it again"
        )


def _entry(content: Any, key: str | None, path: Path) -> dict[Any, Any]:
    if key is not None and isinstance(content, dict) and key not in content:
        there = ", ".join(sorted(map(str, content))[:5])
        raise HarnessError(
            f"{path}: has no entry '{key}' (but {there}); it is a checkpoint of another model"
        )
    entry = content[key] if key is not None and isinstance(content, dict) else content
    if not isinstance(entry, dict):
        raise HarnessError(
            f"{path}: holds {type(entry).__name__}, expected weights by name; "
            "it is not a checkpoint of this model"
        )
    return entry


def _reason(error: Exception) -> str:
    """Return what PyTorch says of the file, in brackets, or nothing where it says nothing of it."""
    text = str(error) or type(error).__name__
    unsupported = text.find("Unsupported global: GLOBAL ")
    if unsupported >= 0:
        return f" (it names {text[unsupported:].split()[3]})"
    # PyTorch's advice on how to load the file all the same is not ours; a single word, such as the
    # number of an unknown code, tells nobody anything.
    first = text.splitlines()[0]
    return "" if "weights_only" in first or " " not in first else f" ({first[:120]})"
