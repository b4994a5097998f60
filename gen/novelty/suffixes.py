"""Where in a text a string stands: a suffix array of the reversed text.

Reversed, because what is asked is how much of the end of what has been written stands somewhere, and what follows it
there: both come from one binary search. A run within a document is found however long; none goes across documents.

Source: Manber and Myers 1993, "Suffix arrays: a new method for on-line string searches"; sorted by divsufsort.
"""

import mmap
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SEPARATOR = b"\xff"
"""The byte between documents, which UTF-8 never has."""
CHUNK = 1 << 27
"""Bytes that are sorted at a time, which takes five times as much memory."""
OVERLAP = 1 << 16
"""Bytes that two chunks share: a longer run that lies across a border is found in parts."""
_MANY = 256  # occurrences, from which on numpy looks at them together
_ROWS = 1 << 16  # of them at a time


class _Chunk(NamedTuple):
    """A part of the text, reversed, and the order of its suffixes."""

    end: int  # of the part, in the whole text
    text: bytes | mmap.mmap
    order: Sequence[int]

    def longest(self, wanted: bytes) -> int:
        """Bytes of the longest beginning of `wanted`, which is reversed, that the part has."""
        at = self._place(bisect_left, wanted)
        beside = self.order[max(at - 1, 0) : at + 1]
        return max((_shared(wanted, self.text[begin : begin + len(wanted)]) for begin in beside), default=0)

    def places(self, wanted: bytes) -> Sequence[int]:
        """Where in the part it is."""
        return self.order[self._place(bisect_left, wanted) : self._place(bisect_right, wanted)]

    def first(self, wanted: bytes) -> int | None:
        """Where it begins in the whole text for the first time, if the part has it."""
        places = self.places(wanted)
        return self.end - int(np.array(places).max()) - len(wanted) if len(places) else None

    def followers(self, wanted: bytes, length: int) -> set[bytes]:
        """What stands before `wanted`, up to `length` bytes of it, reversed again, wherever that is."""
        places = self.places(wanted)
        if len(places) < _MANY:
            return {self.text[max(at - length, 0) : at][::-1] for at in places}
        text = np.frombuffer(self.text, np.uint8)
        found: set[bytes] = set()
        for first in range(0, len(places), _ROWS):
            ends = np.array(places[first : first + _ROWS])[:, None] - np.arange(1, length + 1)
            rows = np.where(ends >= 0, text[ends], SEPARATOR[0])
            found.update(row.tobytes() for row in np.unique(rows, axis=0))
        return found

    def _place(self, search: Callable[..., int], wanted: bytes) -> int:
        text, size = self.text, len(wanted)
        return search(self.order, wanted, key=lambda at: text[at : at + size])


class SuffixIndex:
    """What stands where in the documents of a corpus.

    The index of n bytes takes 5 n on disk, of which a search reads a few pages.

    Args:
        chunks: parts of the text.
    """

    def __init__(self, chunks: Sequence[_Chunk]) -> None:
        self._chunks = chunks

    @classmethod
    def of(cls, documents: Iterable[bytes], chunk: int = CHUNK, overlap: int = OVERLAP) -> "SuffixIndex":
        """The index of documents, none of which has a `SEPARATOR`, in memory."""
        parts = _parts(documents, chunk, overlap)
        return cls([_Chunk(end, text.tobytes(), _numbers(_order(text))) for end, text in parts])

    @classmethod
    def open(cls, folder: Path) -> "SuffixIndex":
        """The index that was written to a folder; its files are mapped into memory.

        Raises:
            OSError: they cannot be read.
            ValueError: they are damaged.
        """
        chunks = []
        for path in sorted(folder.glob("*.text")):
            order = np.memmap(path.with_suffix(".order"), np.int32, "r")
            with path.open("rb") as file:
                text = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            if len(order) != len(text):
                raise ValueError(f"{path.name} and its order differ in length")
            chunks.append(_Chunk(int(path.stem), text, _numbers(order)))
        return cls(chunks)

    @staticmethod
    def writing(folder: Path, documents: Iterable[bytes], chunk: int = CHUNK, overlap: int = OVERLAP) -> Iterator[int]:
        """Write the index of documents into a folder, chunk by chunk.

        Yields:
            How many bytes are done.

        Raises:
            OSError: the disk refused.
        """
        for end, text in _parts(documents, chunk, overlap):
            text.tofile(folder / f"{end:015}.text")
            _order(text).tofile(folder / f"{end:015}.order")
            yield end

    def has(self, data: bytes) -> bool:
        """Whether a document has it."""
        return self.longest_suffix(data) == len(data)

    def longest_suffix(self, tail: bytes) -> int:
        """Bytes of the longest end of `tail` that a document has."""
        wanted = tail[::-1].partition(SEPARATOR)[0]
        return max((chunk.longest(wanted) for chunk in self._chunks), default=0)

    def first(self, data: bytes) -> int | None:
        """Where it begins for the first time; None where no document has it.

        That is a byte of all documents, one behind the other with a `SEPARATOR` after each.
        """
        found = (chunk.first(data[::-1]) for chunk in self._chunks)
        return next((place for place in found if place is not None), None)

    def read(self, start: int, stop: int) -> bytes:
        """The text itself, from byte `start` to `stop`."""
        found = b""
        for chunk in self._chunks:
            begin = max(start + len(found), chunk.end - len(chunk.text))
            if begin == start + len(found) and begin < min(stop, chunk.end):
                found += chunk.text[max(chunk.end - stop, 0) : chunk.end - begin][::-1]
        return found

    def count(self, run: bytes) -> int:
        """How often `run` occurs; in the part that two chunks share, twice."""
        wanted = run[::-1]
        return sum(len(chunk.places(wanted)) for chunk in self._chunks)

    def followers(self, run: bytes, length: int) -> set[bytes]:
        """What follows `run` in a document, up to `length` bytes of it and 1 at least, wherever it occurs."""
        wanted = run[::-1]
        found = {it.partition(SEPARATOR)[0] for chunk in self._chunks for it in chunk.followers(wanted, length)}
        return found - {b""}


def _parts(documents: Iterable[bytes], chunk: int, overlap: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Parts of all documents with a separator after each, reversed, each with its end in the whole."""
    held, end = bytearray(), 0
    for document in documents:
        held += document
        held += SEPARATOR
        while len(held) >= chunk:
            end += chunk if not end else chunk - overlap
            yield end, np.frombuffer(held[:chunk], np.uint8)[::-1].copy()
            del held[: chunk - overlap]
    if len(held) > (overlap if end else 0):
        yield end + len(held) - (overlap if end else 0), np.frombuffer(held, np.uint8)[::-1].copy()


def _order(text: NDArray[np.uint8]) -> NDArray[np.int32]:
    """The places of its suffixes, in their order."""
    from pydivsufsort import divsufsort

    order: NDArray[np.int32] = divsufsort(text)
    return order


def _numbers(order: NDArray[np.int32]) -> Sequence[int]:
    """The same as Python's integers, which a search compares sooner."""
    return order.view(np.uint8).data.cast("i")


def _shared(one: bytes, other: bytes) -> int:
    """Bytes that both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if one[low:middle] == other[low:middle] else (low, middle - 1)
    return low
