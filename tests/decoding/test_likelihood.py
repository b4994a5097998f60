import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.decoding.likelihood import log_likelihoods
from gen.errors import ConfigError, SamplingError, TokenizerError
from tests.decoding.reference import Poisoned, small_engine

ENGINES: dict[str, Any] = {"rnn": small_engine("rnn"), "lstm": small_engine("lstm"), "ngrams": small_engine(ngrams=3)}
some_ids = st.lists(st.integers(0, 10), max_size=9)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(sorted(ENGINES)), some_ids.filter(bool), st.lists(some_ids, max_size=5))
def test_it_is_the_sum_over_the_model_read_from_the_start(
    name: str, prompt: list[int], continuations: list[list[int]]
) -> None:
    model = ENGINES[name]
    expected = []
    for ids in continuations:
        total = 0.0
        for place, id in enumerate(ids):
            logits = model.prefill(np.array([[*prompt, *ids[:place]]]), model.initial_state(1))[0][0].tolist()
            total += logits[id] - math.log(math.fsum(map(math.exp, logits)))
        expected.append(total)
    assert log_likelihoods(model, prompt, continuations) == pytest.approx(expected, abs=1e-4)


def test_what_cannot_be_read_is_typed() -> None:
    with pytest.raises(ConfigError, match="the prompt is empty"):
        log_likelihoods(ENGINES["rnn"], [], [[1]])
    with pytest.raises(TokenizerError, match="id 11 in the prompt"):
        log_likelihoods(ENGINES["rnn"], [11], [[1]])
    with pytest.raises(SamplingError, match="id 2 is nan"):
        log_likelihoods(Poisoned(ENGINES["rnn"], 4), [1], [[1, 2], [4, 2]])
