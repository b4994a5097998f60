"""How the next id is chosen: ids and numpy logits only, no tokenizer and no engine.

What searches is in `gen.decoding.beam`, which is loaded where a beam is asked for.
"""

from gen.decoding.chain import choice_for, history_for, processors_for
from gen.decoding.dry import Dry
from gen.decoding.picking import Both, Constraint, Foreseen, Limit, likeliest_token, sample_token, together
from gen.decoding.processors import (
    History,
    LogitBias,
    LogitsProcessor,
    Mask,
    MinP,
    Penalties,
    Temperature,
    TemperatureRamp,
    TopK,
    TopP,
    Typical,
)
from gen.decoding.sampling import sample_streams, sample_tokens
from gen.decoding.streams import TokenStream

__all__ = [
    "Both",
    "Constraint",
    "Dry",
    "Foreseen",
    "History",
    "Limit",
    "LogitBias",
    "LogitsProcessor",
    "Mask",
    "MinP",
    "Penalties",
    "Temperature",
    "TemperatureRamp",
    "TokenStream",
    "TopK",
    "TopP",
    "Typical",
    "choice_for",
    "history_for",
    "likeliest_token",
    "processors_for",
    "sample_streams",
    "sample_token",
    "sample_tokens",
    "together",
]
