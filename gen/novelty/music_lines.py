"""Music as lines of symbols that stay the same in another key, tempo and band.

A line is a track's notes, or those of all tracks together, in the order of their onsets and, where these are one, of
their pitches. Each note but the first is a symbol: the interval to the note before it, and how the time since the last
onset compares to the time before that. So a line that is transposed, stretched or played by others has the same
symbols. Drums are left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.music.events import EventTable, tempo_of
from gen.music.grid import STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.score import DEFAULT_TEMPO

ALL_TRACKS = -1
"""In the place of a track: all of them together."""
WIDEST = 31
"""Semitones; what is wider counts as this."""
_CLASSES = 4  # of rhythm
TOGETHER, _SHORTER, _SAME, _LONGER = range(_CLASSES)
_BORDER = 1.22  # between the same time and a longer one: in the middle between 1 and 3/2
SPREAD = {"seconds": 3, "beats": 0}
"""Steps between notes that are struck together, at most, by clock."""


@dataclass(frozen=True, slots=True, eq=False)
class Notes:
    """The notes of a piece, without its drums, in the order of its ids.

    Attributes:
        steps: onset of each, in steps of the clock, int64 (n,).
        seconds: the same, in seconds, float64 (n,).
        tracks: of each, int64 (n,).
        pitches: of each, int64 (n,).
        spread: steps between notes that are struck together, at most.
    """

    steps: NDArray[np.int64]
    seconds: NDArray[np.float64]
    tracks: NDArray[np.int64]
    pitches: NDArray[np.int64]
    spread: int

    @classmethod
    def of(cls, stretch: NDArray[np.integer[Any]], table: EventTable) -> "Notes":
        """Those that ids stand for."""
        ids: NDArray[np.int64] = stretch.astype(np.int64)
        passed = np.where((ids >= table.shift) & (ids < table.velocity), ids - table.shift + 1, 0)
        if table.clock == "seconds":
            lasts = np.full(len(ids), 1 / STEPS_PER_SECOND)
        else:
            told = _last_told(ids, table.tempo, table.size)
            tempi = np.array([DEFAULT_TEMPO, *(tempo_of(bin) for bin in range(table.size - table.tempo))])
            lasts = tempi[told + 1] / (1e6 * STEPS_PER_BEAT)
        notes = (ids >= table.pitch) & (ids < table.duration)
        notes[-1:] = False  # without a duration it is none
        return cls(
            steps=passed.cumsum()[notes],
            seconds=(passed * lasts).cumsum()[notes],
            tracks=np.maximum(_last_told(ids, table.track, table.program), 0)[notes],
            pitches=(ids - table.pitch)[notes],
            spread=SPREAD[table.clock],
        )

    def lines(self) -> Iterator["Line"]:
        """Its lines: of each track, and of all where there are several."""
        tracks = np.unique(self.tracks).tolist()
        for track in tracks:
            yield self._line(track, np.flatnonzero(self.tracks == track))
        if len(tracks) > 1:
            yield self._line(ALL_TRACKS, np.arange(len(self.steps)))

    def _line(self, track: int, chosen: NDArray[np.intp]) -> "Line":
        steps = self.steps[chosen]
        begins = np.diff(steps, prepend=steps[:1] - self.spread - 1) > self.spread  # what is not struck with the last
        onsets = steps[begins][begins.cumsum() - 1]
        order = np.lexsort((self.pitches[chosen], onsets))
        return Line(track, chosen[order], symbols(onsets, self.pitches[chosen][order]))


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """One line of a piece.

    Attributes:
        track: whose, or `ALL_TRACKS`.
        notes: places of its notes among those of the piece, (n,).
        symbols: of each but the first.
    """

    track: int
    notes: NDArray[np.intp]
    symbols: bytes


def symbols(onsets: NDArray[np.int64], pitches: NDArray[np.int64]) -> bytes:
    """The symbols of all notes of a line but the first.

    Args:
        onsets: of the notes, in steps, (n,), ascending.
        pitches: of the notes, (n,), ascending where the onset is one.
    """
    intervals = np.clip(np.diff(pitches), -WIDEST, WIDEST) + WIDEST
    later = np.diff(onsets)
    times = later[later > 0]
    before = np.append(times[:1], times[:-1])
    classes = np.full(len(later), TOGETHER)
    classes[later > 0] = np.where(
        times > _BORDER * before, _LONGER, np.where(times * _BORDER < before, _SHORTER, _SAME)
    )
    return bytes((intervals * _CLASSES + classes).astype(np.uint8))


def symbol_parts(symbol: int) -> tuple[int, int]:
    """The interval of a symbol, in semitones, and its class of rhythm."""
    return symbol // _CLASSES - WIDEST, symbol % _CLASSES


def _last_told(ids: NDArray[np.int64], first: int, stop: int) -> NDArray[np.int64]:
    """Which of the ids `first` … `stop` - 1 came last, counted from `first`, at each place; -1 before any has come."""
    told = np.where((ids >= first) & (ids < stop), np.arange(len(ids)), -1)
    last = np.maximum.accumulate(told) if len(ids) else told
    return np.where(last >= 0, ids[np.maximum(last, 0)] - first, -1)
