"""Stages as forks of one process that has imported what they all import.

Most stages of small networks take longer to import torch and Fabric than to work. DVC starts a
stage by its command, `python -m pipelines.train ...`. Here a `python` of ours stands before the
real one on the PATH of DVC: it hands the command, its folder, its environment and its open streams
to a waiting process, which forks, and the fork runs the module as the real `python` would. Every
other command goes to the real one. So does all on other systems than Linux, and where there is an
NVIDIA driver, which may not survive a fork.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODULES = ("pipelines.train", "pipelines.predict", "pipelines.score")
"""Stages that every model and seed has."""
LATE_IMPORTS = ("torch._dynamo",)
"""What the first optimiser of a process imports, which takes longer than many of its steps."""

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


@contextlib.contextmanager
def preloaded(
    environment: Mapping[str, str],
    modules: Sequence[str] = MODULES,
    late_imports: Sequence[str] = LATE_IMPORTS,
) -> Iterator[dict[str, str]]:
    """Yield `environment`, changed so that commands `python -m MODULE` are forks.

    Args:
        environment: what the waiting process imports under. A fork has the environment of its
            command, but what is read at import, such as OMP_NUM_THREADS, is read here.
        modules: those whose commands are forks, and that are imported before.
        late_imports: what is imported besides.
    """
    if sys.platform != "linux" or Path("/dev/nvidiactl").exists():
        yield dict(environment)
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
            waiting = (sys.executable, "-m", "pipelines.preloaded")
            server = subprocess.Popen(
                [*waiting, str(listener.fileno()), *modules, *late_imports],
                env=dict(environment),
                pass_fds=[listener.fileno()],
                stdin=subprocess.PIPE,  # ends with this process, however that ends
                stderr=subprocess.DEVNULL,
            )
        path = environment.get("PATH", os.defpath)
        try:
            yield {**environment, "PATH": f"{python.parent}{os.pathsep}{path}"}
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


def become(command: Command) -> None:
    """Run a command's module as the real `python` would, in this process."""
    os.chdir(command.folder)
    os.environ.clear()
    os.environ.update(command.environment)
    _, module, *arguments = command.words
    sys.argv = [module, *arguments]
    sys.orig_argv = ["python", *command.words]  # records of runs tell it
    del sys.modules[module]  # its imports stay
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    number, *names = sys.argv[1:]
    for each in names:
        importlib.import_module(each)
    gc.freeze()  # or each fork would search all that is imported for garbage, and copy its pages
    with socket.socket(fileno=int(number)) as listening:
        asked_for = serve(listening)
    become(asked_for)
