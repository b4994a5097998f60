"""What a `SamplingConfig` asks for: a chain of processors, or the same as plain numbers.

The chain stands in llama.cpp's order: logit bias, penalties, top-k, typical, top-p, min-p, and temperature last, so
what is cut off does not depend on the temperature. Whatever the settings, logits in float32's range never become NaN or
plus infinity.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gen.config import SamplingConfig, require
from gen.decoding.processors import LogitBias, LogitsProcessor, MinP, Penalties, Temperature, TopK, TopP, Typical
from gen.errors import ConfigError
from gen.protocols import Choice

_HUGE = 1e100
"""Settings beyond it act like it: a product of three such numbers still fits float64, so nothing overflows."""


def processors_for(config: SamplingConfig, vocabulary_size: int) -> tuple[LogitsProcessor, ...]:
    """The chain that `config` asks for, without what would change nothing.

    At temperature 0 it is bias and penalties alone: the likeliest token is taken, so there is nothing to narrow.

    Raises:
        ConfigError: `logit_bias` names an id outside the vocabulary, or bans every id.
    """
    numbers = _numbers(config, vocabulary_size)
    chain: list[LogitsProcessor] = []
    if numbers.bias is not None:
        chain.append(LogitBias(numbers.bias))
    penalties = Penalties(numbers.repeat, numbers.presence, numbers.frequency)
    if penalties != Penalties():
        chain.append(penalties)
    if numbers.top_k:
        chain.append(TopK(numbers.top_k))
    if _is_typical(config):
        chain.append(Typical(config.typical_p))
    if numbers.top_p < 1:
        chain.append(TopP(numbers.top_p))
    if numbers.min_p > 0:
        chain.append(MinP(numbers.min_p))
    if numbers.temperature not in (0, 1):
        chain.append(Temperature(numbers.temperature))
    return tuple(chain)


def choice_for(config: SamplingConfig, vocabulary_size: int) -> Choice | None:
    """The same chain as plain numbers; None where it has `Typical`, which is none of them.

    Raises:
        ConfigError: as `processors_for`.
    """
    return None if _is_typical(config) else _numbers(config, vocabulary_size)


def _is_typical(config: SamplingConfig) -> bool:
    return config.typical_p < 1 and config.temperature > 0


def _numbers(config: SamplingConfig, vocabulary_size: int) -> Choice:
    """What `config` asks for, but `Typical`: within bounds, and where a setting would change nothing, its default."""
    bias = _dense_bias(config.logit_bias, vocabulary_size)
    numbers = Choice(bias=bias if bias.any() else None, temperature=0.0)
    if config.repeat_last_n != 0:
        numbers = replace(
            numbers,
            repeat=_clamp(config.repeat_penalty, 1 / _HUGE, _HUGE),
            presence=_clamp(config.presence_penalty, -_HUGE, _HUGE),
            frequency=_clamp(config.frequency_penalty, -_HUGE, _HUGE),
        )
    if config.temperature == 0:
        return numbers
    return replace(
        numbers,
        top_k=config.top_k if config.top_k < vocabulary_size else 0,
        top_p=config.top_p,
        min_p=config.min_p,
        temperature=max(config.temperature, 1 / _HUGE),
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
