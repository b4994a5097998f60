"""Notes that are given, wholly or in part: a plan that has them come in their order, and leaves the rest to a model."""

from dataclasses import dataclass, replace
from itertools import takewhile
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gen.tokenizers.midi_plan import Plan, pitches_of

if TYPE_CHECKING:
    from gen.tokenizers.midi_state import MusicState

DRUMS = -1
"""In the place of a track: the drums, which come before all tracks."""
_NO_HIT = np.zeros(128, np.bool_)
_ANY_HIT = np.ones(128, np.bool_)


@dataclass(frozen=True, slots=True)
class Cue:
    """A note of which something is given.

    Attributes:
        track: whose it is, or `DRUMS`.
        step: of its onset; None where that is free.
        pitch: None where that is free.
        length: number of its duration in the table; None where that is free, and of a hit.
        home: where the pitch is free, that it is of the script's tonic, or that it is not; None is either.
    """

    track: int
    step: int | None
    pitch: int | None
    length: int | None
    home: bool | None = None


@dataclass(frozen=True, slots=True)
class Script(Plan):
    """Cues that come in their order: by step, track and pitch, or one after the other at steps that are free.

    Nothing ever blocks a cue: no time passes beyond one; when it is due nothing comes that would have to come after it;
    among pitches that are free, enough are left for the cues of its instant. The same pitch of a track must not sound
    when its next cue is due, and so many free pitches must there be, of those that are `home`, too (see
    `gen.sampler.music_line_checks`).

    Attributes:
        cues: those that are still to come, and those that have.
        others: the drums, and the tracks but the first, play what they like; otherwise there is nothing but the cues.
        end: step at which the piece ends; None where that is when the last of the cues has ended.
        tonic: pitch class of all that comes behind the last of the cues, drums apart; None is any.
        done: how many have come.
        latest: step of the latest; -1 before the first.
    """

    cues: tuple[Cue, ...]
    others: bool
    end: int | None
    tonic: int | None = None
    done: int = 0
    latest: int = -1

    @property
    def last(self) -> int | None:
        return self.end

    @property
    def whole(self) -> bool:
        return not self.others

    def notes(self, at: "MusicState", strikable: NDArray[np.bool_]) -> NDArray[np.bool_]:
        cue = self._next
        kept = np.zeros_like(strikable)
        if self.others:
            kept[1:] = strikable[1:]
        if cue is None:
            return kept if self.tonic is None else kept & pitches_of(self.tonic)
        if self._due(cue, at):
            kept[:] = False
            if cue.track != DRUMS:
                kept[cue.track] = self._fitting(cue, strikable[cue.track])
        elif cue.step is None and at.time > self.latest:
            kept[0, cue.pitch] = strikable[0, cue.pitch]
        return kept

    def hits(self, at: "MusicState") -> NDArray[np.bool_]:
        if self.others:
            return _ANY_HIT
        cue = self._next
        if cue is None or cue.track != DRUMS or not self._due(cue, at):
            return _NO_HIT
        return np.array([drum == cue.pitch for drum in range(128)])

    def lengths(self, at: "MusicState") -> NDArray[np.bool_]:
        cue, count = self._next, len(at.rules.table.durations)
        if cue is None or cue.length is None or cue.track != at.track:
            return np.ones(count, np.bool_)
        return np.array([length == cue.length for length in range(count)])

    def room(self, at: "MusicState") -> int:
        cue = self._next
        if cue is not None:
            return self._deadline(cue, at) - at.time
        assert self.end is not None
        return self.end - at.time

    def may_end(self, at: "MusicState") -> bool:
        return False

    def after(self, before: "MusicState", id: int, now: "MusicState") -> "Script":
        cue, table = self._next, now.rules.table
        if cue is None:
            return self
        note = table.duration <= id < table.drum and cue.track == now.track
        hit = table.drum <= id < table.pedal_on and cue.track == DRUMS
        if not note and not hit:
            return self
        end = self.end
        if end is None and self.done + 1 == len(self.cues):
            end = int(now.ends[now.track].max())
        return replace(self, done=self.done + 1, latest=now.time, end=end)

    @property
    def _next(self) -> Cue | None:
        return self.cues[self.done] if self.done < len(self.cues) else None

    def _deadline(self, cue: Cue, at: "MusicState") -> int:
        """The step at which a cue comes at the latest: a free one after the longest silence, or when it can."""
        if cue.step is not None:
            return cue.step
        assert cue.pitch is not None
        return max(self.latest + at.rules.silence, int(at.ends[cue.track, cue.pitch]))

    def _due(self, cue: Cue, at: "MusicState") -> bool:
        return at.time >= self._deadline(cue, at)

    def _fitting(self, cue: Cue, strikable: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The pitches that a cue may have, so that those after it in its instant find theirs, which are higher."""
        if cue.pitch is not None:
            return np.array([pitch == cue.pitch and strikable[pitch] for pitch in range(128)])
        if cue.home is not None:
            assert self.tonic is not None
            strikable = strikable & (pitches_of(self.tonic) == cue.home)
        following = takewhile(lambda it: (it.step, it.track) == (cue.step, cue.track), self.cues[self.done + 1 :])
        above = strikable[::-1].cumsum()[::-1] - strikable
        fitting: NDArray[np.bool_] = strikable & (above >= sum(1 for _ in following))
        return fitting
