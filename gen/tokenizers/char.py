"""Characters as tokens: one id for each Unicode code point that the corpus holds. Lossless."""

from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.errors import CheckpointError, TokenizerError
from gen.tokenizers.base import Vocabulary
from gen.tokenizers.pieces import DOCUMENT, PieceTokenizer

_SHOWN = 12  # unknown characters that an error lists
_TOGETHER = 1 << 16  # characters whose ids are looked up at a time: they stay in the processor's cache


def code_points(text: str) -> NDArray[np.uint32]:
    """The Unicode code points of a text (lone surrogates included)."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype="<u4")


class CharTokenizer(PieceTokenizer):
    """One id for each character, in code point order.

    Args:
        symbols: the characters, each once.
        boundary: whether id 0 is a document boundary, ahead of the characters.

    Raises:
        TokenizerError: a symbol is not one code point, is half of a surrogate pair, or occurs twice.
    """

    spec = "char"

    def __init__(self, symbols: Iterable[str], *, boundary: bool = False) -> None:
        characters = list(symbols)
        for symbol in characters:
            if len(symbol) != 1:
                raise TokenizerError(f"symbol {symbol!r} is {len(symbol)} code points; a character is one")
            if "\ud800" <= symbol <= "\udfff":  # UTF-8 has no place for it, and JSON would join two of them
                raise TokenizerError(f"symbol {symbol!r} is half of a surrogate pair: write U+FFFD in its place")
        if not characters:
            raise TokenizerError("a vocabulary needs at least one character; found none")
        symbols = [DOCUMENT, *characters] if boundary else characters  # every other symbol is one code point
        pieces = [b"", *(c.encode() for c in characters)] if boundary else [c.encode() for c in characters]
        super().__init__(Vocabulary(symbols), pieces, 0 if boundary else None)
        self._characters = characters
        points = code_points("".join(characters))
        unknown = self._unknown = len(symbols)
        self._table = np.full(int(points.max()) + 2, unknown, np.min_scalar_type(unknown))  # the last: beyond them all
        self._table[points] = np.arange(len(symbols) - len(points), len(symbols))
        # of ASCII, byte by byte, where ids are bytes, too, and one is left for what is unknown
        self._ascii = _ascii_table(self._table, unknown) if self._table.dtype == self._dtype == np.uint8 else None

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
        symbols = sorted({symbol for tokenizer in tokenizers for symbol in tokenizer._characters})
        return cls(symbols, boundary=any(tokenizer.boundary is not None for tokenizer in tokenizers))

    @property
    def start(self) -> int:
        if self.boundary is not None:
            return self.boundary
        return self.vocabulary.id("\n") if "\n" in self.vocabulary else 0

    def encode(self, document: str) -> NDArray[np.integer[Any]]:
        ids: NDArray[np.integer[Any]]
        if self._ascii is not None and document.isascii():
            ids = np.frombuffer(document.encode().translate(self._ascii), np.uint8)
        else:
            points = code_points(document)
            ids = np.empty_like(self._table, shape=len(points))
            for start in range(0, len(points), _TOGETHER):
                stop = start + _TOGETHER
                self._table.take(points[start:stop], mode="clip", out=ids[start:stop])
        if ids.size and int(ids.max()) == self._unknown:
            raise TokenizerError(self._unknown_message(document))
        return ids.astype(self._dtype, copy=False)

    def unknown(self, text: str) -> list[str]:
        """The characters of `text` that are not in the vocabulary, each once, in order of appearance."""
        return [character for character in dict.fromkeys(text) if character not in self.vocabulary]

    def _unknown_message(self, text: str) -> str:
        unknown = self.unknown(text)
        shown = " ".join(f"{c!r} (U+{ord(c):04X})" for c in unknown[:_SHOWN])
        more = f" and {len(unknown) - _SHOWN} more" if len(unknown) > _SHOWN else ""
        return f"{len(unknown)} character{'s' * (len(unknown) > 1)} that the model never saw: {shown}{more}"

    def cut(self, text: str) -> list[str]:
        """What of `text` each of its ids stands for."""
        return list(text)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "char", "symbols": "".join(self._characters), "boundary": self.boundary is not None}

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


def _ascii_table(table: NDArray[np.integer[Any]], unknown: int) -> bytes:
    """The id of each byte of ASCII, for `bytes.translate`."""
    ids = np.full(256, unknown, np.uint8)
    ids[: len(table[:128])] = table[:128]
    return ids.tobytes()
