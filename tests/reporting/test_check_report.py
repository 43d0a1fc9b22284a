"""What a failed check says: short where many models fail, and with numbers that do differ."""

import torch

from harness.reporting.regression.fingerprint import fingerprint
from harness.reporting.regression.report import outcome
from harness.reporting.regression.stages import Report, Stage, StageFinding


def failed(stage: Stage, *models: str) -> list[StageFinding]:
    return [
        StageFinding(stage=stage, model=model, outcome="failed", remark="why") for model in models
    ]


def test_many_models_are_counted_and_a_few_named() -> None:
    report = Report(
        "quick", [*failed("steps", "a", "b", "c", "d"), *failed("scores", "d", "e", "f")]
    )
    assert outcome(report) == "failed at steps of 4 models and scores of e, f"


def test_two_fingerprints_are_told_apart_by_the_number_that_differs() -> None:
    large, small = torch.full((2,), 1e6), torch.tensor([1.0, 2.0])
    one = fingerprint([large, small])
    two = fingerprint([large, small + 0.5])
    assert f"{one.norm:.9g}" == f"{two.norm:.9g}"
    told = two.beside(one)
    assert told.startswith("of weighted sum ")
    values = told.removeprefix("of weighted sum ").split(", the reference's ")
    assert values[0] != values[1]
