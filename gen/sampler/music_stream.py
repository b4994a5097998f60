"""A piece of music as it comes: events drawn one by one, and what ends them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from gen.music.events import TIME_SIGNATURES, bar_steps, tempo_of
from gen.music.grid import STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.score import DEFAULT_TEMPO, Note, Pedal, Piece, Score, Tempo
from gen.tokenizers.midi_decoding import MidiStream
from gen.tokenizers.midi_grammar import MusicGrammar


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


class MusicStream(Iterator[Piece]):
    """Pieces as they come, each as soon as it is whole.

    Attributes:
        resolution: ticks of a beat, for their times.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn so far.
        finish: None while pieces come; then as in `MusicSample`.
    """

    def __init__(self, ids: Iterator[int], opening: Opening, bounds: Bounds, *, seed: int, stream: int) -> None:
        self.resolution = opening.grammar.rules.table.resolution
        self.seed = seed
        self.stream = stream
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

    def score(self) -> Score:
        """The whole piece; what has not come yet is drawn first."""
        for _ in self:
            pass
        return self.so_far()

    def so_far(self) -> Score:
        """What has come until now."""
        return Score.of(self.resolution, self._heard)

    def _generated(self, grammar: MusicGrammar, decoder: MidiStream) -> Iterator[Piece]:
        table, bounds = self._rules.table, self._bounds
        passed, first_bar = 0.0, grammar.bars
        while bounds.tokens is None or self.tokens < bounds.tokens:
            token = next(self._ids)
            self.tokens += 1
            if token == table.boundary:
                self.finish = "end"
                break
            following = grammar.after(token)
            then = passed + (following.time - grammar.time) * _seconds_of_step(following)
            over = bounds.bars is not None and following.bars - first_bar > bounds.bars
            if over or (bounds.seconds is not None and then >= bounds.seconds):
                break
            grammar, passed = following, then
            for piece in decoder.feed(token):
                yield self._finished(piece, _limit(grammar, bounds, passed, first_bar))
        self.finish = self.finish or "length"
        limit = _limit(grammar, bounds, passed, first_bar)
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


def _seconds_of_step(grammar: MusicGrammar) -> float:
    rules = grammar.rules
    if rules.table.clock == "seconds":
        return 1 / STEPS_PER_SECOND
    return microseconds_of_beat(grammar) / (1e6 * STEPS_PER_BEAT)


def microseconds_of_beat(grammar: MusicGrammar) -> float:
    """Of a beat, as it is written."""
    if grammar.rules.bpm is not None:
        return 60e6 / grammar.rules.bpm
    return tempo_of(grammar.tempo) if grammar.tempo >= 0 else DEFAULT_TEMPO


def _limit(grammar: MusicGrammar, bounds: Bounds, passed: float, first_bar: int) -> int:
    """The tick that the piece ends at, if metre and tempo stay as they are."""
    steps = [1 << 24]
    if bounds.seconds is not None:
        steps.append(round(grammar.time + (bounds.seconds - passed) / _seconds_of_step(grammar)))
    if bounds.bars is not None:
        left = bounds.bars - (grammar.bars - first_bar)
        steps.append(grammar.line + left * bar_steps(*TIME_SIGNATURES[grammar.signature]))
    return min(steps) * grammar.rules.table.ticks
