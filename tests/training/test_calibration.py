"""The factor of the n-grams: the best of those that were tried, and none where there are none."""

import numpy as np
import pytest

from gen.config import ModelConfig
from gen.models.initialization import initial_weights
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation
from gen.training.calibration import _FACTORS, calibrate

IDS = np.random.default_rng(0).integers(7, size=3000).astype(np.uint8)


def model_with(scale: float, ngrams: int = 3) -> RecurrentLanguageModel:
    config = ModelConfig(vocabulary_size=7, hidden=8, layers=1, residual=True, ngrams=ngrams, ngram_rows=64)
    weights = initial_weights(config, seed=0)
    if ngrams > 1:
        draws = np.random.default_rng(1)
        weights["ngram_embedding.weight"] = (scale * draws.standard_normal((64, 8))).astype(np.float32)
    model = RecurrentLanguageModel(config)
    model.load_weights(weights)
    return model


def loss(model: RecurrentLanguageModel) -> float:
    validation = Validation(model, IDS, rows=8, tokens=2000)
    list(validation.run())
    return validation.loss


def test_it_is_the_best_of_its_factors() -> None:
    model = model_with(2.0)  # noise: the less of it the better
    learned = model.weights()["ngram_embedding.weight"]
    losses = {factor: loss(model_with(2.0 * factor)) for factor in _FACTORS}
    factor = calibrate(model, IDS, rows=8, tokens=2000)
    assert factor == min(losses, key=losses.__getitem__) == 0.7
    assert np.array_equal(model.weights()["ngram_embedding.weight"], learned * np.float32(factor))
    assert loss(model) == pytest.approx(losses[factor], abs=1e-6)


def test_without_ngrams_nothing_changes() -> None:
    model = model_with(0.0, ngrams=1)
    before = model.weights()
    assert calibrate(model, IDS, rows=8, tokens=2000) == 1.0
    assert all(np.array_equal(before[name], array) for name, array in model.weights().items())
