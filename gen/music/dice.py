"""Draws of whole numbers, the same for ever: what rule-based music leaves to chance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeVar

from gen.random import philox

T = TypeVar("T")
_BLOCK = 64  # draws fetched at a time


class Dice:
    """Draws from raw Philox output, one after another; no fractions, so that no rounding can differ between machines.

    Args:
        seed: the seed the user sees.
        path: what the draws are for; another path gives other draws.
    """

    def __init__(self, seed: int, *path: str | int) -> None:
        self._bits = philox(seed, *path)
        self._block: Iterator[int] = iter(())

    def below(self, bound: int) -> int:
        """A whole number, 0 … bound - 1."""
        draw = next(self._block, None)
        if draw is None:
            self._block = iter(self._bits.random_raw(_BLOCK).tolist())
            draw = next(self._block)
        return draw * bound >> 64

    def chance(self, percent: int) -> bool:
        """Whether something happens that does so in `percent` of a hundred cases."""
        return self.below(100) < percent

    def one_of(self, options: Sequence[T]) -> T:
        """One of them, each as likely as any other."""
        return options[self.below(len(options))]

    def weighted(self, weights: Mapping[T, int]) -> T:
        """One of the keys, each as often as its weight says."""
        draw = self.below(sum(weights.values()))
        for option, weight in weights.items():
            draw -= weight
            if draw < 0:
                return option
        raise AssertionError("the weights sum to more than the draw")

    def shuffled(self, weights: Mapping[T, int]) -> list[T]:
        """All of the keys; the first is chosen by weight, the next of the rest by weight, and so on.

        The largest of w uniform draws is the largest of all with a probability in proportion to w.
        """
        order = {option: max(self.below(1 << 62) for _ in range(weight)) for option, weight in weights.items()}
        return sorted(order, key=lambda option: -order[option])
