"""The same predictions under every protocol that fits them: what conventions alone are worth."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from tabulate import tabulate

from harness.datasets.prepared import PreparedSet
from harness.foundation.errors import HarnessError
from harness.prediction.stored import Predictions
from harness.scoring.averages import averages
from harness.scoring.fitting import departures_of
from harness.scoring.metrics import CORE_METRICS, metric_called
from harness.scoring.protocols import PROTOCOLS, Protocol
from harness.scoring.score import measure

_REFERENCE = "h36m17-actionwise"
_ROOTS = {
    "as_predicted": "as predicted",
    "subtract_predicted_root": "pose moved to it",
    "overwrite_root": "put right",
}
_TARGETS = {
    "camera": "camera space",
    "image25d": "2.5D of the file",
    "image25d_made": "2.5D, made here",
}
# Joints or names of these fit other data sets too, but they mean something on their own alone.
_OWNERS = {
    "humaneva": ("humaneva",),
    "3dhp": ("mpi_inf_3dhp",),
    "h36m17-actionwise-no-s9drift": ("h36m", "h36m_motionbert"),
}


@dataclass(frozen=True)
class Convention:
    """What predictions score under one protocol.

    Attributes:
        protocol: the protocol, as it counts here.
        value: the number, in the metric's unit.
        clips: clips scored.
        frames: frames scored.
        privileged: what was given at test time that a user would not have.
    """

    protocol: Protocol
    value: float
    clips: int
    frames: int
    privileged: tuple[str, ...]


@dataclass(frozen=True)
class Conventions:
    """The table of a set of predictions.

    Attributes:
        metric: name of the metric.
        rows: a row a protocol that fits, in the order of docs/protocols.md.
        misfits: by protocol why it does not fit.
        printed: a number to explain, or None.
    """

    metric: str
    rows: tuple[Convention, ...]
    misfits: dict[str, str]
    printed: float | None = None

    @property
    def reference(self) -> Convention:
        """The row that differences are taken from: the field's usual protocol where it fits."""
        usual = [row for row in self.rows if row.protocol.id == _REFERENCE]
        return (usual or list(self.rows))[0]

    @property
    def nearest(self) -> Convention | None:
        """The row nearest to the printed number."""
        if self.printed is None:
            return None
        wanted = self.printed
        return min(self.rows, key=lambda row: abs(row.value - wanted))

    @property
    def heads(self) -> list[str]:
        """The heads of the table's columns."""
        metric = metric_called(self.metric)
        numbers = [f"{metric.name} ({metric.unit})", "by convention", "frames", "joints"]
        return ["protocol", *numbers, "root", "target", "average", "privileged"]

    def text(self) -> str:
        """Return the table as Markdown, and below it which protocols do not fit and why."""
        table = tabulate(
            [self.cells(row) for row in self.rows],
            self.heads,
            tablefmt="pipe",
            disable_numparse=True,
            colalign=["left", *["right"] * 4, *["left"] * 4],
        )
        parts = [table]
        nearest = self.nearest
        if nearest is not None and self.printed is not None:
            apart = nearest.value - self.printed
            line = (
                f"Nearest to the printed {self.printed:g}: **{nearest.protocol.id}**, {apart:+.1f}."
            )
            if abs(apart) >= 0.05:
                line += " None gives the printed number: conventions alone do not explain the rest."
            parts.append(line)
        if self.misfits:
            parts.append("\n".join(f"- {id}: {reason}" for id, reason in self.misfits.items()))
        return "\n\n".join(parts)

    def cells(self, row: Convention) -> list[str]:
        """Return a row as the table prints it."""
        protocol, away = row.protocol, row.value - self.reference.value
        # One rule for the whole table: protocols print different numbers of digits by themselves.
        decimals = self.reference.protocol.decimals_of(metric_called(self.metric))
        name = f"**{protocol.id}**, nearest" if row is self.nearest else protocol.id
        by = "" if row is self.reference else f"{away:+.{decimals}f}"
        average = (
            "all frames" if protocol.average == "frames" else f"{'s x '.join(protocol.groups)}s"
        )
        return [
            name,
            f"{row.value:.{decimals}f}",
            by,
            f"{row.frames:,} of {row.clips} clips",
            str(int(protocol.counts(metric_called(self.metric)).sum())),
            _ROOTS[protocol.root],
            _TARGETS[protocol.target],
            average,
            "; ".join(row.privileged) or "nothing",
        ]


def conventions(
    predictions: Predictions,
    prepared: PreparedSet,
    metric: str = "MPJPE",
    printed: float | None = None,
) -> Conventions:
    """Score predictions under every protocol that fits them; nothing is written.

    Args:
        predictions: as `read_predictions` returns them.
        prepared: the data set that they were made on.
        metric: one of the metrics that protocols choose from.
        printed: a printed number; the table marks the protocol that comes nearest.

    Raises:
        HarnessError: the metric is unknown or none of a protocol's, or no protocol fits.
    """
    chosen = metric_called(metric)
    if chosen not in CORE_METRICS:
        raise HarnessError(
            f"{metric} is told of every score alike; conventions are shown of "
            f"{', '.join(item.name for item in CORE_METRICS)}"
        )
    rows, misfits = [], {}
    for protocol in PROTOCOLS.values():
        if metric not in protocol.metrics:
            misfits[protocol.id] = f"does not count {metric}"
            continue
        owners = next((of for head, of in _OWNERS.items() if protocol.id.startswith(head)), ())
        if owners and prepared.manifest.name not in owners:
            misfits[protocol.id] = f"is of data set {' or '.join(owners)}"
            continue
        try:
            rows.append(_scored(predictions, prepared, protocol, metric))
        except HarnessError as error:
            misfits[protocol.id] = str(error)
    if not rows:
        first = next(iter(misfits.values()), "there are none")
        raise HarnessError(f"no protocol fits these predictions; the first: {first}")
    return Conventions(metric, tuple(rows), misfits, printed)


def _scored(
    predictions: Predictions, prepared: PreparedSet, protocol: Protocol, metric: str
) -> Convention:
    needed: Sequence[str] = ("MPJPE", metric) if metric != "MPJPE" else ("MPJPE",)
    fitted = replace(protocol, metrics=tuple(needed)).fitted_to(prepared.skeleton)
    sums = measure(predictions, prepared, fitted, briefly=True)
    frames = int(sums.metric(metric).frames.sum())
    average = averages(sums, metric_called(metric), fitted).average
    if average is None:
        raise HarnessError("no frame counts")
    given = [item for item in departures_of(predictions.contract, protocol) if _is_privilege(item)]
    return Convention(fitted, average, len(sums.clips), frames, (*protocol.privileged, *given))


def _is_privilege(departure: str) -> bool:
    return "true" in departure
