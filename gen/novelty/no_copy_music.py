"""Music that copies no long passage of what the model learned: what may be struck, note by note.

A passage of N notes is impossible when no note may be struck with which a line, the track's own or that of all tracks,
would have N notes that stand somewhere in the training pieces, as `gen.novelty.music_lines` tells lines. Notes that are
struck together stand in the order of their pitches, so one may come between others and part a passage or make one: a
line is judged as if nothing more came, at every note.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gen.config import require
from gen.novelty.music_lines import ALL_TRACKS, TOGETHER, WIDEST, symbol_parts, symbols
from gen.novelty.no_copy import Runs

SHORTEST_PASSAGE = 6
"""Notes of the shortest passage that can be made impossible: below, hardly a melody could be written."""
_PITCHES = 128
_CONTEXT = 4  # times as many notes are kept, so that rhythm is judged by what was before
_EVERY_PITCH = np.ones(_PITCHES, np.bool_)


@dataclass(frozen=True, eq=False)
class NoCopyMusic:
    """What may be struck without a passage of `length` notes of the training pieces: a `NoteGuard`.

    Attributes:
        runs: of the training pieces' symbols.
        length: notes that no passage has.
        spread: steps between notes that are struck together, at most.
        lines: the end of each line so far, by track and in `ALL_TRACKS`.
    """

    runs: Runs
    length: int
    spread: int
    lines: Mapping[int, "_Tail"] = field(default_factory=dict)
    _known: dict[tuple[int, int], NDArray[np.bool_]] = field(default_factory=dict)  # asked for at every id

    def __post_init__(self) -> None:
        require(self.length >= SHORTEST_PASSAGE, "no_copy", self.length, f"{SHORTEST_PASSAGE} or more notes, for music")

    def allowed(self, track: int, step: int) -> NDArray[np.bool_]:
        """The pitches of a track that may be struck at a step, (128,)."""
        found = self._known.get((track, step))
        if found is None:
            found = self._known[track, step] = self._found(track, step)
        return found

    def _found(self, track: int, step: int) -> NDArray[np.bool_]:
        tails = [self.lines[it] for it in (track, ALL_TRACKS) if it in self.lines]
        near = [tail.banned(step, self.length) for tail in tails if tail.is_near(step, self.length)]
        return ~np.logical_or.reduce(near) if near else _EVERY_PITCH

    def after(self, track: int, pitch: int, step: int) -> "NoCopyMusic":
        """The guard when a note has been struck."""
        empty = _Tail(self.runs, self.spread, _CONTEXT * self.length)
        lines = {it: self.lines.get(it, empty).struck(pitch, step) for it in (track, ALL_TRACKS)}
        return NoCopyMusic(self.runs, self.length, self.spread, {**self.lines, **lines})


@dataclass(frozen=True, slots=True)
class _Gap:
    """A place in a line where a note may come.

    Attributes:
        before: symbols of the line up to there.
        pitch: of the note before; -1 where there is none.
        rhythm: class of the note that comes.
        above: pitches of those that are struck with it and are as high or higher, ascending.
        lowest: pitch of a note that comes there.
        highest: pitch of a note that comes there.
    """

    before: bytes
    pitch: int
    rhythm: int
    above: tuple[int, ...]
    lowest: int
    highest: int

    def pitches(self, symbol: int) -> range:
        """Those of notes that come there and have a symbol."""
        interval, rhythm = symbol_parts(symbol)
        if rhythm != self.rhythm:
            return range(0)
        low = 0 if interval == -WIDEST else self.pitch + interval
        high = _PITCHES - 1 if interval == WIDEST else self.pitch + interval
        return range(max(low, self.lowest), min(high, self.highest) + 1)


@dataclass(frozen=True, eq=False)
class _Tail:
    """The end of a line.

    Attributes:
        runs: of the training pieces' symbols.
        spread: steps between notes that are struck together, at most.
        room: how many notes are kept at least, beside one that rhythm is told by.
        settled: (onset, pitch) of the notes before those that are struck together last.
        bound: symbols of the longest run that ends with these, at most.
        onset: of those that are struck together last.
        last: step of the last of them.
        group: their pitches, ascending.
    """

    runs: Runs
    spread: int
    room: int
    settled: tuple[tuple[int, int], ...] = ()
    bound: int = 0
    onset: int = 0
    last: int = 0
    group: tuple[int, ...] = ()

    def struck(self, pitch: int, step: int) -> "_Tail":
        """With one more note."""
        known = self.__dict__  # what has been looked up already
        bound = known.get("_settled_match", self.bound)
        if self._joins(step):
            group = tuple(sorted((*self.group, pitch)))
            return _Tail(self.runs, self.spread, self.room, self.settled, bound, self.onset, step, group)
        bound = known.get("_match", bound + len(self.group))
        return _Tail(self.runs, self.spread, self.room, self._kept(), bound, step, step, (pitch,))

    def is_near(self, step: int, length: int) -> bool:
        """Whether a note at a step may end a passage of `length` notes. A note adds a symbol, so few are looked up."""
        needed = length - 2
        if self._joins(step):
            needed -= len(self.group)
            return self.bound >= needed and self._settled_match >= needed
        return self.bound + len(self.group) >= needed and self._match >= needed

    def banned(self, step: int, length: int) -> NDArray[np.bool_]:
        """The pitches by which a passage of `length` notes ends there, or at one that is struck with it, (128,)."""
        banned = np.zeros(_PITCHES, np.bool_)
        for gap in self._gaps(step):
            banned[list(self._completing(gap, step, length))] = True
        return banned

    def _completing(self, gap: _Gap, step: int, length: int) -> Iterator[int]:
        """The pitches of a gap that do so."""
        if gap.pitch < 0 or len(gap.above) > length - 3:  # what comes is no part of the passage that it makes
            tried = range(gap.lowest, gap.highest + 1)
            yield from (pitch for pitch in tried if not self._new(pitch, step, length))
            return
        match = self.runs.longest_suffix(gap.before[-length:])
        for more in range(max(0, length - 2 - match), len(gap.above) + 1):  # notes above that the passage has
            for run in self.runs.followers(gap.before[-(length - 2 - more) :], more + 1):
                pitches = gap.pitches(run[0])
                yield from (pitch for pitch in pitches if run[1:] == _chord(pitch, *gap.above[:more]))

    def _gaps(self, step: int) -> Iterator[_Gap]:
        """Where a note at a step may come."""
        if not self._joins(step):
            rhythm = symbol_parts(self.struck(0, step)._symbols[-1])[1]
            yield _Gap(self._symbols, self.group[-1], rhythm, (), 0, _PITCHES - 1)
            return
        count = len(self.settled)
        below = self.settled[-1][1] if count else -1
        rhythm = symbol_parts(self._symbols[count - 1])[1] if count else TOGETHER
        lowest = 0
        for place, pitch in enumerate((*self.group, _PITCHES - 1)):
            before = self._symbols[: max(0, count + place - 1)]
            yield _Gap(before, below, rhythm, self.group[place:], lowest, pitch)
            below, rhythm, lowest = pitch, TOGETHER, pitch + 1

    def _new(self, pitch: int, step: int, length: int) -> bool:
        """Whether no passage of `length` notes ends at this note, or at one that is struck with it and is higher."""
        line = self.struck(pitch, step)
        place = len(line.settled) + line.group.index(pitch)
        ends = range(max(place, 1), len(line.settled) + len(line.group))
        return all(self.runs.longest_suffix(line._symbols[max(0, end - length) : end]) < length - 1 for end in ends)

    def _kept(self) -> tuple[tuple[int, int], ...]:
        """The last notes and, as they may all be one chord, the last one before that was struck earlier."""
        notes = self._notes
        if len(notes) < 2 * self.room:
            return notes
        kept = notes[-self.room :]
        earlier = [note for note in notes[: -self.room] if note[0] < kept[0][0]]
        return (*earlier[-1:], *kept)

    def _joins(self, step: int) -> bool:
        return bool(self.group) and step - self.last <= self.spread

    @property
    def _notes(self) -> tuple[tuple[int, int], ...]:
        return (*self.settled, *((self.onset, pitch) for pitch in self.group))

    @cached_property
    def _symbols(self) -> bytes:
        notes = np.array(self._notes, np.int64)
        return symbols(notes[:, 0], notes[:, 1])

    @cached_property
    def _match(self) -> int:
        """Symbols of the longest run that ends the line."""
        return self.runs.longest_suffix(self._symbols[-self.room :])

    @cached_property
    def _settled_match(self) -> int:
        """The same, without the notes that are struck together last."""
        return self.runs.longest_suffix(self._symbols[: max(0, len(self.settled) - 1)][-self.room :])


def _chord(*pitches: int) -> bytes:
    """The symbols of notes that are struck together, but the first."""
    return symbols(np.zeros(len(pitches), np.int64), np.array(pitches))
