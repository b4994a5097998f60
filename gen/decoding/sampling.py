"""From logits to ids.

The sampling law: **same seed, same ids**, alone or in a batch, whatever the order of work. It rests on three things.

* Token number n of stream k takes exactly one uniform draw, a function of (seed, k, n) alone (`gen.random.Draws`), so
  it depends neither on the other streams nor on what was drawn before.
* The draw picks by the inverse of the cumulative distribution, summed in id order in float64: equal logits and equal
  draws give equal ids.
* The model's logits for a row have the same bits whatever stands beside it, which is the engine's promise.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gen.config import SamplingConfig
from gen.decoding.processors import History, LogitsProcessor, Mask, processors_for
from gen.errors import ConfigError, SamplingError, TokenizerError
from gen.protocols import Ids, LanguageModel, Logits
from gen.random import Draws


def likeliest_token(logits: Logits) -> int:
    """The id of the largest of the logits (V,), the lowest such id on ties.

    Raises:
        ConfigError: all are minus infinity.
        SamplingError: one is NaN or plus infinity.
    """
    token = int(logits.argmax())  # a NaN counts as the largest
    top = float(logits[token])
    if top == -math.inf:
        raise ConfigError(
            f"all {len(logits)} ids of the vocabulary are ruled out: "
            "let logit_bias and the allowed ids leave at least one"
        )
    if not top < math.inf:
        raise SamplingError(
            f"the model's logit of id {token} is {top}; sampling needs finite ones: take another checkpoint"
        )
    return token


def sample_token(logits: Logits, draw: float) -> int:
    """The id that a uniform draw in [0, 1) picks from softmax(logits), logits (V,).

    An id of probability zero is never picked: its step of the cumulative sum has no width, and `draw` times the sum
    rounds to less than the sum.

    Raises:
        ConfigError: all logits are minus infinity.
        SamplingError: one is NaN or plus infinity.
    """
    # in place from the copy on: this is the inner loop of all sampling
    sums = logits.astype(np.float64)
    sums -= logits[likeliest_token(logits)]
    np.exp(sums, out=sums)
    np.add.accumulate(sums, out=sums)
    return int(sums.searchsorted(draw * sums[-1], side="right"))


class Constraint(Protocol):
    """What may be written from here on. A value: it does not change."""

    @property
    def allowed(self) -> NDArray[np.bool_]:
        """The ids that may come next, (V,)."""

    def after(self, id: int, /) -> "Constraint":
        """What may be written when `id` has come."""


def sample_tokens(
    model: LanguageModel[NDArray[Any]],
    prompt: Ids | Sequence[int],
    *,
    config: SamplingConfig,
    draws: Draws,
    constraint: Constraint | None = None,
) -> Iterator[int]:
    """The ids that a model writes after a prompt, without end, one by one as they are asked for.

    Args:
        model: of numpy arrays. It is asked for an id's logits only when that id is.
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
    size = model.vocabulary_size
    ids = np.array(prompt, np.int64)
    if not ids.size:
        raise ConfigError("the prompt is empty; the model needs at least one id to go on from")
    outside = ids[(ids < 0) | (ids >= size)]
    if outside.size:
        raise TokenizerError(f"id {outside[0]} in the prompt is outside the vocabulary of {size} symbols")
    processors = processors_for(config, size)
    if constraint is not None and constraint.allowed.shape != (size,):
        raise ConfigError(f"the mask of allowed ids has shape {constraint.allowed.shape}; it must have shape ({size},)")
    history = History(size, config.repeat_last_n, ids)
    return _stream(model, ids, processors, history, draws if config.temperature > 0 else None, constraint)


def _stream(
    model: LanguageModel[NDArray[Any]],
    prompt: NDArray[np.int64],
    processors: tuple[LogitsProcessor, ...],
    history: History,
    draws: Draws | None,
    constraint: Constraint | None,
) -> Iterator[int]:
    batch, state = model.prefill(prompt[None], model.initial_state(1))
    for position in count():
        logits: Logits = batch[0]
        if processors or constraint:
            likeliest_token(logits)  # raises where the model is broken, which a processor might hide
            if constraint:
                logits = Mask(constraint.allowed)(logits, history)
            for processor in processors:
                logits = processor(logits, history)
        token = likeliest_token(logits) if draws is None else sample_token(logits, draws.at(position))
        yield token
        history.append(token)
        constraint = constraint and constraint.after(token)
        batch, state = model.step(np.array([token]), state)
