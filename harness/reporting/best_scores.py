"""The best stored score of each model, with the run that made it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from harness.runs.errors import HarnessError
from harness.runs.files import read_json
from harness.scoring.stored_score import read_header

METRIC = "MPJPE"


@dataclass(frozen=True)
class BestScore:
    """The lowest MPJPE of a model under one set of conditions.

    Attributes:
        model: the model.
        dataset: the data set, of whose test split it is.
        protocol: id of the protocol.
        input_2d: the 2D source, and what else the lifter was given.
        value: MPJPE in millimetres, averaged as the protocol says.
        run_id: the training run.
    """

    model: str
    dataset: str
    protocol: str
    input_2d: str
    value: float
    run_id: str

    @property
    def conditions(self) -> tuple[str, str, str, str]:
        """What the score is the best of; numbers of other conditions do not compare with it."""
        return self.model, self.dataset, self.protocol, self.input_2d


def best_scores(results: Path = Path("results")) -> list[BestScore]:
    """Return the best score of every model by data set, protocol and 2D source, sorted by these.

    Only headers and averages are read. Scores of corrupted input or other splits than test do not
    count, nor do those of another version of the program, which it cannot read.

    Args:
        results: the folder of all results.
    """
    best: dict[tuple[str, str, str, str], BestScore] = {}
    for score in _stored(results):
        known = best.get(score.conditions)
        if known is None or score.value < known.value:
            best[score.conditions] = score
    return [best[conditions] for conditions in sorted(best)]


def _stored(results: Path) -> Iterable[BestScore]:
    for path in sorted(results.glob("*/runs/*/scores/*/score.json")):
        try:
            conditions = read_header(path.parent).conditions
            averages = read_json(path.with_name("metrics.json"))
        except HarnessError:
            continue
        made = conditions.predictions
        if made.split == "test" and made.corruption is None and METRIC in averages:
            yield BestScore(
                model=made.model,
                dataset=made.dataset,
                protocol=conditions.protocol,
                input_2d=made.input_2d + (" and root depth" if made.uses_root_depth else ""),
                value=averages[METRIC],
                run_id=made.run_id,
            )
