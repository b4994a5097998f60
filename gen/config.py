"""Settings: frozen values, checked when they are made, free of torch.

Every message names the setting, the value found and the interval needed.
"""

import math
import os
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal, Self, get_args

from gen.errors import ConfigError

Cell = Literal["rnn", "lstm", "gru"]
Medium = Literal["text", "music"]
Clock = Literal["seconds", "beats"]
CLOCKS: tuple[Clock, ...] = get_args(Clock)
"""What time in music is counted in."""
Precision = Literal["auto", "fp32", "bf16"]

GATES: Mapping[str, int] = {"rnn": 1, "lstm": 4, "gru": 3}
"""Gates of each cell; rows of a weight matrix stand gate by gate: LSTM i f g o, GRU r z n."""


_MAX_EPOCHS = 1_000_000
_MAX_STEPS = 2**62
_SHOWN = 200  # characters of a value in a message


def require(condition: bool, name: str, value: object, needed: str) -> None:
    """Raise `ConfigError` unless `condition`: "name is value; it must be needed"."""
    if not condition:
        raise ConfigError(f"{name} is {_shown(value)}; it must be {needed}")


def _shown(value: object) -> str:
    try:
        text = repr(value)
    except ValueError:  # Python does not print whole numbers of thousands of digits
        text = "a number of thousands of digits"
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: object) -> bool:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    return -sys.float_info.max <= value <= sys.float_info.max  # false for NaN, and for integers that no float holds


def check_epochs(epochs: float) -> None:
    """Refuse what cannot be a budget in passes over a corpus (`ConfigError`); a recipe makes `steps` of it."""
    sound = _number(epochs) and 0 < epochs <= _MAX_EPOCHS
    require(sound, "epochs", epochs, f"a number above 0, at most {_MAX_EPOCHS:,}")


def available_threads() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class _Settings:
    """`to_dict` and a strict `from_dict` for the settings below."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)  # type: ignore[call-overload,no-any-return]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        for name in values:
            require(name in known, "setting", name, "one of " + ", ".join(sorted(known)))
        try:
            return cls(**values)
        except TypeError as error:  # a required setting is missing
            raise ConfigError(f"{cls.__name__}: {error}") from error


@dataclass(frozen=True, kw_only=True)
class ModelConfig(_Settings):
    """The shape of a recurrent language model.

    Attributes:
        vocabulary_size: V, number of token ids.
        cell: "rnn" (Elman 1990), "lstm" (Hochreiter & Schmidhuber 1997; Gers 2000) or "gru" (Cho 2014, reset-after).
        layers: L, stacked layers.
        hidden: H, units in the embedding and in each layer.
        residual: add each layer's input to its output, from the second layer on, with n-grams from the first.
        ngrams: N, the longest n-gram whose vector is added to a token's own; 1 adds none.
        ngram_rows: of the table that n-grams are hashed into.
        ngram_width: of its vectors, which are added to the first units of the embedding; H where that is less.
    """

    vocabulary_size: int
    cell: Cell = "lstm"
    layers: int = 2
    hidden: int = 256
    residual: bool = False
    ngrams: int = 1
    ngram_rows: int = 2**15
    ngram_width: int = 64

    def to_dict(self) -> dict[str, Any]:
        """The shape as JSON values, without n-grams where there are none: a file is what an earlier gen wrote."""
        return {name: value for name, value in asdict(self).items() if self.ngrams > 1 or not name.startswith("ngram")}

    def __post_init__(self) -> None:
        known = isinstance(self.cell, str) and self.cell in GATES  # JSON and TOML have lists, which cannot be looked up
        require(known, "cell", self.cell, "one of rnn, lstm, gru")
        whole = {
            "vocabulary_size": (1, 2**24),
            "layers": (1, 64),
            "hidden": (1, 2**16),
            "ngrams": (1, 8),
            "ngram_rows": (1, 2**24),
            "ngram_width": (1, 2**16),
        }
        for name, (low, high) in whole.items():
            value = getattr(self, name)
            require(_whole(value) and low <= value <= high, name, value, f"a whole number in {low} … {high}")
        require(isinstance(self.residual, bool), "residual", self.residual, "true or false")

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every weight, in canonical order. Needs no memory, so it can be checked first."""
        V, H, G = self.vocabulary_size, self.hidden, GATES[self.cell]
        shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (V, H)}
        if self.ngrams > 1:
            shapes["ngram_embedding.weight"] = (self.ngram_rows, min(self.ngram_width, H))
        for layer in range(self.layers):
            prefix = f"encoder.layers.{layer}"
            shapes[f"{prefix}.input_weight"] = (G * H, H)
            shapes[f"{prefix}.recurrent_weight"] = (G * H, H)
            shapes[f"{prefix}.bias"] = (G * H,)
            if self.cell == "gru":  # the candidate's recurrent bias stands inside the reset gate's product
                shapes[f"{prefix}.recurrent_bias"] = (H,)
        shapes["output.weight"] = (V, H)
        shapes["output.bias"] = (V,)
        return shapes

    @property
    def first_residual(self) -> int | None:
        """The first residual layer, counted from 0: what n-grams say of the next token goes past all layers."""
        if not self.residual:
            return None
        return 0 if self.ngrams > 1 else 1

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(math.prod(shape) for shape in self.parameter_shapes().values())


LATER: Mapping[str, Any] = {"transpose": 0, "stretch": 0.0, "ngram_dropout": 0.0, "ngram_learning_rate": 0.0}
"""Settings of training that a record leaves out while they are off."""


@dataclass(frozen=True, kw_only=True)
class TrainConfig(_Settings):
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
            require(_whole(value) and low <= value <= high, name, value, f"a whole number in {low} … {high}")
        if self.steps is not None:
            sound = _whole(self.steps) and 1 <= self.steps <= _MAX_STEPS
            require(sound, "steps", self.steps, f"a whole number in 1 … {_MAX_STEPS}")
        if self.minutes is not None:
            require(_number(self.minutes) and self.minutes > 0, "minutes", self.minutes, "a number above 0")
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
            require(_number(value) and 0 <= value <= most, name, value, f"a number in 0 … {most}")
        rate = self.learning_rate
        require(_number(rate) and 0 < rate <= 10, "learning_rate", rate, "a number above 0, 10 at most")
        require(_number(self.clip) and self.clip > 0, "clip", self.clip, "a number above 0")
        for name in ("dropout", "ngram_dropout"):
            value = getattr(self, name)
            require(_number(value) and 0 <= value < 1, name, value, "a number in [0, 1)")
        require(self.precision in ("auto", "fp32", "bf16"), "precision", self.precision, "auto, fp32 or bf16")
        require(isinstance(self.device, str), "device", self.device, "the name of a torch device, or auto")


_MUSIC: Mapping[str, Any] = {"temperature": 0.95, "top_p": 0.98}
"""The defaults of sampling that are others for music."""

SAMPLERS = ("penalties", "dry", "top-k", "typical", "top-p", "min-p", "temperature")
"""What shapes the choice of the next token, in llama.cpp's order: temperature last, so it does not change what is cut
off."""


@dataclass(frozen=True, kw_only=True)
class SamplingConfig(_Settings):
    """How the next token is chosen. Names and meanings follow llama.cpp; the defaults change nothing but temperature.

    Attributes:
        samplers: what shapes the choice, in this order, by the names of `SAMPLERS`, each once at most; also as one text
            with commas. What is not named does not run, whatever its settings. Biases come before all, and the
            temperature 0 holds without being named.
        temperature: logits are divided by it; 0 takes the likeliest token, and leaves all but penalties and DRY out.
        temperature_end: what the temperature has become after `temperature_over` tokens, along a line; None leaves it.
        temperature_over: tokens that this takes.
        top_k: keep the k likeliest tokens; 0 keeps all.
        top_p: keep the smallest set of probability >= top_p (Holtzman 2019); 1 keeps all.
        min_p: keep tokens at least min_p times as likely as the likeliest; 0 keeps all.
        typical_p: keep the most typical set of that probability (Meister 2022); 1 keeps all.
        repeat_penalty: divide a positive, multiply a negative logit of a recent token (Keskar 2019); 1 is off.
        presence_penalty: subtracted once from the logit of a recent token.
        frequency_penalty: subtracted for each occurrence of a recent token.
        repeat_last_n: how many last tokens count as recent; 0 is none, -1 is all.
        dry_multiplier: of what DRY ("don't repeat yourself", p-e-w 2024) subtracts from the logit of a token that would
            make what was written before longer still; 0 is off.
        dry_base: what that grows by with each token of the repetition.
        dry_allowed_length: tokens that may be repeated for nothing. A character is less than llama.cpp's tokens are,
            so there are more of them here.
        dry_penalty_last_n: how many last tokens are searched; 0 is none, -1 is all.
        dry_sequence_breakers: ids that no repetition goes across. `Sampler.config` knows those that are usual.
        logit_bias: (id, nats) pairs added to the logits; minus infinity bans an id.
    """

    samplers: tuple[str, ...] = SAMPLERS
    temperature: float = 0.8
    temperature_end: float | None = None
    temperature_over: int = 500
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    typical_p: float = 1.0
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repeat_last_n: int = 64
    dry_multiplier: float = 0.0
    dry_base: float = 1.75
    dry_allowed_length: int = 12
    dry_penalty_last_n: int = 1024
    dry_sequence_breakers: tuple[int, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()

    @classmethod
    def for_medium(cls, medium: str, **given: Any) -> Self:
        """The settings for text or music, of which some are given: music is drawn warmer, and without its tail."""
        return cls(**{**_MUSIC, **given} if medium == "music" else given)

    def __post_init__(self) -> None:
        def number(name: str, low: float, high: float, needed: str, *, open_low: bool = False) -> None:
            value = getattr(self, name)
            inside = _number(value) and (low < value if open_low else low <= value) and value <= high
            require(inside, name, value, needed)

        def whole(name: str, low: int) -> None:
            value = getattr(self, name)
            require(_whole(value) and value >= low, name, value, f"a whole number, {low} or more")

        number("temperature", 0.0, math.inf, "a finite number, 0 or more")
        if self.temperature_end is not None:
            number("temperature_end", 0.0, math.inf, "a finite number above 0", open_low=True)
            above = "a number above 0 where temperature_end is given"
            require(self.temperature > 0, "temperature", self.temperature, above)
        whole("temperature_over", 1)
        number("top_p", 0.0, 1.0, "a number in (0, 1]", open_low=True)
        number("min_p", 0.0, 1.0, "a number in [0, 1]")
        number("typical_p", 0.0, 1.0, "a number in (0, 1]", open_low=True)
        number("repeat_penalty", 0.0, math.inf, "a finite number above 0", open_low=True)
        number("presence_penalty", -math.inf, math.inf, "a finite number")
        number("frequency_penalty", -math.inf, math.inf, "a finite number")
        whole("top_k", 0)
        whole("repeat_last_n", -1)
        number("dry_multiplier", 0.0, math.inf, "a finite number, 0 or more")
        number("dry_base", 1.0, math.inf, "a finite number, 1 or more")
        whole("dry_allowed_length", 1)
        whole("dry_penalty_last_n", -1)
        object.__setattr__(self, "samplers", _samplers(self.samplers))
        breakers = self.dry_sequence_breakers
        require(isinstance(breakers, tuple | list), "dry_sequence_breakers", breakers, "token ids")
        for token in breakers:
            require(_whole(token) and token >= 0, "dry_sequence_breakers id", token, "a token id")
        object.__setattr__(self, "dry_sequence_breakers", tuple(breakers))  # JSON has lists
        try:
            pairs = tuple((token, bias) for token, bias in self.logit_bias)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"logit_bias is {_shown(self.logit_bias)}; it must be pairs of a token id and nats"
            ) from error
        for token, bias in pairs:
            require(_whole(token) and token >= 0, "logit_bias id", token, "a token id")
            require(_number(bias) or bias == -math.inf, "logit_bias", bias, "a number below infinity")
        object.__setattr__(self, "logit_bias", pairs)  # JSON has lists


def _samplers(given: object) -> tuple[str, ...]:
    """The names in a sequence, or in a text with commas."""
    listed = given.split(",") if isinstance(given, str) else given
    if not isinstance(listed, tuple | list):
        raise ConfigError(f"samplers is {_shown(given)}; it must be names among {', '.join(SAMPLERS)}")
    names = tuple(name.strip() if isinstance(name, str) else name for name in listed)
    for name in names:
        require(name in SAMPLERS, "samplers", name, f"names among {', '.join(SAMPLERS)}")
        require(names.count(name) == 1, "samplers", ",".join(names), f"without {name} twice")
    return names
