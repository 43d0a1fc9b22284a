"""What of a paper's table was reproduced: how many numbers, how far off, and in the same order?"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from harness.reporting.table_text import Table
from harness.scoring.rank_agreement import Agreement


@dataclass(frozen=True)
class Reproduction:
    """How much of one table or figure was reproduced.

    Attributes:
        table: how the paper calls it.
        about: what it shows.
        page: the page that shows it, relative to results/PROFILE/; None where there is none.
        printed: numbers printed for models that the harness has.
        measured: how many of them were measured here, on whatever data set.
        dataset: the data set measured on, None where nothing was.
        differences: measured minus printed, only where data set and kind of 2D are the same.
        compared: what the order is of.
        agreement: how far the order is the printed one, None where there is none to compare.
        notes: what a reader must know.
    """

    table: str
    about: str
    page: str | None
    printed: int
    measured: int
    dataset: str | None
    differences: tuple[float, ...] = ()
    compared: str = ""
    agreement: Agreement | None = None
    notes: tuple[str, ...] = ()


def reproduction_page(
    profile: str, found: Sequence[Reproduction], not_defined: Sequence[str]
) -> str:
    """Return the page that sums a profile up, as Markdown.

    Args:
        profile: the profile.
        found: how much of each table.
        not_defined: experiments of params.yaml that the profile has no budget for.
    """
    heads = ["table", "shows", "printed", "measured", "data set", "difference", "same order"]
    heads.append("Kendall's tau")
    lines = [
        [
            f"[{one.table}]({one.page})" if one.page else one.table,
            one.about,
            str(one.printed),
            str(one.measured),
            f"`{one.dataset}`" if one.dataset else "",
            difference_text(one.differences),
            pairs_text(one.agreement),
            tau_text(one.agreement),
        ]
        for one in found
    ]
    parts = [
        f"# What was reproduced: profile {profile}",
        Table(heads, lines, words=2).markdown(),
        _HOW_TO_READ,
    ]
    for one in found:
        told = [f"compared is the order of {one.compared}"] if one.agreement else []
        told += one.notes
        if one.measured < one.printed:
            told.append(f"{one.printed - one.measured} of {one.printed} numbers were not run")
        if told:
            parts.append("\n".join([f"**{one.table}**", "", *(f"- {line}" for line in told)]))
    if not_defined:
        parts.append(f"params.yaml defines no cells of {', '.join(not_defined)} on this profile.")
    return "\n\n".join(parts) + "\n"


_HOW_TO_READ = """\
- printed: numbers that the paper prints for models that the harness has; measured: how many of them
  were measured here, on the data set named.
- difference: measured minus printed in mm, mean and range; only where the data set is the paper's.
  Where it is another, millimetres cannot be compared, and the column is empty.
- same order: of the pairs of numbers that print tells apart, how many stand in the same order here.
- Kendall's tau: over these pairs, 1 for the printed order, -1 for the opposite, 0 for none, with
  its 95 % interval over resampled takes, and seeds where a line has several; none where every
  resample gives the same order, as few pairs easily do. Of one seed it does not cover what other
  seeds would give: an order seen with one seed and short training is no
  verdict."""


def difference_text(differences: Sequence[float]) -> str:
    """Return mean and range of differences in mm, "" where there are none."""
    if not differences:
        return ""
    low, high = min(differences), max(differences)
    return f"{np.mean(differences):+.1f} ({low:+.1f} to {high:+.1f})"


def pairs_text(found: Agreement | None) -> str:
    """Return how many pairs agree, "" where none are compared."""
    return "" if found is None or not found.pairs else f"{found.agreeing} of {found.pairs} pairs"


def tau_text(found: Agreement | None) -> str:
    """Return tau with its interval, "" where there is none.

    Where every resample gives the same order, as of one or two pairs, an interval of no width would
    look like certainty: there is none then.
    """
    if found is None or found.tau is None:
        return ""
    if found.low is None or found.high is None or found.low == found.high:
        return f"{found.tau:+.2f}"
    return f"{found.tau:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
