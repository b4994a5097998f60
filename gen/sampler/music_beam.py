"""The piece that a beam finds best, as it becomes certain."""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass, replace

from gen.decoding.beam import BeamStream
from gen.music.score import Score
from gen.sampler.music_stream import MusicStream, Opening
from gen.sampler.ranking import Ranked


@dataclass(frozen=True, slots=True, eq=False)
class MusicSample:
    """A finished sample.

    Attributes:
        score: what was written, from time 0 on; with the prompt, if it was to be kept.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn for it.
        finish: "length", or "end" (the model ended the piece).
    """

    score: Score
    seed: int
    stream: int
    tokens: int
    finish: str

    @classmethod
    def of(cls, pieces: MusicStream) -> "MusicSample":
        """The whole of a stream."""
        score = pieces.score()
        assert pieces.finish is not None
        return cls(score, pieces.seed, pieces.stream, pieces.tokens, pieces.finish)


class MusicBeam(MusicStream):
    """Notes and the rest of the best piece, as they become certain: those of `MusicStream`, and what else was found."""

    def __init__(self, beam: BeamStream, opening: Opening, *, seed: int, stream: int) -> None:
        self._beam = beam
        self._opening = reopened(opening)
        super().__init__(beam, opening, seed=seed, stream=stream)

    @property
    def settled(self) -> int:
        """How many ids so far were taken from the best because the hypotheses did not agree within the lag."""
        return self._beam.settled

    def hypotheses(self) -> tuple[Ranked[MusicSample], ...]:
        """All pieces that were kept, best first, the streamed one at their head; what is not searched yet is searched.

        Of diverse beams the best of each group comes first.
        """
        found = []
        for one in self._beam.finish():
            written = MusicStream(iter(one.ids), reopened(self._opening), seed=self.seed, stream=self.stream)
            found.append(Ranked(MusicSample.of(written), one.score, one.log_probability))
        return tuple(found)


class Recorded(Iterator[int]):
    """Ids that are remembered when they are taken.

    Attributes:
        taken: all of them.
    """

    def __init__(self, ids: Iterator[int]) -> None:
        self._ids = ids
        self.taken: list[int] = []

    def __next__(self) -> int:
        self.taken.append(next(self._ids))
        return self.taken[-1]


def reopened(opening: Opening) -> Opening:
    """The same for another stream: a decoder moves on with the one that has it."""
    return replace(opening, decoder=deepcopy(opening.decoder))
