"""Running cells on a Ray cluster: on each machine the very processes that run here otherwise.

Ray decides where and when a cell starts, and starts it again elsewhere when its worker or machine
is lost; the cell then goes on from its last training state. Data, results and states are shared by
path: the project's folder lies in the same place on all machines, on a network file system say.
"""

import os
import socket
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.experiments.executor import Executor, PlacedCell, interpreter_with, start_process
from harness.foundation.cores import usable_cores
from harness.foundation.errors import HarnessError
from harness.foundation.files import only_writer
from harness.foundation.tracking import ParentRun

_RETRIES = 20
"""How often a cell is started again because its worker was lost; each time it gets further."""

_PATIENCE_SECONDS = 60.0
_FORWARDED = ("HARNESS_", "MLFLOW_")
_STORE_BYTES = 100 * 2**20  # of shared memory, near Ray's least: cells exchange nothing through it


@dataclass(frozen=True)
class Share:
    """What a cell occupies of a machine.

    Attributes:
        cores: processor cores; it computes with as many threads, at least one.
        gpus: GPUs, or the fraction of one that it shares with other cells.
    """

    cores: float = 1.0
    gpus: float = 0.0


@contextmanager
def ray_executor(
    share: Share,
    *,
    address: str | None = None,
    workers: int | None = None,
    cores: int | None = None,
) -> Iterator[Executor]:
    """Connect to a Ray cluster while the block lasts.

    Args:
        share: what each cell occupies.
        address: of the cluster's head, host:port, or "auto" for the one of this machine; a cluster
            of this machine alone, which ends with the block, where none is given.
        workers: cells at a time; by default as many as the cluster has room for.
        cores: cores of the cluster that is started here; by default all that this process may use.

    Raises:
        HarnessError: Ray is not installed, no cluster answers, or no machine of it has room for a
            cell.
    """
    if address is None:
        # Ray listens on every interface, without a password, but where clusters are switched off,
        # as they are on macOS and Windows unless this says otherwise. It is read on import.
        os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] = "0"
    ray = _ray()
    try:
        if address is None:
            ray.init(
                address="local",
                num_cpus=cores or usable_cores(),
                object_store_memory=_STORE_BYTES,
                include_dashboard=False,
                log_to_driver=False,
                logging_level="error",
            )
        else:
            ray.init(address=address, log_to_driver=False, logging_level="error")
    except (ConnectionError, OSError, RuntimeError, ValueError) as error:
        raise HarnessError(
            f"no Ray cluster answers at {address or 'this machine'} ({error}); start one with "
            "'ray start --head', or leave out --address"
        ) from error
    try:
        _check_room(ray, share)
        task = ray.remote(
            num_cpus=share.cores, num_gpus=share.gpus, max_retries=_RETRIES, retry_exceptions=False
        )(_run)
        environment = {
            name: value for name, value in os.environ.items() if name.startswith(_FORWARDED)
        }
        if not share.gpus:
            environment["CUDA_VISIBLE_DEVICES"] = ""
        threads = max(1, int(share.cores))

        def start(placed: PlacedCell, parent: ParentRun) -> _RayProcess:
            return _RayProcess(
                ray, task.remote(Path.cwd(), placed, parent, threads, environment), placed
            )

        yield Executor(workers or _EVERY_CELL, start)
    finally:
        ray.shutdown()


_EVERY_CELL = 1_000_000  # Ray itself lets them wait for room


class _RayProcess:
    """A cell that Ray runs somewhere, in the shape of a process."""

    def __init__(self, ray: ModuleType, result: Any, placed: PlacedCell) -> None:
        self._ray, self._result, self._placed = ray, result, placed

    def poll(self) -> int | None:
        """Return the exit code, or None while the cell waits or runs."""
        ended, _ = self._ray.wait([self._result], timeout=0)
        return self.wait() if ended else None

    def wait(self) -> int:
        """Wait for the cell to end and return the exit code.

        Raises:
            HarnessError: a machine of the cluster cannot run the project's cells.
        """
        try:
            return self._ray.get(self._result)
        except self._ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except self._ray.exceptions.RayError as error:
            with (self._placed.folder / "log.txt").open("a") as log:
                log.write(f"Error: its worker was lost ({error})\n")
            return 1

    def terminate(self) -> None:
        """End the cell: it ends with its worker."""
        self._ray.cancel(self._result, force=True)


def _run(
    project: Path,
    placed: PlacedCell,
    parent: ParentRun,
    threads: int,
    environment: Mapping[str, str],
) -> int:
    """Run a cell on the machine that this worker is on, and return its exit code."""
    if not (project / placed.prepared).is_dir():
        raise HarnessError(
            f"{project / placed.prepared}: machine {socket.gethostname()} of the Ray cluster does "
            "not have it; the project's folder must lie in the same place on all machines"
        )
    os.chdir(project)
    os.environ.update(environment)
    _wait_until_left(placed.folder)
    if placed.status == "finished":  # the worker was lost after the cell's end
        return 0
    return start_process(placed, parent, interpreter_with(threads)).wait()


def _wait_until_left(folder: Path) -> None:
    """Wait until no process writes the cell: one whose worker is lost takes a moment to end."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        try:
            with only_writer(folder):
                return
        except HarnessError:
            time.sleep(0.1)


def _check_room(ray: ModuleType, share: Share) -> None:
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    if any(
        machine.get("CPU", 0) >= share.cores and machine.get("GPU", 0) >= share.gpus
        for machine in machines
    ):
        return
    raise HarnessError(
        f"no machine of the Ray cluster has {share.cores:g} cores and {share.gpus:g} GPUs for a "
        "cell; ask for less with --cell-cores and --cell-gpus"
    )


def _ray() -> ModuleType:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster must not call home
    try:
        import ray
    except ImportError as error:
        raise HarnessError(
            "Ray is not installed; install it with pip install 'pose-lifting-harness[ray]'"
        ) from error
    return ray
