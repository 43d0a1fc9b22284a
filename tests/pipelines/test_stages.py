"""The stages of dvc.yaml with their own command lines: what they read and write."""

import contextlib
import json
import runpy
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from tiny_project import ROOT, tiny_params

from harness.datasets.prepared import PreparedSet
from harness.foundation import tracking
from harness.foundation.tracking import NullTracker
from harness.prediction.stored import read_predictions
from pipelines import side_by_side
from pipelines import stage as shared

STAGES: dict[str, dict[str, Any]] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
MODELS = ["martinez", "semgcn", "dgnet"]
IN_ORDER = (
    *("settings", "prepare", "sources", "train", "predict", "score", "tables", "figures", "report"),
)


def filled(text: str, item: dict[str, str]) -> str:
    for key, value in item.items():
        text = text.replace(f"${{item.{key}}}", value)
    assert "$" not in text
    return text


def declared(stage: str, item: dict[str, str], kind: str) -> dict[str, dict[str, Any]]:
    """Return the paths of one kind (outs, deps ...) that dvc.yaml declares, with their options."""
    entries = STAGES[stage].get(kind, [])
    pairs = [
        (entry, {}) if isinstance(entry, str) else next(iter(entry.items())) for entry in entries
    ]
    return {filled(path, item): options for path, options in pairs}


def outputs(stage: str, item: dict[str, str]) -> dict[str, dict[str, Any]]:
    return {
        path: options
        for kind in ("outs", "plots", "metrics")
        for path, options in declared(stage, item, kind).items()
    }


def run_stage(stage: str, item: dict[str, str], patch: pytest.MonkeyPatch) -> set[str]:
    """Run a stage's command line in this process and return the files it wrote."""
    python, flag, module, *arguments = shlex.split(filled(STAGES[stage]["cmd"], item))
    assert (python, flag) == ("python", "-m")
    patch.setattr(sys, "argv", [module, *arguments])
    before = written()
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__")
    after = written()
    return {path for path, time in after.items() if before.get(path) != time}


def written() -> dict[str, int]:
    """Return when each file was written; locks and what lies in hidden folders are no outputs."""
    return {
        path.as_posix(): path.stat().st_mtime_ns
        for path in Path().rglob("*")
        if path.is_file() and path.suffix != ".lock" and not path.parts[0].startswith(".")
    }


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage has run; each wrote what it declares and nothing else."""
    folder = tmp_path_factory.mktemp("stages")
    with contextlib.chdir(folder), pytest.MonkeyPatch.context() as patch:
        patch.setenv("HARNESS_TRACKING", "off")
        Path("params.yaml").write_text(yaml.safe_dump(tiny_params() | {"models": MODELS}))
        for stage in IN_ORDER:
            axes = STAGES[stage].get("matrix", ())
            for model in MODELS if "model" in axes else [""]:
                item = {"profile": "tiny", "model": model, "seed": "0"}
                files = run_stage(stage, item, patch)
                places = outputs(stage, item)
                for path in files:
                    owners = [place for place in places if Path(path).is_relative_to(place)]
                    assert owners, f"{stage} writes {path}, which dvc.yaml does not declare"
                for place in places:
                    assert Path(place).exists(), f"{stage} does not write {place}"
    return folder


def test_stages_are_run_in_an_order_that_their_dependencies_allow() -> None:
    assert set(IN_ORDER) == set(STAGES) == set(side_by_side._STAGES)
    item = {"profile": "tiny", "model": "dgnet", "seed": "0"}
    made: set[str] = set()
    for stage in IN_ORDER:
        later = {place for other in IN_ORDER for place in outputs(other, item)} - made
        for path in declared(stage, item, "deps"):
            assert path not in later, f"{stage} reads {path} before it is made"
        made |= set(outputs(stage, item))


def test_lanes_end_at_about_the_same_time() -> None:
    took = {"a": 2.0, "b": 7.0, "c": 3.0, "d": 5.0, "e": 1.0}
    shares = side_by_side.lanes({(model, 0): seconds for model, seconds in took.items()}, 2)
    assert [[model for model, _ in share] for share in shares] == [["b", "a"], ["d", "c", "e"]]


def test_a_run_not_made_here_takes_as_long_as_the_committed_one(tmp_path: Path) -> None:
    committed = "reference/quick/runs/dgnet-seed0/run.json"
    record = json.loads((ROOT / "results" / committed).read_text())
    for place, seconds in ((committed, 12.5), ("quick/runs/semgcn-seed0/run.json", 3.5)):
        (tmp_path / place).parent.mkdir(parents=True)
        (tmp_path / place).write_text(json.dumps(record | {"seconds": seconds}))
    damaged = tmp_path / "quick/runs/martinez-seed0/run.json"
    damaged.parent.mkdir()
    damaged.write_text("{")
    runs = [("semgcn", 0), ("dgnet", 0), ("martinez", 0)]
    taken = side_by_side.seconds_before(tmp_path, "quick", runs)
    assert list(taken.items()) == list(zip(runs, [3.5, 12.5, 0.0], strict=True))


def test_runs_without_a_record_are_dealt_out_in_turn_and_no_lane_is_empty() -> None:
    unknown = {(model, 0): 0.0 for model in "abc"}
    assert side_by_side.lanes(unknown, 2) == [[("a", 0), ("c", 0)], [("b", 0)]]
    assert side_by_side.lanes(unknown, 8) == [[("a", 0)], [("b", 0)], [("c", 0)]]


@pytest.mark.parametrize("model", MODELS)
def test_each_frame_of_the_test_split_is_predicted_once(model: str, project: Path) -> None:
    prepared = PreparedSet(project / "data/prepared/tiny")
    clips = prepared.select("test")
    predictions = read_predictions(project / f"results/tiny/runs/{model}-seed0/predictions")
    assert predictions.positions.shape == (clips["frames"].sum(), 17, 3)
    assert np.isfinite(predictions.positions).all()
    assert list(predictions.clips["clip"]) == list(clips["clip"])
    assert predictions.contract.flip_test
    assert predictions.contract.frames == (1 if model in ("martinez", "semgcn") else 4)


@pytest.mark.parametrize("model", MODELS)
def test_the_record_the_score_and_the_sources_are_of_one_run(model: str, project: Path) -> None:
    run = project / f"results/tiny/runs/{model}-seed0"
    record = json.loads((run / "run.json").read_text())
    score = json.loads((run / "scores/h36m17-actionwise/score.json").read_text())
    scored = score["conditions"]["predictions"]
    assert scored["run_id"] == record["run_id"]
    assert scored["checkpoint_sha256"] == record["results"]["checkpoint_sha256"]
    assert scored["data_hash"] == record["data_hash"]
    metrics = json.loads((run / "metrics.json").read_text())["h36m17-actionwise"]
    assert set(metrics) >= {"MPJPE", "P-MPJPE", "MPJPE/Walking", "MPJPE/Sitting"}
    assert metrics["MPJPE"] == pytest.approx(
        (metrics["MPJPE/Walking"] + metrics["MPJPE/Sitting"]) / 2, abs=1e-4
    )
    sources = json.loads((project / f"data/sources/{model}.json").read_text())
    assert f"harness.lifting.methods.{model}" in sources


def test_small_results_are_kept_in_git_and_large_ones_in_dvcs_cache() -> None:
    item = {"profile": "tiny", "model": "dgnet", "seed": "0"}
    run = "results/tiny/runs/dgnet-seed0"
    kept = {
        path: options.get("cache", True)
        for stage in ("train", "predict", "score")
        for path, options in outputs(stage, item).items()
    }
    assert kept == {
        f"{run}/model.safetensors": True,
        f"{run}/predictions": True,
        f"{run}/run.json": False,
        f"{run}/history.csv": False,
        f"{run}/scores": False,
        f"{run}/metrics.json": False,
    }
    assert set(declared("score", item, "metrics")) == {f"{run}/metrics.json"}
    curve = declared("train", item, "plots")[f"{run}/history.csv"]
    assert (curve["x"], curve["y"]) == ("epoch", "validation_MPJPE")


def test_a_stage_refuses_a_command_line_that_is_not_its_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["pipelines.train", "--profile", "tiny", "--model", "dgnet"])
    sys.modules.pop("pipelines.train", None)
    with pytest.raises(SystemExit) as caught:
        runpy.run_module("pipelines.train", run_name="__main__")
    assert caught.value.code == 2
    assert "--seed" in capsys.readouterr().err


def test_what_a_stage_publishes_is_named_and_mirrored_where_it_lies(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    mirrored: list[tuple[str, str | None]] = []

    class Tracker(NullTracker):
        def artifact(self, path: Path, folder: str | None = None) -> None:
            mirrored.append((path.name, folder))

    @contextlib.contextmanager
    def tracker(
        experiment: str, name: str, tags: dict[str, str], identity: str
    ) -> Iterator[NullTracker]:
        mirrored.append((experiment, name))
        yield Tracker()

    monkeypatch.setattr(tracking, "open_tracker", tracker)
    places = ("tables/one.md", "experiments/noise/two.png", "reproduction.md")
    written = [Path("results/quick") / place for place in places]
    shared.publish(written, "quick", "quick tables", experiment="quick-noise")
    assert mirrored == [
        ("quick-noise", "quick tables"),
        ("one.md", "tables"),
        ("two.png", "experiments/noise"),
        ("reproduction.md", None),
    ]
    assert capsys.readouterr().out.split() == [str(path) for path in written]
