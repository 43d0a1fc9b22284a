"""params.yaml and dvc.yaml as they ship: everything that they name exists and is valid.

Profiles whose data nobody has at hand are checked as far as settings go.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.utils.hydra import apply_overrides
from tiny_project import ROOT

from harness.datasets.importers import importer_called
from harness.experiments.grid import grid_called, resolve_cells
from harness.experiments.identity import resolved
from harness.experiments.preflight import checked_profile
from harness.foundation.errors import HarnessError
from harness.foundation.settings import Settings, load_settings, validated
from harness.scoring.protocols import protocol_called
from harness.training.plan import profile_plan

PARAMS = ROOT / "params.yaml"
SETTINGS = load_settings(PARAMS)
PIPELINES = ("dvc.yaml", "experiments/dvc.yaml")
PLACES = [(profile, model) for profile in SETTINGS.profiles for model in SETTINGS.models]


@pytest.mark.parametrize(("profile", "model"), PLACES)
def test_every_model_of_every_profile_has_valid_settings(profile: str, model: str) -> None:
    plan = profile_plan(profile, SETTINGS.profile_called(profile), model, 0)
    assert plan.parameters()["training"]["epochs"] >= 1


@pytest.mark.parametrize("profile", SETTINGS.profiles)
def test_every_profile_names_a_data_set_its_options_and_protocols(profile: str) -> None:
    chosen = SETTINGS.profile_called(profile)
    importer = importer_called(chosen.dataset.name)
    validated(importer.settings, chosen.dataset.options, where=profile)
    for protocol in chosen.protocols:
        protocol_called(protocol)


GRIDS = [
    (grid, profile) for grid in SETTINGS.grids for profile in grid_called(SETTINGS, grid).budgets
]


@pytest.mark.parametrize(("grid", "profile"), GRIDS)
def test_every_cell_of_every_grid_has_valid_settings(grid: str, profile: str) -> None:
    for cell in resolve_cells(SETTINGS, grid, profile):
        assert resolved(cell, {})["parameters"]["network"]


def test_every_experiment_is_a_grid_of_the_same_profiles() -> None:
    for name in SETTINGS.experiments:
        assert set(grid_called(SETTINGS, name).budgets) == {"tiny", "quick", "cmu", "paper"}


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_dvc_tracks_values_that_are_there(pipeline: str) -> None:
    values: dict[str, Any] = yaml.safe_load(PARAMS.read_text())
    stages = yaml.safe_load((ROOT / pipeline).read_text())["stages"]
    seen = 0
    places = itertools.product(stages.values(), PLACES, SETTINGS.experiments)
    for stage, (profile, model), grid in places:
        for key in stage.get("params", []):
            key = key.replace("${item.profile}", profile).replace("${item.model}", model)
            key = key.replace("${item.grid}", grid).replace("${item.target}", profile)
            section: Any = values
            for part in key.split("."):
                assert part in section, f"{key} is not in params.yaml"
                section = section[part]
            seen += 1
    assert seen > 0


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_dvc_depends_on_files_that_are_there(pipeline: str) -> None:
    stages = yaml.safe_load((ROOT / pipeline).read_text())["stages"]
    for name, stage in stages.items():
        module = re.search(r"python -m ([\w.]+)", stage["cmd"])
        assert module
        own = module[1].replace(".", "/") + ".py"
        assert own in stage["deps"], f"{name} does not depend on its own module"
        for path in stage["deps"]:
            made = path.startswith(("data/", "results/"))
            assert made or (ROOT / path).exists(), f"{name} depends on {path}"


def test_setting_one_value_from_the_command_line_changes_one_model(tmp_path: Path) -> None:
    """`dvc exp run -S` needs the key to be there, and edits what an anchor shares everywhere."""
    path = tmp_path / "params.yaml"
    path.write_text(PARAMS.read_text())
    for override in (
        "profiles.quick.models.dgnet.network.spatial_neighbours=5",
        "profiles.quick.models.dgnet.training.epochs=3",
        "seeds=[0,1,2]",
    ):
        apply_overrides(path, [override])
    expected = yaml.safe_load(PARAMS.read_text())
    expected["profiles"]["quick"]["models"]["dgnet"]["network"]["spatial_neighbours"] = 5
    expected["profiles"]["quick"]["models"]["dgnet"]["training"]["epochs"] = 3
    expected["seeds"] = [0, 1, 2]
    assert yaml.safe_load(path.read_text()) == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"protocols": ["h36m17-actionwis"]}, "h36m17-actionwise"),
        ({"dataset": {"name": "syntetic"}}, "synthetic"),
        ({"dataset": {"name": "synthetic", "options": {"take": 2}}}, "takes"),
    ],
)
def test_a_misspelt_name_is_refused_before_anything_runs(
    change: dict[str, Any], expected: str
) -> None:
    values = yaml.safe_load(PARAMS.read_text())
    values["profiles"]["quick"] |= change
    with pytest.raises(HarnessError, match=expected):
        checked_profile(validated(Settings, values, "params.yaml"), "quick")


def test_a_misspelt_model_is_refused_before_anything_runs() -> None:
    values = yaml.safe_load(PARAMS.read_text()) | {"models": ["dgnet", "semgcm"]}
    with pytest.raises(HarnessError, match="semgcn"):
        checked_profile(validated(Settings, values, "params.yaml"))
