"""Multiply-accumulates by the stated rule, and the memory that a prediction holds."""

from typing import Any

import pytest
import torch

from harness.body.skeleton import H36M_17
from harness.lifting.build import build_lifter
from harness.lifting.computation import Computation, computation, macs_per_frame
from harness.lifting.registry import method_called


def counted(name: str, windows: int = 1, **network: Any) -> Computation:
    """The computation of a network that is built without values."""
    method = method_called(name)
    with torch.device("meta"):
        lifter = method.build(method.settings.model_validate(network), H36M_17, H36M_17)
    return computation(lifter, windows)


@pytest.mark.parametrize(
    ("name", "network", "expected"),
    [
        ("motionagformer", {"frames": 27, "channels": 64, "depth": 12}, 1_065_966_912),
        ("motionagformer", {"frames": 81, "channels": 64, "depth": 26}, 7_368_293_952),
        ("motionagformer", {}, 56_615_718_528),
        ("motionagformer", {"frames": 81}, 17_044_483_968),
        ("motionagformer", {"depth": 26}, 91_826_379_648),
        ("motionagformer", {"frames": 81, "depth": 26}, 27_639_232_128),
        ("motionbert", {}, 185_402_981_376),
        ("motionbert", {"channels": 256, "ratio": 4}, 71_046_326_016),
        ("mixste", {}, 147_422_633_472),
        ("mixste", {"frames": 81}, 47_313_455_616),
        ("mixste", {"frames": 27}, 15_568_104_960),
        ("poseformerv2", {"frames": 27, "kept_frames": 1, "kept_coefficients": 3}, 38_694_720),
        ("poseformerv2", {"frames": 27, "kept_frames": 3, "kept_coefficients": 3}, 58_987_008),
        ("poseformerv2", {"frames": 81, "kept_frames": 9, "kept_coefficients": 9}, 177_790_080),
        ("poseformerv2", {}, 541_719_552),
        ("d3dp", {"hypotheses": 1, "steps": 1}, 147_430_027_264),
        # The time MLP runs once a step, whatever the hypotheses.
        (
            "d3dp",
            {"hypotheses": 3, "steps": 2},
            2 * (3 * (147_430_027_264 - 1_048_576) + 1_048_576),
        ),
    ],
)
def test_todays_networks_take_what_their_closed_forms_say(
    name: str, network: dict[str, Any], expected: int
) -> None:
    if name == "poseformerv2":
        assert counted(name, **network).multiply_accumulates == expected
        return
    # Equal layers take equally much: two of them tell what all take, in a tenth of the time.
    depth = method_called(name).settings.model_validate(network).model_dump()["depth"]
    one, two = (counted(name, **network | {"depth": d}).multiply_accumulates for d in (1, 2))
    assert one + (depth - 1) * (two - one) == expected


def test_martinez_takes_one_for_each_weight_of_its_matrices() -> None:
    width, joints = 1024, 17
    by_hand = 2 * joints * width + 4 * width * width + width * 3 * joints
    assert counted("martinez").multiply_accumulates == by_hand


def test_convolutions_count_each_weight_once_a_position() -> None:
    """Of 27 frames, 9, 3 and 1 positions are left."""
    channels, joints = 16, 17
    first = 3 * 2 * joints * channels * 9
    blocks = (3 * channels * channels + channels * channels) * (3 + 1)
    last = channels * 3 * joints
    found = counted("videopose3d", frames=27, channels=channels).multiply_accumulates
    assert found == first + blocks + last


def test_counting_changes_no_lifter() -> None:
    lifter = build_lifter(
        method_called("dgnet"), {"channels": 8, "blocks": 1}, H36M_17, H36M_17, seed=0
    )
    before = {key: value.clone() for key, value in lifter.state_dict().items()}
    assert macs_per_frame(lifter) == computation(lifter).multiply_accumulates / 4
    after = lifter.state_dict()
    assert all(torch.equal(value, after[key]) for key, value in before.items())


@pytest.mark.parametrize("name", ["dgnet", "wsgcn", "stgcn", "videopose3d"])
def test_a_lifter_trained_in_float64_takes_as_much(name: str) -> None:
    small = {"dgnet": {"channels": 8, "blocks": 1}, "videopose3d": {"frames": 9, "channels": 8}}
    lifter = build_lifter(method_called(name), small.get(name, {}), H36M_17, H36M_17, seed=0)
    single = computation(lifter)
    double = computation(lifter.double())
    assert double.multiply_accumulates == single.multiply_accumulates
    assert 1.7 < double.peak_bytes / single.peak_bytes <= 2.0


def test_memory_is_weights_input_and_what_lives_at_once() -> None:
    """Martinez holds two layers' features at a time, and what a residual stage keeps."""
    lifter = build_lifter(method_called("martinez"), {"width": 32}, H36M_17, H36M_17, seed=0)
    one, many = (computation(lifter, windows).peak_bytes for windows in (1, 1001))
    weights = sum(value.nbytes for value in (*lifter.parameters(), *lifter.buffers()))
    given = 4 * (17 * 2 + 9)
    features = 4 * 32
    grown = (many - one) / 1000
    assert one > weights + given
    assert given + 2 * features <= grown <= given + 5 * features
