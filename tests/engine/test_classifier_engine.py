"""The classifier in numpy beside that in torch, and probabilities beside their definitions."""

from typing import Any

import numpy as np
import pytest
import torch

from gen.engine.classifier_engine import ClassifierEngine, probabilities
from tests.models.test_classifier import CELLS, POOLINGS, random_classifier


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(
    "shape", [{"embedding": 4}, {"ngrams": 3, "ngram_rows": 16, "ngram_width": 4, "residual": True}, {"residual": True}]
)
def test_it_computes_what_torch_computes(cell: Any, pooling: Any, shape: dict[str, Any]) -> None:
    classifier = random_classifier(cell, pooling, **shape).float()
    with torch.no_grad():
        for parameter in classifier.parameters():  # biases, too
            parameter.copy_(
                torch.randn(parameter.shape, generator=torch.Generator().manual_seed(parameter.numel())) / 2
            )
    lengths = np.array([6, 1, 3, 0])
    ids = np.random.default_rng(0).integers(0, 7, (6, 4))
    expected = classifier(torch.from_numpy(ids), torch.from_numpy(lengths)).detach().numpy()
    found = ClassifierEngine(classifier.config, classifier.classifier, classifier.weights()).logits(ids, lengths)
    assert np.abs(found - expected).max() <= 1e-5


def test_probabilities_are_a_sigmoid_or_a_softmax() -> None:
    numbers = np.array([[0.3], [-800.0], [800.0]], np.float32)
    assert np.allclose(probabilities(numbers)[:, 1], [1 / (1 + np.exp(-0.3)), 0, 1])
    several = np.array([[1.0, 2.0, -900.0]])
    expected = np.exp([1.0, 2.0]) / np.exp([1.0, 2.0]).sum()
    assert np.allclose(probabilities(several)[0], [*expected, 0])
    assert np.allclose(probabilities(several).sum(1), 1)
