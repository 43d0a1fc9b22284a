"""Files and folders are there whole or not at all, whatever interrupts the writing."""

import contextlib
import fcntl
import hashlib
import json
import signal
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any

import pytest

from harness.foundation.errors import HarnessError
from harness.foundation.files import (
    atomic_file,
    atomic_folder,
    only_writer,
    read_json,
    sha256_of_file,
    sha256_of_json,
    write_json,
)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def write_and_fail(stream: IO[bytes]) -> None:
    stream.write(b"new")
    raise ZeroDivisionError


def test_a_file_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "new/sub/file.txt"
    with atomic_file(path) as stream:
        stream.write("Häuser\n")
        stream.flush()
        assert not path.exists()
    assert path.read_bytes() == "Häuser\n".encode()
    assert names(path.parent) == {"file.txt"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o644


def test_a_file_that_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file.bin"
    path.write_bytes(b"old")
    with pytest.raises(ZeroDivisionError), atomic_file(path, "wb") as stream:
        write_and_fail(stream)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == {"file.bin"}


def test_a_folder_replaces_the_old_one_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "parent/folder"
    for name in ("first", "second"):
        with atomic_folder(path) as folder:
            (folder / name).write_text(name)
            assert not (path / name).exists()
        assert names(path) == {name}
    assert names(path.parent) == {"folder"}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux trades two names in one step")
def test_a_kill_cannot_fall_between_two_renames_for_there_are_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "set").mkdir()

    def no_rename(*_: object) -> None:
        raise AssertionError("the folder is away for a moment")

    monkeypatch.setattr(Path, "rename", no_rename)
    with atomic_folder(tmp_path / "set") as folder:
        (folder / "file").write_text("new")
    assert (tmp_path / "set" / "file").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


def test_a_folder_is_replaced_where_the_system_cannot_trade_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    for content in ("old", "new"):
        with atomic_folder(tmp_path / "set") as folder:
            (folder / "file").write_text(content)
    assert (tmp_path / "set" / "file").read_text() == "new"
    assert [entry.name for entry in tmp_path.iterdir()] == ["set"]


def test_a_folder_that_fails_leaves_the_old_one_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "folder"
    with atomic_folder(path) as folder:
        (folder / "old").write_text("old")
    with (
        pytest.raises(ZeroDivisionError),
        atomic_folder(path) as folder,
        (folder / "new").open("wb") as stream,
    ):
        write_and_fail(stream)
    assert names(path) == {"old"}
    assert names(tmp_path) == {"folder"}


@contextlib.contextmanager
def process_inside(with_statement: str) -> Iterator[subprocess.Popen[str]]:
    """Yield a process that is inside a `with` statement of harness.foundation.files and waits."""
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom harness.foundation.files import *\n"
        f"with {with_statement} as inside:\n"
        "    if hasattr(inside, 'write'): inside.write('new')\n"
        "    print('inside', flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "inside\n"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_process_killed_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file.txt"
    path.write_text("old")
    with process_inside(f"atomic_file(Path({str(path)!r}))") as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    assert path.read_text() == "old"


def test_another_process_is_refused_until_the_first_ends_however_it_ends(tmp_path: Path) -> None:
    path = tmp_path / "runs/run"
    with process_inside(f"only_writer(Path({str(path)!r}))") as process:
        with (
            pytest.raises(HarnessError, match=r"runs/run: another process is writing it"),
            only_writer(path),
        ):
            pytest.fail("two processes may write")
        process.send_signal(signal.SIGKILL)
        process.wait()
        with only_writer(path):
            pass


def test_writers_of_different_places_do_not_meet(tmp_path: Path) -> None:
    with only_writer(tmp_path / "a"), only_writer(tmp_path / "b"):
        assert names(tmp_path) == {"a.lock", "b.lock"}
    assert names(tmp_path) == set()


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock, flock = tmp_path / "run.lock", fcntl.flock

    def after_the_last_holder_ended(*arguments: Any) -> None:
        monkeypatch.undo()
        lock.unlink()
        flock(*arguments)

    monkeypatch.setattr(fcntl, "flock", after_the_last_holder_ended)
    with (
        only_writer(tmp_path / "run"),
        lock.open("a") as stream,
        pytest.raises(BlockingIOError),
    ):
        flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
    assert names(tmp_path) == set()


@pytest.mark.parametrize("write", [atomic_file, atomic_folder, only_writer])
def test_a_place_that_cannot_be_written_is_one_plain_error(
    write: Callable[[Path], AbstractContextManager[object]], tmp_path: Path
) -> None:
    (tmp_path / "results").write_text("a file")
    with (
        pytest.raises(HarnessError, match=r"results/run.*: cannot be written \(.+\); free space"),
        write(tmp_path / "results/run"),
    ):
        pytest.fail("it was written")
    assert (tmp_path / "results").read_text() == "a file"


def test_json_comes_back_and_equal_values_give_equal_bytes(tmp_path: Path) -> None:
    value = {"b": [1, 2.5, None, True], "a": {"é": "ü"}}
    write_json(tmp_path / "one.json", value)
    write_json(tmp_path / "two.json", {"a": value["a"], "b": value["b"]})
    assert read_json(tmp_path / "one.json") == value
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()
    assert (tmp_path / "one.json").read_text().endswith("}\n")


def test_json_without_a_number_for_nan_is_not_written(tmp_path: Path) -> None:
    write_json(tmp_path / "file.json", {"value": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "file.json", {"value": float("nan")})
    assert read_json(tmp_path / "file.json") == {"value": 1}
    assert names(tmp_path) == {"file.json"}


@pytest.mark.parametrize("content", [b"", b'{"a": 1', b"\xff\xfe", b"{'a': 1}"])
def test_damaged_json_is_one_plain_error(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(HarnessError, match=r"file\.json: is not valid JSON"):
        read_json(path)


def test_missing_json_is_one_plain_error(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match=r"file\.json: no such file"):
        read_json(tmp_path / "file.json")


def test_hashes_are_sha256(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc")
    # FIPS 180-4's example.
    expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of_file(tmp_path / "file") == expected
    value = {"b": 1, "a": [1.5, "x"]}
    text = json.dumps({"a": [1.5, "x"], "b": 1}, separators=(",", ":"))
    assert sha256_of_json(value) == hashlib.sha256(text.encode()).hexdigest()
    assert sha256_of_json({"a": [1.5, "x"], "b": 1}) == sha256_of_json(value)
    assert sha256_of_json({"a": [1.5, "x"], "b": 2}) != sha256_of_json(value)
