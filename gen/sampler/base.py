"""What samplers of text and of music share: they are made from a checkpoint, and never change.

A sampler is safe to share between threads: what a stream remembers is in the stream. Every id takes one draw, keyed by
(seed, stream, position), so a seed gives the same pieces through every door, alone or beside others.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from gen.checkpoint import Checkpoint
from gen.config import Medium, SamplingConfig, require
from gen.engine import default_precision, engine_for
from gen.errors import ConfigError
from gen.random import MAX_SEED, Draws, fresh_seed
from gen.sampler.scoring import costs, ids_of
from gen.sampler.settings import config_for
from gen.sampler.stream_state import Resumable, StreamState, state_of, stream_from

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer, TextTokenizer


class Sampler(ABC):
    """A model ready to write. `Sampler.load` gives a `TextSampler` or a `MusicSampler`, as the model is.

    Args:
        checkpoint: the model.
        precision: of its weights, fp32 or int8; None takes int8 where the loss is known to stay the same, else fp32.

    Raises:
        ConfigError: it is a model of another medium, or this installation has no such precision.

    Example:
        >>> sampler = Sampler.load("model.safetensors")
        >>> type(sampler).__name__
        'TextSampler'
        >>> written = ""
        >>> for piece in sampler.stream("The ", seed=7, n=60):
        ...     written += piece
        >>> written == sampler.sample("The ", seed=7, n=60).text
        True
    """

    medium: Medium

    def __init__(self, checkpoint: Checkpoint, *, precision: str | None = None) -> None:
        found = checkpoint.tokenizer.medium
        if found != self.medium:
            raise ConfigError(f"this model writes {found}; {type(self).__name__} needs one that writes {self.medium}")
        self.checkpoint = checkpoint
        precision = precision or default_precision(checkpoint.provenance)
        self._engine = engine_for(checkpoint.model, checkpoint.weights, precision)

    @property
    @abstractmethod
    def tokenizer(self) -> "AnyTokenizer":
        """Of the model."""

    @abstractmethod
    def stream(self, *prompt: Any, **settings: Any) -> Iterator[Any]:
        """Write, piece by piece."""

    def config(self, **settings: Any) -> SamplingConfig:
        """Settings for `stream` and `sample`, with symbols for ids; what is not given is as the medium has it.

        Args:
            settings: those of `SamplingConfig`; `logit_bias` as a mapping of symbols to nats, `dry_sequence_breakers`
                as symbols, by default the end of a line, ':', '"' and '*' of a text, as far as the model has them.

        Raises:
            ConfigError: a value is out of range, or there is no such setting.
            TokenizerError: the model has no such symbol.

        Example:
            >>> config = text.config(temperature=0.6, dry_multiplier=0.8, logit_bias={"e": -math.inf})
            >>> "e" in text.sample(config=config, seed=1).text
            False
        """
        return config_for(self.tokenizer, settings)

    def state(self, stream: Resumable) -> StreamState:
        """All of a stream that `stream` made, as JSON values: `from_state` goes on from where it is now.

        Args:
            stream: of this sampler; it is left as it is. Of a text that has ended, the end is part of it.

        Raises:
            ConfigError: it is a beam, which has no state.

        Example:
            >>> stream = text.stream("The ", seed=7, n=80)
            >>> begun = next(stream) + next(stream)
            >>> saved = json.dumps(text.state(stream))
            >>> rest = "".join(text.from_state(json.loads(saved)))
            >>> begun + rest == begun + "".join(stream) == text.sample("The ", seed=7, n=80).text
            True
        """
        return state_of(self, stream)

    def from_state(self, state: Mapping[str, Any]) -> Any:
        """The stream that a state was made of, where it was then: a `TextStream` or a `MusicStream`.

        Args:
            state: from `state`, with the same model, engine and precision.

        Raises:
            ConfigError: it is no state, or one of something else.

        Example:
            >>> stream = music.stream(seed=7, seconds=4)
            >>> first = [next(stream), next(stream)]
            >>> music.from_state(music.state(stream)).score() == stream.score()
            True
        """
        return stream_from(self, state)

    def score(self, document: Any) -> NDArray[np.float64]:
        """How surprising a document is to the model: what each of its tokens costs, in nats, (T,).

        A token costs minus the logarithm of its probability after all before it, so the sum belongs to the probability
        that `stream()` begins with the document, drawn at temperature 1.

        Args:
            document: a text; or a score, or the path of a MIDI file.

        Raises:
            MidiError: the file cannot be read.
            TokenizerError: the document has what the model never saw.
            SamplingError: the model yields a logit that is not a finite number.

        Example:
            >>> nats = text.score("The sea")
            >>> nats.shape, bool((nats > 0).all())
            ((7,), True)
            >>> dearest = "The sea"[nats.argmax()]
            >>> perplexity = math.exp(nats.mean())
        """
        return np.concatenate([np.empty(0), *self.scoring(document)])

    def scoring(self, document: Any) -> Iterator[NDArray[np.float64]]:
        """The same a part at a time, as it is known; what is held are the document and its ids."""
        ids = ids_of(self.tokenizer, document)
        return costs(self._engine, np.concatenate([np.array([self.tokenizer.start], ids.dtype), ids]))

    def units(self, document: Any) -> NDArray[np.int64]:
        """How many characters of a text, or notes of a piece, each of its tokens stands for, (T,).

        Their cumulative sums are where the tokens end, whatever these are.

        Example:
            >>> text.units("The sea").tolist()
            [1, 1, 1, 1, 1, 1, 1]
            >>> int(music.units(tune).sum()) == len(tune.notes)
            True
        """
        if isinstance(document, str) and self.medium == "text":
            return np.array([len(piece) for piece in cast("TextTokenizer", self.tokenizer).cut(document)], np.int64)
        return np.asarray(self.tokenizer.units[ids_of(self.tokenizer, document)], np.int64)

    @classmethod
    def of(cls, checkpoint: Checkpoint, *, precision: str | None = None) -> Self:
        """The sampler that fits a checkpoint; of a class of its own medium, that class. `precision` is the class's.

        Raises:
            ConfigError: called on a class of another medium.
        """
        kind: type[Sampler] = cls
        if kind is Sampler:  # the other one need not be loaded
            if checkpoint.tokenizer.medium == "text":
                from gen.sampler.text import TextSampler as kind
            else:
                from gen.sampler.music import MusicSampler as kind
        return kind(checkpoint, precision=precision)  # type: ignore[return-value]

    @classmethod
    def load(cls, path: str | Path, *, precision: str | None = None) -> Self:
        """The sampler of a model file, or of a run's folder. `precision` is the class's.

        Raises:
            ConfigError: there is no such file, or it is a model of another medium than the class is for.
            CheckpointError: it is damaged or not a model.
        """
        path = Path(path)
        return cls.of(Checkpoint.load(path / "model.safetensors" if path.is_dir() else path), precision=precision)

    @property
    def engine(self) -> str:
        """Engine and precision, which a seed reproduces for."""
        return self._engine.name

    @staticmethod
    def _draws(seed: int | None, stream: int) -> tuple[int, Draws]:
        """The seed, a fresh one if none is given, and its draws for a stream."""
        require(stream >= 0, "stream", stream, "0 or more")
        seed = fresh_seed() if seed is None else seed
        require(0 <= seed <= MAX_SEED, "seed", seed, f"in 0 … {MAX_SEED}")
        return seed, Draws(seed, stream)
