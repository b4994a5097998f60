"""What tokenizers share whose ids stand for bytes: a table of them, and a decoder that waits for whole characters."""

import codecs
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import Medium
from gen.errors import TokenizerError
from gen.tokenizers.base import Unit, Vocabulary

DOCUMENT = "<|document|>"
"""The symbol of the boundary between documents."""
MAX_SIZE = 100_000
"""Symbols of a vocabulary, at most: what fits into the header of a model's file."""


def utf8(text: str) -> bytes:
    """A text in UTF-8 (`TokenizerError`: it holds half of a surrogate pair, which UTF-8 has no place for)."""
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        found = f"U+{ord(text[error.start]):04X} at character {error.start:,}"
        raise TokenizerError(f"{found} is half of a surrogate pair: write U+FFFD in its place") from None


class PieceTokenizer:
    """A tokenizer each of whose ids stands for some bytes of UTF-8, whole characters or not.

    Bytes that are no UTF-8, as only a model puts them together, become U+FFFD; a character that lacks its last bytes at
    the end of all ids is left out.

    Args:
        vocabulary: its symbols.
        pieces: the bytes of each id; of a boundary, none.
        boundary: the id that stands before documents, where there are several.
    """

    medium: Medium = "text"
    unit: Unit = "character"
    unknown_ids: tuple[int, ...] = ()

    def __init__(self, vocabulary: Vocabulary, pieces: Sequence[bytes], boundary: int | None) -> None:
        self.vocabulary = vocabulary
        self.boundary = boundary
        self._pieces = pieces
        self.bytes: NDArray[np.float64] = np.array([len(piece) for piece in pieces], np.float64)
        self.units: NDArray[np.float64] = np.array([_characters(piece) for piece in pieces], np.float64)
        self._dtype = np.min_scalar_type(len(pieces) - 1)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest dtype that holds every id."""
        return self._dtype

    @property
    def start(self) -> int:
        return self.boundary if self.boundary is not None else self.vocabulary.id("\n")

    @property
    def pieces(self) -> Sequence[bytes]:
        """The UTF-8 that each id stands for."""
        return self._pieces

    def piece(self, id: int) -> bytes:
        """The UTF-8 that an id stands for (`TokenizerError` outside 0 … V-1)."""
        if not 0 <= id < len(self._pieces):
            self.vocabulary.symbol(id)  # raises
        return self._pieces[id]

    def decode(self, ids: Sequence[int] | NDArray[np.integer[Any]]) -> str:
        data = b"".join([self.piece(int(id)) for id in ids])
        return codecs.getincrementaldecoder("utf-8")("replace").decode(data)

    def stream(self) -> "_PieceStream":
        return _PieceStream(self)

    def join(self, pieces: Iterable[str]) -> str:
        return "".join(pieces)

    def unknown(self, text: str) -> list[str]:
        """What of `text` it has no ids for: nothing."""
        return []


class _PieceStream:
    """Bytes in, characters out, none before it is whole."""

    def __init__(self, tokenizer: PieceTokenizer) -> None:
        self._piece = tokenizer.piece
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def feed(self, id: int) -> list[str]:
        text = self._decoder.decode(self._piece(id))
        return [text] if text else []

    def flush(self) -> list[str]:
        return []


def _characters(piece: bytes) -> int:
    """Characters that begin in a piece: bytes that continue one begin none."""
    return sum(byte & 0xC0 != 0x80 for byte in piece)


def cut_by_ids(text: str, ids: NDArray[np.integer[Any]], units: NDArray[np.float64]) -> list[str]:
    """What of a text each of its ids stands for: characters where they begin; joined, they are the text."""
    ends = units[ids].cumsum().astype(np.int64).tolist()
    return [text[begin:end] for begin, end in zip([0, *ends[:-1]], ends, strict=True)] if ends else []
