"""Bytes as tokens: the 256 values of UTF-8's bytes. Lossless, and nothing is unknown."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.errors import CheckpointError
from gen.tokenizers.base import Vocabulary
from gen.tokenizers.pieces import DOCUMENT, PieceTokenizer, cut_by_ids, utf8

_BOUNDARY = 0xFF  # a byte that UTF-8 never has, so documents can be parted without a 257th id


class ByteTokenizer(PieceTokenizer):
    """One id for each byte of UTF-8: its value.

    Args:
        boundary: whether 255, which UTF-8 has no use for, is a document boundary.
    """

    spec = "byte"

    def __init__(self, *, boundary: bool = False) -> None:
        symbols = [byte_symbol(value) for value in range(_BOUNDARY)]
        pieces = [bytes([value]) for value in range(_BOUNDARY)]
        super().__init__(Vocabulary([*symbols, DOCUMENT]), [*pieces, b""], _BOUNDARY if boundary else None)

    def encode(self, document: str) -> NDArray[np.integer[Any]]:
        return np.frombuffer(utf8(document), np.uint8)

    def cut(self, text: str) -> list[str]:
        """What of `text` each of its ids stands for; a character stands with its first byte."""
        return cut_by_ids(text, self.encode(text), self.units)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "byte", "boundary": self.boundary is not None}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises: CheckpointError: the values are not those of a byte tokenizer."""
        boundary = values.get("boundary")
        if not isinstance(boundary, bool):
            raise CheckpointError("its byte tokenizer does not say whether it has a boundary: take another copy")
        return cls(boundary=boundary)


def byte_symbol(value: int) -> str:
    """How a byte is called: as the character that it is by itself, or "<0x80>" … "<0xFF>"."""
    return chr(value) if value < 0x80 else f"<0x{value:02X}>"
