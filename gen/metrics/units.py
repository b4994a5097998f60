"""Nats per token, the unit of every loss in gen, to the units that people compare."""

import math

from gen.config import require


def bits(nats: float) -> float:
    """Nats in bits."""
    return nats / math.log(2)


def perplexity(nats_per_token: float) -> float:
    """Among how many equally likely tokens the model might as well choose: e to the loss, infinity past float64."""
    try:
        return math.exp(nats_per_token)
    except OverflowError:
        return math.inf


def bits_per_unit(nats_per_token: float, *, tokens: int, units: int) -> float:
    """Bits per character, byte or note of a text or piece, whatever its tokens are.

    Args:
        nats_per_token: mean loss over the tokens.
        tokens: how many tokens it was measured on, 0 or more.
        units: how many characters (bytes, notes) these tokens stand for, 1 or more.

    Raises:
        ConfigError: a count is too small.
    """
    require(tokens >= 0, "tokens", tokens, "0 or more")
    require(units >= 1, "units", units, "1 or more")
    return bits(nats_per_token) * tokens / units
