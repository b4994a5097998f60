"""What blocks and batches of ids are held against: loops over steps, and the processors one by one."""

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import Cell, ModelConfig, SamplingConfig
from gen.decoding.chain import processors_for
from gen.decoding.picking import likeliest_token, sample_token
from gen.decoding.processors import History, LogitBias, LogitsProcessor, MinP, Penalties, Temperature, TopK, TopP
from gen.engine import NumpyEngine
from gen.errors import GenError
from gen.protocols import Choice, Ids, LanguageModel, RecurrentState
from gen.random import Draws

Model = LanguageModel[NDArray[Any]]
State = RecurrentState[NDArray[Any]]


def small_engine(cell: Cell = "lstm", *, seed: int = 0, vocabulary_size: int = 11, ngrams: int = 1) -> NumpyEngine:
    """A model whose logits differ by some nats, and depend on all that it read."""
    config = ModelConfig(vocabulary_size=vocabulary_size, cell=cell, layers=2, hidden=8, ngrams=ngrams)
    draws = np.random.default_rng(seed)
    return NumpyEngine(config, {name: draws.normal(0, 0.8, shape) for name, shape in config.parameter_shapes().items()})


def alone(
    model: Model, prompt: Sequence[int], config: SamplingConfig, draws: Draws, count: int
) -> tuple[list[int], str | None]:
    """The first ids that a model writes after a prompt, and the error that comes before there are `count`."""
    chain = processors_for(config, model.vocabulary_size)
    ids = list(prompt)
    history = History(model.vocabulary_size, config.repeat_last_n, ids, tail=config.dry_penalty_last_n)
    logits, state = model.prefill(np.array([ids]), model.initial_state(1))
    for position in range(count):
        try:
            token = _picked(chain, logits[0], history, None if config.temperature == 0 else draws.at(position))
        except GenError as error:
            return ids[len(prompt) :], str(error)
        ids.append(token)
        history.append(token)
        logits, state = model.step(np.array([token]), state)
    return ids[len(prompt) :], None


def taken(stream: Iterator[int], count: int) -> tuple[list[int], str | None]:
    """The next ids of a stream, and the error that comes before there are `count`."""
    ids = []
    try:
        for id in islice(stream, count):
            ids.append(id)
    except GenError as error:
        return ids, str(error)
    return ids, None


class Stepped:
    """A model as a `BlockModel`, by steps.

    Attributes:
        blocks: (B, n) of each call of `sample_block`.
        prefilled: (B, T) of each call of `prefill`.
    """

    def __init__(self, model: Model) -> None:
        self.model = model
        self.vocabulary_size = model.vocabulary_size
        self.blocks: list[tuple[int, ...]] = []
        self.prefilled: list[tuple[int, ...]] = []

    def initial_state(self, batch: int) -> State:
        return self.model.initial_state(batch)

    def step(self, ids: Ids, state: State) -> tuple[NDArray[Any], State]:
        return self.model.step(ids, state)

    def prefill(self, ids: Ids, state: State) -> tuple[NDArray[Any], State]:
        self.prefilled.append(ids.shape)
        return self.model.prefill(ids, state)

    def sample_block(
        self,
        ids: Ids,
        state: State,
        draws: NDArray[np.float64],
        choice: Choice,
        counts: NDArray[np.int32] | None = None,
        recent: NDArray[np.int32] | None = None,
    ) -> tuple[NDArray[np.int64], State]:
        self.blocks.append(draws.shape)
        size, rows = self.vocabulary_size, range(len(ids))
        chain = chain_of(choice)
        counted = np.zeros((len(ids), size), np.int64) if counts is None else counts.astype(np.int64)
        windows = None if recent is None else [deque(row) for row in recent.tolist()]
        written = np.zeros(draws.shape, np.int64)
        for place, column in enumerate(draws.T.tolist()):
            logits, after = self.model.step(ids, state)
            try:
                for row in rows:
                    history = History(size, -1)
                    history.counts = counted[row]
                    draw = None if choice.temperature == 0 else column[row]
                    written[row, place] = _picked(chain, logits[row], history, draw)
            except GenError:
                return written[:, :place], state
            ids, state = written[:, place], after
            for row, token in enumerate(ids.tolist()):
                counted[row, token] += 1
                if windows is not None:
                    windows[row].append(token)
                    oldest = windows[row].popleft()
                    counted[row, oldest] -= oldest >= 0
        return written, state


def chain_of(choice: Choice) -> list[LogitsProcessor]:
    """The processors that plain numbers stand for."""
    chain: list[LogitsProcessor] = [] if choice.bias is None else [LogitBias(choice.bias)]
    chain += [Penalties(choice.repeat, choice.presence, choice.frequency)]
    chain += [TopK(choice.top_k), TopP(choice.top_p), MinP(choice.min_p)]
    return [*chain, Temperature(choice.temperature)] if choice.temperature > 0 else chain


class Poisoned:
    """A model whose logits are not numbers after it has read a certain id."""

    def __init__(self, model: Model, id: int) -> None:
        self.model = model
        self.vocabulary_size = model.vocabulary_size
        self.id = id

    def initial_state(self, batch: int) -> State:
        return self.model.initial_state(batch)

    def step(self, ids: Ids, state: State) -> tuple[NDArray[Any], State]:
        return self.prefill(ids[:, None], state)

    def prefill(self, ids: Ids, state: State) -> tuple[NDArray[Any], State]:
        logits, state = self.model.prefill(ids, state)
        logits[ids[:, -1] == self.id, 2] = np.nan
        return logits, state


def _picked(chain: Sequence[LogitsProcessor], logits: NDArray[Any], history: History, draw: float | None) -> int:
    likeliest_token(logits)
    for processor in chain:
        logits = processor(logits, history)
    return likeliest_token(logits) if draw is None else sample_token(logits, draw)
