"""How a model is trained."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gen.config.checks import Settings, is_number, is_whole, require
from gen.errors import ConfigError

Precision = Literal["auto", "fp32", "bf16"]

MAX_STEPS = 2**62

LATER: Mapping[str, Any] = {"transpose": 0, "stretch": 0.0, "ngram_dropout": 0.0, "ngram_learning_rate": 0.0}
"""Settings of training that a record leaves out while they are off."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig(Settings):
    """How a model is trained. Exactly one of `steps` and `minutes` bounds the run.

    Attributes:
        steps: optimizer steps to take; the schedule is annealed over them.
        minutes: wall-clock minutes from the first step on, validation included.
        batch_size: B, parallel streams cut from the corpus.
        sequence_length: T, tokens between two cuts of the gradient (truncated BPTT; Williams & Peng 1990).
        learning_rate: peak rate of AdamW (Loshchilov & Hutter 2019).
        matrix_learning_rate: peak rate of Muon (Jordan 2024) on the encoder's matrices; 0 leaves them to AdamW.
        ngram_learning_rate: peak rate of row-wise Adagrad (Naumov 2019) on the table of n-grams.
        weight_decay: AdamW's decoupled decay.
        clip: largest global norm of the gradient.
        warmup: share of the budget in which the rate rises.
        decay: share of the budget, at its end, in which the rate falls linearly to 0.
        dropout: probability of dropping a unit between layers and on the output.
        ngram_dropout: probability of leaving out an n-gram of the input.
        transpose: of music, semitones by which a piece is moved up or down at most, anew in each epoch; 0 moves none.
        stretch: of music by seconds, share by which a piece is slowed down or sped up at most; 0 leaves it.
        validate_every: steps between validations; 0 validates at the end only.
        seed: of the weights, the data's order and dropout.
        precision: "fp32", "bf16", or "auto" until the machine is known.
        device: torch device, or "auto" until the machine is known.
        threads: of the processor, for tensor work; results are bit-equal for the same number.
    """

    steps: int | None = None
    minutes: float | None = None
    batch_size: int = 32
    sequence_length: int = 64
    learning_rate: float = 8e-3
    matrix_learning_rate: float = 0.02
    ngram_learning_rate: float = 0.0
    weight_decay: float = 0.0
    clip: float = 1.0
    warmup: float = 0.02
    decay: float = 0.6
    dropout: float = 0.0
    ngram_dropout: float = 0.0
    transpose: int = 0
    stretch: float = 0.0
    validate_every: int = 500
    seed: int = 0
    precision: Precision = "auto"
    device: str = "auto"
    threads: int = 1

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values, without later ones that are off: a file is what an earlier gen wrote."""
        return {name: value for name, value in asdict(self).items() if value or name not in LATER}

    def __post_init__(self) -> None:
        if (self.steps is None) == (self.minutes is None):
            raise ConfigError(f"steps is {self.steps} and minutes is {self.minutes}; give exactly one of them")
        whole = {
            "batch_size": (1, 2**20),
            "sequence_length": (1, 2**20),
            "transpose": (0, 12),
            "validate_every": (0, 2**62),
            "seed": (0, 2**63 - 1),
            "threads": (1, 4096),
        }
        for name, (low, high) in whole.items():
            value = getattr(self, name)
            require(is_whole(value) and low <= value <= high, name, value, f"a whole number in {low} … {high}")
        if self.steps is not None:
            sound = is_whole(self.steps) and 1 <= self.steps <= MAX_STEPS
            require(sound, "steps", self.steps, f"a whole number in 1 … {MAX_STEPS}")
        if self.minutes is not None:
            require(is_number(self.minutes) and self.minutes > 0, "minutes", self.minutes, "a number above 0")
        largest = {
            "matrix_learning_rate": 10,
            "ngram_learning_rate": 10,
            "weight_decay": 10,
            "warmup": 1,
            "decay": 1,
            "stretch": 0.5,
        }
        for name, most in largest.items():
            value = getattr(self, name)
            require(is_number(value) and 0 <= value <= most, name, value, f"a number in 0 … {most}")
        rate = self.learning_rate
        require(is_number(rate) and 0 < rate <= 10, "learning_rate", rate, "a number above 0, 10 at most")
        require(is_number(self.clip) and self.clip > 0, "clip", self.clip, "a number above 0")
        for name in ("dropout", "ngram_dropout"):
            value = getattr(self, name)
            require(is_number(value) and 0 <= value < 1, name, value, "a number in [0, 1)")
        require(self.precision in ("auto", "fp32", "bf16"), "precision", self.precision, "auto, fp32 or bf16")
        require(isinstance(self.device, str), "device", self.device, "the name of a torch device, or auto")
