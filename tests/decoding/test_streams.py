"""Many streams at once: each is what it is alone, whatever the others do and however its ids are cut into blocks."""

import gc
from collections.abc import Sequence
from itertools import islice, pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.config import SamplingConfig
from gen.decoding import streams
from gen.decoding.sampling import sample_streams, sample_tokens
from gen.decoding.streams import TokenStream
from gen.errors import ConfigError, SamplingError
from gen.protocols import BlockModel
from gen.random import Draws
from tests.decoding.reference import Model, Poisoned, Stepped, alone, small_engine, taken
from tests.decoding.strategies import simple_configs

SIZE = 11
PLAIN = SamplingConfig()
ENGINES: dict[str, Model] = {
    "rnn": small_engine("rnn"),
    "lstm": small_engine("lstm"),
    "gru": small_engine("gru"),
    "ngrams": small_engine("gru", ngrams=3),
    "poisoned": Poisoned(small_engine("gru"), 4),
}


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No block takes any time, so their lengths are known."""
    monkeypatch.setattr(streams, "time", SimpleNamespace(perf_counter=lambda: 0.0))


prompts_strategy = st.lists(st.lists(st.integers(0, SIZE - 1), min_size=1, max_size=70), min_size=1, max_size=4)


def started(
    model: Model, count: int, config: SamplingConfig = PLAIN, prompt: Sequence[int] = (1, 2, 3)
) -> list[TokenStream]:
    return sample_streams(model, [prompt] * count, config=config, draws=[Draws(5, k) for k in range(count)])


def expected(model: Model, k: int, count: int, config: SamplingConfig = PLAIN) -> list[int]:
    ids, error = alone(model, [1, 2, 3], config, Draws(5, k), count)
    assert error is None
    return ids


# ── The law ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None, max_examples=120)
@given(st.sampled_from(sorted(ENGINES)), prompts_strategy, simple_configs(SIZE), st.data())
def test_a_stream_is_what_it_is_alone(name: str, prompts: list[list[int]], config: SamplingConfig, data: Any) -> None:
    model = Stepped(ENGINES[name])
    draws = [Draws(7, k) for k in range(len(prompts))]
    try:
        together = sample_streams(model, prompts, config=config, draws=draws)
    except ConfigError as error:
        assert "logit_bias bans all" in str(error)
        return
    ids: list[list[int]] = [[] for _ in prompts]
    errors: list[str | None] = [None for _ in prompts]
    going = set(range(len(prompts)))
    while going:
        k = data.draw(st.sampled_from(sorted(going)))
        most = data.draw(st.integers(1, 40))
        try:
            ids[k] += together[k].take(most)
        except SamplingError as error:
            errors[k] = str(error)
        if errors[k] or len(ids[k]) >= 60:
            going.remove(k)
        elif data.draw(st.integers(0, 19)) == 0:
            together[k].close()
            going.remove(k)
    for k, prompt in enumerate(prompts):
        count = len(ids[k]) + (errors[k] is not None)
        assert (ids[k], errors[k]) == alone(ENGINES[name], prompt, config, Draws(7, k), count)
    assert isinstance(model, BlockModel) and model.blocks


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.sampled_from(sorted(ENGINES)), prompts_strategy, simple_configs(SIZE))
def test_blocks_and_steps_give_the_same(name: str, prompts: list[list[int]], config: SamplingConfig) -> None:
    model = ENGINES[name]
    for k, prompt in enumerate(prompts):
        try:
            by_steps, by_blocks = (
                sample_tokens(it, prompt, config=config, draws=Draws(3, k)) for it in (model, Stepped(model))
            )
        except ConfigError as error:
            assert "logit_bias bans all" in str(error)
            return
        assert taken(by_steps, 70) == taken(by_blocks, 70) == alone(model, prompt, config, Draws(3, k), 70)


@pytest.mark.parametrize("window", [-1, 3, 64, 1000])
def test_penalties_hold_over_many_blocks(window: int) -> None:
    config = SamplingConfig(repeat_penalty=1.2, frequency_penalty=0.05, repeat_last_n=window)
    together = started(Stepped(ENGINES["lstm"]), 2, config)
    assert taken(together[1], 1500) == (expected(ENGINES["lstm"], 1, 1500, config), None)
    assert taken(together[0], 200) == (expected(ENGINES["lstm"], 0, 200, config), None)


# ── What breaks, ends, and goes on ───────────────────────────────────────────────────────────────────────────────────


def test_a_row_that_breaks_does_so_where_it_does_alone_and_leaves_the_others_alone() -> None:
    fates = [alone(ENGINES["poisoned"], [1, 2, 3], PLAIN, Draws(5, k), 300) for k in range(6)]
    assert len({len(ids) for ids, _ in fates}) > 3
    assert all(error and "logit of id 2 is nan" in error for _, error in fates)
    model = Stepped(ENGINES["poisoned"])
    assert [taken(stream, 300) for stream in started(model, 6)] == fates
    assert {rows for rows, _ in model.blocks} > {1, 6}


def test_a_stream_that_broke_has_ended() -> None:
    (stream,) = started(Stepped(Poisoned(ENGINES["lstm"], 3)), 1)
    with pytest.raises(SamplingError):
        next(stream)
    assert list(stream) == [] == stream.take()


def test_a_closed_stream_has_ended_and_its_row_is_dropped() -> None:
    model = Stepped(ENGINES["gru"])
    one, other, last = started(model, 3)
    assert one.take(1) == expected(ENGINES["gru"], 0, 1)
    other.close()
    assert list(other) == [] == other.take()
    assert one.take(1) + one.take(2) == expected(ENGINES["gru"], 0, 4)[1:]
    assert [rows for rows, _ in model.blocks] == [3, 2, 2]
    one.close()
    assert taken(last, 30)[0] == expected(ENGINES["gru"], 2, 30)
    assert {rows for rows, _ in model.blocks[3:]} == {1}


@pytest.mark.parametrize("begun", [False, True])
def test_a_stream_that_nobody_holds_is_dropped_at_once(begun: bool) -> None:
    model = Stepped(ENGINES["gru"])
    gc.disable()
    try:
        together = started(model, 3)
        if begun:
            next(together[1])
        del together[1]
        model.blocks.clear()
        assert taken(together[1], 20)[0] == expected(ENGINES["gru"], 2, 20)
        assert {rows for rows, _ in model.blocks} == {2}
    finally:
        gc.enable()


def test_an_endless_stream_does_not_fill_memory_with_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_ENOUGH", 100)
    engine = ENGINES["gru"]
    model = Stepped(engine)
    together = started(model, 4)
    assert taken(together[0], 2000)[0] == expected(engine, 0, 2000)
    assert sum(length for rows, length in model.blocks if rows == 4) < 100 + 256
    model.blocks.clear()
    ids = list(zip(*islice(zip(*together[1:], strict=True), 700), strict=True))  # in turns
    assert [list(its) for its in ids] == [expected(engine, k, 700) for k in (1, 2, 3)]
    assert {rows for rows, _ in model.blocks} == {3}
    assert taken(together[0], 10)[0] == expected(engine, 0, 2010)[2000:]
    assert taken(together[2], 900)[0] == expected(engine, 2, 1600)[700:]
    assert model.blocks[-1][0] == 1


class Interrupted(Stepped):
    """Ctrl-C comes in the third block, once."""

    pressed = False

    def sample_block(self, *arguments: Any, **more: Any) -> Any:
        if len(self.blocks) == 2 and not self.pressed:
            self.pressed = True
            raise KeyboardInterrupt
        return super().sample_block(*arguments, **more)


def test_an_interruption_ends_all_that_it_may_have_torn() -> None:
    one, other = started(Interrupted(ENGINES["gru"]), 2)
    with pytest.raises(KeyboardInterrupt):
        taken(one, 10)
    assert taken(one, 1) == ([], None)
    assert taken(other, 9) == (expected(ENGINES["gru"], 1, 3), None)


# ── When what is drawn ───────────────────────────────────────────────────────────────────────────────────────────────


def test_nothing_is_drawn_before_it_is_asked_for_and_then_one_id_at_first() -> None:
    model = Stepped(ENGINES["gru"])
    together = started(model, 2)
    assert (model.prefilled, model.blocks) == ([], [])
    next(together[1])
    next(together[0])
    assert (model.prefilled, model.blocks) == ([(1, 2)], [(2, 1)])


def test_a_prompt_of_one_id_is_not_read_ahead_and_others_once_each() -> None:
    model = Stepped(ENGINES["gru"])
    long, short = [1, 2, 3, 4], np.array([5])
    draws = [Draws(5, k) for k in range(4)]
    together = sample_streams(model, [long, short, long, short], config=PLAIN, draws=draws)
    ids = [taken(stream, 20)[0] for stream in together]
    assert model.prefilled == [(1, 3)]
    for k, prompt in enumerate((long, [5], long, [5])):
        assert ids[k] == alone(ENGINES["gru"], prompt, PLAIN, Draws(5, k), 20)[0]


def test_prompts_may_be_the_rows_of_an_array() -> None:
    prompts = np.arange(9).reshape(3, 3)
    together = sample_streams(Stepped(ENGINES["gru"]), prompts, config=PLAIN, draws=[Draws(5, k) for k in range(3)])  # type: ignore[arg-type]
    for k, stream in enumerate(together):
        assert taken(stream, 9)[0] == alone(ENGINES["gru"], prompts[k].tolist(), PLAIN, Draws(5, k), 9)[0]


@pytest.mark.parametrize(("seconds", "longest"), [(0.001, 256), (0.02, 1)])
def test_blocks_grow_while_they_are_quick(seconds: float, longest: int, monkeypatch: pytest.MonkeyPatch) -> None:
    now = iter(np.arange(10_000) * seconds)
    monkeypatch.setattr(streams, "time", SimpleNamespace(perf_counter=lambda: next(now)))
    model = Stepped(ENGINES["rnn"])
    (stream,) = started(model, 1)
    taken(stream, 800)
    lengths = [length for _, length in model.blocks]
    assert lengths[0] == 1 and max(lengths) == longest
    assert all(after <= 2 * before for before, after in pairwise(lengths))


def test_no_more_is_drawn_than_may_be_taken() -> None:
    model = Stepped(ENGINES["rnn"])
    (stream,) = started(model, 1)
    ids: list[int] = []
    while len(ids) < 333:
        ids += stream.take(333 - len(ids))
    assert len(ids) == 333 == sum(length for _, length in model.blocks)
    with pytest.raises(ConfigError, match="most is 0"):
        stream.take(0)


def test_what_is_left_of_a_block_is_taken_first() -> None:
    (stream,) = started(Stepped(ENGINES["rnn"]), 1)
    ids = taken(stream, 300)[0]
    for _ in range(40):
        ids += stream.take(7)
    assert ids == expected(ENGINES["rnn"], 0, len(ids))


class Anything:
    allowed = np.ones(SIZE, np.bool_)

    def after(self, id: int) -> "Anything":
        return self


@pytest.mark.parametrize(
    ("config", "constraint", "blocks"),
    [
        (PLAIN, None, True),
        (SamplingConfig(typical_p=0.9), None, False),
        (SamplingConfig(typical_p=0.9, temperature=0.0), None, True),
        (PLAIN, Anything(), False),
    ],
)
def test_blocks_are_drawn_where_the_choice_is_simple(
    config: SamplingConfig, constraint: Anything | None, blocks: bool
) -> None:
    model = Stepped(ENGINES["lstm"])
    constraints = None if constraint is None else [constraint] * 2
    draws = [Draws(5, k) for k in range(2)]
    together = sample_streams(model, [[1, 2, 3]] * 2, config=config, draws=draws, constraints=constraints)
    for k in (0, 1):
        assert taken(together[k], 30)[0] == expected(ENGINES["lstm"], k, 30, config)
    assert bool(model.blocks) == blocks


def test_history_is_handed_over_where_penalties_heed_it() -> None:
    handed: list[tuple[Any, Any]] = []

    class Watched(Stepped):
        def sample_block(self, *arguments: Any, **more: Any) -> Any:
            handed.append((more["counts"], more["recent"]))
            return super().sample_block(*arguments, **more)

    def first(config: SamplingConfig) -> tuple[Any, Any]:
        handed.clear()
        one, _other = started(Watched(ENGINES["rnn"]), 2, config)
        next(one)
        return handed[0]

    assert first(PLAIN) == first(SamplingConfig(repeat_penalty=2.0, repeat_last_n=0)) == (None, None)
    counts, recent = first(SamplingConfig(repeat_penalty=2.0, repeat_last_n=-1))
    assert counts.dtype == np.int32 and counts.tolist() == [[0, 1, 1, 1] + [0] * 7] * 2 and recent is None
    counts, recent = first(SamplingConfig(presence_penalty=2.0, repeat_last_n=2))
    assert recent.dtype == np.int32 and recent.tolist() == [[2]] * 2
    assert counts.tolist() == [[0, 0, 1, 1] + [0] * 7] * 2


def test_no_streams_are_no_streams() -> None:
    assert sample_streams(Stepped(ENGINES["rnn"]), [], config=PLAIN, draws=[]) == []


RICH = [
    SamplingConfig(dry_multiplier=2.0, dry_allowed_length=1, dry_sequence_breakers=(3,)),
    SamplingConfig(dry_multiplier=2.0, dry_allowed_length=1, dry_penalty_last_n=5, repeat_penalty=1.2, temperature=0.0),
    SamplingConfig(temperature=0.3, temperature_end=3.0, temperature_over=20),
    SamplingConfig(samplers=("temperature", "top-p", "penalties"), top_p=0.7, presence_penalty=1.0),
]


@pytest.mark.parametrize("config", RICH, ids=["dry", "dry, cold", "ramp", "order"])
def test_what_no_block_can_choose_is_drawn_one_by_one(config: SamplingConfig) -> None:
    model = Stepped(small_engine())
    prompts = [[1, 2, 3], [4]]
    streams = sample_streams(model, prompts, config=config, draws=[Draws(5, k) for k in range(2)])
    drawn = [taken(stream, 60)[0] for stream in streams]
    assert not model.blocks
    assert drawn == [alone(small_engine(), prompt, config, Draws(5, k), 60)[0] for k, prompt in enumerate(prompts)]
    plain = SamplingConfig(temperature=config.temperature)
    assert drawn[0] != alone(small_engine(), prompts[0], plain, Draws(5, 0), 60)[0], "the settings change something"
