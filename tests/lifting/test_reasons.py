"""What the cards say of our methods: where they differ from the original, and why."""

import pytest

from harness.lifting.reasons import explained_differences
from harness.lifting.registry import METHODS, method_called

# Differences that name their reason themselves, or that are none: "as there".
SAY_WHY = (
    "no code was published:",
    "neighbour weights are bounded",
    "coordinates are the plain form",
    "60 epochs: the public code goes on",
    "the refinement's symmetry loss takes absolute differences",
    "the last epoch is kept",
    "batch_size counts both halves",
    "as there, where the root of unlabelled subjects is",
)


@pytest.mark.parametrize("name", METHODS)
def test_every_difference_says_why(name: str) -> None:
    method = method_called(name)
    explained = explained_differences(method)
    assert len(explained) == len(method.differences) > 0
    for difference, text in zip(method.differences, explained, strict=True):
        if difference.startswith(SAY_WHY):
            assert text == difference
        else:
            assert text.startswith(f"{difference}. Why: ")
