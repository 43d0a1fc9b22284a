"""Which cells a grid of params.yaml has, and what their keys depend on."""

from typing import Any

import pytest
from tiny_project import tiny_params

from harness.experiments.grid import resolve_cells
from harness.experiments.identity import cell_key
from harness.foundation.errors import HarnessError
from harness.foundation.settings import Settings


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
        ({"evaluations": [{"name": "a"}, {"name": "a"}]}, "evaluation a comes twice"),
        ({"evaluations": [{"name": "a", "draws": 2}]}, "draws need a corruption"),
        ({"profiles": {"tiny": {}}}, "give either 'profile' or 'profiles'"),
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
    key = cell_key(cell, {"module": "hash"}, "data")
    (renamed,) = cells_of(axes={"network.blocks": [2]})
    assert renamed.name != cell.name
    assert cell_key(renamed, {"module": "hash"}, "data") == key
    assert cell_key(cell, {"module": "hash"}, "other data") != key
    assert cell_key(cell, {"module": "other"}, "data") != key
    noisy = {"name": "test", "corruption": {"kind": "gaussian", "sigma_px": 5.0}}
    for changed in (
        {"variations": {"here": {"network.blocks": 3}}},
        {"variations": {"here": {"network.blocks": 2}}, "seeds": [1]},
        {"variations": {"here": {"network.blocks": 2, "flip_test": False}}},
        {"variations": {"here": {"network.blocks": 2, "train_actions": ["Walking"]}}},
        {"variations": {"here": {"network.blocks": 2, "train_subjects": ["S1"]}}},
        {"variations": {"here": {"network.blocks": 2}}, "evaluations": [noisy]},
    ):
        (other,) = cells_of(**changed)
        assert cell_key(other, {"module": "hash"}, "data") != key, changed


def test_a_default_that_is_written_out_leaves_the_key_as_it_is() -> None:
    noisy = {"name": "noisy", "corruption": {"kind": "gaussian", "sigma_px": 5.0}}
    (brief,) = cells_of(evaluations=[noisy])
    noisy["corruption"] |= {"draw": 0}  # type: ignore[operator]
    (full,) = cells_of(
        network={"spatial_neighbours": 3, "non_local": True},
        training={"schedule": "exponential_by_epoch", "flip_augmentation": True},
        evaluations=[{**noisy, "split": "test", "input_2d": "detected"}],
    )
    assert brief.network != full.network
    assert cell_key(brief, {}, "data") == cell_key(full, {}, "data")


def test_a_grid_of_several_profiles_takes_each_ones_budget() -> None:
    grid: dict[str, Any] = {
        "profile": None,
        "models": ["dgnet", "semgcn"],
        "training": {"epochs": 5},
        "axes": {"train_actions": [["Walking"], ["Sitting"]]},
        "profiles": {
            "tiny": {
                "training": {"epochs": 1},
                "models": {"semgcn": {"network": {"channels": 4}}},
                "axes": {"train_actions": [["Walking"]]},
            },
            "other": {},
        },
    }
    dgnet, semgcn = cells_of(**grid)
    assert (dgnet.network["channels"], semgcn.network["channels"]) == (8, 4)
    assert dgnet.training["epochs"] == semgcn.training["epochs"] == 1
    assert dgnet.train_actions == semgcn.train_actions == ["Walking"]
    with pytest.raises(HarnessError, match=r"not defined for profile tiny \(for: other\)"):
        cells_of(**grid | {"profiles": {"other": {}}})


def test_a_budget_may_run_some_variations_alone_and_a_variation_some_models() -> None:
    grid: dict[str, Any] = {
        "profile": None,
        "variations": {"a": {}, "b": {"models": ["dgnet", "semgcn"]}, "c": {}},
        "profiles": {"tiny": {"only": ["c", "b"]}},
    }
    assert [cell.name for cell in cells_of(**grid)] == [
        "b-dgnet-seed0",
        "b-semgcn-seed0",
        "c-dgnet-seed0",
    ]
    with pytest.raises(HarnessError, match="unknown variation of grid study 'aa'"):
        cells_of(**grid | {"profiles": {"tiny": {"only": ["aa"]}}})


def test_an_evaluation_with_draws_is_one_for_each_draw() -> None:
    noise = {"kind": "gaussian", "sigma_px": 5.0}
    (cell,) = cells_of(
        evaluations=[{"name": "exact"}, {"name": "5px", "corruption": noise, "draws": 2}]
    )
    assert [evaluation.model_dump() for evaluation in cell.evaluations] == [
        {"name": "exact", "split": "test", "input_2d": None, "corruption": None},
        *(
            {
                "name": f"5px-draw{draw}",
                "split": "test",
                "input_2d": None,
                "corruption": {**noise, "draw": draw},
            }
            for draw in (0, 1)
        ),
    ]
