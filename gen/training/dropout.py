"""Locked dropout (Gal & Ghahramani 2016): one mask a row and layer for a whole chunk.

The masks are a function of (seed, step), so nothing of them has to be saved to go on exactly.
"""

import torch
from torch import Tensor

from gen.models.recurrent import Dropout
from gen.random import philox


class LockedDropout:
    """The masks of one run.

    Args:
        rate: probability of dropping a unit.
        seed: of the run.
        device: that the masks are drawn on.
    """

    def __init__(self, rate: float, seed: int, device: torch.device) -> None:
        self._keep = 1 - rate
        self._seed = seed
        self._draws = torch.Generator(device)

    def at(self, step: int) -> Dropout | None:
        """What step number `step` applies to each layer's output (T, B, H), to one layer after another."""
        if self._keep == 1:
            return None
        self._draws.manual_seed(int(philox(self._seed, "dropout", step).random_raw()) >> 1)
        return self._drop

    def _drop(self, x: Tensor) -> Tensor:
        mask = torch.empty(x.shape[1:], device=x.device).bernoulli_(self._keep, generator=self._draws)
        return x * (mask / self._keep).to(x.dtype)
