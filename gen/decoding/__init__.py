"""How the next id is chosen: ids and numpy logits only, no tokenizer and no engine."""

from gen.decoding.chain import choice_for, processors_for
from gen.decoding.picking import Constraint, likeliest_token, sample_token
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
)
from gen.decoding.sampling import sample_streams, sample_tokens
from gen.decoding.streams import TokenStream

__all__ = [
    "Constraint",
    "History",
    "LogitBias",
    "LogitsProcessor",
    "Mask",
    "MinP",
    "Penalties",
    "Temperature",
    "TokenStream",
    "TopK",
    "TopP",
    "Typical",
    "choice_for",
    "likeliest_token",
    "processors_for",
    "sample_streams",
    "sample_token",
    "sample_tokens",
]
