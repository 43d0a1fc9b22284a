"""Writing files so that a kill, a full disk or a second process never leaves one half-made."""

import contextlib
import ctypes
import errno
import fcntl
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from harness.foundation.budget import BUDGET
from harness.foundation.errors import HarnessError
from harness.foundation.plain_json import parse_json
from harness.foundation.shown import shown

# <fcntl.h> and <linux/fs.h>: paths are relative to the working folder; trade the two names.
_HERE, _RENAME_EXCHANGE = -100, 2

# What is being written has a hidden name with this ending, which git and DVC ignore; a killed
# process leaves it behind.
_PARTIAL = ".partial"


class Unwritable(HarnessError):
    """A place could not be written.

    Attributes:
        path: the place.
        error: what the system said.
    """

    def __init__(self, path: Path, error: OSError) -> None:
        """Say plainly why `path` could not be written."""
        super().__init__(
            f"{path}: cannot be written ({error.strerror or error}); "
            "free space or change permissions, it is as it was before"
        )
        self.path, self.error = path, error


@contextlib.contextmanager
def atomic_file(path: Path, mode: str = "w") -> Iterator[IO[Any]]:
    """Open a temporary file beside `path` that takes its name once it is written whole.

    Raises:
        HarnessError: the folder cannot be written or the disk is full; `path` is left as it was.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        encoding = None if "b" in mode else "utf-8"
        with tempfile.NamedTemporaryFile(
            mode,
            dir=path.parent,
            prefix=f".{path.name}.",
            suffix=_PARTIAL,
            delete=False,
            encoding=encoding,
        ) as stream:
            temporary = Path(stream.name)
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        temporary.chmod(0o644)
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise Unwritable(path, error) from error
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `path` that replaces it once the block ends without error.

    Everything in it has reached the disk before it does.

    Raises:
        HarnessError: the place cannot be written or the disk is full; `path` is left as it was.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = Path(
            tempfile.mkdtemp(dir=path.parent, prefix=f".{path.name}.", suffix=_PARTIAL)
        )
        yield temporary
        for written in (*temporary.rglob("*"), temporary):
            _sync(written)
        temporary.chmod(0o755)
        if path.exists():
            _exchange(temporary, path)
        else:
            temporary.rename(path)
        _sync(path.parent)
    except Unwritable as error:
        if temporary is None or not error.path.is_relative_to(temporary):
            raise
        # The file that was wanted, not the hidden one that was being written.
        raise Unwritable(path / error.path.relative_to(temporary), error.error) from error
    except OSError as error:
        raise _read_or_written(path, temporary, error) from error
    finally:
        if temporary is not None:
            shutil.rmtree(temporary, ignore_errors=True)


def _read_or_written(path: Path, temporary: Path | None, error: OSError) -> HarnessError:
    """Say which file failed: one that was read to fill the folder, or the folder itself."""
    named = Path(os.fsdecode(error.filename)) if error.filename else path
    if temporary is None or named in (temporary, path) or named.is_relative_to(temporary):
        return Unwritable(path, error)
    return HarnessError(
        f"{named}: cannot be read ({error.strerror or error}); restore it or change its permissions"
    )


def visible(paths: Iterable[Path]) -> list[Path]:
    """Return the paths, in order, without what a killed process was writing."""
    return sorted(path for path in paths if not any(part.endswith(_PARTIAL) for part in path.parts))


def _sync(path: Path) -> None:
    """Wait until a file or folder has reached the disk."""
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _exchange(one: Path, other: Path) -> None:
    """Let two folders of one parent trade names: in one step where the system can (Linux)."""
    try:
        renameat2 = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):
        renameat2 = None
    if renameat2 is not None:
        paths = os.fsencode(one), os.fsencode(other)
        if renameat2(_HERE, paths[0], _HERE, paths[1], _RENAME_EXCHANGE) == 0:
            return
        if ctypes.get_errno() not in (
            errno.ENOSYS,
            errno.EINVAL,
        ):  # the file system may not know it
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(other))
    retired = one.with_name(f"{one.stem}.old{_PARTIAL}")
    other.rename(retired)
    try:
        one.rename(other)
    except OSError:
        retired.rename(other)
        raise
    retired.rename(one)


@contextlib.contextmanager
def only_writer(path: Path) -> Iterator[None]:
    """Hold the right to write the run or folder `path`; a second process is refused, not queued.

    The lock is the operating system's on `path`.lock and so ends with the process, however it ends.
    The file goes when the block ends; one that a killed process left goes with the next writer.

    Raises:
        HarnessError: another process holds it.
    """
    lock_path = path.with_name(path.name + ".lock")
    try:
        lock_path.parent.mkdir(parents=True, exist_ok=True)
        stream = _locked(lock_path)
    except BlockingIOError as error:
        raise HarnessError(
            f"{path}: another process is writing it; wait for it to end or stop it first"
        ) from error
    except OSError as error:
        raise Unwritable(lock_path, error) from error
    with stream:
        try:
            yield
        finally:
            with contextlib.suppress(OSError):  # a file that stays does no harm
                lock_path.unlink()  # while it is locked: nobody else's can go


def _locked(path: Path) -> IO[str]:
    """Return the file at `path`, opened and locked; raises BlockingIOError where another has it.

    Between opening and locking it its last holder may have removed it. Such a lock would keep
    nobody out, for the next process would lock a new file, so it is taken again.
    """
    while True:
        with contextlib.ExitStack() as opened:
            stream = opened.enter_context(path.open("a"))
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.fstat(stream.fileno()).st_nlink:
                opened.pop_all()
                return stream


def write_json(path: Path, value: Any) -> None:
    """Write `value` as indented JSON with a stable key order, atomically."""
    with atomic_file(path) as stream:
        json.dump(value, stream, indent=2, sort_keys=True, allow_nan=False)
        stream.write("\n")


def read_json(path: Path) -> Any:
    """Read a JSON file.

    Raises:
        HarnessError: the file is missing, cannot be read, is not JSON or breaks the budget.
    """
    return parse_json(read_text(path, BUDGET.text_bytes, "JSON"), str(path))


def read_bytes(path: Path, limit: int, too_large: str, missing: str = "") -> bytes:
    """Read a file of at most `limit` bytes, whatever its size on disk is said to be.

    Args:
        path: the file.
        limit: bytes that it may have.
        too_large: what a larger one is told, after "which".
        missing: what to do where there is none.

    Raises:
        HarnessError: the file is missing, cannot be read or is too large.
    """
    try:
        with path.open("rb") as stream:
            content = bytearray()  # in blocks: Python makes room for all that a read asks for
            while len(content) <= limit and (block := stream.read(2**20)):
                content += block
    except FileNotFoundError as error:
        raise HarnessError(f"{path}: no such file{missing and f'; {missing}'}") from error
    except (OSError, ValueError) as error:  # a name with a zero byte is a ValueError
        raise HarnessError(f"{path}: cannot be read ({shown(error)})") from error
    if len(content) > limit:
        raise HarnessError(f"{path}: is larger than {limit:,} bytes, which {too_large}")
    return bytes(content)


def read_text(path: Path, limit: int, kind: str) -> str:
    """Read a text file of at most `limit` bytes.

    Raises:
        HarnessError: the file is missing, cannot be read, is too large or is not UTF-8.
    """
    content = read_bytes(path, limit, f"no {kind} file of a project is")
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise HarnessError(f"{path}: is not valid {kind} (not UTF-8: {error})") from error


def sha256_of_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_of_json(value: Any) -> str:
    """Return the SHA-256 of a value's canonical JSON: the identity of settings and contracts."""
    canonical = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
