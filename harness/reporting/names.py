"""How tables and figures call a method, by its paper's title and a key made of it; their order."""

import re
from collections.abc import Iterable
from functools import cache

from harness.foundation.errors import HarnessError
from harness.lifting.registry import method_called


@cache
def title_of(model: str) -> str:
    """Return a method's title; of what is no method here, such as a grid's variation, the name."""
    try:
        return method_called(model).title
    except HarnessError:
        return model


@cache
def reference_of(model: str) -> str:
    """Return a method's publication, "" where there is none."""
    try:
        return method_called(model).reference
    except HarnessError:
        return ""


def citation_key(reference: str) -> str:
    """Return the first author's name and the year, such as "martinez2017"; "" without a year.

    Args:
        reference: authors, title, venue and year, in words.
    """
    year = re.search(r"\b(?:19|20)\d\d\b", reference)
    name = r"([A-Za-zÀ-ÿ-]+)"
    author = re.search(rf"{name}(?: et al\.| and )", reference) or re.match(rf"{name}, ", reference)
    return f"{author[1].lower()}{year[0]}" if year and author else ""


def bibliography(models: Iterable[str]) -> str:
    """Return the publications of methods as BibTeX, one for each key; methods may share a paper."""
    entries: dict[str, str] = {}
    for model in models:
        reference = reference_of(model)
        key = citation_key(reference)
        authors, _, rest = reference.partition(", ")
        title, _, venue = rest.rpartition(", ")
        if key and title:
            entries[key] = (
                f"@misc{{{key},\n  author = {{{authors.replace(' et al.', ' and others')}}},\n"
                f"  title = {{{{{title}}}}},\n  howpublished = {{{venue}}},\n"
                f"  year = {{{key[-4:]}}}\n}}\n"
            )
    return "\n".join(entries.values())


def natural_order(label: str) -> list[tuple[int, str]]:
    """Return the key that orders names as people do: whatever their case, and S9 before S11."""
    parts = re.split(r"(\d+)", label.casefold())
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
