"""A piece of music as it comes: events drawn one by one, and what ends them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from gen.music.events import TIME_SIGNATURES, bar_steps
from gen.music.score import Note, Pedal, Piece, Score, Tempo
from gen.sampler.stream_state import Given
from gen.tokenizers.midi_decoding import MidiStream
from gen.tokenizers.midi_grammar import MusicGrammar
from gen.tokenizers.midi_state import INSTANTS


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a stream begins.

    Attributes:
        ids: what the model reads first.
        grammar: where these lead.
        decoder: that has read them.
        pieces: what is written before anything is generated.
        origin: tick that is time 0 of what is written.
    """

    ids: list[int]
    grammar: MusicGrammar
    decoder: MidiStream
    pieces: list[Piece]
    origin: int


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a piece."""

    seconds: float | None
    bars: int | None
    tokens: int | None

    @property
    def instants(self) -> int | None:
        """The seconds, in `INSTANTS` of one."""
        return None if self.seconds is None else max(1, round(self.seconds * INSTANTS))


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """How far a piece has come, under its grammar and within its bounds: a `gen.decoding.beam_steps.Limit`.

    Attributes:
        grammar: where it stands.
        bounds: what ends it.
        first_bar: bar lines before it began.
        passed: time since, in `INSTANTS` of a second.
        over: the last id leads beyond a bound, and is no part of it.
    """

    grammar: MusicGrammar
    bounds: Bounds
    first_bar: int
    passed: int = 0
    over: bool = False

    @classmethod
    def of(cls, grammar: MusicGrammar, bounds: Bounds) -> "Course":
        """The course of a piece that begins here."""
        return cls(grammar, bounds, grammar.bars)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,)."""
        return self.grammar.allowed

    def after(self, id: int) -> "Course":
        """The course when `id` has come."""
        grammar, bounds = self.grammar.after(id), self.bounds
        passed = self.passed + (grammar.time - self.grammar.time) * grammar.instants()
        over = bounds.bars is not None and grammar.bars - self.first_bar > bounds.bars
        over = over or (bounds.instants is not None and passed >= bounds.instants)
        last = None if grammar.plan is None else grammar.plan.last
        over = over or (last is not None and grammar.time >= last)
        return Course(grammar, bounds, self.first_bar, passed, over)

    def limit(self) -> int:
        """The tick that the piece ends at, if metre and tempo stay as they are."""
        grammar, bounds, ticks = self.grammar, self.bounds, self.grammar.rules.table.ticks
        limits = [(1 << 24) * ticks]
        if grammar.plan is not None and grammar.plan.last is not None:
            limits.append(grammar.plan.last * ticks)
        if bounds.instants is not None:
            left = (bounds.instants - self.passed) * ticks
            limits.append(grammar.time * ticks + left // grammar.instants())
        if bounds.bars is not None:
            bars = bounds.bars - (grammar.bars - self.first_bar)
            limits.append((grammar.line + bars * bar_steps(*TIME_SIGNATURES[grammar.signature])) * ticks)
        return min(limits)


class MusicStream(Iterator[Piece]):
    """Pieces as they come, each as soon as it is whole.

    Attributes:
        resolution: ticks of a beat, for their times.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn so far.
        finish: None while pieces come; then as in `MusicSample`.
        given: what it was made of; None of a beam.
    """

    def __init__(
        self,
        ids: Iterator[int],
        opening: Opening,
        bounds: Bounds,
        *,
        seed: int,
        stream: int,
        given: Given | None = None,
    ) -> None:
        self.resolution = opening.grammar.rules.table.resolution
        self.seed = seed
        self.stream = stream
        self.given = given
        self.tokens = 0
        self.finish: str | None = None
        self._ids = ids
        self._bounds = bounds
        self._rules = opening.grammar.rules
        self._origin = opening.origin
        self._heard: list[Piece] = []
        self._pieces = chain(opening.pieces, self._generated(opening.grammar, opening.decoder))

    def __next__(self) -> Piece:
        piece = next(self._pieces)
        self._heard.append(piece)
        return piece

    @property
    def position(self) -> int:
        """How many pieces have come."""
        return len(self._heard)

    def skip(self, position: int) -> None:
        """Draw the pieces up to a position; they are part of the score."""
        while self.position < position and next(self, None) is not None:
            pass

    def score(self) -> Score:
        """The whole piece; what has not come yet is drawn first."""
        for _ in self:
            pass
        return self.so_far()

    def so_far(self) -> Score:
        """What has come until now."""
        return Score.of(self.resolution, self._heard)

    def _generated(self, grammar: MusicGrammar, decoder: MidiStream) -> Iterator[Piece]:
        bounds, course = self._bounds, Course.of(grammar, self._bounds)
        while bounds.tokens is None or self.tokens < bounds.tokens:
            token = next(self._ids)
            self.tokens += 1
            if token == self._rules.table.boundary:
                self.finish = "end"
                break
            following = course.after(token)
            if following.over:
                break
            course = following
            for piece in decoder.feed(token):
                yield self._finished(piece, course.limit())
        self.finish = self.finish or "length"
        limit = course.limit()
        yield from (self._finished(piece, limit) for piece in decoder.flush())

    def _finished(self, piece: Piece, limit: int) -> Piece:
        """A piece at its place in what is written, and not beyond the tick that this ends at."""
        at = piece.time - self._origin
        match piece:
            case Note():
                duration = max(1, min(piece.duration, limit - piece.start))
                programs = self._rules.programs
                program = piece.program if programs is None or piece.drum else programs[piece.track]
                return replace(piece, start=at, duration=duration, program=program)
            case Tempo() if self._rules.bpm is not None:
                return Tempo(at, round(60e6 / self._rules.bpm))
            case Pedal():
                return replace(piece, time=min(piece.time, limit) - self._origin)
            case _:
                return replace(piece, time=at)
