"""Text of strangers as people may see it: it moves no cursor, hides nothing and runs nowhere."""

from typing import Any

_FORMULA = ("=", "+", "-", "@")


def shown(value: Any, longest: int = 300) -> str:
    """Return a value on one line, everything that does not print escaped, the rest cut off.

    Args:
        value: text, or what `str` makes text of; an exception without text gives its name.
        longest: characters; beyond them the middle is left out.
    """
    text = str(value)
    if isinstance(value, BaseException) and not text.strip():
        text = type(value).__name__
    text = escaped(" ".join(text.split()))
    if len(text) > longest:
        half = (longest - 5) // 2
        text = f"{text[:half]} ... {text[-half:]}"
    return text


def escaped(text: str) -> str:
    """Return text with control characters, terminal sequences and line breaks escaped."""
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else character.encode("unicode_escape", "surrogatepass").decode("ascii")
        for character in text
    )


def escaped_lines(text: str) -> str:
    """Return text as `escaped` does, with its own lines and tabs kept."""
    return "\n".join(
        "\t".join(escaped(part) for part in line.split("\t")) for line in text.split("\n")
    )


def cell(value: Any) -> Any:
    """Return what to write into a CSV file: text that a spreadsheet would run gets a quote mark.

    Numbers, and text that is a number, stay as they are.
    """
    if not isinstance(value, str):
        return value
    text = escaped(value)
    if text.startswith(_FORMULA):
        try:
            float(text)
        except ValueError:
            return f"'{text}"
    return text
