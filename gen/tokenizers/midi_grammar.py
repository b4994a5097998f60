"""Which event may come next: a small automaton that makes every stream of ids a well-spelled piece.

A `MusicGrammar` is a value: `allowed` says what may follow, `after(id)` is the grammar from there on. Whatever a model
prefers, a stream under it keeps the order of events, gives every note a duration, never strikes a pitch that still
sounds in its track, moves pedals in turn, draws bar lines where they belong, and is not silent for longer than it may.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeVar

from gen.music.events import TIME_SIGNATURES, bar_steps
from gen.tokenizers.midi_state import BAR, DRUM, DRUM_PART, NOTE, PEDAL, SIGNATURE, TEMPO, MusicState

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class MusicGrammar(MusicState):
    """Where a piece stands; `MusicGrammar(rules)` is the grammar after a BOS."""

    def after(self, id: int) -> "MusicGrammar":
        """The grammar when `id` has come, whether it was allowed or not."""
        now = self._following(id)
        return now if now.plan is None else now._with(plan=now.plan.after(self, id, now))

    def _following(self, id: int) -> "MusicGrammar":
        table = self.rules.table
        if id < table.shift:
            return MusicGrammar(self.rules, guard=self.guard)
        if id < table.velocity:
            steps = id - table.shift + 1
            time, passed = self.time + steps, self.passed + steps * self.instants()
            full = steps == table.steps
            return self._with(time=time, passed=passed, _spoken="shift", _full=full, _stage=BAR, _from=0)
        if id < table.track:
            to_note = self._spoken in ("track", "program")
            return self._with(_spoken="note velocity" if to_note else "velocity", _velocity=id - table.velocity)
        if id < table.program:
            return self._with(_spoken="track", track=id - table.track)
        if id < table.pitch:
            return self._with(_spoken="program", programs=_put(self.programs, self.track, id - table.program))
        if id < table.duration:
            return self._with(_spoken="pitch", pitch=id - table.pitch, **self._velocity_taken(self.track))
        if id < table.drum:
            return self._after_note(int(table.durations[id - table.duration]))
        if id < table.pedal_on:
            taken = self._velocity_taken(DRUM_PART)
            quiet = max(self._quiet, self.time + 1)
            lowest = id - table.drum + 1
            return self._with(_spoken="event", _stage=DRUM, _lowest=lowest, _quiet=quiet, _begun=True, **taken)
        if id < table.bar:
            pedals = _put(self.pedals, self.track, (id == table.pedal_on, self.time))
            return self._with(_spoken="event", _stage=PEDAL, _lowest=self.track + 1, pedals=pedals)
        return self._after_metre(id)

    def reopened(self) -> "MusicGrammar":
        """The same, as if it began: its length counts from here, and neither has a note come nor a pedal moved yet."""
        pedals = tuple((True, self.time) if down else (down, since) for down, since in self.pedals)
        return self._with(passed=0, bars=0, _begun=False, pedals=pedals)

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
        ends = self.ends.copy()
        ends[self.track, self.pitch] = self.time + steps
        quiet = max(self._quiet, self.time + steps)
        at: dict[str, object] = {"_stage": NOTE, "_from": self.track, "_lowest": self.pitch + 1}
        if self.guard is not None:
            at["guard"] = self.guard.after(self.track, self.pitch, self.time)
        return self._with(_spoken="event", ends=ends, _quiet=quiet, _begun=True, **at)

    def _after_metre(self, id: int) -> "MusicGrammar":
        table = self.rules.table
        if id == table.bar:
            line = self.time + bar_steps(*TIME_SIGNATURES[self.signature])
            return self._with(_spoken="bar", _stage=SIGNATURE, line=line, bars=self.bars + 1)
        if id < table.tempo:
            signature = id - table.time_signature
            line = self.time + bar_steps(*TIME_SIGNATURES[signature])
            return self._with(_spoken="signature", _stage=SIGNATURE, line=line, signature=signature)
        return self._with(_spoken="event", _stage=TEMPO, tempo=id - table.tempo)

    def _velocity_taken(self, part: int) -> dict[str, tuple[int, ...]]:
        if self._spoken not in ("velocity", "note velocity"):
            return {}
        return {"_velocities": _put(self._velocities, part, self._velocity)}

    def _with(self, **changes: object) -> "MusicGrammar":
        now = object.__new__(MusicGrammar)  # `replace` takes several times as long, and this is done for every id
        now.__dict__.update(self.__dict__)
        now.__dict__.pop("allowed", None)
        now.__dict__.update(changes)
        return now


def _put(values: tuple[_T, ...], index: int, value: _T) -> tuple[_T, ...]:
    return (*values[:index], value, *values[index + 1 :])
