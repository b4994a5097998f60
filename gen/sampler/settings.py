"""Settings of sampling as people give them, with symbols, as a model needs them, with ids."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from gen.config import Medium, SamplingConfig

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

BREAKERS: Mapping[Medium, tuple[str, ...]] = {"text": ("\n", ":", '"', "*"), "music": ()}
"""The symbols that DRY compares nothing across unless others are given; of text, llama.cpp's."""


def config_for(tokenizer: "AnyTokenizer", settings: Mapping[str, Any]) -> SamplingConfig:
    """The `SamplingConfig` that a model needs.

    Args:
        tokenizer: of the model.
        settings: of `SamplingConfig`, but `logit_bias` as a mapping of symbols to nats, and `dry_sequence_breakers` as
            symbols; without these, the `BREAKERS` that the model knows.

    Raises:
        TokenizerError: it has no such symbol.
        ConfigError: a value is out of range, or there is no such setting.
    """
    vocabulary, medium = tokenizer.vocabulary, tokenizer.medium
    given = dict(settings)
    biases = given.pop("logit_bias", {})
    breakers = given.pop("dry_sequence_breakers", None)
    if breakers is None:
        breakers = [symbol for symbol in BREAKERS[medium] if symbol in vocabulary]
    by_id = {
        "logit_bias": tuple((vocabulary.id(symbol), nats) for symbol, nats in biases.items()),
        "dry_sequence_breakers": tuple(map(vocabulary.id, breakers)),
    }
    return SamplingConfig.from_dict({**SamplingConfig.for_medium(medium).to_dict(), **given, **by_id})
