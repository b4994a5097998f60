"""How many threads share a call: as many as make it quickest, by measurement."""

import time
from collections.abc import Hashable, Iterator
from contextlib import contextmanager

_MOST = 8
WORTH_A_TEAM = 8 * 2**20
"""Bytes of weights, for all ids of a call: from here on, threads pay for being begun, and their time is measured."""
_FORGETTING = 0.99
"""What was measured earlier counts as quicker with every block, so that it is tried again one day."""
_SLOWER = 2
"""Times as long as before, at most, counts what is measured: anything may hold up a short call."""


class Threads:
    """The choice for one engine. Ids do not depend on it, so it may change at any time, from any thread.

    Args:
        available: processors.
    """

    def __init__(self, available: int) -> None:
        self._choices = [1]
        while self._choices[-1] * 2 <= min(available, _MOST):
            self._choices.append(self._choices[-1] * 2)
        self._seconds: dict[Hashable, dict[int, float]] = {}

    @contextmanager
    def of(self, kind: Hashable, steps: int, work: int) -> Iterator[int]:
        """The number for a call, which is measured meanwhile.

        Args:
            kind: calls of one kind are measured together.
            steps: ids of each row.
            work: bytes of weights, for all ids of all rows.
        """
        if len(self._choices) == 1 or work < WORTH_A_TEAM:
            yield 1
            return
        measured = self._seconds.setdefault(kind, {})
        chosen = min(self._choices, key=lambda number: measured.get(number, 0.0))
        began = time.perf_counter()
        yield chosen
        spent = (time.perf_counter() - began) / steps
        for number in measured:
            measured[number] *= _FORGETTING
        measured[chosen] = min(spent, _SLOWER * measured.get(chosen, spent))
