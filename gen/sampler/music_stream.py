"""A piece of music as it comes: events drawn one by one, and what ends them."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import chain

from gen.music.score import Note, Pedal, Piece, Score, Tempo
from gen.sampler.stream_state import Given
from gen.tokenizers.midi_decoding import MidiStream
from gen.tokenizers.midi_grammar import MusicGrammar


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a stream begins, and how far it may go.

    Attributes:
        ids: what the model reads first.
        grammar: where these lead.
        decoder: that has read them.
        pieces: what is written before anything is generated.
        origin: tick that is time 0 of what is written.
        tokens: ids to draw, at most; None is no bound.
    """

    ids: list[int]
    grammar: MusicGrammar
    decoder: MidiStream
    pieces: list[Piece]
    origin: int
    tokens: int | None = None


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
        self, ids: Iterator[int], opening: Opening, *, seed: int, stream: int, given: Given | None = None
    ) -> None:
        self.resolution = opening.grammar.rules.table.resolution
        self.seed = seed
        self.stream = stream
        self.given = given
        self.tokens = 0
        self.finish: str | None = None
        self._ids = ids
        self._most = opening.tokens
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
        while self._most is None or self.tokens < self._most:
            token = next(self._ids)
            self.tokens += 1
            if token == self._rules.table.boundary:
                self.finish = "end"
                break
            following = grammar.after(token)
            if following.over:
                break
            grammar = following
            for piece in decoder.feed(token):
                yield self._finished(piece, grammar.limit)
        self.finish = self.finish or "length"
        yield from (self._finished(piece, grammar.limit) for piece in decoder.flush())

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
