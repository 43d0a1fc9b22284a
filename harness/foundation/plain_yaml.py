"""The one door for YAML, and the one rule of what is a number in it.

A number is what JSON calls one (1, -0.5, 1e-3); true, false and null are themselves; everything
else is the text that was typed: on, off, yes, 02_01, 1_000, 2024-01-01. YAML 1.1 would turn these
into truth values, 129, 1000 and a date, and would take 1e-3 for text. DVC reads params.yaml as
YAML 1.2, which agrees wherever a project's settings are concerned.
"""

import math
import re
from typing import Any, ClassVar

import yaml
from yaml.composer import Composer
from yaml.constructor import SafeConstructor
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.resolver import Resolver

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.shown import shown


def parse_yaml(text: str, where: str) -> Any:
    """Return the value that YAML text holds: dicts with keys of text, lists, text, numbers.

    Args:
        text: the text.
        where: the file, or the option that it was typed for; errors name it.

    Raises:
        HarnessError: it is not YAML, gives a key twice, or breaks the budget: nested too deep,
            aliases that multiply or hold themselves, an integer of too many digits.
    """
    loader = None
    try:
        loader = _Loader(text)  # as safe as a SafeLoader: no tag makes an object
        node = loader.get_single_node()
        if node is None:
            return None
        _count(node, {}, 0)
        return loader.construct_document(node)
    except yaml.YAMLError as error:
        raise HarnessError(f"{where}: is not valid YAML: {_problem(error)}") from error
    except (ValueError, TypeError, RecursionError) as error:
        raise HarnessError(f"{where}: is not valid YAML: {shown(error)}") from error
    finally:
        if loader is not None:
            loader.dispose()


class _Loader(Composer, CParser, SafeConstructor, Resolver):
    """YAML's safe loader with JSON's numbers and kinds, and without a key given twice.

    libyaml reads, six times as fast as Python would, and Python's composer and constructor, in
    which the limits are, make of it what they make of Python's own reading.
    """

    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] in ("map", "seq", "str", "null")
    }

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        Composer.__init__(self)
        SafeConstructor.__init__(self)
        Resolver.__init__(self)
        self._depth = self._nodes = 0

    def compose_node(self, parent: Any, index: Any) -> yaml.Node | None:
        self._depth += 1
        self._nodes += 1
        if self._depth > BUDGET.depth:
            raise ValueError(f"nested deeper than {BUDGET.depth}")
        if self._nodes > BUDGET.yaml_nodes:
            raise ValueError(f"more than {BUDGET.yaml_nodes:,} values")
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.composer.ComposerError(
                    problem="a key that is no text", problem_mark=key.start_mark
                )
            if key.value in seen:
                raise yaml.composer.ComposerError(
                    problem=f"key '{key.value}' is given twice", problem_mark=key.start_mark
                )
            seen.add(key.value)
        return node

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        return {key.value: self.construct_object(value, deep=deep) for key, value in node.value}


def _integer(loader: _Loader, node: yaml.ScalarNode) -> int:
    if len(node.value) > BUDGET.digits + 1:
        raise ValueError(f"an integer of {len(node.value)} digits")
    return int(node.value)


def _float(loader: _Loader, node: yaml.ScalarNode) -> float:
    value = float(node.value.replace(".inf", "inf").replace(".nan", "nan"))
    if math.isinf(value) and "inf" not in node.value:
        raise ValueError(f"{node.value[:20]} is no finite number")
    return value


def _boolean(loader: _Loader, node: yaml.ScalarNode) -> bool:
    if node.value.lower() not in ("true", "false"):
        raise ValueError(f"{node.value} is neither true nor false")
    return node.value.lower() == "true"


_Loader.yaml_implicit_resolvers = {}  # none of YAML 1.1
_RULES = (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    (
        "float",
        r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan",
        "-+0123456789.",
    ),
    ("merge", r"<<", "<"),
)
for _name, _pattern, _first in _RULES:
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_name}", re.compile(f"^(?:{_pattern})$"), list(_first)
    )
for _name, _construct in (("int", _integer), ("float", _float), ("bool", _boolean)):
    _Loader.yaml_constructors[f"tag:yaml.org,2002:{_name}"] = _construct


def _count(node: yaml.Node, done: dict[int, int], depth: int) -> int:
    """Return how many values a node holds, an alias counted wherever it is used.

    Raises:
        ValueError: there are too many, too deep, or a node holds itself.
    """
    if depth > BUDGET.depth:
        raise ValueError(f"nested deeper than {BUDGET.depth}")
    if id(node) not in done:
        done[id(node)] = BUDGET.items + 1  # of a node that holds itself
        inner: list[yaml.Node] = []
        if isinstance(node, yaml.MappingNode):
            inner = [item for pair in node.value for item in pair]
        elif isinstance(node, yaml.SequenceNode):
            inner = node.value
        done[id(node)] = 1 + sum(_count(item, done, depth + 1) for item in inner)
    if done[id(node)] > BUDGET.items:
        raise ValueError(f"aliases that hold themselves or more than {BUDGET.items:,} values")
    return done[id(node)]


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = shown(getattr(error, "problem", None) or str(error).splitlines()[0])
    return problem if mark is None else f"line {mark.line + 1}: {problem}"
