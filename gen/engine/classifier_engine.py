"""The classifier's forward pass in numpy, many sequences side by side, without torch.

The equations are those of `gen.models.recurrent`, with sigmoid(x) = (1 + tanh(x / 2)) / 2, one tanh for all gates.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import GATES, ClassifierConfig, ModelConfig
from gen.ngrams import ngram_rows

Array = NDArray[np.floating[Any]]


def probabilities(logits: Array) -> NDArray[np.float64]:
    """The probabilities (B, C) of the classes from a head's numbers (B, outputs): a sigmoid of one, else a softmax."""
    numbers = logits.astype(np.float64)
    if numbers.shape[1] == 1:
        numbers = np.concatenate([np.zeros_like(numbers), numbers], axis=1)  # the sigmoid is a softmax beside 0
    likely = np.exp(numbers - numbers.max(axis=1, keepdims=True))
    return np.asarray(likely / likely.sum(axis=1, keepdims=True))


class ClassifierEngine:
    """A classifier over numpy arrays. Immutable, safe to share between threads.

    Args:
        model: the shape of its encoder.
        classifier: its labels and its head.
        weights: named arrays as in `classifier.parameter_shapes(model)`.
    """

    def __init__(self, model: ModelConfig, classifier: ClassifierConfig, weights: Mapping[str, NDArray[Any]]) -> None:
        self._model = model
        self._classifier = classifier
        self._embedding = np.asarray(weights["embedding.weight"])
        self._ngrams = np.asarray(weights["ngram_embedding.weight"]) if model.ngrams > 1 else None
        self._layers = [_Layer(model, weights, f"encoder.layers.{index}.") for index in range(model.layers)]
        self._first_residual = model.layers if model.first_residual is None else model.first_residual
        self._head_weight = np.ascontiguousarray(weights["head.weight"].T)
        self._head_bias = np.asarray(weights["head.bias"])

    def logits(self, ids: NDArray[np.int64], lengths: NDArray[np.int64]) -> Array:
        """The head's numbers (B, outputs) for sequences ids (T, B), of which `lengths` (B,) ids count."""
        x = self._embedding[ids]
        if self._ngrams is not None:
            x[:, :, : self._ngrams.shape[1]] += self._ngram_sums(ids, self._ngrams)
        for index, layer in enumerate(self._layers):
            outputs = layer.run(x)
            x = x + outputs if index >= self._first_residual else outputs
        return np.asarray(self._pooled(x, lengths) @ self._head_weight + self._head_bias)

    def _ngram_sums(self, ids: NDArray[np.int64], table: Array) -> Array:
        order = self._model.ngrams
        symbols = np.concatenate([np.zeros((order - 1, ids.shape[1]), np.int64), ids + 1])
        shifted = [symbols[order - 1 - k : order - 1 - k + len(ids)] for k in range(order)]
        return np.asarray(sum(table[rows] for rows in ngram_rows(shifted, len(table))))

    def _pooled(self, outputs: Array, lengths: NDArray[np.int64]) -> Array:
        pooling = self._classifier.pooling
        inside = (np.arange(len(outputs))[:, None] < lengths)[:, :, None]
        parts = []
        if pooling in ("last", "all"):
            parts.append(outputs[np.maximum(lengths - 1, 0), np.arange(len(lengths))])
        if pooling in ("mean", "all"):
            parts.append((outputs * inside).sum(0) / np.maximum(lengths, 1)[:, None].astype(outputs.dtype))
        if pooling in ("max", "all"):
            parts.append(np.where(inside, outputs, -np.inf).max(0))
        return np.where((lengths == 0)[:, None], 0, np.concatenate(parts, axis=1)).astype(outputs.dtype)


class _Layer:
    """One layer: its gates' weights as (inputs, gates), those of sigmoids halved."""

    def __init__(self, model: ModelConfig, weights: Mapping[str, NDArray[Any]], prefix: str) -> None:
        size = model.hidden
        halved = np.full(GATES[model.cell] * size, 0.5, np.float32)
        candidate = {"rnn": slice(0, size), "lstm": slice(2 * size, 3 * size), "gru": slice(2 * size, None)}[model.cell]
        halved[candidate] = 1
        self._size = size
        self._step = {"rnn": self._rnn, "lstm": self._lstm, "gru": self._gru}[model.cell]
        self._input_weight = np.ascontiguousarray((weights[prefix + "input_weight"] * halved[:, None]).T)
        self._recurrent_weight = np.ascontiguousarray((weights[prefix + "recurrent_weight"] * halved[:, None]).T)
        self._bias = weights[prefix + "bias"] * halved
        if model.cell == "gru":
            self._recurrent_bias = np.asarray(weights[prefix + "recurrent_bias"])

    def run(self, x: Array) -> Array:
        """The outputs (T, B, H) for inputs (T, B, I), from the zero state."""
        products = x @ self._input_weight + self._bias
        outputs = np.empty((*x.shape[:2], self._size), x.dtype)
        h = c = np.zeros(outputs.shape[1:], x.dtype)
        for product, output in zip(products, outputs, strict=True):
            h, c = self._step(product, h @ self._recurrent_weight, h, c)
            output[:] = h
        return outputs

    def _rnn(self, inputs: Array, recurrent: Array, h: Array, c: Array) -> tuple[Array, Array]:
        return np.tanh(inputs + recurrent), c

    def _lstm(self, inputs: Array, recurrent: Array, h: Array, c: Array) -> tuple[Array, Array]:
        curved = np.tanh(inputs + recurrent)
        i, f, g, o = np.split(curved, 4, axis=1)
        c = ((1 + f) * c + (1 + i) * g) / 2
        return (1 + o) / 2 * np.tanh(c), c

    def _gru(self, inputs: Array, recurrent: Array, h: Array, c: Array) -> tuple[Array, Array]:
        size = self._size
        sigmoids = (1 + np.tanh(inputs[:, : 2 * size] + recurrent[:, : 2 * size])) / 2
        r, z = np.split(sigmoids, 2, axis=1)
        n = np.tanh(inputs[:, 2 * size :] + r * (recurrent[:, 2 * size :] + self._recurrent_bias))
        return n + z * (h - n), c
