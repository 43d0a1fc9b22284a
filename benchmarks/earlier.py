"""An earlier commit, checked out beside this one, each at work in a process of its own."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

EARLIER = "a6d30be8145a"
"""The last commit before steps and scoring were made faster: what both are compared with."""
NOW = Path(__file__).resolve().parents[1]
"""The sources as they are."""


class Worker:
    """A process that works with the sources of one commit and answers commands."""

    def __init__(self, sources: Path, script: Path, task: Mapping[str, Any]) -> None:
        """Start `script` in the folder `sources`; `task` is what it reads."""
        # -P: the folder of the script must not come before the sources on Python's path.
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(script), json.dumps(task)],
            cwd=sources,
            env={**os.environ, "PYTHONPATH": str(sources), "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def ask(self, command: str) -> float:
        """Return the answer to a command.

        Raises:
            RuntimeError: the process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{command}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{self._process.args!r} ended; run it by hand to see why")
        return float(answer)

    def end(self) -> None:
        """Let it end."""
        self._process.communicate()


@contextmanager
def sources_of(commit: str) -> Iterator[Path]:
    """Check out a commit into a folder that lasts as long as the block."""
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", commit], cwd=NOW, check=True, capture_output=True
        )
        subprocess.run(["tar", "-x", "-C", folder], input=archive.stdout, check=True)
        yield Path(folder)
