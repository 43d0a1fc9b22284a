"""Each model's best stored score, with its run: what `harness models` prints."""

import json
from pathlib import Path
from typing import Any

import pytest
from stored_runs import write_run

from harness.cli.main import main
from harness.lifting import registry
from harness.reporting.stored.best_scores import best_scores


def best_values(results: Path) -> dict[tuple[str, ...], float]:
    return {score.conditions: score.value for score in best_scores(results)}


def test_a_score_is_the_mean_over_the_seeds_of_one_configuration(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, "dgnet", seed, mpjpe=m) for seed, m in ((2, 50.0), (0, 44.0))]
    write_run(tmp_path, "semgcn", mpjpe=40.0)
    first, second = best_scores(tmp_path)
    assert (first.model, first.value) == ("dgnet", pytest.approx(47.0))
    assert (first.seeds, first.by_seed) == ((0, 2), (pytest.approx(44.0), pytest.approx(50.0)))
    ids = [json.loads((folder / "run.json").read_text())["run_id"] for folder in folders]
    assert first.run_ids == (ids[1], ids[0])
    assert (second.model, second.value) == ("semgcn", pytest.approx(40.0))


def test_a_lucky_seed_does_not_beat_a_better_configuration(tmp_path: Path) -> None:
    for seed, mpjpe in enumerate((40.0, 60.0)):
        write_run(tmp_path, "dgnet", seed, mpjpe=mpjpe, width=8)
    for seed, mpjpe in enumerate((45.0, 47.0, 49.0)):
        write_run(tmp_path, "dgnet", seed, mpjpe=mpjpe, width=16, profile="wide")
    (score,) = best_scores(tmp_path)
    assert (score.value, score.seeds) == (pytest.approx(47.0), (0, 1, 2))


@pytest.mark.parametrize("change", [{"code": "e" * 64}, {"flip_test": False}])
def test_runs_that_differ_in_more_than_their_seed_are_not_averaged(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    write_run(tmp_path, seed=0, mpjpe=50.0)
    write_run(tmp_path, seed=1, mpjpe=40.0, **change)
    (score,) = best_scores(tmp_path)
    assert (score.value, score.seeds) == (pytest.approx(40.0), (1,))


def test_a_run_that_lies_in_two_profiles_counts_once(tmp_path: Path) -> None:
    for profile in ("quick", "copy"):
        write_run(tmp_path, seed=0, mpjpe=50.0, profile=profile)
    write_run(tmp_path, seed=1, mpjpe=40.0)
    (score,) = best_scores(tmp_path)
    assert (score.value, score.seeds) == (pytest.approx(45.0), (0, 1))


def test_scores_under_unlike_conditions_are_kept_apart(tmp_path: Path) -> None:
    write_run(tmp_path, mpjpe=50.0)
    write_run(tmp_path, profile="exact", mpjpe=30.0, input_2d="gt")
    write_run(tmp_path, profile="privileged", mpjpe=20.0, uses_root_depth=True)
    write_run(tmp_path, profile="cmu", mpjpe=60.0, dataset="cmu")
    data, other = "d" * 64, "f" * 64
    write_run(tmp_path, profile="easier", mpjpe=10.0, data_hash=other)
    protocol = "h36m17-actionwise"
    assert best_values(tmp_path) == pytest.approx(
        {
            ("dgnet", "cmu", data, protocol, "detected"): 60.0,
            ("dgnet", "synthetic", data, protocol, "detected"): 50.0,
            ("dgnet", "synthetic", other, protocol, "detected"): 10.0,
            ("dgnet", "synthetic", data, protocol, "detected and root depth"): 20.0,
            ("dgnet", "synthetic", data, protocol, "gt"): 30.0,
        }
    )


def test_what_is_no_test_score_as_it_is_does_not_count(tmp_path: Path) -> None:
    write_run(tmp_path, seed=0, mpjpe=50.0)
    write_run(tmp_path, seed=1, mpjpe=10.0, split="validation")
    write_run(tmp_path, seed=2, mpjpe=10.0, corruption={"kind": "gaussian", "sigma_px": 5})
    damaged = write_run(tmp_path, seed=3, mpjpe=10.0)
    (damaged / "scores/h36m17-actionwise/score.json").write_text("{}")
    older = write_run(tmp_path, seed=4, mpjpe=10.0) / "scores/h36m17-actionwise/score.json"
    header = json.loads(older.read_text())
    header["conditions"]["definition"] = "0" * 64
    older.write_text(json.dumps(header))
    assert list(best_values(tmp_path).values()) == pytest.approx([50.0])


def test_the_listing_and_the_card_name_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    ids = []
    for seed, mpjpe in enumerate((51.1, 51.5)):
        folder = write_run(tmp_path / "results", "martinez", seed, mpjpe=mpjpe)
        ids.append(json.loads((folder / "run.json").read_text())["run_id"])
    monkeypatch.chdir(tmp_path)
    some = {name: registry.METHODS[name] for name in ("martinez", "semgcn")}
    monkeypatch.setattr(registry, "METHODS", some)
    with pytest.raises(SystemExit):
        main(["models", "martinez"])
    printed = capsys.readouterr().out
    for word in ("51.3", " ".join(ids), "4,296,755", "62.9", "ICCV 2017", "best epoch is chosen"):
        assert word in printed
    with pytest.raises(SystemExit):
        main(["models"])
    listing = capsys.readouterr().out
    assert len(listing.splitlines()) < 20, "a line each"
    assert "4,296,755" in listing
    assert "51.3" not in listing
    with pytest.raises(SystemExit):
        main(["models", "martinez", "--format", "json"])
    (score,) = json.loads(capsys.readouterr().out)["reproduced"]
    assert (score["run_ids"], score["dataset"]) == (ids, "synthetic")
