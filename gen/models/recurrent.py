"""One encoder for the three recurrent cells, as a pure function of input and state.

    rnn   h_t = tanh(W x_t + U h_{t-1} + b)                                             (Elman 1990)
    lstm  i, f, o = sigmoid(...), g = tanh(W x_t + U h_{t-1} + b)                       (Hochreiter & Schmidhuber 1997)
          c_t = f * c_{t-1} + i * g,  h_t = o * tanh(c_t)                               (forget gate: Gers 2000)
    gru   r, z = sigmoid(W x_t + U h_{t-1} + b),  n = tanh(W_n x_t + b_n + r * (U_n h_{t-1} + u_n))
          h_t = (1 - z) * n + z * h_{t-1}                                               (Cho 2014, reset-after)

Rows of W (`input_weight`) and U (`recurrent_weight`) stand gate by gate: LSTM i f g o, GRU r z n.
"""

import warnings
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from gen.config import GATES, Cell
from gen.models.cells import run_cell
from gen.protocols import RecurrentState

# cuDNN copies a layer's weights together at each call where they are fp32; autocast, which is the rule, does so itself
warnings.filterwarnings("ignore", message="RNN module weights are not part of single contiguous chunk")


@runtime_checkable
class Dropout(Protocol):
    """What training leaves out of one chunk."""

    def layer(self, output: Tensor) -> Tensor:
        """A layer's output (T, B, H), without some of its units."""

    def ngrams(self, shape: tuple[int, int, int]) -> Tensor | None:
        """Factors (N - 1, T, B) for the vectors of n-grams."""


class RecurrentLayer(nn.Module):
    """One layer of one cell, through torch's fused kernels (oneDNN, cuDNN) or, where it has none, our own."""

    def __init__(self, cell: Cell, inputs: int, hidden: int) -> None:
        super().__init__()
        rows = GATES[cell] * hidden
        self.cell = cell
        self.hidden = hidden
        self.input_weight = nn.Parameter(torch.empty(rows, inputs))
        self.recurrent_weight = nn.Parameter(torch.empty(rows, hidden))
        self.bias = nn.Parameter(torch.empty(rows))
        if cell == "gru":
            self.recurrent_bias = nn.Parameter(torch.empty(hidden))

    def forward(
        self, x: Tensor, state: tuple[Tensor, ...], mask: Tensor | None = None
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Read x (T, B, inputs) from `state`, each (1, B, H); return the outputs (T, B, H) and the new state.

        A `mask` (B, H) multiplies h_{t-1} in the recurrent product.
        """
        weights: tuple[Tensor, ...] = (self.input_weight, self.recurrent_weight, self.bias)
        if self.cell == "gru":
            weights = (*weights, self.recurrent_bias)
        if mask is not None or (self.cell != "lstm" and x.device.type == "cpu"):
            output, after = run_cell(self.cell, x, tuple(array[0] for array in state), weights, mask)
            return output, tuple(array[None] for array in after)
        recurrent_bias = torch.zeros_like(self.bias)
        if self.cell == "gru":
            recurrent_bias = torch.cat([recurrent_bias[self.hidden :], self.recurrent_bias])
        # biases, layers, dropout, train, both ways, batch first
        flags: Any = (True, 1, 0.0, self.training, False, False)
        everything = [*weights[:3], recurrent_bias]
        if self.cell == "lstm":
            output, *new = torch.lstm(x, state, everything, *flags)
        else:
            function = torch.gru if self.cell == "gru" else torch.rnn_tanh
            output, *new = function(x, state[0], everything, *flags)
        return output, tuple(new)


class RecurrentEncoder(nn.Module):
    """A stack of layers of one cell.

    Args:
        cell: which.
        inputs: size of the input vectors.
        hidden: H.
        layers: L.
        residual: number of the first layer (from 0) whose input is added to its output, as it is for all layers above;
            None adds none. It must be 1 or more where the inputs are not of size H.
    """

    def __init__(self, cell: Cell, inputs: int, hidden: int, layers: int, *, residual: int | None = None) -> None:
        super().__init__()
        self.residual = layers if residual is None else residual
        self.layers = nn.ModuleList(RecurrentLayer(cell, hidden if i else inputs, hidden) for i in range(layers))
        self._arrays = 2 if cell == "lstm" else 1
        self._hidden = hidden

    def initial_state(self, batch: int) -> RecurrentState[Tensor]:
        """Zeros, on the device of the weights."""
        weight = next(self.parameters())
        shape = (len(self.layers), batch, self._hidden)
        return RecurrentState(tuple(weight.new_zeros(shape) for _ in range(self._arrays)))

    def forward(
        self,
        x: Float[Tensor, "T B inputs"],
        state: RecurrentState[Tensor],
        dropout: Dropout | None = None,
        masks: Float[Tensor, "L B H"] | None = None,
    ) -> tuple[Float[Tensor, "T B H"], RecurrentState[Tensor]]:
        """Read T inputs; return the last layer's outputs and the state after them.

        Args:
            x: the inputs.
            state: before them.
            dropout: of what a layer hands on.
            masks: of each layer, what multiplies h_{t-1} in its recurrent product: recurrent dropout.
        """
        states = []
        for index, layer in enumerate(self.layers):
            mask = None if masks is None else masks[index]
            output, new = layer(x, tuple(array[index : index + 1] for array in state.arrays), mask)
            states.append(new)
            if dropout is not None:
                output = dropout.layer(output)
            x = x + output if index >= self.residual else output
        return x, RecurrentState(tuple(torch.cat(arrays) for arrays in zip(*states, strict=True)))
