"""What a change did to the averages: metrics of a git revision against those of this folder."""

import subprocess
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json
from harness.foundation.plain_json import parse_json
from harness.foundation.shown import shown
from harness.reporting.stored.run_folders import COMMITTED, all_run_folders
from harness.reporting.table_text import Table
from harness.scoring.metrics import metric_called
from harness.scoring.protocols import protocol_called

METRICS = ("MPJPE", "P-MPJPE")
_Key = tuple[str, str, str, str]  # profile, model, protocol, metric
_Values = dict[_Key, dict[int, float]]  # by seed


@dataclass(frozen=True)
class Change:
    """One average before and now, over the seeds that both have.

    Attributes:
        profile: the profile.
        model: the model.
        protocol: id of the protocol.
        metric: the metric.
        seeds: the seeds that both have, or all where one side has none.
        before: the average at the revision, None where it is new.
        now: the average in this folder, None where it is gone.
    """

    profile: str
    model: str
    protocol: str
    metric: str
    seeds: tuple[int, ...]
    before: float | None
    now: float | None

    @property
    def same(self) -> bool:
        """Whether nothing changed, to the last digit that is printed."""
        if self.before is None or self.now is None:
            return False
        return _number(self, self.before) == _number(self, self.now)


def changes(
    revision: str,
    results: Path = Path("results"),
    profile: str | None = None,
    metrics: Sequence[str] = METRICS,
) -> list[Change]:
    """Return every average of a revision's runs or of this folder's, changed or not, sorted.

    Args:
        revision: a commit, branch or tag.
        results: the results folder, inside the repository.
        profile: only this one.
        metrics: names of the metrics.

    Raises:
        HarnessError: there is no git, no such revision, an unknown metric or a damaged file.
    """
    for name in metrics:
        metric_called(name)
    committed = _git(
        "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    )
    if committed is None:
        raise HarnessError(f"{shown(revision)}: git knows no such revision here")
    before, now = (
        _values(found, metrics)
        for found in (_at(committed.strip(), results, profile), _here(results, profile))
    )
    found = []
    for key in sorted(before.keys() | now.keys()):
        old, new = before.get(key, {}), now.get(key, {})
        seeds = old.keys() & new.keys() or old.keys() | new.keys()
        found.append(
            Change(
                *key,
                seeds=tuple(sorted(seeds)),
                before=_mean(old, seeds),
                now=_mean(new, seeds),
            )
        )
    return found


def changes_text(revision: str, found: Sequence[Change]) -> str:
    """Return what changed as a Markdown table, and how much did not."""
    changed = [change for change in found if not change.same]
    told = f"{len(found) - len(changed)} of {len(found)} averages are those of {revision}."
    if not changed:
        return told
    lines = [
        [
            change.profile,
            change.model,
            change.protocol,
            change.metric,
            " ".join(map(str, change.seeds)),
            _number(change, change.before),
            _number(change, change.now),
            _away(change),
        ]
        for change in changed
    ]
    heads = ["profile", "model", "protocol", "metric", "seeds", revision, "now", "change"]
    return f"{Table(heads, lines, words=5).markdown()}\n\n{told}"


def _number(change: Change, value: float | None, sign: str = "") -> str:
    if value is None:
        return "none"
    decimals = protocol_called(change.protocol).decimals_of(metric_called(change.metric))
    return f"{value:{sign}.{decimals}f}"


def _away(change: Change) -> str:
    if change.before is None:
        return "new"
    return "gone" if change.now is None else _number(change, change.now - change.before, "+")


def _mean(by_seed: Mapping[int, float], seeds: Sequence[int] | set[int]) -> float | None:
    values = [by_seed[seed] for seed in seeds if seed in by_seed]
    return fmean(values) if values else None


def _values(files: Mapping[str, Any], metrics: Sequence[str]) -> _Values:
    """Return the averages that files of metrics hold, by PROFILE/RUN."""
    found: _Values = defaultdict(dict)
    for path, content in files.items():
        profile, run = path.split("/")
        model, _, seed = run.rpartition("-seed")
        if not model or not seed.isdigit() or not isinstance(content, dict):
            continue
        for protocol, values in content.items():
            for metric in metrics:
                value = values.get(metric) if isinstance(values, dict) else None
                if isinstance(value, float):
                    found[profile, model, protocol, metric][int(seed)] = value
    return found


def _here(results: Path, profile: str | None) -> dict[str, Any]:
    return {
        name: read_json(folder / "metrics.json")
        for name, folder in all_run_folders(results).items()
        if profile in (None, name.split("/")[0]) and (folder / "metrics.json").is_file()
    }


def _at(commit: str, results: Path, profile: str | None) -> dict[str, Any]:
    """Return the files of metrics of a commit, by PROFILE/RUN."""
    top = f"./{results.as_posix()}/"
    listed = _git("ls-tree", "-r", "-z", "--name-only", commit, top) or ""
    found = {}
    for path in filter(None, listed.split("\0")):
        inside = path[path.index(f"{results.name}/") + len(results.name) + 1 :]
        parts = inside.removeprefix(f"{COMMITTED}/").split("/")
        if len(parts) != 4 or (parts[1], parts[3]) != ("runs", "metrics.json"):
            continue
        if profile in (None, parts[0]):
            text = _git("show", f"{commit}:./{path}") or ""
            found[f"{parts[0]}/{parts[2]}"] = parse_json(text, f"{commit[:12]}:{path}")
    return found


def _git(*arguments: str) -> str | None:
    """Return what git prints, or None where it fails.

    Raises:
        HarnessError: there is no git.
    """
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        raise HarnessError("git is not installed, so no revision can be compared with") from error
    return done.stdout if done.returncode == 0 else None
