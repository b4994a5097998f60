"""What is seen of documents while somebody else reads them: their lines, and the repetition at their beginning."""

import bisect
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from gen.corpus.documents import Document
from gen.corpus.repetition import LONGEST, compressed_size, longest_repeat
from gen.tokenizers.char import code_points

_NAMED = 1 << 17  # documents whose names are kept
_QUOTED = 200  # characters of a repeated passage that are kept


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of all documents.

    Attributes:
        number: how many.
        median: characters that half of them do not exceed, without their ends.
        longest: characters of the longest.
    """

    number: int
    median: int
    longest: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands in a document.

    Attributes:
        document: its name.
        offset: characters before it.
        line: counted from 1.
    """

    document: str
    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Passage:
    """A stretch of text that stands at two places.

    Attributes:
        text: its first characters.
        length: all of them.
        places: where it begins.
    """

    text: str
    length: int
    places: tuple[Place, Place]


@dataclass(frozen=True, slots=True)
class Beginning:
    """The first documents, or the first part of one, up to `repetition.LONGEST` characters.

    Attributes:
        characters: how many.
        bytes: their size in UTF-8.
        compressed: bytes that xz makes of them.
        passage: the longest that occurs twice in them without overlap.
    """

    characters: int
    bytes: int
    compressed: int
    passage: Passage | None

    @property
    def bits_per_character(self) -> float:
        """What xz needs for one."""
        return 8 * self.compressed / self.characters if self.characters else 0.0


@dataclass(frozen=True, slots=True)
class _Watched:
    """A document that somebody else reads while `observer` looks on."""

    document: Document
    observer: "Observer"

    @property
    def name(self) -> str:
        return self.document.name

    def blocks(self) -> Iterator[str]:
        return self.observer.blocks(self.document)


class Observer:
    """What is seen while documents are read: lengths of lines, names, and how they begin."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._lines: Counter[int] = Counter()  # length -> lines of it; few lengths differ, however many lines there are
        self._held: list[str] = []
        self._size = 0
        self._starts: list[int] = []

    def watch(self, document: Document) -> Document:
        """The document, which is looked at when its blocks are read."""
        return _Watched(document, self)

    def blocks(self, document: Document) -> Iterator[str]:
        """The document's text, passed on."""
        line, empty = 0, True
        for block in filter(None, document.blocks()):
            if empty:
                self._begin(document)
            empty = False
            self._hold(block)
            first, *others = block.split("\n")
            line += len(first)
            if others:
                self._lines[line] += 1
                self._lines.update(map(len, others[:-1]))
                line = len(others[-1])
            yield block
        if line:
            self._lines[line] += 1

    def _begin(self, document: Document) -> None:
        if len(self.names) < _NAMED:
            self.names.append(document.name)
        if self._starts:
            self._hold("\n")  # a break, which no passage goes across
        if self._size < LONGEST:
            self._starts.append(self._size)

    def _hold(self, text: str) -> None:
        if self._size < LONGEST:
            self._held.append(text[: LONGEST - self._size])
            self._size += len(self._held[-1])

    def lines(self) -> Lines:
        """The lines read."""
        number = self._lines.total()
        if not number:
            return Lines(0, 0, 0)
        lengths = sorted(self._lines)
        up_to = np.cumsum([self._lines[length] for length in lengths])
        return Lines(number, lengths[int(np.searchsorted(up_to, number / 2))], lengths[-1])

    def beginning(self) -> Beginning:
        """The beginning, compressed and searched."""
        text = "".join(self._held)
        breaks = np.zeros(len(text), np.bool_)
        breaks[np.array(self._starts[1:], np.int64) - 1] = True
        repeat = longest_repeat(code_points(text), breaks)
        passage = None
        if repeat is not None:
            quoted = text[repeat.first : repeat.first + min(repeat.length, _QUOTED)]
            places = self._place(text, repeat.first), self._place(text, repeat.second)
            passage = Passage(quoted, repeat.length, places)
        size = len(text) - int(breaks.sum())
        return Beginning(size, len(text.encode()), compressed_size(text), passage)

    def _place(self, text: str, position: int) -> Place:
        number = bisect.bisect(self._starts, position) - 1
        start = self._starts[number]
        name = self.names[number] if number < len(self.names) else f"document {number + 1:,}"
        return Place(name, position - start, text.count("\n", start, position) + 1)
