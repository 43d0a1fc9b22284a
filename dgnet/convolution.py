"""Y = relu(BatchNorm(sum over k of affinity_k X_{t + k} W_k + bias)) with a gradient of its own.

Every graph layer of the factorized form is of this form. Written as plain operations, each term
makes a tensor of the size of Y, another one for its gradient, and keeps what it multiplied: then
more time goes into reading and writing memory than into arithmetic. Here terms are added up inside
the matrix products, going forward and back, and what is kept is X, the sum and Y.
The gradient is the same up to rounding. A bias before BatchNorm has none, exactly: what it adds,
BatchNorm takes away.

`torch.compile` fuses plain operations better and cannot look into functions that write in place,
tracing cannot record them, and autocast would not cast them: these are given the plain form.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn import functional


class Term(NamedTuple):
    """affinity X[of] W, added to Y[to].

    Attributes:
        matrix: which of the weight matrices W is.
        to: the frames that hear.
        of: as many frames that are heard.
        affinity: (N, N) or one a window, (frames, B, N, N): how much joint i hears of joint j;
            None: all of itself.
        heard: of whom: all joints, or by the diagonal of an (N, N) affinity itself alone, or by the
            rest of it the others alone.
    """

    matrix: int
    to: slice = slice(None)
    of: slice = slice(None)
    affinity: Tensor | None = None
    heard: Literal["all", "itself", "others"] = "all"


def graph_product(x: Tensor, weight: Tensor, bias: Tensor, terms: Sequence[Term]) -> Tensor:
    """Return the sum of all terms plus bias, (T, B, N, outputs).

    Args:
        x: (T, B, N, inputs).
        weight: (inputs, matrices, outputs).
        bias: (outputs,).
        terms: the first one's `to` is all frames, and no other one hears itself alone.
    """
    # Heads, with fewer channels behind the product than before it, multiply by the weights first.
    if not _is_recorded() and weight.shape[2] >= weight.shape[0]:
        affinities = (term.affinity for term in terms)
        return _Product.apply(x, weight, bias, _places(terms, x), *affinities)
    if all(term.of == slice(None) for term in terms):
        # One product with all matrices side by side; torch's gradient is far faster with the few
        # outputs of a head if they are the rows of a contiguous matrix.
        every = functional.linear(x, weight.flatten(1).t().contiguous())
        products = every.split(weight.shape[2], dim=-1)
        messages = [products[term.matrix] for term in terms]
    else:
        messages = [x[term.of] @ weight[:, term.matrix] for term in terms]
    y = bias
    for term, message in zip(terms, messages, strict=True):
        if term.affinity is not None:
            if term.heard == "itself":
                message = term.affinity.diagonal().unsqueeze(1) * message
            elif term.heard == "others":
                message = (term.affinity - torch.diag_embed(term.affinity.diagonal())) @ message
            else:
                message = term.affinity @ message
        begin, end, _ = term.to.indices(len(x))
        if end - begin < len(x):
            message = functional.pad(message, [0, 0] * 3 + [begin, len(x) - end])
        y = y + message
    return y


def itself_and_others(affinity: Tensor) -> tuple[Term, Term]:
    """Return the terms by which a joint hears itself by the first and others by the second matrix.

    Args:
        affinity: (N, N).
    """
    return Term(0, affinity=affinity, heard="itself"), Term(1, affinity=affinity, heard="others")


def normalised_graph_product(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    terms: Sequence[Term],
    norm: nn.BatchNorm1d,
    residual: Tensor | None = None,
) -> Tensor:
    """Return relu(norm(graph_product(x, weight, bias, terms))), plus `residual` if there is one.

    Args:
        x: (T, B, N, inputs).
        weight: (inputs, matrices, outputs).
        bias: (outputs,).
        terms: see `graph_product`.
        norm: over all but the last axis.
        residual: (T, B, N, outputs).
    """
    # Statistics that several processes share are another class's work.
    here = type(norm) is nn.BatchNorm1d and norm.running_mean is not None
    if not (here and norm.training and norm.momentum is not None) or _is_recorded():
        return normalised(graph_product(x, weight, bias, terms), norm, residual)
    if norm.num_batches_tracked is not None:
        norm.num_batches_tracked.add_(1)
    affinities = [term.affinity for term in terms]
    return _Layer.apply(
        x, residual, weight, bias, norm.weight, norm.bias, norm, _places(terms, x), *affinities
    )


def normalised(x: Tensor, norm: nn.BatchNorm1d, residual: Tensor | None = None) -> Tensor:
    """Return relu(norm(x)), plus `residual` if there is one, for (..., channels)."""
    # In place, and before the view: autograd copies what is written to through a view.
    y = norm(x.flatten(0, -2)).relu_().view_as(x)
    return y if residual is None else residual + y


def _is_recorded() -> bool:
    """Return whether torch takes operations down, to run them in another form than written."""
    return (
        torch.compiler.is_compiling()
        or torch.jit.is_tracing()
        or torch.is_autocast_enabled("cpu")
        or torch.is_autocast_enabled("cuda")
    )


class _Place(NamedTuple):
    """A term but for its affinity, in rows of (frames * windows * joints, channels).

    Attributes:
        matrix: which of the weight matrices.
        to: the rows that hear; None for all, for a view costs as much as a small product.
        of: the rows that are heard.
        heard: of whom.
    """

    matrix: int
    to: slice | None
    of: slice | None
    heard: str


def _places(terms: Sequence[Term], x: Tensor) -> list[_Place]:
    frames, windows, joints, _ = x.shape
    a_frame = windows * joints

    def rows(part: slice) -> slice | None:
        begin, end, _ = part.indices(frames)
        return None if end - begin == frames else slice(begin * a_frame, end * a_frame)

    return [_Place(term.matrix, rows(term.to), rows(term.of), term.heard) for term in terms]


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor,
        places: Sequence[_Place],
        *affinities: Tensor | None,
    ) -> Tensor:
        ctx.places = places
        ctx.save_for_backward(x, weight, *affinities)
        return _product(x, weight, places, affinities).add_(bias).view(*x.shape[:-1], bias.shape[0])

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, *affinities = ctx.saved_tensors
        rows = gradient.flatten(0, -2)
        of_bias = rows.sum(0)
        if any(place.heard == "itself" for place in ctx.places):
            rows = rows.clone()
        of_x, of_weight, of_affinities = _product_backward(
            rows, x, weight, ctx.places, affinities, ctx.needs_input_grad[0]
        )
        return of_x, of_weight, of_bias, None, *of_affinities


class _Layer(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        residual: Tensor | None,
        weight: Tensor,
        bias: Tensor,
        scale: Tensor,
        shift: Tensor,
        norm: nn.BatchNorm1d,
        places: Sequence[_Place],
        *affinities: Tensor | None,
    ) -> Tensor:
        product = _product(x, weight, places, affinities)
        momentum = float(norm.momentum or 0.0)
        y, mean, inverse = torch.native_batch_norm(
            product,
            scale,
            shift,
            norm.running_mean,
            norm.running_var,
            True,
            momentum,
            norm.eps,
        )
        norm.get_buffer("running_mean").add_(bias, alpha=momentum)
        y.relu_()
        ctx.places, ctx.eps = places, norm.eps
        kept = y if residual is None else None
        ctx.save_for_backward(x, weight, scale, shift, product, mean, inverse, kept, *affinities)
        shape = (*x.shape[:-1], bias.shape[0])
        return y.view(shape) if residual is None else y.view(shape).add_(residual)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale, shift, product, mean, inverse, y, *affinities = ctx.saved_tensors
        residual = None
        if y is None:  # found again rather than kept: only its sign is needed
            residual = gradient
            factor = scale * inverse
            y = torch.addcmul(shift - mean * factor, product, factor)
        active = torch.ops.aten.threshold_backward(gradient.flatten(0, -2), y, 0)
        of_product, of_scale, of_shift = torch.ops.aten.native_batch_norm_backward(
            active, product, scale, None, None, mean, inverse, True, ctx.eps, [True, True, True]
        )
        del active, y
        of_x, of_weight, of_affinities = _product_backward(
            of_product, x, weight, ctx.places, affinities, ctx.needs_input_grad[0]
        )
        of_bias = torch.zeros_like(shift)
        return of_x, residual, of_weight, of_bias, of_scale, of_shift, None, None, *of_affinities


def _part(rows: Tensor, place: slice | None) -> Tensor:
    return rows if place is None else rows[place]


def _product(
    x: Tensor, weight: Tensor, places: Sequence[_Place], affinities: Sequence[Tensor | None]
) -> Tensor:
    """Return the sum of all terms, a row a joint."""
    rows, matrices, joints = x.flatten(0, -2), weight.unbind(1), x.shape[2]
    y = x.new_empty(rows.shape[0], weight.shape[2])
    for number, (place, affinity) in enumerate(zip(places, affinities, strict=True)):
        heard = _heard(place, affinity, rows, joints)
        _part(y, place.to).addmm_(heard, matrices[place.matrix], beta=int(number > 0))
        if affinity is not None and place.heard == "itself":
            _scale(y, affinity)
    return y


def _product_backward(
    gradient: Tensor,
    x: Tensor,
    weight: Tensor,
    places: Sequence[_Place],
    affinities: Sequence[Tensor | None],
    needs_x: bool,
) -> tuple[Tensor | None, Tensor, list[Tensor | None]]:
    """Return the gradients of X, weight and affinities; `gradient`, of the sum, is overwritten."""
    rows, joints, channels = x.flatten(0, -2), x.shape[2], x.shape[3]
    of_x = torch.empty_like(rows) if needs_x else None
    of_affinities: list[Tensor | None] = [None] * len(places)
    matrices = weight.unbind(1)
    for number, (place, affinity) in enumerate(zip(places, affinities, strict=True)):
        told, back = _part(gradient, place.to), matrices[place.matrix].t()
        to = None if of_x is None else _part(of_x, place.of)
        again = int(number > 0)
        if affinity is None:
            if to is not None:
                to.addmm_(told, back, beta=again)
            continue
        told = (told @ back).view(-1, joints, channels)
        heard = _part(rows, place.of).view(-1, joints, channels)
        if place.heard == "itself":
            of_affinities[number] = (told * heard).sum((0, 2)).diag()
            if to is not None:
                torch.mul(told, affinity.diagonal().unsqueeze(1), out=to.view(told.shape))
            continue
        pairs = torch.bmm(told, heard.transpose(1, 2))
        if affinity.dim() == 2:
            pairs = pairs.sum(0)
            if place.heard == "others":
                pairs.fill_diagonal_(0)
        of_affinities[number] = pairs.view(affinity.shape)
        if to is not None:
            windows = _a_window(place, affinity, told.shape[0]).transpose(1, 2)
            to.view(told.shape).baddbmm_(windows, told, beta=again)
    of_weight = torch.zeros_like(weight)
    parts = of_weight.unbind(1)
    # The first term comes last: its factor overwrites the gradient.
    for place, affinity in zip(reversed(places), reversed(affinities), strict=True):
        if affinity is not None and place.heard == "itself":
            _scale(gradient, affinity)
        heard = _heard(place, affinity, rows, joints)
        parts[place.matrix].addmm_(heard.t(), _part(gradient, place.to))
    return None if of_x is None else of_x.view(x.shape), of_weight, of_affinities


def _scale(rows: Tensor, affinity: Tensor) -> None:
    """Multiply the rows of each joint by what it hears of itself."""
    joints = affinity.shape[0]
    rows.view(-1, joints, rows.shape[1]).mul_(affinity.diagonal().unsqueeze(1))


def _heard(place: _Place, affinity: Tensor | None, rows: Tensor, joints: int) -> Tensor:
    """Return affinity X, a row a joint; X itself where the affinity is but a factor."""
    rows = _part(rows, place.of)
    if affinity is None or place.heard == "itself":
        return rows
    x = rows.view(-1, joints, rows.shape[1])
    return torch.bmm(_a_window(place, affinity, x.shape[0]), x).view(rows.shape)


def _a_window(place: _Place, affinity: Tensor, windows: int) -> Tensor:
    """Return (windows, N, N) matrices, one for each window of each frame."""
    if affinity.dim() > 2:
        return affinity.flatten(0, 1)
    if place.heard == "others":
        affinity = affinity.clone().fill_diagonal_(0)
    return affinity.expand(windows, -1, -1)
