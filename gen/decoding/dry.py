"""DRY, "don't repeat yourself" (p-e-w 2024, as llama.cpp has it): a text may come to a word again, not go on as before.

Where the last n ids stand somewhere earlier, what followed them there would make the repetition longer. For such an id

    penalty = multiplier * base^(n - allowed length),    n >= allowed length

is subtracted from its logit; of several places, the longest counts. A breaker, such as the end of a line, ends what is
compared, and has no penalty itself.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen.decoding.processors import History
from gen.protocols import Logits


@dataclass(frozen=True)
class Dry:
    """Makes ids less likely that would lengthen a repetition of what is in the history's tail.

    Attributes:
        multiplier: above 0.
        base: 1 or more.
        allowed_length: ids that may be repeated for nothing, 1 or more.
        breakers: ids that no repetition goes across.
        most: no penalty is above it.
    """

    multiplier: float
    base: float
    allowed_length: int
    breakers: frozenset[int] = frozenset()
    most: float = 1e100

    def __call__(self, logits: Logits, history: History) -> Logits:
        """Logits (V,) in nats and the ids so far, to logits (V,)."""
        lengths = continuations(history.tail, self.allowed_length, self.breakers)
        if not lengths:
            return logits
        result = logits.astype(np.float64)
        for id, length in lengths.items():
            nats = math.log(self.multiplier) + (length - self.allowed_length) * math.log(self.base)
            result[id] -= math.exp(min(nats, math.log(self.most)))
        return result


def continuations(ids: NDArray[np.int64], least: int, breakers: frozenset[int]) -> dict[int, int]:
    """The ids that would go on with a repetition, and how long it is by now.

    Args:
        ids: oldest first, (n,).
        least: shorter ones are none.
        breakers: ids that end what is compared, and are not among the result.
    """
    end = ids[len(ids) - least :]
    if len(ids) <= least or not breakers.isdisjoint(end.tolist()):
        return {}
    if ids[:-1].tobytes().find(end.tobytes()) < 0:  # nearly always, and soon known
        return {}
    backwards = ids[::-1].tolist()
    whole = next((place for place, id in enumerate(backwards) if id in breakers), len(backwards))
    found: dict[int, int] = {}
    for place, length in enumerate(_agreements(backwards)):
        if place and length >= least and (following := backwards[place - 1]) not in breakers:
            found[following] = max(found.get(following, 0), min(length, whole))
    return found


def _agreements(ids: Sequence[int]) -> list[int]:
    """How far the ids from each place on are those from the first on: the Z algorithm (Gusfield 1997), linear time."""
    size = len(ids)
    lengths = [size] + [0] * (size - 1)
    start = end = 0  # of the stretch that agrees and reaches farthest
    for place in range(1, size):
        length = min(lengths[place - start], end - place) if place < end else 0
        while place + length < size and ids[length] == ids[place + length]:
            length += 1
        lengths[place] = length
        if place + length > end:
            start, end = place, place + length
    return lengths
