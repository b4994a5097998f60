"""The encoder against loops written from the cells' equations, its gradients, and the laws of its state."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor

from gen.config import GATES, Cell
from gen.models.recurrent import RecurrentEncoder
from gen.protocols import RecurrentState

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")
Vector = NDArray[np.float64]
every_cell = pytest.mark.parametrize("cell", CELLS)
law = settings(max_examples=30, deadline=None, derandomize=True)


# ── The equations, one row and one time step at a time ───────────────────────────────────────────────────────────────


def sigmoid(x: Vector) -> Vector:
    return np.asarray(1 / (1 + np.exp(-x)))


def rnn_step(p: Mapping[str, Vector], x: Vector, h: Vector) -> tuple[Vector, ...]:
    return (np.tanh(p["input_weight"] @ x + p["recurrent_weight"] @ h + p["bias"]),)


def lstm_step(p: Mapping[str, Vector], x: Vector, h: Vector, c: Vector) -> tuple[Vector, ...]:
    (wi, wf, wg, wo), (ui, uf, ug, uo) = np.split(p["input_weight"], 4), np.split(p["recurrent_weight"], 4)
    bi, bf, bg, bo = np.split(p["bias"], 4)
    i = sigmoid(wi @ x + ui @ h + bi)
    f = sigmoid(wf @ x + uf @ h + bf)
    g = np.tanh(wg @ x + ug @ h + bg)
    o = sigmoid(wo @ x + uo @ h + bo)
    c = f * c + i * g
    return o * np.tanh(c), c


def gru_step(p: Mapping[str, Vector], x: Vector, h: Vector) -> tuple[Vector, ...]:
    (wr, wz, wn), (ur, uz, un) = np.split(p["input_weight"], 3), np.split(p["recurrent_weight"], 3)
    br, bz, bn = np.split(p["bias"], 3)
    r = sigmoid(wr @ x + ur @ h + br)
    z = sigmoid(wz @ x + uz @ h + bz)
    n = np.tanh(wn @ x + bn + r * (un @ h + p["recurrent_bias"]))
    return ((1 - z) * n + z * h,)


STEPS: Mapping[str, Callable[..., tuple[Vector, ...]]] = {"rnn": rnn_step, "lstm": lstm_step, "gru": gru_step}


def run_loop(
    cell: Cell,
    encoder: RecurrentEncoder,
    inputs: Tensor,
    state: RecurrentState[Tensor],
    drop: Callable[[Vector], Vector] = lambda output: output,
    masks: Vector | None = None,
) -> tuple[Vector, RecurrentState[Vector]]:
    """What the encoder should make of inputs (T, B, I): outputs (T, B, H) and the state after them.

    Recurrent dropout is what U reads: a mask on its columns, each row's own.
    """
    layers = [{n: p.detach().double().numpy() for n, p in layer.named_parameters()} for layer in encoder.layers]
    new = RecurrentState(tuple(array.numpy().astype(np.float64) for array in state.arrays))
    rows: list[list[Vector]] = []
    for vectors in inputs.numpy().astype(np.float64):
        rows.append([])
        for row, x in enumerate(vectors):
            for index, parameters in enumerate(layers):
                if masks is not None:
                    weight = layers[index]["recurrent_weight"] * masks[index, row]
                    parameters = parameters | {"recurrent_weight": weight}
                values = STEPS[cell](parameters, x, *(array[index, row] for array in new.arrays))
                for array, value in zip(new.arrays, values, strict=True):
                    array[index, row] = value
                output = drop(values[0])
                x = x + output if index >= encoder.residual else output
            rows[-1].append(x)
    return np.array(rows), new


# ── Random networks ──────────────────────────────────────────────────────────────────────────────────────────────────


def random_encoder(
    cell: Cell, inputs: int, hidden: int, layers: int, residual: int | None = None, dtype: torch.dtype = torch.float64
) -> RecurrentEncoder:
    """Every weight and bias drawn, so that none can be left out unnoticed."""
    encoder = RecurrentEncoder(cell, inputs, hidden, layers, residual=residual).to(dtype)
    draws = np.random.default_rng([inputs, hidden, layers])
    with torch.no_grad():
        for parameter in encoder.parameters():
            parameter.copy_(torch.from_numpy(draws.standard_normal(parameter.shape) / np.sqrt(hidden)))
    return encoder


def random_inputs(steps: int, batch: int, size: int, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.from_numpy(np.random.default_rng([steps, batch, size]).standard_normal((steps, batch, size))).to(dtype)


def random_state(encoder: RecurrentEncoder, batch: int) -> RecurrentState[Tensor]:
    draws = np.random.default_rng(batch)
    return encoder.initial_state(batch).map(lambda a: torch.from_numpy(draws.uniform(-1, 1, a.shape)).to(a.dtype))


def assert_close(found: RecurrentState[Any], expected: RecurrentState[Any], tolerance: float) -> None:
    assert len(found.arrays) == len(expected.arrays)
    for ours, theirs in zip(found.arrays, expected.arrays, strict=True):
        assert ours.shape == theirs.shape
        assert np.abs(np.asarray(ours.detach()) - np.asarray(theirs)).max() <= tolerance


@st.composite
def networks(draw: st.DrawFn) -> tuple[Cell, RecurrentEncoder]:
    cell = draw(st.sampled_from(CELLS))
    inputs, hidden, layers = draw(st.integers(1, 5)), draw(st.integers(1, 7)), draw(st.integers(1, 3))
    return cell, random_encoder(cell, inputs, hidden, layers, draw(st.sampled_from([None, 1])))


def input_size(encoder: RecurrentEncoder) -> int:
    return int(next(encoder.parameters()).size(1))


# ── Against the equations ────────────────────────────────────────────────────────────────────────────────────────────


@every_cell
@pytest.mark.parametrize("residual", [None, 0, 1])
@pytest.mark.parametrize(
    ("layers", "inputs", "hidden", "steps", "batch"), [(1, 3, 5, 7, 2), (2, 9, 1, 4, 3), (3, 4, 13, 5, 1)]
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-5)])
def test_each_cell_is_what_its_equations_say(
    cell: Cell,
    residual: int | None,
    layers: int,
    inputs: int,
    hidden: int,
    steps: int,
    batch: int,
    dtype: torch.dtype,
    tolerance: float,
) -> None:
    if residual == 0:
        inputs = hidden  # or they could not be added
    encoder = random_encoder(cell, inputs, hidden, layers, residual, dtype)
    x, state = random_inputs(steps, batch, inputs, dtype), random_state(encoder, batch)
    expected, after = run_loop(cell, encoder, x, state)
    for grad in (False, True):  # torch takes other kernels where nothing has to be kept for the gradient
        with torch.set_grad_enabled(grad):
            output, new = encoder(x, state)
        assert output.shape == (steps, batch, hidden)
        assert np.abs(output.detach().double().numpy() - expected).max() <= tolerance
        assert_close(new, after, tolerance)


class Louder:
    """In the place of dropout: what it touches can be told."""

    def layer(self, output: Tensor) -> Tensor:
        return 1.5 * output

    def ngrams(self, shape: tuple[int, int, int]) -> Tensor | None:
        raise AssertionError("an encoder has no n-grams")


@every_cell
def test_dropout_is_for_what_a_layer_hands_on_and_not_for_what_it_remembers(cell: Cell) -> None:
    encoder = random_encoder(cell, 4, 6, 3, residual=1)
    x, state = random_inputs(5, 2, 4), random_state(encoder, 2)
    output, new = encoder(x, state, Louder())
    expected, after = run_loop(cell, encoder, x, state, lambda layer_output: 1.5 * layer_output)
    assert np.abs(output.detach().numpy() - expected).max() <= 1e-12
    assert_close(new, after, 1e-12)


def random_masks(encoder: RecurrentEncoder, batch: int) -> Tensor:
    """Factors (L, B, H), some of them 0, as dropout has them, and no two others equal."""
    shape = encoder.initial_state(batch).arrays[0].shape
    factors = np.random.default_rng(batch).uniform(0.5, 2, shape)
    return torch.from_numpy(factors * (factors > 0.8))


@every_cell
def test_recurrent_dropout_is_for_what_the_recurrent_product_reads(cell: Cell) -> None:
    encoder = random_encoder(cell, 4, 6, 3, residual=1)
    x, state = random_inputs(5, 2, 4), random_state(encoder, 2)
    masks = random_masks(encoder, 2)
    expected, after = run_loop(cell, encoder, x, state, masks=masks.numpy())
    for grad in (False, True):
        with torch.set_grad_enabled(grad):
            output, new = encoder(x, state, None, masks)
        assert np.abs(output.detach().numpy() - expected).max() <= 1e-12
        assert_close(new, after, 1e-12)


@every_cell
def test_a_mask_of_ones_changes_nothing(cell: Cell) -> None:
    encoder = random_encoder(cell, 4, 6, 2)
    x, state = random_inputs(5, 3, 4), random_state(encoder, 3)
    output, new = encoder(x, state, None, torch.ones(2, 3, 6, dtype=torch.float64))
    without, after = encoder(x, state)
    assert (output - without).abs().max() <= 1e-14
    assert_close(new, after.detach(), 1e-14)


# ── Gradients ────────────────────────────────────────────────────────────────────────────────────────────────────────


def gradients(encoder: RecurrentEncoder, x: Tensor, state: RecurrentState[Tensor]) -> list[Tensor]:
    """Of a sum that weighs every output and state differently, with respect to weights, inputs and state."""
    leaves = [*encoder.parameters(), x.requires_grad_(), *(array.requires_grad_() for array in state.arrays)]
    output, new = encoder(x, state)
    total = x.new_zeros(())
    for tensor in (output, *new.arrays):
        total = total + (tensor * torch.arange(tensor.numel(), dtype=x.dtype).cos().view_as(tensor)).sum()
    return list(torch.autograd.grad(total, leaves))


@every_cell
@pytest.mark.parametrize("masked", [False, True])
def test_all_that_is_computed_is_where_the_input_is(cell: Cell, masked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a GPU: what says no device is made elsewhere ("meta" here), and must not meet what is not."""
    encoder, x = RecurrentEncoder(cell, 5, 4, 2), torch.zeros(3, 2, 5, requires_grad=True)
    masks = random_masks(encoder, 2) if masked else None
    for name in ("empty", "zeros", "ones", "full", "arange", "tensor"):
        monkeypatch.setattr(torch, name, partial(getattr(torch, name), device="meta"))
    output, state = encoder(x, encoder.initial_state(2), None, masks)
    (output.sum() + sum(array.sum() for array in state.arrays)).backward()
    assert all(it is not None and it.device.type == "cpu" for it in (output, x.grad, *state.arrays))


@every_cell
@pytest.mark.parametrize("masked", [False, True])
def test_gradients_agree_with_finite_differences(cell: Cell, masked: bool) -> None:
    encoder = random_encoder(cell, 2, 3, 2, residual=1)
    masks = random_masks(encoder, 2) if masked else None
    names = [name for name, _ in encoder.named_parameters()]

    def run(x: Tensor, *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(tensors) - len(names)
        parameters = dict(zip(names, tensors[count:], strict=True))
        given = (x, RecurrentState(tensors[:count]), None, masks)
        output, new = torch.func.functional_call(encoder, parameters, given)
        return (output, *new.arrays)

    leaves = [random_inputs(3, 2, 2), *random_state(encoder, 2).arrays, *encoder.parameters()]
    assert torch.autograd.gradcheck(run, [leaf.detach().clone().requires_grad_() for leaf in leaves])


@every_cell
def test_single_precision_gradients_agree_with_double(cell: Cell) -> None:
    def compute(dtype: torch.dtype) -> list[Tensor]:
        encoder = random_encoder(cell, 8, 16, 2, 1, dtype)
        return gradients(encoder, random_inputs(9, 3, 8, dtype), random_state(encoder, 3))

    for ours, theirs in zip(compute(torch.float32), compute(torch.float64), strict=True):
        assert (ours - theirs).abs().max() <= 1e-4 * (1 + theirs.abs().max())


@pytest.mark.parametrize("cell", ["rnn", "gru"])  # the LSTM's is torch's, which not every processor has in bf16
def test_products_in_bf16_are_rounded_and_nothing_else(cell: Cell) -> None:
    encoder = random_encoder(cell, 8, 16, 2, 1, torch.float32)
    x, state = random_inputs(9, 3, 8, torch.float32), random_state(encoder, 3)
    exact = gradients(encoder, x, state)
    with torch.autocast("cpu", torch.bfloat16):
        output, _ = encoder(x, state)
        rounded = gradients(encoder, x, state)
    assert output.dtype == torch.float32
    for ours, theirs in zip(rounded, exact, strict=True):
        assert ours.dtype == torch.float32 and not torch.equal(ours, theirs)
        assert (ours - theirs).abs().max() <= 0.05 * (1 + theirs.abs().max())


@every_cell
def test_a_detached_state_stops_the_gradient(cell: Cell) -> None:
    encoder = random_encoder(cell, 3, 4, 2)
    x = random_inputs(6, 2, 3).requires_grad_()
    _, state = encoder(x[:3], encoder.initial_state(2))
    cut = state.detach()
    output, _ = encoder(x[3:], cut)
    (gradient,) = torch.autograd.grad(output.sum(), x)
    assert (gradient[:3] == 0).all() and (gradient[3:] != 0).any()
    assert all(torch.equal(a, b) and not a.requires_grad for a, b in zip(cut.arrays, state.arrays, strict=True))


# ── Laws of the state ────────────────────────────────────────────────────────────────────────────────────────────────


@law
@given(networks(), st.lists(st.integers(1, 4), min_size=1, max_size=4), st.integers(1, 3))
def test_cutting_a_sequence_changes_nothing(
    network: tuple[Cell, RecurrentEncoder], lengths: list[int], batch: int
) -> None:
    _, encoder = network
    x, state = random_inputs(sum(lengths), batch, input_size(encoder)), random_state(encoder, batch)
    whole, after = encoder(x, state)
    outputs = []
    for chunk in torch.split(x, lengths):
        output, state = encoder(chunk, state)
        outputs.append(output)
    assert (torch.cat(outputs) - whole).abs().max() <= 1e-12
    assert_close(state, after.detach(), 1e-12)


@law
@given(networks(), st.lists(st.integers(0, 3), min_size=1, max_size=6))
def test_selecting_rows_commutes_with_reading(network: tuple[Cell, RecurrentEncoder], rows: list[int]) -> None:
    _, encoder = network
    x, state = random_inputs(3, 4, input_size(encoder)), random_state(encoder, 4)
    output, after = encoder(x, state)
    selected, new = encoder(x[:, rows], state.select(rows))
    assert (selected - output[:, rows]).abs().max() <= 1e-12
    assert_close(new, after.select(rows).detach(), 1e-12)


@every_cell
def test_reading_leaves_input_and_state_as_they_were(cell: Cell) -> None:
    encoder = random_encoder(cell, 3, 4, 2, residual=1)
    x, state = random_inputs(3, 2, 3), random_state(encoder, 2)
    kept, kept_state = x.clone(), state.map(torch.clone)
    encoder(x, state)
    assert torch.equal(x, kept)
    assert all(torch.equal(a, b) for a, b in zip(state.arrays, kept_state.arrays, strict=True))


@pytest.mark.parametrize(("cell", "arrays"), [("rnn", 1), ("lstm", 2), ("gru", 1)])
def test_the_initial_state_is_zeros_like_the_weights(cell: Cell, arrays: int) -> None:
    state = random_encoder(cell, 3, 5, 2).initial_state(4)
    assert len(state.arrays) == arrays
    assert all(a.shape == (2, 4, 5) and a.dtype == torch.float64 and not a.any() for a in state.arrays)


@every_cell
def test_each_layer_has_the_parameters_of_its_cell(cell: Cell) -> None:
    rows = GATES[cell] * 5
    shapes = {name: tuple(p.shape) for name, p in random_encoder(cell, 3, 5, 2).named_parameters()}
    expected = {"input_weight": (rows, 3), "recurrent_weight": (rows, 5), "bias": (rows,)}
    if cell == "gru":
        expected["recurrent_bias"] = (5,)
    second = expected | {"input_weight": (rows, 5)}
    assert shapes == {f"layers.{i}.{n}": s for i, layer in enumerate((expected, second)) for n, s in layer.items()}
