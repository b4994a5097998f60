import math
import tracemalloc
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import ConfigError, CorpusError, TokenizerError
from gen.metrics import ngram
from gen.metrics.ngram import witten_bell

LINES = """\
the quality of a thing is not strained, it falls as the rain that is gentle falls on the place that is below it;
it is twice a thing: it is a thing to the one that gives, and it is a thing to the one that takes what is given.
"""


def reference(train: Sequence[int], validation: Sequence[int], vocabulary_size: int, order: int) -> float:
    """The equation, word for word."""
    counts: dict[tuple[int, ...], dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for length in range(order):
        for end in range(length, len(train)):
            counts[tuple(train[end - length : end])][train[end]] += 1

    def probability(word: int, context: tuple[int, ...]) -> float:
        shorter = probability(word, context[1:]) if context else 1 / vocabulary_size
        followers = counts.get(context, {})
        total, different = sum(followers.values()), len(followers)
        if total == 0:
            return shorter
        return (followers.get(word, 0) + different * shorter) / (total + different)

    losses = [
        -math.log(probability(word, tuple(validation[max(0, end - order + 1) : end])))
        for end, word in enumerate(validation)
    ]
    return sum(losses) / len(losses)


def ids(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), np.uint8)


@st.composite
def parts(draw: st.DrawFn) -> tuple[list[int], list[int], int, int]:
    size = draw(st.sampled_from([1, 2, 3, 7, 300, 2**24]))
    symbols = st.integers(0, size - 1) if draw(st.booleans()) else st.sampled_from([0, size // 2, size - 1])
    train = draw(st.lists(symbols, max_size=40))
    validation = draw(st.lists(symbols, min_size=1, max_size=20))
    return train, validation, size, draw(st.integers(1, 7))


@settings(derandomize=True, deadline=None, max_examples=300)
@given(parts())
def test_it_is_the_equation(case: tuple[list[int], list[int], int, int]) -> None:
    train, validation, size, order = case
    fast = witten_bell(np.array(train, np.int64), np.array(validation, np.int64), size, order)
    assert fast == pytest.approx(reference(train, validation, size, order), rel=1e-12)


@pytest.mark.parametrize("order", range(1, 9))
def test_it_is_the_equation_on_text(order: int) -> None:
    train, validation = ids(LINES[:180]), ids(LINES[180:])
    expected = reference(train.tolist(), validation.tolist(), 128, order)
    assert witten_bell(train, validation, 128, order) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("table", [0, 10**6])
def test_sorting_and_looking_up_give_the_same_figure(table: int, monkeypatch: pytest.MonkeyPatch) -> None:
    train, validation = ids(LINES[:180]), ids(LINES[180:])
    expected = reference(train.tolist(), validation.tolist(), 128, 5)
    monkeypatch.setattr(ngram, "_TABLE", table)
    assert witten_bell(train, validation, 128) == pytest.approx(expected, rel=1e-12)


def test_a_bigram_worked_by_hand() -> None:
    # counted on a b a a: the unigram has c(a) = 3, c(b) = 1, T = 2, V = 2, so P(a) = (3 + 2/2) / 6 = 2/3, P(b) = 1/3;
    # a was followed by b and a, b by a: P(b|a) = (1 + 2/3) / (2 + 2) = 5/12, P(a|b) = (1 + 2/3) / (1 + 1) = 5/6
    train, validation = np.array([0, 1, 0, 0]), np.array([0, 1, 0])
    expected = -(math.log(2 / 3) + math.log(5 / 12) + math.log(5 / 6)) / 3
    assert witten_bell(train, validation, 2, order=2) == pytest.approx(expected)


def test_nothing_counted_is_the_uniform_distribution() -> None:
    assert witten_bell(np.empty(0, np.uint8), np.array([4, 1, 3]), 5) == pytest.approx(math.log(5))


def test_probabilities_sum_to_one() -> None:
    train = np.random.default_rng(0).integers(0, 4, 200)
    prefix = [2, 0, 1, 3]

    def total_loss(continuation: list[int]) -> float:
        text = np.array([*prefix, *continuation])
        return witten_bell(train, text, 6) * len(text)

    before = total_loss([])
    assert sum(math.exp(before - total_loss([word])) for word in range(6)) == pytest.approx(1)


def test_longer_contexts_help_where_text_repeats() -> None:
    train, validation = np.tile(np.arange(6), 50), np.tile(np.arange(6), 10)
    losses = [witten_bell(train, validation, 6, order) for order in (1, 2, 3)]
    assert losses[0] == pytest.approx(math.log(6))
    assert losses[0] > 10 * losses[1] > 10 * losses[2]


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.uint64])
def test_ids_of_any_dtype_of_which_the_parts_may_differ(dtype: type) -> None:
    train, validation = ids(LINES[:180]), ids(LINES[180:])
    assert witten_bell(train.astype(dtype), validation, 128) == witten_bell(train, validation, 128)


@pytest.mark.parametrize("size", [2, 50, 30_000])
def test_memory_is_below_100_bytes_an_id(size: int) -> None:
    rng = np.random.default_rng(0)
    train, validation = rng.integers(0, size, 60_000), rng.integers(0, size, 15_000)
    witten_bell(train, validation, size)
    tracemalloc.start()
    try:
        witten_bell(train, validation, size)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 100 * 75_000


def test_the_arguments_are_left_alone() -> None:
    train, validation = ids(LINES[:180]).copy(), ids(LINES[180:]).copy()
    witten_bell(train, validation, 128)
    assert train.tobytes() + validation.tobytes() == LINES.encode()


def test_what_cannot_be_counted_is_refused() -> None:
    few = np.array([0, 1, 2])
    with pytest.raises(ConfigError, match="order is 0"):
        witten_bell(few, few, 3, order=0)
    with pytest.raises(CorpusError, match="validation part holds 0 tokens"):
        witten_bell(few, few[:0], 3)
    with pytest.raises(TokenizerError, match="id 2 is outside the vocabulary of 2"):
        witten_bell(few, few[:2], 2)
    with pytest.raises(TokenizerError, match="id -1 is outside"):
        witten_bell(few, np.array([0, -1]), 3)
