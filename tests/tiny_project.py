"""A project folder of its own whose pipeline runs in seconds: the real code on tiny settings.

The folder holds copies of the packages and of dvc.yaml, so a test may change code and settings as
a user would, and everything runs as a user runs it, in processes of its own: forks that import the
folder's code, where the fixture `preloaded_python` is used.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from harness.foundation.preloaded import SERVED

ROOT = Path(__file__).parents[1]
PACKAGES = ("harness", "dgnet", "baselines", "pipelines")

_RECIPE = {"epochs": 2, "steps_per_epoch": 2, "batch_size": 8}
_GRAPH = {"channels": 8, "blocks": 1}


def tiny_params() -> dict[str, Any]:
    """Return a params.yaml with one profile, `tiny`: takes of 10 frames, small networks."""
    return {
        "profile": "tiny",
        "seeds": [0],
        "models": ["semgcn", "dgnet"],
        "profiles": {
            "tiny": {
                "dataset": {
                    "name": "synthetic",
                    "options": {
                        "train": ["S1"],
                        "validation": ["S5"],
                        "test": ["S9", "S11"],
                        "actions": ["Walking", "Sitting"],
                        "takes": 1,
                        "seconds": 0.4,
                        "fps": 25.0,
                    },
                },
                "input_2d": "detected",
                "flip_test": True,
                "protocols": ["h36m17-actionwise"],
                "models": {
                    "martinez": {"network": {"width": 8}, "training": _RECIPE},
                    "semgcn": {"network": {"channels": 8, "modules": 1}, "training": _RECIPE},
                    "fsg": {"network": _GRAPH, "training": _RECIPE},
                    "fsg_ftg": {"network": _GRAPH, "training": _RECIPE},
                    "dgnet": {"network": _GRAPH, "training": _RECIPE},
                },
            }
        },
    }


class TinyProject:
    """A project folder and the commands that a user gives in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @classmethod
    def made(
        cls, folder: Path, params: dict[str, Any] | None = None, *, under_git: bool = False
    ) -> "TinyProject":
        """Make a project in `folder`, under DVC and, where asked for, in git with one commit."""
        folder.mkdir(parents=True, exist_ok=True)
        for package in PACKAGES:
            # With what is compiled already: every stage imports it in a process of its own.
            shutil.copytree(ROOT / package, folder / package)
        for name in ("dvc.yaml", "dvc.lock", ".dvcignore", ".gitignore", ".gitattributes"):
            shutil.copy(ROOT / name, folder / name)
        raw = folder / "data/raw/tiny"
        raw.mkdir(parents=True)
        (raw / "README.md").write_text("The synthetic set needs no files.\n")
        project = cls(folder)
        project.set_params(params or tiny_params())
        if under_git:
            project.done("git", "init", "--quiet")
            (folder / ".git/info/exclude").write_text("/.dvc/site/\n")  # the test's, see below
        scm = () if under_git else ("--no-scm",)
        project.done("python", "-m", "dvc", "init", *scm, "--quiet")
        if under_git:
            project.done("git", "add", ".")
            person = ("-c", "user.name=t", "-c", "user.email=t@t", "-c", "commit.gpgsign=false")
            project.done("git", *person, "commit", "--quiet", "--message", "All")
        return project

    def copied(self, folder: Path) -> "TinyProject":
        """Return a copy of the project, its results and DVC's cache included."""
        shutil.copytree(self.folder, folder, symlinks=True)
        return TinyProject(folder)

    @property
    def params(self) -> dict[str, Any]:
        return yaml.safe_load((self.folder / "params.yaml").read_text())

    def set_params(self, params: dict[str, Any]) -> None:
        """Write params.yaml; a key that is shared is written out, so no anchors appear."""
        plain = json.loads(json.dumps(params))
        (self.folder / "params.yaml").write_text(yaml.safe_dump(plain, sort_keys=False))

    def environment(self, **changes: str) -> dict[str, str]:
        """Return an environment in which the project's copies are imported before any other."""
        path = os.environ.get("PATH", "")
        programs = Path(sys.executable).parent
        return {
            **os.environ,
            "PATH": path if SERVED in os.environ else f"{programs}{os.pathsep}{path}",
            "PYTHONPATH": str(self.folder),
            "OMP_NUM_THREADS": "1",
            "HARNESS_TRACKING": "off",
            "DVC_NO_ANALYTICS": "1",
            # Neither a person's settings nor traces outside of the folder.
            "DVC_GLOBAL_CONFIG_DIR": str(self.folder / ".dvc/global"),
            "DVC_SITE_CACHE_DIR": str(self.folder / ".dvc/site"),
            **changes,
        }

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command in the folder and return how it ended."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**environment),
            capture_output=True,
            text=True,
            timeout=600,
        )

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command as the leader of a process group, its output merged into one pipe."""
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(**environment),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def done(self, *command: str, **environment: str) -> str:
        """Run a command that must succeed and return what it printed, errors included."""
        ended = self.run(*command, **environment)
        said = ended.stdout + ended.stderr
        assert ended.returncode == 0, f"{command} ended with {ended.returncode}:\n{said}"
        return said

    def dvc(self, *arguments: str, **environment: str) -> str:
        """Run DVC, which must succeed."""
        return self.done("python", "-m", "dvc", *arguments, **environment)

    def harness(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run `python -m harness` on the project's copy of the code."""
        return self.run("python", "-m", "harness", *arguments, **environment)
