"""A text as it comes: ids that become characters, and what ends it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from gen.sampler.stream_state import Given
from gen.tokenizers import CharTokenizer


@dataclass(frozen=True, slots=True)
class Sample:
    """A finished sample.

    Attributes:
        text: what was written, without the prompt.
        prompt: what it goes on from.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn for it.
        finish: "length", "stop" (a stop string came) or "end" (the model ended the document).
    """

    text: str
    prompt: str
    seed: int
    stream: int
    tokens: int
    finish: str


@dataclass(frozen=True, slots=True)
class Bounds:
    """What ends a text."""

    characters: int
    tokens: int
    stops: tuple[str, ...]
    ignore_end: bool


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
        given: what it was made of; None of a beam.
    """

    def __init__(self, ids: IdSource, tokenizer: CharTokenizer, bounds: Bounds, origin: Origin) -> None:
        self.prompt = origin.prompt
        self.seed = origin.seed
        self.stream = origin.stream
        self.given = origin.given
        self.tokens = 0
        self.finish: str | None = None
        self._ids = ids
        self._tokenizer = tokenizer
        self._bounds = bounds
        self._left = bounds.characters
        self._held = ""  # it may be the beginning of a stop string
        self._begun = False
        self._end: str | None = None  # what `finish` will be

    def __next__(self) -> str:
        while self._end is None:
            most = min(self._left - len(self._held), self._bounds.tokens - self.tokens)
            ids = self._ids.take(max(most, 1))  # an id is one character at most, so none is drawn in vain
            if not ids:
                raise StopIteration
            piece = self._piece(ids)
            if self._end is not None:
                self._ids.close()
            if piece:
                return piece
        self.finish = self._end
        raise StopIteration

    @property
    def position(self) -> int:
        """How many ids have come."""
        return self.tokens

    def skip(self, position: int) -> None:
        """Draw the ids up to a position, and leave out what they say."""
        while self._end is None and self.tokens < position:
            self._piece(self._ids.take(position - self.tokens))
        if self._end is not None:
            self._ids.close()

    def _piece(self, ids: list[int]) -> str:
        """What the next ids complete, and what they end."""
        if not self._bounds.ignore_end:
            ids = self._up_to_end(ids)
        text = self._held + self._tokenizer.decode(ids)
        stops = self._bounds.stops
        found = [at + len(stop) for stop in stops if (at := text.find(stop)) >= 0]
        if found:  # the first to be complete ends it, however many ids came with it
            self._end = "stop"
            end = min(found)
            characters = self._tokenizer.units[ids].cumsum()
            ids = ids[: int(characters.searchsorted(end - len(self._held))) + 1]
            text = text[: end - max(len(stop) for stop in stops if text.endswith(stop, 0, end))]
        self.tokens += len(ids)
        if self._end is None and self.tokens == self._bounds.tokens:
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


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)
