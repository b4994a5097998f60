"""What a recurrent language model is to everything above it: a state that is a value, and two pure functions.

The array type is left open, so the torch model and the numpy engine share these definitions.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

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
        return self.map(lambda array: _rows_of(array, rows))


def _rows_of(array: Any, rows: Any) -> Any:
    # NumPy lays out what `take` gives as engines read it, and what an index gives otherwise
    return array.take(rows, 1) if isinstance(array, np.ndarray) else array[:, rows]


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


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """How an id is chosen from logits, as plain numbers: the chain of processors where it has no richer one.

    The steps come in the order of the attributes; the defaults change nothing. Each is what the processor of
    `gen.decoding` of its name does, and the draw is that of `gen.decoding.sample_token`.

    Attributes:
        bias: added to the logits, (V,), or None.
        repeat: divides a positive, multiplies a negative logit of a counted id.
        presence: subtracted from the logit of a counted id.
        frequency: subtracted for each time that it was counted.
        top_k: keep the k likeliest; 0 keeps all.
        top_p: keep the smallest set of at least this probability; 1 keeps all.
        min_p: keep what is so many times as likely as the likeliest; 0 keeps all.
        temperature: divides the logits; 0 takes the likeliest, and no draw.
    """

    bias: NDArray[np.float64] | None = None
    repeat: float = 1.0
    presence: float = 0.0
    frequency: float = 0.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    temperature: float = 1.0


@runtime_checkable
class BlockModel(Protocol):
    """A `LanguageModel` that chooses ids itself, many in a call: what steps and draws one by one give, sooner."""

    def sample_block(
        self,
        ids: Ids,
        state: RecurrentState[NDArray[Any]],
        draws: NDArray[np.float64],
        choice: Choice,
        counts: NDArray[np.int32] | None = None,
        recent: NDArray[np.int32] | None = None,
    ) -> tuple[NDArray[np.int64], RecurrentState[NDArray[Any]]]:
        """Read one id a row, choose the next, read that, and so on, n times.

        Args:
            ids: the last id of each row (B,), which the state has not seen.
            state: before them.
            draws: uniform in [0, 1), (B, n); of no account at temperature 0, but their shape.
            choice: how ids are chosen.
            counts: how often each id is counted for the penalties so far, (B, V); None where `choice` has none.
            recent: of the ids that are counted those that will be forgotten, oldest first, (B, W): each id that is
                chosen is counted, and at the same time the next of these no more; where they are at an end, the ids
                chosen first are next. -1 forgets none. None: nothing is ever forgotten.

        Returns:
            The ids (B, m), and the state that has seen all of them but the last; where m is 0, `state`. m is less than
            n where a row's logits leave no choice (one is NaN or plus infinity, or all are minus infinity): the step
            after these shows why.
        """
