"""What every tokenizer is: documents to ids, ids to pieces, and the laws between them.

decode(encode(document)) == document         on the tokenizer's domain
joined pieces of a stream == decode(ids)     for any ids
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gen.config import Medium
from gen.errors import TokenizerError

Unit = Literal["character", "note"]
"""What a document of the medium is measured in, whatever its tokens are."""

DocumentT = TypeVar("DocumentT")
PieceT = TypeVar("PieceT")


class Vocabulary:
    """Ordered symbols and their ids, 0 … V-1: a bijection that never changes.

    Raises:
        TokenizerError: a symbol occurs twice.
    """

    def __init__(self, symbols: Iterable[str]) -> None:
        self._symbols = tuple(symbols)
        self._ids = {symbol: index for index, symbol in enumerate(self._symbols)}
        if len(self._ids) != len(self._symbols):
            raise TokenizerError(f"vocabulary of {len(self._symbols)} symbols holds {len(self._ids)} different ones")

    def __len__(self) -> int:
        return len(self._symbols)

    def __iter__(self) -> Iterator[str]:
        return iter(self._symbols)

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._ids

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Vocabulary) and self._symbols == other._symbols

    def __hash__(self) -> int:
        return hash(self._symbols)

    def id(self, symbol: str) -> int:
        """The id of `symbol` (`TokenizerError` if there is none)."""
        try:
            return self._ids[symbol]
        except KeyError:
            raise TokenizerError(f"{symbol!r} is not among the {len(self)} symbols of the vocabulary") from None

    def symbol(self, id: int) -> str:
        """The symbol of `id` (`TokenizerError` outside 0 … V-1)."""
        if not 0 <= id < len(self._symbols):
            raise TokenizerError(f"id {id} is outside the vocabulary of {len(self)} symbols")
        return self._symbols[id]


class StreamDecoder(Protocol[PieceT]):
    """Ids in, pieces out, as soon as they are whole."""

    def feed(self, id: int) -> list[PieceT]:
        """Take one id; return the pieces that it completes."""

    def flush(self) -> list[PieceT]:
        """Return what is left when no id follows."""


class Tokenizer(Protocol[DocumentT, PieceT]):
    """Documents <-> ids. Immutable, safe to share between threads."""

    @property
    def medium(self) -> Medium:
        """What its documents are."""

    @property
    def unit(self) -> Unit:
        """What its documents are measured in."""

    @property
    def units(self) -> NDArray[np.float64]:
        """How many of these each id stands for, (V,); of unknown words, in the mean."""

    @property
    def vocabulary(self) -> Vocabulary:
        """Its symbols."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """The smallest dtype that holds every id."""

    @property
    def boundary(self) -> int | None:
        """The id that stands before each document, where a corpus has several; it decodes to nothing."""

    @property
    def start(self) -> int:
        """The id that a piece without a prompt is sampled after."""

    def encode(self, document: DocumentT) -> NDArray[np.integer[Any]]:
        """The ids of a document, without boundary (`TokenizerError`: it is outside the domain)."""

    def decode(self, ids: Sequence[int] | NDArray[np.integer[Any]]) -> DocumentT:
        """The document that ids in 0 … V-1 stand for."""

    def stream(self) -> StreamDecoder[PieceT]:
        """A decoder for ids that come one by one."""

    def join(self, pieces: Iterable[PieceT]) -> DocumentT:
        """The document that all pieces of a stream make."""

    def to_dict(self) -> dict[str, Any]:
        """All that `gen.tokenizers.from_dict` needs to make it again, as JSON values."""


class TextTokenizer(Tokenizer[str, str], Protocol):
    """Texts <-> ids. Cutting a text behind a line end changes nothing: encode(a) + encode(b) == encode(a + b) there."""

    @property
    def spec(self) -> str:
        """What its tokens are, as `--tokens` says it: "char", "byte", "subword:1000" and the like."""

    @property
    def pieces(self) -> Sequence[bytes]:
        """The UTF-8 that each id stands for."""

    @property
    def bytes(self) -> NDArray[np.float64]:
        """How many bytes of UTF-8 each id stands for, (V,); of unknown words, in the mean."""

    @property
    def unknown_ids(self) -> tuple[int, ...]:
        """The ids that stand for what it does not know; a sampler draws none of them."""

    def cut(self, text: str) -> list[str]:
        """What of `text` each of its ids stands for; joined, they are the text."""

    def unknown(self, text: str) -> list[str]:
        """What of `text` it has no ids for, each once, in order of appearance."""
