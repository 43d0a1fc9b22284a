"""MixSTE, MotionAGFormer, DSTformer, PoseFormerV2 and D3DP against their equations and sizes."""

from collections.abc import Mapping
from typing import Any

import literal_lifters as literal
import pytest
import torch
from torch import Tensor, nn

from baselines.d3dp import Denoiser, Diffusion, cosine_schedule, sampling_times
from baselines.mixste import MixSTE
from baselines.motionagformer import MotionAGFormer, TemporalGraphConvolution
from baselines.motionbert import DSTformer
from baselines.poseformerv2 import PoseFormerV2
from harness.exchange.checkpoint_import.d3dp import D3DPImporter
from harness.exchange.checkpoint_import.importer import PublicImporter, matched
from harness.exchange.checkpoint_import.mixste import MixSTEImporter
from harness.exchange.checkpoint_import.motionagformer import MotionAGFormerImporter
from harness.exchange.checkpoint_import.motionbert import MotionBERTImporter
from harness.exchange.checkpoint_import.poseformerv2 import PoseFormerV2Importer

DEPTH = 2


def given(
    network: nn.Module, importer: PublicImporter, weights: Mapping[str, Tensor], **known: Any
) -> nn.Module:
    """Return the network in float64 with the public weights."""
    place = "denoiser" if isinstance(network, Denoiser) else "network"
    holder = nn.ModuleDict({place: network})
    holder.load_state_dict(matched(importer, {"depth": DEPTH, **known}, holder, weights))
    # Brought to float64 from float32, as an imported network is: what is no weight stays exact.
    double = holder.double().eval()
    double.load_state_dict(matched(importer, {"depth": DEPTH, **known}, holder, weights))
    return double[place]


def windows(frames: int, coordinates: int, batch: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, frames, 17, coordinates, generator=generator, dtype=torch.float64)


def assert_equal(found: Tensor, expected: list[Tensor]) -> None:
    wanted = torch.stack(expected)
    assert found.shape == wanted.shape
    assert wanted.abs().max() > 0.1, "a prediction of nothing proves nothing"
    torch.testing.assert_close(found, wanted, rtol=1e-9, atol=1e-9)


@pytest.fixture(autouse=True)
def _no_gradients() -> Any:
    with torch.no_grad():
        yield


def test_mixste_is_its_equations() -> None:
    weights = literal.random_weights(literal.mixste_shapes(5, 16, DEPTH))
    network = given(MixSTE(5, channels=16, depth=DEPTH), MixSTEImporter(), weights)
    poses = windows(5, 2)
    assert_equal(network(poses), [literal.mixste(weights, pose, DEPTH) for pose in poses])


@pytest.mark.parametrize("frames", [5, 9])
def test_dstformer_is_its_equations(frames: int) -> None:
    weights = literal.random_weights(literal.motionbert_shapes(16, 4, DEPTH))
    network = given(DSTformer(channels=16, ratio=4, depth=DEPTH), MotionBERTImporter(), weights)
    poses = windows(frames, 3)
    assert_equal(network(poses), [literal.motionbert(weights, pose, DEPTH) for pose in poses])


@pytest.mark.parametrize("k", [1, 2, 4])
def test_motionagformer_is_its_equations(k: int) -> None:
    weights = literal.random_weights(literal.motionagformer_shapes(9, 16, DEPTH))
    built = MotionAGFormer(9, channels=16, depth=DEPTH, neighbours=k)
    network = given(built, MotionAGFormerImporter(), weights)
    poses = windows(9, 3)
    expected = [literal.motionagformer(weights, pose, DEPTH, k) for pose in poses]
    assert_equal(network(poses), expected)


def test_a_frame_hears_all_frames_that_tie() -> None:
    """Whole numbers, whose dot products are exact: rounding would break ties at will."""
    generator = torch.Generator().manual_seed(0)
    features = torch.randint(-1, 2, (7, 8), generator=generator).double()
    features[3] = features[1]
    adjacency = literal.temporal_adjacency(features, 2)
    assert adjacency.sum(dim=1).max() > 2
    degrees = torch.diag(adjacency.sum(dim=1) ** -0.5)
    values = windows(7, 3)[0, :, :8, 0]
    found = TemporalGraphConvolution(7, 8, 2).propagated(features[None], values[None])[0]
    torch.testing.assert_close(found, degrees @ adjacency @ degrees @ values)


@pytest.mark.parametrize(("frames", "kept", "coefficients"), [(9, 1, 3), (11, 5, 4)])
def test_poseformerv2_is_its_equations(frames: int, kept: int, coefficients: int) -> None:
    weights = literal.random_weights(literal.poseformerv2_shapes(kept, coefficients, DEPTH))
    built = PoseFormerV2(frames, kept_frames=kept, kept_coefficients=coefficients, depth=DEPTH)
    network = given(built, PoseFormerV2Importer(), weights)
    poses = windows(frames, 2)
    expected = [literal.poseformerv2(weights, pose, DEPTH)[None] for pose in poses]
    assert_equal(network(poses), expected)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("steps", [1, 3])
def test_d3dp_samples_as_its_equations(steps: int, mirrored: bool) -> None:
    weights = literal.random_weights(literal.d3dp_shapes(4, 16, DEPTH))
    network = given(Denoiser(4, channels=16, depth=DEPTH), D3DPImporter(), weights)
    poses = windows(4, 2)
    noise = [
        torch.randn(2, 2, 4, 17, 3, generator=torch.Generator().manual_seed(step)).double()
        for step in range(steps)
    ]
    mirror = literal.flipped if mirrored else None
    found = Diffusion().sample(network, poses, noise, mirror)
    expected = [
        literal.d3dp_samples(weights, pose, [list(step[window]) for step in noise], DEPTH, mirrored)
        for window, pose in enumerate(poses)
    ]
    assert_equal(found, expected)


def test_a_step_of_d3dp_is_one_pass_of_its_network() -> None:
    network = Denoiser(5, channels=16, depth=1)
    batches: list[int] = []
    network.network.register_forward_hook(lambda _, given, __: batches.append(len(given[0])))
    noise = torch.randn(4, 2, 3, 5, 17, 3)
    Diffusion().sample(network, torch.randn(2, 5, 17, 2), list(noise), literal.flipped)
    assert batches == [2 * 2 * 3] * 4  # windows, mirror images, hypotheses


def test_d3dp_adds_noise_as_its_equations() -> None:
    poses, noise = windows(5, 3), 3 * windows(5, 3).flip(0)
    times = torch.tensor([0, 612])
    found = Diffusion(scale=2.0).noisy(poses, times, noise)
    for window, time in enumerate(times.tolist()):
        share = float(literal.d3dp_schedule()["alphas_cumprod"][time])
        expected = share**0.5 * 2 * poses[window] + (1 - share) ** 0.5 * noise[window]
        torch.testing.assert_close(found[window], expected.clamp(-2.2, 2.2) / 2)


def test_the_schedule_has_its_published_values() -> None:
    schedule = cosine_schedule()
    published = {0: 0.9999587158, 199: 0.8987059206, 599: 0.3408096398, 999: 2.4287669e-09}
    for step, share in published.items():
        assert schedule[step] == pytest.approx(share, rel=1e-8)
    assert sampling_times(1) == [999, -1]
    assert sampling_times(3) == [999, 665, 332, -1]
    assert sampling_times(5) == [999, 799, 599, 399, 199, -1]
    for steps in (0, 1001):
        with pytest.raises(ValueError, match="expected 1 to 1000"):
            sampling_times(steps)


def poseformerv2(frames: int, kept: int, coefficients: int) -> PoseFormerV2:
    return PoseFormerV2(frames, kept_frames=kept, kept_coefficients=coefficients)


@pytest.mark.parametrize(
    ("build", "parameters", "buffers"),
    [
        (lambda: MotionAGFormer(27, channels=64, depth=12), 2_241_531, 1_080),
        (lambda: MotionAGFormer(81, channels=64, depth=26), 4_817_119, 5_148),
        (lambda: MotionAGFormer(243, channels=128, depth=16), 11_723_811, 8_352),
        (lambda: MotionAGFormer(81, channels=128, depth=16), 11_718_627, 3_168),
        (lambda: MotionAGFormer(243, channels=128, depth=26), 19_007_111, 13_572),
        (lambda: MotionAGFormer(81, channels=128, depth=26), 18_998_687, 5_148),
        (lambda: DSTformer(), 42_466_317, 0),
        (lambda: DSTformer(channels=256, ratio=4), 16_001_549, 0),
        (lambda: MixSTE(243), 33_783_811, 0),
        (lambda: MixSTE(81), 33_700_867, 0),
        (lambda: MixSTE(27), 33_673_219, 0),
        (lambda: poseformerv2(27, 1, 3), 14_354_649, 0),
        (lambda: poseformerv2(27, 3, 3), 14_355_739, 0),
        (lambda: poseformerv2(81, 9, 9), 14_362_279, 0),
        (lambda: poseformerv2(243, 27, 27), 14_381_899, 0),
        (lambda: Denoiser(243), 34_835_459, 0),
    ],
)
def test_sizes_are_the_published_ones(build: Any, parameters: int, buffers: int) -> None:
    network = build()
    learned = {name for name, _ in network.named_parameters()}
    assert sum(value.numel() for value in network.parameters()) == parameters
    rest = [value for name, value in network.state_dict().items() if name not in learned]
    assert sum(value.numel() for value in rest) == buffers


def test_what_no_network_can_be_is_refused() -> None:
    with pytest.raises(ValueError, match="12 channels cannot be shared out among 8 heads"):
        MixSTE(9, channels=12)
    with pytest.raises(ValueError, match="must be odd"):
        poseformerv2(8, 1, 3)
    with pytest.raises(ValueError, match="cannot be kept"):
        poseformerv2(9, 1, 10)
