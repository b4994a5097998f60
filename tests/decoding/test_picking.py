import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.decoding.picking import likeliest_token, sample_token
from gen.errors import ConfigError, SamplingError
from gen.random import Draws

INF = math.inf
LAST_DRAW = 1 - 2**-53


@pytest.mark.parametrize(
    ("draw", "id"),
    [
        (0.0, 0),
        (0.499999, 0),
        (0.500001, 2),
        (0.749999, 2),
        (0.750001, 3),
        (0.874999, 3),
        (0.875001, 4),
        (LAST_DRAW, 4),
    ],
)
def test_a_draw_picks_in_id_order(draw: float, id: int) -> None:
    logits = np.array([math.log(0.5), -INF, math.log(0.25), math.log(0.125), math.log(0.125), -INF])
    assert sample_token(logits, draw) == id
    assert sample_token(logits + 1e4, draw) == id
    assert sample_token(logits.astype(np.float32), draw) == id


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    st.lists(
        st.one_of(
            st.floats(-80, 80, width=32), st.floats(width=32, allow_nan=False, allow_infinity=False), st.just(-INF)
        ),
        min_size=1,
    ).filter(lambda values: max(values) > -INF),
    st.one_of(st.sampled_from([0.0, LAST_DRAW]), st.floats(0, LAST_DRAW)),
)
def test_what_has_no_probability_is_never_picked(values: list[float], draw: float) -> None:
    token = sample_token(np.array(values, np.float32), draw)
    assert math.exp(values[token] - max(values)) > 0


def test_frequencies_are_the_softmax() -> None:
    logits, n = np.array([0.0, -1.0, 1.0, -INF, 0.5, -3.0]), 20_000
    draws = Draws(11)
    observed = Counter(sample_token(logits, draws.at(position)) for position in range(n))
    expected = n * np.exp(logits) / np.exp(logits).sum()
    assert observed[3] == 0
    chi_square = sum((observed[id] - expected[id]) ** 2 / expected[id] for id in (0, 1, 2, 4, 5))
    assert chi_square < 18.47  # the 99.9 % quantile at four degrees of freedom


def test_the_likeliest_token_is_the_lowest_of_equals() -> None:
    assert likeliest_token(np.array([1.0, 3.0, -INF, 3.0])) == 1


@pytest.mark.parametrize("broken", [math.nan, INF])
@pytest.mark.parametrize("at", [0, 1, 3])
def test_logits_that_are_not_finite_are_named(broken: float, at: int) -> None:
    logits = np.array([1.0, 2.0, -INF, 0.0])
    logits[at] = broken
    with pytest.raises(SamplingError, match=f"logit of id {at} is {broken}"):
        sample_token(logits, 0.5)
    with pytest.raises(SamplingError, match=f"logit of id {at} is {broken}"):
        likeliest_token(logits)


def test_nothing_to_choose_from_is_named() -> None:
    with pytest.raises(ConfigError, match="all 5 ids of the vocabulary are ruled out"):
        sample_token(np.full(5, -INF), 0.5)
