"""Changes of a file's bytes that depend on nothing but a seed: what damage and malice look like."""

import io
import json
import random
import re
import zipfile
from pathlib import Path
from typing import Any

import pandas as pd

ODD_VALUES: list[Any] = [
    *(None, True, 0, -1, 1, 10**6, 10**12, -(10**12), 10**400, 0.0, -0.0, 1e-320, 1e308),
    *(float("nan"), float("inf"), "", " ", "0", "..", "../../x", "/etc/passwd", "\x1b[31m", "\n"),
    *("\u202e", "\ud800", "=1+1", "x" * 100_000, "$(touch it_ran)", "'; touch it_ran; '"),
    *([], {}, [[]], [None], {"": None}, {"a": {"b": []}}, [1e308] * 3, ["a"] * 1000),
]
ODD_TEXT = [
    *("-", "-1", "0", "1e309", "nan", "inf", "9" * 5000, "1_0", "on", "~", "&a [*a]", "!!a/b x"),
    *("[" * 3000, "{" * 3000, "\x00", "\x1b]0;x\x07", "\r\n", "\t", "é", "=1+1", ":", "#"),
    *("'", '"'),
]
ODD_BYTES = [b"\x00", b"\xff", b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff", b"\x80\x00\x00\x00", b"\n"]
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")


def mutate(content: bytes, suffix: str, rng: random.Random) -> bytes:
    """Return `content` with one to three changes of a kind that suits files with this suffix."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        own = {
            ".json": _in_json,
            ".npz": _in_archive,
            ".pt": _in_archive,
            ".parquet": _in_table,
            ".safetensors": _in_header,
        }.get(suffix)
        try:
            content = own(content, rng) if own and rng.random() < 0.7 else _in_bytes(content, rng)
        except Exception:  # changed before, so that it is of its kind no more
            content = _in_bytes(content, rng)
    return content


def _in_bytes(content: bytes, rng: random.Random) -> bytes:
    kind = rng.randrange(8)
    at = rng.randrange(len(content) + 1)
    length = rng.choice((1, 2, 4, 8, 64, 1000))
    if kind == 0:
        return content[:at]
    if kind == 1:
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 4, 30))):
            if changed:
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return bytes(changed)
    if kind == 2:
        return content[:at] + content[at + length :]
    if kind == 3:
        return content[:at] + content[at : at + length] * rng.choice((2, 2, 50)) + content[at:]
    if kind == 4:
        odd = rng.choice(ODD_BYTES) * rng.choice((1, 1, 8))
        return content[:at] + odd + content[at + len(odd) :]
    if kind == 5:
        numbers = list(_NUMBER.finditer(content))
        if numbers:
            found = rng.choice(numbers)
            odd = rng.choice(ODD_TEXT).encode("utf-8")
            return content[: found.start()] + odd + content[found.end() :]
    if kind == 6:
        lines = content.split(b"\n")
        line = rng.randrange(len(lines))
        change = rng.randrange(3)
        if change == 0:
            del lines[line]
        elif change == 1:
            lines.insert(line, lines[rng.randrange(len(lines))])
        else:
            lines[line] = rng.choice(ODD_TEXT).encode("utf-8")
        return b"\n".join(lines)
    odd = rng.choice(ODD_TEXT).encode("utf-8")
    return content[:at] + odd + content[at:]


def _in_json(content: bytes, rng: random.Random) -> bytes:
    value = json.loads(content)
    places: list[tuple[Any, Any]] = []
    waiting = [value]
    while waiting:
        item = waiting.pop()
        inner = item.items() if isinstance(item, dict) else enumerate(item)
        for key, held in inner:
            places.append((item, key))
            if isinstance(held, dict | list):
                waiting.append(held)
    holder, key = rng.choice(places)
    change = rng.randrange(6)
    if change == 0:
        del holder[key]
    elif change == 1 and isinstance(holder, dict):
        holder[str(rng.choice(ODD_VALUES))[:100]] = holder.pop(key)
    elif change == 2:
        holder[key] = [holder[key]]
    elif change == 3:
        other, place = rng.choice(places)
        try:
            holder[key] = json.loads(json.dumps(other[place]))
        except (KeyError, IndexError):
            holder[key] = None
    else:
        holder[key] = rng.choice(ODD_VALUES)
    return json.dumps(value).encode()


def _in_archive(content: bytes, rng: random.Random) -> bytes:
    """Change a member and pack it anew, with a right checksum."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = [(item.filename, archive.read(item)) for item in archive.infolist()]
    number = rng.randrange(len(members))
    name, member = members[number]
    change = rng.randrange(10)
    if change == 0:
        del members[number]
    elif change == 1:
        members[number] = (str(rng.choice(ODD_VALUES))[:100] + ".npy", member)
    else:
        members[number] = (name, _in_bytes(member, rng))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, member in members:
            archive.writestr(zipfile.ZipInfo(name), member)
    return packed.getvalue()


def _in_table(content: bytes, rng: random.Random) -> bytes:
    """Change a cell, a column or the rows of a table, and write it anew."""
    table = pd.read_parquet(io.BytesIO(content))
    column = rng.choice(list(table.columns))
    change = rng.randrange(5)
    if change == 0:
        table = table.drop(columns=column)
    elif change == 1:
        table = pd.concat([table, table.iloc[[rng.randrange(len(table))]]])
    elif change == 2:
        table = table.sample(frac=1.0, random_state=rng.randrange(1000))
    else:
        odd = rng.choice([value for value in ODD_VALUES if not isinstance(value, list | dict)])
        cells = table[column].astype(object).tolist()
        cells[rng.randrange(len(cells))] = odd
        if change == 4:
            cells = [odd] * len(cells)
        table[column] = cells
    packed = io.BytesIO()
    table.to_parquet(packed, index=False)
    return packed.getvalue()


def _in_header(content: bytes, rng: random.Random) -> bytes:
    """Change the JSON in front of a safetensors file, or the contract that it holds as text."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    if rng.random() < 0.7:
        contract = header["__metadata__"]["contract"].encode()
        header["__metadata__"]["contract"] = _in_json(contract, rng).decode()
        changed = json.dumps(header).encode()
    else:
        changed = _in_json(json.dumps(header).encode(), rng)
    return len(changed).to_bytes(8, "little") + changed + content[8 + length :]


def changed_file(path: Path, content: bytes, rng: random.Random) -> None:
    """Write a mutation of `content` to `path`; now and then it is empty, a folder or not there."""
    path.unlink(missing_ok=True)
    kind = rng.randrange(200)
    if kind == 0:
        path.mkdir()
    elif kind == 1:
        path.touch()
    elif kind > 2:
        path.write_bytes(mutate(content, path.suffix, rng))
