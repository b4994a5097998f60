"""The tasks against their definitions, written as loops."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.inspection.tasks import TASKS, Adding, DelayedRecall
from gen.random import generator

LAGS = st.integers(2, 60)


@settings(max_examples=25)
@given(lag=LAGS, seed=st.integers(0, 1000))
def test_recall_shows_a_marked_symbol_then_others_then_the_cue(lag: int, seed: int) -> None:
    task = DelayedRecall()
    x, wanted = task.draw(generator(seed), lag, 5)
    assert x.shape == (lag + 1, 5, task.inputs)
    for row in range(5):
        for step in range(lag):
            symbol = x[step, row, :8]
            assert symbol.sum() == 1 and symbol.max() == 1
            assert x[step, row, 8] == (step == 0) and x[step, row, 9] == 0
        assert x[0, row, :8].argmax() == wanted[row]
        assert x[lag, row].tolist() == [0.0] * 9 + [1.0]


def test_recall_is_right_where_the_greatest_answer_is_the_symbol() -> None:
    task = DelayedRecall()
    answers = torch.tensor([[5.0, 1, 0, 0, 0, 0, 0, 0], [0, 0, 0, 0, 0, 0, 0, 2]])
    assert task.right(answers, torch.tensor([0, 6])).tolist() == [True, False]
    by_hand = [np.log(np.exp(row).sum()) - row[id] for row, id in zip(answers.numpy(), (0, 6), strict=True)]
    assert task.loss(answers, torch.tensor([0, 6])).item() == pytest.approx(np.mean(by_hand), rel=1e-6)
    assert task.chance == 1 / 8


@settings(max_examples=25)
@given(lag=LAGS, seed=st.integers(0, 1000))
def test_adding_asks_for_the_sum_of_the_two_marked_values(lag: int, seed: int) -> None:
    x, wanted = Adding().draw(generator(seed), lag, 5)
    assert x.shape == (lag + 1, 5, 2)
    assert 0 <= x[:, :, 0].min() and x[:, :, 0].max() < 1
    for row in range(5):
        total = 0.0
        places: list[int] = []
        for step in range(lag + 1):
            value, mark = x[step, row].tolist()
            assert mark in (0, 1)
            if mark:
                total += value
                places.append(step)
        assert wanted[row].item() == pytest.approx(total, abs=1e-6)
        first, second = places
        assert first < max(1, lag // 10) <= second < max(2, lag // 2)


def test_who_always_answers_the_mean_has_a_sixth_and_is_right_by_chance() -> None:
    task = Adding()
    _, wanted = task.draw(generator(0), 10, 200_000)
    answers = torch.ones(200_000, 1)
    assert task.loss(answers, wanted).item() == pytest.approx(1 / 6, rel=0.01)
    assert task.right(answers, wanted).float().mean().item() == pytest.approx(task.chance, rel=0.02)


def test_adding_is_right_within_a_twenty_fifth_of_the_range() -> None:
    answers = torch.tensor([[0.921], [0.919], [1.079], [1.081]])
    assert Adding().right(answers, torch.ones(4)).tolist() == [True, False, True, False]


@pytest.mark.parametrize("name", TASKS)
def test_symbols_and_places_are_drawn_evenly(name: str) -> None:
    x, wanted = TASKS[name].draw(generator(3), 40, 8000)  # type: ignore[index]
    counts = torch.bincount(wanted) if name == "recall" else x[:, :, 1].sum(1)[:4]
    assert len(counts) == (8 if name == "recall" else 4)
    even = 8000 / len(counts)
    assert all(abs(count - even) < 5 * even**0.5 for count in counts.tolist())


@pytest.mark.parametrize("name", TASKS)
def test_the_same_draws_give_the_same_sequences(name: str) -> None:
    first, again, other = (TASKS[name].draw(generator(seed), 20, 4) for seed in (1, 1, 2))  # type: ignore[index]
    assert torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])
    assert not torch.equal(first[0], other[0])
