"""Each test has a scored run of its own, and commands that must refuse."""

import contextlib
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from scored_run import RUN, contents
from tiny_project import tiny_params

from harness.cli.main import main
from pipelines.predict import predict
from pipelines.prepare import prepare
from pipelines.score import score
from pipelines.train import train


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a run that is trained, predicted and scored."""
    folder = tmp_path_factory.mktemp("trained")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_TRACKING", "off")
        params = tiny_params() | {"models": ["semgcn"]}
        params["profiles"]["tiny"]["dataset"]["options"]["test"] = ["S9"]
        Path("params.yaml").write_text(yaml.safe_dump(params))
        prepare("tiny")
        train("tiny", "semgcn", 0)
        predict("tiny", "semgcn", 0)
        score("tiny", "semgcn", 0)
        shutil.copytree(RUN, RUN.with_name("other-seed0"))
    return folder


@pytest.fixture(autouse=True)
def _in_a_copy(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(trained, tmp_path / "project")
    monkeypatch.chdir(tmp_path / "project")
    monkeypatch.setenv("HARNESS_TRACKING", "off")


@pytest.fixture
def refused(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """Run `harness`, which must refuse, and return the error; every file stays as it was."""

    def run(*arguments: str) -> str:
        capsys.readouterr()
        before = contents()
        with pytest.raises(SystemExit) as caught:
            main(arguments)
        assert caught.value.code == 2
        assert contents() == before
        error = capsys.readouterr().err
        assert error.count("Error: ") == 1
        assert "Traceback" not in error
        return error[error.index("Error: ") :]

    return run
