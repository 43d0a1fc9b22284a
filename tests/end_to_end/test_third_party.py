"""The example of a third-party lifter, installed into an environment of its own and put to use.

The environment is fresh; it only borrows what is installed already, torch above all, from the one
that runs the tests. Neither the example nor the harness is changed for the other.
"""

import json
import os
import shutil
import subprocess
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from tiny_project import ROOT, tiny_params

# Several commands in one process, for each process takes seconds to import torch.
_SCRIPT = """
import contextlib, io, json, sys
from harness.cli.main import main
from harness.lifting.registry import METHODS

# Of the larger methods of ours more would be built than is tested.
for name in ("d3dp", "mixste", "motionagformer", "motionbert", "poseformerv2"):
    del METHODS[name]
answers = []
for arguments in json.loads(sys.argv[1]):
    code, out, err = 0, io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(arguments)
        except SystemExit as end:
            code = end.code or 0
    answers.append((code, out.getvalue(), err.getvalue()))
print(json.dumps(answers))
"""
_TRAINING = {"epochs": 2, "steps_per_epoch": 2, "batch_size": 8}


@dataclass(frozen=True)
class Answer:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    def refused(self) -> str:
        """Return the one plain error in which the command must have ended."""
        assert self.code == 2, self
        assert self.err.startswith("Error: ")
        return self.err


class Project:
    """An environment with the example in it, and a folder with params.yaml to work in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "project"
        self.folder.mkdir(parents=True)
        environment = folder / "environment"
        venv.create(environment, with_pip=False, symlinks=True)
        self.python = environment / "bin/python"
        paths = {"base": str(environment), "platbase": str(environment)}
        self.packages = Path(sysconfig.get_path("purelib", "venv", paths))
        borrowed = [sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
        lines = [f"import site; site.addsitedir({path!r})" for path in dict.fromkeys(borrowed)]
        (self.packages / "borrowed.pth").write_text("\n".join([str(ROOT), *lines, ""]))

        source = shutil.copytree(ROOT / "examples/third_party_lifter", folder / "source")
        alone = ("--no-deps", "--no-build-isolation", "--no-index", "--quiet")
        installed = self.run("-m", "pip", "install", *alone, str(source))
        assert installed.returncode == 0, installed.stderr

        params = tiny_params()
        profile = params["profiles"]["tiny"]
        profile["models"]["window_mlp"] = {
            "network": {"frames": 3, "width": 8},
            "training": _TRAINING,
        }
        params["models"] = ["dgnet", "window_mlp"]
        params["grids"] = {
            "widths": {
                "profile": "tiny",
                "models": ["window_mlp"],
                "variations": {"wide": {"network.width": 16}},
            }
        }
        (self.folder / "params.yaml").write_text(yaml.safe_dump(json.loads(json.dumps(params))))

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run the environment's Python in the project."""
        return subprocess.run(
            [str(self.python), *arguments],
            cwd=self.folder,
            env={
                **{key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
                "HARNESS_TRACKING": "off",
                "OMP_NUM_THREADS": "1",
            },
            capture_output=True,
            text=True,
            timeout=300,
        )

    def harness(self, *commands: str) -> list[Answer]:
        """Run commands of the harness one after the other; no argument may hold a space."""
        ended = self.run("-c", _SCRIPT, json.dumps([command.split() for command in commands]))
        assert ended.returncode == 0, ended.stderr
        return [Answer(*answer) for answer in json.loads(ended.stdout)]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return Project(tmp_path_factory.mktemp("third_party"))


def test_an_installed_lifter_works_like_ours(project: Project) -> None:
    answers = project.harness(
        "models window_mlp --format json",
        "data prepare synthetic --profile tiny",
        *(
            command
            for model in ("dgnet", "window_mlp")
            for command in (
                f"train {model}",
                f"predict tiny/{model}-seed0",
                f"score tiny/{model}-seed0 --protocol h36m17-actionwise",
            )
        ),
        "tables",
        "grid status widths",
        "compare dgnet window_mlp --format json",
        "train window_mlp --set network.with=8",
        "train window_mlp --set network.frames=4",
    )
    misspelt, even = answers.pop(-2), answers.pop(-1)
    assert "did you mean 'width'" in misspelt.refused()
    assert "an odd number" in even.refused()
    for answer in answers:
        assert answer.code == 0, answer
    card = json.loads(answers[0].out)
    assert (card["frames"], card["predicts"]) == (9, "middle")
    assert card["network"] == {"frames": 9, "width": 256, "dropout": 0.1}
    rows = json.loads(answers[-1].out)["rows"]
    errors = {row["model"]: row["value"] for row in rows if row["action"] == "average"}
    assert errors.keys() == {"dgnet", "window_mlp"}
    assert 0 < errors["window_mlp"] < 1000
    results = project.folder / "results/tiny"
    assert "Window MLP" in (results / "tables/table_01_mpjpe.md").read_text()
    assert "wide-window_mlp-seed0" in answers[-2].out


@pytest.mark.slow
def test_packages_that_collide_or_fail_are_named_and_harm_no_other(project: Project) -> None:
    bad = project.packages / "bad_lifters-1.dist-info"
    bad.mkdir()
    (bad / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-lifters\nVersion: 1\n")
    (bad / "entry_points.txt").write_text(
        "[pose_lifters]\nmartinez = window_mlp:METHOD\nfailing = failing_lifter:METHOD\n"
    )
    (project.packages / "failing_lifter.py").write_text("raise RuntimeError('no such GPU')\n")
    try:
        trained, listed = project.harness("train martinez", "models")
    finally:
        shutil.rmtree(bad)
    assert "'martinez' stands for" in trained.refused()
    assert listed.code == 0
    assert "window_mlp" in listed.out
    for problem in ("'martinez' stands for", "RuntimeError: no such GPU"):
        assert problem in listed.err
