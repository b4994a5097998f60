"""Where a piece of music stands, and which events may come there: the half of `MusicGrammar` that looks ahead."""

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gen.music.events import TEMPO_BINS, TIME_SIGNATURES, VELOCITY_BINS, bar_steps, tempo_bin, tempo_of
from gen.music.grid import INSTANTS, STEPS_PER_SECOND
from gen.music.score import DEFAULT_TEMPO, TRACKS
from gen.tokenizers.midi_encoding import START_VELOCITY
from gen.tokenizers.midi_plan import FOREVER, Plan
from gen.tokenizers.midi_rules import MusicRules, NoteGuard

BAR, SIGNATURE, TEMPO, PEDAL, DRUM, NOTE = range(6)  # how far the events of an instant have come
DRUM_PART = TRACKS
_LONG_AGO = -1_000
_NO_LIMIT = 1 << 24  # steps
_BEATS = np.array([tempo_of(tempo) for tempo in range(TEMPO_BINS)], np.int64)  # microseconds, of each tempo
_BARS = np.array([bar_steps(*signature) for signature in TIME_SIGNATURES], np.int64)  # steps, of each signature
_FROM = np.arange(128) >= np.arange(129)[:, None]  # of the first pitch that may come: which may

_Spoken = Literal["event", "shift", "bar", "signature", "track", "program", "velocity", "note velocity", "pitch"]
"""What was said last: a whole event; time that passed; or what an event of which the rest is still to come begins with
("velocity" is followed by a hit or a note, "note velocity" by a note)."""


@dataclass(frozen=True, eq=False)
class MusicState:
    """Where a piece stands, and what may come there.

    Attributes:
        rules: what is asked of the piece.
        time: steps from its beginning.
        passed: time from there, or from the end of a prompt, in `INSTANTS` of a second.
        bars: bar lines so far, or after a prompt (by beats).
        signature: number of the running one among `TIME_SIGNATURES` (by beats).
        tempo: bin of the running one; -1 before the first (by beats).
        programs: of each track.
        pedals: of each track: whether it is down, and since when it is as it is.
        line: step at which the next bar begins (by beats).
        track: the running one.
        pitch: of the latest note.
        ends: of the latest note of each pitch of each track: the step at which it has ended, (16, 128).
        guard: what may be struck after what has been; None is anything.
        plan: what is still to come; None is nothing in particular.
    """

    rules: MusicRules
    time: int = 0
    passed: int = 0
    bars: int = 0
    signature: int = TIME_SIGNATURES.index((4, 4))
    tempo: int = -1
    programs: tuple[int, ...] = (0,) * TRACKS
    pedals: tuple[tuple[bool, int], ...] = ((False, _LONG_AGO),) * TRACKS
    line: int = 0
    track: int = 0
    pitch: int = 0
    ends: NDArray[np.int64] = field(default_factory=lambda: np.zeros((TRACKS, 128), np.int64))
    guard: NoteGuard | None = None
    plan: Plan | None = None
    _spoken: _Spoken = "event"
    _full: bool = False  # the last TIME_SHIFT was as long as they are: another may follow
    _stage: int = BAR
    _lowest: int = 0  # of this stage: the first track with a pedal to move, drum, or pitch of `_from`, that may come
    _from: int = 0  # the first track whose notes may come in this instant
    _velocities: tuple[int, ...] = (START_VELOCITY,) * (TRACKS + 1)
    _velocity: int = START_VELOCITY  # the one said last
    _quiet: int = 0  # when the last sound ends
    _begun: bool = False  # a note has come, so the piece may end

    def beat(self, tempo: int | None = None) -> int:
        """Microseconds of a beat, as it is written: now, or in the tempo of a bin (by beats)."""
        if self.rules.bpm is not None:
            return round(60e6 / self.rules.bpm)
        tempo = self.tempo if tempo is None else tempo
        return tempo_of(tempo) if tempo >= 0 else DEFAULT_TEMPO

    def instants(self, tempo: int | None = None) -> int:
        """How long a step is, in `INSTANTS` of a second; whole numbers, which add up to what they should."""
        if self.rules.table.clock == "seconds":
            return INSTANTS // STEPS_PER_SECOND
        return self.beat(tempo)

    @property
    def over(self) -> bool:
        """It has come to its end: what led here is no part of the piece."""
        last, instants, bars = None if self.plan is None else self.plan.last, self.rules.instants, self.rules.bars
        return (
            (last is not None and self.time >= last)
            or (instants is not None and self.passed >= instants)
            or (bars is not None and self.bars > bars)
        )

    @property
    def limit(self) -> int:
        """The tick that the piece ends at, as metre and tempo are; none may come that has it end within a note."""
        ticks, last = self.rules.table.ticks, None if self.plan is None else self.plan.last
        limits = [(_NO_LIMIT if last is None else last) * ticks]
        if self.rules.instants is not None:
            limits.append(self.time * ticks + (self.rules.instants - self.passed) * ticks // self.instants())
        if self.rules.bars is not None:
            bar = bar_steps(*TIME_SIGNATURES[self.signature])
            limits.append((self.line + (self.rules.bars - self.bars) * bar) * ticks)
        return min(limits)

    # -- what may come -----------------------------------------------------------------------------------------------

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,): at least one, unless the guard forbids what the plan needs."""
        table = self.rules.table
        mask = np.zeros(table.size, np.bool_)
        if self._spoken == "pitch":
            mask[table.duration : table.drum] = True if self.plan is None else self.plan.lengths(self)
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
        mask[table.track + self.track] = False
        self._pedal(mask)
        self._note(mask, notes[self.track])
        hits = self._hits()
        if hits is not None:
            mask[table.drum : table.pedal_on] = hits
            self._velocity_for(mask, DRUM_PART)
        short_shift = spoken == "shift" and not self._full  # an event comes at the moment that it leads to
        if not short_shift or not mask.any():
            self._shifts(mask)
        whole = self.plan is None or self.plan.may_end(self)
        mask[table.boundary] = whole and spoken == "event" and self._begun and not self.rules.endless
        if not mask.any():  # a guard or a plan left no note that would break the silence
            self._shifts(mask, FOREVER)
            mask[table.boundary] = whole and not mask.any()  # nothing at all, where a guard forbids what is to come

    def _metre(self, mask: NDArray[np.bool_]) -> bool:
        """Bar lines, time signatures and tempi; true where nothing else may come."""
        table, bpm = self.rules.table, self.rules.bpm
        if self._stage == BAR and self.time == self.line:
            mask[table.bar] = True
            return True
        if self._spoken == "bar":
            mask[table.time_signature : table.tempo] = self._metres()
            mask[table.time_signature + self.signature] &= self.time == 0
            if self.time == 0:
                return True
        if self._stage < TEMPO and (self.tempo < 0 or bpm is None):
            mask[table.tempo :] = self._tempi()
            if self.tempo >= 0:
                mask[table.tempo + self.tempo] = False
        return self.tempo < 0

    def _metres(self) -> NDArray[np.bool_]:
        """The time signatures that may come at this bar line: none brings the end before that of a note."""
        metres = self.rules.metres(self.time)
        if self.rules.bars is None:
            return metres
        ends = self.time + (self.rules.bars - self.bars + 1) * _BARS
        kept: NDArray[np.bool_] = (ends >= self._quiet) | (_BARS >= _BARS[self.signature])
        return metres & kept

    def _tempi(self) -> NDArray[np.bool_]:
        """The tempi that may come: none brings the end before that of a note, which was written as the tempo was."""
        if self.rules.bpm is not None:
            only: NDArray[np.bool_] = np.arange(TEMPO_BINS) == tempo_bin(self.rules.bpm)
            return only
        tempi = np.ones(TEMPO_BINS, np.bool_) if self.plan is None else self.plan.tempi(self)
        if self.rules.instants is None:
            return tempi
        ticks = self.rules.table.ticks
        ends = self.time * ticks + (self.rules.instants - self.passed) * ticks // _BEATS
        kept: NDArray[np.bool_] = (ends >= self._quiet * ticks) | (_BEATS <= self.beat())
        return tempi & kept

    def _within(self, mask: NDArray[np.bool_]) -> None:
        """What was begun is finished: the pedal or note of a TRACK, the note of a PROGRAM, what a VELOCITY is for."""
        table = self.rules.table
        notes = self._notes()[self.track]
        if self._spoken == "track":
            self._pedal(mask)
            self._note(mask, notes)
            return
        if self._spoken == "program":
            self._velocity_for(mask, self.track)
        said = self._spoken in ("velocity", "note velocity")
        if not said or self._velocity != self._velocities[self.track]:
            mask[table.pitch : table.duration] = notes & (self._spoken == "program" or not self._program_is_due())
        hits = self._hits()
        if self._spoken == "velocity" and hits is not None and self._velocity != self._velocities[DRUM_PART]:
            mask[table.drum : table.pedal_on] = hits

    def _notes(self) -> NDArray[np.bool_]:
        """The pitches of each track that may be struck now, (16, 128)."""
        notes = (self.ends <= self.time) & self.rules.pitches
        notes[self.rules.tracks :] = False
        if self._stage == NOTE:
            notes[: self._from] = False
            notes[self._from, : self._lowest] = False
        if self.guard is not None:
            for track in np.flatnonzero(notes.any(axis=1)).tolist():
                notes[track] &= self.guard.allowed(track, self.time)
        return notes if self.plan is None else self.plan.notes(self, notes)

    def _hits(self) -> NDArray[np.bool_] | None:
        """The drums that may be hit now, (128,), if one may."""
        if self._stage > DRUM or not self.rules.drums:
            return None
        first = self._lowest if self._stage == DRUM else 0
        if self.plan is None:
            return _FROM[first] if first < 128 else None
        hits = _FROM[first] & self.plan.hits(self)
        return hits if hits.any() else None

    def _pedals(self) -> NDArray[np.bool_]:
        """The tracks whose pedal may move now, (16,)."""
        movable = np.zeros(TRACKS, np.bool_)
        if self._stage <= PEDAL:
            first = self._lowest if self._stage == PEDAL else 0
            for track in range(first, self.rules.tracks):
                movable[track] = self.time - self.pedals[track][1] >= self.rules.table.pedal_gap
        return movable

    def _pedal(self, mask: NDArray[np.bool_]) -> None:
        """The movement of the running track's pedal, if it may move."""
        table = self.rules.table
        if self._pedals()[self.track]:
            mask[table.pedal_off if self.pedals[self.track][0] else table.pedal_on] = True

    def _note(self, mask: NDArray[np.bool_], notes: NDArray[np.bool_]) -> None:
        """What a note of the running track, of one of these pitches, may begin with."""
        table, programs = self.rules.table, self.rules.programs
        if not notes.any():
            return
        due = self._program_is_due()
        if programs is None:
            mask[table.program : table.pitch] = self.rules.choice
            mask[table.program + self.programs[self.track]] = False
        elif due:
            mask[table.program + programs[self.track]] = True
        if not due:
            mask[table.pitch : table.duration] = notes
            self._velocity_for(mask, self.track)

    def _program_is_due(self) -> bool:
        """Whether the running track has to be told its instrument."""
        programs = self.rules.programs
        if programs is None or self.track >= len(programs):
            return False
        wanted = programs[self.track]
        known = self.rules.known is None or wanted in self.rules.known
        return known and wanted != self.programs[self.track]

    def _velocity_for(self, mask: NDArray[np.bool_], part: int) -> None:
        """The velocities that are new to a part."""
        start = self.rules.table.velocity
        same = mask[start + self._velocities[part]]
        mask[start : start + VELOCITY_BINS] = True
        mask[start + self._velocities[part]] = same

    def _shifts(self, mask: NDArray[np.bool_], silence: int | None = None) -> None:
        """The steps in which neither a bar line is passed nor the silence becomes too long."""
        table, plan = self.rules.table, self.plan
        whole = plan is not None and plan.whole
        room = min(table.steps, self._quiet + (silence or self.rules.silence) - self.time)
        if whole:
            room = table.steps
        if table.clock == "beats":
            room = min(room, self.line - self.time)
        if plan is not None:
            room = min(room, plan.room(self))
        mask[table.shift + (room - 1 if whole and room > 0 else 0) : table.shift + max(room, 0)] = True
