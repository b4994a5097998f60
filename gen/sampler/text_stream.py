"""A text as it comes: ids that become characters, and what ends it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gen.config import TextConstraints
from gen.sampler.stream_state import Given
from gen.tokenizers import TextTokenizer

_LONG = 4  # characters of a subword or word, about: so many fewer are drawn at a time


@dataclass(frozen=True, slots=True)
class Sample:
    """A finished sample.

    Attributes:
        text: what was written, without the prompt.
        prompt: what it goes on from.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn for it.
        finish: "length", "stop" (a stop string came), "end" (the model ended the document) or "complete" (it is whole,
            and nothing may follow that constraints allow).
    """

    text: str
    prompt: str
    seed: int
    stream: int
    tokens: int
    finish: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a text, and what it has to be."""

    characters: int
    tokens: int
    stops: tuple[str, ...]
    ignore_end: bool
    constraints: TextConstraints | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """What reproduces a text."""

    prompt: str
    seed: int
    stream: int
    given: Given | None = None


class IdSource(Protocol):
    """Ids of a stream or a beam."""

    def take(self, most: int, /) -> list[int]:
        """The next ids, 1 … `most`; none when they have ended."""

    def close(self) -> None:
        """No more are wanted."""


class TextStream(Iterator[str]):
    """Pieces of text as they come.

    Attributes:
        prompt: what it goes on from.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn so far.
        finish: None while pieces come; then as in `Sample`.
        given: what it was made of; None where that is more than a state can hold, as of a beam.
    """

    def __init__(self, ids: IdSource, tokenizer: TextTokenizer, bounds: Bounds, origin: Origin) -> None:
        self.prompt = origin.prompt
        self.seed = origin.seed
        self.stream = origin.stream
        self.given = origin.given
        self.tokens = 0
        self.finish: str | None = None
        self._ids = ids
        self._tokenizer = tokenizer
        self._decoder = tokenizer.stream()
        self._characters = _LONG if tokenizer.units.max() > 1 else 1  # of an id
        self._bounds = bounds
        self._left = bounds.characters
        self._held = ""  # it may be the beginning of a stop string
        self._begun = False
        self._end: str | None = None  # what `finish` will be

    def __next__(self) -> str:
        while self._end is None:
            wanted = (self._left - len(self._held)) // self._characters
            ids = self._ids.take(max(1, min(wanted, self._bounds.tokens - self.tokens)))
            if not ids:
                if self._bounds.constraints is None:
                    raise StopIteration
                piece = self._ended()
                if piece:
                    return piece
                break
            piece = self._piece(ids)
            if self._end is not None:
                self._close()
            if piece:
                return piece
        self.finish = self._end
        raise StopIteration

    def _close(self) -> None:
        """Draw no more."""
        self._ids.close()

    def _ended(self) -> str:
        """What was held, when constraints let no more ids come."""
        room = self._left > len(self._held) and self.tokens < self._bounds.tokens
        self._end, piece, self._held = "complete" if room else "length", self._held, ""
        self._left -= len(piece)
        return piece

    @property
    def position(self) -> int:
        """How many ids have come."""
        return self.tokens

    def skip(self, position: int) -> None:
        """Draw the ids up to a position, and leave out what they say."""
        while self._end is None and self.tokens < position:
            ids = self._ids.take(position - self.tokens)
            if not ids:  # they end before
                break
            self._piece(ids)
        if self._end is not None:
            self._close()

    def _piece(self, ids: list[int]) -> str:
        """What the next ids complete, and what they end: they come together, and count one by one."""
        if not self._bounds.ignore_end:
            ids = self._up_to_end(ids)
        texts = ["".join(self._decoder.feed(id)) for id in ids]
        whole = self._held + "".join(texts)
        if len(whole) < self._left and not any(stop in whole for stop in self._bounds.stops):
            return self._added("".join(texts), len(ids))
        end, self._end = self._end, None
        pieces = []
        for number, text in enumerate(texts, 1):
            if number == len(texts):
                self._end = end
            pieces.append(self._added(text, 1))
            if self._end is not None:
                break
        return "".join(pieces)

    def _added(self, text: str, tokens: int) -> str:
        """What can be said when a text has come, which so many ids stand for."""
        self.tokens += tokens
        text = self._held + text
        stops = self._bounds.stops
        end = stop_end(text, stops)
        if end is not None:
            self._end = "stop"
            text = without_stop(text[:end], stops)
        elif self._end is None and self.tokens == self._bounds.tokens:
            self._end = "length"
        kept = max((_overlap(text, stop) for stop in stops), default=0) if self._end is None else 0
        piece, self._held = text[: len(text) - kept], text[len(text) - kept :]
        piece = piece[: self._left]
        self._left -= len(piece)
        if not self._left:
            self._end = "length"
        return piece

    def _up_to_end(self, ids: list[int]) -> list[int]:
        """The ids up to the one that ends the document; what stands before a document ends none."""
        boundary = self._tokenizer.boundary
        start = 0
        if not self._begun:
            start = next((place for place, id in enumerate(ids) if id != boundary), len(ids))
            self._begun = start < len(ids)
        if boundary is None or boundary not in ids[start:]:
            return ids
        self._end = "end"
        return ids[: ids.index(boundary, start) + 1]


def stop_end(text: str, stops: Sequence[str]) -> int | None:
    """Where the first stop string to be complete ends; None where there is none."""
    return min((at + len(stop) for stop in stops if (at := text.find(stop)) >= 0), default=None)


def without_stop(text: str, stops: Sequence[str]) -> str:
    """A text that ends with a stop string, without the longest that it ends with."""
    return text[: len(text) - max(len(stop) for stop in stops if text.endswith(stop))]


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
