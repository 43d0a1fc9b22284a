"""One door for JSON and one for YAML: plain values, or one plain error, whatever the text."""

import json
import re
import string
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, read_text
from harness.foundation.plain_json import parse_json
from harness.foundation.plain_yaml import parse_yaml

JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8"), max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=10,
)


@given(JSON_VALUES)
def test_json_comes_through_as_it_is(value: Any) -> None:
    assert parse_json(json.dumps(value), "x") == value


@given(JSON_VALUES)
def test_yaml_that_a_program_wrote_comes_through_as_it_is(value: Any) -> None:
    written = yaml.safe_dump(value)
    # PyYAML writes a text such as 0E0 without quotes: a number of YAML 1.2, none of its own 1.1.
    assume(not re.search(r"(?:^|[\s\[{,-])[-+.]?\d[\d.]*[eE][-+]?\d+(?:$|[\s\]},:])", written))
    assert parse_yaml(written, "x") == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    "typed",
    [
        *("on", "off", "yes", "NO", "y", "02_01", "60_01", "1_000", "007", "0x1f", "0o17", "0b1"),
        *("1:30", "2024-01-01", "1e", ".", "-.", "+", "1.2.3", "e5", "="),
    ],
)
def test_what_is_no_number_of_json_is_the_text_that_was_typed(typed: str) -> None:
    assert parse_yaml(f"key: {typed}", "x") == {"key": typed}


@pytest.mark.parametrize(
    ("typed", "value"),
    [
        *(("1e-05", 1e-5), ("1e-3", 1e-3), ("5E4", 5e4), ("-3", -3), ("+5", 5), (".5", 0.5)),
        *(("1.50", 1.5), ("0", 0), ("true", True), ("False", False), ("null", None), ("~", None)),
    ],
)
def test_numbers_are_read_as_dvc_reads_them(typed: str, value: object) -> None:
    found = parse_yaml(f"key: {typed}", "x")["key"]
    by_dvc = YAML(typ="safe").load(f"key: {typed}")["key"]  # DVC's own reader
    assert (found, type(found)) == (value, type(value)) == (by_dvc, type(by_dvc))


@given(st.text(string.ascii_letters + string.digits + "+-._:~", min_size=1, max_size=8))
def test_a_key_is_always_text(key: str) -> None:
    try:
        found = parse_yaml(f"{key}: 1\n", "x")
    except HarnessError:
        return
    if isinstance(found, dict):
        assert all(isinstance(name, str) for name in found)


DEEP = 100_000
BAD_JSON = {
    "deep lists": ("[" * DEEP + "]" * DEEP, "nested too deep"),
    "deep dicts": ('{"a":' * 40 + "1" + "}" * 40, "nested deeper than 32"),
    "an integer of many digits": ("9" * 5000, "an integer of 5000 digits"),
    "a large integer": ("[1, 123456789012345678901]", "an integer of 21 digits"),
    "infinity": ('{"a": Infinity}', "'a': found Infinity, expected a finite number"),
    "NaN": ("[NaN]", "'0': found NaN, expected a finite number"),
    "a number beyond floats": (
        '{"a": [1, -1e999]}',
        "'a.1': found -Infinity, expected a finite number",
    ),
    "half a surrogate pair": (r'["\ud800"]', "surrogates not allowed"),
    "half a surrogate pair in a key": (r'{"\ud800": 1}', "surrogates not allowed"),
    "too many values": ("[" + "1," * 1_000_001 + "1]", "more than 1,000,000 values"),
    "too many floats": ("[" + "0.5," * 1_000_001 + "0.5]", "more than 1,000,000 values"),
    "a float too deep": ("[" * 33 + "0.5" + "]" * 33, "nested deeper than 32"),
    "nothing": ("", "Expecting value"),
}


@pytest.mark.parametrize("case", BAD_JSON)
def test_bad_json_is_one_plain_error(case: str) -> None:
    text, words = BAD_JSON[case]
    with pytest.raises(HarnessError, match=r"^x: is not valid JSON") as caught:
        parse_json(text, "x")
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


MULTIPLYING = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10)
)
BAD_YAML = {
    "aliases that multiply": (MULTIPLYING, "more than 1,000,000 values"),
    "a list that holds itself": ("a: &a [*a]", "aliases that hold themselves"),
    "a dict that holds itself": ("a: &a {b: *a}", "aliases that hold themselves"),
    "a dict that merges itself": ("a: &a {<<: *a}", ""),
    "deep lists": ("[" * DEEP, "nested deeper than 32"),
    "deep dicts": ("{a: " * 1000, "nested deeper than 32"),
    "an integer of many digits": ("a: " + "9" * 5000, "an integer of 5000 digits"),
    "a number beyond floats": ("a: 1e999", "1e999 is no finite number"),
    "a list as key": ("? [1]\n: 2", "a key that is no text"),
    "a key twice": ("a: 1\na: 2", "line 2: key 'a' is given twice"),
    "code": ("!!python/object/apply:os.getcwd []", "could not determine a constructor"),
    "a date by tag": ("!!timestamp 5", "could not determine a constructor"),
    "a number by tag": ("!!int five", "invalid literal"),
    "a truth value by tag": ("!!bool 5", "5 is neither true nor false"),
    "a zero byte": ("a: \x00", "control characters are not allowed"),
    "two documents": ("--- 1\n--- 2", "another document"),
    "too many values": ("[" + "1, " * 100_000 + "]", "more than 40,000 values"),
}


@pytest.mark.parametrize("case", BAD_YAML)
def test_bad_yaml_is_one_plain_error_soon(case: str) -> None:
    text, words = BAD_YAML[case]
    begun = time.monotonic()
    with pytest.raises(HarnessError, match=r"^x: is not valid YAML") as caught:
        parse_yaml(text, "x")
    assert time.monotonic() - begun < 10
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 500


def test_merged_keys_and_shared_values_are_read() -> None:
    text = "base: &base {a: 1, b: [1, 2]}\nown: {<<: *base, a: 3}\nagain: *base\n"
    base = {"a": 1, "b": [1, 2]}
    assert parse_yaml(text, "x") == {"base": base, "own": {"a": 3, "b": [1, 2]}, "again": base}
    assert parse_yaml("", "x") is None


@pytest.mark.parametrize("name", ["folder", "missing", "zero\0byte", "large", "latin1"])
def test_what_is_no_text_file_is_one_plain_error(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "large").write_bytes(b"1" * 101)
    (tmp_path / "latin1").write_bytes(b"\xe4")
    with pytest.raises(HarnessError, match=name.partition("\0")[0]):
        read_text(tmp_path / name, 100, "JSON")
    if name != "large":
        with pytest.raises(HarnessError):
            read_json(tmp_path / name)
