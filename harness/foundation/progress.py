"""Progress on the terminal: a bar for people, nothing where no person watches."""

from collections.abc import Generator, Iterable
from typing import TypeVar

Item = TypeVar("Item")


def track(
    items: Iterable[Item], description: str, total: int | None = None
) -> Generator[Item, None, None]:
    """Yield `items` while a bar on standard error shows how many are done and the time left."""
    from rich.console import Console
    from rich.progress import track as rich_track

    console = Console(stderr=True)
    yield from rich_track(
        items,
        description=description,
        total=total,
        console=console,
        disable=not console.is_terminal,
        transient=True,
    )
