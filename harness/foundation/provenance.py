"""The record of a run: everything its numbers were made from, kept beside them in git."""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import shlex
import subprocess
import sys
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, field_validator

from harness.foundation.budget import BUDGET
from harness.foundation.cores import usable_cores
from harness.foundation.errors import HarnessError
from harness.foundation.files import read_json, read_text, sha256_of_json, write_json
from harness.foundation.plain_yaml import parse_yaml
from harness.foundation.shown import shown

OUR_PACKAGES = ("harness", "dgnet", "baselines")
_VERSIONED = (
    *("pose-lifting-harness", "torch", "numpy", "scipy", "pandas", "pyarrow", "pydantic"),
    *("lightning-fabric", "safetensors", "dvc", "mlflow"),
)


class Hardware(BaseModel):
    """The machine that a run was made on.

    Attributes:
        cpu: model of the processor.
        cores: cores that the process may use.
        memory_gib: main memory in GiB.
        gpus: names of the GPUs that torch sees.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    cpu: str
    cores: int
    memory_gib: float
    gpus: list[str]


class _Recipe(BaseModel):
    """What is told elsewhere of a training recipe; its own class is that of the method's floor."""

    model_config = ConfigDict(extra="allow")

    epochs: int | None = None
    steps_per_epoch: int | None = None
    batch_size: int | None = None
    learning_rate: float | None = None
    select: Literal["best", "last"] | None = None


class _Network(BaseModel):
    model_config = ConfigDict(extra="allow")

    labelled_subjects: list[str] | None = None


class _Release(BaseModel):
    model_config = ConfigDict(extra="allow")

    release: str = ""


class _Parameters(BaseModel):
    """The parameters that messages and tables tell of, where a run has them."""

    model_config = ConfigDict(extra="allow")

    training: _Recipe = _Recipe()
    network: _Network = _Network()
    train_actions: list[str] | None = None
    train_subjects: list[str] | None = None
    origin: _Release = _Release()
    declared: dict[str, Any] | None = None


_NAME = r"^[A-Za-z0-9][A-Za-z0-9_.=,+-]*$"
_PATH = r"^[A-Za-z0-9][A-Za-z0-9_.=,+-]*(/[A-Za-z0-9][A-Za-z0-9_.=,+-]*)*$"


class RunRecord(BaseModel):
    """What a run was made from, how it went and what it gave.

    Attributes:
        run: its name, such as "quick/dgnet-seed0".
        run_id: identity of what shaped its numbers; see `run_id_of`.
        kind: what was done.
        status: how it ended, or "running".
        model: the method.
        seed: the training seed.
        parameters: all parameters, defaults included.
        dataset: name of the data set.
        data_hash: identity of the prepared set.
        commit: git commit of the folder worked in, or None where there is none.
        no_commit: why there is none: outside git, or git refuses the folder.
        dirty: whether tracked files other than results differed from the commit.
        code_hash: SHA-256 over the source files that shape the run.
        dvc_hashes: DVC's hashes of the run's inputs, by path, where dvc.lock knows them.
        versions: of Python and of the packages that shape numbers.
        hardware: the machine.
        command: the command line.
        started: UTC, ISO 8601.
        finished: UTC, ISO 8601, or None while it runs.
        seconds: time spent, summed over resumptions, or None while it runs.
        results: the summary that `harness show` prints, such as the epoch selected.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    run: Annotated[str, StringConstraints(pattern=_PATH)]
    run_id: Annotated[str, StringConstraints(pattern=_NAME)]
    kind: Literal["train", "import", "predict", "score"]
    status: Literal["running", "finished", "failed"]
    model: Annotated[str, StringConstraints(pattern=_NAME)]
    seed: int
    parameters: dict[str, Any]
    dataset: str
    data_hash: str
    commit: str | None
    no_commit: str | None = None
    dirty: bool | None
    code_hash: str
    dvc_hashes: dict[str, str]
    versions: dict[str, str]
    hardware: Hardware
    command: str
    started: str
    finished: str | None = None
    seconds: float | None = None
    results: dict[str, Any] = {}

    @field_validator("parameters")
    @classmethod
    def _of_known_kinds(cls, parameters: dict[str, Any]) -> dict[str, Any]:
        _Parameters.model_validate(parameters)
        return parameters

    def ended(
        self,
        status: Literal["finished", "failed"],
        results: Mapping[str, Any],
        seconds: float | None = None,
    ) -> "RunRecord":
        """Return the record of the run that ends now.

        Args:
            status: how it ended.
            results: the summary to keep.
            seconds: time spent, where a resumed run adds up earlier parts; by default the time
                since `started`.
        """
        now = datetime.now(UTC)
        if seconds is None:
            seconds = (now - datetime.fromisoformat(self.started)).total_seconds()
        return self.model_copy(
            update={
                "status": status,
                "results": dict(results),
                "finished": now.isoformat(timespec="seconds"),
                "seconds": round(seconds, 1),
            }
        )

    def tags(self) -> dict[str, str]:
        """Return what a tracking run is tagged with, so that it leads back to this record."""
        tags = {
            "run_id": self.run_id,
            "kind": self.kind,
            "model": self.model,
            "seed": str(self.seed),
            "dataset": self.dataset,
            "data_hash": self.data_hash,
            "code_hash": self.code_hash,
            "dirty": str(self.dirty).lower(),
        }
        if self.commit is not None:
            tags["mlflow.source.git.commit"] = self.commit
        return tags | {f"dvc.{path}": value for path, value in self.dvc_hashes.items()}


def collect(
    *,
    run: str,
    kind: Literal["train", "import", "predict", "score"],
    model: str,
    seed: int,
    parameters: Mapping[str, Any],
    dataset: str,
    data_hash: str,
    inputs: Iterable[str | Path] = (),
    code: str | None = None,
) -> RunRecord:
    """Return the record of a run that starts now; `RunRecord.ended` completes it.

    Args:
        run: its name, such as "quick/dgnet-seed0".
        kind: what is done.
        model: the method.
        seed: the training seed.
        parameters: all parameters as plain JSON values, defaults included.
        dataset: name of the data set.
        data_hash: identity of the prepared set.
        inputs: paths whose hashes in dvc.lock are recorded too.
        code: hash of the source files that shape the run, where fewer than all of
            `OUR_PACKAGES` do.
    """
    code = code_hash() if code is None else code
    commit = _git("rev-parse", "HEAD")
    return RunRecord(
        run=run,
        run_id=run_id_of(model, seed, parameters, data_hash, code),
        kind=kind,
        status="running",
        model=model,
        seed=seed,
        parameters=dict(parameters),
        dataset=dataset,
        data_hash=data_hash,
        commit=commit,
        no_commit=None if commit else _why_no_commit(),
        dirty=None if commit is None else _dirty(),
        code_hash=code,
        dvc_hashes=dvc_hashes(inputs),
        versions=versions(),
        hardware=hardware(),
        command=_command(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def origin_tags() -> dict[str, str]:
    """Return what tells in MLflow how this process was started and from which commit.

    MLflow shows a commit only beside the name of what was run.
    """
    tags = {"mlflow.source.type": "LOCAL", "mlflow.source.name": _command()}
    commit = _git("rev-parse", "HEAD")
    if commit is not None:
        tags |= {"mlflow.source.git.commit": commit, "dirty": str(_dirty()).lower()}
    return tags


def run_id_of(
    model: str, seed: int, parameters: Mapping[str, Any], data_hash: str, code: str
) -> str:
    """Return the identity of a run: the model and 10 hexadecimal digits of a SHA-256.

    Two runs with equal parameters, data, code and seed have the same one, on any machine.
    """
    shaping = {"parameters": parameters, "data": data_hash, "code": code, "seed": seed}
    return f"{model}-{sha256_of_json(shaping)[:10]}"


def code_hash(packages: Iterable[str] = OUR_PACKAGES) -> str:
    """Return the SHA-256 over the source files of `packages` as they are installed.

    Raises:
        HarnessError: a package is not installed.
    """
    digest = hashlib.sha256()
    for package in packages:
        spec = importlib.util.find_spec(package)
        if spec is None or not spec.submodule_search_locations:
            raise HarnessError(f"package {package} is not installed; run 'make environment'")
        root = Path(spec.submodule_search_locations[0])
        for path in sorted(root.rglob("*.py")):
            digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def dvc_hashes(paths: Iterable[str | Path], lock: Path = Path("dvc.lock")) -> dict[str, str]:
    """Return DVC's hash of each path that a stage in `lock` made or read; others are left out."""
    try:
        content = parse_yaml(read_text(lock, BUDGET.yaml_bytes, "YAML"), str(lock))
        stages = content["stages"].values()
        known = {
            entry["path"]: entry["md5"]
            for stage in stages
            for entry in (*stage.get("deps", []), *stage.get("outs", []))
            if "md5" in entry
        }
    except (HarnessError, AttributeError, KeyError, TypeError):
        return {}  # the lock is DVC's file, an addition to our own hashes and never needed
    wanted = {Path(path).as_posix() for path in paths}
    return {path: known[path] for path in sorted(wanted & known.keys())}


def write_record(path: Path, record: RunRecord) -> None:
    """Write a run record as JSON, atomically.

    Raises:
        HarnessError: the place cannot be written.
    """
    write_json(path, record.model_dump(mode="json"))


def read_record(path: Path) -> RunRecord:
    """Read a run record.

    Raises:
        HarnessError: the file is missing or is not a run record.
    """
    try:
        return RunRecord.model_validate(read_json(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = shown(".".join(map(str, first["loc"])) or "the file")
        raise HarnessError(
            f"{path}: is not a run record that this version reads ({where}: {first['msg']}); "
            "make the run again"
        ) from error


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that shape numbers."""
    found = {package: _installed(package) for package in _VERSIONED}
    known = {package: version for package, version in found.items() if version is not None}
    return {"python": platform.python_version(), **known}


@cache  # what this process has imported stays
def _installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def hardware() -> Hardware:
    """Return what this process may use of the machine."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    # A run that never imported torch used no GPU, and must not wait for the import.
    torch = sys.modules.get("torch")
    cuda = None if torch is None or not torch.cuda.is_available() else torch.cuda
    return Hardware(
        cpu=_cpu(),
        cores=usable_cores(),
        memory_gib=round(memory / 2**30, 1),
        gpus=[] if cuda is None else list(map(cuda.get_device_name, range(cuda.device_count()))),
    )


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _command() -> str:
    """Return the command line without the folders that programs lie in."""
    words = list(sys.orig_argv)
    if len(words) > 1 and Path(words[1]).is_file():
        words = words[1:]  # a console script: "harness train" says it without the interpreter
    return shlex.join([Path(words[0]).name, *words[1:]])


def _dirty() -> bool:
    """Return whether tracked files differ from the commit; results are what runs write."""
    status = _git(
        "status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/results", ":!/dvc.lock"
    )
    return status != ""


def _why_no_commit() -> str:
    """Return why git names no commit; the record of a run says so."""
    try:
        done = subprocess.run(
            ["git", "rev-parse", "HEAD"],
            capture_output=True,
            text=True,
            timeout=60,
            env={**os.environ, "LC_ALL": "C"},  # what git says in English
        )
    except (OSError, subprocess.SubprocessError):
        return "git is not installed"
    if "dubious ownership" in done.stderr:
        return (
            "git refuses the folder, which another user owns; "
            f"'git config --global --add safe.directory {shlex.quote(str(Path.cwd()))}' trusts it"
        )
    return "not in git"


def _git(*arguments: str) -> str | None:
    """Return what git prints, or None where there is no git, no repository or no commit."""
    try:
        done = subprocess.run(
            ["git", *arguments], capture_output=True, text=True, timeout=60, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
