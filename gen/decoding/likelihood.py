"""How likely a model finds what was written: many continuations of one prompt, side by side."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.decoding.picking import likeliest_token
from gen.decoding.sampling import checked_prompt
from gen.protocols import Ids, LanguageModel


def log_likelihoods(
    model: LanguageModel[NDArray[Any]], prompt: Ids | Sequence[int], continuations: Sequence[Ids | Sequence[int]]
) -> list[float]:
    """The log-probability of each continuation after a prompt, in nats, by the model as it is.

    Args:
        model: of numpy arrays.
        prompt: at least one id.
        continuations: any ids of the vocabulary; of none the log-probability is 0.

    Raises:
        ConfigError: the prompt is empty.
        TokenizerError: the prompt holds an id outside the vocabulary.
        SamplingError: the model yields a logit that is NaN or plus infinity.
    """
    prompt = checked_prompt(prompt, model.vocabulary_size)
    found = np.zeros(len(continuations))
    lengths = np.array([len(ids) for ids in continuations], np.int64)
    if not lengths.any():
        return found.tolist()
    ids = np.zeros((len(continuations), lengths.max()), np.int64)
    for row, continuation in zip(ids, continuations, strict=True):
        row[: len(continuation)] = continuation
    logits, state = model.prefill(prompt[None], model.initial_state(1))
    rows = np.zeros(len(continuations), np.intp)  # of the batch, of those that go on
    going = np.arange(len(continuations))
    for place in range(ids.shape[1]):
        rows, going = rows[lengths[going] > place], going[lengths[going] > place]
        state = state.select(rows)
        relative = logits[rows].astype(np.float64)
        for row in relative if not np.isfinite(relative.max(1)).all() else ():
            likeliest_token(row)  # raises
        relative -= relative.max(1, keepdims=True)
        rows = np.arange(len(going))
        found[going] += relative[rows, ids[going, place]] - np.log(np.exp(relative).sum(1))
        logits, state = model.step(ids[going, place], state)
    return found.tolist()
