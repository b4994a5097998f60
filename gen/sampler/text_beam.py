"""The text that a beam finds best, as it becomes certain."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gen.decoding.beam import BeamStream, Hypothesis
from gen.sampler.ranking import Ranked
from gen.sampler.text_stream import Bounds, Origin, Sample, TextStream
from gen.tokenizers import CharTokenizer


class TextBeam(TextStream):
    """Pieces of the best text, as they become certain: those of `TextStream`, and in the end what else was found.

    `tokens` are those of the best text.
    """

    def __init__(self, beam: BeamStream, tokenizer: CharTokenizer, bounds: Bounds, origin: Origin) -> None:
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
        if found.ended:
            finish = "end" if ids[-1] == self._tokenizer.boundary else "stop"
        if finish == "stop":
            text = text[: -max(len(stop) for stop in self._bounds.stops if text.endswith(stop))]
        origin = self._origin
        sample = Sample(text, origin.prompt, origin.seed, origin.stream, len(ids), finish)
        return Ranked(sample, found.score, found.log_probability)


@dataclass(frozen=True, eq=False)
class UntilStop:
    """Anything may come, and a stop string ends it: a `Limit` for a beam.

    Attributes:
        tokenizer: of the ids.
        stops: the strings.
        allowed: all ids, (V,).
        tail: the last characters, fewer than the longest of these.
        over: one of them has come.
    """

    tokenizer: CharTokenizer
    stops: tuple[str, ...]
    allowed: NDArray[np.bool_]
    tail: str = ""
    over: bool = False

    @classmethod
    def of(cls, tokenizer: CharTokenizer, stops: tuple[str, ...]) -> "UntilStop | None":
        """The constraint before anything was written; None where nothing stops it."""
        return cls(tokenizer, stops, np.ones(len(tokenizer.vocabulary), np.bool_)) if stops else None

    def after(self, id: int) -> "UntilStop":
        """With one more character."""
        text = self.tail + self.tokenizer.decode([id])
        kept = max(map(len, self.stops)) - 1
        return replace(self, tail=text[max(0, len(text) - kept) :], over=text.endswith(self.stops))
