"""The simple RNN and the GRU on the processor, with gradients of our own.

torch runs these two cell by cell there, backwards through a graph of a dozen small operations a step. Here a chunk has
one product for its inputs, one operation fewer than a handful a step, and one product for each gradient of a weight:
what the chain rule multiplies a step's gradient by is known for all steps before the first is gone back to.
Products are computed in the precision that autocast asks for, everything else in that of the state.
"""

from typing import Any

import torch
from torch import Tensor

from gen.config import Cell


def run_cell(cell: Cell, x: Tensor, h: Tensor, weights: tuple[Tensor, ...]) -> Tensor:
    """The outputs (T, B, H) of a layer; the last is its new state.

    Args:
        cell: "rnn" or "gru".
        x: inputs (T, B, I).
        h: state (B, H).
        weights: W (G * H, I), U (G * H, H), bias (G * H,), and for the GRU the candidate's recurrent bias (H,).
    """
    precision = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else h.dtype
    with torch.autocast("cpu", enabled=False):
        function = _Gru if cell == "gru" else _Rnn
        return function.apply(precision, x.to(h.dtype), h, *weights)  # type: ignore[no-any-return,no-untyped-call]


def _product(a: Tensor, b: Tensor, precision: torch.dtype) -> Tensor:
    return (a.to(precision) @ b.to(precision)).to(a.dtype)


def _accumulate(target: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """Target += a @ b, the product in the precision of b."""
    if a.dtype == b.dtype:
        return target.addmm_(a, b)
    return target.add_(a.to(b.dtype) @ b)


def _added(base: Tensor, a: Tensor, b: Tensor) -> Tensor:
    """What a @ b adds to base, a tensor of its own; the product in the precision of b."""
    if a.dtype == b.dtype:
        return torch.addmm(base, a, b)
    return base + (a.to(b.dtype) @ b)


def _inputs(x: Tensor, weight: Tensor, bias: Tensor, precision: torch.dtype) -> Tensor:
    """The input products of all steps (T, B, G * H)."""
    return _product(x.flatten(0, 1), weight.T, precision).add_(bias).view(*x.shape[:2], -1)


def _gradients(
    of_inputs: Tensor, of_recurrent: Tensor, x: Tensor, before: Tensor, weight: Tensor, precision: torch.dtype
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The gradients of x, W, U and the bias from those of the input and recurrent products, both (T, B, G * H)."""
    flat, recurrent = of_inputs.flatten(0, 1), of_recurrent.flatten(0, 1)
    return (
        _product(flat, weight, precision).view(x.shape),
        _product(flat.T, x.flatten(0, 1), precision),
        _product(recurrent.T, before.flatten(0, 1), precision),
        flat.sum(0),
    )


class _Rnn(torch.autograd.Function):
    """h_t = tanh(W x_t + U h_{t-1} + b)."""

    @staticmethod
    def forward(
        ctx: Any, precision: torch.dtype, x: Tensor, h: Tensor, weight: Tensor, recurrent: Tensor, bias: Tensor
    ) -> Tensor:
        outputs = _inputs(x, weight, bias, precision)
        across = recurrent.T.to(precision)
        state = h
        for output in outputs:
            state = _accumulate(output, state, across).tanh_()
        ctx.save_for_backward(x, h, weight, recurrent, outputs)
        ctx.precision = precision
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, h, weight, recurrent, outputs = ctx.saved_tensors
        back = recurrent.to(ctx.precision)
        slopes = 1 - outputs.square()
        deltas = torch.empty_like(outputs)
        carry = torch.zeros_like(h)
        for t in range(len(x) - 1, -1, -1):
            torch.mul(carry.add_(gradients[0][t]), slopes[t], out=deltas[t])
            carry = _product(deltas[t], back, ctx.precision)
        before = torch.cat([h[None], outputs[:-1]])
        of_x, of_weight, of_recurrent, of_bias = _gradients(deltas, deltas, x, before, weight, ctx.precision)
        return None, of_x, carry, of_weight, of_recurrent, of_bias


class _Gru(torch.autograd.Function):
    """The GRU as `gen.models.recurrent` has it, with h_t = n + z * (h_{t-1} - n)."""

    @staticmethod
    def forward(
        ctx: Any,
        precision: torch.dtype,
        x: Tensor,
        h: Tensor,
        weight: Tensor,
        recurrent: Tensor,
        bias: Tensor,
        recurrent_bias: Tensor,
    ) -> Tensor:
        size = h.size(1)
        gates = _inputs(x, weight, bias, precision)
        across = recurrent.T.to(precision)
        biases = torch.cat([recurrent_bias.new_zeros(2 * size), recurrent_bias])
        remembered = x.new_empty(*x.shape[:2], size)  # U_n h + u_n
        outputs = torch.empty_like(remembered)
        state = h
        for t, gate in enumerate(gates):
            product = _added(biases, state, across)
            gate[:, : 2 * size].add_(product[:, : 2 * size]).sigmoid_()
            remembered[t] = product[:, 2 * size :]
            r, z, n = gate.chunk(3, 1)
            n.addcmul_(r, remembered[t]).tanh_()
            state = torch.lerp(n, state, z, out=outputs[t])
        ctx.save_for_backward(x, h, weight, recurrent, gates, remembered, outputs)
        ctx.precision = precision
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, h, weight, recurrent, gates, remembered, outputs = ctx.saved_tensors
        back = recurrent.to(ctx.precision)
        size = h.size(1)
        before = torch.cat([h[None], outputs[:-1]])
        r, z, n = gates.chunk(3, 2)
        # what a step's gradient is multiplied by: into r, z and U_n h + u_n, and past the gates into h_{t-1}
        factors = torch.empty(*x.shape[:2], 4, size, dtype=h.dtype)
        candidate = (1 - z) * (1 - n.square())
        torch.mul(candidate * remembered, r * (1 - r), out=factors[:, :, 0])
        torch.mul(before - n, z * (1 - z), out=factors[:, :, 1])
        torch.mul(candidate, r, out=factors[:, :, 2])
        factors[:, :, 3] = z
        states = torch.empty_like(outputs)  # gradients of h_t
        carry = torch.zeros_like(h)
        for t in range(len(x) - 1, -1, -1):
            torch.add(carry, gradients[0][t], out=states[t])
            deltas = factors[t].mul_(states[t].unsqueeze(1))
            carry = _added(deltas[:, 3], deltas.view(len(h), -1)[:, : 3 * size], back)
        of_gates = factors[:, :, :3].flatten(2)
        of_inputs = torch.cat([of_gates[:, :, : 2 * size], states * candidate], dim=2)
        of_x, of_weight, of_recurrent, of_bias = _gradients(of_inputs, of_gates, x, before, weight, ctx.precision)
        return None, of_x, carry, of_weight, of_recurrent, of_bias, of_gates[:, :, 2 * size :].sum((0, 1))
