"""One pass over documents: what a corpus holds, character by character, and a checksum that changes with it."""

import hashlib
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen.corpus.documents import Document
from gen.tokenizers.char import code_points

BATCH = 1 << 20  # characters that are worked on together
_COUNTED = 1 << 17  # of them at a time: counts and characters stay in the processor's cache
_TEXT_CONTROLS = "\t\n\r\f"
_LISTED = 6


class Fingerprint:
    """Identifies documents by their text and order, while somebody reads them.

    Attributes:
        lengths: characters of each document.
        hashes: the first 64 bits of the SHA-256 of each.
    """

    def __init__(self) -> None:
        self.lengths = array("q")
        self.hashes = array("Q")
        self._total = hashlib.sha256()

    def texts(self, documents: Iterable[Document]) -> Iterator[tuple[Document, str, bool]]:
        """All text, block by block: (document, block, whether it begins the document). Empty documents are dropped."""
        for document in documents:
            content = hashlib.sha256()
            length = 0
            for block in document.blocks():
                if block:
                    content.update(block.encode())
                    yield document, block, length == 0
                    length += len(block)
            if length:
                digest = content.digest()
                self._total.update(digest + length.to_bytes(8, "little"))
                self.lengths.append(length)
                self.hashes.append(int.from_bytes(digest[:8], "big"))

    @property
    def checksum(self) -> str:
        """SHA-256 over the SHA-256 and length of each document so far, in hexadecimal."""
        return self._total.hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is in a corpus.

    Attributes:
        checksum: of all documents' text, in order.
        counts: how often each code point occurs, from 0 to the highest that does.
        lengths: characters of each document, int64 (n,).
        hashes: of each document's text, uint64 (n,).
    """

    checksum: str
    counts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    hashes: NDArray[np.uint64]

    @property
    def documents(self) -> int:
        """Documents that have any text."""
        return len(self.lengths)

    @property
    def characters(self) -> int:
        """Characters in all documents."""
        return int(self.counts.sum())

    @property
    def bytes(self) -> int:
        """Size of their text in UTF-8."""
        points = np.flatnonzero(self.counts)
        widths = 1 + np.searchsorted([0x80, 0x800, 0x10000], points, side="right")
        return int(widths @ self.counts[points])

    @property
    def symbols(self) -> dict[str, int]:
        """Each character that occurs, in code point order, and how often."""
        return {chr(point): int(self.counts[point]) for point in np.flatnonzero(self.counts)}

    def notices(self) -> tuple[str, ...]:
        """What is odd about its characters: control characters, which text seldom has on purpose."""
        controls = {
            symbol: count
            for symbol, count in self.symbols.items()
            if unicodedata.category(symbol) == "Cc" and symbol not in _TEXT_CONTROLS
        }
        if not controls:
            return ()
        listed = [f"{count:,} x U+{ord(symbol):04X}" for symbol, count in list(controls.items())[:_LISTED]]
        more = [f"{len(controls) - _LISTED} other kinds"] if len(controls) > _LISTED else []
        return (f"control characters in the text: {', '.join(listed + more)}",)


def survey(documents: Iterable[Document]) -> Survey:
    """Read all documents once. Memory grows by 16 bytes a document, not with their text."""
    fingerprint = Fingerprint()
    counts = np.zeros(0, np.int64)
    held: list[str] = []
    size = 0
    for _, text, _ in fingerprint.texts(documents):
        held.append(text)
        size += len(text)
        if size >= BATCH:
            counts = _added(counts, "".join(held))
            held, size = [], 0
    return Survey(
        checksum=fingerprint.checksum,
        counts=_added(counts, "".join(held)),
        lengths=np.frombuffer(fingerprint.lengths, np.int64),
        hashes=np.frombuffer(fingerprint.hashes, np.uint64),
    )


def _added(counts: NDArray[np.int64], text: str) -> NDArray[np.int64]:
    """The counts with those of the characters of `text` added."""
    points = code_points(text)
    for start in range(0, len(points), _COUNTED):
        more = np.bincount(points[start : start + _COUNTED])
        if len(more) > len(counts):
            more[: len(counts)] += counts
            counts = more
        else:
            counts[: len(more)] += more
    return counts
