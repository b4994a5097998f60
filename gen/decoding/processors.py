"""Logits in, logits out: what shapes and narrows the choice of the next token.

A removed token's logit is minus infinity and stays so. Ties go to the lower id.
"""

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gen.protocols import Ids, Logits


class History:
    """How often each id occurs among the last ones read and written, in memory that does not grow with the stream.

    Args:
        vocabulary_size: V.
        window: how many last ids count; 0 is none, -1 is all (no list of them is kept).
        ids: what was read so far, each below V.

    Attributes:
        window: as given.
        counts: occurrences of each id, (V,).
    """

    def __init__(self, vocabulary_size: int, window: int, ids: Ids | Sequence[int] = ()) -> None:
        self.window = window
        seen = np.asarray(ids, np.int64)
        if window >= 0:
            seen = seen[max(len(seen) - window, 0) :]
        self._recent = deque(seen.tolist() if window >= 0 else ())
        self.counts: NDArray[np.int64] = np.bincount(seen, minlength=vocabulary_size)

    def append(self, id: int) -> None:
        """Take the next id; the oldest leaves a full window."""
        self.counts[id] += 1
        if self.window >= 0:
            self._recent.append(id)
            if len(self._recent) > self.window:
                self.counts[self._recent.popleft()] -= 1

    def leaving(self, count: int) -> list[int]:
        """The ids that leave a window when `count` more come, oldest first; -1 where its place is still free."""
        places = min(count, self.window)
        free = min(places, self.window - len(self._recent))
        return [-1] * free + list(islice(self._recent, places - free))


class LogitsProcessor(Protocol):
    """One step of the chain. A pure function: it changes neither of its arguments and remembers nothing."""

    def __call__(self, logits: Logits, history: History, /) -> Logits:
        """Logits (V,) in nats and the ids so far, to logits (V,)."""


@dataclass(frozen=True, eq=False)
class Mask:
    """Leaves only the ids that are allowed, (V,)."""

    allowed: NDArray[np.bool_]

    def __call__(self, logits: Logits, history: History) -> Logits:
        return np.where(self.allowed, logits, -math.inf)


@dataclass(frozen=True, eq=False)
class LogitBias:
    """Adds a bias in nats to each logit, (V,); minus infinity bans an id."""

    bias: NDArray[np.float64]

    def __call__(self, logits: Logits, history: History) -> Logits:
        return logits + self.bias


@dataclass(frozen=True)
class Penalties:
    """Makes the ids of the history less likely, as llama.cpp does.

    Attributes:
        repeat: divides a positive, multiplies a negative logit (Keskar 2019).
        presence: subtracted once from the logit of an id that occurs.
        frequency: subtracted for each occurrence.
    """

    repeat: float = 1.0
    presence: float = 0.0
    frequency: float = 0.0

    def __call__(self, logits: Logits, history: History) -> Logits:
        ids = history.counts.nonzero()[0]
        amount = history.counts[ids] * self.frequency + self.presence
        result = logits.astype(np.float64)
        recent = result[ids]
        result[ids] = np.where(recent > 0, recent / self.repeat, recent * self.repeat) - amount
        return result


@dataclass(frozen=True)
class TopK:
    """Keeps the k likeliest tokens; 0 keeps all."""

    k: int

    def __call__(self, logits: Logits, history: History) -> Logits:
        size = len(logits)
        if not 0 < self.k < size:
            return logits
        least = np.partition(logits, size - self.k)[size - self.k]
        keep = logits > least
        ties = (logits == least).nonzero()[0]
        keep[ties[: self.k - np.count_nonzero(keep)]] = True
        return np.where(keep, logits, -math.inf)


@dataclass(frozen=True)
class Typical:
    """Keeps the tokens whose surprisal is nearest to its mean, up to probability p (Meister 2022); 1 keeps all.

    As in the paper, the likeliest token may be among those that go.
    """

    p: float

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.p >= 1:
            return logits
        ids, relative, weights = _candidates(logits)
        if not ids.size:
            return logits
        log_probability = relative - np.log(weights.sum())
        entropy = -np.dot(np.exp(log_probability), log_probability)
        return _keep_mass(logits, ids, weights, np.abs(log_probability + entropy).argsort(kind="stable"), self.p)


@dataclass(frozen=True)
class TopP:
    """Keeps the smallest set of tokens whose probability is at least p (Holtzman 2019); 1 keeps all."""

    p: float

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.p >= 1:
            return logits
        ids, relative, weights = _candidates(logits)
        if not ids.size:
            return logits
        return _keep_mass(logits, ids, weights, (-relative).argsort(kind="stable"), self.p)


@dataclass(frozen=True)
class MinP:
    """Keeps tokens at least p times as likely as the likeliest; 0 keeps all."""

    p: float

    def __call__(self, logits: Logits, history: History) -> Logits:
        if self.p <= 0:
            return logits
        least = np.float64(logits[logits.argmax()]) + math.log(self.p)  # float64, to compare alike in every dtype
        return np.where(logits >= least, logits, -math.inf)


@dataclass(frozen=True)
class Temperature:
    """Divides the logits: below 1 sharpens, above 1 flattens. At 0, the sampler takes the likeliest token instead."""

    temperature: float

    def __call__(self, logits: Logits, history: History) -> Logits:
        return logits / np.float64(self.temperature)  # NumPy's float64 widens float32 logits


def _candidates(logits: Logits) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """The ids that are left, their logits relative to the largest, and the exponentials of these."""
    ids = (logits > -math.inf).nonzero()[0]
    relative = logits[ids].astype(np.float64)
    relative -= logits[logits.argmax()]
    return ids, relative, np.exp(relative)


def _keep_mass(
    logits: Logits, ids: NDArray[np.intp], weights: NDArray[np.float64], order: NDArray[np.intp], p: float
) -> Logits:
    """Only the shortest leading part of `ids[order]` that holds probability `p` (at least one id)."""
    all_of_it = weights.cumsum()[-1]  # in id order, one by one: the same number however they are sorted
    kept = ids[order[: weights[order].cumsum().searchsorted(p * all_of_it) + 1]]
    result = np.full(len(logits), -math.inf)
    result[kept] = logits[kept]
    return result
