"""The best stored score of each model, averaged over the seeds of one configuration."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, sha256_of_json, visible
from harness.foundation.provenance import read_record
from harness.prediction.stored import OF_ONE_RUN
from harness.reporting.stored.run_folders import all_run_folders
from harness.scoring.protocols import protocol_called
from harness.scoring.stored_score import ScoreHeader, read_header

METRIC = "MPJPE"


@dataclass(frozen=True)
class BestScore:
    """The lowest MPJPE that a configuration of a model reaches under one set of conditions.

    A configuration is everything that shapes a run but its seed; its score is the mean over seeds,
    for the lowest of several seeds is luck.

    Attributes:
        model: the model.
        dataset: the data set, of whose test split it is.
        data_hash: its hash; two sets may have one name, as two selections of the CMU database do.
        protocol: id of the protocol.
        input_2d: the 2D source, and what else the lifter was given.
        value: MPJPE in millimetres, averaged as the protocol says, then over seeds.
        seeds: the training seeds.
        by_seed: MPJPE of each seed.
        run_ids: the training run of each seed.
    """

    model: str
    dataset: str
    data_hash: str
    protocol: str
    input_2d: str
    value: float
    seeds: tuple[int, ...]
    by_seed: tuple[float, ...]
    run_ids: tuple[str, ...]

    @property
    def conditions(self) -> tuple[str, str, str, str, str]:
        """What the score is the best of; numbers of other conditions do not compare with it."""
        return self.model, self.dataset, self.data_hash, self.protocol, self.input_2d


def best_scores(results: Path = Path("results")) -> list[BestScore]:
    """Return the best score of every model by data set, protocol and 2D source, sorted by these.

    Only records, headers and averages are read. Scores of corrupted input or other splits than
    test do not count, nor do those made when the protocol was defined otherwise, nor those of
    another version of the program, which it cannot read.

    Args:
        results: the folder of all results.
    """
    configurations: dict[tuple[str, str], list[_Stored]] = defaultdict(list)
    for stored in _stored(results):
        configurations[stored.configuration, stored.protocol].append(stored)
    best: dict[tuple[str, ...], BestScore] = {}
    for alike in configurations.values():
        score = _mean_over_seeds(alike)
        known = best.get(score.conditions)
        if known is None or score.value < known.value:
            best[score.conditions] = score
    return [best[conditions] for conditions in sorted(best)]


class _Stored(NamedTuple):
    """One run's score."""

    seed: int
    value: float
    protocol: str
    configuration: str
    header: ScoreHeader


def _stored(results: Path) -> Iterable[_Stored]:
    folders = all_run_folders(results).values()
    for path in visible(path for run in folders for path in run.glob("scores/*/score.json")):
        try:
            header = read_header(path.parent)
            averages = read_json(path.with_name("metrics.json"))
            configuration = _configuration(path.parents[2], header)
            today = protocol_called(header.conditions.protocol).definition
        except HarnessError:
            continue
        made, protocol = header.conditions.predictions, header.conditions.protocol
        of_test = made.split == "test" and made.corruption is None
        if of_test and header.conditions.definition == today and METRIC in averages:
            yield _Stored(made.seed, averages[METRIC], protocol, configuration, header)


def _configuration(run: Path, header: ScoreHeader) -> str:
    """Return the identity of everything that shaped a score but the seed.

    Raises:
        HarnessError: the run's record is damaged.
    """
    made = header.conditions.predictions.model_dump(mode="json", exclude=set(OF_ONE_RUN))
    if (run / "run.json").is_file():
        record = read_record(run / "run.json")
        made |= {"parameters": record.parameters, "code": record.code_hash}
    return sha256_of_json(made)


def _mean_over_seeds(alike: list[_Stored]) -> BestScore:
    # A run may lie in two profiles; it is one seed all the same.
    by_seed = {stored.seed: stored for stored in alike}
    runs = [by_seed[seed] for seed in sorted(by_seed)]
    made = runs[0].header.conditions.predictions
    return BestScore(
        model=made.model,
        dataset=made.dataset,
        data_hash=made.data_hash,
        protocol=runs[0].protocol,
        input_2d=made.input_2d + (" and root depth" if made.uses_root_depth else ""),
        value=fmean(run.value for run in runs),
        seeds=tuple(run.seed for run in runs),
        by_seed=tuple(run.value for run in runs),
        run_ids=tuple(run.header.conditions.predictions.run_id for run in runs),
    )
