"""A piece that ends on its tonic: what that forbids on the way, so that it never comes too late.

The reserve is a step a little before the bound, so that what is struck there can be heard. Until then a pitch of the
tonic is kept free for it; while the ending is not good no time passes beyond it; there, and after it, nothing but the
tonic is struck.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError
from gen.music.events import TEMPO_BINS, TIME_SIGNATURES, bar_steps
from gen.music.grid import INSTANTS, STEPS_PER_BEAT
from gen.tokenizers.midi_plan import FOREVER, Plan, pitches_of

if TYPE_CHECKING:
    from gen.tokenizers.midi_grammar import MusicGrammar
    from gen.tokenizers.midi_state import MusicState


def _heard(bar: int) -> int:
    """How many steps before the end of a bar the reserve lies: a beat, if it has one."""
    return min(bar, STEPS_PER_BEAT)


_SHORTEST_BAR = min(bar_steps(*signature) for signature in TIME_SIGNATURES)


@dataclass(frozen=True, slots=True)
class Ending(Plan):
    """Every pitch struck at the last onset is of the tonic, drums apart.

    Attributes:
        tonic: its pitch class.
        onset: step of the latest onset; -1 before the first.
        good: all that was struck there is of the tonic.
    """

    tonic: int
    onset: int = -1
    good: bool = False

    def begun(self, grammar: "MusicGrammar") -> "MusicGrammar":
        """A grammar under this plan from here on.

        Raises:
            ConfigError: no pitch of the tonic can be struck before the end.
        """
        rules = grammar.rules
        if rules.tracks == 0:
            raise ConfigError("end_on_tonic, and nobody plays but drums: name an instrument that has pitches")
        if not rules.pitches[self.tonic :: 12].any():
            raise ConfigError("end_on_tonic, and no pitch of the tonic lies in the range: widen it")
        if not self._free(grammar, self._surely(grammar)).any():
            raise ConfigError("end_on_tonic, and all its pitches sound beyond the end: give more seconds or bars")
        begun = replace(grammar, plan=self)
        if not begun.allowed.any():  # no time is left, and what a prompt struck last comes behind the tonic
            raise ConfigError("end_on_tonic, and nothing of the tonic can be struck before the end: give more time")
        return begun

    def notes(self, at: "MusicState", strikable: NDArray[np.bool_]) -> NDArray[np.bool_]:
        if at.time >= self._reserve(at):
            strikable &= pitches_of(self.tonic)
        return strikable

    def lengths(self, at: "MusicState") -> NDArray[np.bool_]:
        durations = at.rules.table.durations
        if at.pitch % 12 == self.tonic and at.time < self._reserve(at):
            last = self._surely(at)
            free = self._free(at, last)
            free[at.track, at.pitch] = False
            if not free.any():
                return durations <= last - at.time
        return np.ones(len(durations), np.bool_)

    def room(self, at: "MusicState") -> int:
        return FOREVER if self.good else self._reserve(at) - at.time

    def tempi(self, at: "MusicState") -> NDArray[np.bool_]:
        if at.rules.instants is None:
            return np.ones(TEMPO_BINS, np.bool_)
        first = int(self._cells(at).min(initial=FOREVER))  # from then on one is free
        if first <= at.time:
            return np.ones(TEMPO_BINS, np.bool_)
        return np.array([self._surely(at, tempo) >= first for tempo in range(TEMPO_BINS)])

    def may_end(self, at: "MusicState") -> bool:
        return self.good

    def after(self, before: "MusicState", id: int, now: "MusicState") -> "Ending":
        table = now.rules.table
        if table.pitch <= id < table.duration:
            tonic = now.pitch % 12 == self.tonic
            return replace(self, onset=now.time, good=tonic and (self.good or self.onset != now.time))
        return self

    # -- the reserve -------------------------------------------------------------------------------------------------

    def _reserve(self, at: "MusicState", tempo: int | None = None) -> int:
        """The reserve, as far as it is known: it may lie nearer than this."""
        last, instants, bars = FOREVER, at.rules.instants, at.rules.bars
        if instants is not None:
            heard = min(INSTANTS, instants // 2)
            last = at.time + (instants - 1 - heard - at.passed) // at.instants(tempo)
        if bars is not None and at.bars >= bars:
            last = min(last, at.line - _heard(bar_steps(*TIME_SIGNATURES[at.signature])))
        return last

    def _surely(self, at: "MusicState", tempo: int | None = None) -> int:
        """A step that the reserve will not come before, whatever the metre."""
        last, bars = self._reserve(at, tempo), at.rules.bars
        if bars is not None and at.bars < bars:
            meter = at.rules.meter
            bar = _SHORTEST_BAR if meter is None else bar_steps(*TIME_SIGNATURES[meter])
            last = min(last, at.line + bar * (bars - at.bars) - _heard(bar))
        return last

    def _cells(self, at: "MusicState") -> NDArray[np.int64]:
        """When the pitches of the tonic that may be struck have ended, (n,)."""
        return at.ends[: at.rules.tracks, at.rules.pitches & pitches_of(self.tonic)].ravel()

    def _free(self, at: "MusicState", step: int) -> NDArray[np.bool_]:
        """The pitches of the tonic of each track that can be struck at a step, (16, 128)."""
        free = (at.ends <= step) & at.rules.pitches & pitches_of(self.tonic)
        free[at.rules.tracks :] = False
        return free
