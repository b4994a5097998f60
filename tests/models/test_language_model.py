"""The language model: its parameters by name, what it computes from them, and the laws of a `LanguageModel`."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from gen.config import Cell, ModelConfig
from gen.models.language_model import RecurrentLanguageModel
from gen.protocols import RecurrentState

configs = st.builds(
    ModelConfig,
    vocabulary_size=st.integers(1, 9),
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    layers=st.integers(1, 3),
    hidden=st.integers(1, 6),
    residual=st.booleans(),
    ngrams=st.integers(1, 4),
    ngram_rows=st.sampled_from([1, 8, 1000]),
    ngram_width=st.integers(1, 8),
    tied=st.booleans(),
)
every_cell = pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
law = settings(max_examples=30, deadline=None, derandomize=True)


def random_weights(config: ModelConfig) -> dict[str, NDArray[np.float32]]:
    draws = np.random.default_rng(config.parameters)
    scale = config.hidden**-0.5
    return {n: (scale * draws.standard_normal(s)).astype(np.float32) for n, s in config.parameter_shapes().items()}


def random_model(config: ModelConfig) -> RecurrentLanguageModel:
    """In float64, so that a law broken is not mistaken for rounding."""
    model = RecurrentLanguageModel(config)
    model.load_weights(random_weights(config))
    return model.double().requires_grad_(False)


def random_ids(config: ModelConfig, *shape: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(shape).integers(config.vocabulary_size, size=shape))


def random_state(model: RecurrentLanguageModel, batch: int) -> RecurrentState[Tensor]:
    draws = np.random.default_rng(batch)

    def like(array: Tensor) -> Tensor:
        if array.dtype == torch.long:  # symbols of the last tokens
            return torch.from_numpy(draws.integers(model.vocabulary_size + 1, size=array.shape))
        return torch.from_numpy(draws.uniform(-1, 1, array.shape))

    return model.initial_state(batch).map(like)


def assert_close(found: RecurrentState[Tensor], expected: RecurrentState[Tensor]) -> None:
    for ours, theirs in zip(found.arrays, expected.arrays, strict=True):
        assert ours.shape == theirs.shape and (ours - theirs).abs().max() <= 1e-12


# ── Parameters ───────────────────────────────────────────────────────────────────────────────────────────────────────


@law
@given(configs)
def test_the_parameters_are_those_that_the_config_lists_in_that_order(config: ModelConfig) -> None:
    model = RecurrentLanguageModel(config)
    assert [(n, tuple(t.shape)) for n, t in model.state_dict().items()] == list(config.parameter_shapes().items())
    assert sum(parameter.numel() for parameter in model.parameters()) == config.parameters
    assert model.vocabulary_size == config.vocabulary_size


@every_cell
def test_weights_come_back_to_the_bit_and_as_copies(cell: Cell) -> None:
    config = ModelConfig(vocabulary_size=5, cell=cell, layers=2, hidden=3)
    weights, model = random_weights(config), RecurrentLanguageModel(config)
    given_weights = {name: array.copy() for name, array in weights.items()}
    model.load_weights(given_weights)
    for array in given_weights.values():
        array.fill(0)  # the model has its own
    taken = model.weights()
    assert list(taken) == list(weights)
    assert all(taken[n].dtype == np.float32 and np.array_equal(taken[n], weights[n]) for n in weights)
    for array in taken.values():
        array.fill(0)
    assert all(np.array_equal(array, weights[n]) for n, array in model.weights().items())


def test_a_tied_embedding_learns_from_both_its_uses() -> None:
    config = ModelConfig(vocabulary_size=7, hidden=5, ngrams=2, ngram_rows=9, tied=True)
    tied, plain = random_model(config), random_model(replace(config, tied=False))
    plain.load_state_dict({**tied.state_dict(), "output.weight": tied.embedding.weight})
    ids, targets = random_ids(config, 6, 2), random_ids(config, 6, 2).flip(0)
    for model in (tied, plain):
        model.requires_grad_()
        loss, _ = model.loss(ids, targets, random_state(model, 2))
        loss.backward()  # type: ignore[no-untyped-call]
    found, read, scored = tied.embedding.weight.grad, plain.embedding.weight.grad, plain.output.weight.grad
    assert found is not None and read is not None and scored is not None
    assert read.abs().max() > 0 and scored.abs().max() > 0 and torch.allclose(found, read + scored, atol=1e-12)


@law
@given(configs, st.integers(1, 5), st.integers(1, 3))
def test_the_loss_is_the_cross_entropy_of_the_logits(config: ModelConfig, steps: int, batch: int) -> None:
    model = random_model(config)
    ids, state = random_ids(config, steps, batch), random_state(model, batch)
    targets = random_ids(config, batch, steps).T
    logits, after = model(ids, state)
    costs = -torch.log_softmax(logits, -1).gather(-1, targets[..., None])
    loss, state_after = model.loss(ids, targets, state)
    total, _ = model.loss(ids, targets, state, reduction="sum")
    assert loss.item() == pytest.approx(costs.mean().item()) and total.item() == pytest.approx(costs.sum().item())
    assert_close(state_after, after)


@pytest.mark.parametrize("change", ["missing", "unexpected", "misshapen"])
def test_weights_that_do_not_fit_are_refused(change: str) -> None:
    config = ModelConfig(vocabulary_size=5, layers=1, hidden=3)
    weights = random_weights(config)
    if change == "missing":
        del weights["output.bias"]
    elif change == "unexpected":
        weights["output.scale"] = np.ones(1, np.float32)
    else:
        weights["output.bias"] = np.ones(1, np.float32)
    with pytest.raises(RuntimeError, match=r"output\.(bias|scale)"):
        RecurrentLanguageModel(config).load_weights(weights)


# ── What it computes ─────────────────────────────────────────────────────────────────────────────────────────────────


@law
@given(configs, st.integers(1, 4), st.integers(1, 3))
def test_logits_are_a_linear_map_of_the_encoded_embeddings(config: ModelConfig, steps: int, batch: int) -> None:
    config = replace(config, ngrams=1)
    model, weights = random_model(config), random_weights(config)
    ids, state = random_ids(config, steps, batch), random_state(model, batch)
    logits, after = model(ids, state)
    vectors = weights["embedding.weight"].astype(np.float64)[ids.numpy()]
    encoded, expected = model.encoder(torch.from_numpy(vectors), state)
    exact = encoded.numpy() @ weights[config.output_weight].T.astype(np.float64) + weights["output.bias"]
    assert logits.shape == (steps, batch, config.vocabulary_size)
    assert np.abs(logits.numpy() - exact).max() <= 1e-12
    assert_close(after, expected)


@law
@given(configs, st.integers(1, 5), st.integers(1, 3))
def test_prefill_is_steps_is_one_pass(config: ModelConfig, steps: int, batch: int) -> None:
    model = random_model(config)
    ids, state = random_ids(config, batch, steps), random_state(model, batch)
    all_logits, after = model(ids.T, state)
    logits, prefilled = model.prefill(ids, state)
    assert (logits - all_logits[-1]).abs().max() <= 1e-12
    assert_close(prefilled, after)
    for expected, column in zip(all_logits, ids.T, strict=True):
        logits, state = model.step(column, state)
        assert logits.shape == (batch, config.vocabulary_size)
        assert (logits - expected).abs().max() <= 1e-12
    assert_close(state, after)


@law
@given(configs, st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_selecting_rows_commutes_with_a_step(config: ModelConfig, rows: list[int]) -> None:
    model = random_model(config)
    ids, state = random_ids(config, 4), random_state(model, 4)
    logits, after = model.step(ids, state)
    selected, new = model.step(ids[rows], state.select(rows))
    assert (selected - logits[rows]).abs().max() <= 1e-12
    assert_close(new, after.select(rows))


@every_cell
def test_nothing_is_remembered_between_calls(cell: Cell) -> None:
    model = random_model(ModelConfig(vocabulary_size=7, cell=cell, layers=2, hidden=5))
    ids, state = random_ids(model.config, 2, 6), random_state(model, 2)
    kept = state.map(torch.clone)
    first, _ = model.prefill(ids, state)
    model.prefill(ids.flip(1), model.initial_state(2))
    again, _ = model.prefill(ids, state)
    assert torch.equal(first, again)
    assert all(torch.equal(a, b) for a, b in zip(state.arrays, kept.arrays, strict=True))


class Silence:
    """Dropout that leaves out all units, or all n-grams."""

    def __init__(self, *, units: bool) -> None:
        self._units = units

    def layer(self, output: Tensor) -> Tensor:
        return output * 0 if self._units else output

    def ngrams(self, shape: tuple[int, int, int]) -> Tensor:
        return torch.full(shape, float(self._units), dtype=torch.float64)


@every_cell
def test_dropout_reaches_the_encoder(cell: Cell) -> None:
    model = random_model(ModelConfig(vocabulary_size=7, cell=cell, layers=2, hidden=5))
    ids, state = random_ids(model.config, 3, 2), random_state(model, 2)
    logits, _ = model(ids, state, Silence(units=True))
    assert torch.equal(logits, model.output.bias.expand_as(logits))


def test_dropout_reaches_the_ngrams() -> None:
    model = random_model(ModelConfig(vocabulary_size=7, hidden=5, ngrams=3))
    ids, state = random_ids(model.config, 4, 2), random_state(model, 2)
    found, _ = model(ids, state, Silence(units=False))
    assert model.ngram_embedding is not None
    model.ngram_embedding.weight.zero_()
    expected, _ = model(ids, state)
    assert torch.equal(found, expected)


def test_with_ngrams_the_input_goes_past_the_first_layer_too() -> None:
    config = ModelConfig(vocabulary_size=7, hidden=5, layers=1, residual=True, ngrams=2, ngram_rows=9)
    model = random_model(config)
    ids = random_ids(config, 1, 2)
    logits, after = model(ids, model.initial_state(2))
    assert model.ngram_embedding is not None
    sums, _ = model.ngram_embedding(ids, torch.zeros(1, 2, dtype=torch.long))
    seen = after.arrays[0][0] + model.embedding(ids[0]) + sums[0]
    assert torch.allclose(logits[0], model.output(seen), atol=1e-12)
    plain = random_model(replace(config, ngrams=1))
    logits, after = plain(ids, plain.initial_state(2))
    assert torch.allclose(logits[0], plain.output(after.arrays[0][0]), atol=1e-12)


@law
@given(configs, st.integers(1, 5), st.integers(1, 3))
def test_ngrams_add_the_rows_of_a_rolling_hash(config: ModelConfig, steps: int, batch: int) -> None:
    model = random_model(config)
    ids, state = random_ids(config, steps, batch), random_state(model, batch)
    logits, after = model(ids, state)
    read = [[int(s) for s in reversed(column)] for column in state.arrays[-1].T] if config.ngrams > 1 else [[]] * batch
    expected = RecurrentState(state.arrays[: 2 if config.cell == "lstm" else 1])
    for t, row in enumerate(ids.tolist()):
        x = model.embedding(ids[t])
        for b, token in enumerate(row):
            read[b] = [*read[b], token + 1]
            for n in range(2, config.ngrams + 1):
                code = 0
                for symbol in reversed(read[b][-n:]):
                    code = code * 1_140_671_485 + symbol
                vector = model.get_parameter("ngram_embedding.weight")[code % (2**31 - 1) % config.ngram_rows]
                x[b, : len(vector)] += vector
        output, expected = model.encoder(x[None], expected)
        assert (logits[t] - (output[0] @ model.output_weight.T + model.output.bias)).abs().max() <= 1e-12
    assert_close(RecurrentState(after.arrays[: len(expected.arrays)]), expected)
