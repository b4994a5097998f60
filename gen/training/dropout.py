"""What is dropped: units, locked (Gal & Ghahramani 2016: one mask a row and layer for a whole chunk), and n-grams.

Of classifiers, whose chunks are whole sequences, also units of the state where the recurrent product reads it.

The masks are a function of (seed, step), so nothing of them has to be saved to go on exactly.
"""

import torch
from torch import Tensor

from gen.config import ClassifyConfig, TrainConfig
from gen.random import philox


class LockedDropout:
    """The masks of one run.

    An n-gram is left out token by token: what is always there would be all that a network listens to.

    Args:
        config: with the rates and the seed.
        device: that the masks are drawn on.
    """

    def __init__(self, config: TrainConfig | ClassifyConfig, device: torch.device) -> None:
        self._keep = 1 - config.dropout
        self._keep_ngram = 1 - (config.ngram_dropout if isinstance(config, TrainConfig) else 0.0)
        self._keep_recurrent = 1 - (config.recurrent_dropout if isinstance(config, ClassifyConfig) else 0.0)
        self._seed = config.seed
        self._draws = torch.Generator(device)

    def at(self, step: int) -> "LockedDropout":
        """The masks of step number `step`, to be asked for in the model's order."""
        self._draws.manual_seed(int(philox(self._seed, "dropout", step).random_raw()) >> 1)
        return self

    def layer(self, output: Tensor) -> Tensor:
        """A layer's output (T, B, H), without some of its units."""
        if self._keep == 1:
            return output
        return output * self._mask(output.shape[1:], self._keep).to(output.dtype)

    def ngrams(self, shape: tuple[int, int, int]) -> Tensor | None:
        """Factors (N - 1, T, B) for the vectors of n-grams."""
        return None if self._keep_ngram == 1 else self._mask(shape, self._keep_ngram)

    def recurrent(self, shape: tuple[int, int, int]) -> Tensor | None:
        """Factors (L, B, H) of h_{t-1} in the recurrent products."""
        return None if self._keep_recurrent == 1 else self._mask(shape, self._keep_recurrent)

    def _mask(self, shape: tuple[int, ...], keep: float) -> Tensor:
        mask = torch.empty(shape, device=self._draws.device).bernoulli_(keep, generator=self._draws)
        return mask / keep
