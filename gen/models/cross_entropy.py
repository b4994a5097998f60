"""The loss of a linear output, in memory that its vocabulary does not set.

The logits of a chunk are rows x V: 262 MB for 2,048 rows of 32,000, and as much again for each step of their gradient.
Where they are large, they are never all there: some rows at a time, loss and gradients are computed together, and the
logits forgotten. It is no more work than the plain way, and as exact: what comes back to a sum of losses is one number,
which its gradients are multiplied by later (Hsu et al. 2024, "Liger Kernel"). Small ones take the plain way.
"""

from collections.abc import Iterator
from typing import Any, Literal

import torch
from jaxtyping import Float, Integer
from torch import Tensor
from torch.nn import functional

_PLAIN = 2**23  # logits up to which there is nothing to save
_AT_ONCE = 2**23  # logits of a piece: 32 MB, and as much for their gradient; less is slower, more hardly quicker


def output_cross_entropy(
    hidden: Float[Tensor, "N H"],
    weight: Float[Tensor, "V H"],
    bias: Float[Tensor, " V"],
    targets: Integer[Tensor, " N"],
    *,
    reduction: Literal["mean", "sum"] = "mean",
) -> Float[Tensor, ""]:
    """Nats that the targets cost under softmax(hidden W^T + b).

    Products are computed in the precision that autocast asks for, everything else in fp32 at least. The same arguments
    give the same bits.
    """
    if hidden.size(0) * weight.size(0) <= _PLAIN:
        return functional.cross_entropy(_widened(functional.linear(hidden, weight, bias)), targets, reduction=reduction)
    if torch.is_grad_enabled():
        total: Tensor = _Summed.apply(hidden, weight, bias, targets)  # type: ignore[no-untyped-call]
    else:
        total = torch.stack(
            [
                functional.cross_entropy(_widened(functional.linear(some, weight, bias)), wanted, reduction="sum")
                for some, wanted in _pieces(weight.size(0), hidden, targets)
            ]
        ).sum()
    return total / len(targets) if reduction == "mean" else total


class _Summed(torch.autograd.Function):
    """The sum over all rows; the gradients of one are made on the way there, and scaled on the way back."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
        device = hidden.device.type
        precision = torch.get_autocast_dtype(device) if torch.is_autocast_enabled(device) else weight.dtype
        with torch.autocast(device, enabled=False):
            rounded, rows = weight.to(precision), hidden.to(precision)
            of_hidden, of_weight = torch.empty_like(hidden), torch.zeros_like(weight)
            of_bias, total = torch.zeros_like(bias), bias.new_zeros(())
            for some, wanted, of_some in _pieces(len(weight), rows, targets, of_hidden):
                logits = _widened(functional.linear(some, rounded, bias.to(precision)))
                costs = torch.log_softmax(logits, 1)
                del logits
                total -= costs.gather(1, wanted[:, None]).sum()
                of_logits = costs.exp_()
                of_logits[torch.arange(len(wanted), device=wanted.device), wanted] -= 1
                of_bias += of_logits.sum(0)
                of_logits = of_logits.to(precision)
                of_some.copy_(of_logits @ rounded)
                if precision == weight.dtype:
                    of_weight.addmm_(of_logits.T, some)
                else:
                    of_weight += of_logits.T @ some
        ctx.gradients = of_hidden, of_weight, of_bias
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        made, ctx.gradients = ctx.gradients, None  # handed over, not copied
        return *(gradient.mul_(gradients[0]) for gradient in made), None


def _pieces(vocabulary_size: int, *tensors: Tensor) -> Iterator[tuple[Tensor, ...]]:
    """The same rows of each, as many as their logits allow."""
    size = max(1, _AT_ONCE // vocabulary_size)
    for begin in range(0, len(tensors[0]), size):
        yield tuple(tensor[begin : begin + size] for tensor in tensors)


def _widened(logits: Tensor) -> Tensor:
    """As fp32 where autocast made them less."""
    return logits.float() if logits.dtype == torch.bfloat16 else logits
