"""Beam search that streams: many hypotheses, one reading of the model's weights for each step of all of them.

At each step every hypothesis is continued by every id, and the `width` best are kept. One that has ended keeps its
place among them until better ones take it. What all that are kept have in common is certain, and comes out at once.

The likeliest id after the likeliest id … is a hypothesis, too. Where it is not among the best it is kept beside them,
so that the result never scores below it at equal length. Stochastic beams are a sample, and have none.
"""

import sys
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from gen.config import SamplingConfig, require
from gen.decoding.beam_config import BeamConfig
from gen.decoding.beam_steps import Search, Task
from gen.decoding.chain import history_for, processors_for
from gen.decoding.picking import Constraint
from gen.decoding.sampling import checked_prompt, fitting_constraint
from gen.errors import ConfigError
from gen.protocols import Ids, LanguageModel
from gen.random import MAX_SEED


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """What could be written.

    Attributes:
        ids: all of them.
        log_probability: of these, in nats, by the model as settings and constraint shape it.
        score: what it is ranked by: log-probability / length ** alpha; of stochastic beams the perturbed
            log-probability, by which they stand in the order in which they were drawn.
        ended: by an id that ends, or by the constraint; otherwise it is as long as it may be.
    """

    ids: tuple[int, ...]
    log_probability: float
    score: float
    ended: bool


class BeamStream(Iterator[int]):
    """The ids of the best hypothesis, each as soon as it is certain. It belongs to one thread at a time.

    Attributes:
        hypotheses: when the search is over, all that were kept, best first; of diverse beams the best of each group
            first, then the second best of each, and so on. None before.
    """

    def __init__(self, search: Search) -> None:
        self._search: Search | None = search
        self._settled = 0
        self._queue: deque[int] = deque()
        self.hypotheses: tuple[Hypothesis, ...] | None = None

    def __next__(self) -> int:
        ids = self.take(1)
        if not ids:
            raise StopIteration
        return ids[0]

    def take(self, most: int = sys.maxsize) -> list[int]:
        """The next ids that are certain, 1 … `most`; none when the search is over and all are taken.

        Raises:
            ConfigError: `most` is below 1; or settings and constraint rule out every id.
            SamplingError: the model yields a logit that is NaN or plus infinity.
        """
        require(most >= 1, "most", most, "1 or more")
        while not self._queue and self._search is not None:
            search = self._search
            try:
                self._queue += search.advance()
            except BaseException:  # its parts may be out of step with each other
                self.close()
                raise
            self._settled = search.settled
            if search.over:
                self.hypotheses = tuple(
                    Hypothesis(tuple(search.tree.ids(leaf)), leaf.total, leaf.rank, leaf.ended)
                    for leaf in search.ranked()
                )
                self._queue += self.hypotheses[0].ids[len(search.tree.trunk) :]
                self._search = None
        return [self._queue.popleft() for _ in range(min(most, len(self._queue)))]

    def finish(self) -> tuple[Hypothesis, ...]:
        """What `hypotheses` will be; what is not searched yet is searched. Its ids stay to be taken."""
        came: list[int] = []
        while self._search is not None:
            came += self.take()
        self._queue.extendleft(reversed(came))
        assert self.hypotheses is not None, "it was closed"
        return self.hypotheses

    @property
    def settled(self) -> int:
        """How many ids so far were taken because `lag` did not let the hypotheses differ in them for longer."""
        return self._settled

    def close(self) -> None:
        """End it here."""
        self._search = None
        self._queue.clear()


def beam_search(
    model: LanguageModel[NDArray[Any]],
    prompt: Ids | Sequence[int],
    *,
    length: int,
    beam: BeamConfig | None = None,
    config: SamplingConfig | None = None,
    ends: Collection[int] = (),
    least: int = 0,
    constraint: Constraint | None = None,
    seed: int = 0,
    stream: int = 0,
) -> BeamStream:
    """The best that a model could write after a prompt, as far as a beam finds it.

    Args:
        model: of numpy arrays.
        prompt: at least one id.
        length: ids of a hypothesis, at most.
        beam: what is kept; None takes the defaults.
        config: what shapes the model's probabilities, as in sampling; None takes them as they are.
        ends: ids that end a hypothesis, and are its last.
        least: ids of a hypothesis before one of these may come.
        constraint: on what follows the prompt; as in sampling, probabilities are those of the allowed ids among
            themselves. Each hypothesis has its own; a `Limit` may end it.
        seed: of a stochastic beam's draws.
        stream: which of the beams under `seed`.

    Raises:
        ConfigError: the prompt is empty, or a value is out of range.
        TokenizerError: the prompt holds an id outside the vocabulary.
    """
    beam, config = beam or BeamConfig(), config or SamplingConfig(temperature=1.0)
    require(length >= 1, "length", length, "1 or more")
    require(0 <= seed <= MAX_SEED, "seed", seed, f"in 0 … {MAX_SEED}")
    if config.temperature == 0:
        raise ConfigError("temperature is 0; a beam weighs probabilities against each other: take one above 0")
    size = model.vocabulary_size
    ids = checked_prompt(prompt, size)
    processors = processors_for(config, size)
    task = Task(
        prompt=ids,
        beam=beam,
        processors=processors,
        history=history_for(processors, config, size, ids),
        constraint=fitting_constraint(constraint, size),
        ends=frozenset(ends),
        least=least,
        length=length,
        seed=seed,
        stream=stream,
    )
    return BeamStream(Search(model, task))
