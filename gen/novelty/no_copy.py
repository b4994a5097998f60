"""Text that copies no long run of what the model learned: a constraint on ids.

A run of N characters is impossible when no id may be written whose bytes, behind those that are there, complete N
characters that stand somewhere in the training text. Most texts copy little, so ids are drawn in blocks, as if nothing
held them, up to where so much matches that an id may complete a run: that one is chosen among those that complete none.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gen.config import require
from gen.tokenizers import TextTokenizer

SHORTEST = 4
"""Characters of the shortest run that can be made impossible: below, hardly a word could be written."""
_WIDEST = 4  # bytes of a character in UTF-8


class Runs(Protocol):
    """What is known of the training text, as `SuffixIndex` knows it."""

    def longest_suffix(self, tail: bytes) -> int:
        """Bytes of the longest end of `tail` that occurs in the text."""

    def count(self, run: bytes) -> int:
        """How often `run` occurs."""

    def followers(self, run: bytes, length: int) -> set[bytes]:
        """What follows `run` in the text, up to `length` bytes of it, wherever it occurs."""


class Spelling:
    """The ids of a tokenizer by what they spell.

    Attributes:
        pieces: the bytes of each id.
        longest: characters of the longest id, at least 1.
    """

    def __init__(self, pieces: Sequence[bytes]) -> None:
        self.pieces = pieces
        self.longest = max(1, *(sum(byte & 0xC0 != 0x80 for byte in piece) for piece in pieces))
        self._ids = np.array(sorted(range(len(pieces)), key=pieces.__getitem__), np.int64)
        self._sorted = [pieces[id] for id in self._ids]
        self._starts: dict[tuple[int, bytes], set[bytes]] = {}

    def starts(self, characters: int, begun: bytes) -> set[bytes]:
        """The first characters, so many, of all ids that have them, where the first of these has `begun`."""
        found = self._starts.get((characters, begun))
        if found is None:
            ends = ((piece, _end_of(characters, begun, piece)) for piece in self.pieces if piece)
            found = self._starts[characters, begun] = {piece[:end] for piece, end in ends if end}
        return found

    def beginning_with(self, start: bytes) -> NDArray[np.int64]:
        """The ids whose bytes begin with `start`, which is not empty."""
        after = start[:-1] + bytes([start[-1] + 1])  # no UTF-8 has a byte of 255
        return self._ids[bisect_left(self._sorted, start) : bisect_left(self._sorted, after)]


@dataclass(frozen=True, eq=False)
class NoCopy:
    """What may be written without a run of `length` characters of the training text: a `Foreseen` constraint.

    Attributes:
        runs: of the training text.
        spelling: of the model's ids.
        length: characters that no run has, `SHORTEST` or more.
        tail: the last bytes that were read or written, as many as matter.
    """

    runs: Runs
    spelling: Spelling
    length: int
    tail: bytes = b""
    _copies: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    @classmethod
    def of(cls, runs: Runs, tokenizer: TextTokenizer, length: int) -> "NoCopy":
        """The constraint before anything was read.

        Raises:
            ConfigError: the length is below `SHORTEST`.
        """
        require(length >= SHORTEST, "no_copy", length, f"{SHORTEST} or more characters")
        return cls(runs, Spelling(tokenizer.pieces), length, _copies=_copying(runs, tokenizer.pieces, length))

    @property
    def free(self) -> int:
        """How many of the next ids may be any."""
        certain = (self.length - 1 - _count(self._match)) // self.spelling.longest
        return certain if certain > 0 else int(self.allowed.all())

    def kept(self, ids: Sequence[int]) -> int:
        """How many of these, from the first on, came where no id completes a run."""
        ends = np.array([len(self.tail), *(len(self.spelling.pieces[id]) for id in ids)]).cumsum().tolist()
        data = self.tail + b"".join([self.spelling.pieces[id] for id in ids])
        reached = 0
        for number, end in enumerate(ends[:-1]):
            if end < reached:
                continue
            tail = data[max(0, end - _WIDEST * self.length) : end]
            match = self._matching(tail)
            if _count(match) >= self._near and not self._at(tail).allowed.all():
                return number
            reached = end - len(match) + self._near  # what is near earlier begins before this match
        return len(ids)

    @property
    def _near(self) -> int:
        """Characters of a match, from which on an id may complete a run."""
        return self.length - self.spelling.longest

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,)."""
        mask = np.ones(len(self.spelling.pieces), np.bool_)
        mask[self._copies] = False
        for added in range(1, min(self.spelling.longest, self.length - 1) + 1):
            run = _last(self._match, self.length - added)
            if run is not None:
                mask[self._completing(run, added)] = False
        return mask

    def _completing(self, run: bytes, added: int) -> list[int]:
        """The ids whose first characters, so many, go on with a run of the text."""
        begun = run[_whole(run) :]
        starts = self.spelling.starts(added, begun)
        if len(starts) < self.runs.count(run):
            found = [start for start in starts if self.runs.longest_suffix(run + start) == len(run) + len(start)]
        else:
            ends = (
                (follower, _end_of(added, begun, follower)) for follower in self.runs.followers(run, _WIDEST * added)
            )
            found = [follower[:end] for follower, end in ends if end is not None]
        return [id for start in found for id in self.spelling.beginning_with(start)]

    def after(self, id: int) -> "NoCopy":
        """When `id` has come."""
        return self.after_all([id])

    def after_all(self, ids: Sequence[int]) -> "NoCopy":
        """When `ids` have come, or were read: what is written may not go on with a run of a prompt, either."""
        spelling, room = self.spelling, _WIDEST * self.length
        data = self.tail + b"".join([spelling.pieces[id] for id in ids[-room:]])
        return self._at(data[-self.length :] if data.isascii() else data[-room:])

    def _at(self, tail: bytes) -> "NoCopy":
        return NoCopy(self.runs, self.spelling, self.length, tail, self._copies)

    @cached_property
    def _match(self) -> bytes:
        """The longest end of what there is that the text has."""
        return self._matching(self.tail)

    def _matching(self, data: bytes) -> bytes:
        """The longest end of `data` that the text has, from the beginning of a character on."""
        match = data[len(data) - self.runs.longest_suffix(data) :]
        if match.isascii():
            return match
        return match[next((at for at, byte in enumerate(match) if byte & 0xC0 != 0x80), len(match)) :]


def _copying(runs: Runs, pieces: Sequence[bytes], length: int) -> NDArray[np.int64]:
    """The ids that are a run of so many characters by themselves."""
    found = []
    for id, piece in enumerate(pieces):
        if len(piece) >= length:
            text = piece.decode(errors="ignore")
            windows = (text[at : at + length].encode() for at in range(len(text) - length + 1))
            if any(runs.longest_suffix(window) == len(window) for window in windows):
                found.append(id)
    return np.array(found, np.int64)


def _width(lead: int) -> int:
    """Bytes of the character that a byte begins."""
    return 1 if lead < 0xC0 else 2 if lead < 0xE0 else 3 if lead < 0xF0 else 4


def _whole(data: bytes) -> int:
    """How many bytes its whole characters have: what is behind them is the beginning of one."""
    for at in range(len(data) - 1, max(len(data) - _WIDEST, 0) - 1, -1):
        if data[at] & 0xC0 != 0x80:
            return len(data) if at + _width(data[at]) <= len(data) else at
    return len(data)


def _count(data: bytes) -> int:
    """Whole characters of `data`, which begins with one."""
    return len(data) if data.isascii() else sum(byte & 0xC0 != 0x80 for byte in data[: _whole(data)])


def _last(data: bytes, count: int) -> bytes | None:
    """The end of `data` from its last `count` whole characters on; None where there are fewer."""
    at = _whole(data)
    for _ in range(count):
        at -= 1
        while at >= 0 and data[at] & 0xC0 == 0x80:
            at -= 1
        if at < 0:
            return None
    return data[at:]


def _end_of(count: int, begun: bytes, follower: bytes) -> int | None:
    """Where in `follower` so many characters are whole, the first of which has begun; None where that is beyond it."""
    data, at = begun + follower, 0
    for _ in range(count):
        if at >= len(data):
            return None
        at += _width(data[at])
    return at - len(begun) if at <= len(data) else None
