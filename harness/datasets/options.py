"""Checks that the options of several importers share, as annotations of their settings."""

from collections.abc import Collection

from pydantic import AfterValidator


def among(known: Collection[str], what: str) -> AfterValidator:
    """Return a check that every name of a tuple is one of `known`; None, for all of them, passes.

    Args:
        known: the names that the data set has.
        what: how an error calls them, such as "subjects".
    """

    def check(names: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if names is not None and not set(names) <= set(known):
            raise ValueError(f"{what} among {', '.join(known)}")
        return names

    return AfterValidator(check)


def recorded_at(rate: float, dataset: str) -> AfterValidator:
    """Return a check that a frame rate is the one that a data set was recorded at."""

    def check(fps: float) -> float:
        if fps != rate:
            raise ValueError(f"{rate:g}, the rate {dataset} was recorded at; resample the files")
        return fps

    return AfterValidator(check)
