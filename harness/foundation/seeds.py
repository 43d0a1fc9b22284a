"""Random seeds derived by hashing, so that adding one thing never shifts another's randomness."""

import hashlib


def derive_seed(base: int, *axes: str | int) -> int:
    """Return a 63-bit seed of a base seed for named axes, such as ("order", epoch)."""
    text = "\x1f".join([str(base), *map(str, axes)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
