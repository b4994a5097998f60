"""Music that copies no long passage of what the model learned: what may be struck, note by note.

A passage of N notes is impossible when no note may be struck with which a line, the track's own or that of all tracks,
would have N notes that stand somewhere in the training pieces, as `gen.novelty.music_lines` tells lines. Notes that are
struck together stand in the order of their pitches, so one may come between others and part a passage or make one: a
line is judged as if nothing more came, at every note.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gen.config import require
from gen.novelty.music_lines import ALL_TRACKS, symbols
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
        near = [tail for tail in tails if tail.reach(step) >= self.length - 1]
        if not near:
            return _EVERY_PITCH
        return np.array([all(tail.new(pitch, step, self.length) for tail in near) for pitch in range(_PITCHES)])

    def after(self, track: int, pitch: int, step: int) -> "NoCopyMusic":
        """The guard when a note has been struck."""
        empty = _Tail(self.runs, self.spread, _CONTEXT * self.length)
        lines = {it: self.lines.get(it, empty).struck(pitch, step) for it in (track, ALL_TRACKS)}
        return NoCopyMusic(self.runs, self.length, self.spread, {**self.lines, **lines})


@dataclass(frozen=True, eq=False)
class _Tail:
    """The end of a line.

    Attributes:
        runs: of the training pieces' symbols.
        spread: steps between notes that are struck together, at most.
        room: how many notes are kept, beside one that rhythm is told by.
        settled: (onset, pitch) of the notes before those that are struck together last.
        onset: of these.
        last: step of the last of them.
        group: their pitches, ascending.
    """

    runs: Runs
    spread: int
    room: int
    settled: tuple[tuple[int, int], ...] = ()
    onset: int = 0
    last: int = 0
    group: tuple[int, ...] = ()

    def struck(self, pitch: int, step: int) -> "_Tail":
        """With one more note."""
        if self._joins(step):
            return replace(self, last=step, group=tuple(sorted((*self.group, pitch))))
        return replace(self, settled=self._kept(), onset=step, last=step, group=(pitch,))

    def reach(self, step: int) -> int:
        """Symbols that a run may have at most, when a note comes at a step."""
        return (self._settled_match + len(self.group) if self._joins(step) else self._match) + 1

    def new(self, pitch: int, step: int, length: int) -> bool:
        """Whether no passage of `length` notes ends at this note, or at one that is struck with it and is higher."""
        line = self.struck(pitch, step)
        place = len(line.settled) + line.group.index(pitch)
        ends = range(max(place, 1), len(line.settled) + len(line.group))
        return all(self.runs.longest_suffix(line._symbols[max(0, end - length) : end]) < length - 1 for end in ends)

    def _kept(self) -> tuple[tuple[int, int], ...]:
        """The last notes and, as they may all be one chord, the last one before that was struck earlier."""
        kept = self._notes[-self.room :]
        earlier = [note for note in self._notes[: -self.room] if note[0] < kept[0][0]]
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
        return self.runs.longest_suffix(self._symbols[: max(0, len(self.settled) - 1)])
