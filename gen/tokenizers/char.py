"""Characters as tokens: one id for each Unicode code point that the corpus holds. Lossless."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.config import Medium
from gen.errors import CheckpointError, TokenizerError
from gen.tokenizers.base import Unit, Vocabulary

_BOUNDARY = "<|document|>"  # stands in the vocabulary, never in a text: every other symbol is one code point
_SHOWN = 12  # unknown characters that an error lists


def code_points(text: str) -> NDArray[np.uint32]:
    """The Unicode code points of a text (lone surrogates included)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


class CharTokenizer:
    """One id for each character, in code point order.

    Args:
        symbols: the characters, each once.
        boundary: whether id 0 is a document boundary, ahead of the characters.

    Raises:
        TokenizerError: a symbol is not one code point, is half of a surrogate pair, or occurs twice.
    """

    medium: Medium = "text"
    unit: Unit = "character"

    def __init__(self, symbols: Iterable[str], *, boundary: bool = False) -> None:
        characters = list(symbols)
        for symbol in characters:
            if len(symbol) != 1:
                raise TokenizerError(f"symbol {symbol!r} is {len(symbol)} code points; a character is one")
            if "\ud800" <= symbol <= "\udfff":  # UTF-8 has no place for it, and JSON would join two of them
                raise TokenizerError(f"symbol {symbol!r} is half of a surrogate pair: write U+FFFD in its place")
        if not characters:
            raise TokenizerError("a vocabulary needs at least one character; found none")
        self.vocabulary = Vocabulary([_BOUNDARY, *characters] if boundary else characters)
        self.boundary = 0 if boundary else None
        self._pieces = ["", *characters] if boundary else characters
        self.units = np.array([len(piece) for piece in self._pieces])
        self.bytes = np.array([len(piece.encode("utf-8", "surrogatepass")) for piece in self._pieces])
        self._dtype = np.min_scalar_type(len(self._pieces) - 1)
        points = code_points("".join(characters))
        self._table = np.full(int(points.max()) + 2, len(self._pieces), np.uint32)  # the last entry: beyond them all
        self._table[points] = np.arange(len(self._pieces) - len(points), len(self._pieces), dtype=np.uint32)

    @classmethod
    def fit(cls, texts: Iterable[str], *, boundary: bool = False) -> Self:
        """The tokenizer of all characters that occur in `texts`."""
        seen: set[str] = set()
        for text in texts:
            seen.update(text)
        return cls(sorted(seen), boundary=boundary)

    @classmethod
    def union(cls, *tokenizers: "CharTokenizer") -> "CharTokenizer":
        """The tokenizer of all characters that any of `tokenizers` knows; with a boundary if any has one."""
        symbols = sorted({piece for tokenizer in tokenizers for piece in tokenizer._pieces if piece})
        return cls(symbols, boundary=any(tokenizer.boundary is not None for tokenizer in tokenizers))

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest dtype that holds every id."""
        return self._dtype

    @property
    def start(self) -> int:
        if self.boundary is not None:
            return self.boundary
        return self.vocabulary.id("\n") if "\n" in self.vocabulary else 0

    def encode(self, document: str) -> NDArray[np.integer[Any]]:
        points = code_points(document)
        ids = self._table[np.minimum(points, len(self._table) - 1)]
        if ids.size and int(ids.max()) == len(self._pieces):
            raise TokenizerError(self._unknown_message(document))
        return ids.astype(self._dtype)

    def unknown(self, text: str) -> list[str]:
        """The characters of `text` that are not in the vocabulary, each once, in order of appearance."""
        return [character for character in dict.fromkeys(text) if character not in self.vocabulary]

    def _unknown_message(self, text: str) -> str:
        unknown = self.unknown(text)
        shown = " ".join(f"{c!r} (U+{ord(c):04X})" for c in unknown[:_SHOWN])
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        return f"{len(unknown)} character{'s' * (len(unknown) > 1)} that the model never saw: {shown}{more}"

    def decode(self, ids: Sequence[int] | NDArray[np.integer[Any]]) -> str:
        return "".join(self._piece(int(id)) for id in ids)

    def _piece(self, id: int) -> str:
        if not 0 <= id < len(self._pieces):
            self.vocabulary.symbol(id)  # raises
        return self._pieces[id]

    def stream(self) -> "_CharStream":
        return _CharStream(self._piece)

    def join(self, pieces: Iterable[str]) -> str:
        return "".join(pieces)

    def to_dict(self) -> dict[str, Any]:
        symbols = "".join(self._pieces)
        return {"kind": "char", "symbols": symbols, "boundary": self.boundary is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises: CheckpointError: the values are not those of a character tokenizer."""
        symbols, boundary = values.get("symbols"), values.get("boundary")
        if not isinstance(symbols, str) or not isinstance(boundary, bool):
            raise CheckpointError("its character tokenizer lacks symbols or boundary: the file was not written by gen")
        try:
            return cls(symbols, boundary=boundary)
        except TokenizerError as error:
            raise CheckpointError(f"its tokenizer is broken: {error}") from error


class _CharStream:
    """Every id is a whole piece already."""

    def __init__(self, piece: Callable[[int], str]) -> None:
        self._piece = piece

    def feed(self, id: int) -> list[str]:
        piece = self._piece(id)
        return [piece] if piece else []

    def flush(self) -> list[str]:
        return []
