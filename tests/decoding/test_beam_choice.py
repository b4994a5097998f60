import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gen.decoding.beam_choice import best_places, gumbels, perturbed
from gen.random import philox
from tests.decoding.strategies import law

numbers = st.one_of(st.sampled_from([-math.inf, -1.0, 0.0, 1.0]), st.floats(-9, 9))


@law
@given(st.lists(numbers, min_size=1, max_size=200), st.integers(1, 90), st.floats(-10, 10) | st.just(-math.inf))
def test_the_best_are_the_first_of_all_in_order_whatever_the_guess(
    values: list[float], count: int, least: float
) -> None:
    order = sorted(range(len(values)), key=lambda place: (-values[place], place))
    expected = [(place, values[place]) for place in order[:count] if values[place] > -math.inf]
    assert best_places(np.array(values), count, least) == expected


def test_the_largest_continuation_has_the_number_of_its_hypothesis() -> None:
    draws = np.random.default_rng(0)
    for seed in range(50):
        totals = draws.normal(-5, 3, (6, 9))
        totals[draws.random((6, 9)) < 0.3] = -math.inf
        totals[5] = -math.inf
        ranks = draws.normal(-5, 3, 6)
        found = perturbed(totals, ranks, gumbels(philox(seed, "test"), (6, 9)))
        assert np.allclose(found[:5].max(1), ranks[:5], rtol=0, atol=1e-12)
        assert np.array_equal(found == -math.inf, totals == -math.inf)


def test_standard_gumbels_have_their_mean_and_spread() -> None:
    found = gumbels(philox(1, "test"), (200, 500))
    assert np.isfinite(found).all()
    assert abs(found.mean() - 0.5772157) < 4 * found.std() / math.sqrt(found.size)
    assert abs(found.std() - math.pi / math.sqrt(6)) < 0.02
