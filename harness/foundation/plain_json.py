"""The one door for JSON: plain, finite values within the budget, or one plain error."""

import json
import math
from typing import Any

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown


def parse_json(text: str, where: str, most_items: int = BUDGET.items) -> Any:
    """Return the value that JSON text holds.

    Args:
        text: the text.
        where: the file, or the option that it was typed for; errors name it.
        most_items: values that it may hold.

    Raises:
        HarnessError: it is not JSON, or holds NaN or infinity, too deep a nesting, too many values
            or an integer of too many digits.
    """
    try:
        value = json.loads(text, parse_int=_integer)
        _check(value, most_items)
    except RecursionError as error:
        raise HarnessError(f"{where}: is not valid JSON (nested too deep)") from error
    except ValueError as error:
        raise HarnessError(f"{where}: is not valid JSON ({shown(error)})") from error
    return value


def _integer(text: str) -> int:
    if len(text) > BUDGET.digits + 1:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _check(value: Any, most_items: int) -> None:
    """Raise ValueError where there are too many values, too deep, or some that are not plain.

    A number without an end is named by its key, half of a surrogate pair can be neither shown nor
    written.
    """
    waiting: list[tuple[Any, tuple[Any, ...]]] = [(value, ())]
    count = 0
    while waiting:
        item, place = waiting.pop()
        count += 1
        if len(place) > BUDGET.depth:
            raise ValueError(f"nested deeper than {BUDGET.depth}")
        if isinstance(item, str):
            item.encode()
        elif isinstance(item, float) and not math.isfinite(item):
            key = ".".join(map(str, place)) or "value"
            raise ValueError(f"'{key}': found {json.dumps(item)}, expected a finite number")
        elif isinstance(item, dict):
            for key, inner in item.items():
                key.encode()
                waiting.append((inner, (*place, key)))
        elif isinstance(item, list):
            leaves_fit = len(place) < BUDGET.depth
            for number, inner in enumerate(item):
                if leaves_fit and type(inner) is float and math.isfinite(inner):
                    count += 1  # most of a large file: nothing else to look at
                else:
                    waiting.append((inner, (*place, number)))
        if count > most_items:
            raise ValueError(f"more than {most_items:,} values")
