"""What files say can neither write to the terminal, break a line nor run in a spreadsheet."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.foundation.errors import HarnessError
from harness.foundation.shown import cell, escaped, escaped_lines, shown

ANY_TEXT = st.text(st.characters(), max_size=40)


@given(ANY_TEXT)
def test_whatever_is_shown_prints_on_one_line(text: str) -> None:
    for told in (shown(text), escaped(text), str(HarnessError(text))):
        assert told.isprintable()
        told.encode()
    assert all(line.isprintable() for line in escaped_lines(text).replace("\t", "").split("\n"))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("one\ntwo\r", r"one\ntwo\r"),
        ("a\u202eb\ud800", r"a\u202eb\ud800"),
        ("Häuser 日本 'x' \\", "Häuser 日本 'x' \\"),
    ],
)
def test_what_does_not_print_is_escaped_and_nothing_else(text: str, told: str) -> None:
    assert escaped(text) == told == escaped(told)


def test_long_text_loses_its_middle_and_errors_without_text_tell_their_kind() -> None:
    assert shown("x" * 1000, longest=21) == "xxxxxxxx ... xxxxxxxx"
    assert shown(KeyError()) == "KeyError"
    assert shown(" two\n lines ") == "two lines"


@pytest.mark.parametrize("text", ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "\r=1"])
def test_a_cell_that_a_spreadsheet_would_run_is_text(text: str) -> None:
    told = cell(text)
    assert not told.startswith(("=", "+", "-", "@", "\t", "\r"))
    stream = io.StringIO()
    csv.writer(stream).writerow([told])
    assert next(csv.reader(io.StringIO(stream.getvalue()))) == [told]


@pytest.mark.parametrize("value", [-1.5, 3, None, "-1.5", "+2", "-1e-3", "S1/Walking", "a=b"])
def test_numbers_and_plain_text_stay_as_they_are(value: object) -> None:
    assert cell(value) == value
