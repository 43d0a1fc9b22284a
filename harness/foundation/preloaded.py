"""Commands as forks of one process that has imported what they all import.

Most stages and cells of small networks take longer to import torch and Fabric than to work. DVC
starts a stage by its command, `python -m pipelines.train ...`. Here a `python` of ours stands
before the real one on the PATH: it hands the command, its folder, its environment and its open
streams to a waiting process, which forks, and the fork runs the module as the real `python` would.
Every other command goes to the real one. So does all on other systems than Linux, and where there
is an NVIDIA driver, which may not survive a fork.
"""

import atexit
import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

SERVED = "PRELOADED_COMMANDS"
"""Variable that says which commands are forks already, and of a process with how many threads."""

_LONGEST = 1 << 20  # bytes of a command and its environment

# Needs nothing but the standard library, so that it starts in hundredths of a second.
_CLIENT = """
import json, os, socket, sys
address, modules, *words = sys.argv[1:]
if len(words) < 2 or words[0] != "-m" or words[1] not in modules.split(","):
    os.execv(sys.executable, [sys.executable, *words])
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    try:
        server.connect(address)
        command = {"words": words, "folder": os.getcwd(), "environment": dict(os.environ)}
        socket.send_fds(server, [json.dumps(command).encode()], [0, 1, 2])
        server.recv(16)
    except OSError:  # it could not import the modules, and the real python says why, or
        # the environment is too large for a message
        os.execv(sys.executable, [sys.executable, *words])
    said = server.recv(16)
sys.exit(int(said) if said else "Error: the process that runs stages has ended")
"""


@dataclass(frozen=True)
class Interpreter:
    """What runs `python -m MODULE ...`.

    Attributes:
        python: path of the program.
        environment: in which `python` is that program, for those who call it by name.
    """

    python: str
    environment: dict[str, str]


@contextlib.contextmanager
def preloaded(
    environment: Mapping[str, str], modules: Sequence[str], imports: Sequence[str]
) -> Iterator[Interpreter]:
    """Yield an interpreter whose commands `-m MODULE` are forks of a process started here.

    Where `environment` names one that serves all `modules` already, with as many threads, that is
    yielded.

    Args:
        environment: what the waiting process imports under. A fork has the environment of its
            command, but what is read at import, such as OMP_NUM_THREADS, is read here.
        modules: those whose commands are forks.
        imports: what the waiting process imports before.
    """
    path = environment.get("PATH", os.defpath)
    threads, _, served = environment.get(SERVED, "").partition(":")
    own_threads = environment.get("OMP_NUM_THREADS", "")
    if set(modules) <= set(served.split(",")) and threads == own_threads:
        yield Interpreter(shutil.which("python", path=path) or sys.executable, dict(environment))
        return
    if sys.platform != "linux" or Path("/dev/nvidiactl").exists():
        yield Interpreter(sys.executable, dict(environment))
        return
    with tempfile.TemporaryDirectory() as folder:
        address, client = Path(folder) / "socket", Path(folder) / "client.py"
        client.write_text(_CLIENT)
        python = Path(folder) / "bin" / "python"
        python.parent.mkdir()
        first = (sys.executable, "-IS", str(client), str(address), ",".join(modules))
        python.write_text(f'#!/bin/sh\nexec {shlex.join(first)} "$@"\n')
        python.chmod(0o755)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(str(address))
            listener.listen()
            # By its path, not as part of `harness`: a fork may run another copy of that.
            waiting = (sys.executable, "-P", __file__, str(listener.fileno()))
            server = subprocess.Popen(
                [*waiting, *imports],
                env=dict(environment),
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,  # ends with this process, however that ends
                stderr=subprocess.DEVNULL,
            )
        changed = {
            "PATH": f"{python.parent}{os.pathsep}{path}",
            SERVED: f"{own_threads}:{','.join(modules)}",
        }
        try:
            yield Interpreter(str(python), {**environment, **changed})
        finally:
            server.communicate()


@dataclass(frozen=True)
class Command:
    """What was asked for: `python` and these words, in a folder, with an environment."""

    words: Sequence[str]
    folder: str
    environment: Mapping[str, str]


def serve(listener: socket.socket) -> Command:
    """Answer commands until standard input ends; return, in a fork, what that is to run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # from a terminal; the commands get it, too
    keepers = []
    while listener.fileno() in select.select([0, listener.fileno()], [], [])[0]:
        connection, _ = listener.accept()
        keeper = os.fork()
        if keeper == 0:
            listener.close()
            return _kept(connection)
        connection.close()
        keepers.append(keeper)
    for keeper in keepers:  # waited for, so that their processor time is told with this process's
        os.waitpid(keeper, 0)
    sys.exit()


def _kept(connection: socket.socket) -> Command:
    """Return the command in a fork; stay behind, watch over it and tell how it ended.

    A command that is killed takes its fork along.
    """
    asked, streams, _, _ = socket.recv_fds(connection, _LONGEST, 3)
    fork = os.fork()
    if fork == 0:
        connection.close()
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, stream in enumerate(streams):
            os.dup2(stream, number)
            os.close(stream)
        content: dict[str, Any] = json.loads(asked)
        return Command(content["words"], content["folder"], content["environment"])
    for stream in streams:
        os.close(stream)
    connection.send(b"begun")
    ended = os.pidfd_open(fork)
    if ended not in select.select([connection.fileno(), ended], [], [])[0]:
        os.kill(fork, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(fork, 0)[1])
    with contextlib.suppress(OSError):  # nobody is left to hear it
        connection.send(str(code if code >= 0 else 128 - code).encode())
    os._exit(0)


def become(command: Command, found_in: Sequence[str]) -> NoReturn:
    """Run a command's module as the real `python` would, in this process, and end.

    The end leaves everything that was imported in place: to take it down would copy its pages.

    Args:
        command: `-m MODULE ...`, its folder and environment.
        found_in: where modules are found besides the folder and PYTHONPATH.
    """
    os.chdir(command.folder)
    os.environ.clear()
    os.environ.update(command.environment)
    sys.path[:] = [command.folder, *_python_path(), *found_in]
    _, module, *arguments = command.words
    sys.argv = [module, *arguments]
    sys.orig_argv = ["python", *command.words]  # records of runs tell it
    if not hasattr(sys.modules.get(module), "__path__"):  # a package stays, and its __main__ runs
        sys.modules.pop(module, None)  # its imports stay
    code = 0
    try:
        runpy.run_module(module, run_name="__main__", alter_sys=True)
    except SystemExit as end:
        code = _exit_code(end)
    except BaseException as error:
        traceback.print_exc()
        code = 128 + signal.SIGINT if isinstance(error, KeyboardInterrupt) else 1
    for thread in threading.enumerate():
        if thread is not threading.current_thread() and not thread.daemon:
            thread.join()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(code)


def _exit_code(end: SystemExit) -> int:
    if end.code is None or isinstance(end.code, int):
        return end.code or 0
    print(end.code, file=sys.stderr)
    return 1


def _python_path() -> list[str]:
    return [entry for entry in os.environ.get("PYTHONPATH", "").split(os.pathsep) if entry]


def _serve_and_become() -> None:
    number, *names = sys.argv[1:]
    own = {str(Path(entry).absolute()) for entry in _python_path()}
    found_in = [entry for entry in sys.path if entry not in own]
    sys.path.insert(0, str(Path.cwd()))
    for name in names:
        importlib.import_module(name)
    gc.freeze()  # or each fork would search all that is imported for garbage, and copy its pages
    with socket.socket(fileno=int(number)) as listening:
        command = serve(listening)
    become(command, found_in)


if __name__ == "__main__":
    _serve_and_become()
