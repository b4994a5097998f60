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

_ROOM = 256  # places that are made at least
_SORTED = 512  # tokens that are put in order first; more only where they do not hold enough
_NO_IDS = np.empty(0, np.int64)


class Tail:
    """The last ids, in their order: one array that they move through, so a stream of any length takes no more memory.

    Args:
        longest: how many are kept; -1 keeps all.
        ids: what was read so far.
    """

    def __init__(self, longest: int, ids: NDArray[np.int64]) -> None:
        self._longest = longest
        kept = self._last(ids)
        self._array = np.empty(2 * len(kept) + _ROOM, np.int64)
        self._array[: len(kept)] = kept
        self._end = len(kept)

    def append(self, id: int) -> None:
        """Take the next id."""
        if self._end == len(self._array):
            kept = self.ids
            self._array = np.empty(2 * len(kept) + _ROOM, np.int64)
            self._array[: len(kept)] = kept
            self._end = len(kept)
        self._array[self._end] = id
        self._end += 1

    @property
    def ids(self) -> NDArray[np.int64]:
        """The ids, oldest first; a view, good until the next one comes."""
        return self._last(self._array[: self._end])

    def _last(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        return ids if self._longest < 0 else ids[max(len(ids) - self._longest, 0) :]


class History:
    """What processors heed of the ids read and written, in memory that does not grow with the stream.

    Args:
        vocabulary_size: V.
        window: how many last ids count; 0 is none, -1 is all (no list of them is kept).
        ids: what was read so far, each below V.
        tail: how many last ids are kept in their order; 0 is none, -1 is all.

    Attributes:
        window: as given.
        counts: occurrences of each id in the window, (V,).
        written: ids that came after those that were read.
    """

    def __init__(self, vocabulary_size: int, window: int, ids: Ids | Sequence[int] = (), *, tail: int = 0) -> None:
        self.window = window
        self.written = 0
        seen = np.asarray(ids, np.int64)
        self._tail = Tail(tail, seen) if tail else None
        if window >= 0:
            seen = seen[max(len(seen) - window, 0) :]
        self._recent = deque(seen.tolist() if window >= 0 else ())
        self.counts: NDArray[np.int64] = np.bincount(seen, minlength=vocabulary_size)

    @property
    def tail(self) -> NDArray[np.int64]:
        """The last ids in their order, oldest first: as many as are kept, a view that is good until the next comes."""
        return _NO_IDS if self._tail is None else self._tail.ids

    def append(self, id: int) -> None:
        """Take the next id; the oldest leaves a full window."""
        self.written += 1
        self.counts[id] += 1
        if self.window >= 0:
            self._recent.append(id)
            if len(self._recent) > self.window:
                self.counts[self._recent.popleft()] -= 1
        if self._tail is not None:
            self._tail.append(id)

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
        return _keep_mass(logits, ids, weights, np.abs(log_probability + entropy), self.p)


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
        return _keep_mass(logits, ids, weights, -relative, self.p)


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


@dataclass(frozen=True)
class TemperatureRamp:
    """Divides the logits by a temperature that goes from one to another along a line, and stays there.

    Attributes:
        start: for the first id that is written; above 0, as `end`.
        end: from id number `over` on, counted from 0.
        over: 1 or more.
    """

    start: float
    end: float
    over: int

    def __call__(self, logits: Logits, history: History) -> Logits:
        share = min(history.written / self.over, 1.0)
        return logits / np.float64(self.start * (1 - share) + self.end * share)  # both ends exactly


def _candidates(logits: Logits) -> tuple[NDArray[np.intp], NDArray[np.float64], NDArray[np.float64]]:
    """The ids that are left, their logits relative to the largest, and the exponentials of these."""
    ids = (logits > -math.inf).nonzero()[0]
    relative = logits[ids].astype(np.float64)
    relative -= logits[logits.argmax()]
    return ids, relative, np.exp(relative)


def _keep_mass(
    logits: Logits, ids: NDArray[np.intp], weights: NDArray[np.float64], ranks: NDArray[np.float64], p: float
) -> Logits:
    """Only the fewest `ids` of the lowest ranks that hold probability `p` (at least one id)."""
    enough = p * weights.cumsum()[-1]  # in id order, one by one: the same number however they are sorted
    some = _SORTED
    while True:
        order = _leading(ranks, some)
        sums = weights[order].cumsum()
        if sums[-1] >= enough or len(order) == len(ids):
            break
        some *= 16
    kept = ids[order[: sums.searchsorted(enough) + 1]]
    result = np.full(len(logits), -math.inf)
    result[kept] = logits[kept]
    return result


def _leading(ranks: NDArray[np.float64], some: int) -> NDArray[np.intp]:
    """The places of at least `some` of the lowest ranks, in their order; the lower place among equals."""
    if some >= len(ranks):
        return ranks.argsort(kind="stable")
    leading = (ranks <= np.partition(ranks, some - 1)[some - 1]).nonzero()[0]
    ordered: NDArray[np.intp] = leading[ranks[leading].argsort(kind="stable")]
    return ordered
