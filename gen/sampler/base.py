"""What samplers of text and of music share: they are made from a checkpoint, and never change.

A sampler is safe to share between threads: what a stream remembers is in the stream. Every id takes one draw, keyed by
(seed, stream, position), so a seed gives the same pieces through every door, alone or beside others.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from gen.checkpoint import Checkpoint
from gen.config import Medium, require
from gen.engine import default_precision, engine_for
from gen.errors import ConfigError
from gen.random import MAX_SEED, Draws, fresh_seed
from gen.tokenizers import AnyTokenizer


class Sampler(ABC):
    """A model ready to write. `Sampler.load` gives a `TextSampler` or a `MusicSampler`, as the model is.

    Args:
        checkpoint: the model.
        precision: of its weights, fp32 or int8; None takes int8 where the loss is known to stay the same, else fp32.

    Raises:
        ConfigError: it is a model of another medium, or this installation has no such precision.

    Example:
        >>> sampler = Sampler.load("model.safetensors")  # doctest: +SKIP
        >>> for piece in sampler.stream(seed=7):         # doctest: +SKIP
        ...     print(piece, end="", flush=True)
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
    def tokenizer(self) -> AnyTokenizer:
        """Of the model."""

    @abstractmethod
    def stream(self, *prompt: Any, **settings: Any) -> Iterator[Any]:
        """Write, piece by piece."""

    @classmethod
    def of(cls, checkpoint: Checkpoint, *, precision: str | None = None) -> Self:
        """The sampler that fits a checkpoint; of a class of its own medium, that class. `precision` is the class's.

        Raises:
            ConfigError: called on a class of another medium.
        """
        fitting = {kind.medium: kind for kind in Sampler.__subclasses__()}[checkpoint.tokenizer.medium]
        kind = cls if cls is not Sampler else fitting
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
