"""Validation: the loss of one stateful pass, in fp32, over the part that training never sees."""

from collections.abc import Generator, Iterator
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gen.models.language_model import RecurrentLanguageModel

_CHUNK = 512  # tokens of each row between two looks at the clock
_WINDOWS = 64  # that are read side by side
_WARM_UP = 128  # tokens that a row first reads of the stretch before its own


def cold_loss(
    model: RecurrentLanguageModel, ids: NDArray[np.integer[Any]], window: int
) -> Generator[float, None, float]:
    """Nats per token over windows side by side, each read from the zero state: how models without a state are measured.

    Args:
        model: read without gradients.
        ids: (N,), N >= 2; what is left behind the last whole window is not read.
        window: tokens that each scores; as many as there are where there are fewer.

    Yields:
        the share done.
    """
    window = min(window, len(ids) - 1)
    begins = np.arange((len(ids) - 1) // window) * window
    total = 0.0
    for first in range(0, len(begins), _WINDOWS):
        some = begins[first : first + _WINDOWS]
        read = torch.from_numpy(ids[np.arange(window + 1)[:, None] + some].astype(np.int64))
        read = read.to(model.output.bias.device)
        with torch.no_grad():
            loss, _ = model.loss(read[:-1], read[1:], model.initial_state(len(some)), reduction="sum")
            total += loss.item()
        yield (first + len(some)) / len(begins)
    return total / (len(begins) * window)


class Validation:
    """A pass over `ids` that can be left between chunks.

    With one row it is exact: the whole part in order, state carried. With more, as many stretches, evenly spread over
    the part, are read side by side, each after the end of what stands before it: several times faster.

    Args:
        model: read without gradients.
        ids: (N,), N >= 2.
        rows: how many stretches; fewer are used where they would be shorter than what they read first.
        tokens: how many to score in all; None scores the whole part.

    Attributes:
        tokens: how many are scored.
        loss: nats per token, when the pass is over.
    """

    def __init__(
        self,
        model: RecurrentLanguageModel,
        ids: NDArray[np.integer[Any]],
        *,
        rows: int = 1,
        tokens: int | None = None,
    ) -> None:
        self._model = model
        self._ids = ids
        available = len(ids) - 1
        wanted = min(tokens or available, available)
        self._rows = max(1, min(rows, wanted // (2 * _WARM_UP)))
        self._length = wanted // self._rows
        self._starts = np.arange(self._rows) * (available // self._rows)
        self.tokens = self._length * self._rows
        self.loss = float("nan")

    def run(self) -> Iterator[float]:
        """Yield the share done after every chunk; afterwards `loss` is set."""
        state = self._model.initial_state(self._rows)
        total = 0.0
        with torch.no_grad():
            if self._rows > 1:
                _, state = self._model.encode(self._read(np.maximum(self._starts - _WARM_UP, 0), _WARM_UP), state)
                state = state.map(lambda array: array.index_fill(1, array.new_zeros(1, dtype=torch.long), 0))
        for begin in range(0, self._length, _CHUNK):
            size = min(_CHUNK, self._length - begin)
            with torch.no_grad():
                ids = self._read(self._starts + begin, size + 1)
                loss, state = self._model.loss(ids[:-1], ids[1:], state, reduction="sum")
                total += loss.item()
            yield (begin + size) / self._length
        self.loss = total / self.tokens

    def _read(self, begins: NDArray[np.int64], size: int) -> Tensor:
        """Ids (size, rows) from `begins` on, on the model's device."""
        ids = self._ids[np.arange(size)[:, None] + begins].astype(np.int64)
        return torch.from_numpy(ids).to(self._model.output.bias.device)
