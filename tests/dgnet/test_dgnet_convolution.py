"""Sums of graph products: the function with a gradient of its own against plain operations."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from dgnet.convolution import Term, graph_product, itself_and_others, normalised_graph_product
from dgnet.frames import over_frames

FRAMES, WINDOWS, JOINTS, INPUTS, OUTPUTS = 4, 3, 5, 2, 6
MATRICES = 3


def draw(*shape: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed + sum(shape))
    return torch.randn(*shape, generator=generator, dtype=torch.float64).requires_grad_()


def shared() -> list[Term]:
    return list(itself_and_others(draw(JOINTS, JOINTS)))


def over_time(outside: str, affinities: bool) -> list[Term]:
    count = FRAMES if outside == "replicate" else FRAMES - 1
    after, before = (draw(count, WINDOWS, JOINTS, JOINTS, seed=seed) for seed in (1, 2))
    both = (after, before) if affinities else (None, None)
    return over_frames(FRAMES, outside, (None, *both))  # type: ignore[arg-type]


TERMS: dict[str, Callable[[], list[Term]]] = {
    "one for all": shared,
    "one a window": lambda: [Term(1, affinity=draw(FRAMES, WINDOWS, JOINTS, JOINTS))],
    "frames": lambda: over_time("zero", False),
    "frames, replicated": lambda: over_time("replicate", False),
    "frames, one a window": lambda: over_time("zero", True),
    "frames, replicated, one a window": lambda: over_time("replicate", True),
    "one matrix for two terms": lambda: over_frames(FRAMES, "zero", (None,) * 3, (0, 1, 1)),
}


def literal(x: Tensor, weight: Tensor, bias: Tensor, terms: list[Term]) -> Tensor:
    """Add up frame by frame and window by window."""
    frames = []
    for t in range(len(x)):
        windows = []
        for b in range(x.shape[1]):
            y = bias.expand(JOINTS, -1)
            for term in terms:
                to = range(len(x))[term.to]
                if t not in to:
                    continue
                place = to.index(t)
                heard = x[term.of][place, b]
                if term.affinity is not None:
                    own = torch.eye(JOINTS, dtype=x.dtype)
                    kept = {"all": torch.ones_like(own), "itself": own, "others": 1 - own}
                    single = term.affinity.dim() == 2
                    affinity = term.affinity if single else term.affinity[place, b]
                    heard = (affinity * kept[term.heard]) @ heard
                y = y + heard @ weight[:, term.matrix]
            windows.append(y)
        frames.append(torch.stack(windows))
    return torch.stack(frames)


def inputs_of(terms: list[Term], *others: Tensor) -> list[Tensor]:
    return [*others, *{term.affinity for term in terms if term.affinity is not None}]


def gradients(y: Tensor, inputs: list[Tensor]) -> list[Tensor]:
    weights = draw(*y.shape, seed=9).detach()
    return list(torch.autograd.grad((y * weights).sum(), inputs))


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("outputs", [OUTPUTS, 1])
def test_a_sum_is_its_equation_in_value_and_gradient(name: str, outputs: int) -> None:
    terms = TERMS[name]()
    x, weight = draw(FRAMES, WINDOWS, JOINTS, INPUTS), draw(INPUTS, MATRICES, outputs)
    bias = draw(outputs)
    inputs = inputs_of(terms, x, weight, bias)
    ours, expected = (form(x, weight, bias, terms) for form in (graph_product, literal))
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)
    for got, wanted in zip(gradients(ours, inputs), gradients(expected, inputs), strict=True):
        torch.testing.assert_close(got, wanted, rtol=0, atol=1e-10)


@pytest.mark.parametrize("name", TERMS)
@pytest.mark.parametrize("residual", [None, draw(FRAMES, WINDOWS, JOINTS, OUTPUTS, seed=5)])
def test_a_training_layer_is_its_equation(name: str, residual: Tensor | None) -> None:
    terms = TERMS[name]()
    x, weight = draw(FRAMES, WINDOWS, JOINTS, INPUTS), draw(INPUTS, MATRICES, OUTPUTS)
    bias, norms = draw(OUTPUTS), [nn.BatchNorm1d(OUTPUTS, momentum=0.3).double() for _ in range(2)]
    for norm in norms:
        nn.init.uniform_(norm.running_mean, -1, 1, torch.Generator().manual_seed(1))
        nn.init.uniform_(norm.weight, 0.5, 1.5, torch.Generator().manual_seed(2))
        nn.init.uniform_(norm.bias, -1, 1, torch.Generator().manual_seed(3))
    ours = normalised_graph_product(x, weight, bias, terms, norms[0], residual)
    rows = literal(x, weight, bias, terms).flatten(0, 2)
    mean, variance = rows.mean(0), ((rows - rows.mean(0)) ** 2).mean(0)
    expected = (rows - mean) / (variance + norms[1].eps) ** 0.5 * norms[1].weight + norms[1].bias
    expected = expected.clamp_min(0).view_as(ours)
    if residual is not None:
        expected = expected + residual
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-10)
    inputs = inputs_of(terms, x, weight, *([] if residual is None else [residual]))
    got = gradients(ours, [*inputs, norms[0].weight, norms[0].bias])
    wanted = gradients(expected, [*inputs, norms[1].weight, norms[1].bias])
    for mine, theirs in zip(got, wanted, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-9)
    norms[1](rows)
    for buffer, value in norms[1].named_buffers():
        torch.testing.assert_close(norms[0].get_buffer(buffer), value)


def test_a_bias_before_batch_norm_has_no_gradient_at_all() -> None:
    bias, norm = draw(OUTPUTS), nn.BatchNorm1d(OUTPUTS).double()
    x, weight = draw(FRAMES, WINDOWS, JOINTS, INPUTS), draw(INPUTS, MATRICES, OUTPUTS)
    y = normalised_graph_product(x, weight, bias, shared(), norm)
    assert gradients(y, [bias])[0].eq(0).all()


def test_what_is_recorded_is_plain_and_equal() -> None:
    terms, norm = over_time("zero", True), nn.BatchNorm1d(OUTPUTS).double()
    x, weight = draw(FRAMES, WINDOWS, JOINTS, INPUTS), draw(INPUTS, MATRICES, OUTPUTS)
    bias = draw(OUTPUTS)

    def layer(x: Tensor) -> Tensor:
        return normalised_graph_product(x, weight, bias, terms, norm)

    compiled = torch.compile(layer, backend="aot_eager", fullgraph=True)
    ours, theirs = layer(x), compiled(x)
    torch.testing.assert_close(theirs, ours)
    for got, wanted in zip(gradients(theirs, [x]), gradients(ours, [x]), strict=True):
        torch.testing.assert_close(got, wanted)
    with torch.autocast("cpu", torch.bfloat16):
        half = normalised_graph_product(
            x.float(),
            weight.float(),
            bias.float(),
            [term._replace(affinity=None) for term in terms],
            nn.BatchNorm1d(OUTPUTS),
        )
    assert half.isfinite().all()
