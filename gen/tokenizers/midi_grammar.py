"""Which event may come next: a small automaton that makes every stream of ids a well-spelled piece.

A `MusicGrammar` is a value: `allowed` says what may follow, `after(id)` is the grammar from there on. Whatever a model
prefers, a stream under it keeps the order of events, gives every note a duration, never strikes a pitch that still
sounds in its track, moves pedals in turn, draws bar lines where they belong, and is not silent for longer than it may.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from gen.music.events import TIME_SIGNATURES, VELOCITY_BINS, bar_steps, tempo_bin
from gen.music.score import TRACKS
from gen.tokenizers.midi_encoding import START_VELOCITY
from gen.tokenizers.midi_rules import MusicRules

_BAR, _SIGNATURE, _TEMPO, _PEDAL, _DRUM, _NOTE = range(6)  # how far the events of an instant have come
_DRUM_PART = TRACKS
_LONG_AGO = -1_000
_T = TypeVar("_T")

_Spoken = Literal["event", "shift", "bar", "signature", "track", "program", "velocity", "note velocity", "pitch"]
"""What was said last: a whole event; time that passed; or what an event of which the rest is still to come begins with
("velocity" is followed by a hit or a note, "note velocity" by a note)."""


@dataclass(frozen=True, eq=False)
class MusicGrammar:
    """Where a piece stands; `MusicGrammar(rules)` is the grammar after a BOS.

    Attributes:
        rules: what is asked of the piece.
        time: steps from its beginning.
        bars: bar lines so far (by beats).
        signature: number of the running one among `TIME_SIGNATURES` (by beats).
        tempo: bin of the running one; -1 before the first (by beats).
        programs: of each track.
        pedals: of each track: whether it is down, and since when it is as it is.
        line: step at which the next bar begins (by beats).
    """

    rules: MusicRules
    time: int = 0
    bars: int = 0
    signature: int = TIME_SIGNATURES.index((4, 4))
    tempo: int = -1
    programs: tuple[int, ...] = (0,) * TRACKS
    pedals: tuple[tuple[bool, int], ...] = ((False, _LONG_AGO),) * TRACKS
    line: int = 0
    _spoken: _Spoken = "event"
    _full: bool = False  # the last TIME_SHIFT was as long as they are: another may follow
    _stage: int = _BAR
    _lowest: int = 0  # of this stage: the first track with a pedal to move, drum, or pitch of `_from`, that may come
    _from: int = 0  # the first track whose notes may come in this instant
    _track: int = 0
    _velocities: tuple[int, ...] = (START_VELOCITY,) * (TRACKS + 1)
    _velocity: int = START_VELOCITY  # the one said last
    _pitch: int = 0
    _ends: NDArray[np.int64] = field(default_factory=lambda: np.zeros((TRACKS, 128), np.int64))  # of the latest notes
    _quiet: int = 0  # when the last sound ends
    _begun: bool = False  # a note has come, so the piece may end

    # -- what may come -----------------------------------------------------------------------------------------------

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,); there is always one."""
        table = self.rules.table
        mask = np.zeros(table.size, np.bool_)
        if self._spoken == "pitch":
            mask[table.duration : table.drum] = True
        elif self._spoken in ("event", "shift", "bar", "signature"):
            self._between(mask)
        else:
            self._within(mask)
        return mask

    def _between(self, mask: NDArray[np.bool_]) -> None:
        """Another event may begin, or time may pass."""
        table, spoken = self.rules.table, self._spoken
        if table.clock == "beats" and self._metre(mask):
            return
        notes = self._notes()
        tracks = notes.any(axis=1)
        mask[table.track : table.track + TRACKS] = tracks | self._pedals()
        mask[table.track + self._track] = False
        self._pedal(mask)
        self._note(mask, notes[self._track])
        hits = self._hits()
        if hits is not None:
            mask[hits : table.pedal_on] = True
            self._velocity_for(mask, _DRUM_PART)
        short_shift = spoken == "shift" and not self._full  # an event comes at the moment that it leads to
        if not short_shift or not mask.any():
            self._shifts(mask)
        ended = spoken == "event" and self._begun and not self.rules.endless
        mask[table.boundary] = ended or not mask.any()

    def _metre(self, mask: NDArray[np.bool_]) -> bool:
        """Bar lines, time signatures and tempi; true where nothing else may come."""
        table, bpm = self.rules.table, self.rules.bpm
        if self._stage == _BAR and self.time == self.line:
            mask[table.bar] = True
            return True
        if self._spoken == "bar":
            mask[table.time_signature : table.tempo] = True
            mask[table.time_signature + self.signature] = self.time == 0
            if self.time == 0:
                return True
        if self._stage < _TEMPO and (self.tempo < 0 or bpm is None):
            mask[table.tempo :] = bpm is None
            if bpm is not None:
                mask[table.tempo + tempo_bin(bpm)] = True
            if self.tempo >= 0:
                mask[table.tempo + self.tempo] = False
        return self.tempo < 0

    def _within(self, mask: NDArray[np.bool_]) -> None:
        """What was begun is finished: the pedal or note of a TRACK, the note of a PROGRAM, what a VELOCITY is for."""
        table = self.rules.table
        notes = self._notes()[self._track]
        if self._spoken == "track":
            self._pedal(mask)
            self._note(mask, notes)
            return
        if self._spoken == "program":
            self._velocity_for(mask, self._track)
        said = self._spoken in ("velocity", "note velocity")
        if not said or self._velocity != self._velocities[self._track]:
            mask[table.pitch : table.duration] = notes & (self._spoken == "program" or not self._program_is_due())
        hits = self._hits()
        if self._spoken == "velocity" and hits is not None and self._velocity != self._velocities[_DRUM_PART]:
            mask[hits : table.pedal_on] = True

    def _notes(self) -> NDArray[np.bool_]:
        """The pitches of each track that may be struck now, (16, 128)."""
        notes = (self._ends <= self.time) & self.rules.pitches
        notes[self.rules.tracks :] = False
        if self._stage == _NOTE:
            notes[: self._from] = False
            notes[self._from, : self._lowest] = False
        return notes

    def _hits(self) -> int | None:
        """The id of the first drum that may be hit now, if one may."""
        table = self.rules.table
        if self._stage > _DRUM or not self.rules.drums:
            return None
        first = table.drum + (self._lowest if self._stage == _DRUM else 0)
        return first if first < table.pedal_on else None

    def _pedals(self) -> NDArray[np.bool_]:
        """The tracks whose pedal may move now, (16,)."""
        movable = np.zeros(TRACKS, np.bool_)
        if self._stage <= _PEDAL:
            first = self._lowest if self._stage == _PEDAL else 0
            for track in range(first, self.rules.tracks):
                movable[track] = self.time - self.pedals[track][1] >= self.rules.table.pedal_gap
        return movable

    def _pedal(self, mask: NDArray[np.bool_]) -> None:
        """The movement of the running track's pedal, if it may move."""
        table = self.rules.table
        if self._pedals()[self._track]:
            mask[table.pedal_off if self.pedals[self._track][0] else table.pedal_on] = True

    def _note(self, mask: NDArray[np.bool_], notes: NDArray[np.bool_]) -> None:
        """What a note of the running track, of one of these pitches, may begin with."""
        table, programs = self.rules.table, self.rules.programs
        if not notes.any():
            return
        due = self._program_is_due()
        if programs is None:
            mask[table.program : table.pitch] = self.rules.choice
            mask[table.program + self.programs[self._track]] = False
        elif due:
            mask[table.program + programs[self._track]] = True
        if not due:
            mask[table.pitch : table.duration] = notes
            self._velocity_for(mask, self._track)

    def _program_is_due(self) -> bool:
        """Whether the running track has to be told its instrument."""
        programs = self.rules.programs
        if programs is None or self._track >= len(programs):
            return False
        wanted = programs[self._track]
        known = self.rules.known is None or wanted in self.rules.known
        return known and wanted != self.programs[self._track]

    def _velocity_for(self, mask: NDArray[np.bool_], part: int) -> None:
        """The velocities that are new to a part."""
        start = self.rules.table.velocity
        same = mask[start + self._velocities[part]]
        mask[start : start + VELOCITY_BINS] = True
        mask[start + self._velocities[part]] = same

    def _shifts(self, mask: NDArray[np.bool_]) -> None:
        """The steps in which neither a bar line is passed nor the silence becomes too long."""
        table = self.rules.table
        room = min(table.steps, max(self._quiet, 0) + self.rules.silence - self.time)
        if table.clock == "beats":
            room = min(room, self.line - self.time)
        mask[table.shift : table.shift + max(room, 0)] = True

    # -- what comes --------------------------------------------------------------------------------------------------

    def after(self, id: int) -> "MusicGrammar":
        """The grammar when `id` has come, whether it was allowed or not."""
        table = self.rules.table
        if id < table.shift:
            return MusicGrammar(self.rules)
        if id < table.velocity:
            steps = id - table.shift + 1
            return self._with(time=self.time + steps, _spoken="shift", _full=steps == table.steps, _stage=_BAR, _from=0)
        if id < table.track:
            to_note = self._spoken in ("track", "program")
            return self._with(_spoken="note velocity" if to_note else "velocity", _velocity=id - table.velocity)
        if id < table.program:
            return self._with(_spoken="track", _track=id - table.track)
        if id < table.pitch:
            return self._with(_spoken="program", programs=_put(self.programs, self._track, id - table.program))
        if id < table.duration:
            return self._with(_spoken="pitch", _pitch=id - table.pitch, **self._velocity_taken(self._track))
        if id < table.drum:
            return self._after_note(int(table.durations[id - table.duration]))
        if id < table.pedal_on:
            taken = self._velocity_taken(_DRUM_PART)
            quiet = max(self._quiet, self.time + 1)
            lowest = id - table.drum + 1
            return self._with(_spoken="event", _stage=_DRUM, _lowest=lowest, _quiet=quiet, _begun=True, **taken)
        if id < table.bar:
            pedals = _put(self.pedals, self._track, (id == table.pedal_on, self.time))
            return self._with(_spoken="event", _stage=_PEDAL, _lowest=self._track + 1, pedals=pedals)
        return self._after_metre(id)

    def reopened(self) -> "MusicGrammar":
        """The same, as if it began: a note has to come before it may end, and pedals that are down have just gone."""
        pedals = tuple((True, self.time) if down else (down, since) for down, since in self.pedals)
        return self._with(_begun=False, pedals=pedals)

    def ids_until(self, step: int) -> Iterator[int]:
        """The ids that let time pass until a step without a note."""
        table, grammar = self.rules.table, self
        while grammar.time < step:
            room = step - grammar.time
            id = table.shift + min(room, table.steps) - 1
            if table.clock == "beats":
                ahead = grammar.line - grammar.time
                id = table.shift + min(room, ahead, table.steps) - 1 if ahead else table.bar
            yield id
            grammar = grammar.after(id)

    def _after_note(self, steps: int) -> "MusicGrammar":
        if self._spoken != "pitch":
            return self
        ends = self._ends.copy()
        ends[self._track, self._pitch] = self.time + steps
        quiet = max(self._quiet, self.time + steps)
        at = {"_stage": _NOTE, "_from": self._track, "_lowest": self._pitch + 1}
        return self._with(_spoken="event", _ends=ends, _quiet=quiet, _begun=True, **at)

    def _after_metre(self, id: int) -> "MusicGrammar":
        table = self.rules.table
        if id == table.bar:
            line = self.time + bar_steps(*TIME_SIGNATURES[self.signature])
            return self._with(_spoken="bar", _stage=_SIGNATURE, line=line, bars=self.bars + 1)
        if id < table.tempo:
            signature = id - table.time_signature
            line = self.time + bar_steps(*TIME_SIGNATURES[signature])
            return self._with(_spoken="signature", _stage=_SIGNATURE, line=line, signature=signature)
        return self._with(_spoken="event", _stage=_TEMPO, tempo=id - table.tempo)

    def _velocity_taken(self, part: int) -> dict[str, tuple[int, ...]]:
        if self._spoken not in ("velocity", "note velocity"):
            return {}
        return {"_velocities": _put(self._velocities, part, self._velocity)}

    def _with(self, **changes: object) -> "MusicGrammar":
        return replace(self, **changes)  # type: ignore[arg-type]


def _put(values: tuple[_T, ...], index: int, value: _T) -> tuple[_T, ...]:
    return (*values[:index], value, *values[index + 1 :])
