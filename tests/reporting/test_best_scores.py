"""Each model's best stored score, with its run: what `harness models` prints."""

import json
from pathlib import Path

import pytest
from stored_runs import write_run

from harness.cli.main import main
from harness.reporting.best_scores import best_scores


def best_values(results: Path) -> dict[tuple[str, ...], float]:
    return {score.conditions: score.value for score in best_scores(results)}


def test_the_lowest_score_of_each_model_is_kept_with_its_run(tmp_path: Path) -> None:
    for seed, mpjpe in enumerate((50.0, 42.5, 47.0)):
        write_run(tmp_path, "dgnet", seed, mpjpe=mpjpe)
    write_run(tmp_path, "semgcn", mpjpe=40.0)
    record = json.loads((tmp_path / "quick/runs/dgnet-seed1/run.json").read_text())
    first, second = best_scores(tmp_path)
    assert (first.model, first.run_id) == ("dgnet", record["run_id"])
    assert first.value == pytest.approx(42.5)
    assert (second.model, second.value) == ("semgcn", pytest.approx(40.0))


def test_scores_under_unlike_conditions_are_kept_apart(tmp_path: Path) -> None:
    write_run(tmp_path, mpjpe=50.0)
    write_run(tmp_path, profile="exact", mpjpe=30.0, input_2d="gt")
    write_run(tmp_path, profile="privileged", mpjpe=20.0, uses_root_depth=True)
    write_run(tmp_path, profile="cmu", mpjpe=60.0, dataset="cmu")
    protocol = "h36m17-actionwise"
    assert best_values(tmp_path) == pytest.approx(
        {
            ("dgnet", "cmu", protocol, "detected"): 60.0,
            ("dgnet", "synthetic", protocol, "detected"): 50.0,
            ("dgnet", "synthetic", protocol, "detected and root depth"): 20.0,
            ("dgnet", "synthetic", protocol, "gt"): 30.0,
        }
    )


def test_what_is_no_test_score_as_it_is_does_not_count(tmp_path: Path) -> None:
    write_run(tmp_path, seed=0, mpjpe=50.0)
    write_run(tmp_path, seed=1, mpjpe=10.0, split="validation")
    write_run(tmp_path, seed=2, mpjpe=10.0, corruption={"kind": "gaussian", "sigma_px": 5})
    damaged = write_run(tmp_path, seed=3, mpjpe=10.0)
    (damaged / "scores/h36m17-actionwise/score.json").write_text("{}")
    assert list(best_values(tmp_path).values()) == pytest.approx([50.0])


def test_the_listing_and_the_card_name_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = write_run(tmp_path / "results", "martinez", mpjpe=51.3)
    run_id = json.loads((folder / "run.json").read_text())["run_id"]
    monkeypatch.chdir(tmp_path)
    for arguments in (["models"], ["models", "martinez"]):
        with pytest.raises(SystemExit):
            main(arguments)
        printed = capsys.readouterr().out
        assert "51.3" in printed
        assert run_id in printed
    with pytest.raises(SystemExit):
        main(["models", "martinez", "--format", "json"])
    (score,) = json.loads(capsys.readouterr().out)["reproduced"]
    assert (score["run_id"], score["dataset"]) == (run_id, "synthetic")
