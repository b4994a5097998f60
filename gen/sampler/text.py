"""Text from a model: characters as they come."""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gen.config import Medium, SamplingConfig, require
from gen.decoding import TokenStream, sample_streams
from gen.sampler.base import Sampler
from gen.tokenizers import CharTokenizer

DEFAULT_CHARACTERS = 500


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
class _Bounds:
    """What ends a text."""

    characters: int
    tokens: int
    stops: tuple[str, ...]
    ignore_end: bool


@dataclass(frozen=True, slots=True)
class _Origin:
    """What reproduces a text."""

    prompt: str
    seed: int
    stream: int


class TextStream(Iterator[str]):
    """Pieces of text as they come.

    Attributes:
        prompt: what it goes on from.
        seed: with `stream`, what reproduces it.
        stream: which of the streams under that seed.
        tokens: ids drawn so far.
        finish: None while pieces come; then as in `Sample`.
    """

    def __init__(self, ids: TokenStream, tokenizer: CharTokenizer, bounds: "_Bounds", origin: "_Origin") -> None:
        self.prompt = origin.prompt
        self.seed = origin.seed
        self.stream = origin.stream
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


class TextSampler(Sampler):
    """A model ready to write text.

    Args:
        checkpoint: the model.

    Raises:
        ConfigError: it is not a model of text.
    """

    medium: Medium = "text"

    @property
    def tokenizer(self) -> CharTokenizer:
        """Of the model."""
        tokenizer = self.checkpoint.tokenizer
        assert isinstance(tokenizer, CharTokenizer)
        return tokenizer

    def stream(
        self,
        prompt: str = "",
        *,
        n: int | None = DEFAULT_CHARACTERS,
        max_tokens: int | None = None,
        config: SamplingConfig | None = None,
        seed: int | None = None,
        stream: int = 0,
        stop: Sequence[str] = (),
        ignore_end: bool = False,
    ) -> TextStream:
        """Write on from `prompt`, piece by piece.

        Args:
            prompt: text to go on from; it is not part of the result.
            n: characters to write; None for no bound.
            max_tokens: ids to draw; None for no bound.
            config: temperature and filters.
            seed: of the draws; None takes a fresh one, to be read from the result.
            stream: which of the streams under `seed`.
            stop: strings that end the text, themselves left out.
            ignore_end: go on where the model ends a document.

        Raises:
            ConfigError: a value is out of range.
            TokenizerError: the prompt has characters that the model never saw.
        """
        return self.streams(
            prompt, streams=(stream,), n=n, max_tokens=max_tokens, config=config, seed=seed, stop=stop,
            ignore_end=ignore_end,
        )[0]  # fmt: skip

    def streams(
        self,
        prompt: str = "",
        *,
        streams: Sequence[int],
        n: int | None = DEFAULT_CHARACTERS,
        max_tokens: int | None = None,
        config: SamplingConfig | None = None,
        seed: int | None = None,
        stop: Sequence[str] = (),
        ignore_end: bool = False,
    ) -> list[TextStream]:
        """Several streams of one seed, drawn together where the engine can: sooner, and each as it is alone.

        They may be taken in any order; what one of them asks for is drawn for all that have not ended. They belong to
        one thread at a time.

        Args:
            prompt: as in `stream`, and so the others.
            streams: which of the streams under `seed`.
            n: characters to write, of each.
            max_tokens: ids to draw, of each.
            config: temperature and filters.
            seed: of the draws; None takes a fresh one for all.
            stop: strings that end a text.
            ignore_end: go on where the model ends a document.

        Raises:
            ConfigError: a value is out of range.
            TokenizerError: the prompt has characters that the model never saw.
        """
        for name, value in (("n", n), ("max_tokens", max_tokens)):
            require(value is None or value >= 1, name, value, "1 or more")
        origins, draws = [], []
        for stream in streams:
            seed, its_draws = self._draws(seed, stream)
            origins.append(_Origin(prompt, seed, stream))
            draws.append(its_draws)
        start = [] if prompt and self.tokenizer.boundary is None else [self.tokenizer.start]
        ids = [*start, *self.tokenizer.encode(prompt).tolist()]
        drawn = sample_streams(self._engine, [ids] * len(draws), config=config or SamplingConfig(), draws=draws)
        bounds = _Bounds(n or sys.maxsize, max_tokens or sys.maxsize, tuple(filter(None, stop)), ignore_end)
        return [TextStream(its, self.tokenizer, bounds, origin) for its, origin in zip(drawn, origins, strict=True)]

    def sample(self, prompt: str = "", **settings: object) -> Sample:
        """Write on from `prompt` and return the whole; the arguments are those of `stream`."""
        pieces = self.stream(prompt, **settings)  # type: ignore[arg-type]
        text = "".join(pieces)
        assert pieces.finish is not None
        return Sample(text, prompt, pieces.seed, pieces.stream, pieces.tokens, pieces.finish)
