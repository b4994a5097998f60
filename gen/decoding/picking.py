"""One id from logits, and what may come."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError, SamplingError
from gen.protocols import Logits


def likeliest_token(logits: Logits) -> int:
    """The id of the largest of the logits (V,), the lowest such id on ties.

    Raises:
        ConfigError: all are minus infinity.
        SamplingError: one is NaN or plus infinity.
    """
    token = int(logits.argmax())  # a NaN counts as the largest
    top = float(logits[token])
    if top == -math.inf:
        raise ConfigError(
            f"all {len(logits)} ids of the vocabulary are ruled out: "
            "let logit_bias and the allowed ids leave at least one"
        )
    if not top < math.inf:
        raise SamplingError(
            f"the model's logit of id {token} is {top}; sampling needs finite ones: take another checkpoint"
        )
    return token


def sample_token(logits: Logits, draw: float) -> int:
    """The id that a uniform draw in [0, 1) picks from softmax(logits), logits (V,).

    An id of probability zero is never picked: its step of the cumulative sum has no width, and `draw` times the sum
    rounds to less than the sum.

    Raises:
        ConfigError: all logits are minus infinity.
        SamplingError: one is NaN or plus infinity.
    """
    # in place from the copy on: this is the inner loop of all sampling
    sums = logits.astype(np.float64)
    sums -= logits[likeliest_token(logits)]
    np.exp(sums, out=sums)
    np.add.accumulate(sums, out=sums)
    return int(sums.searchsorted(draw * sums[-1], side="right"))


class Constraint(Protocol):
    """What may be written from here on. A value: it does not change."""

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,)."""

    def after(self, id: int, /) -> "Constraint":
        """What may be written when `id` has come."""


@runtime_checkable
class Limit(Constraint, Protocol):
    """A constraint that also knows where what is written ends."""

    @property
    def over(self) -> bool:
        """What has come is whole."""


@runtime_checkable
class Foreseen(Constraint, Protocol):
    """A constraint that often allows everything, so that many ids can be drawn at a time and looked at afterwards."""

    @property
    def free(self) -> int:
        """How many of the next ids may be any, for certain: 0 where the very next one has to be chosen."""

    def kept(self, ids: Sequence[int], /) -> int:
        """How many of these, from the first on, came where any id might come: as many as were `free`, or more."""

    def after_all(self, ids: Sequence[int], /) -> "Foreseen":
        """What may be written when several have come."""


@dataclass(frozen=True, eq=False, slots=True)
class Both:
    """Two constraints at once: what both allow may come, and it ends where one of them ends it."""

    first: Constraint
    second: Constraint

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,)."""
        return self.first.allowed & self.second.allowed

    @property
    def over(self) -> bool:
        """One of them is."""
        return any(isinstance(it, Limit) and it.over for it in (self.first, self.second))

    @property
    def free(self) -> int:
        """How many of the next ids may be any."""
        return min(it.free if isinstance(it, Foreseen) else 0 for it in (self.first, self.second))

    def kept(self, ids: Sequence[int]) -> int:
        """How many of these came where any id might come."""
        return min(it.kept(ids) if isinstance(it, Foreseen) else 0 for it in (self.first, self.second))

    def after(self, id: int) -> "Both":
        """When `id` has come."""
        return Both(self.first.after(id), self.second.after(id))

    def after_all(self, ids: Sequence[int]) -> "Both":
        """When `ids` have come."""
        return reduce(Both.after, ids, self)


def together(*constraints: Constraint | None) -> Constraint | None:
    """All of the constraints at once; None where there is none."""
    whole: Constraint | None = None
    for constraint in constraints:
        if constraint is not None:
            whole = constraint if whole is None else Both(whole, constraint)
    return whole
