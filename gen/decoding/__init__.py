"""How the next id is chosen: ids and numpy logits only, no tokenizer and no engine."""

from gen.decoding.processors import (
    History,
    LogitBias,
    LogitsProcessor,
    Mask,
    MinP,
    Penalties,
    Temperature,
    TopK,
    TopP,
    Typical,
    processors_for,
)
from gen.decoding.sampling import Constraint, likeliest_token, sample_token, sample_tokens

__all__ = [
    "Constraint",
    "History",
    "LogitBias",
    "LogitsProcessor",
    "Mask",
    "MinP",
    "Penalties",
    "Temperature",
    "TopK",
    "TopP",
    "Typical",
    "likeliest_token",
    "processors_for",
    "sample_token",
    "sample_tokens",
]
