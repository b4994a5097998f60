"""DRY by hand, against a search without any cleverness, and what it costs."""

import math
import time
from collections.abc import Sequence
from itertools import takewhile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.decoding.dry import Dry, continuations
from gen.decoding.processors import History
from tests.decoding.strategies import law, softmax

NO_BREAKERS: frozenset[int] = frozenset()
FOUR = np.log([0.1, 0.4, 0.2, 0.3])


def read(ids: Sequence[int], tail: int = -1) -> History:
    return History(4, 0, ids, tail=tail)


# ── Four symbols, worked by hand ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("ids", "least", "breakers", "expected"),
    [
        ([0, 1, 2, 0, 1], 2, set(), {2: 2}),
        ([0, 1, 2, 0, 1], 1, set(), {2: 2}),
        ([0, 1, 2, 0, 1], 3, set(), {}),
        ([0, 1, 2], 1, set(), {}),
        ([], 1, set(), {}),
        ([1], 1, set(), {}),
        ([1, 1], 1, set(), {1: 1}),
        ([1, 1, 1, 1], 1, set(), {1: 3}),  # repetitions may overlap
        ([3, 0, 1, 2, 2, 0, 1, 3, 3, 0, 1], 2, set(), {2: 3, 3: 2}),  # each follower has its own longest
        ([0, 1, 2, 3, 0, 1, 2], 1, {1}, {3: 1}),  # not across a breaker
        ([0, 1, 2, 3, 0, 1, 2], 2, {1}, {}),
        ([0, 1, 3, 0, 1, 3], 2, {3}, {}),  # nothing since the last breaker
        ([0, 1, 3, 0, 1], 2, {3}, {}),  # a breaker has no penalty
    ],
)
def test_what_goes_on_with_a_repetition(
    ids: list[int], least: int, breakers: set[int], expected: dict[int, int]
) -> None:
    assert continuations(np.array(ids, np.int64), least, frozenset(breakers)) == expected


def test_the_penalty_grows_with_the_length_of_the_repetition() -> None:
    for length in range(1, 5):  # 0 1 2 0, then 1 2 0 1 …
        history = read([0, 1, 2, *[0, 1, 2, 0][:length]])
        following = length % 3
        penalised = FOUR - Dry(2.0, 1.5, 2)(FOUR, history)
        expected = np.zeros(4)
        if length >= 2:
            expected[following] = 2.0 * 1.5 ** (length - 2)
        assert penalised.tolist() == pytest.approx(expected.tolist())


def test_the_distribution_of_four() -> None:
    # after 1 2 3 1 2 a 3 would repeat two ids: e^-ln 3 leaves a third of its 0.3, so 0.1 0.4 0.2 0.1 of 0.8
    probabilities = softmax(Dry(math.log(3), 1.75, 2)(FOUR, read([1, 2, 3, 1, 2])))
    assert probabilities.tolist() == pytest.approx([0.125, 0.5, 0.25, 0.125])


def test_what_left_the_tail_is_forgotten() -> None:
    ids = [0, 1, 2, 3, 3, 0, 1]
    dry = Dry(1.0, 2.0, 2)
    assert (FOUR - dry(FOUR, read(ids, 7))).tolist() == pytest.approx([0, 0, 1, 0])
    assert dry(FOUR, read(ids, 6)).tolist() == FOUR.tolist()


def test_a_penalty_stays_finite() -> None:
    result = Dry(1e300, 1e300, 1)(FOUR, read([0] * 200))
    assert result.tolist() == pytest.approx([-1e100, *FOUR[1:].tolist()])


# ── Laws ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def searched(ids: list[int], least: int, breakers: frozenset[int]) -> dict[int, int]:
    """The oracle: every place, id by id."""
    found: dict[int, int] = {}
    for end in range(1, len(ids)):
        pairs = zip(reversed(ids[:end]), reversed(ids), strict=False)
        length = len(list(takewhile(lambda pair: pair[0] == pair[1] and pair[0] not in breakers, pairs)))
        if length >= least and ids[end] not in breakers:
            found[ids[end]] = max(length, found.get(ids[end], 0))
    return found


@law
@given(st.lists(st.integers(0, 2), max_size=40), st.integers(1, 5), st.frozensets(st.integers(0, 2), max_size=1))
def test_it_finds_what_a_search_finds(ids: list[int], least: int, breakers: frozenset[int]) -> None:
    assert continuations(np.array(ids, np.int64), least, breakers) == searched(ids, least, breakers)


@law
@given(st.lists(st.integers(0, 3), max_size=30), st.integers(0, 300), st.integers(-1, 40))
def test_the_tail_is_the_last_ids_in_their_order(ids: list[int], more: int, longest: int) -> None:
    history = History(4, 0, ids, tail=longest)
    everything = list(ids)
    for number in range(more):
        history.append(number % 4)
        everything.append(number % 4)
    kept = everything if longest < 0 else everything[max(len(everything) - longest, 0) :]
    assert history.tail.tolist() == kept
    assert history.written == more


def test_a_long_stream_takes_no_more_room_than_its_tail() -> None:
    history = History(4, 0, tail=100)
    for number in range(10_000):
        history.append(number % 4)
    assert history._tail is not None
    assert len(history._tail._array) < 1_000


def test_the_worst_history_takes_linear_time() -> None:
    ids = np.zeros(100_000, np.int64)  # each place agrees with all that follow
    began = time.perf_counter()
    assert continuations(ids, 12, NO_BREAKERS) == {0: 99_999}
    assert time.perf_counter() - began < 3, "each place for itself would be five thousand million comparisons"
