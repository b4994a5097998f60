"""The exact pass against a loop over single tokens; the quick one against the exact."""

import itertools

import numpy as np
import pytest
import torch

from gen.config import ModelConfig
from gen.models.initialization import initial_weights
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation, cold_loss


@pytest.fixture(scope="module")
def model() -> RecurrentLanguageModel:
    config = ModelConfig(vocabulary_size=5, hidden=12, layers=2)
    model = RecurrentLanguageModel(config)
    model.load_weights(initial_weights(config, seed=3))
    return model


def ids(size: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 5, size).astype(np.uint8)


def finish(validation: Validation) -> float:
    shares = list(validation.run())
    assert shares[-1] == 1 and shares == sorted(shares)
    return validation.loss


@pytest.mark.parametrize("size", [2, 3, 513, 1300])
def test_one_row_is_one_stateful_pass_over_everything(model: RecurrentLanguageModel, size: int) -> None:
    sequence = ids(size)
    state, total = model.initial_state(1), 0.0
    with torch.no_grad():
        for current, following in itertools.pairwise(sequence):
            logits, state = model.step(torch.tensor([int(current)]), state)
            total -= float(torch.log_softmax(logits[0], 0)[int(following)])
    validation = Validation(model, sequence)
    assert finish(validation) == pytest.approx(total / (size - 1), abs=1e-5)
    assert validation.tokens == size - 1


def test_stretches_side_by_side_come_close(model: RecurrentLanguageModel) -> None:
    sequence = ids(20_000)
    exact, quick = Validation(model, sequence), Validation(model, sequence, rows=16)
    assert finish(quick) == pytest.approx(finish(exact), abs=1e-3)
    assert quick.tokens >= 0.99 * exact.tokens


def test_a_bound_on_tokens_is_kept_and_spread_over_the_part(model: RecurrentLanguageModel) -> None:
    sequence = np.concatenate([np.zeros(10_000, np.uint8), ids(10_000)])
    quick = Validation(model, sequence, rows=8, tokens=4096)
    assert quick.tokens == 4096
    zeros, rest = Validation(model, sequence[:10_000]), Validation(model, sequence[10_000:])
    assert finish(quick) == pytest.approx((finish(zeros) + finish(rest)) / 2, abs=0.1)


def test_it_reads_without_gradients_and_leaves_the_weights_alone(model: RecurrentLanguageModel) -> None:
    before = model.weights()
    finish(Validation(model, ids(600), rows=2))
    assert all(np.array_equal(before[name], array) for name, array in model.weights().items())
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize(("size", "window"), [(2, 1), (30, 7), (100, 200), (1000, 4)])
def test_cold_windows_begin_from_nothing(model: RecurrentLanguageModel, size: int, window: int) -> None:
    sequence, total, scored = ids(size), 0.0, 0
    whole = min(window, size - 1)
    for begin in range(0, size - whole, whole):
        validation = Validation(model, sequence[begin : begin + whole + 1])
        total += finish(validation) * whole
        scored += whole
    shares = []
    running = cold_loss(model, sequence, window)
    while True:
        try:
            shares.append(next(running))
        except StopIteration as end:
            assert end.value == pytest.approx(total / scored, abs=1e-5)
            break
    assert shares[-1] == 1 and shares == sorted(shares)
