"""The classifier: pooling against its definition, padding that changes nothing, and its loss."""

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from gen.config import Cell, ClassifierConfig, ModelConfig, Pooling
from gen.models.classifier import RecurrentClassifier, class_loss, pool
from gen.models.initialization import initial_weights
from gen.models.language_model import RecurrentLanguageModel

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")
POOLINGS: tuple[Pooling, ...] = ("last", "mean", "max", "all")


def random_classifier(
    cell: Cell = "lstm", pooling: Pooling = "all", labels: int = 3, embedding: int | None = None, **shape: Any
) -> RecurrentClassifier:
    model = ModelConfig(**{"vocabulary_size": 7, "cell": cell, "layers": 2, "hidden": 6} | shape)
    config = ClassifierConfig(labels=tuple("abcdefg"[:labels]), pooling=pooling, embedding=embedding)
    classifier = RecurrentClassifier(model, config)
    classifier.load_weights(initial_weights(model, 3, config))
    if model.ngrams > 1:
        assert classifier.ngram_embedding is not None
        torch.nn.init.normal_(classifier.ngram_embedding.weight)
    return classifier.double()


@pytest.mark.parametrize("pooling", POOLINGS)
def test_pooling_is_what_its_name_says(pooling: Pooling) -> None:
    outputs = torch.randn(5, 3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    lengths = torch.tensor([5, 2, 0])
    found = pool(outputs, lengths, pooling)
    for row, length in enumerate(lengths.tolist()):
        seen = outputs[:length, row]
        parts = {"last": seen[-1], "mean": seen.mean(0), "max": seen.max(0).values} if length else {}
        chosen = list(parts.values()) if pooling == "all" else [parts[pooling]] if length else []
        expected = torch.cat(chosen) if length else torch.zeros(found.size(1))
        assert torch.allclose(found[row], expected.double(), atol=1e-14)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("pooling", POOLINGS)
@pytest.mark.parametrize(
    "shape", [{"embedding": 4}, {"ngrams": 3, "ngram_rows": 16, "ngram_width": 4, "residual": True}]
)
def test_what_stands_beside_a_sequence_changes_nothing(cell: Cell, pooling: Pooling, shape: dict[str, Any]) -> None:
    classifier = random_classifier(cell, pooling, **shape)
    lengths = torch.tensor([6, 1, 3])
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 7, (6, 3)))
    together = classifier(ids, lengths)
    for row, length in enumerate(lengths.tolist()):
        alone = classifier(ids[:length, row : row + 1], lengths[row : row + 1])
        assert (alone[0] - together[row]).abs().max() <= 1e-12
    other = torch.where(torch.arange(6)[:, None] < lengths, ids, 5)
    assert torch.equal(classifier(other, lengths), together)


def test_padding_gets_no_gradient() -> None:
    classifier = random_classifier()
    lengths = torch.tensor([4, 2])
    ids = torch.tensor([[1, 1], [1, 1], [1, 6], [1, 6]])  # 6 is padding only
    class_loss(classifier(ids, lengths), torch.tensor([0, 1])).backward()  # type: ignore[no-untyped-call]
    gradient = classifier.embedding.weight.grad
    assert gradient is not None and gradient[1].any() and not gradient[6].any()


def test_the_features_are_the_language_models_outputs() -> None:
    shape = ModelConfig(vocabulary_size=7, layers=2, hidden=6, ngrams=3, ngram_rows=16, ngram_width=4, residual=True)
    language = RecurrentLanguageModel(shape)
    weights = initial_weights(shape, 5)
    weights["ngram_embedding.weight"] = np.random.default_rng(1).standard_normal((16, 4)).astype(np.float32)
    language.load_weights(weights)
    config = ClassifierConfig(labels=("a", "b"))
    classifier = RecurrentClassifier(shape, config)
    own = initial_weights(shape, 5, config)
    classifier.load_weights(own | {name: array for name, array in weights.items() if name in own})
    ids = torch.from_numpy(np.random.default_rng(0).integers(0, 7, (6, 3)))
    features = classifier.features(ids, torch.tensor([6, 6, 6]))
    logits, _ = language(ids, language.initial_state(3))
    assert torch.allclose(language.output(features), logits[-1], atol=1e-6)


def test_the_loss_of_two_classes_is_binary_and_of_more_categorical() -> None:
    numbers = torch.tensor([[0.3], [-2.0]])
    expected = -(math.log(1 / (1 + math.exp(-0.3))) + math.log(1 - 1 / (1 + math.exp(2.0)))) / 2
    assert class_loss(numbers, torch.tensor([1, 0])).item() == pytest.approx(expected)
    both = torch.cat([torch.zeros(2, 1), numbers], dim=1)  # the softmax beside 0 is the sigmoid
    assert class_loss(both, torch.tensor([1, 0])).item() == pytest.approx(expected)
    assert random_classifier(labels=2).head.out_features == 1
    assert random_classifier(labels=3).head.out_features == 3


class Half:
    """In the place of dropout: what it touches is halved."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def layer(self, output: Tensor) -> Tensor:
        self.shapes.append(tuple(output.shape))
        return output / 2

    def ngrams(self, shape: tuple[int, int, int]) -> Tensor | None:
        raise AssertionError("vectors of n-grams are not trained")

    def recurrent(self, shape: tuple[int, int, int]) -> Tensor | None:
        self.shapes.append(shape)
        return torch.full(shape, 0.5, dtype=torch.float64)


def test_dropout_is_of_the_embedding_each_layer_and_the_state() -> None:
    classifier, half = random_classifier(embedding=4), Half()
    ids, lengths = torch.tensor([[1, 2], [3, 4]]), torch.tensor([2, 2])
    dropped = classifier(ids, lengths, half)
    assert half.shapes == [(2, 2, 4), (2, 2, 6), (2, 2, 6), (2, 2, 6)]  # embedding, states, two layers
    assert not torch.allclose(dropped, classifier(ids, lengths))


@pytest.mark.parametrize("embedding", [None, 2, 9])
def test_weights_have_the_shapes_that_are_called_for(embedding: int | None) -> None:
    model = ModelConfig(vocabulary_size=7, cell="gru", layers=2, hidden=6)
    config = ClassifierConfig(labels=("a", "b"), embedding=embedding)
    weights = initial_weights(model, 3, config)
    assert {name: array.shape for name, array in weights.items()} == config.parameter_shapes(model)
    gate = weights["encoder.layers.0.input_weight"][:6].astype(np.float64)
    narrow = gate.T @ gate if gate.shape[1] <= 6 else gate @ gate.T
    assert np.allclose(narrow, np.eye(len(narrow)), atol=1e-6)
