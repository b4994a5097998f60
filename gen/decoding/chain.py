"""What a `SamplingConfig` asks for: a chain of processors, or the same as plain numbers.

The logit bias comes first, then the samplers in the order that `SamplingConfig.samplers` names them in: by default
llama.cpp's, which is penalties, DRY, top-k, typical, top-p, min-p, and temperature last, so what is cut off does not
depend on the temperature. Whatever the settings, logits in float32's range never become NaN or plus infinity.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import SAMPLERS, SamplingConfig, require
from gen.decoding.dry import Dry
from gen.decoding.processors import (
    History,
    LogitBias,
    LogitsProcessor,
    MinP,
    Penalties,
    Temperature,
    TemperatureRamp,
    TopK,
    TopP,
    Typical,
)
from gen.errors import ConfigError
from gen.protocols import Choice, Ids

_HUGE = 1e100
"""Settings beyond it act like it: a product of three such numbers still fits float64, so nothing overflows."""


_NEUTRAL: Mapping[str, Mapping[str, Any]] = {
    "penalties": {"repeat_penalty": 1.0, "presence_penalty": 0.0, "frequency_penalty": 0.0},
    "dry": {"dry_multiplier": 0.0},
    "top-k": {"top_k": 0},
    "typical": {"typical_p": 1.0},
    "top-p": {"top_p": 1.0},
    "min-p": {"min_p": 0.0},
    "temperature": {"temperature": 1.0, "temperature_end": None},
}
"""The settings of each sampler when it does nothing."""
_ONLY_PROCESSORS = (Dry, Typical, TemperatureRamp)  # a `Choice` has no numbers for them


def processors_for(config: SamplingConfig, vocabulary_size: int) -> tuple[LogitsProcessor, ...]:
    """The chain that `config` asks for, without what would change nothing.

    At temperature 0 it is bias, penalties and DRY alone: the likeliest token is taken, so there is nothing to narrow.

    Raises:
        ConfigError: `logit_bias` or `dry_sequence_breakers` names an id outside the vocabulary, or every id is banned.
    """
    config = _effective(config)
    numbers = _numbers(config, vocabulary_size)
    steps = _steps(config, numbers, vocabulary_size)
    bias = () if numbers.bias is None else (LogitBias(numbers.bias),)
    return bias + tuple(steps[name] for name in config.samplers if name in steps)


def choice_for(config: SamplingConfig, vocabulary_size: int) -> Choice | None:
    """The same chain as plain numbers; None where its order is another, or it has a processor that is none of them.

    Raises:
        ConfigError: as `processors_for`.
    """
    config = _effective(config)
    numbers = _numbers(config, vocabulary_size)
    steps = _steps(config, numbers, vocabulary_size)
    asked = [name for name in config.samplers if name in steps]
    in_order = asked == [name for name in SAMPLERS if name in steps]
    return numbers if in_order and not any(isinstance(step, _ONLY_PROCESSORS) for step in steps.values()) else None


def history_for(
    processors: Sequence[LogitsProcessor], config: SamplingConfig, vocabulary_size: int, ids: Ids | Sequence[int]
) -> History | None:
    """What the chain of `config` has to know of the ids that were read; None where it heeds nothing."""
    if not any(isinstance(processor, Penalties | Dry | TemperatureRamp) for processor in processors):
        return None
    repeats = any(isinstance(processor, Dry) for processor in processors)
    return History(vocabulary_size, config.repeat_last_n, ids, tail=config.dry_penalty_last_n if repeats else 0)


def _effective(config: SamplingConfig) -> SamplingConfig:
    """`config` with the samplers that it does not name, or has no use for, at settings that do nothing."""
    left_out = set(SAMPLERS) - set(config.samplers)
    if config.temperature == 0:
        left_out = left_out - {"temperature"} | {"top-k", "typical", "top-p", "min-p"}
    if config.repeat_last_n == 0:
        left_out.add("penalties")
    if config.dry_penalty_last_n == 0:
        left_out.add("dry")
    neutral: dict[str, Any] = {}
    for name in left_out:
        neutral |= _NEUTRAL[name]
    return replace(config, **neutral)


def _steps(config: SamplingConfig, numbers: Choice, vocabulary_size: int) -> dict[str, LogitsProcessor]:
    """The samplers that change something."""
    steps: dict[str, LogitsProcessor] = {}
    penalties = Penalties(numbers.repeat, numbers.presence, numbers.frequency)
    if penalties != Penalties():
        steps["penalties"] = penalties
    if config.dry_multiplier > 0:
        breakers = frozenset(config.dry_sequence_breakers)
        for id in breakers:
            require(
                id < vocabulary_size, "dry_sequence_breakers id", id, f"below {vocabulary_size}, the vocabulary's size"
            )
        steps["dry"] = Dry(config.dry_multiplier, config.dry_base, config.dry_allowed_length, breakers, _HUGE)
    if numbers.top_k:
        steps["top-k"] = TopK(numbers.top_k)
    if config.typical_p < 1:
        steps["typical"] = Typical(config.typical_p)
    if numbers.top_p < 1:
        steps["top-p"] = TopP(numbers.top_p)
    if numbers.min_p > 0:
        steps["min-p"] = MinP(numbers.min_p)
    if config.temperature_end is not None:
        end = max(config.temperature_end, 1 / _HUGE)
        steps["temperature"] = TemperatureRamp(numbers.temperature, end, config.temperature_over)
    elif numbers.temperature not in (0, 1):
        steps["temperature"] = Temperature(numbers.temperature)
    return steps


def _numbers(config: SamplingConfig, vocabulary_size: int) -> Choice:
    """What `config` asks for, as far as numbers say it: within bounds, and a default where it changes nothing."""
    bias = _dense_bias(config.logit_bias, vocabulary_size)
    return Choice(
        bias=bias if bias.any() else None,
        repeat=_clamp(config.repeat_penalty, 1 / _HUGE, _HUGE),
        presence=_clamp(config.presence_penalty, -_HUGE, _HUGE),
        frequency=_clamp(config.frequency_penalty, -_HUGE, _HUGE),
        top_k=config.top_k if config.top_k < vocabulary_size else 0,
        top_p=config.top_p,
        min_p=config.min_p,
        temperature=max(config.temperature, 1 / _HUGE) if config.temperature else 0.0,
    )


def _dense_bias(pairs: Sequence[tuple[int, float]], vocabulary_size: int) -> NDArray[np.float64]:
    bias = np.zeros(vocabulary_size)
    for token, nats in pairs:
        require(token < vocabulary_size, "logit_bias id", token, f"below {vocabulary_size}, the vocabulary's size")
        bias[token] += nats if nats == -math.inf else _clamp(nats, -_HUGE, _HUGE)
    if np.all(bias == -math.inf):
        raise ConfigError(f"logit_bias bans all {vocabulary_size} ids of the vocabulary: leave at least one")
    return bias


def _clamp(value: float, low: float, high: float) -> float:
    return min(max(value, low), high)
