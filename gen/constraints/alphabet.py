"""Characters, and classes of those that no constraint tells apart.

What a leaf of a regular expression matches (a character, a class, a dot) is asked of Python's `re` itself, once for all
characters: so it means here what it means there, whatever the flags and the version of Unicode.
"""

import _sre  # type: ignore[import-not-found]
import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from re import _compiler, _constants, _parser  # type: ignore[attr-defined]
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

_REMEMBERED = 1_000  # leaves

Spans = tuple[tuple[int, int], ...]
"""Positions [begin, end) of characters, in order."""


class Leaf(NamedTuple):
    """A part of a regular expression that matches one character.

    Attributes:
        op: its kind, as the parser calls it.
        argument: of its kind.
        flags: of `re`, in force there.
    """

    op: Any
    argument: Any
    flags: int

    @classmethod
    def of(cls, character: str) -> "Leaf":
        """That of one character."""
        return cls(_constants.LITERAL, ord(character), 0)


class Universe:
    """All characters that could be written.

    Args:
        characters: in code point order, each once; None takes all of Unicode.
    """

    def __init__(self, characters: str | None = None) -> None:
        self.complete = characters is None
        self.characters = _unicode() if characters is None else characters

    @cached_property
    def points(self) -> NDArray[np.uint32]:
        """The code points."""
        return np.frombuffer(self.characters.encode("utf-32-le", "surrogatepass"), "<u4")

    def positions(self, text: str) -> NDArray[np.int64]:
        """Where the characters of a text are; of those that are not there, -1."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), "<u4").astype(np.int64)
        if self.complete:
            return points
        found = np.minimum(self.points.searchsorted(points), len(self.points) - 1)
        return np.where(self.points[found] == points, found, -1)

    def spans(self, leaf: Leaf) -> Spans:
        """What a leaf matches."""
        if leaf.op is _constants.LITERAL:
            alike = _alike(leaf) if leaf.flags & re.IGNORECASE else chr(leaf.argument)
            return tuple((at, at + 1) for at in sorted(self.positions(alike).tolist()) if at >= 0)
        return _unicode_spans(leaf) if self.complete else _spans(leaf, self.characters)


class Alphabet:
    """Classes of characters that the same leaves match.

    Args:
        universe: the characters.
        leaves: what tells them apart.

    Attributes:
        size: K, the number of classes.
    """

    def __init__(self, universe: Universe, leaves: Sequence[Leaf]) -> None:
        spans = [universe.spans(leaf) for leaf in leaves]
        ends = {0, *(end for its in spans for pair in its for end in pair)} - {len(universe.characters)}
        self._starts = np.array(sorted(ends), np.int64)
        matches = np.zeros((len(leaves), len(self._starts)), np.bool_)
        for row, its in zip(matches, spans, strict=True):
            for begin, end in np.searchsorted(self._starts, np.array(its, np.int64).reshape(-1, 2)):
                row[begin:end] = True
        distinct, classes = np.unique(np.packbits(matches, 0), axis=1, return_inverse=True)
        self._classes = classes.reshape(-1).astype(np.int32)
        self.size = distinct.shape[1]
        self._universe = universe
        unpacked = np.unpackbits(distinct, 0, count=len(leaves)).astype(np.bool_)
        self._matches: Mapping[Leaf, NDArray[np.bool_]] = dict(zip(leaves, unpacked, strict=True))

    def matched(self, leaf: Leaf) -> NDArray[np.bool_]:
        """Which classes a leaf matches, (K,)."""
        return self._matches[leaf]

    def classes(self, text: str) -> list[int]:
        """Those of the characters of a text; of one that is not there, -1."""
        positions = self._universe.positions(text)
        found = self._classes[self._starts.searchsorted(positions, "right") - 1]
        return np.where(positions < 0, -1, found).tolist()  # type: ignore[no-any-return]

    def all_classes(self) -> NDArray[np.int32]:
        """Those of all characters, in order."""
        lengths = np.diff(self._starts, append=len(self._universe.characters))
        return np.repeat(self._classes, lengths)


@cache
def _unicode() -> str:
    return np.arange(0x110000, dtype="<u4").tobytes().decode("utf-32-le", "surrogatepass")


@cache
def _cased() -> str:
    return "".join(map(chr, filter(_sre.unicode_iscased, range(0x110000))))


@lru_cache(_REMEMBERED)
def _alike(leaf: Leaf) -> str:
    """The characters that a literal matches whatever their case."""
    if not _sre.unicode_iscased(leaf.argument):
        return chr(leaf.argument)
    return "".join(_cased()[begin:end] for begin, end in _spans(leaf, _cased()))


@lru_cache(_REMEMBERED)
def _unicode_spans(leaf: Leaf) -> Spans:
    return _spans(leaf, _unicode())


def _spans(leaf: Leaf, characters: str) -> Spans:
    state = _parser.State()
    state.flags = leaf.flags
    one = _parser.SubPattern(state, [(leaf.op, _thawed(leaf.argument))])
    many = _parser.SubPattern(state, [(_constants.MAX_REPEAT, (1, _constants.MAXREPEAT, one))])
    return tuple(found.span() for found in _compiler.compile(many).finditer(characters))


def frozen(argument: Any) -> Any:
    """An argument of the parser's as a value that can be a key."""
    return tuple(map(frozen, argument)) if isinstance(argument, list | tuple) else argument


def _thawed(argument: Any) -> Any:
    return list(argument) if isinstance(argument, tuple) else argument
