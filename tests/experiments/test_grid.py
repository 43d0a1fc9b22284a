"""Which cells a grid of params.yaml has, and what their keys depend on."""

from typing import Any

import pytest
from tiny_project import tiny_params

from harness.experiments.grid import resolve_cells
from harness.runs.errors import HarnessError
from harness.runs.settings import Settings


def cells_of(**grid: Any) -> list[Any]:
    grids = {"study": {"profile": "tiny", "models": ["dgnet"], **grid}}
    return resolve_cells(Settings(**tiny_params(), grids=grids), "study")


def test_a_grid_without_variations_is_each_model_with_each_seed_as_set() -> None:
    cells = cells_of(models=["dgnet", "semgcn"], seeds=[0, 7])
    assert [cell.name for cell in cells] == [
        "as_set-dgnet-seed0",
        "as_set-dgnet-seed7",
        "as_set-semgcn-seed0",
        "as_set-semgcn-seed7",
    ]
    assert cells[0].network == {"channels": 8, "blocks": 1}
    assert cells[0].input_2d == "detected"
    assert cells[0].protocols == ["h36m17-actionwise"]


def test_axes_are_crossed_and_stand_beside_named_variations() -> None:
    cells = cells_of(
        variations={"wide": {"network.channels": 16}},
        axes={"network.spatial_neighbours": [1, 3], "input_2d": ["gt", "detected"]},
    )
    found = {
        cell.variation: (
            cell.network["channels"],
            cell.network.get("spatial_neighbours"),
            cell.input_2d,
        )
        for cell in cells
    }
    assert found == {
        "wide": (16, None, "detected"),
        "spatial_neighbours=1-input_2d=gt": (8, 1, "gt"),
        "spatial_neighbours=1-input_2d=detected": (8, 1, "detected"),
        "spatial_neighbours=3-input_2d=gt": (8, 3, "gt"),
        "spatial_neighbours=3-input_2d=detected": (8, 3, "detected"),
    }


def test_the_nearest_change_counts_profile_then_grid_then_variation() -> None:
    (cell,) = cells_of(
        network={"channels": 12, "blocks": 2},
        training={"epochs": 5},
        variations={"one": {"network.blocks": 3, "train_actions": ["Walking"]}},
    )
    assert cell.network == {"channels": 12, "blocks": 3}
    assert cell.training == {"epochs": 5, "steps_per_epoch": 2, "batch_size": 8}
    assert cell.train_actions == ["Walking"]


def test_a_list_as_value_gives_a_name_that_a_folder_can_have() -> None:
    (cell,) = cells_of(axes={"train_actions": [["Walking", "Sitting"]]})
    assert cell.name == "train_actions=Walking+Sitting-dgnet-seed0"


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ({"modles": ["dgnet"]}, "unknown key 'modles'; did you mean 'models'"),
        ({"models": ["dgnt"]}, "unknown model of this profile 'dgnt'; did you mean 'dgnet'"),
        ({"profile": "tiyn"}, "unknown profile 'tiyn'; did you mean 'tiny'"),
        ({"variations": {"a": {"epochs": 3}}}, "variation a changes 'epochs'"),
        ({"variations": {"a": {"input_2d.kind": 3}}}, "variation a changes 'input_2d.kind'"),
        ({"seeds": [0, 0]}, "cell as_set-dgnet-seed0 comes twice"),
        ({"evaluations": [{"name": "../x"}]}, "evaluations.0.name"),
    ],
)
def test_mistakes_are_named(grid: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError, match=message) as caught:
        cells_of(**grid)
    assert "study" in str(caught.value) or "unknown" in str(caught.value)


def test_an_unknown_grid_is_named_with_the_nearest() -> None:
    settings = Settings(**tiny_params(), grids={"choices": {}})
    with pytest.raises(HarnessError, match="unknown grid 'choice'; did you mean 'choices'"):
        resolve_cells(settings, "choice")


def test_a_key_depends_on_all_that_shapes_numbers_and_on_no_name() -> None:
    (cell,) = cells_of(variations={"here": {"network.blocks": 2}})
    key = cell.key("data", {"module": "hash"})
    (renamed,) = cells_of(axes={"network.blocks": [2]})
    assert renamed.name != cell.name
    assert renamed.key("data", {"module": "hash"}) == key
    assert cell.key("other data", {"module": "hash"}) != key
    assert cell.key("data", {"module": "other"}) != key
    for changed in (
        {"variations": {"here": {"network.blocks": 3}}},
        {"variations": {"here": {"network.blocks": 2}}, "seeds": [1]},
        {"variations": {"here": {"network.blocks": 2, "flip_test": False}}},
        {
            "variations": {"here": {"network.blocks": 2}},
            "evaluations": [{"name": "test", "corruption": {"kind": "gaussian", "sigma_px": 5.0}}],
        },
    ):
        (other,) = cells_of(**changed)
        assert other.key("data", {"module": "hash"}) != key
