"""Integers that Python 2 wrote as text, in PyTorch's format before 1.6, as PyTorch reads them now.

Python 2 pickled integers beyond 32 bits, such as the addresses by which optimisers once named
parameters, as decimal text; the reader of PyTorch that runs no code does not know that form.
"""

import io
import pickle
import pickletools
from pathlib import Path

_PICKLES = 5  # magic number, protocol, system, content, keys of the storages that follow


def without_text_integers(path: Path) -> io.BytesIO:
    """Return the file with such integers in binary form and all else as it is; nothing is run.

    Raises:
        ValueError: the file's pickles cannot be walked through.
    """
    content = path.read_bytes()
    stream, result = io.BytesIO(content), io.BytesIO()
    for _ in range(_PICKLES):
        operations = [(name.name, value, at) for name, value, at in pickletools.genops(stream)]
        ends = [at for _, _, at in operations[1:]] + [stream.tell()]
        for (name, value, at), end in zip(operations, ends, strict=True):
            if name == "INT" and isinstance(value, int) and not isinstance(value, bool):
                coded = pickle.encode_long(value)
                result.write(pickle.LONG1 + bytes([len(coded)]) + coded)
            else:
                result.write(content[at:end])
    result.write(content[stream.tell() :])
    result.seek(0)
    return result
