"""Nats per token, the unit of every loss in gen, to the units that people compare."""

import math

from gen.tokenizers.extent import Extent


def bits(nats: float) -> float:
    """Nats in bits."""
    return nats / math.log(2)


def perplexity(nats_per_token: float) -> float:
    """Among how many equally likely tokens the model might as well choose: e to the loss, infinity past float64."""
    try:
        return math.exp(nats_per_token)
    except OverflowError:
        return math.inf


def figures(nats_per_token: float, extent: Extent) -> dict[str, float]:
    """A loss in all the units that people compare.

    Args:
        nats_per_token: mean loss over the tokens.
        extent: of what it was measured on, or of what is like it. Where there is no unit, figures per it are left out.

    Returns:
        "nats_per_token" and "perplexity_per_token"; of text "bits_per_character", "bits_per_byte" and
        "perplexity_per_word", which compare across tokenizers; of music "nats_per_note" and "bits_per_second", which
        compare across clocks; and where words are unknown, "unknown_per_token", the share of them. A perplexity past
        float64 is left out.
    """
    nats = extent.nats(nats_per_token)
    found = {"nats_per_token": nats_per_token}
    if extent.unit == "character":
        found["bits_per_character"] = bits(nats) / extent.units
        if extent.bytes:
            found["bits_per_byte"] = bits(nats) / extent.bytes
    else:
        found["nats_per_note"] = nats / extent.units
        if extent.seconds:
            found["bits_per_second"] = bits(nats) / extent.seconds
    found["perplexity_per_token"] = perplexity(nats_per_token)
    if extent.words:
        found["perplexity_per_word"] = perplexity(nats / extent.words)
    if extent.unknown:
        found["unknown_per_token"] = extent.unknown / extent.tokens
    return {name: value for name, value in found.items() if math.isfinite(value) or name == "nats_per_token"}
