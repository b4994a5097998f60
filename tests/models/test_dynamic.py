"""Dynamic evaluation: scored first, learned from afterwards, and never the same model again."""

import numpy as np
import pytest
import torch

from gen.config import Cell, ModelConfig
from gen.models.dynamic import DynamicEvaluation
from gen.models.initialization import initial_weights
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation


def small_model(cell: Cell = "lstm") -> RecurrentLanguageModel:
    config = ModelConfig(vocabulary_size=11, cell=cell, hidden=16, layers=2, ngrams=3, ngram_rows=64, ngram_width=8)
    model = RecurrentLanguageModel(config)
    model.load_weights(initial_weights(config, seed=3))
    return model


def refrain(length: int) -> np.ndarray:
    """A line of 50 ids, again and again."""
    return np.resize(np.random.default_rng(0).integers(11, size=50), length).astype(np.uint8)


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_it_learns_from_what_comes_again(cell: Cell) -> None:
    ids = refrain(4000)
    still, learning = Validation(small_model(cell), ids), DynamicEvaluation(small_model(cell), ids)
    list(still.run())
    shares = list(learning.run())
    assert shares[-1] == 1 and shares == sorted(shares)
    assert learning.loss < still.loss - 0.03


def test_a_stretch_is_scored_before_it_is_learned_from() -> None:
    ids = refrain(33)  # one stretch
    still, learning = Validation(small_model(), ids), DynamicEvaluation(small_model(), ids)
    list(still.run())
    list(learning.run())
    assert learning.loss == pytest.approx(still.loss, abs=1e-5)


def test_the_last_stretch_may_be_short_and_counts_by_its_tokens() -> None:
    ids = refrain(40)
    one, whole = DynamicEvaluation(small_model(), ids[:33]), DynamicEvaluation(small_model(), ids)
    list(one.run())
    list(whole.run())
    model = one._model  # as it is when the second stretch is scored
    with torch.no_grad():
        _, state = small_model()(torch.from_numpy(ids[:32, None].astype(np.int64)), model.initial_state(1))
        logits, _ = model(torch.from_numpy(ids[32:-1, None].astype(np.int64)), state)
        rest = torch.nn.functional.cross_entropy(logits[:, 0], torch.from_numpy(ids[33:].astype(np.int64)))
    assert whole.loss == pytest.approx((32 * one.loss + 7 * rest.item()) / 39, abs=1e-5)
