"""How the next id is chosen: ids and numpy logits only, no tokenizer and no engine."""

from gen.decoding.beam import BeamStream, Hypothesis, beam_search
from gen.decoding.beam_config import BeamConfig
from gen.decoding.chain import choice_for, history_for, processors_for
from gen.decoding.dry import Dry
from gen.decoding.likelihood import log_likelihoods
from gen.decoding.picking import Constraint, likeliest_token, sample_token
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
    "BeamConfig",
    "BeamStream",
    "Constraint",
    "Dry",
    "History",
    "Hypothesis",
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
    "beam_search",
    "choice_for",
    "history_for",
    "likeliest_token",
    "log_likelihoods",
    "processors_for",
    "sample_streams",
    "sample_token",
    "sample_tokens",
]
