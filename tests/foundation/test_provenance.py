import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.foundation.errors import HarnessError
from harness.foundation.provenance import (
    RunRecord,
    code_hash,
    collect,
    dvc_hashes,
    origin_tags,
    read_record,
    run_id_of,
    write_record,
)


def record_of(seed: int = 0, **changes: object) -> RunRecord:
    arguments: dict = {
        "run": f"quick/dgnet-seed{seed}",
        "kind": "train",
        "model": "dgnet",
        "seed": seed,
        "parameters": {"network": {"channels": 8}, "training": {"epochs": 2}},
        "dataset": "synthetic",
        "data_hash": "d" * 64,
    }
    return collect(**(arguments | changes))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """A git repository with one commit as the current folder; call it to run git there."""
    monkeypatch.chdir(tmp_path)

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        done = subprocess.run(
            ["git", *identity, *arguments], check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    git("init", "--quiet")
    Path("params.yaml").write_text("profile: quick\n")
    Path("results").mkdir()
    Path("results/run.json").write_text("{}\n")
    git("add", ".")
    git("commit", "--quiet", "--message", "One")
    return git


def test_a_record_names_commit_and_whether_files_differ(repository: Callable[..., str]) -> None:
    record = record_of()
    assert record.commit == repository("rev-parse", "HEAD")
    assert record.dirty is False
    Path("results/run.json").write_text('{"changed": true}\n')  # what runs write is no change
    assert record_of().dirty is False
    Path("params.yaml").write_text("profile: cmu\n")
    assert record_of().dirty is True


def test_what_is_tracked_names_command_and_commit(repository: Callable[..., str]) -> None:
    tags = origin_tags()
    assert tags["mlflow.source.name"] == record_of().command
    assert tags["mlflow.source.git.commit"] == repository("rev-parse", "HEAD")
    assert tags["dirty"] == "false"


def test_a_folder_that_git_refuses_is_told_apart_from_one_outside_git(
    repository: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert record_of().no_commit is None
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")  # git's own switch for this case
    record = record_of()
    assert record.commit is None
    assert record.no_commit is not None
    assert "git refuses the folder, which another user owns" in record.no_commit
    assert f"safe.directory {tmp_path}" in record.no_commit


def test_outside_git_commit_is_unknown_and_code_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    record = record_of()
    assert record.commit is None
    assert record.dirty is None
    assert len(record.code_hash) == 64
    assert "mlflow.source.git.commit" not in record.tags() | origin_tags()


def test_the_run_id_depends_on_everything_that_shapes_numbers_and_nothing_else() -> None:
    same = {"b": 1, "a": [1.5, None]}
    base = run_id_of("dgnet", 0, same, "data", "code")
    assert base == run_id_of("dgnet", 0, {"a": [1.5, None], "b": 1}, "data", "code")
    assert base.startswith("dgnet-")
    assert len(base) == len("dgnet-") + 10
    others = {
        run_id_of("fsg", 0, same, "data", "code"),
        run_id_of("dgnet", 1, same, "data", "code"),
        run_id_of("dgnet", 0, {**same, "b": 2}, "data", "code"),
        run_id_of("dgnet", 0, same, "other", "code"),
        run_id_of("dgnet", 0, same, "data", "other"),
    }
    assert len(others | {base}) == 6
    assert record_of().run_id == record_of().run_id
    assert record_of(seed=1).run_id != record_of().run_id
    assert record_of(code="c" * 64).run_id != record_of().run_id


def test_the_code_hash_changes_with_any_source_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lifters_of_a_test"
    (package / "inner").mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "inner" / "layer.py").write_text("K = 2\n")
    monkeypatch.syspath_prepend(tmp_path)
    first = code_hash([package.name])
    (package / "notes.txt").write_text("no code\n")
    assert code_hash([package.name]) == first
    (package / "inner" / "layer.py").write_text("K = 3\n")
    second = code_hash([package.name])
    assert second != first
    (package / "inner" / "layer.py").rename(package / "inner" / "moved.py")
    assert code_hash([package.name]) not in {first, second}
    with pytest.raises(HarnessError, match="package nowhere_to_be_found is not installed"):
        code_hash(["nowhere_to_be_found"])


def test_a_record_says_versions_hardware_and_command() -> None:
    record = record_of()
    assert record.versions["python"] == sys.version.split()[0]
    assert {"torch", "numpy", "dvc", "mlflow"} <= record.versions.keys()
    assert record.hardware.cores >= 1
    assert record.hardware.memory_gib > 0
    assert record.hardware.cpu
    assert record.command.startswith(("python", "pytest")), "the program, without its folder"


def test_the_command_names_the_console_script(tmp_path: Path) -> None:
    script = tmp_path / "harness"
    script.write_text("from harness.foundation.provenance import _command\nprint(_command())\n")
    command = [sys.executable, str(script), "train", "a b"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "harness train 'a b'"


def test_an_ended_record_keeps_time_and_results() -> None:
    record = record_of()
    assert (record.status, record.finished, record.seconds) == ("running", None, None)
    ended = record.ended("finished", {"epoch": 7}, seconds=12.34)
    assert (ended.status, ended.seconds, ended.results) == ("finished", 12.3, {"epoch": 7})
    assert ended.finished is not None
    assert ended.finished >= ended.started
    assert ended.run_id == record.run_id
    failed = record.ended("failed", {})
    assert failed.seconds is not None
    assert failed.seconds >= 0


def test_a_record_survives_its_file(tmp_path: Path) -> None:
    record = record_of().ended("finished", {"validation_MPJPE": 41.5})
    write_record(tmp_path / "run.json", record)
    assert read_record(tmp_path / "run.json") == record


def test_a_damaged_record_is_one_plain_error(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    with pytest.raises(HarnessError, match="no such file"):
        read_record(path)
    path.write_text("{")
    with pytest.raises(HarnessError, match="is not valid JSON"):
        read_record(path)
    values = record_of().model_dump(mode="json")
    del values["data_hash"]
    path.write_text(json.dumps(values))
    with pytest.raises(HarnessError, match=r"this version reads \(data_hash: Field required"):
        read_record(path)


LOCK = """
schema: '2.0'
stages:
  prepare@quick:
    cmd: python -m pipelines.prepare
    outs:
    - path: data/prepared/quick
      hash: md5
      md5: 0123.dir
  train@quick-dgnet-0:
    cmd: python -m pipelines.train
    deps:
    - path: data/sources/dgnet.json
      md5: '4567'
    - path: data/raw/quick
"""


def test_dvc_hashes_are_read_where_the_lock_has_them(tmp_path: Path) -> None:
    lock = tmp_path / "dvc.lock"
    assert dvc_hashes(["data/prepared/quick"], lock) == {}
    lock.write_text(LOCK)
    wanted = [Path("data/prepared/quick"), "data/sources/dgnet.json", "data/raw/quick", "other"]
    assert dvc_hashes(wanted, lock) == {
        "data/prepared/quick": "0123.dir",
        "data/sources/dgnet.json": "4567",
    }
    lock.write_text("stages: [damaged")
    assert dvc_hashes(wanted, lock) == {}


def test_tags_lead_back_to_the_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("dvc.lock").write_text(LOCK)
    tags = record_of(inputs=["data/prepared/quick"]).tags()
    assert tags["run_id"] == record_of().run_id
    assert tags["dvc.data/prepared/quick"] == "0123.dir"
    assert tags["data_hash"] == "d" * 64
    assert all(isinstance(value, str) for value in tags.values())
