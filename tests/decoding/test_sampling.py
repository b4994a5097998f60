import itertools
import math
import tracemalloc
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gen.config import SamplingConfig
from gen.decoding.chain import processors_for
from gen.decoding.processors import History
from gen.decoding.sampling import sample_tokens
from gen.errors import ConfigError, SamplingError, TokenizerError
from gen.protocols import RecurrentState
from gen.random import Draws

INF = math.inf
PLAIN = SamplingConfig(temperature=1.0)

State = RecurrentState[NDArray[Any]]


class Always:
    """A constraint that never changes."""

    def __init__(self, allowed: NDArray[np.bool_]) -> None:
        self.allowed = allowed

    def after(self, id: int) -> "Always":
        return self


class Alternating:
    """Even ids, then odd ones, then even ones …"""

    def __init__(self, odd: bool = False) -> None:
        self.odd = odd

    @property
    def allowed(self) -> NDArray[np.bool_]:
        return np.array([id % 2 == self.odd for id in range(6)])

    def after(self, id: int) -> "Alternating":
        assert id % 2 == self.odd, "it is told each id that comes"
        return Alternating(not self.odd)


class ScriptedModel:
    """Logits that depend on all ids read, in their order, through the state alone."""

    vocabulary_size = 6

    def __init__(self) -> None:
        self.table = np.random.default_rng(0).normal(0, 1.5, (101, 6)).astype(np.float32)
        self.steps = 0
        self.prefills = 0

    def initial_state(self, batch: int) -> State:
        return RecurrentState((np.zeros((1, batch, 1), np.int64),))

    def step(self, ids: NDArray[Any], state: State) -> tuple[NDArray[Any], State]:
        self.steps += 1
        return self._read(ids, state)

    def prefill(self, ids: NDArray[Any], state: State) -> tuple[NDArray[Any], State]:
        self.prefills += 1
        for column in ids.T:
            logits, state = self._read(column, state)
        return logits, state

    def _read(self, ids: NDArray[Any], state: State) -> tuple[NDArray[Any], State]:
        state = state.map(lambda h: (h * 31 + ids[None, :, None] + 1) % 101)
        return self.table[state.arrays[0][0, :, 0]], state

    def logits_after(self, ids: Sequence[int]) -> list[float]:
        """The oracle: the same from a loop over all ids."""
        h = 0
        for id in ids:
            h = (h * 31 + id + 1) % 101
        row: list[float] = self.table[h].tolist()
        return row


class ConstantModel(ScriptedModel):
    """The same logits for ever."""

    def __init__(self, logits: Sequence[float]) -> None:
        super().__init__()
        self.vocabulary_size = len(logits)
        self.table = np.tile(np.array(logits, np.float32), (101, 1))


class RecordedDraws(Draws):
    """Draws that remember which positions were asked for."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.asked: list[int] = []

    def at(self, position: int) -> float:
        self.asked.append(position)
        return super().at(position)


def pick(weights: Sequence[float], draw: float) -> int:
    """Inverse of the cumulative distribution, by a loop."""
    left = draw * math.fsum(weights)
    for id, weight in enumerate(weights):
        left -= weight
        if left < 0:
            return id
    raise AssertionError


def first(ids: Iterator[int], count: int) -> list[int]:
    return list(itertools.islice(ids, count))


def test_a_stream_is_the_model_read_from_the_start_for_each_token() -> None:
    model, draws, ids = ScriptedModel(), Draws(3), [2, 0, 5]
    stream = sample_tokens(model, ids, config=SamplingConfig(temperature=0.7), draws=Draws(3))
    for position in range(200):
        logits = model.logits_after(ids)
        token = next(stream)
        assert token == pick([math.exp(logit / 0.7) for logit in logits], draws.at(position))
        ids.append(token)


@pytest.mark.parametrize("window", [-1, 0, 1, 7])
def test_the_penalties_see_the_prompt_and_what_was_written(window: int) -> None:
    config = SamplingConfig(repeat_penalty=1.7, frequency_penalty=0.4, top_p=0.95, repeat_last_n=window)
    model, draws, ids = ScriptedModel(), Draws(3), [2, 0, 5, 5]
    stream = sample_tokens(model, ids, config=config, draws=Draws(3))
    for position in range(100):
        scores: NDArray[np.floating] = np.array(model.logits_after(ids))
        for processor in processors_for(config, 6):
            scores = processor(scores, History(6, window, ids))
        token = next(stream)
        assert token == pick(np.exp(scores).tolist(), draws.at(position))
        ids.append(token)


def test_each_id_takes_one_draw_that_of_its_position() -> None:
    draws = RecordedDraws(1)
    first(sample_tokens(ScriptedModel(), [1, 2, 3], config=PLAIN, draws=draws), 5)
    assert draws.asked == [0, 1, 2, 3, 4]


def test_a_stream_alone_and_among_others_in_any_order_is_the_same() -> None:
    config = SamplingConfig(top_k=4, presence_penalty=0.5)

    def streams() -> list[Iterator[int]]:
        model = ScriptedModel()  # shared
        return [sample_tokens(model, [1], config=config, draws=Draws(9, k)) for k in range(4)]

    alone = [first(streams()[k], 60) for k in range(4)]
    among: list[list[int]] = [[], [], [], []]
    together = streams()
    for k in np.random.default_rng(0).permutation(np.repeat(np.arange(4), 60)):
        among[k].append(next(together[k]))
    assert among == alone
    assert len({tuple(ids) for ids in alone}) == 4


def test_another_seed_is_another_stream() -> None:
    one, two = (first(sample_tokens(ScriptedModel(), [1], config=PLAIN, draws=Draws(seed)), 40) for seed in (1, 2))
    assert one != two


def test_the_caller_may_go_on_using_its_prompt() -> None:
    prompt = np.array([1, 2, 3])
    expected = first(sample_tokens(ScriptedModel(), prompt, config=PLAIN, draws=Draws(1)), 20)
    stream = sample_tokens(ScriptedModel(), prompt, config=PLAIN, draws=Draws(1))
    prompt[:] = 0
    assert first(stream, 20) == expected


def test_temperature_zero_takes_the_likeliest_and_no_draw() -> None:
    model, draws, ids = ScriptedModel(), RecordedDraws(1), [4]
    config = SamplingConfig(temperature=0.0, top_k=2, typical_p=0.1)
    for token in first(sample_tokens(model, ids, config=config, draws=draws), 50):
        logits = model.logits_after(ids)
        assert token == logits.index(max(logits))
        ids.append(token)
    assert draws.asked == []


def test_temperature_zero_heeds_bias_penalties_and_the_mask() -> None:
    model = ConstantModel([3.0, 2.9, 2.8, 9.0, 2.1])
    config = SamplingConfig(temperature=0.0, logit_bias=((3, -INF),), presence_penalty=1.0, repeat_last_n=2)
    allowed = np.array([True, False, True, True, True])
    stream = sample_tokens(model, [1], config=config, draws=Draws(0), constraint=Always(allowed))
    assert first(stream, 6) == [0, 2, 4, 0, 2, 4]


def test_only_allowed_ids_are_generated() -> None:
    allowed = np.array([False, True, False, False, True, False])
    config = SamplingConfig(temperature=1e9, top_k=3)
    written = first(sample_tokens(ScriptedModel(), [0], config=config, draws=Draws(2), constraint=Always(allowed)), 200)
    assert set(written) == {1, 4}


def test_the_mask_comes_before_the_filters() -> None:
    # were top-k first, it would keep id 0 and nothing would be left
    allowed = np.array([False, True, True])
    config = SamplingConfig(top_k=1)
    stream = sample_tokens(
        ConstantModel([5.0, 1.0, 0.0]), [0], config=config, draws=Draws(2), constraint=Always(allowed)
    )
    assert first(stream, 5) == [1] * 5


def test_no_work_is_done_before_it_is_asked_for() -> None:
    model = ScriptedModel()
    stream = sample_tokens(model, [1, 2], config=PLAIN, draws=Draws(1))
    assert (model.prefills, model.steps) == (0, 0)
    first(stream, 3)
    assert (model.prefills, model.steps) == (1, 3)


@pytest.mark.parametrize("window", [-1, 0, 64])
def test_memory_does_not_grow_with_the_stream(window: int) -> None:
    config = SamplingConfig(repeat_penalty=1.2, repeat_last_n=window)
    stream = sample_tokens(ScriptedModel(), [1], config=config, draws=Draws(1))
    first(stream, 2_500)  # CPython keeps up to 2,000 tuples for later
    tracemalloc.start()
    try:
        for _ in range(2_000):
            next(stream)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 8_000  # a list of the ids would take 16,000 bytes


@pytest.mark.parametrize("config", [PLAIN, SamplingConfig(), SamplingConfig(top_k=1), SamplingConfig(temperature=0.0)])
@pytest.mark.parametrize("broken", [math.nan, INF])
def test_a_model_that_overflows_is_named(config: SamplingConfig, broken: float) -> None:
    stream = sample_tokens(ConstantModel([0.0, 1.0, broken, 2.0]), [0], config=config, draws=Draws(1))
    with pytest.raises(SamplingError, match=f"id 2 is {broken}"):
        next(stream)


@pytest.mark.parametrize("temperature", [0.0, 0.8])
@pytest.mark.parametrize("others", [{}, {"top_p": 0.5, "typical_p": 0.5, "min_p": 0.1, "top_k": 2}])
def test_a_bias_and_a_mask_that_leave_nothing_between_them_are_named(
    temperature: float, others: dict[str, float]
) -> None:
    config = SamplingConfig.from_dict({"temperature": temperature, "logit_bias": ((1, -INF),), **others})
    allowed = np.array([False, True, False])
    stream = sample_tokens(
        ConstantModel([0.0, 1.0, 2.0]), [0], config=config, draws=Draws(1), constraint=Always(allowed)
    )
    with pytest.raises(ConfigError, match="all 3 ids of the vocabulary are ruled out"):
        next(stream)


def test_what_cannot_be_sampled_is_refused_at_once() -> None:
    def start(prompt: Sequence[int] = (1,), config: SamplingConfig = PLAIN, **options: Any) -> None:
        sample_tokens(ScriptedModel(), prompt, config=config, draws=Draws(1), **options)

    with pytest.raises(ConfigError, match="the prompt is empty"):
        start([])
    with pytest.raises(TokenizerError, match="id 6 in the prompt is outside the vocabulary of 6"):
        start([0, 6])
    with pytest.raises(TokenizerError, match="id -1 in the prompt"):
        start([-1])
    with pytest.raises(ConfigError, match="logit_bias id is 6"):
        start(config=SamplingConfig(logit_bias=((6, 1.0),)))
    with pytest.raises(ConfigError, match=r"shape \(5,\); it must have shape \(6,\)"):
        start(constraint=Always(np.ones(5, np.bool_)))


def test_a_constraint_moves_on_with_every_id() -> None:
    written = first(sample_tokens(ScriptedModel(), [0], config=PLAIN, draws=Draws(5), constraint=Alternating()), 60)
    assert [id % 2 for id in written] == [0, 1] * 30
    assert len(set(written)) == 6
