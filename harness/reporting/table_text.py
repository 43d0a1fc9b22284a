"""A table as Markdown for people here and as LaTeX (booktabs) for a paper."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tabulate import tabulate

Mark = Literal["", "best", "second"]

MARKS_TOLD = (
    "Bold: the best, and what follows it, down to the first that the 95 % interval of the "
    "difference tells from it; that one is italic (underlined in LaTeX)."
)

_SPECIAL = str.maketrans(
    {
        **{character: f"\\{character}" for character in "&%$#_{}"},
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "\\": r"\textbackslash{}",
        "`": "",
        "µ": r"\textmu{}",
        "<": "$<$",
        ">": "$>$",
    }
)


@dataclass(frozen=True)
class Cell:
    """What stands in one place of a table.

    Attributes:
        text: plain text; backticks set off names in Markdown and are left out of LaTeX.
        mark: whether it is the best of its column, or the second.
        key: what LaTeX cites beside it, or "".
    """

    text: str
    mark: Mark = ""
    key: str = ""

    def markdown(self) -> str:
        """Return the cell as Markdown has it."""
        around = {"": "", "best": "**", "second": "*"}[self.mark] if self.text else ""
        return f"{around}{self.text}{around}"

    def latex(self) -> str:
        """Return the cell as LaTeX has it."""
        text = self.text.translate(_SPECIAL)
        if self.text and self.mark:
            command = "textbf" if self.mark == "best" else "underline"
            text = f"\\{command}{{{text}}}"
        return f"{text}~\\cite{{{self.key}}}" if self.key else text


@dataclass(frozen=True)
class Table:
    """A finished table.

    Attributes:
        heads: a head a column.
        lines: the lines; shorter ones are filled up with empty cells.
        caption: what LaTeX says above it; a table without a caption stands in Markdown alone.
        words: columns of words before those of numbers.
    """

    heads: Sequence[str]
    lines: Sequence[Sequence[str | Cell]]
    caption: str = ""
    words: int = 1

    def markdown(self) -> str:
        """Return the table in Markdown's pipes."""
        alignment = ["left"] * self.words + ["right"] * (len(self.heads) - self.words)
        return tabulate(
            [[cell.markdown() for cell in line] for line in self._filled()],
            self.heads,
            tablefmt="pipe",
            disable_numparse=True,
            colalign=alignment,
        )

    def latex(self, label: str) -> str:
        """Return a `table*` environment for the package booktabs.

        Args:
            label: what the text refers to it by.
        """
        columns = "l" * self.words + "r" * (len(self.heads) - self.words)
        rows = [" & ".join(cell.latex() for cell in line) + r" \\" for line in self._filled()]
        heads = " & ".join(Cell(head).latex() for head in self.heads)
        return "\n".join(
            [
                r"\begin{table*}",
                r"  \centering\footnotesize\setlength{\tabcolsep}{3pt}",
                f"  \\caption{{{Cell(self.caption).latex()}}}",
                f"  \\label{{tab:{label}}}",
                f"  \\begin{{tabular}}{{{columns}}}",
                r"    \toprule",
                f"    {heads} \\\\",
                r"    \midrule",
                *(f"    {row}" for row in rows),
                r"    \bottomrule",
                r"  \end{tabular}",
                r"\end{table*}",
            ]
        )

    def _filled(self) -> list[list[Cell]]:
        lines = [
            [cell if isinstance(cell, Cell) else Cell(cell) for cell in line] for line in self.lines
        ]
        return [line + [Cell("")] * (len(self.heads) - len(line)) for line in lines]


@dataclass(frozen=True)
class Page:
    """A finished page of tables.

    Attributes:
        name: of its files, without ending.
        parts: for people, in order: text and tables.
        csv: the same numbers, a line each.
    """

    name: str
    parts: Sequence[str | Table]
    csv: str

    @property
    def markdown(self) -> str:
        """The page as Markdown."""
        told = [part.markdown() if isinstance(part, Table) else part for part in self.parts]
        return "\n\n".join(told) + "\n"

    @property
    def latex(self) -> str:
        """The page's tables that have a caption, as LaTeX; "" where there are none."""
        tables = [part for part in self.parts if isinstance(part, Table) and part.caption]
        label = self.name.replace("_", "-")
        shown = [table.latex(f"{label}-{n}" if n else label) for n, table in enumerate(tables)]
        if not shown:
            return ""
        head = "% \\usepackage{booktabs}; keys: references.bib. Bold best, underlined second."
        return "\n\n".join([head, *shown]) + "\n"
