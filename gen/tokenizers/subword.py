"""Subwords as tokens: pieces that sentencepiece learned from a sample, made lossless.

What makes it lossless: text is not normalised, white space is kept, nothing is put before it, what no piece has is
spelled in bytes, a line end is a token of its own, and so is U+2581, which the library takes for a blank, in bytes.

No piece has a blank behind another character. So words, each with the blanks before it, can be cut one by one, and a
word that comes again is looked up.
"""

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, Self, get_args

import numpy as np
import sentencepiece
from numpy.typing import NDArray

from gen.errors import CheckpointError, TokenizerError
from gen.tokenizers.base import Vocabulary
from gen.tokenizers.pieces import DOCUMENT, MAX_SIZE, PieceTokenizer, cut_by_ids, utf8
from gen.tokenizers.sentencepiece_model import model_proto

Algorithm = Literal["unigram", "bpe"]

_NEWLINE, _FIRST_BYTE = 1, 2  # ids
SPECIAL = _FIRST_BYTE + 256
"""Symbols that are not learned, ahead of those that are."""
BLANK = "\u2581"
"""What the library writes for a blank."""
_WORDS = re.compile(r" *[^ \n]+|\n| +")
_LONGEST = 1 << 12  # characters of a word that is cut in one go
_REMEMBERED = 1 << 17  # words


class SubwordTokenizer(PieceTokenizer):
    """One id for each piece: the document boundary, the line end, 256 bytes, and what was learned.

    Args:
        algorithm: "unigram" or "bpe".
        pieces: what was learned, each once, with blanks as they are.
        scores: of each: logarithms of probabilities (unigram), or minus the rank of its merge (bpe).
        boundary: whether id 0, the document boundary, is in use.

    Raises:
        TokenizerError: there are too many or too few of them, or a piece is empty, occurs twice or has a line end.
    """

    def __init__(
        self, algorithm: Algorithm, pieces: Sequence[str], scores: Sequence[float], *, boundary: bool = False
    ) -> None:
        if algorithm not in get_args(Algorithm) or len(pieces) != len(scores) or not pieces:
            raise TokenizerError(f"{len(pieces)} pieces with {len(scores)} scores of {algorithm!r} are no tokenizer")
        if not all(pieces) or any("\n" in piece or BLANK in piece for piece in pieces) or len(pieces) > MAX_SIZE:
            raise TokenizerError(f"{len(pieces)} pieces; {MAX_SIZE} are the most, none empty or with U+000A or U+2581")
        learned = [utf8(piece) for piece in pieces]
        symbols = [DOCUMENT, "\n", *map(byte_name, range(256)), *pieces]
        everything = [b"", b"\n", *(bytes([value]) for value in range(256)), *learned]
        super().__init__(Vocabulary(symbols), everything, 0 if boundary else None)
        self.algorithm = algorithm
        self.scores = np.asarray(scores, "<f4")
        if not np.isfinite(self.scores).all():
            raise TokenizerError("a piece has a score that is not a finite number")
        self.spec = f"{'bpe' if algorithm == 'bpe' else 'subword'}:{len(symbols)}"
        names = [piece.replace(" ", BLANK) for piece in pieces]
        special = [(DOCUMENT, "unknown"), ("\n", "normal"), *((byte_name(value), "byte") for value in range(256))]
        entries = [(name, 0.0, kind) for name, kind in special]
        entries += [(name, score, "normal") for name, score in zip(names, self.scores.tolist(), strict=True)]
        self._model = sentencepiece.SentencePieceProcessor(model_proto=model_proto(algorithm, entries))
        self._words: dict[str, bytes] = {}

    def encode(self, document: str) -> NDArray[np.integer[Any]]:
        utf8(document)  # raises before the library would replace what is no character
        words = _WORDS.findall(document)
        known = self._words
        new = set(words).difference(known)
        if len(known) + len(new) > _REMEMBERED:
            known = self._words = {}  # others may still read the one before
            new = set(words)
        known.update(zip(new, self._cut_words(list(new)), strict=True))
        return np.frombuffer(b"".join(map(known.__getitem__, words)), self._dtype)

    def _cut_words(self, words: Sequence[str]) -> Iterable[bytes]:
        """The ids of each word, as bytes."""
        for word in words:
            if word == "\n":
                ids = [_NEWLINE]
            else:
                ids = list(chain.from_iterable(self._spelled(word)))
            yield np.array(ids, self._dtype).tobytes()

    def _spelled(self, word: str) -> Iterable[list[int]]:
        """The ids of a word: its stretches between U+2581, and the bytes of that."""
        mark = [_FIRST_BYTE + value for value in BLANK.encode()]
        for number, stretch in enumerate(word.split(BLANK)):
            if number:
                yield mark
            for begin in range(0, len(stretch), _LONGEST):
                yield self._model.encode(stretch[begin : begin + _LONGEST])

    def cut(self, text: str) -> list[str]:
        """What of `text` each of its ids stands for; a character in bytes stands with the first of them."""
        return cut_by_ids(text, self.encode(text), self.units)

    def with_pieces(self, pieces: Sequence[str], scores: Sequence[float], *, boundary: bool) -> "SubwordTokenizer":
        """This one with more pieces behind its own, as far as they are new; those that were there keep their ids."""
        mine = list(self.vocabulary)[SPECIAL:]
        known = set(mine)
        more = [(piece, score) for piece, score in zip(pieces, scores, strict=True) if piece not in known]
        return SubwordTokenizer(
            self.algorithm,
            [*mine, *(piece for piece, _ in more)],
            [*self.scores.tolist(), *(score for _, score in more)],
            boundary=boundary or self.boundary is not None,
        )

    @property
    def learned(self) -> list[str]:
        """The pieces that were learned."""
        return list(self.vocabulary)[SPECIAL:]

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "subword",
            "algorithm": self.algorithm,
            "pieces": self.learned,
            "scores": base64.b64encode(self.scores.tobytes()).decode("ascii"),
            "boundary": self.boundary is not None,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises: CheckpointError: the values are not those of a subword tokenizer."""
        pieces, scores, boundary = values.get("pieces"), values.get("scores"), values.get("boundary")
        listed = isinstance(pieces, list) and all(isinstance(piece, str) for piece in pieces)
        if not listed or not isinstance(scores, str) or not isinstance(boundary, bool):
            raise CheckpointError("its subword tokenizer lacks pieces, scores or boundary: the file is not of gen's")
        try:
            floats = np.frombuffer(base64.b64decode(scores, validate=True), "<f4")
            return cls(values.get("algorithm"), pieces, floats.tolist(), boundary=boundary)  # type: ignore[arg-type]
        except (TokenizerError, ValueError) as error:
            raise CheckpointError(f"its tokenizer is broken: {error}") from error


def byte_name(value: int) -> str:
    """How a byte among subwords is called: "<0x00>" … "<0xFF>"."""
    return f"<0x{value:02X}>"
