import json
from pathlib import Path

import pytest
from stored_runs import write_run

from harness.cli.main import main

PARAMS = """
profile: quick
seeds: [0]
models: [dgnet]
profiles:
  quick:
    dataset: {name: synthetic}
    input_2d: detected
    flip_test: true
    protocols: [h36m17-actionwise]
    models: {dgnet: {}}
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with params.yaml and two scored seeds, which is the current one."""
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text(PARAMS)
    for seed in (0, 1):
        write_run(Path("results"), "dgnet", seed, mpjpe=50.0)


def ended(*arguments: str) -> object:
    with pytest.raises(SystemExit) as caught:
        main(["check", *arguments])
    return caught.value.code


def test_references_are_made_then_checked(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended() == 2
    assert "harness check --profile quick --update" in capsys.readouterr().err
    assert ended("--update") == 0
    said = capsys.readouterr().out
    assert "left as they are: data, steps, predictions, scores (data/prepared/quick: " in said
    assert "dgnet: results: MPJPE under h36m17-actionwise: new -> 50.0 (+-0.5)" in said
    assert ended() == 0
    shown = capsys.readouterr().out
    assert "profile quick: passed, data, steps, predictions, scores skipped" in shown
    assert "Warning: no run of profile quick has its weights here, so results are those" in shown
    Path("results/quick/runs/dgnet-seed0/model.safetensors").touch()
    assert ended() == 0
    shown = capsys.readouterr().out
    assert "Warning" not in shown
    assert "results/reference/quick: no references for stage steps; make them with" in shown


def test_an_unknown_stage_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--stage", "steps,result") == 2
    assert "unknown stage 'result'; did you mean 'results'?" in capsys.readouterr().err


def test_results_of_other_runs_than_the_references_are_warned_of(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended("--update") == 0
    write_run(Path("results"), "dgnet", 0, mpjpe=50.0, code="0" * 64)
    capsys.readouterr()
    assert ended() == 0
    output = capsys.readouterr()
    assert output.err.startswith("Warning: dgnet seed 0: the run is dgnet-")
    assert all(line in output.out for line in output.err.splitlines())


def test_a_degradation_exits_1_and_still_prints_and_writes_the_table(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert ended("--update") == 0
    (write_run(Path("results"), "dgnet", 0, mpjpe=51.0) / "model.safetensors").touch()
    capsys.readouterr()
    assert ended("--output", "check.md") == 1
    output = capsys.readouterr()
    assert output.err == (
        "Error: failed at results of dgnet: MPJPE under h36m17-actionwise is 51.00, "
        "the reference's 50.00 (tolerance 0.50): worse\n"
    )
    assert "**worse**" in output.out
    assert Path("check.md").read_text() == output.out
    assert ended("--format", "json") == 1
    assert json.loads(capsys.readouterr().out)["passed"] is False


def test_seeds_and_models_are_chosen_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--update") == 0
    write_run(Path("results"), "dgnet", 0, mpjpe=60.0)
    assert ended("--models", "dgnet", "--seeds", "1") == 0
    assert ended("--seeds", "0,1") == 1
    capsys.readouterr()
    assert ended("--seeds", "one") == 2
    assert "--seeds is 'one', expected numbers such as 0,1,2" in capsys.readouterr().err


def test_an_unknown_profile_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert ended("--profile", "quik") == 2
    assert "unknown profile 'quik'; did you mean 'quick'?" in capsys.readouterr().err
