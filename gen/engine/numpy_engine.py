"""The sampling engine's reference: the models' step in numpy, row by row.

A row is computed alone, by the same calls at every batch size, so its logits have the same bits however many others
stand beside it (a matrix product over all rows would not promise that). They do depend on the processor and, where
BLAS is left more than one thread, on their number. Work is saved where it costs no exactness:

* the first layer's input product is a table with a row for each id, made once while that is small (what n-grams add to
  it is not);
* sigmoid(x) = (1 + tanh(x / 2)) / 2, with the halving folded into the weights (exact in binary), so one tanh serves all
  gates of a layer, and the sigmoids' share of them stands side by side;
* weights are kept as (inputs, gates): a product then adds up whole rows of them, which BLAS does faster than dot
  products, and everything after it happens in place.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import GATES, Cell, ModelConfig
from gen.ngrams import ngram_rows
from gen.protocols import Ids, RecurrentState

Array = NDArray[np.float32]

_ORDER: Mapping[Cell, tuple[tuple[int, float], ...]] = {
    "rnn": ((0, 1.0),),
    "lstm": ((0, 0.5), (1, 0.5), (3, 0.5), (2, 1.0)),
    "gru": ((0, 0.5), (1, 0.5), (2, 1.0)),
}
"""The gates as the engine keeps them, sigmoids first: which of the parameter's gates, and its factor."""
_LARGEST_TABLE = 2**21  # numbers; the native engine's, too
_HALF = np.array(0.5, np.float32)  # ufuncs take an array faster than a number


@dataclass(frozen=True, slots=True)
class _Layer:
    """One layer's weights, (H, G * H), and biases, (G * H,)."""

    input_weight: Array
    recurrent_weight: Array
    bias: Array
    recurrent_bias: Array | None


def zeros(config: ModelConfig, batch: int) -> RecurrentState[Array]:
    """The state before anything was read, (L, B, H), and with n-grams (N - 1, B)."""
    shape = (config.layers, batch, config.hidden)
    arrays = [np.zeros(shape, np.float32) for _ in range(2 if config.cell == "lstm" else 1)]
    if config.ngrams > 1:
        arrays.append(np.zeros((config.ngrams - 1, batch), np.int64))
    return RecurrentState(tuple(arrays))


class NumpyEngine:
    """A `LanguageModel` over numpy arrays, for sampling on the processor without torch.

    Immutable, safe to share between threads.

    Args:
        config: the model's shape.
        weights: named arrays as in `config.parameter_shapes()`; they are copied.
    """

    def __init__(self, config: ModelConfig, weights: Mapping[str, NDArray[Any]]) -> None:
        self.config = config
        self._cell = _CELLS[config.cell]
        self._layers = [_layer(config, weights, f"encoder.layers.{index}.") for index in range(config.layers)]
        self._embedding = np.array(weights["embedding.weight"], np.float32)
        first = self._layers[0]
        self._table: Array | None = None
        if config.vocabulary_size * len(first.bias) <= _LARGEST_TABLE:
            self._table = self._embedding @ first.input_weight + first.bias
        self._ngram_table: Array | None = None
        if config.ngrams > 1:
            self._ngram_table = np.array(weights["ngram_embedding.weight"], np.float32)
            self._ngram_weight = first.input_weight[: self._ngram_table.shape[1]]
        self._first_residual = config.layers if config.first_residual is None else config.first_residual
        self._output_weight = np.array(weights[config.output_weight].T, np.float32, order="C")
        self._output_bias = np.array(weights["output.bias"], np.float32)

    name = "numpy fp32"
    """What a seed reproduces for."""

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return self.config.vocabulary_size

    def initial_state(self, batch: int) -> RecurrentState[Array]:
        """Zeros, (L, B, H), and with n-grams (N - 1, B)."""
        return zeros(self.config, batch)

    def step(self, ids: Ids, state: RecurrentState[Array]) -> tuple[Array, RecurrentState[Array]]:
        """Read one id a row (B,); return logits (B, V) and the new state."""
        return self.prefill(ids[:, None], state)

    def prefill(self, ids: Ids, state: RecurrentState[Array]) -> tuple[Array, RecurrentState[Array]]:
        """Read T ids a row (B, T); return the logits after the last (B, V) and the new state."""
        new = state.map(np.copy)
        logits = np.empty((len(ids), self.vocabulary_size), np.float32)
        for row, sequence in enumerate(ids.tolist()):
            arrays = [array[:, row] for array in new.arrays]
            for token in sequence:
                output = self._advance(token, arrays)
            output.dot(self._output_weight, logits[row])
        logits += self._output_bias
        return logits, new

    def _advance(self, token: int, state: list[Array]) -> Array:
        """Read one id for one row, whose state, each (L, H), is moved in place; return the last layer's output (H,)."""
        x: Array = self._embedding[token]
        product: Array | None = None if self._table is None else self._table[token]
        if self._ngram_table is not None:
            *state, context = state
            symbols = [token + 1, *context.tolist()]
            ngrams = self._ngram_table[list(ngram_rows(symbols, len(self._ngram_table)))].sum(0)
            context[:] = symbols[:-1]
            x = x.copy()
            x[: len(ngrams)] += ngrams
            if product is not None:
                product = product + ngrams.dot(self._ngram_weight)
        for index, layer in enumerate(self._layers):
            inputs = x.dot(layer.input_weight) + layer.bias if index or product is None else product
            arrays = [array[index] for array in state]
            recurrent = arrays[0].dot(layer.recurrent_weight)
            if layer.recurrent_bias is not None:
                recurrent += layer.recurrent_bias
            output = self._cell(inputs, recurrent, *arrays)
            x = x + output if index >= self._first_residual else output
        return x


def _layer(config: ModelConfig, weights: Mapping[str, NDArray[Any]], prefix: str) -> _Layer:
    def gates(name: str) -> Array:
        blocks = np.split(np.asarray(weights[prefix + name], np.float32), GATES[config.cell])
        return np.concatenate([blocks[gate] * factor for gate, factor in _ORDER[config.cell]])

    recurrent_bias = None
    if config.cell == "gru":  # of the candidate, the last of its gates
        recurrent_bias = np.zeros(3 * config.hidden, np.float32)
        recurrent_bias[2 * config.hidden :] = weights[prefix + "recurrent_bias"]
    return _Layer(
        input_weight=np.ascontiguousarray(gates("input_weight").T),
        recurrent_weight=np.ascontiguousarray(gates("recurrent_weight").T),
        bias=gates("bias"),
        recurrent_bias=recurrent_bias,
    )


# A cell takes the input product, which it leaves alone, the recurrent product, which it uses up, and the layer's state,
# each (H,), which it moves in place. It returns the state's h, the layer's output.


def _rnn(inputs: Array, product: Array, h: Array) -> Array:
    product += inputs
    return np.tanh(product, h)


def _lstm(inputs: Array, product: Array, h: Array, c: Array) -> Array:
    size = len(h)
    product += inputs
    np.tanh(product, product)
    sigmoids = product[: 3 * size]
    sigmoids *= _HALF
    sigmoids += _HALF
    written = product[3 * size :]
    written *= product[:size]
    c *= product[size : 2 * size]
    c += written
    np.tanh(c, h)
    h *= product[2 * size : 3 * size]
    return h


def _gru(inputs: Array, product: Array, h: Array) -> Array:
    size = len(h)
    sigmoids, candidate = product[: 2 * size], product[2 * size :]
    sigmoids += inputs[: 2 * size]
    np.tanh(sigmoids, sigmoids)
    sigmoids *= _HALF
    sigmoids += _HALF
    candidate *= sigmoids[:size]
    candidate += inputs[2 * size :]
    np.tanh(candidate, candidate)
    h -= candidate
    h *= sigmoids[size:]
    h += candidate
    return h


_CELLS: Mapping[Cell, Callable[..., Array]] = {"rnn": _rnn, "lstm": _lstm, "gru": _gru}
