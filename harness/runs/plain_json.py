"""The one door for JSON: plain, finite values within the budget, or one plain error."""

import json
import math
from typing import Any, NoReturn

from harness.runs.budget import BUDGET
from harness.runs.errors import HarnessError
from harness.runs.shown import shown


def parse_json(text: str, where: str) -> Any:
    """Return the value that JSON text holds.

    Args:
        text: the text.
        where: the file, or the option that it was typed for; errors name it.

    Raises:
        HarnessError: it is not JSON, or holds NaN or infinity, too deep a nesting, too many values
            or an integer of too many digits.
    """
    try:
        value = json.loads(
            text, parse_int=_integer, parse_float=_finite, parse_constant=_no_constant
        )
        _check(value)
    except RecursionError as error:
        raise HarnessError(f"{where}: is not valid JSON (nested too deep)") from error
    except ValueError as error:
        raise HarnessError(f"{where}: is not valid JSON ({shown(error)})") from error
    return value


def _integer(text: str) -> int:
    if len(text) > BUDGET.digits + 1:
        raise ValueError(f"an integer of {len(text)} digits")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(f"{text[:20]} is no finite number")
    return value


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no finite number")


def _check(value: Any) -> None:
    """Raise ValueError where there are too many values, too deep, or text that is no Unicode."""
    waiting, count = [(value, 0)], 0
    while waiting:
        item, depth = waiting.pop()
        count += 1
        if depth > BUDGET.depth:
            raise ValueError(f"nested deeper than {BUDGET.depth}")
        if count > BUDGET.items:
            raise ValueError(f"more than {BUDGET.items:,} values")
        if isinstance(item, str):
            item.encode()  # half of a surrogate pair can be neither shown nor written
        elif isinstance(item, dict):
            waiting += [(inner, depth + 1) for pair in item.items() for inner in pair]
        elif isinstance(item, list):
            waiting += [(inner, depth + 1) for inner in item]
