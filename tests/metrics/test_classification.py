"""Accuracy, F1, confusion and calibration, against numbers worked by hand and against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import ConfigError
from gen.metrics.classification import BINS, measure_classes

PROBABILITIES = np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0], [0.3, 0.5, 0.2]])
TARGETS = np.array([0, 1, 1, 1])


def test_figures_worked_by_hand() -> None:
    found = measure_classes(PROBABILITIES, TARGETS, ["a", "b", "c"])
    assert found.documents == 4
    assert found.accuracy == 0.75 and found.majority == 0.75
    assert found.loss == pytest.approx(-(math.log(0.9) + math.log(0.4) + math.log(0.8) + math.log(0.5)) / 4)
    assert found.confusion.tolist() == [[1, 0, 0], [1, 2, 0], [0, 0, 0]]
    a, b, c = found.classes
    assert [a.documents, a.precision, a.recall, a.f1] == pytest.approx([1, 0.5, 1.0, 2 / 3])
    assert [b.documents, b.precision, b.recall, b.f1] == pytest.approx([3, 1.0, 2 / 3, 0.8])
    assert [c.documents, c.precision, c.recall, c.f1] == [0, 0.0, 0.0, 0.0]
    assert found.macro_f1 == pytest.approx((2 / 3 + 0.8) / 2)  # without the class that is not there
    # bins 0.5 (right), 0.6 (wrong), 0.8 (right), 0.9 (right)
    assert found.calibration_error == pytest.approx((0.5 + 0.6 + 0.2 + 0.1) / 4)


@settings(derandomize=True, deadline=None, max_examples=60)
@given(st.integers(1, 40), st.integers(2, 5), st.integers(0, 2**32 - 1))
def test_figures_agree_with_their_definitions(count: int, classes: int, seed: int) -> None:
    draws = np.random.default_rng(seed)
    probabilities = draws.dirichlet(np.ones(classes), count)
    targets = draws.integers(0, classes, count)
    found = measure_classes(probabilities, targets, [str(n) for n in range(classes)])
    named = probabilities.argmax(1)
    assert found.confusion.sum() == sum(it.documents for it in found.bins) == count
    assert found.accuracy == pytest.approx(np.trace(found.confusion) / count)
    for number, it in enumerate(found.classes):
        true, said = targets == number, named == number
        both = (true & said).sum()
        expected = 0.0 if not both else 2 / ((said.sum() + true.sum()) / both)
        assert it.f1 == pytest.approx(expected)
    confident = np.array([p.max() for p in probabilities])
    error = sum(
        abs((named == targets)[inside].mean() - confident[inside].mean()) * inside.sum() / count
        for low in range(BINS)
        if (inside := (np.minimum((confident * BINS).astype(int), BINS - 1) == low)).any()
    )
    assert found.calibration_error == pytest.approx(error)
    assert found.majority == pytest.approx(np.bincount(targets).max() / count)


def test_a_certain_mistake_costs_much_and_not_infinitely() -> None:
    found = measure_classes(np.array([[1.0, 0.0]]), np.array([1]), ["a", "b"])
    assert 100 < found.loss < math.inf


def test_no_documents_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"^documents is 0"):
        measure_classes(np.zeros((0, 2)), np.zeros(0, int), ["a", "b"])
