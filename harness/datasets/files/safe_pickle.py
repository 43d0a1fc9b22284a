"""Pickles made by strangers, read without running code from them.

A pickle is a program: it names functions and calls them. Here every name it may use leads to a
stand-in of ours that only records what it was given; numpy itself sees nothing but checked bytes,
types and shapes. All other names, and all objects but plain values, are refused.
"""

import io
import math
import pickle
import pickletools
import re
from collections.abc import Sequence
from typing import IO, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown

_DTYPE = re.compile(r"[<>|=]?(?:\?|[biufcSUO]\d{0,9})")


def load_plain_pickle(stream: IO[bytes], where: str) -> Any:
    """Read one pickle that holds nothing but plain values.

    Args:
        stream: stands where the pickle starts; it must be able to seek.
        where: the file and entry, for errors.

    Returns:
        Numpy arrays (numeric ones read-only, without a copy), dicts, lists, tuples, strings,
        bytes, numbers, booleans and None.

    Raises:
        HarnessError: it holds anything else, or it is damaged. Nothing in it has run.
    """
    try:
        allowed = _refuse_memo_bombs(stream)
        # Strings of Python 2 are bytes; latin1 is the encoding that keeps array data intact.
        loaded = _PlainUnpickler(stream, encoding="latin1").load()
        return _Plain(allowed).plain(loaded, 0)[0]
    except _Forbidden as error:
        raise HarnessError(
            f"{where}: holds {shown(error)}; only numpy arrays, dicts, lists, tuples, strings and "
            "numbers are read, so that a file cannot run code (nothing was run)"
        ) from error
    except Exception as error:  # a damaged pickle can raise any error at all
        raise HarnessError(
            f"{where}: cannot be read ({shown(error)}); "
            "it is damaged or truncated, so copy or make it again"
        ) from error


def _refuse_memo_bombs(stream: IO[bytes]) -> int:
    """Walk over the pickle without executing it, put the stream back, return the steps allowed.

    A few bytes can make the unpickler reserve gigabytes, for a string that is not there or for a
    place far out in its table of shared values. `genops` finds the former; real pickles number
    the latter as they come.
    """
    start = stream.tell()
    allowed = BUDGET.pickled(stream.seek(0, io.SEEK_END) - start)
    stream.seek(start)
    for steps, (opcode, place, _) in enumerate(pickletools.genops(stream)):
        if steps > allowed:
            raise ValueError(f"more than {allowed:,} steps")
        if opcode.name in ("PUT", "BINPUT", "LONG_BINPUT") and int(place or 0) > steps:
            raise ValueError(f"shared value {place} after {steps} steps")
    stream.seek(start)
    return allowed


class _Forbidden(Exception):
    """The pickle asks for something outside the plain values."""


class _StandIn:
    """What a name in a pickle leads to: nothing that a pickle could change or look into."""

    __slots__ = ()

    def __setstate__(self, state: object) -> None:
        raise _Forbidden(f"a state for {type(self).__name__}")


class _ArrayType(_StandIn):
    """Stands for numpy.ndarray, which pickles only hand to _reconstruct."""

    __slots__ = ()


class _DtypeMaker(_StandIn):
    """Stands for numpy.dtype(code, align, copy)."""

    __slots__ = ()

    def __call__(self, code: object, align: object = False, copy: object = False) -> "_Dtype":
        return _Dtype(code)


class _ArrayMaker(_StandIn):
    """Stands for numpy's _reconstruct(type, shape, typecode)."""

    __slots__ = ()

    def __call__(self, kind: object, shape: object, typecode: object) -> "_Array":
        if not isinstance(kind, _ArrayType):
            raise _Forbidden(f"an array of type {kind!r}")
        return _Array()


class _ScalarMaker(_StandIn):
    """Stands for numpy's scalar(dtype, data)."""

    __slots__ = ()

    def __call__(self, dtype: object, data: object) -> Any:
        array = _Array()
        array.__setstate__((1, (), dtype, False, data))
        return array.plain().item()


class _Latin1Encoder(_StandIn):
    """Stands for _codecs.encode, by which protocol 2 writes the bytes of Python 3."""

    __slots__ = ()

    def __call__(self, text: str, encoding: object) -> bytes:
        if encoding != "latin1":
            raise _Forbidden(f"text encoded as {encoding!r}")
        return text.encode("latin1")


class _EmptyBytes(_StandIn):
    """Stands for bytes(), by which protocol 2 writes empty bytes."""

    __slots__ = ()

    def __call__(self) -> bytes:
        return b""


class _Dtype:
    """A numpy dtype as pickled: a code, and the byte order in its state."""

    __slots__ = ("_code", "_order")

    def __init__(self, code: object) -> None:
        if not isinstance(code, str) or not _DTYPE.fullmatch(code):
            raise _Forbidden(f"numpy type {code!r}")
        self._code, self._order = code, "="

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        version, order, base, names, fields = state[:5]
        # The sizes and flags that follow are not taken over: false ones make numpy read raw
        # bytes as pointers. The code alone determines them.
        if (
            version not in (3, 4)
            or order not in ("<", ">", "|", "=")
            or (base, names, fields)
            != (
                None,
                None,
                None,
            )
        ):
            raise _Forbidden("a structured numpy type")
        self._order = order

    def plain(self) -> np.dtype[Any]:
        if "O" in self._code:
            return np.dtype(object)
        dtype = np.dtype(self._code)
        if self._order == ">":
            return dtype.newbyteorder(">")
        return dtype.newbyteorder("<") if self._order == "<" else dtype


class _Array:
    """A numpy array as pickled: shape, dtype, order and data."""

    __slots__ = ("_data", "_dtype", "_fortran", "_shape")

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, shape, dtype, fortran, data = state
        if not isinstance(dtype, _Dtype):
            raise _Forbidden(f"an array of type {dtype!r}")
        if type(shape) is not tuple or not all(type(n) is int and n >= 0 for n in shape):
            raise _Forbidden(f"an array of shape {shape!r}")
        self._shape: tuple[int, ...] = shape
        self._dtype, self._fortran, self._data = dtype.plain(), bool(fortran), data

    def plain(self) -> NDArray[Any]:
        """Return the numeric array over the pickled bytes."""
        data = self._data.encode("latin1") if isinstance(self._data, str) else self._data
        if self._dtype.hasobject or not isinstance(data, bytes):
            raise _Forbidden(f"an array of {self._dtype} made from {type(data).__name__}")
        if not self._dtype.itemsize:
            raise _Forbidden("an array of values without a size")
        if len(data) != math.prod(self._shape) * self._dtype.itemsize:
            raise ValueError(f"{len(data)} bytes for {self._shape} values of {self._dtype}")
        order: Literal["F", "C"] = "F" if self._fortran else "C"
        return np.ndarray(self._shape, self._dtype, buffer=data, order=order)

    def elements(self) -> list[Any] | None:
        """Return the elements of an array of objects, or None where it is numeric."""
        if not self._dtype.hasobject:
            return None
        if type(self._data) is not list or len(self._data) != math.prod(self._shape):
            raise ValueError(f"elements do not fill an array of shape {self._shape}")
        return self._data

    def filled_with(self, elements: list[Any]) -> NDArray[Any]:
        """Return this array of objects with its elements replaced by `elements`."""
        array = np.empty(len(elements), dtype=object)
        for index, element in enumerate(elements):
            array[index] = element
        return array.reshape(self._shape)


_ADMITTED: Final[dict[tuple[str, str], _StandIn]] = {
    ("numpy", "ndarray"): _ArrayType(),
    ("numpy", "dtype"): _DtypeMaker(),
    ("_codecs", "encode"): _Latin1Encoder(),
    ("builtins", "bytes"): _EmptyBytes(),
    ("__builtin__", "bytes"): _EmptyBytes(),
    # numpy 1 and numpy 2 call the same module by two names.
    ("numpy.core.multiarray", "_reconstruct"): _ArrayMaker(),
    ("numpy._core.multiarray", "_reconstruct"): _ArrayMaker(),
    ("numpy.core.multiarray", "scalar"): _ScalarMaker(),
    ("numpy._core.multiarray", "scalar"): _ScalarMaker(),
}


class _PlainUnpickler(pickle.Unpickler):
    """The unpickler of the standard library with no way to a class or function of Python's."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ADMITTED:
            raise _Forbidden(f"a {module}.{name}")
        return _ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise _Forbidden("a reference to an object outside the file")


class _Plain:
    """Turns what was unpickled into plain values, of which there may be so many."""

    def __init__(self, allowed: int) -> None:
        self._allowed = allowed
        # What was turned already, so that shared parts do not cost twice.
        self._done: dict[int, tuple[Any, int]] = {}

    def plain(self, value: Any, depth: int) -> tuple[Any, int]:
        """Return plain values and how many they are; shared ones count as often as they are used.

        Args:
            value: what was unpickled.
            depth: how deep it lies in other values.
        """
        if value is None or type(value) in (bool, int, float, complex, str, bytes):
            return value, 1
        if depth > BUDGET.depth:
            raise _Forbidden(f"values nested deeper than {BUDGET.depth}")
        if id(value) not in self._done:
            self._done[id(value)] = self._container(value, depth + 1)
        if self._done[id(value)][1] > self._allowed:
            raise _Forbidden(f"more than {self._allowed:,} values")
        return self._done[id(value)]

    def _container(self, value: Any, depth: int) -> tuple[Any, int]:
        elements: Sequence[Any]
        if type(value) is _Array:
            held = value.elements()
            if held is None:
                return value.plain(), 1
            elements = held
        elif type(value) is dict:
            if not all(type(key) in (str, int, float, bool, bytes) for key in value):
                raise _Forbidden("a dict with keys that are neither strings nor numbers")
            elements = list(value.values())
        elif type(value) in (list, tuple):
            elements = value
        else:
            raise _Forbidden(f"a {type(value).__name__.strip('_')}")
        turned = [self.plain(item, depth) for item in elements]
        items, count = [item for item, _ in turned], 1 + sum(number for _, number in turned)
        if type(value) is _Array:
            return value.filled_with(items), count
        if type(value) is dict:
            return dict(zip(value, items, strict=True)), count
        return (items if type(value) is list else tuple(items)), count
