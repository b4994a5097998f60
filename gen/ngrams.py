"""Which rows of a table stand for the n-grams that end at a token: one hash for torch, numpy and plain integers.

The state of a model carries the last N - 1 tokens as symbols: id + 1, and 0 where nothing was read yet.
"""

from collections.abc import Iterator, Sequence
from typing import Protocol, Self, TypeVar


class _Integers(Protocol):
    """A whole number, or an array or tensor of them."""

    def __add__(self, other: Self, /) -> Self: ...
    def __mul__(self, other: int, /) -> Self: ...
    def __mod__(self, other: int, /) -> Self: ...


IntegersT = TypeVar("IntegersT", bound=_Integers)

_PRIME = 2**31 - 1
_FACTOR = 1_140_671_485  # below 2**31, so that no product leaves 64 bits


def ngram_rows(symbols: Sequence[IntegersT], rows: int) -> Iterator[IntegersT]:
    """The rows of the 2-gram, the 3-gram … up to the N-gram that end at a token (hashing of Karp & Rabin 1987).

    Args:
        symbols: N of them, each a number or an array of the same shape: the token's, then its predecessors', newest
            first.
        rows: of the table; different n-grams may share one.
    """
    hashed = symbols[0]
    for symbol in symbols[1:]:
        hashed = (hashed * _FACTOR + symbol) % _PRIME
        yield hashed % rows
