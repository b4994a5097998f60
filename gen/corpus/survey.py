"""One pass over documents: what a corpus holds, character by character, and a checksum that changes with it."""

import hashlib
import unicodedata
from array import array
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen.corpus.documents import Document
from gen.corpus.units import Unit, pieces, units
from gen.progress import result_of
from gen.tokenizers.char import code_points

SAMPLE = 8 << 20
"""Characters of the sample at most."""
_PIECE = 1 << 16  # characters after which the next line end ends a piece of the sample
_COUNTED = 1 << 17  # characters at a time: counts and characters stay in the processor's cache
_TEXT_CONTROLS = "\t\n\r\f"
_LISTED = 6


class Fingerprint:
    """Identifies documents by their text and order, while somebody reads them.

    Attributes:
        lengths: characters of each document that has ended.
        hashes: the first 64 bits of the SHA-256 of each.
    """

    def __init__(self) -> None:
        self.lengths = array("q")
        self.hashes = array("Q")
        self._total = hashlib.sha256()
        self._document = hashlib.sha256()
        self._length = 0

    def add(self, unit: Unit) -> str:
        """Take note of what comes next; returns the checksum of all so far."""
        for number, (text, data) in enumerate(zip(unit.texts, unit.data, strict=True)):
            if number or unit.begins:
                self.end()
            self._document.update(data)
            self._length += len(text)
        return self.checksum

    def end(self) -> None:
        """The document that is being read, if there is one, ends here."""
        if self._length:
            seal = self._seal()
            self._total.update(seal)
            self.lengths.append(self._length)
            self.hashes.append(int.from_bytes(seal[:8], "big"))
            self._document, self._length = hashlib.sha256(), 0

    def _seal(self) -> bytes:
        return self._document.digest() + self._length.to_bytes(8, "little")

    @property
    def checksum(self) -> str:
        """SHA-256 over the SHA-256 and length of each document, as if the last ended here; in hexadecimal."""
        total = self._total.copy()
        if self._length:
            total.update(self._seal())
        return total.hexdigest()


class Sample:
    """Some of a text, evenly spread over it, cut at line ends: all of it while it is short, then every k-th piece."""

    def __init__(self) -> None:
        self._kept: list[str] = []
        self._size = 0
        self._every = 1
        self._met = 0

    def add(self, unit: Unit) -> None:
        """Keep what is due of it."""
        for text in unit.texts:
            for piece in pieces(text, _PIECE) if len(text) > _PIECE else (text,):
                if self._met % self._every == 0:
                    self._kept.append(piece)
                    self._size += len(piece)
                    while self._size > SAMPLE and len(self._kept) > 1:
                        self._kept = self._kept[::2]
                        self._size = sum(map(len, self._kept))
                        self._every *= 2
                self._met += 1

    def texts(self) -> tuple[str, ...]:
        """What was kept, in order."""
        return tuple(self._kept)


@dataclass(frozen=True, slots=True, eq=False)
class Survey:
    """What is in a corpus.

    Attributes:
        checksum: of all documents' text, in order.
        counts: how often each code point occurs, from 0 to the highest that does.
        lengths: characters of each document, int64 (n,).
        hashes: of each document's text, uint64 (n,).
        sample: some of the text, `SAMPLE` characters at most, evenly spread over it and cut at line ends.
    """

    checksum: str
    counts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    hashes: NDArray[np.uint64]
    sample: tuple[str, ...]

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
    return result_of(surveying(documents))


def surveying(documents: Iterable[Document]) -> Generator[int, None, Survey]:
    """`survey`, as a generator that yields how many bytes (of UTF-8) it has read."""
    fingerprint, sample = Fingerprint(), Sample()
    counts = np.zeros(0, np.int64)
    done = 0
    hashed: Future[str] | None = None
    with ThreadPoolExecutor(1) as pool:  # hashing leaves the interpreter to others
        for unit in units(documents):
            if hashed is not None:
                hashed.result()
            hashed = pool.submit(fingerprint.add, unit)
            counts = _added(counts, unit)
            sample.add(unit)
            done += unit.bytes
            yield done
        if hashed is not None:
            hashed.result()
    fingerprint.end()
    return Survey(
        checksum=fingerprint.checksum,
        counts=counts,
        lengths=np.frombuffer(fingerprint.lengths, np.int64),
        hashes=np.frombuffer(fingerprint.hashes, np.uint64),
        sample=sample.texts(),
    )


def _added(counts: NDArray[np.int64], unit: Unit) -> NDArray[np.int64]:
    """The counts with those of the characters of a unit added."""
    data = b"".join(unit.data)
    if data.isascii():
        return _sum(counts, _ascii_counts(data))
    points = code_points("".join(unit.texts))
    for start in range(0, len(points), _COUNTED):
        counts = _sum(counts, np.bincount(points[start : start + _COUNTED]))
    return counts


def _ascii_counts(data: bytes) -> NDArray[np.int64]:
    """How often each byte of ASCII occurs, counted two at a time: that takes half as long."""
    pairs = np.bincount(np.frombuffer(data, "<u2", len(data) // 2), minlength=1 << 15).reshape(128, 256)
    counts = pairs.sum(0)[:128] + pairs.sum(1)
    if len(data) % 2:
        counts[data[-1]] += 1
    return np.trim_zeros(counts, "b")


def _sum(counts: NDArray[np.int64], more: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sum of two, the shorter of which has zeros where it ends."""
    longer, shorter = (counts, more) if len(counts) > len(more) else (more, counts)
    longer[: len(shorter)] += shorter
    return longer
