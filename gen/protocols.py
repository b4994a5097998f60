"""What a recurrent language model is to everything above it: a state that is a value, and two pure functions.

The array type is left open, so the torch model and the numpy engine share these definitions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

ArrayT = TypeVar("ArrayT")

Ids = NDArray[np.integer[Any]]
"""Token ids, any integer dtype."""
Logits = NDArray[np.floating[Any]]
"""Unnormalised log-probabilities in nats."""


@dataclass(frozen=True, slots=True)
class RecurrentState(Generic[ArrayT]):
    """What a recurrent network remembers: `(h,)` or, for an LSTM, `(h, c)`, each (L, B, H).

    A model with n-grams has the symbols of the last tokens behind these, newest first, (N - 1, B): whole numbers.

    It is a value that the caller holds. Truncated back-propagation is `state.detach()`, beam search is
    `state.select(parents)`, exact resume saves `arrays`.
    """

    arrays: tuple[ArrayT, ...]

    def map(self, function: Callable[[ArrayT], ArrayT]) -> "RecurrentState[ArrayT]":
        """The state with `function` applied to each array."""
        return RecurrentState(tuple(function(array) for array in self.arrays))

    def detach(self) -> "RecurrentState[ArrayT]":
        """The same values, cut off from the gradient's graph (the state itself where there is none)."""
        return self.map(lambda array: array.detach() if hasattr(array, "detach") else array)

    def select(self, rows: Any) -> "RecurrentState[ArrayT]":
        """The state whose row i is row `rows[i]` of this one (rows may repeat)."""
        return self.map(lambda array: array[:, rows])  # type: ignore[index]


class LanguageModel(Protocol[ArrayT]):
    """A model of the next token. Pure: nothing is remembered between calls but the state that is passed."""

    @property
    def vocabulary_size(self) -> int:
        """V, the number of token ids."""

    def initial_state(self, batch: int) -> RecurrentState[ArrayT]:
        """The state before anything was read, for B = `batch` rows."""

    def step(self, ids: ArrayT, state: RecurrentState[ArrayT]) -> tuple[ArrayT, RecurrentState[ArrayT]]:
        """Read one id a row (B,); return the next token's logits (B, V) and the new state."""

    def prefill(self, ids: ArrayT, state: RecurrentState[ArrayT]) -> tuple[ArrayT, RecurrentState[ArrayT]]:
        """Read T >= 1 ids a row (B, T); return the logits after the last (B, V) and the new state."""
