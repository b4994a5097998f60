"""Text from a model: characters as they come."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gen.config import Medium, SamplingConfig, require
from gen.decoding.sampling import sample_tokens
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

    characters: int | None
    tokens: int | None
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

    def __init__(self, ids: Iterator[int], tokenizer: CharTokenizer, bounds: "_Bounds", origin: "_Origin") -> None:
        self.prompt = origin.prompt
        self.seed = origin.seed
        self.stream = origin.stream
        self.tokens = 0
        self.finish: str | None = None
        self._ids = ids
        self._tokenizer = tokenizer
        pieces = _until_stop(self, self._decoded(bounds), bounds.stops)
        self._pieces = _first_characters(self, pieces, bounds.characters)

    def __next__(self) -> str:
        return next(self._pieces)

    def _decoded(self, bounds: "_Bounds") -> Iterator[str]:
        """Pieces from ids, up to the end of the document or the bound on ids."""
        decoder = self._tokenizer.stream()
        written = False
        while bounds.tokens is None or self.tokens < bounds.tokens:
            token = next(self._ids)
            self.tokens += 1
            if token == self._tokenizer.boundary and written and not bounds.ignore_end:
                self.finish = "end"
                break
            for piece in decoder.feed(token):
                written = True
                yield piece
        yield from decoder.flush()
        self.finish = self.finish or "length"


def _until_stop(stream: TextStream, pieces: Iterator[str], stops: Sequence[str]) -> Iterator[str]:
    """The pieces up to the first stop string, which is left out. What may be the beginning of one is held back."""
    if not stops:
        yield from pieces
        return
    held = ""
    for piece in pieces:
        held += piece
        found = [at for stop in stops if (at := held.find(stop)) >= 0]
        if found:
            held = held[: min(found)]
            stream.finish = "stop"
            break
        keep = max(_overlap(held, stop) for stop in stops)
        if keep < len(held):
            yield held[: len(held) - keep]
            held = held[len(held) - keep :]
    if held:
        yield held


def _overlap(text: str, stop: str) -> int:
    """Length of the longest end of `text` that is a beginning of `stop`."""
    return next((n for n in range(min(len(text), len(stop) - 1), 0, -1) if text.endswith(stop[:n])), 0)


def _first_characters(stream: TextStream, pieces: Iterator[str], limit: int | None) -> Iterator[str]:
    left = limit
    for piece in pieces:
        if left is None:
            yield piece
            continue
        yield piece[:left]
        left -= len(piece)
        if left <= 0:
            stream.finish = "length"
            return


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
        for name, value in (("n", n), ("max_tokens", max_tokens)):
            require(value is None or value >= 1, name, value, "1 or more")
        seed, draws = self._draws(seed, stream)
        start = [] if prompt and self.tokenizer.boundary is None else [self.tokenizer.start]
        ids = sample_tokens(
            self._engine,
            [*start, *self.tokenizer.encode(prompt).tolist()],
            config=config or SamplingConfig(),
            draws=draws,
        )
        bounds = _Bounds(n, max_tokens, tuple(filter(None, stop)), ignore_end)
        return TextStream(ids, self.tokenizer, bounds, _Origin(prompt, seed, stream))

    def sample(self, prompt: str = "", **settings: object) -> Sample:
        """Write on from `prompt` and return the whole; the arguments are those of `stream`."""
        pieces = self.stream(prompt, **settings)  # type: ignore[arg-type]
        text = "".join(pieces)
        assert pieces.finish is not None
        return Sample(text, prompt, pieces.seed, pieces.stream, pieces.tokens, pieces.finish)
