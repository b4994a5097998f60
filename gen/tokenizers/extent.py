"""How much a stretch of ids is, in all that people count, whatever its tokens are."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.tokenizers.base import TextTokenizer, Unit


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much there is of a text or of music, in all that people count.

    Attributes:
        unit: "character" or "note".
        tokens: how many ids it has.
        units: how many characters or notes these stand for, 1 or more.
        bytes: how many bytes of UTF-8; None for music.
        words: how many words, parted by white space; None for music.
        seconds: how long it lasts; None for text.
        unknown: how many of the ids are those of words that have none of their own.
        unknown_bytes: how many bytes such a word has in the mean.
    """

    unit: Unit
    tokens: int
    units: float
    bytes: float | None = None
    words: float | None = None
    seconds: float | None = None
    unknown: int = 0
    unknown_bytes: float = 0.0

    def nats(self, nats_per_token: float) -> float:
        """What all of it costs: a loss over all ids, and the spelling of unknown words, at 8 bits a byte.

        An id for every unknown word says less than the word, so it would seem to cost less. Each is spelled with a byte
        more, which ends it.
        """
        return nats_per_token * self.tokens + self.unknown * (self.unknown_bytes + 1) * math.log(256)

    @classmethod
    def of_text(cls, tokenizer: TextTokenizer, counts: NDArray[np.integer[Any]], words: float) -> "Extent":
        """That of a text.

        Args:
            tokenizer: of its ids.
            counts: how often each id occurs, (V,).
            words: how many there are.
        """
        lost = list(tokenizer.unknown_ids)
        unknown = int(counts[lost].sum())
        return cls(
            unit="character",
            tokens=int(counts.sum()),
            units=max(1.0, float(counts @ tokenizer.units)),
            bytes=float(counts @ tokenizer.bytes),
            words=words,
            unknown=unknown,
            unknown_bytes=float(counts[lost] @ tokenizer.bytes[lost]) / unknown if unknown else 0.0,
        )
