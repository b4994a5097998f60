"""The recurrent language model: embedding, encoder, linear output."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor, nn

from gen.config import ModelConfig
from gen.models.recurrent import Dropout, RecurrentEncoder
from gen.protocols import RecurrentState


class RecurrentLanguageModel(nn.Module):
    """A stacked recurrent network that predicts the next token; a `LanguageModel` over torch tensors.

    Args:
        config: its shape. Weights are not set: use `load_weights`.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary_size, config.hidden)
        self.encoder = RecurrentEncoder(
            config.cell, config.hidden, config.hidden, config.layers, residual=config.residual
        )
        self.output = nn.Linear(config.hidden, config.vocabulary_size)

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return self.config.vocabulary_size

    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Copy named arrays into the parameters (all of them, shapes as in `config.parameter_shapes()`)."""
        self.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the parameters as arrays."""
        return {name: tensor.detach().to("cpu", copy=True).numpy() for name, tensor in self.state_dict().items()}

    def initial_state(self, batch: int) -> RecurrentState[Tensor]:
        """Zeros, (L, B, H)."""
        return self.encoder.initial_state(batch)

    def forward(
        self, ids: Integer[Tensor, "T B"], state: RecurrentState[Tensor], dropout: Dropout | None = None
    ) -> tuple[Float[Tensor, "T B V"], RecurrentState[Tensor]]:
        """Logits for the token after each of T, time first, and the state after the last."""
        output, state = self.encoder(self.embedding(ids), state, dropout)
        return self.output(output), state

    def prefill(
        self, ids: Integer[Tensor, "B T"], state: RecurrentState[Tensor]
    ) -> tuple[Float[Tensor, "B V"], RecurrentState[Tensor]]:
        """Read T ids a row; return the logits after the last."""
        output, state = self.encoder(self.embedding(ids.T), state)
        return self.output(output[-1]), state

    def step(
        self, ids: Integer[Tensor, " B"], state: RecurrentState[Tensor]
    ) -> tuple[Float[Tensor, "B V"], RecurrentState[Tensor]]:
        """Read one id a row."""
        return self.prefill(ids[:, None], state)
