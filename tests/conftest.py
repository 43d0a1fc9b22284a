"""Fixtures that tests of several floors share."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from acclaim_files import walking, write_cmu

from harness.foundation.preloaded import SERVED, preloaded

# One thread for each process, before torch is imported: tests run side by side, and threads that
# wait for a busy core make small networks many times slower.
os.environ.setdefault("OMP_NUM_THREADS", "1")

_STAGES = sorted(path.stem for path in (Path(__file__).parents[1] / "pipelines").glob("*.py"))
_COMMANDS = (
    "dvc",
    "harness",
    "harness.experiments.cell",
    *(f"pipelines.{each}" for each in _STAGES),
)
_IMPORTS = (
    "dvc.repo",
    "lightning_fabric",
    "matplotlib.backends.backend_agg",
    "matplotlib.backends.backend_pdf",
    "mlflow",
    "pandas",
    "pyarrow.parquet",
    "pydantic",
    "rich.console",
    "safetensors.torch",
    "scipy.stats",
    "sqlalchemy",
    "torch._dynamo",
)


@pytest.fixture(scope="session")
def preloaded_python() -> Iterator[None]:
    """Let commands of ours and of DVC be forks from here on, for importing takes longer than they.

    Nothing of ours is imported before: a fork runs the code that its folder and PYTHONPATH name.
    """
    with (
        preloaded(os.environ, _COMMANDS, _IMPORTS) as interpreter,
        pytest.MonkeyPatch.context() as patch,
    ):
        for name in ("PATH", SERVED):
            if name in interpreter.environment:
                patch.setenv(name, interpreter.environment[name])
        yield


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with MLflow's tables in it, which take seconds to make; to be copied."""
    from mlflow import MlflowClient

    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture(scope="session")
def tiny_cmu(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A raw folder as the cmu importer takes it: five short trials of three made-up subjects."""
    damaged = walking(2100, seed=2)
    damaged[2052:2060] = damaged[2051]
    trials = {
        "01_01": walking(200, seed=1),
        "01_14": damaged,
        "02_01": walking(150, seed=3),
        "03_01": walking(130, seed=4),
        "03_03": walking(180, seed=5),
    }
    return write_cmu(tmp_path_factory.mktemp("cmu"), trials)


@pytest.fixture(scope="session")
def real_cmu() -> Path:
    """The raw folder of the real CMU files; skips where they are not at hand."""
    usual = Path(__file__).parents[2] / "shared" / "data" / "cmu"
    folder = Path(os.environ.get("HARNESS_CMU_ROOT", usual))
    if not (folder / "subjects").is_dir():
        pytest.skip(f"no CMU files at {folder}; set HARNESS_CMU_ROOT to their folder")
    return folder
