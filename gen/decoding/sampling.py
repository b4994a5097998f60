"""From logits to ids.

The sampling law: **same seed, same ids**, alone or in a batch, whatever the order of work. It rests on three things.

* Token number n of stream k takes exactly one uniform draw, a function of (seed, k, n) alone (`gen.random.Draws`), so
  it depends neither on the other streams nor on what was drawn before.
* The draw picks by the inverse of the cumulative distribution, summed in id order in float64: equal logits and equal
  draws give equal ids.
* The model's logits for a row have the same bits whatever stands beside it, and however its ids are cut into calls,
  which is the engine's promise. A `BlockModel` keeps all three where it draws by itself.
"""

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import SamplingConfig
from gen.decoding.chain import choice_for, history_for, processors_for
from gen.decoding.picking import Constraint
from gen.decoding.streams import Batch, Row, TokenStream
from gen.errors import ConfigError, TokenizerError
from gen.protocols import BlockModel, Ids, LanguageModel
from gen.random import Draws


def sample_tokens(
    model: LanguageModel[NDArray[Any]],
    prompt: Ids | Sequence[int],
    *,
    config: SamplingConfig,
    draws: Draws,
    constraint: Constraint | None = None,
) -> TokenStream:
    """The ids that a model writes after a prompt, as they are asked for: `sample_streams` of one.

    Args:
        model: as there.
        prompt: at least one id. It counts as history for the penalties.
        config: how the next id is chosen; temperature 0 takes the likeliest and no draw.
        draws: of this stream; position n is that of generated id number n.
        constraint: on what follows the prompt; applied before all else, so that probabilities are those of the allowed
            ids among themselves. None allows all.

    Raises:
        ConfigError: the prompt is empty, or `config` and `constraint` rule out every id.
        TokenizerError: the prompt holds an id outside the vocabulary.
        SamplingError: on the way, the model yields a logit that is NaN or plus infinity.
    """
    constraints = None if constraint is None else [constraint]
    (stream,) = sample_streams(model, [prompt], config=config, draws=[draws], constraints=constraints)
    return stream


def sample_streams(
    model: LanguageModel[NDArray[Any]],
    prompts: Sequence[Ids | Sequence[int]],
    *,
    config: SamplingConfig,
    draws: Sequence[Draws],
    constraints: Sequence[Constraint] | None = None,
) -> list[TokenStream]:
    """Streams of ids, each as `sample_tokens` gives it, to be taken in any order.

    Args:
        model: of numpy arrays. Where it is a `BlockModel` that can make the choice, the streams are drawn together, in
            blocks; else one by one, and it is asked for an id's logits only when that id is.
        prompts: of each stream. The same object for several is read once.
        config: of all.
        draws: of each stream.
        constraints: of each stream, or None. A stream ends where its constraint is a `Limit` that is over; as long as a
            `Foreseen` one allows everything, it is drawn in blocks.

    Raises:
        GenError: as `sample_tokens` does; a stream that breaks leaves the others alone.
    """
    size, prompts = model.vocabulary_size, list(prompts)  # held, so that no two of them have one `id`
    read = {id(prompt): checked_prompt(prompt, size) for prompt in prompts}
    processors, choice = processors_for(config, size), choice_for(config, size)
    every_constraint: Sequence[Constraint | None] = constraints or [None] * len(prompts)
    rows = [
        Row(
            prompt=read[id(prompt)],
            draws=its_draws if config.temperature > 0 else None,
            history=history_for(processors, config, size, read[id(prompt)]),
            constraint=fitting_constraint(constraint, size),
        )
        for prompt, its_draws, constraint in zip(prompts, draws, every_constraint, strict=True)
    ]
    block = None
    if isinstance(model, BlockModel) and choice is not None:
        block = partial(model.sample_block, choice=choice)
    if block is not None and not constraints:
        Batch(model, processors, block, rows)
    else:  # each goes as far at a time as its constraint lets it
        for row in rows:
            Batch(model, processors, block, [row])
    return [TokenStream(row) for row in rows]


def checked_prompt(prompt: Ids | Sequence[int], size: int) -> NDArray[np.int64]:
    """The ids of a prompt, (T,).

    Raises:
        ConfigError: there is none.
        TokenizerError: one is outside a vocabulary of `size`.
    """
    ids = np.array(prompt, np.int64)
    if not ids.size:
        raise ConfigError("the prompt is empty; the model needs at least one id to go on from")
    outside = ids[(ids < 0) | (ids >= size)]
    if outside.size:
        raise TokenizerError(f"id {outside[0]} in the prompt is outside the vocabulary of {size} symbols")
    return ids


def fitting_constraint(constraint: Constraint | None, size: int) -> Constraint | None:
    """`constraint`, if it is for a vocabulary of `size` (else a `ConfigError`)."""
    if constraint is not None and constraint.allowed.shape != (size,):
        raise ConfigError(f"the mask of allowed ids has shape {constraint.allowed.shape}; it must have shape ({size},)")
    return constraint
