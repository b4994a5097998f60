"""Channel messages of a MIDI file, matched and measured in runs, at a tenth of a microsecond each.

In a run every message has the same number of bytes below 0x80: the last one of its delta time, and its data. So a
regular expression tells where sound messages end, and arrays tell times and states apart.
"""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

NUMBER: Final = rb"[\x80-\xff]{0,3}[\x00-\x7f]"
"""What a number of variable length looks like: a delta time, or the length of a message."""
LONGEST: Final = 7
"""Bytes of a channel message and its delta time, at most."""

_RUNS = {  # by their bytes of data; a match is bounded because the matcher remembers each repetition
    1: re.compile(rb"(?:%b[\xc0-\xdf]?[\x00-\x7f]){0,2000}" % NUMBER),
    2: re.compile(rb"(?:%b[\x80-\xbf\xe0-\xef]?[\x00-\x7f]{2}){0,2000}" % NUMBER),
}


def number(data: bytes) -> int:
    """The value of a number of variable length."""
    value = data[0] & 0x7F
    for byte in data[1:]:
        value = value << 7 | byte & 0x7F
    return value


class Runs:
    """All messages of a file with one byte of data, or all with two.

    Args:
        width: bytes of data.
    """

    def __init__(self, width: int) -> None:
        self._width = width
        self._parts: list[bytes] = []
        self.size = 0
        """Bytes so far."""

    def take(self, data: bytes, begin: int, end: int) -> bytes:
        """Take and return the sound messages that stand at `begin`; they may not have a status if one runs on."""
        match = _RUNS[self._width].match(data, begin, end)
        assert match is not None  # it may be empty
        self._parts.append(match[0])
        self.size += len(match[0])
        return match[0]

    def count(self) -> int:
        """How many messages."""
        low = sum(int(np.count_nonzero(np.frombuffer(part, np.uint8) < 0x80)) for part in self._parts)
        return low // (self._width + 1)

    def measure(self, sizes: NDArray[np.int64]) -> "Measured":
        """What they are, and where in time some points are.

        Args:
            sizes: (n,) what `size` was at these points.
        """
        data = np.frombuffer(b"".join(self._parts), np.uint8)
        low = np.flatnonzero(data < 0x80).astype(np.int32).reshape(-1, self._width + 1)
        own = low[:, 1] - low[:, 0] == 2  # it has a status of its own, not that of the one before
        status = data[np.maximum.accumulate(np.where(own, low[:, 0] + 1, 0))] if len(low) else data
        passed = np.concatenate([[0], np.cumsum(_deltas(data, low))])
        before = np.searchsorted(low[:, -1], sizes)
        return Measured(passed[before], before, status, data[low[:, -1]])


@dataclass(frozen=True, slots=True)
class Measured:
    """Messages as arrays.

    Attributes:
        ticks: (n,) the sum of the delta times before each point.
        before: (n,) how many messages come before it.
        status: (m,) of each message.
        value: (m,) its last byte of data: of a note the velocity, of a program its number.
    """

    ticks: NDArray[np.int64]
    before: NDArray[np.int64]
    status: NDArray[np.uint8]
    value: NDArray[np.uint8]

    def of_kind(self, kind: int) -> NDArray[np.bool_]:
        """Which messages have a status `kind` << 4 | channel, (m,)."""
        found: NDArray[np.bool_] = self.status >> 4 == kind
        return found


def _deltas(data: NDArray[np.uint8], low: NDArray[np.int32]) -> NDArray[np.int64]:
    """The delta times of messages, (n,).

    Args:
        data: runs.
        low: (n, 1 + bytes of data), where each message's bytes below 0x80 are.
    """
    last = low[:, 0]
    sizes = last - np.concatenate([[-1], low[:-1, -1]])
    deltas = data[last].astype(np.int64)
    for place in (1, 2, 3):
        longer = np.flatnonzero(sizes > place)
        deltas[longer] += (data[last[longer] - place].astype(np.int64) & 0x7F) << 7 * place
    return deltas
