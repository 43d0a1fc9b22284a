"""The plain error for a name that does not exist: what was asked, what exists, what is nearest."""

import difflib
from collections.abc import Iterable

from harness.foundation.errors import HarnessError

# Where there are more names than the first number, only the nearest are listed.
_LISTED_AT_MOST, _LISTED_OF_MANY = 40, 8


def nearest_name(name: str, known: Iterable[str]) -> str | None:
    """Return the known name most like `name`, or None where none is like it."""
    nearest = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return nearest[0] if nearest else None


def unknown_name(
    kind: str, name: str, known: Iterable[str], unlisted: Iterable[str] = ()
) -> HarnessError:
    """Return the error for an unknown `kind` (such as "model") called `name`.

    Args:
        kind: what was looked for.
        name: what it was called.
        known: the names that exist.
        unlisted: other names that are taken, too; one is only shown where it is the nearest of all.
    """
    names = sorted(known)
    nearest = nearest_name(name, [*names, *unlisted])
    hint = f"; did you mean '{nearest}'?" if nearest else ""
    more = ""
    if len(names) > _LISTED_AT_MOST:
        more = f" and {len(names) - _LISTED_OF_MANY} more"
        names = difflib.get_close_matches(name, names, n=_LISTED_OF_MANY, cutoff=0.0)
    return HarnessError(f"unknown {kind} '{name}'{hint} (known: {', '.join(names)}{more})")
