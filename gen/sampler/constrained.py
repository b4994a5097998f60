"""The constraint that a text's settings ask for."""

import math
import sys
from typing import TYPE_CHECKING

from gen.config import SamplingConfig, TextConstraints
from gen.errors import ConfigError
from gen.sampler.text_stream import Bounds
from gen.tokenizers import TextTokenizer

if TYPE_CHECKING:
    from gen.constraints import TextConstraint


def constraint_for(
    tokenizer: TextTokenizer, prompt: str, bounds: Bounds, config: SamplingConfig
) -> "TextConstraint | None":
    """What the ids of a text behind a prompt are held to; None where they are held to nothing.

    Args:
        tokenizer: of the model.
        prompt: what comes before the text.
        bounds: what ends it, and what it has to be.
        config: its biases say which ids are never drawn.

    Raises:
        ConfigError: no text is so, or a stop string might end it before it is whole.
    """
    constraints = bounds.constraints
    if constraints is None or constraints == TextConstraints():
        return None
    if bounds.stops and constraints.must_finish:
        raise ConfigError(
            f"stop is {bounds.stops[0]!r}, which could end a text before regex or must_include hold: leave it out, or "
            "end the regex with it"
        )
    from gen.constraints import text_constraint  # whoever is held to nothing does not wait for it

    open_ended = bounds.stops or bounds.characters == sys.maxsize  # what may be a stop string is drawn to its end
    return text_constraint(
        constraints,
        tokenizer,
        prompt=prompt,
        characters=None if open_ended else bounds.characters,
        ids=None if bounds.tokens == sys.maxsize else bounds.tokens,
        banned=[id for id, nats in config.logit_bias if nats == -math.inf],
        ignore_end=bounds.ignore_end,
    )
