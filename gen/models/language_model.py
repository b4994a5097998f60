"""The recurrent language model: embedding, with or without that of n-grams, encoder, linear output."""

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gen.config import ModelConfig
from gen.models.cross_entropy import output_cross_entropy
from gen.models.ngram_embedding import NgramEmbedding
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
        self.ngram_embedding: NgramEmbedding | None = None
        if config.ngrams > 1:
            width = min(config.ngram_width, config.hidden)
            self.ngram_embedding = NgramEmbedding(config.ngrams, config.ngram_rows, width)
        self.encoder = RecurrentEncoder(
            config.cell, config.hidden, config.hidden, config.layers, residual=config.first_residual
        )
        self.output = nn.Linear(config.hidden, config.vocabulary_size)
        if config.tied:
            self.output.register_parameter("weight", None)

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return self.config.vocabulary_size

    @property
    def output_weight(self) -> Float[Tensor, "V H"]:
        """What the output multiplies by: the embedding where the two are tied."""
        return self.embedding.weight if self.config.tied else self.output.weight

    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Copy named arrays into the parameters (all of them, shapes as in `config.parameter_shapes()`)."""
        self.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the parameters as arrays."""
        return {name: tensor.detach().to("cpu", copy=True).numpy() for name, tensor in self.state_dict().items()}

    def initial_state(self, batch: int) -> RecurrentState[Tensor]:
        """Zeros, (L, B, H), and with n-grams (N - 1, B)."""
        state = self.encoder.initial_state(batch)
        if self.ngram_embedding is None:
            return state
        context = torch.zeros(self.config.ngrams - 1, batch, dtype=torch.long, device=self.output.bias.device)
        return RecurrentState((*state.arrays, context))

    def forward(
        self, ids: Integer[Tensor, "T B"], state: RecurrentState[Tensor], dropout: Dropout | None = None
    ) -> tuple[Float[Tensor, "T B V"], RecurrentState[Tensor]]:
        """Logits for the token after each of T, time first, and the state after the last."""
        output, state = self.encode(ids, state, dropout)
        return self._score(output), state

    def loss(
        self,
        ids: Integer[Tensor, "T B"],
        targets: Integer[Tensor, "T B"],
        state: RecurrentState[Tensor],
        dropout: Dropout | None = None,
        *,
        reduction: Literal["mean", "sum"] = "mean",
    ) -> tuple[Float[Tensor, ""], RecurrentState[Tensor]]:
        """Nats that the targets cost, each after its id, and the state after the last; logits are never all there."""
        output, state = self.encode(ids, state, dropout)
        rows = output.flatten(0, 1)
        return output_cross_entropy(
            rows, self.output_weight, self.output.bias, targets.flatten(), reduction=reduction
        ), state

    def encode(
        self, ids: Integer[Tensor, "T B"], state: RecurrentState[Tensor], dropout: Dropout | None = None
    ) -> tuple[Float[Tensor, "T B H"], RecurrentState[Tensor]]:
        """What the output is computed from, after each id, and the state after the last."""
        x = self.embedding(ids)
        if self.ngram_embedding is None:
            return self.encoder(x, state, dropout)  # type: ignore[no-any-return]
        *arrays, context = state.arrays
        mask = None if dropout is None else dropout.ngrams((len(context), *ids.shape))
        sums, context = self.ngram_embedding(ids, context, mask)
        x = x + functional.pad(sums, (0, self.config.hidden - sums.size(-1)))
        output, state = self.encoder(x, RecurrentState(tuple(arrays)), dropout)
        return output, RecurrentState((*state.arrays, context))

    def prefill(
        self, ids: Integer[Tensor, "B T"], state: RecurrentState[Tensor]
    ) -> tuple[Float[Tensor, "B V"], RecurrentState[Tensor]]:
        """Read T ids a row; return the logits after the last."""
        output, state = self.encode(ids.T, state)
        return self._score(output[-1]), state

    def step(
        self, ids: Integer[Tensor, " B"], state: RecurrentState[Tensor]
    ) -> tuple[Float[Tensor, "B V"], RecurrentState[Tensor]]:
        """Read one id a row."""
        return self.prefill(ids[:, None], state)

    def _score(self, output: Tensor) -> Tensor:
        return functional.linear(output, self.output_weight, self.output.bias)
