"""Commands as forks of one process behave as commands of their own do."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.foundation.preloaded import preloaded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are for Linux")

STAGE = """
import os, sys, time
import heavy
if __name__ == "__main__":
    if sys.argv[1:] == ["wait"]:
        print(os.getpid(), flush=True)
        time.sleep(600)
    print(heavy.IMPORTED_BY == os.getpid(), sys.orig_argv[1:], sys.argv[1:], os.getcwd())
    print(os.environ["SAID"], sys.stdin.read(), file=sys.stderr)
    sys.exit(7)
"""


@pytest.fixture
def stages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a module `stage` and a module that says which process imported it."""
    (tmp_path / "stage.py").write_text(STAGE)
    (tmp_path / "heavy.py").write_text("import os\nIMPORTED_BY = os.getpid()\n")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path}{os.pathsep}{Path(__file__).parents[2]}")
    return tmp_path


def test_a_fork_has_arguments_folder_environment_and_streams_of_its_command(stages: Path) -> None:
    folder = stages / "elsewhere"
    folder.mkdir()
    ended = {}
    with preloaded(os.environ, ["stage"], ["stage"]) as interpreter:
        for name, given in {"fork": interpreter.environment, "real": dict(os.environ)}.items():
            given["PATH"] = given.get("PATH", "") + os.pathsep + str(Path(sys.executable).parent)
            ended[name] = subprocess.run(
                ["python", "-m", "stage", "--seed", "3"],
                cwd=folder,
                env={**given, "SAID": "environment"},
                input="input",
                capture_output=True,
                text=True,
            )
    fork, real = ended["fork"], ended["real"]
    assert (fork.returncode, fork.stderr) == (7, "environment input\n")
    words = f"['-m', 'stage', '--seed', '3'] ['--seed', '3'] {folder}\n"
    assert fork.stdout == f"False {words}"
    assert (real.returncode, real.stdout, real.stderr) == (7, f"True {words}", fork.stderr)


def test_a_fork_runs_the_code_of_its_own_folder_and_path(stages: Path) -> None:
    copies = {name: stages / name for name in ("folder", "path")}
    for name, copy in copies.items():
        copy.mkdir()
        (copy / "stage.py").write_text(f"import heavy, sys; sys.exit('of the {name}')")
    with preloaded(os.environ, ["stage"], ["heavy"]) as interpreter:
        for folder, path, said in (
            (copies["folder"], copies["path"], "of the folder\n"),
            (stages.parent, copies["path"], "of the path\n"),
        ):
            done = subprocess.run(
                [interpreter.python, "-m", "stage"],
                cwd=folder,
                env={**interpreter.environment, "PYTHONPATH": str(path)},
                capture_output=True,
                text=True,
            )
            assert (done.returncode, done.stderr) == (1, said)


def test_a_fork_ends_as_a_process_does(stages: Path) -> None:
    (stages / "stage.py").write_text(
        "import atexit, threading, time\n"
        "atexit.register(print, 'last')\n"
        "threading.Thread(target=lambda: (time.sleep(0.2), print('late'))).start()\n"
        "if __name__ == '__main__':\n    raise ValueError('wrong')\n"
    )
    with preloaded(os.environ, ["stage"], ["heavy"]) as interpreter:
        done = subprocess.run(
            [interpreter.python, "-m", "stage"],
            env=interpreter.environment,
            capture_output=True,
            text=True,
        )
    assert (done.returncode, done.stdout) == (1, "late\nlast\n")
    assert done.stderr.splitlines()[-1] == "ValueError: wrong"


def test_what_is_preloaded_already_is_not_preloaded_again(stages: Path) -> None:
    with preloaded({**os.environ, "OMP_NUM_THREADS": "1"}, ["stage", "heavy"], []) as first:
        with preloaded(first.environment, ["stage"], []) as again:
            assert again == first
        for other in (["stage", "other"], ["stage"]):
            threads = "2" if other == ["stage"] else "1"
            with preloaded({**first.environment, "OMP_NUM_THREADS": threads}, other, []) as own:
                assert own.python != first.python


def test_other_commands_go_to_the_real_interpreter(stages: Path) -> None:
    with preloaded(os.environ, ["stage"], ["stage"]) as interpreter:
        asked = "import heavy, os; print(heavy.IMPORTED_BY == os.getpid())"
        for words, said in {("-c", asked): "True\n", ("-m", "heavy"): ""}.items():
            done = subprocess.run(
                ["python", *words], env=interpreter.environment, capture_output=True, text=True
            )
            assert (done.returncode, done.stdout, done.stderr) == (0, said, "")


def test_an_environment_too_large_for_a_message_goes_to_the_real_interpreter(stages: Path) -> None:
    large = {f"LARGE{number}": 100_000 * "x" for number in range(8)}
    with preloaded(os.environ, ["stage"], ["stage"]) as interpreter:
        done = subprocess.run(
            ["python", "-m", "stage"],
            env={**interpreter.environment, **large, "SAID": "all of it"},
            input="",
            capture_output=True,
            text=True,
        )
    assert (done.returncode, done.stdout.split()[0]) == (7, "True")


def test_a_stage_that_cannot_be_imported_says_so_itself(stages: Path) -> None:
    (stages / "heavy.py").write_text("raise RuntimeError('no such card')\n")
    with preloaded(os.environ, ["stage"], ["stage"]) as interpreter:
        done = subprocess.run(
            ["python", "-m", "stage"], env=interpreter.environment, capture_output=True, text=True
        )
    assert done.returncode == 1
    assert done.stderr.rstrip().endswith("RuntimeError: no such card")


@contextlib.contextmanager
def waiting() -> Iterator[tuple["subprocess.Popen[str]", int]]:
    """Yield a command that waits, and the number of the process that is its fork."""
    with preloaded(os.environ, ["stage"], ["stage"]) as interpreter:
        command = subprocess.Popen(
            ["python", "-m", "stage", "wait"],
            env=interpreter.environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert command.stdout is not None
        yield command, int(command.stdout.readline())


@pytest.mark.usefixtures("stages")
def test_a_fork_ends_with_the_command_that_is_killed() -> None:
    with waiting() as (command, fork):
        os.kill(fork, 0)
        command.kill()
        command.wait()
        deadline = time.monotonic() + 60
        while Path(f"/proc/{fork}").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)


@pytest.mark.usefixtures("stages")
def test_a_fork_that_is_killed_fails_its_command() -> None:
    with waiting() as (command, fork):
        os.kill(fork, signal.SIGKILL)
        assert command.wait() == 128 + signal.SIGKILL
