"""The cells with gradients of our own: the simple RNN and the GRU on the processor, and all with recurrent dropout.

torch runs these two cell by cell there, backwards through a graph of a dozen small operations a step. Here a chunk has
one product for its inputs, one operation fewer than a handful a step, and one product for each gradient of a weight:
what the chain rule multiplies a step's gradient by is known for all steps before the first is gone back to.
Products are computed in the precision that autocast asks for, everything else in that of the state.

Recurrent dropout multiplies the state by one mask for the whole sequence where the recurrent product reads it (Gal &
Ghahramani 2016), and nowhere else: what a gate keeps of the state, it keeps whole. No kernel of torch's has that.
"""

from typing import Any

import torch
from torch import Tensor

from gen.config import Cell


def run_cell(
    cell: Cell, x: Tensor, state: tuple[Tensor, ...], weights: tuple[Tensor, ...], mask: Tensor | None = None
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """The outputs (T, B, H) of a layer, and its new state.

    Args:
        cell: which.
        x: inputs (T, B, I).
        state: h and, of the LSTM, c, each (B, H).
        weights: W (G * H, I), U (G * H, H), bias (G * H,), and for the GRU the candidate's recurrent bias (H,).
        mask: factors (B, H) of h_{t-1} where the recurrent product reads it; None is 1.
    """
    device = x.device.type
    precision = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else state[0].dtype
    with torch.autocast(device, enabled=False):
        given = (precision, mask, x.to(state[0].dtype), *state, *weights)
        if cell == "lstm":
            outputs, memory = _Lstm.apply(*given)  # type: ignore[no-untyped-call]
            return outputs, (outputs[-1], memory)
        outputs = (_Gru if cell == "gru" else _Rnn).apply(*given)  # type: ignore[no-untyped-call]
        return outputs, (outputs[-1],)


def _read(state: Tensor, mask: Tensor | None) -> Tensor:
    """What the recurrent product reads of a state, or of many."""
    return state if mask is None else state * mask


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
        ctx: Any,
        precision: torch.dtype,
        mask: Tensor | None,
        x: Tensor,
        h: Tensor,
        weight: Tensor,
        recurrent: Tensor,
        bias: Tensor,
    ) -> Tensor:
        outputs = _inputs(x, weight, bias, precision)
        across = recurrent.T.to(precision)
        state = h
        for output in outputs:
            state = _accumulate(output, _read(state, mask), across).tanh_()
        ctx.save_for_backward(x, h, weight, recurrent, outputs)
        ctx.precision, ctx.mask = precision, mask
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
            carry = _read(_product(deltas[t], back, ctx.precision), ctx.mask)
        before = _read(torch.cat([h[None], outputs[:-1]]), ctx.mask)
        of_x, of_weight, of_recurrent, of_bias = _gradients(deltas, deltas, x, before, weight, ctx.precision)
        return None, None, of_x, carry, of_weight, of_recurrent, of_bias


class _Lstm(torch.autograd.Function):
    """The LSTM as `gen.models.recurrent` has it; its second output is c after the last step."""

    @staticmethod
    def forward(
        ctx: Any,
        precision: torch.dtype,
        mask: Tensor | None,
        x: Tensor,
        h: Tensor,
        c: Tensor,
        weight: Tensor,
        recurrent: Tensor,
        bias: Tensor,
    ) -> tuple[Tensor, Tensor]:
        size = h.size(1)
        gates = _inputs(x, weight, bias, precision)
        across = recurrent.T.to(precision)
        memories = x.new_empty(len(x) + 1, *h.shape)  # c before each step, and after the last
        memories[0] = c
        curved, outputs = torch.empty_like(memories[1:]), torch.empty_like(memories[1:])  # tanh(c_t), h_t
        state = h
        for t, gate in enumerate(gates):
            _accumulate(gate, _read(state, mask), across)
            i, f, g, o = gate.chunk(4, 1)
            gate[:, : 2 * size].sigmoid_()
            g.tanh_()
            o.sigmoid_()
            memory = torch.mul(f, memories[t], out=memories[t + 1]).addcmul_(i, g)
            state = torch.mul(o, torch.tanh(memory, out=curved[t]), out=outputs[t])
        ctx.save_for_backward(x, h, weight, recurrent, gates, memories, curved, outputs)
        ctx.precision, ctx.mask = precision, mask
        return outputs, memories[-1].clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, h, weight, recurrent, gates, memories, curved, outputs = ctx.saved_tensors
        back = recurrent.to(ctx.precision)
        size = h.size(1)
        i, f, g, o = gates.chunk(4, 2)
        # what a step's gradients are multiplied by: that of c_t into i, f and g, that of h_t into o and into c_t
        deltas = torch.empty_like(gates)
        torch.mul(g, i * (1 - i), out=deltas[:, :, :size])
        torch.mul(memories[:-1], f * (1 - f), out=deltas[:, :, size : 2 * size])
        torch.mul(i, 1 - g.square(), out=deltas[:, :, 2 * size : 3 * size])
        torch.mul(curved, o * (1 - o), out=deltas[:, :, 3 * size :])
        slopes = o * (1 - curved.square())
        carry, of_memory = torch.zeros_like(h), gradients[1].clone()
        for t in range(len(x) - 1, -1, -1):
            of_state = carry.add_(gradients[0][t])
            of_memory.addcmul_(of_state, slopes[t])
            delta = deltas[t]
            delta[:, : 3 * size].view(-1, 3, size).mul_(of_memory.unsqueeze(1))
            delta[:, 3 * size :].mul_(of_state)
            of_memory.mul_(f[t])
            carry = _read(_product(delta, back, ctx.precision), ctx.mask)
        before = _read(torch.cat([h[None], outputs[:-1]]), ctx.mask)
        of_x, of_weight, of_recurrent, of_bias = _gradients(deltas, deltas, x, before, weight, ctx.precision)
        return None, None, of_x, carry, of_memory, of_weight, of_recurrent, of_bias


class _Gru(torch.autograd.Function):
    """The GRU as `gen.models.recurrent` has it, with h_t = n + z * (h_{t-1} - n)."""

    @staticmethod
    def forward(
        ctx: Any,
        precision: torch.dtype,
        mask: Tensor | None,
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
            product = _added(biases, _read(state, mask), across)
            gate[:, : 2 * size].add_(product[:, : 2 * size]).sigmoid_()
            remembered[t] = product[:, 2 * size :]
            r, z, n = gate.chunk(3, 1)
            n.addcmul_(r, remembered[t]).tanh_()
            state = torch.lerp(n, state, z, out=outputs[t])
        ctx.save_for_backward(x, h, weight, recurrent, gates, remembered, outputs)
        ctx.precision, ctx.mask = precision, mask
        return outputs

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        x, h, weight, recurrent, gates, remembered, outputs = ctx.saved_tensors
        back = recurrent.to(ctx.precision)
        size = h.size(1)
        before = torch.cat([h[None], outputs[:-1]])
        r, z, n = gates.chunk(3, 2)
        # what a step's gradient is multiplied by: into r, z and U_n h + u_n, and past the gates into h_{t-1}
        factors = h.new_empty(*x.shape[:2], 4, size)
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
            gates_of_step = deltas.view(len(h), -1)[:, : 3 * size]
            if ctx.mask is None:
                carry = _added(deltas[:, 3], gates_of_step, back)
            else:
                carry = torch.addcmul(deltas[:, 3], _product(gates_of_step, back, ctx.precision), ctx.mask)
        of_gates = factors[:, :, :3].flatten(2)
        of_inputs = torch.cat([of_gates[:, :, : 2 * size], states * candidate], dim=2)
        before = _read(before, ctx.mask)
        of_x, of_weight, of_recurrent, of_bias = _gradients(of_inputs, of_gates, x, before, weight, ctx.precision)
        return None, None, of_x, carry, of_weight, of_recurrent, of_bias, of_gates[:, :, 2 * size :].sum((0, 1))
