"""Which of all continuations a beam keeps: the best by number, and numbers drawn so that these are a sample."""

import math

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
_FEW = 64  # which Python sorts sooner than NumPy


def best_places(values: Numbers, count: int, least: float = -math.inf) -> list[tuple[int, float]]:
    """The places, flat, of the `count` largest values of an array, and these, best first; minus infinity is none.

    Ties go to the lower place.

    Args:
        values: any shape.
        count: 1 or more.
        least: a guess that some `count` values are no smaller; a good one saves time.
    """
    flat = values.ravel()
    places = (flat >= least).nonzero()[0]
    if len(places) < count < len(flat):
        least = np.partition(flat, len(flat) - count)[len(flat) - count]
        places = (flat >= least).nonzero()[0]
    elif len(places) < count:
        places = np.arange(len(flat))
    found = flat[places]
    if len(found) > _FEW:
        order = (-found).argsort(kind="stable")[:count]
        places, found = places[order], found[order]
    pairs = sorted(zip(places.tolist(), found.tolist(), strict=True), key=lambda pair: -pair[1])
    return [pair for pair in pairs[:count] if pair[1] > -math.inf]


def gumbels(draws: np.random.Philox, shape: tuple[int, int]) -> Numbers:
    """Draws from the standard Gumbel distribution."""
    raw = draws.random_raw(shape[0] * shape[1]).reshape(shape)
    uniform = (raw >> np.uint64(11)) * np.float64(2.0**-53) + 2.0**-54  # in (0, 1), both ends left out
    return np.asarray(-np.log(-np.log(uniform)))


def perturbed(totals: Numbers, ranks: Numbers, noise: Numbers) -> Numbers:
    """Log-probabilities of continuations, perturbed so that the largest of each hypothesis' is its own.

    The k hypotheses with the largest are then a sample of k without replacement, drawn one after the other in
    proportion to their probabilities: Kool, van Hoof & Welling 2019, "Stochastic beams and where to find them", section
    4 and, for the numerically stable form, appendix B.3.

    Args:
        totals: log-probabilities (R, V); minus infinity is impossible.
        ranks: perturbed log-probabilities of the hypotheses that are continued, (R,).
        noise: standard Gumbel, (R, V).
    """
    free = totals + noise
    largest = free.max(1, keepdims=True)
    above = ranks[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        below = free - np.where(largest > -math.inf, largest, 0.0)
        # log(1 - exp(below)), each way where it loses nothing (Mächler 2012)
        rest = np.where(below > -math.log(2), np.log(-np.expm1(below)), np.log1p(-np.exp(below)))
        shift = above - free + rest
        return np.asarray(above - np.maximum(shift, 0.0) - np.log1p(np.exp(-np.abs(shift))))
