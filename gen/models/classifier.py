"""The recurrent classifier: embedding, encoder, what of its outputs is pooled, and a linear head."""

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Float, Integer
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gen.config import ClassifierConfig, ModelConfig, Pooling
from gen.models.ngram_embedding import NgramEmbedding
from gen.models.recurrent import Dropout, RecurrentEncoder


@runtime_checkable
class SequenceDropout(Dropout, Protocol):
    """What training leaves out of a batch of sequences."""

    def recurrent(self, shape: tuple[int, int, int]) -> Tensor | None:
        """Factors (L, B, H) of h_{t-1} in the recurrent products; None leaves them alone."""


def pool(outputs: Float[Tensor, "T B H"], lengths: Integer[Tensor, " B"], pooling: Pooling) -> Float[Tensor, "B F"]:
    """Features of sequences from the outputs of their first `lengths` steps; zeros for one that has none."""
    inside = (torch.arange(len(outputs), device=lengths.device)[:, None] < lengths)[:, :, None]
    parts = []
    if pooling in ("last", "all"):
        rows = torch.arange(len(lengths), device=lengths.device)
        parts.append(outputs[(lengths - 1).clamp(min=0), rows])
    if pooling in ("mean", "all"):
        parts.append((outputs * inside).sum(0) / lengths.clamp(min=1)[:, None])
    if pooling in ("max", "all"):
        parts.append(outputs.masked_fill(~inside, -torch.inf).amax(0))
    features = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    return features.masked_fill((lengths == 0)[:, None], 0)


def class_loss(logits: Float[Tensor, "B outputs"], targets: Integer[Tensor, " B"]) -> Tensor:
    """The mean cross-entropy in nats: binary from one number's sigmoid, categorical from the softmax of several."""
    if logits.size(1) == 1:
        return functional.binary_cross_entropy_with_logits(logits[:, 0], targets.to(logits.dtype))
    return functional.cross_entropy(logits, targets)


class RecurrentClassifier(nn.Module):
    """A stacked recurrent network that reads a sequence and names its class. Padding changes nothing.

    Args:
        model: the shape of its encoder.
        classifier: its labels and its head. Weights are not set: use `load_weights`.
    """

    def __init__(self, model: ModelConfig, classifier: ClassifierConfig) -> None:
        super().__init__()
        self.config = model
        self.classifier = classifier
        inputs = classifier.inputs(model)
        self.embedding = nn.Embedding(model.vocabulary_size, inputs)
        self.ngram_embedding: NgramEmbedding | None = None
        if model.ngrams > 1:
            width = min(model.ngram_width, model.hidden)
            self.ngram_embedding = NgramEmbedding(model.ngrams, model.ngram_rows, width)
        self.encoder = RecurrentEncoder(model.cell, inputs, model.hidden, model.layers, residual=model.first_residual)
        self.head = nn.Linear(classifier.features(model), classifier.outputs)

    def load_weights(self, weights: Mapping[str, NDArray[Any]]) -> None:
        """Copy named arrays into the parameters (all of them, shapes as in `classifier.parameter_shapes(model)`)."""
        self.load_state_dict({name: torch.tensor(array) for name, array in weights.items()})

    def weights(self) -> dict[str, NDArray[np.float32]]:
        """A copy of the parameters as arrays."""
        return {name: tensor.detach().to("cpu", copy=True).numpy() for name, tensor in self.state_dict().items()}

    def features(
        self, ids: Integer[Tensor, "T B"], lengths: Integer[Tensor, " B"], dropout: SequenceDropout | None = None
    ) -> Float[Tensor, "B F"]:
        """What the head reads of sequences that are padded to T.

        Args:
            ids: time first.
            lengths: how many ids of each row count.
            dropout: what is left out.
        """
        x = self.embedding(ids)
        if self.ngram_embedding is not None:
            context = torch.zeros(self.config.ngrams - 1, ids.size(1), dtype=torch.long, device=ids.device)
            sums, _ = self.ngram_embedding(ids, context)
            x = x + functional.pad(sums, (0, x.size(-1) - sums.size(-1)))
        state = self.encoder.initial_state(ids.size(1))
        masks = None
        if dropout is not None:
            x = dropout.layer(x)
            masks = dropout.recurrent((self.config.layers, ids.size(1), self.config.hidden))
        outputs, _ = self.encoder(x, state, dropout, masks)
        return pool(outputs.float() if outputs.dtype == torch.bfloat16 else outputs, lengths, self.classifier.pooling)

    def forward(
        self, ids: Integer[Tensor, "T B"], lengths: Integer[Tensor, " B"], dropout: SequenceDropout | None = None
    ) -> Float[Tensor, "B outputs"]:
        """The numbers that the probabilities of the classes come from; arguments are those of `features`."""
        logits: Tensor = self.head(self.features(ids, lengths, dropout))
        return logits
