"""Dynamic evaluation: the weights go on learning from what is read, each stretch after it was scored.

Source: Krause et al. 2018, "Dynamic evaluation of neural sequence models", with their rule of steps over the root of
the gradient's mean square and of a decay back to the trained weights. Here the mean square is that of the stretches
read so far, so a model file is all that it takes.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gen.models.language_model import RecurrentLanguageModel

_STRETCH = 32  # tokens between two steps
_RATE = 1e-3
_DECAY = 5e-3  # share of the way back to the trained weights, at each step
_TABLE_RATE = 2e-2  # of the rows of n-grams that were met
_TINY = 1e-8


class DynamicEvaluation:
    """A pass over `ids` that learns on the way; it can be left between stretches.

    Args:
        model: its weights are changed.
        ids: (N,), N >= 2.

    Attributes:
        loss: nats per token, each stretch scored before it was learned from, when the pass is over.
    """

    def __init__(self, model: RecurrentLanguageModel, ids: NDArray[np.integer[Any]]) -> None:
        self._model = model
        self._ids = torch.from_numpy(ids.astype(np.int64)).to(model.output.bias.device)
        self._trained = [parameter.detach().clone() for parameter in model.parameters()]
        self._squares = [torch.zeros_like(parameter) for parameter in model.parameters()]
        self._steps = 0
        self.tokens = len(ids) - 1
        self.loss = float("nan")

    def run(self) -> Iterator[float]:
        """Yield the share done after every stretch; afterwards `loss` is set and the weights are those last learned."""
        state, total = self._model.initial_state(1), 0.0
        for begin in range(0, self.tokens, _STRETCH):
            ids = self._ids[begin : begin + _STRETCH + 1, None]
            loss, after = self._model.loss(ids[:-1], ids[1:], state, reduction="sum")
            (loss / (len(ids) - 1)).backward()  # type: ignore[no-untyped-call]
            total += loss.item()
            state = after.detach()
            self._learn()
            yield (begin + len(ids) - 1) / self.tokens
        self.loss = total / self.tokens

    @torch.no_grad()
    def _learn(self) -> None:
        """One step on every weight."""
        self._steps += 1
        for parameter, trained, squares in zip(self._model.parameters(), self._trained, self._squares, strict=True):
            gradient = parameter.grad
            parameter.grad = None
            assert gradient is not None
            if gradient.is_sparse:
                self._learn_rows(parameter, gradient.coalesce(), squares)
                continue
            squares.addcmul_(gradient, gradient)
            root = (squares / self._steps).sqrt_()
            back = (root / (root.mean() + _TINY)).mul_(_DECAY).clamp_(max=1)
            parameter.addcdiv_(gradient, root + _TINY, value=-_RATE)
            parameter.add_((trained - parameter).mul_(back))

    def _learn_rows(self, table: Tensor, gradient: Tensor, squares: Tensor) -> None:
        """The rows that were met, each over the root of its own sum of squares."""
        rows, values = gradient.indices()[0], gradient.values()
        squares.index_add_(0, rows, values.square())
        table.index_add_(0, rows, values / (squares[rows].sqrt() + _TINY), alpha=-_TABLE_RATE)
