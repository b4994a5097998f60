"""The text that a beam finds best, as it becomes certain."""

import sys
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gen.decoding.beam import BeamStream, Hypothesis
from gen.sampler.ranking import Ranked
from gen.sampler.text_stream import Bounds, Origin, Sample, TextStream, stop_end, without_stop
from gen.tokenizers import TextTokenizer


class TextBeam(TextStream):
    """Pieces of the best text, as they become certain: those of `TextStream`, and in the end what else was found.

    `tokens` are those of the best text.
    """

    def __init__(self, beam: BeamStream, tokenizer: TextTokenizer, bounds: Bounds, origin: Origin) -> None:
        super().__init__(beam, tokenizer, bounds, origin)
        self._beam = beam
        self._origin = origin

    def __next__(self) -> str:
        try:
            return super().__next__()
        except StopIteration:
            if self.finish is None:  # as long as it may be, within what might have become a stop string
                self.finish, piece, self._held = "length", self._held, ""
                if piece:
                    return piece
            raise

    def _close(self) -> None:
        """The search stays, for what else it finds: a text may be at its end before its last byte is certain."""

    @property
    def settled(self) -> int:
        """How many symbols so far were taken from the best because the hypotheses did not agree within the lag."""
        return self._beam.settled

    def hypotheses(self) -> tuple[Ranked[Sample], ...]:
        """All texts that were kept, best first, the streamed one at their head; what is not searched yet is searched.

        Of diverse beams the best of each group comes first. Where two differ in a stop string only, both are there.
        """
        return tuple(self._ranked(found) for found in self._beam.finish())

    def _ranked(self, found: Hypothesis) -> Ranked[Sample]:
        ids = list(found.ids)
        text = self._tokenizer.decode(ids)
        finish = "length"
        end = stop_end(text, self._bounds.stops)
        if end is not None:
            finish, text = "stop", without_stop(text[:end], self._bounds.stops)
        elif found.ended and ids[-1] == self._tokenizer.boundary:
            finish = "end"
        elif self._bounds.constraints and len(text) < self._bounds.characters and len(ids) < self._bounds.tokens:
            finish = "complete"
        text = text[: self._bounds.characters]
        origin = self._origin
        sample = Sample(text, origin.prompt, origin.seed, origin.stream, len(ids), finish)
        return Ranked(sample, found.score, found.log_probability)


@dataclass(frozen=True, eq=False)
class TextLimit:
    """Anything may come, and a stop string or enough characters end it: a `Limit` for a beam.

    Attributes:
        tokenizer: of the ids.
        stops: the strings.
        left: characters that may still come.
        allowed: all ids, (V,).
        tail: the last bytes, fewer than the longest stop string has.
        over: one of them has come, or all characters have.
    """

    tokenizer: TextTokenizer
    stops: tuple[bytes, ...]
    left: int
    allowed: NDArray[np.bool_]
    tail: bytes = b""
    over: bool = False

    @classmethod
    def of(cls, tokenizer: TextTokenizer, bounds: Bounds) -> "TextLimit | None":
        """The limit before anything was written; None where the number of ids alone bounds it."""
        long = bool(tokenizer.units.max() > 1 or tokenizer.units.min() < 1) and bounds.characters < sys.maxsize
        if not bounds.stops and not long:
            return None
        stops = tuple(stop.encode("utf-8", "surrogatepass") for stop in bounds.stops)
        return cls(tokenizer, stops, bounds.characters, np.ones(len(tokenizer.vocabulary), np.bool_))

    def after(self, id: int) -> "TextLimit":
        """With one more id."""
        data = self.tail + self.tokenizer.pieces[id]
        left = self.left - int(self.tokenizer.units[id])
        kept = max(map(len, self.stops), default=1) - 1
        enough = left < 0 or (left == 0 and data[-1:] < b"\x80")  # beyond ASCII, more of a character may follow
        over = enough or any(stop in data for stop in self.stops)
        return replace(self, left=left, tail=data[max(0, len(data) - kept) :], over=over)
