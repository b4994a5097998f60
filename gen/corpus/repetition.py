"""How much of a text comes again: what a compressor makes of it, and the longest passage that stands in it twice."""

import lzma
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BITS = 21  # a code point, a name and a place each fit, so two names and a place are one key, and keys are sorted fast
_NAMELESS = -1

LONGEST = 1 << 20
"""Symbols that `longest_repeat` takes at most: even "aaaa…" of that length takes it only a few seconds."""

_Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A passage that stands at two places which do not overlap.

    Attributes:
        first: where it begins.
        second: where it begins again, `length` or more later.
        length: of the passage.
    """

    first: int
    second: int
    length: int


@dataclass(frozen=True, slots=True, eq=False)
class _Recurring:
    """The passages of one length that occur more than once.

    Attributes:
        places: where they begin, (m,), equal ones side by side.
        names: a number for each place, equal for equal passages, (m,).
        repeat: two of them that do not overlap, if there are any; the earliest such.
    """

    places: _Ints
    names: _Ints
    repeat: Repeat | None


def compressed_size(text: str) -> int:
    """Bytes that xz makes of a text, its container not counted."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 6, "dict_size": 4 * LONGEST}]
    return len(lzma.compress(text.encode(), lzma.FORMAT_RAW, filters=filters))


def longest_repeat(points: _Ints, breaks: NDArray[np.bool_] | None = None) -> Repeat | None:
    """The longest passage that occurs twice without overlap, exactly; the earliest of several. None: no symbol does.

    Passages of length 1, 2, 4 … get names, that of a passage following from the names of its halves (Karp, Miller &
    Rosenberg 1972). One that occurs once is part of no longer one that recurs, so its place is dropped: in a text that
    somebody wrote few are left after some rounds. The length between two powers is then found by bisection, for two
    names that overlap name a passage, too.

    Args:
        points: (n,), code points, n <= `LONGEST`.
        breaks: (n,), True where a symbol stands that no passage may hold; None for nowhere.
    """
    assert len(points) <= LONGEST
    places: _Ints = np.arange(len(points)) if breaks is None else np.flatnonzero(~breaks)
    found = _recurring(points[places].astype(np.int64) << _BITS | places, 1)
    if found.repeat is None:
        return None
    while found.repeat is not None:
        best, places = found.repeat, found.places
        names = np.full(len(points), _NAMELESS, np.int32)
        names[places] = found.names
        found = _recurring(_keys(names, places, best.length), 2 * best.length)
    power = best.length
    longest, too_long = power, 2 * power
    while too_long - longest > 1:
        length = (longest + too_long) // 2
        found = _recurring(_keys(names, places, length - power), length)
        if found.repeat is None:
            too_long = length
        else:
            longest, best, places = length, found.repeat, found.places
    return best


def _keys(names: _Ints, places: _Ints, distance: int) -> NDArray[np.int64]:
    """For each of `places`: its name, the name `distance` after it, and the place; left out where a name is missing."""
    places = places[places < len(names) - distance]
    seconds = names[places + distance]
    named = seconds != _NAMELESS
    places, seconds = places[named], seconds[named]
    keys: NDArray[np.int64] = (names[places].astype(np.int64) << _BITS | seconds) << _BITS | places
    return keys


def _recurring(keys: NDArray[np.int64], length: int) -> _Recurring:
    """What recurs among passages of `length`, each given by what names it and its place; sorts `keys`."""
    keys.sort()
    places = keys & ((1 << _BITS) - 1)
    keys >>= _BITS
    begins = np.flatnonzero(np.diff(keys, prepend=-1))
    counts = np.diff(begins, append=len(keys))
    firsts, lasts = places[begins], places[begins + counts - 1]
    apart = np.flatnonzero(lasts - firsts >= length)
    repeat = None
    if len(apart):
        earliest = apart[np.argmin(firsts[apart])]
        repeat = Repeat(int(firsts[earliest]), int(lasts[earliest]), length)
    recurs = np.repeat(counts > 1, counts)
    return _Recurring(places[recurs], np.repeat(np.arange(len(counts)), counts)[recurs], repeat)
