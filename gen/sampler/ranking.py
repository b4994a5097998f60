"""Samples that were ranked, by a beam or among others."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeVar, get_args

from gen.config import Clock
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.music.score import Score

SampleT = TypeVar("SampleT")

Rank = Literal["likelihood", "mean", "statistics"]
RANKS: tuple[Rank, ...] = get_args(Rank)

_FARTHEST = 5.0  # standard deviations


@dataclass(frozen=True, slots=True, eq=False)
class Ranked(Generic[SampleT]):
    """A sample and what speaks for it.

    Attributes:
        sample: as it was written.
        score: what it is ranked by: more is better.
        log_probability: of its ids, in nats: of the best of several by the model as it is; of a beam's by the model as
            settings and grammar shape it.
    """

    sample: SampleT
    score: float
    log_probability: float


def rank_by_likelihood(rank: Rank, log_probability: float, tokens: int) -> float:
    """The score of a sample of so many ids, "likelihood" or "mean"; of none, the mean is minus infinity."""
    if rank == "likelihood":
        return log_probability
    return log_probability / tokens if tokens else -math.inf


def ranked(samples: Iterable[Ranked[SampleT]]) -> tuple[Ranked[SampleT], ...]:
    """The same, best first; of equals the earlier first."""
    return tuple(sorted(samples, key=lambda it: -it.score))


def likeness(score: "Score", clock: Clock, training: Mapping[str, Any]) -> float:
    """How like a training set a piece is: minus the mean distance of its metrics to those (`Comparison.distance`).

    A metric counts for 5 standard deviations at most, so that none decides alone: where all pieces that were learned
    are alike in one, as in having no silence, a trace of it is millions away. Of a set whose values are spread
    normally, a piece in its very middle is 0.8 away: no piece is like all of them. One without notes is infinitely far.
    """
    from gen.music.statistics import Statistics, compare  # a text does without

    found = [it.distance for it in compare([Statistics.of(score, clock)], training) if it.distance is not None]
    return -sum(min(distance, _FARTHEST) for distance in found) / len(found) if found else -math.inf


def training_statistics(provenance: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the training set was like.

    Raises:
        ConfigError: nothing is known of it.
    """
    corpus = provenance.get("corpus")
    found = corpus.get("statistics") if isinstance(corpus, dict) else None
    if not isinstance(found, dict) or not found:
        raise ConfigError(
            "rank is 'statistics'; this model has no record of what its training set was like: take likelihood or mean"
        )
    return found
