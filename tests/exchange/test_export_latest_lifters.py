"""The latest lifters in every format, each equal to the lifter it was made from."""

from pathlib import Path

import pytest
import torch
from test_import_todays_lifters import SHAPES, TOLD, released, weights_of

from harness.exchange.checkpoint_import.into_run import import_checkpoint
from harness.exchange.export import FORMATS, export_run

NEEDS = {
    "mixste": ("keypoints",),
    "motionagformer": ("keypoints", "confidence"),
    "motionbert": ("keypoints", "confidence"),
    "poseformerv2": ("keypoints",),
    "d3dp": ("keypoints",),
}


@pytest.mark.parametrize("style", FORMATS)
@pytest.mark.parametrize("model", SHAPES)
def test_comes_out_as_it_predicts(model: str, style: str, tmp_path: Path) -> None:
    path = released(tmp_path, model, weights_of(model))
    import_checkpoint([path], model, tmp_path / "runs" / "it", told=TOLD[model])
    written = export_run(tmp_path / "runs" / "it", style, tmp_path / "model")  # type: ignore[arg-type]
    assert written.inputs == NEEDS[model]
    # Which frames a frame of MotionAGFormer hears may turn on the last digit; that is counted.
    assert written.equal >= written.tried - (model == "motionagformer")
    assert written.tried > 3


def test_torchscript_takes_any_number_of_windows(tmp_path: Path) -> None:
    path = released(tmp_path, "d3dp", weights_of("d3dp"))
    import_checkpoint([path], "d3dp", tmp_path / "runs" / "it", told=TOLD["d3dp"])
    export_run(tmp_path / "runs" / "it", "torchscript", tmp_path / "model.pt")
    model = torch.jit.load(tmp_path / "model.pt")
    assert model(torch.zeros(7, 3, 17, 2)).shape == (7, 2, 3, 17, 3)
