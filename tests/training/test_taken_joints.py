"""Graph networks train on detections that lack joints of theirs, where these were derived."""

from pathlib import Path

import numpy as np
import pytest

from harness.body.skeleton import COCO_17, H36M_17
from harness.body.unknown_lens import camera_of
from harness.datasets.prepared import PreparedSet, Source2D
from harness.datasets.prepared_writer import write_prepared_set
from harness.foundation.errors import HarnessError
from harness.foundation.settings import ModelSettings
from harness.training.plan import TrainingPlan
from harness.training.taken_joints import on_joints_it_takes


def plan_of(model: str, network: dict[str, int], source: str = "seen") -> TrainingPlan:
    settings = ModelSettings(network=network)
    return TrainingPlan("mine", model, 0, settings, source, Path("set"), Path("run"))


def prepared_with(folder: Path, *sources: tuple[str, str]) -> PreparedSet:
    layouts = {
        name: Source2D(layout=layout, exact=False, confidence=False) for name, layout in sources
    }
    points = np.random.default_rng(0).uniform(100, 400, (5, 17, 2))
    with write_prepared_set(folder, H36M_17) as writer:
        writer.add_clip(
            origin="made",
            subject="one",
            action="walking",
            subaction="",
            split="test",
            fps=50.0,
            camera=camera_of((640, 480)),
            camera_key="video",
            positions_3d=None,
            keypoints_2d=dict.fromkeys(layouts, points),
            layouts=layouts,
        )
        writer.finish(
            name="made", title="", licence="", citation="", importer_version=1, settings={}
        )
    return PreparedSet(folder)


DGNET = ("dgnet", {"channels": 8, "blocks": 1})


def test_the_derived_source_is_taken_by_those_that_need_it(tmp_path: Path) -> None:
    prepared = prepared_with(
        tmp_path / "set", ("seen", COCO_17.name), ("seen_h36m_17", H36M_17.name)
    )
    assert on_joints_it_takes(plan_of(*DGNET), prepared).input_2d == "seen_h36m_17"
    for plan in (plan_of("martinez", {"width": 8}), plan_of(*DGNET, source="seen_h36m_17")):
        assert on_joints_it_takes(plan, prepared) is plan


def test_without_one_it_is_said_how_to_make_it(tmp_path: Path) -> None:
    prepared = prepared_with(tmp_path / "set", ("seen", COCO_17.name))
    said = "coco_17 .* lacks Hip, .*'harness data derive .* --source seen --out FOLDER'"
    with pytest.raises(HarnessError, match=said):
        on_joints_it_takes(plan_of(*DGNET), prepared)
