"""How the next token is chosen."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from gen.config.checks import Settings, is_number, is_whole, require, shown_value
from gen.errors import ConfigError

_MUSIC: Mapping[str, Any] = {"temperature": 0.95, "top_p": 0.98}
"""The defaults of sampling that are others for music."""

SAMPLERS = ("penalties", "dry", "top-k", "typical", "top-p", "min-p", "temperature")
"""What shapes the choice of the next token, in llama.cpp's order: temperature last, so it does not change what is cut
off."""


@dataclass(frozen=True, kw_only=True)
class SamplingConfig(Settings):
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
            inside = is_number(value) and (low < value if open_low else low <= value) and value <= high
            require(inside, name, value, needed)

        def whole(name: str, low: int) -> None:
            value = getattr(self, name)
            require(is_whole(value) and value >= low, name, value, f"a whole number, {low} or more")

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
            require(is_whole(token) and token >= 0, "dry_sequence_breakers id", token, "a token id")
        object.__setattr__(self, "dry_sequence_breakers", tuple(breakers))  # JSON has lists
        try:
            pairs = tuple((token, bias) for token, bias in self.logit_bias)
        except (TypeError, ValueError) as error:
            raise ConfigError(
                f"logit_bias is {shown_value(self.logit_bias)}; it must be pairs of a token id and nats"
            ) from error
        for token, bias in pairs:
            require(is_whole(token) and token >= 0, "logit_bias id", token, "a token id")
            require(is_number(bias) or bias == -math.inf, "logit_bias", bias, "a number below infinity")
        object.__setattr__(self, "logit_bias", pairs)  # JSON has lists


def _samplers(given: object) -> tuple[str, ...]:
    """The names in a sequence, or in a text with commas."""
    listed = given.split(",") if isinstance(given, str) else given
    if not isinstance(listed, tuple | list):
        raise ConfigError(f"samplers is {shown_value(given)}; it must be names among {', '.join(SAMPLERS)}")
    names = tuple(name.strip() if isinstance(name, str) else name for name in listed)
    for name in names:
        require(name in SAMPLERS, "samplers", name, f"names among {', '.join(SAMPLERS)}")
        require(names.count(name) == 1, "samplers", ",".join(names), f"without {name} twice")
    return names
