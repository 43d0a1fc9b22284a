"""The stages of experiments/dvc.yaml on a tiny grid: cells, grid, table, reproduction."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from tiny_project import ROOT, tiny_params

from harness.foundation.files import read_json
from pipelines.cells import cells
from pipelines.experiment import experiment
from pipelines.grid import grid
from pipelines.prepare import prepare
from pipelines.reproduction import reproduction
from pipelines.wsgcn import wsgcn

GRID = Path("results/tiny/grids/neighbours")
LISTED = Path("data/grids/tiny-neighbours.json")


@pytest.fixture
def _project(tmp_path: Path, preloaded_python: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    write_params()
    prepare("tiny")


def write_params(**network: Any) -> None:
    variations: dict[str, Any] = {
        "DSG-K1": {"network.spatial_neighbours": 1},
        "DSG-K3": {},
        "DTG-K3": {"network.spatial_neighbours": 3},  # the default: the very same cell
    }
    grids = {
        "neighbours": {
            "profiles": {"tiny": {"network": network}},
            "models": ["dgnet"],
            "variations": variations,
        }
    }
    params = {**tiny_params(), "experiments": list(grids), "grids": grids}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))


@pytest.mark.usefixtures("_project")
def test_from_settings_to_what_was_reproduced(capsys: pytest.CaptureFixture[str]) -> None:
    cells("tiny", "neighbours")
    listed = LISTED.read_bytes()
    grid("tiny", "neighbours")
    printed = capsys.readouterr().out
    assert printed.count(" started") == 2
    assert "DTG-K3-dgnet-seed0 copied from its equal" in printed
    averages = read_json(GRID.with_suffix(".json"))
    assert averages["DSG-K3-dgnet-seed0"] == averages["DTG-K3-dgnet-seed0"]
    assert averages["DSG-K1-dgnet-seed0"]["test"]["h36m17-actionwise MPJPE"] > 0
    copied, trained = (GRID / f"{name}-dgnet-seed0" for name in ("DTG-K3", "DSG-K3"))
    assert (copied / "history.csv").read_bytes() == (trained / "history.csv").read_bytes()
    assert read_json(copied / "cell.json")["variation"] == "DTG-K3"

    experiment("tiny", "neighbours")
    table = Path("results/tiny/experiments/neighbours/table_06_neighbours.md").read_text()
    assert "3 of 8 cells measured" in table
    reproduction("tiny")
    assert "Table VI" in Path("results/tiny/reproduction.md").read_text()

    # A default that is written out changes neither the list that runs depend on nor any run.
    capsys.readouterr()
    write_params(temporal_neighbours=4)
    cells("tiny", "neighbours")
    assert LISTED.read_bytes() == listed
    grid("tiny", "neighbours")
    assert " started" not in capsys.readouterr().out
    write_params(temporal_neighbours=2)
    cells("tiny", "neighbours")
    assert LISTED.read_bytes() != listed


@pytest.mark.slow
def test_the_stage_wsgcn_runs_its_rows_and_writes_them_beside_the_printed_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    params = tiny_params()
    profile = params["profiles"]["tiny"]
    profile["dataset"]["options"]["train"] = ["S1", "S6"]
    profile["models"]["wsgcn"] = {
        "network": {
            "channels": 8,
            "modules": 1,
            "labelled_subjects": ["S1"],
            "warm_up_epochs": 1,
        },
        "training": {**profile["models"]["semgcn"]["training"], "select": "last"},
    }
    variations = {"full": {"network.labelled_subjects": None}, "weak": {}}
    wsgcn_grid = {"profiles": {"tiny": {}}, "models": ["wsgcn"], "variations": variations}
    params |= {"models": ["wsgcn"], "grids": {"wsgcn": wsgcn_grid}}
    Path("params.yaml").write_text(yaml.safe_dump(params, sort_keys=False))
    prepare("tiny")
    wsgcn("tiny")
    averages = read_json(Path("results/tiny/grids/wsgcn.json"))
    table = Path("results/tiny/experiments/wsgcn/wsgcn.md").read_text()
    for row in variations:
        value = averages[f"{row}-wsgcn-seed0"]["test"]["h36m17-actionwise MPJPE"]
        assert f"{value:.1f}" in table
    assert "weak (S1 labelled)" in table
    assert Path("results/tiny/experiments/wsgcn/wsgcn.csv").is_file()
