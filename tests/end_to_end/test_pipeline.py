"""The pipeline as users run it: `dvc repro` from nothing to tables, and again after changes."""

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from tiny_project import TinyProject

RUNS = "results/tiny/runs"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory, preloaded_python: None) -> TinyProject:
    """A project whose models ran side by side, as in `make repro`; tests leave it as it is."""
    made = TinyProject.made(tmp_path_factory.mktemp("project") / "tiny", under_git=True)
    made.done("python", "-m", "pipelines.side_by_side")
    return made


def test_every_output_is_there_and_the_tables_name_their_conditions(project: TinyProject) -> None:
    for model in ("semgcn", "dgnet"):
        run = project.folder / RUNS / f"{model}-seed0"
        scores = run / "scores/h36m17-actionwise"
        for path in (
            run / "model.safetensors",
            run / "history.csv",
            run / "metrics.json",
            run / "predictions/predictions.npy",
            scores / "score.json",
            scores / "sequences.csv",
            scores / "errors.parquet",
        ):
            assert path.stat().st_size > 0, path
        record = json.loads((run / "run.json").read_text())
        assert (record["status"], record["dataset"]) == ("finished", "synthetic")
        assert record["dvc_hashes"].keys() == {"data/prepared/tiny"}
    for name in ("table_01_mpjpe", "table_02_p_mpjpe"):
        text = (project.folder / f"results/tiny/tables/{name}.md").read_text()
        for condition in ("synthetic", "2D source detected", "joints 17", "flip at test on"):
            assert condition in text
        for model in ("semgcn", "dgnet"):
            record = json.loads((project.folder / f"{RUNS}/{model}-seed0/run.json").read_text())
            assert record["run_id"] in text


def test_git_finds_nothing_changed_or_new(project: TinyProject) -> None:
    assert len((project.folder / "dvc.lock").read_text().splitlines()) > 100
    assert project.done("git", "status", "--porcelain") == ""


def test_a_second_repro_finds_nothing_to_do(project: TinyProject) -> None:
    said = project.dvc("repro")
    assert "Data and pipelines are up to date." in said
    assert "Running stage" not in said


def test_a_change_runs_exactly_what_depends_on_it(project: TinyProject) -> None:
    tiny = ("profiles", "tiny")
    neighbours = (*tiny, "models", "dgnet", "network", "spatial_neighbours")
    rate = (*tiny, "models", "semgcn", "training", "learning_rate")
    changes_and_stages: tuple[tuple[dict[tuple[str, ...], Any], set[str]], ...] = (
        ({neighbours: 2}, {"train@tiny-dgnet-0"}),
        (
            {rate: 0.005, (*tiny, "protocols"): ["h36m17-actionwise-rootzero"]},
            {
                "train@tiny-semgcn-0",
                "score@tiny-dgnet-0",
                "score@tiny-semgcn-0",
                "tables@tiny",
                "figures@tiny",
                "report@tiny",
            },
        ),
        (
            {(*tiny, "flip_test"): False, (*tiny, "dataset", "options", "fps"): 30.0},
            {"prepare@tiny", "predict@tiny-dgnet-0", "predict@tiny-semgcn-0"},
        ),
    )
    before = project.params
    for changes, stages in changes_and_stages:
        project.set_params(with_values(before, changes))
        try:
            # The check of params.yaml reads it whole; what it writes never changes.
            assert changed_stages(project) == stages | {"settings"}
        finally:
            project.set_params(before)


def test_editing_a_method_retrains_that_method_alone(project: TinyProject, tmp_path: Path) -> None:
    edited = project.copied(tmp_path / "edited")
    for source, addition in (
        ("baselines/semgcn.py", "EDITED = True"),
        ("dgnet/layer.py", "# Prose."),
    ):
        path = edited.folder / source
        path.write_text(f"{path.read_text()}\n{addition}\n")
    said = edited.dvc("repro", "--single-item", "sources")
    assert said.count("Running stage") == 1
    assert changed_stages(edited) == {"train@tiny-semgcn-0", "predict@tiny-semgcn-0"}


def test_one_value_changed_is_trained_scored_and_tracked_and_nothing_else(
    project: TinyProject, tmp_path: Path
) -> None:
    changed = project.copied(tmp_path / "changed")
    keys = ("profiles", "tiny", "models", "dgnet", "network", "spatial_neighbours")
    changed.set_params(with_values(changed.params, {keys: 2}))
    untouched = changed.folder / f"{RUNS}/semgcn-seed0/run.json"
    before = untouched.read_bytes()
    said = changed.dvc("repro", HARNESS_TRACKING="later")  # as stages do where nothing is said
    assert {line.split("'")[1] for line in said.splitlines() if line.startswith("Running")} == {
        "settings",
        "train@tiny-dgnet-0",
        "predict@tiny-dgnet-0",
        "score@tiny-dgnet-0",
        "tables@tiny",
        "figures@tiny",
        "report@tiny",
    }
    assert untouched.read_bytes() == before
    run = changed.folder / f"{RUNS}/dgnet-seed0"
    record = json.loads((run / "run.json").read_text())
    assert record["parameters"]["network"]["spatial_neighbours"] == 2

    assert not list((changed.folder / ".harness/unsent").glob("*"))
    metrics = json.loads((run / "metrics.json").read_text())["h36m17-actionwise"]
    with sqlite3.connect(changed.folder / "mlflow.db") as store:
        names = (
            "SELECT r.name, e.name, r.status FROM runs r JOIN experiments e USING (experiment_id)"
        )
        assert set(store.execute(names)) == {
            ("tiny/dgnet-seed0", "tiny", "FINISHED"),
            ("tiny tables", "tiny", "FINISHED"),
            ("tiny figures", "tiny", "FINISHED"),
            ("tiny report", "tiny", "FINISHED"),
        }
        recorded = "JOIN runs r USING (run_uuid) WHERE r.name = ?"
        parameters = store.execute(
            f"SELECT key, value FROM params {recorded}", ["tiny/dgnet-seed0"]
        )
        assert dict(parameters)["network.spatial_neighbours"] == "2"
        steps = store.execute(
            f"SELECT step FROM metrics {recorded} AND key = 'validation_MPJPE' ORDER BY step",
            ["tiny/dgnet-seed0"],
        )
        assert [step for (step,) in steps] == [1, 2]
        scores = dict(
            store.execute(f"SELECT key, value FROM metrics {recorded}", ["tiny/dgnet-seed0"])
        )
        assert scores["MPJPE"] == scores["h36m17-actionwise/MPJPE"] == metrics["MPJPE"]
        assert scores["h36m17-actionwise/MPJPE/Walking"] == metrics["MPJPE/Walking"]
        tags = dict(
            store.execute(f"SELECT t.key, t.value FROM tags t {recorded}", ["tiny/dgnet-seed0"])
        )
        assert tags["run_id"] == record["run_id"]
        assert tags["dvc.data/prepared/tiny"] == record["dvc_hashes"]["data/prepared/tiny"]
    artifacts = {path.name for path in changed.folder.rglob("mlruns/**/artifacts/**/*")}
    assert artifacts >= {
        "model.safetensors",
        "run.json",
        "table_01_mpjpe.md",
        "sequences.csv",
        "index.html",
    }


def test_dvc_shows_metrics_and_plots(project: TinyProject) -> None:
    shown = json.loads(project.dvc("metrics", "show", "--json"))
    values = {path: entry["data"]["h36m17-actionwise"] for path, entry in shown[""]["data"].items()}
    assert set(values) == {f"{RUNS}/{model}-seed0/metrics.json" for model in ("semgcn", "dgnet")}
    assert all(entry["MPJPE"] > 0 for entry in values.values())
    project.dvc("plots", "show", "--out", "plots")
    page = (project.folder / "plots/index.html").read_text()
    for model in ("semgcn", "dgnet"):
        assert f"{model}-seed0/history.csv" in page.replace("\\", "/")
    assert "validation_MPJPE" in page


def test_the_commands_answer_with_numbers(project: TinyProject) -> None:
    compared = project.harness("compare", "dgnet", "semgcn", "--format", "json")
    assert compared.returncode == 0, compared.stderr
    rows = {(row["action"], row["model"]): row for row in json.loads(compared.stdout)["rows"]}
    for action in ("Walking", "Sitting", "average"):
        first, second = rows[action, "dgnet"], rows[action, "semgcn"]
        assert second["difference"] == pytest.approx(second["value"] - first["value"])
        assert second["low"] <= second["difference"] <= second["high"]
    table = project.harness("compare", "dgnet", "semgcn")
    assert table.returncode == 0
    for part in ("Walking", "Sitting", "average", "95 % interval"):
        assert part in table.stdout
    shown = project.harness("show", "tiny/dgnet-seed0")
    assert shown.returncode == 0
    for part in ("seed", "spatial_neighbours", "data hash", "torch"):
        assert part in shown.stdout
    listed = project.harness("tables", "--list")
    assert listed.returncode == 0
    assert "results/tiny/tables/table_02_p_mpjpe.csv" in listed.stdout
    assert "results/tiny/report/index.html" in listed.stdout


def changed_stages(project: TinyProject) -> set[str]:
    """Return the stages whose code, data or settings have changed since they ran."""
    said = project.dvc("repro", "--dry")
    return {line.split("'")[1] for line in said.splitlines() if line.startswith("Running stage")}


def with_values(params: dict[str, Any], values: dict[tuple[str, ...], Any]) -> dict[str, Any]:
    """Return `params` with values, by their nested keys, replaced."""
    changed: dict[str, Any] = json.loads(json.dumps(params))
    for keys, value in values.items():
        section = changed
        for key in keys[:-1]:
            section = section[key]
        section[keys[-1]] = value
    return changed
