"""Run the pipeline with its models side by side, one core each, as `make repro` does.

`dvc repro` runs one stage at a time, and small networks gain nothing from a second core. DVC allows
several `dvc repro` in one folder, so each core gets one, with its share of the models. Their stages
are forks of one process, for importing torch takes longer than most of them.
"""

import contextlib
import os
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.foundation.cores import usable_cores
from harness.foundation.errors import CheckFailed, HarnessError
from harness.foundation.preloaded import preloaded
from harness.foundation.provenance import read_record
from harness.foundation.settings import load_settings
from harness.reporting.stored.run_folders import run_folders
from pipelines.stage import RESULTS

_REPRO = (sys.executable, "-m", "dvc", "--wait-for-lock", "repro")
_STAGES = (
    "figures",
    "prepare",
    "predict",
    "report",
    "score",
    "settings",
    "sources",
    "tables",
    "train",
)
_LATE_IMPORTS = ("torch._dynamo",)
"""What the first optimiser of a process imports, which takes longer than many of its steps."""
_FAILED = "a stage failed, see above; the same command goes on where it stopped"

Run = tuple[str, int]
"""A model and a seed."""


def lanes(runs: Mapping[Run, float], cores: int) -> list[list[Run]]:
    """Return the runs dealt out to `cores` lanes, so that these end at about the same time.

    Args:
        runs: to the seconds that each is expected to take; runs of 0 are dealt out in turn.
        cores: how many lanes there may be; one that gets no run is left out.
    """
    shares: list[list[Run]] = [[] for _ in range(cores)]
    loads = [0.0] * cores
    for run in sorted(runs, key=lambda run: -runs[run]):
        least = min(range(cores), key=lambda lane: (loads[lane], len(shares[lane])))
        shares[least].append(run)
        loads[least] += runs[run]
    return [share for share in shares if share]


def seconds_before(results: Path, profile: str, runs: Sequence[Run]) -> dict[Run, float]:
    """Return how long each run took before, here or where the committed one was made; 0 if unknown.

    Args:
        results: the folder of all results.
        profile: whose runs.
        runs: which of them.
    """
    folders = run_folders(results, profile)
    taken = dict.fromkeys(runs, 0.0)
    for model, seed in runs:
        folder = folders.get(f"{model}-seed{seed}")
        # A damaged record stops no run from being made again.
        with contextlib.suppress(HarnessError):
            if folder is not None:
                taken[model, seed] = read_record(folder / "run.json").seconds or 0.0
    return taken


def run_pipeline() -> None:
    """Run every stage of the default profile; models that are up to date cost nothing.

    Raises:
        CheckFailed: a stage failed; its own message is printed above.
    """
    settings = load_settings()
    cores = usable_cores()
    profile = settings.profile
    runs = [(model, seed) for seed in settings.seeds for model in settings.models]
    shares = lanes(seconds_before(RESULTS, profile, runs), cores)
    threads = str(max(1, cores // len(shares)))
    stages = [f"pipelines.{stage}" for stage in _STAGES]
    with preloaded(
        {"OMP_NUM_THREADS": threads, **os.environ}, stages, [*stages, *_LATE_IMPORTS]
    ) as interpreter:
        _run([f"prepare@{profile}", "sources"], interpreter.environment)
        if len(shares) > 1:
            scored = [_stages(profile, share) for share in shares]
            _run_side_by_side(scored, interpreter.environment)
            shown = [
                [f"figures@{profile}"],
                [f"{stage}@{profile}" for stage in ("tables", "report")],
            ]
            _run_side_by_side(shown, interpreter.environment)
        _run([], interpreter.environment)
    _leave_locks_to_this_clone()


def _run_side_by_side(stages: Sequence[Sequence[str]], environment: Mapping[str, str]) -> None:
    """Run each list of stages in their order, one list beside the others."""
    running = [
        subprocess.Popen(
            # Each stage by itself: to look at the data set's would lock out other lanes.
            (*_REPRO, "--single-item", *lane),
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for lane in stages
    ]
    # Through a pipe, so that the lines of one lane never cut those of another in two.
    readers = [threading.Thread(target=_print_lines, args=(process,)) for process in running]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()
    if any(process.wait() for process in running):
        raise CheckFailed(_FAILED)


def _leave_locks_to_this_clone() -> None:
    """Let git see the first line alone of what DVC writes into its locks; nothing outside git.

    A lock says what is up to date in one clone: it holds hashes of weights and records, which
    differ with processor and time, and without a shared cache it is of no use to another clone.
    DVC does not work with a lock that git ignores, so git has one that says nothing, and
    `.gitattributes` names the filter that keeps it so.
    """
    locks = [lock for lock in ("dvc.lock", "experiments/dvc.lock") if Path(lock).is_file()]
    for command in (("config", "filter.own-lock.clean", "sed -n 1p"), ("add", *locks)):
        with contextlib.suppress(OSError):  # no git at all
            subprocess.run(("git", *command), capture_output=True, check=False)


def _stages(profile: str, runs: Sequence[Run]) -> list[str]:
    """Return the stages that make the runs' scores, in the order in which they are made."""
    return [
        f"{stage}@{profile}-{model}-{seed}"
        for model, seed in runs
        for stage in ("train", "predict", "score")
    ]


def _run(stages: Sequence[str], environment: Mapping[str, str]) -> None:
    if subprocess.run((*_REPRO, *stages), env=environment, check=False).returncode:
        raise CheckFailed(_FAILED)


def _print_lines(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    for line in process.stdout:
        print(line, end="", flush=True)


if __name__ == "__main__":
    try:
        run_pipeline()
    except HarnessError as error:
        print(f"Error: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
