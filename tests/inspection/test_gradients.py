"""Gradients against the product of Jacobians, and against autograd on one state after another."""

from collections.abc import Generator
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gen.config import GATES, Cell, ModelConfig
from gen.errors import CorpusError
from gen.inspection.gradients import GradientReach, carried_gradients, gradient_reach
from gen.models.initialization import initial_weights
from gen.models.language_model import RecurrentLanguageModel
from gen.models.recurrent import RecurrentEncoder
from gen.progress import Probing
from gen.protocols import RecurrentState


def finish(work: Generator[Probing, None, Any]) -> tuple[Any, list[float]]:
    """What it returns, and the shares that it yielded."""
    shares = []
    while True:
        try:
            shares.append(next(work).done)
        except StopIteration as end:
            return end.value, shares


def model_of(cell: Cell, **shape: Any) -> RecurrentLanguageModel:
    config = ModelConfig(**{"vocabulary_size": 7, "cell": cell, "layers": 2, "hidden": 5} | shape)
    model = RecurrentLanguageModel(config)
    weights = initial_weights(config, 3)
    for name in weights:
        if name.endswith("embedding.weight"):
            weights[name] = np.random.default_rng(1).standard_normal(weights[name].shape).astype(np.float32)
    model.load_weights(weights)
    return model


TEXT = np.random.default_rng(0).integers(0, 7, 90)


def test_a_simple_network_multiplies_its_jacobians() -> None:
    draws = torch.Generator().manual_seed(0)
    encoder = RecurrentEncoder("rnn", 2, 3, 1).double()
    for parameter in encoder.parameters():
        parameter.data = torch.randn(parameter.shape, generator=draws, dtype=torch.float64)
    x, head = (torch.randn(*shape, generator=draws, dtype=torch.float64) for shape in ((6, 4, 2), (3, 1)))
    last, norms = carried_gradients(encoder, x, encoder.initial_state(4), lambda h: (h @ head).square().sum())
    assert norms.shape == (5, 1, 1, 4)
    weights = {name.rpartition(".")[2]: weight.detach().numpy() for name, weight in encoder.named_parameters()}
    W, U, b = weights["input_weight"], weights["recurrent_weight"], weights["bias"]
    for row in range(4):
        h, states = np.zeros(3), []
        for t in range(6):
            h = np.tanh(W @ x[t, row].numpy() + U @ h + b)
            states.append(h)
        gradient = 2 * (h @ head.numpy()) * head.numpy().ravel()  # d loss / d h_t
        np.testing.assert_allclose(last[row].detach().numpy(), gradient, rtol=1e-10)
        for k in range(1, 6):
            gradient = (np.diag(1 - states[6 - k] ** 2) @ U).T @ gradient  # the Jacobian of h_{t-k+1}
            assert norms[k - 1, 0, 0, row].item() == pytest.approx(np.linalg.norm(gradient), rel=1e-10)


@pytest.mark.parametrize("cell", GATES)
def test_each_state_is_that_of_a_gradient_taken_alone(cell: Cell) -> None:
    model = model_of(cell, ngrams=2, ngram_rows=11, residual=True)
    ids = torch.from_numpy(TEXT[:24].reshape(8, 3))

    def loss(logits: Tensor) -> Tensor:
        return functional.cross_entropy(logits, ids[-1], reduction="sum")

    _, norms = carried_gradients(model, ids[:-1], model.initial_state(3), loss)
    assert norms.shape == (6, 2 if cell == "lstm" else 1, 2, 3)
    for k in range(1, 7):
        with torch.no_grad():
            _, state = model(ids[: 7 - k], model.initial_state(3))
        *arrays, context = state.arrays
        leaves = [array.clone().requires_grad_() for array in arrays]
        logits, _ = model(ids[7 - k : 7], RecurrentState((*leaves, context)))
        alone = torch.autograd.grad(loss(logits[-1]), leaves)
        for found, gradient in zip(norms[k - 1], alone, strict=True):
            torch.testing.assert_close(found, gradient.norm(dim=-1), rtol=1e-4, atol=1e-9)


@pytest.mark.parametrize("cell", GATES)
def test_the_reach_of_a_run_is_the_mean_over_positions_of_its_text(cell: Cell) -> None:
    model = model_of(cell)
    reach, shares = finish(gradient_reach(model, TEXT, back=5, positions=3))
    assert isinstance(reach, GradientReach) and shares == [1.0] and reach.positions == 3
    assert list(reach.norms) == (["h1", "h2", "c1", "c2"] if cell == "lstm" else ["h1", "h2"])
    warm_up = (90 - 5 - 2) // 2
    total, last = np.zeros((2, 5)), 0.0
    for begin in (0, 21, 42):  # evenly, as far as a window fits
        ids = torch.from_numpy(TEXT[begin : begin + warm_up + 7])[:, None]
        with torch.no_grad():
            _, state = model(ids[:warm_up], model.initial_state(1))

        def loss(logits: Tensor, wanted: Tensor = ids[-1]) -> Tensor:
            return functional.cross_entropy(logits, wanted, reduction="sum")

        of_logits, norms = carried_gradients(model, ids[warm_up:-1], state, loss)
        total += norms[:, 0, :, 0].T.detach().numpy() / 3
        last += (of_logits @ model.output.weight).norm().item() / 3
    np.testing.assert_allclose([reach.norms["h1"], reach.norms["h2"]], total, rtol=1e-4)
    assert reach.last == pytest.approx(last, rel=1e-5)


def test_weights_are_left_as_they_are() -> None:
    model = model_of("gru")
    before = model.weights()
    finish(gradient_reach(model, TEXT, back=4, positions=2))
    assert all(parameter.grad is None for parameter in model.parameters())
    assert all(np.array_equal(before[name], array) for name, array in model.weights().items())


def test_a_short_text_is_followed_back_by_half_and_none_is_refused() -> None:
    reach, _ = finish(gradient_reach(model_of("rnn"), TEXT[:20], back=200))
    assert len(reach.norms["h1"]) == 10
    assert set(reach.to_dict()) == {"positions", "last_layer_at_0", "from_1_on"}
    with pytest.raises(CorpusError, match="15 tokens to measure on; 16 are needed"):
        finish(gradient_reach(model_of("rnn"), TEXT[:15]))
