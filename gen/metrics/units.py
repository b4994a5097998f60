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


def figures(
    nats_per_token: float, *, unit: str, tokens: int, units: int, bytes: int | None, seconds: float | None
) -> dict[str, float]:
    """A loss in all the units that compare across tokenizers of a medium.

    Args:
        nats_per_token: mean loss over the tokens.
        unit: "character" or "note".
        tokens: how many tokens it was measured on, or a part that is like them has.
        units: how many characters or notes these tokens stand for, 1 or more.
        bytes: how many bytes of UTF-8; None for music.
        seconds: how long their music lasts; None for text.

    Returns:
        "nats_per_token"; of text "bits_per_character" and "bits_per_byte", of music "nats_per_note" and
        "bits_per_second".
    """
    found = {"nats_per_token": nats_per_token}
    per_unit = bits_per_unit(nats_per_token, tokens=tokens, units=units)
    if unit == "character":
        found["bits_per_character"] = per_unit
        if bytes:
            found["bits_per_byte"] = bits(nats_per_token) * tokens / bytes
        return found
    found["nats_per_note"] = per_unit * math.log(2)
    if seconds:
        found["bits_per_second"] = bits(nats_per_token) * tokens / seconds
    return found
