"""Training that starts from weights that are there, and recipes that say how."""

from dataclasses import replace
from pathlib import Path

import literal_lifters as literal
import pytest
import torch
from tiny_lifter import METHOD, tiny_plan, write_tiny_set

from harness.exchange.checkpoint_import.into_run import import_checkpoint
from harness.foundation.errors import HarnessError
from harness.foundation.provenance import run_id_of
from harness.foundation.settings import ModelSettings
from harness.lifting import registry
from harness.lifting.checkpoint import CHECKPOINT, read_checkpoint
from harness.lifting.recipe import Recipe
from harness.training.train_run import train_run


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.METHODS, METHOD.name, "tiny_lifter:METHOD")
    monkeypatch.setenv("HARNESS_TRACKING", "off")
    monkeypatch.chdir(tmp_path)
    write_tiny_set(tmp_path / "set", (60, 50, 20, 20))


def test_starts_from_the_weights_of_a_run() -> None:
    first = train_run(tiny_plan(Path("set"), Path("first"), epochs=1))
    # At this rate no weight can move, so what was started from is what comes out.
    plan = tiny_plan(
        Path("set"), Path("second"), epochs=1, learning_rate=1e-30, start_from="first", seed=5
    )
    second = train_run(plan)
    _, weights = read_checkpoint(Path("first") / CHECKPOINT)
    _, ours = read_checkpoint(Path("second") / CHECKPOINT)
    for name, weight in weights.items():
        if "running" not in name and "tracked" not in name:
            assert torch.equal(ours[name], weight), name
    assert second.results["started_from"] == f"first/{CHECKPOINT} ({first.run_id})"
    assert second.parameters["training"]["start_from"] == first.results["checkpoint_sha256"]


def test_a_start_is_known_by_its_content_not_by_its_place(tmp_path: Path) -> None:
    train_run(tiny_plan(Path("set"), Path("first"), epochs=1))
    plans = [
        tiny_plan(Path("set"), Path("next"), start_from=place)
        for place in ("first", f"first/{CHECKPOINT}", str(tmp_path / "first"))
    ]
    assert plans[0].parameters() == plans[1].parameters() == plans[2].parameters()
    train_run(tiny_plan(Path("set"), Path("first"), epochs=2))
    assert plans[0].parameters() != tiny_plan(Path("set"), Path("next")).parameters()


def test_wrong_starts_are_refused(tmp_path: Path) -> None:
    train_run(tiny_plan(Path("set"), Path("first"), epochs=1))
    with pytest.raises(HarnessError, match=r"start_from: .*no such checkpoint; name the folder"):
        train_run(tiny_plan(Path("set"), Path("next"), start_from="nowhere"))
    wider = tiny_plan(Path("set"), Path("next"), start_from="first", network={"hidden": 16})
    with pytest.raises(HarnessError, match=r"its network is another one .*\(8,\) there, \(16,\)"):
        train_run(wider)
    plain = ModelSettings(network={}, training=wider.settings.training)
    with pytest.raises(HarnessError, match="holds weights of linear, whose network is not that"):
        train_run(replace(wider, model="martinez", settings=plain))
    assert not (tmp_path / "next" / CHECKPOINT).exists()


def test_what_recipes_did_not_always_have_leaves_older_runs_as_they_are() -> None:
    recipe = Recipe(epochs=3, batch_size=4, learning_rate=0.01)
    assert not {"optimizer", "weight_decay", "windows", "start_from"} & recipe.identity().keys()
    plan = tiny_plan(Path("set"), Path("run"))
    # The identity that a run with these settings had before.
    assert plan.parameters()["training"] == {
        "epochs": 3,
        "batch_size": 4,
        "learning_rate": 0.01,
        "schedule": "constant",
        "decay": 1.0,
        "decay_steps": 100_000,
        "amsgrad": False,
        "gradient_clip_norm": None,
        "flip_augmentation": True,
        "window_stride": 1,
        "steps_per_epoch": None,
        "select": "best",
        "precision": "32-true",
        "float32_products": "highest",
        "compile": "off",
    }
    ids = {
        run_id_of("linear", 0, tiny_plan(Path("set"), Path("run"), **change).parameters(), "", "")
        for change in ({}, {"optimizer": "adam"}, {"optimizer": "adamw"}, {"weight_decay": 0.1})
    }
    assert len(ids) == 3


def test_names_of_optimisers_are_checked() -> None:
    with pytest.raises(HarnessError, match=r"training: .*optimizer.*adamw"):
        tiny_plan(Path("set"), Path("run"), optimizer="adamW2").recipe()
    with pytest.raises(HarnessError, match="weight_decay"):
        tiny_plan(Path("set"), Path("run"), weight_decay=-0.1).recipe()
    with pytest.raises(HarnessError, match="did you mean"):
        tiny_plan(Path("set"), Path("run"), optimiser="adamw").recipe()


def test_weight_decay_of_adamw_is_decoupled() -> None:
    """A weight without gradient shrinks by rate times decay a step; with Adam it would jump."""
    train_run(tiny_plan(Path("set"), Path("first"), epochs=1))
    _, before = read_checkpoint(Path("first") / CHECKPOINT)
    plan = tiny_plan(
        Path("set"),
        Path("second"),
        epochs=1,
        steps_per_epoch=1,
        learning_rate=1e-6,
        optimizer="adamw",
        weight_decay=1e5,
        start_from="first",
    )
    train_run(plan)
    _, after = read_checkpoint(Path("second") / CHECKPOINT)
    # Adam's own step is at most the rate.
    torch.testing.assert_close(
        after["layers.1.weight"], 0.9 * before["layers.1.weight"], atol=2e-6, rtol=0
    )


def test_the_example_goes_on_from_an_imported_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(Path(__file__).parents[2] / "examples/third_party_lifter")
    monkeypatch.setitem(registry.METHODS, "steady_mixste", "steady_mixste:METHOD")
    weights = literal.random_weights(literal.mixste_shapes(9, 16, 1))
    torch.save({"model_pos": weights}, tmp_path / "best_epoch.bin")
    released = import_checkpoint([tmp_path / "best_epoch.bin"], "mixste", Path("imported"))
    plan = replace(
        tiny_plan(
            Path("set"),
            Path("steady"),
            network={"frames": 9, "channels": 16, "depth": 1},
            epochs=1,
            learning_rate=1e-30,
            weight_decay=0.0,
            window_stride=9,
            start_from="imported",
        ),
        model="steady_mixste",
    )
    record = train_run(plan)
    assert record.results["started_from"].endswith(f"({released.run_id})")
    _, ours = read_checkpoint(Path("steady") / CHECKPOINT)
    torch.testing.assert_close(
        ours["network.joint_embedding"], weights["Spatial_pos_embed"][0].float()
    )
