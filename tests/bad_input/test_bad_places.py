"""Second writers, places that cannot be written, full disks: one plain error, nothing damaged."""

import contextlib
import fcntl
import resource
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from full_disk import full_disk
from scored_run import PREDICT, RUN, SCORE, SCORING, SET, TRAIN, contents, ended

WRITING = {
    "prepare": (("data", "prepare", "synthetic", "--profile", "tiny"), SET),
    "train": (TRAIN, RUN),
    "predict": (PREDICT, RUN / "predictions"),
    "score": (SCORING, SCORE),
    "tables": (("tables",), Path("results/tiny/tables/table_01_mpjpe.md")),
}


@pytest.mark.parametrize("case", ["prepare", "train", "predict", "score"])
def test_a_second_writer_is_refused(case: str, refused: Callable[..., str]) -> None:
    command, place = WRITING[case]
    with place.with_name(place.name + ".lock").open("a") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)  # as another process would hold it
        assert f"{place}: another process is writing it" in refused(*command)


@pytest.mark.parametrize(
    ("command", "message"),
    [
        (TRAIN, "results/tiny/runs/semgcn-seed0.lock: cannot be written"),
        (("data", "inspect", "tiny"), "results/inspect/tiny.png: cannot be written"),
        (("tables",), "Directory 'results' is a file"),
    ],
)
def test_a_results_folder_that_cannot_be_written_is_one_plain_error(
    command: tuple[str, ...], message: str, refused: Callable[..., str]
) -> None:
    # Permissions do not stop root; a file where the folder should be stops everybody.
    Path("results").rename("elsewhere")
    Path("results").write_text("not a folder")
    assert message in refused(*command)


@pytest.mark.parametrize("case", ["predict", "score"])
def test_a_place_in_a_read_only_file_system_is_one_plain_error(
    case: str, refused: Callable[..., str]
) -> None:
    if not Path("/proc/self").is_dir():
        pytest.skip("no /proc on this system; it is where even root cannot write")
    command, _ = WRITING[case]
    error = refused(*command, "--out", "/proc/here")
    assert "/proc/here" in error
    assert "cannot be written" in error


@pytest.fixture
def limited() -> Iterator[Callable[[int], None]]:
    with full_disk() as limit:
        yield limit


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], None]]:
    """Put the project on a disk of its own, and leave so many bytes of it free."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(place)]
    if subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("mounting a small disk takes root and a system that lets it")
    shutil.copytree(Path.cwd(), place / "project")

    def leave(free: int) -> None:
        filler = place / "filler"
        filler.unlink(missing_ok=True)
        if free >= 0:
            room = shutil.disk_usage(place).free - free
            filler.write_bytes(bytes(max(0, room)))

    with contextlib.chdir(place / "project"):
        yield leave
    subprocess.run(["umount", "--lazy", str(place)], check=True)


@pytest.mark.parametrize("case", ["prepare", "predict", "score"])
def test_a_small_disk_that_is_full_damages_nothing(
    case: str, small_disk: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command, _ = WRITING[case]
    before, free, refusals = contents(), 0, 0
    while True:
        capsys.readouterr()
        small_disk(free)
        code = ended(*command)
        left = contents()
        small_disk(-1)
        if code == 0:
            break
        error = capsys.readouterr().err
        assert error.count("Error: ") == 1
        assert "cannot be written" in error
        assert ".partial" not in error, "the file that was wanted is named, not the hidden one"
        assert before.items() <= left.items()
        assert not any(".partial" in str(path) for path in left)
        refusals, free = refusals + 1, free * 2 or 4096
    assert refusals >= 1
    assert before == left, "made again, to the same bytes"


@pytest.mark.parametrize("case", WRITING)
def test_a_disk_that_is_full_at_any_point_damages_nothing(
    case: str, limited: Callable[[int], None], capsys: pytest.CaptureFixture[str]
) -> None:
    command, place = WRITING[case]
    allowed: tuple[str, ...] = ()  # where whole files may appear although the command fails
    if case == "train":
        weights = (RUN / "model.safetensors").read_bytes()
        shutil.rmtree(RUN)
        allowed, command = (".harness/state", str(RUN)), ("train", "semgcn")
    elif case == "tables":
        allowed = (str(place.parent), "results/tiny/figures")
    before, size, refusals = contents(), 0, 0
    while True:
        capsys.readouterr()
        limited(size)
        try:
            code = ended(*command)
        finally:
            limited(resource.RLIM_INFINITY)
        if code == 0:
            break
        assert code == 2
        error = capsys.readouterr().err
        assert error.count("Error: ") == 1
        assert "cannot be written" in error
        left = contents()
        assert before.items() <= left.items()
        new = sorted(str(path) for path in left.keys() - before.keys())
        assert [path for path in new if not path.startswith(allowed)] == []
        assert not any(path.name.startswith(".") for path in left.keys() - before.keys())
        assert ".partial" not in error, "the file that was wanted is named, not the hidden one"
        refusals, size = refusals + 1, size * 4 or 200
    assert refusals >= 2
    assert place.exists()
    if case == "train":
        assert (RUN / "model.safetensors").read_bytes() == weights
