"""A corpus cut into units of about a million characters: what is counted, hashed and turned into ids together.

Where a unit ends follows from the text alone, not from how it was read. So units can be worked on in any order and by
several processes, and work that was broken off goes on at one.
"""

from collections.abc import Iterable, Iterator, Sequence

from gen.corpus.documents import Document

UNIT = 1 << 20
"""Characters after which the next end of a line, or of a document, ends one."""
LONGEST = 4
"""Times as many characters end it anyhow."""


class Unit:
    """Some text of a corpus: documents, the first and the last of which may be parts of one.

    Args:
        documents: which.
        texts: of each, none empty.
        begins: whether the first text begins its document.

    Attributes:
        data: the texts in UTF-8.
    """

    __slots__ = ("begins", "data", "documents", "texts")

    def __init__(self, documents: Sequence[Document], texts: Sequence[str], begins: bool) -> None:
        self.documents = documents
        self.texts = texts
        self.begins = begins
        self.data = [text.encode() for text in texts]

    @property
    def bytes(self) -> int:
        """Size of its text in UTF-8."""
        return sum(map(len, self.data))


def units(documents: Iterable[Document], size: int | None = None) -> Iterator[Unit]:
    """All text of some documents, in order. Empty documents are dropped.

    Args:
        documents: read once.
        size: characters after which the next end of a line, or of a document, ends a unit; None takes `UNIT`.
    """
    size = size or UNIT
    held: list[Document] = []
    texts: list[str] = []
    begins = True  # the first text of the unit begins its document
    length = 0  # characters of the unit
    for document in documents:
        pieces: list[str] = []
        first = True  # nothing of this document is in an earlier unit
        for block in document.blocks():
            start = 0
            while start < len(block):
                end, ended = _end(block, start, size - length, LONGEST * size - length)
                pieces.append(block[start:end])
                length += end - start
                start = end
                if ended:
                    yield Unit([*held, document], [*texts, "".join(pieces)], begins if texts else first)
                    held, texts, pieces, length, first = [], [], [], 0, False
        if pieces:
            begins = begins if texts else first
            held.append(document)
            texts.append("".join(pieces))
            if length >= size:
                yield Unit(held, texts, begins)
                held, texts, length = [], [], 0
    if texts:
        yield Unit(held, texts, begins)


def pieces(text: str, size: int) -> Iterator[str]:
    """A text cut in the same way: after the first end of a line that leaves a piece `size` characters or more."""
    start = 0
    while start < len(text):
        end, _ = _end(text, start, size, LONGEST * size)
        yield text[start:end]
        start = end


def _end(text: str, start: int, room: int, most: int) -> tuple[int, bool]:
    """Where what goes on at `start` ends, and whether it does so because it is long enough.

    That is behind the first end of a line that leaves it `room` characters or more, or behind `most` characters.
    """
    line_end = text.find("\n", start + max(0, room - 1), start + most)
    if line_end >= 0:
        return line_end + 1, True
    end = min(start + most, len(text))
    return end, end - start == most
