"""What ids write, in classes of characters: those that write the same are a group, and a trie holds the groups."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen.constraints.alphabet import Alphabet
from gen.constraints.utf8 import FIRST

Numbers = NDArray[np.int32]


class Pieces:
    """What each id writes, whatever the constraints.

    Args:
        pieces: the UTF-8 of each id, (V,).
        writable: the ids that may be drawn and write something, (V,).

    Attributes:
        texts: of the ids that write whole characters.
        ids: these, (W,).
        bytes: of the ids that write a byte of a character: this, less 0x80.
        fragments: these, (F,).
        writable: as given.
    """

    def __init__(self, pieces: Sequence[bytes], writable: NDArray[np.bool_]) -> None:
        self.writable = writable & np.array([len(piece) > 0 for piece in pieces])
        self.texts: list[str] = []
        ids, values, fragments = [], [], []
        for id, piece in enumerate(pieces):
            if len(piece) == 1 and piece[0] >= FIRST:
                fragments.append(id)
                values.append(piece[0] - FIRST)
            elif piece:
                self.texts.append(piece.decode())
                ids.append(id)
        self.ids = np.array(ids, np.int64)
        self.fragments = np.array(fragments, np.int64)
        self.bytes = np.array(values, np.int64)

    @property
    def characters(self) -> str | None:
        """Those that could be written, in order; None where all of Unicode can."""
        if self.writable[self.fragments].any():
            return None
        return "".join(sorted(set().union(*self.texts)))


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """The nodes of a trie at one depth.

    Attributes:
        begin: the first.
        end: behind the last.
        parents: of each.
        classes: that lead to each.
    """

    begin: int
    end: int
    parents: NDArray[np.int64]
    classes: Numbers


class Groups:
    """Ids by what they write, as a trie of classes of characters.

    Args:
        pieces: what ids write.
        alphabet: the classes.

    Attributes:
        size: V.
        of_id: the group of each id, (V,); the last group is of those that are not drawn.
        nodes: where in the trie the groups of whole characters end, (G,). The groups of single bytes follow them.
        lengths: characters of these groups, (G,).
        levels: of the trie, from that of the first character on.
        singles: the classes that can be written as one id, (K,).
        used: the classes that are written by any id of whole characters, (K,).
        bytes: of the groups of single bytes, less 0x80.
    """

    def __init__(self, pieces: Pieces, alphabet: Alphabet) -> None:
        size = len(pieces.writable)
        written = pieces.writable[pieces.ids]
        texts = [text for text, it in zip(pieces.texts, written.tolist(), strict=True) if it]
        classes = np.array(alphabet.classes("".join(texts)), np.int32)
        lengths = np.array([len(text) for text in texts], np.int64)
        ends = lengths.cumsum()
        by_classes: dict[bytes, int] = {}
        raw, width = classes.tobytes(), classes.itemsize
        spans = zip((ends - lengths).tolist(), ends.tolist(), strict=True)
        groups = [by_classes.setdefault(raw[begin * width : end * width], len(by_classes)) for begin, end in spans]
        rows = [np.frombuffer(it, np.int32) for it in by_classes]
        self.lengths = np.array([len(row) for row in rows], np.int64)
        self.levels, self.nodes = _trie(rows, self.lengths, alphabet.size)
        self.size = size
        fragments = pieces.writable[pieces.fragments]
        self.bytes = np.unique(pieces.bytes[fragments])
        none = len(rows) + len(self.bytes)
        self.of_id = np.full(size, none, np.int64)
        self.of_id[pieces.ids[written]] = groups
        self.of_id[pieces.fragments[fragments]] = len(rows) + np.searchsorted(self.bytes, pieces.bytes[fragments])
        self.singles = np.zeros(alphabet.size, np.bool_)
        self.singles[[int(row[0]) for row in rows if len(row) == 1]] = True
        self.used = np.zeros(alphabet.size, np.bool_)
        self.used[classes] = True

    @property
    def written(self) -> NDArray[np.bool_]:
        """The ids that write something, (V,)."""
        return self.of_id < len(self.nodes) + len(self.bytes)

    @property
    def longest(self) -> int:
        """Characters of an id, at most."""
        return len(self.levels)


def _trie(rows: list[Numbers], lengths: NDArray[np.int64], size: int) -> tuple[list[Level], NDArray[np.int64]]:
    """The levels of a trie of distinct rows, and the node that each ends at; node 0 is its root."""
    longest = int(lengths.max(initial=0))
    padded = np.full((len(rows), longest), -1, np.int32)
    for at, row in enumerate(rows):
        padded[at, : len(row)] = row
    nodes = np.zeros(len(rows), np.int64)
    levels = []
    begin = 1
    for depth in range(longest):
        here = np.flatnonzero(lengths > depth)
        keys, which = np.unique(nodes[here] * size + padded[here, depth], return_inverse=True)
        nodes[here] = begin + which
        levels.append(Level(begin, begin + len(keys), keys // size, (keys % size).astype(np.int32)))
        begin += len(keys)
    return levels, nodes
