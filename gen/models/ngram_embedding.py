"""Vectors for the last few tokens together, from a table that all n-grams are hashed into.

They hand to the network at once what it would otherwise learn to remember first: which tokens stood just before. A
product by a matrix costs nothing more, for they are added to the token's own vector.

Source: hash n-gram embeddings, Pagnoni et al. 2024, "Byte Latent Transformer"; hashed features, Weinberger et al. 2009.
"""

import torch
from jaxtyping import Float, Integer
from torch import Tensor, nn
from torch.nn import functional

from gen.ngrams import ngram_rows


class NgramEmbedding(nn.Module):
    """The sum of the vectors of the 2-gram … N-gram that end at each token.

    Args:
        order: N, 2 or more.
        rows: of the table.
        width: d, of its vectors.
    """

    def __init__(self, order: int, rows: int, width: int) -> None:
        super().__init__()
        self.order = order
        self.weight = nn.Parameter(torch.empty(rows, width))

    def forward(
        self,
        ids: Integer[Tensor, "T B"],
        context: Integer[Tensor, "N1 B"],
        mask: Float[Tensor, "N1 T B"] | None = None,
    ) -> tuple[Float[Tensor, "T B d"], Integer[Tensor, "N1 B"]]:
        """Return the sums and the context after the last token; the gradient of the table is sparse.

        Args:
            ids: the tokens.
            context: the symbols of the tokens before, newest first.
            mask: what the vectors are multiplied by.
        """
        symbols = torch.cat([context.flip(0), ids + 1])
        first, length = self.order - 1, len(ids)
        shifted = [symbols[first - k : first - k + length] for k in range(self.order)]
        rows = torch.stack(list(ngram_rows(shifted, len(self.weight))), dim=-1).flatten(0, 1)
        weights = None if mask is None else mask.permute(1, 2, 0).reshape(rows.shape)
        sums = functional.embedding_bag(rows, self.weight, mode="sum", sparse=True, per_sample_weights=weights)
        return sums.view(*ids.shape, -1), symbols[length:].flip(0)
