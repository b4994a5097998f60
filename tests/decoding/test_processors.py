import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.decoding.processors import (
    History,
    LogitBias,
    LogitsProcessor,
    Mask,
    MinP,
    Penalties,
    Temperature,
    TemperatureRamp,
    TopK,
    TopP,
    Typical,
)
from tests.decoding.strategies import kept, law, shares, softmax, some_logits

INF = math.inf
NOTHING = History(4, 0)
FOUR = np.log([0.1, 0.4, 0.2, 0.3])  # ids in order of probability: 1, 3, 2, 0


# ── Four symbols, worked by hand ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("processor", "ids"),
    [
        (TopK(1), {1}),
        (TopK(2), {1, 3}),
        (TopK(3), {1, 2, 3}),
        (TopP(0.39), {1}),
        (TopP(0.41), {1, 3}),
        (TopP(0.69), {1, 3}),
        (TopP(0.71), {1, 2, 3}),
        (TopP(0.91), {0, 1, 2, 3}),
        (TopP(1e-300), {1}),
        (MinP(1.0), {1}),
        (MinP(0.74), {1, 3}),
        (MinP(0.76), {1}),
        (MinP(0.49), {1, 2, 3}),
        (MinP(0.24), {0, 1, 2, 3}),
        # entropy 1.2799; surprisals 2.3026 0.9163 1.6094 1.2040 stand 1.0227 0.3636 0.3295 0.0759 from it
        (Typical(0.29), {3}),
        (Typical(0.31), {2, 3}),
        (Typical(0.49), {2, 3}),
        (Typical(0.51), {1, 2, 3}),
        (Typical(0.91), {0, 1, 2, 3}),
        (Mask(np.array([True, False, True, False])), {0, 2}),
    ],
    ids=str,
)
def test_what_is_kept_of_four(processor: LogitsProcessor, ids: set[int]) -> None:
    result = processor(FOUR, NOTHING)
    assert kept(result) == ids
    assert all(result[id] == FOUR[id] for id in ids)


def test_top_p_counts_probability_among_the_tokens_that_are_left() -> None:
    without_the_likeliest = np.where(FOUR == FOUR[1], -INF, FOUR)  # .1 .2 .3 of .6
    assert kept(TopP(0.49)(without_the_likeliest, NOTHING)) == {3}
    assert kept(TopP(0.51)(without_the_likeliest, NOTHING)) == {2, 3}


def test_typical_measures_the_entropy_of_the_tokens_that_are_left() -> None:
    # 1/6 1/3 1/2: entropy 1.0114; surprisals 1.7918 1.0986 0.6931 stand 0.7804 0.0872 0.3183 from it
    without_the_likeliest = np.where(FOUR == FOUR[1], -INF, FOUR)
    assert kept(Typical(0.32)(without_the_likeliest, NOTHING)) == {2}
    assert kept(Typical(0.34)(without_the_likeliest, NOTHING)) == {2, 3}


@pytest.mark.parametrize(
    ("temperature", "expected"),
    [
        (0.5, [0.01 / 0.3, 0.16 / 0.3, 0.04 / 0.3, 0.09 / 0.3]),  # probabilities squared
        (1e-9, [0, 1, 0, 0]),
        (1e9, [0.25, 0.25, 0.25, 0.25]),
    ],
)
def test_temperature(temperature: float, expected: list[float]) -> None:
    assert softmax(Temperature(temperature)(FOUR, NOTHING)) == pytest.approx(expected)


def test_a_ramp_goes_from_one_temperature_to_the_other_and_stays() -> None:
    history, ramp = History(4, 0, [1, 2, 3]), TemperatureRamp(0.5, 2.0, 3)
    for temperature in (0.5, 1.0, 1.5, 2.0, 2.0, 2.0):
        assert ramp(FOUR, history).tolist() == pytest.approx(Temperature(temperature)(FOUR, history).tolist())
        history.append(0)
    flat = TemperatureRamp(0.7, 0.7, 3)
    assert all(flat(FOUR, read).tolist() == Temperature(0.7)(FOUR, read).tolist() for read in (NOTHING, history))


def test_the_repeat_penalty_divides_positive_and_multiplies_negative_logits() -> None:
    logits, history = np.array([3.0, -1.0, 0.0, 2.0]), History(4, 64, [0, 1, 1, 2])
    assert Penalties(repeat=2.0)(logits, history).tolist() == [1.5, -2.0, 0.0, 2.0]


def test_presence_is_subtracted_once_and_frequency_for_each_occurrence() -> None:
    logits, history = np.array([3.0, -1.0, 0.0, 2.0]), History(4, 64, [0, 1, 1, 1])
    assert Penalties(presence=0.5)(logits, history).tolist() == [2.5, -1.5, 0.0, 2.0]
    assert Penalties(frequency=0.25)(logits, history).tolist() == [2.75, -1.75, 0.0, 2.0]
    assert Penalties(repeat=2.0, presence=0.5, frequency=0.25)(logits, history).tolist() == [0.75, -3.25, 0.0, 2.0]


def test_logit_bias_is_added_and_minus_infinity_bans() -> None:
    bias = LogitBias(np.array([0.0, -INF, 1.5, 0.0]))
    assert bias(np.array([1.0, 9.0, 1.0, 2.0]), NOTHING).tolist() == [1.0, -INF, 2.5, 2.0]


@pytest.mark.parametrize(
    ("processor", "ids"),
    [(TopK(2), {1, 2}), (TopP(0.5), {1, 2, 3}), (Typical(0.5), {1, 2, 3}), (MinP(1.0), {1, 2, 3, 4, 5})],
    ids=str,
)
def test_ties_go_to_the_lower_ids(processor: LogitsProcessor, ids: set[int]) -> None:
    assert kept(processor(np.array([-INF, 2.0, 2.0, 2.0, 2.0, 2.0]), NOTHING)) == ids


# ── Laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

filters = st.one_of(
    st.builds(TopK, st.integers(0, 14)), st.builds(Typical, shares), st.builds(TopP, shares), st.builds(MinP, shares)
)


@law
@given(some_logits(), filters)
def test_a_filter_removes_and_changes_nothing_else(logits: NDArray[np.floating], processor: LogitsProcessor) -> None:
    result = processor(logits, History(len(logits), 0))
    assert result.shape == logits.shape
    assert kept(result)
    assert all(after in (before, -INF) for before, after in zip(logits.tolist(), result.tolist(), strict=True))


@law
@given(some_logits(), st.one_of(st.builds(TopK, st.integers(0, 14)), st.builds(TopP, shares), st.builds(MinP, shares)))
def test_the_likelier_stay_before_the_less_likely(logits: NDArray[np.floating], processor: LogitsProcessor) -> None:
    result = processor(logits, History(len(logits), 0))
    order = np.argsort(-logits, kind="stable").tolist()
    assert kept(result) == set(order[: len(kept(result))])


@law
@given(some_logits(), st.floats(0, 1))
def test_min_p_keeps_the_same_in_every_dtype(logits: NDArray[np.floating], p: float) -> None:
    single = logits.astype(np.float32)
    assert kept(MinP(p)(single, NOTHING)) == kept(MinP(p)(single.astype(np.float64), NOTHING))


def test_min_p_is_measured_in_float64() -> None:
    logits = np.array([0.0, math.log(0.05)], np.float32)
    assert float(logits[1]) < math.log(0.05), "by less than float32 can tell"
    assert kept(MinP(0.05)(logits, NOTHING)) == {0}


@law
@given(some_logits(), st.integers(1, 14))
def test_top_k_keeps_k(logits: NDArray[np.floating], k: int) -> None:
    assert len(kept(TopK(k)(logits, History(len(logits), 0)))) == min(k, len(kept(logits)))


@law
@given(some_logits(), shares)
def test_top_p_and_typical_keep_enough_and_no_more(logits: NDArray[np.floating], p: float) -> None:
    probability = softmax(logits)
    with np.errstate(divide="ignore", invalid="ignore"):
        surprisal = -np.log(probability)
        entropy = np.nansum(probability * surprisal)
    for processor, cost in ((TopP(p), surprisal), (Typical(p), np.abs(surprisal - entropy))):
        ids = sorted(kept(processor(logits, History(len(logits), 0))))
        last = max(ids, key=lambda id: cost[id])
        assert probability[ids].sum() >= p * (1 - 1e-12)
        if p < 1:
            assert probability[[id for id in ids if id != last]].sum() < p * (1 + 1e-12)


IDENTITIES = [TopK(0), TopK(4), TopK(99), TopP(1.0), Typical(1.0), MinP(0.0), Temperature(1.0), Penalties()]
IDENTITIES += [TemperatureRamp(1.0, 1.0, 9)]


@pytest.mark.parametrize("spread", [0.01, 1.0, 5.0])  # nearly all tokens make up nine tenths, some, or a handful
@pytest.mark.parametrize("p", [0.3, 0.9, 1 - 1e-9])
def test_of_many_tokens_as_few_are_sorted_as_hold_enough(spread: float, p: float) -> None:
    logits = np.random.default_rng(0).normal(0, spread, 20_000).round(2).astype(np.float32)  # with ties
    relative = logits.astype(np.float64) - logits.max()
    weights = np.exp(relative)
    logarithms = relative - np.log(weights.sum())
    typical = np.abs(logarithms - np.dot(np.exp(logarithms), logarithms))
    for processor, ranks in ((TopP(p), -relative), (Typical(p), typical)):
        order = ranks.argsort(kind="stable")
        count = int(weights[order].cumsum().searchsorted(p * weights.cumsum()[-1])) + 1
        assert kept(processor(logits, NOTHING)) == set(order[:count].tolist())


@pytest.mark.parametrize("processor", IDENTITIES, ids=str)
@pytest.mark.parametrize("logits", [FOUR, np.array([-INF, 0.0, -800.0, 0.0]), np.array([3e38, -3e38, 0.0, -INF])])
def test_neutral_settings_change_nothing(processor: LogitsProcessor, logits: NDArray[np.floating]) -> None:
    assert processor(logits, History(4, -1, [0, 1, 2, 3, 3])).tolist() == logits.tolist()


# ── History ──────────────────────────────────────────────────────────────────────────────────────────────────────────

_ids = st.lists(st.integers(0, 4), max_size=30)


@law
@given(_ids, _ids, st.integers(-1, 40))
def test_history_counts_the_last_ids(read: list[int], written: list[int], window: int) -> None:
    history = History(5, window, read)
    for id in written:
        history.append(id)
    everything = read + written
    recent = everything if window < 0 else everything[len(everything) - min(window, len(everything)) :]
    assert history.counts.tolist() == [Counter(recent)[id] for id in range(5)]


def test_a_window_wider_than_any_stream_is_all() -> None:
    history = History(3, 10**30, [0, 0, 2])
    history.append(1)
    assert history.counts.tolist() == [2, 1, 1]


@law
@given(_ids, _ids, st.integers(0, 40))
def test_what_leaves_a_window_is_known_before(read: list[int], written: list[int], window: int) -> None:
    history = History(5, window, read)
    leaving = history.leaving(len(written))
    assert len(leaving) == min(window, len(written))
    counts = history.counts - np.bincount([id for id in leaving if id >= 0], minlength=5)
    for id in written:
        history.append(id)
    new = written[len(written) - len(leaving) :]
    assert history.counts.tolist() == (counts + np.bincount(np.array(new, int), minlength=5)).tolist()
