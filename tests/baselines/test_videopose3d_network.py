"""VideoPose3D: published sizes, its equations frame by frame, and its two forms."""

import pytest
import torch
from torch import Tensor

from baselines.videopose3d import VideoPose3D


def random_network(
    causal: bool = False, widths: tuple[int, ...] = (3, 5), joints_out: int = 2
) -> VideoPose3D:
    torch.manual_seed(0)
    network = VideoPose3D(3, joints_out, widths=widths, channels=4, causal=causal).double().eval()
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm1d):
            torch.nn.init.normal_(module.weight)
            torch.nn.init.normal_(module.bias)
            module.running_mean = torch.randn(4, dtype=torch.float64)
            module.running_var = torch.rand(4, dtype=torch.float64) + 0.5
    return network


@pytest.mark.parametrize(
    ("widths", "joints_out", "count"),
    [
        ((3,) * 5, 17, 16_952_371),
        ((3,) * 4, 17, 12_753_971),
        ((3,) * 3, 17, 8_555_571),
        ((3,) * 3, 15, 8_549_421),
    ],
)
def test_has_the_published_number_of_parameters(
    widths: tuple[int, ...], joints_out: int, count: int
) -> None:
    with torch.device("meta"):
        network = VideoPose3D(17, joints_out, widths=widths)
    assert sum(parameter.numel() for parameter in network.parameters()) == count


def literal(network: VideoPose3D, keypoints: Tensor, frame: int) -> Tensor:
    """The prediction for one frame, by recursion over the layers with one dot product a tap."""

    def normalised(norm: torch.nn.BatchNorm1d, values: Tensor) -> Tensor:
        scale = norm.weight / (norm.running_var + norm.eps).sqrt()
        return ((values - norm.running_mean) * scale + norm.bias).clamp(min=0)

    def taps(width: int, dilation: int, at: int) -> list[int]:
        reach = (width - 1) * dilation
        start = at - reach if network.causal else at - reach // 2
        return [start + tap * dilation for tap in range(width)]

    def expanded(at: int) -> Tensor:
        weight = network.expand.weight
        total = torch.zeros(len(weight), dtype=torch.float64)
        for tap, seen in enumerate(taps(weight.shape[2], 1, at)):
            total = total + weight[:, :, tap] @ keypoints[seen].flatten()
        return normalised(network.expand_norm, total)

    def features(depth: int, at: int) -> Tensor:
        if depth == 0:
            return expanded(at)
        block = network.blocks[depth - 1]
        weight = block.convolution.weight
        total = torch.zeros(len(weight), dtype=torch.float64)
        for tap, seen in enumerate(taps(weight.shape[2], block.convolution.dilation[0], at)):
            total = total + weight[:, :, tap] @ features(depth - 1, seen)
        hidden = normalised(block.norm, total)
        mixed = normalised(block.mixing_norm, block.mixing.weight[:, :, 0] @ hidden)
        return features(depth - 1, at) + mixed

    final = features(len(network.blocks), frame)
    return (network.shrink.weight[:, :, 0] @ final + network.shrink.bias).view(-1, 3)


@pytest.mark.parametrize("causal", [False, True])
def test_equals_the_equations_in_value_and_gradient(causal: bool) -> None:
    network = random_network(causal)
    keypoints = torch.randn(17, 3, 2, dtype=torch.float64, requires_grad=True)
    first = 14 if causal else 7  # of the frames whose receptive field of 15 lies inside
    expected = torch.stack(
        [literal(network, keypoints, frame) for frame in range(first, first + 3)]
    )
    actual = network(keypoints.unsqueeze(0))[0]
    torch.testing.assert_close(actual, expected)
    wanted = (keypoints, *network.parameters())
    direction = torch.randn_like(expected)
    torch.testing.assert_close(
        torch.autograd.grad((actual * direction).sum(), wanted),
        torch.autograd.grad((expected * direction).sum(), wanted),
    )


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("widths", [(3,), (3, 3), (3, 5, 3)])
def test_strided_and_dilated_forms_agree(causal: bool, widths: tuple[int, ...]) -> None:
    network = random_network(causal, widths)
    field = network.receptive_field
    keypoints = torch.randn(2, field + 4, 3, 2, dtype=torch.float64)
    windows = torch.stack([keypoints[:, start : start + field] for start in range(5)], dim=1)
    strided = network.window(windows.flatten(0, 1)).view(2, 5, 2, 3)
    torch.testing.assert_close(network(keypoints), strided)


@pytest.mark.parametrize("causal", [False, True])
def test_a_frame_sees_exactly_its_receptive_field(causal: bool) -> None:
    network = random_network(causal, (3, 3, 3))
    keypoints = torch.randn(1, 80, 3, 2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(network.sequence(keypoints)[0, 40].sum(), keypoints)
    seen = gradient[0].flatten(1).any(dim=1).nonzero().flatten()
    first, last = (14, 40) if causal else (27, 53)
    # ReLUs may silence single frames, but here both ends are seen and nothing beyond.
    assert int(seen.min()) == first
    assert int(seen.max()) == last


@pytest.mark.parametrize("causal", [False, True])
def test_a_sequence_repeats_its_end_frames(causal: bool) -> None:
    network = random_network(causal, (3, 3))
    keypoints = torch.randn(1, 5, 3, 2, dtype=torch.float64)
    before, after = (8, 0) if causal else (4, 4)
    padded = torch.cat(
        [
            keypoints[:, :1].repeat(1, before, 1, 1),
            keypoints,
            keypoints[:, -1:].repeat(1, after, 1, 1),
        ],
        dim=1,
    )
    assert network.sequence(keypoints).shape == (1, 5, 2, 3)
    torch.testing.assert_close(network.sequence(keypoints), network(padded))


def test_norm_momentum_reaches_every_batch_norm() -> None:
    network = random_network()
    network.set_norm_momentum(0.01)
    norms = [module for module in network.modules() if isinstance(module, torch.nn.BatchNorm1d)]
    assert [norm.momentum for norm in norms] == [0.01] * 3


def test_refuses_even_widths_and_windows_of_another_length() -> None:
    with pytest.raises(ValueError, match="odd"):
        VideoPose3D(3, 3, widths=(3, 2))
    with pytest.raises(ValueError, match="15 frames, found 9"):
        random_network().window(torch.zeros(1, 9, 3, 2))
