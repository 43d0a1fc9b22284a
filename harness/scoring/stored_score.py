"""A score as it lies in its folder: conditions, sums by clip, averages, and the way back in.

score.json        the ScoreHeader: conditions, extent, hashes that tie the files together
sequences.csv     sums and counts by clip, metric and joint
metrics.json      the averages, flat, for `dvc metrics diff`
hypotheses.csv    the same sums of the aggregates of several hypotheses, where there are several
activities.csv    averages by activity, where the data set says what is done frame by frame
errors.parquet    errors by frame and joint; not needed to read a score
"""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from harness.body.skeleton import Skeleton
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, sha256_of_file
from harness.prediction.stored import PredictionContract
from harness.scoring.averages import Averages, averages
from harness.scoring.hypotheses import Aggregate, aggregate_called
from harness.scoring.metrics import METRICS
from harness.scoring.protocols import Protocol, protocol_called
from harness.scoring.sequences import SequenceSums, read_sequences

HYPOTHESES_FILE = "hypotheses.csv"
CROSS_FOLDER = "cross"
"""The folder inside a run's that holds its predictions and scores on other profiles' data."""


class Conditions(BaseModel):
    """What a score was made under.

    Attributes:
        protocol: id of the protocol.
        version: its version.
        definition: hash of everything in the protocol that can move a number.
        predictions: the contract of the predictions.
        departures: where the predictions depart from what the protocol's source does.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    protocol: str
    version: int
    definition: str
    predictions: PredictionContract
    departures: tuple[str, ...]


class ScoreHeader(BaseModel):
    """What score.json says.

    Attributes:
        conditions: what the score was made under.
        clips: clips scored.
        frames: frames scored.
        truth_sha256: hash of the ground truth of the frames scored.
        predictions_sha256: hash of the predictions of the frames scored.
        sequences_sha256: hash of sequences.csv.
        hypotheses_sha256: hash of hypotheses.csv, None where there is one pose a frame.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    conditions: Conditions
    clips: int
    frames: int
    truth_sha256: str
    predictions_sha256: str
    sequences_sha256: str
    hypotheses_sha256: str | None = None


@dataclass(frozen=True)
class Score:
    """A score, as made or as read back.

    Attributes:
        header: its conditions, extent and hashes.
        sequences: its sums and counts by clip.
        hypotheses: those of the aggregates of several hypotheses, None where there is one pose a
            frame. What uses the truth among them never ranks and is never compared.
    """

    header: ScoreHeader
    sequences: SequenceSums
    hypotheses: SequenceSums | None = None

    @property
    def protocol(self) -> Protocol:
        """The protocol it was made under, as it counts on the joints scored."""
        joints = self.sequences.joints
        parents = (-1, *[0] * (len(joints) - 1))  # scored already, so how they hang plays no part
        scored = Skeleton(name="scored", joints=joints, parents=parents, left=(), right=())
        return protocol_called(self.header.conditions.protocol).fitted_to(scored)

    @property
    def metrics(self) -> dict[str, float]:
        """The averages, flat: "MPJPE", "MPJPE (frame-wise)", "MPJPE/Walking", and so on."""
        result: dict[str, float] = {}
        for name in self.sequences.by_metric:
            found = averages(self.sequences, METRICS[name], self.protocol)
            if found.average is not None and found.framewise is not None:
                result[name] = found.average
                result[f"{name} (frame-wise)"] = found.framewise
                result |= {f"{name}/{group}": value for group, value in found.groups.items()}
        return result

    def aggregates(self) -> dict[Aggregate, Averages]:
        """Return the averages of the aggregates of several hypotheses; none without them."""
        if self.hypotheses is None:
            return {}
        known = map(aggregate_called, self.hypotheses.by_metric)
        return {item: averages(self.hypotheses, item, self.protocol) for item in known}


def read_score(folder: Path) -> Score:
    """Read the score in `folder`.

    Raises:
        HarnessError: a file is missing or was changed, or the protocol has changed since.
    """
    header = read_header(folder)
    sequences = _sums(folder / "sequences.csv", header.sequences_sha256)
    hypotheses = None
    if header.hypotheses_sha256 is not None:
        hypotheses = _sums(folder / HYPOTHESES_FILE, header.hypotheses_sha256)
    conditions = header.conditions
    protocol = protocol_called(conditions.protocol)
    if conditions.definition != protocol.definition:
        raise HarnessError(
            f"{folder}: was scored under version {conditions.version} of {protocol.id}, which is "
            f"now defined otherwise (version {protocol.version}); score the predictions again"
        )
    return Score(header, sequences, hypotheses)


def _sums(path: Path, digest: str) -> SequenceSums:
    """Return the sums in a file, which must have the content that it was written with."""
    if not path.is_file():
        raise HarnessError(f"{path}: no such file; score the predictions again")
    if sha256_of_file(path) != digest:
        raise HarnessError(f"{path}: was changed after it was written; score the predictions again")
    return _parsed(path, digest)


@lru_cache(maxsize=64)  # of Human3.6M some 3 MB each
def _parsed(path: Path, digest: str) -> SequenceSums:
    """Read the sums once: tables, figures and comparisons of one command ask for the same ones."""
    return read_sequences(path)


def read_header(folder: Path) -> ScoreHeader:
    """Read score.json of `folder` alone.

    Raises:
        HarnessError: it is missing or was not written by this version.
    """
    path = folder / "score.json"
    content = read_json(path)
    try:
        return ScoreHeader.model_validate(content)
    except ValidationError as error:
        raise HarnessError(
            f"{path}: is not a score that this version reads ({error.errors()[0]['msg']}); "
            "score the predictions again"
        ) from error
