"""All engines: the torch model's logits, and a row's bits whatever stands beside it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from random import Random
from threading import Barrier
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.config import Cell, ModelConfig
from gen.engine import NativeEngine, NumpyEngine, instruction_sets
from gen.models.language_model import RecurrentLanguageModel
from gen.protocols import RecurrentState

Array = NDArray[np.float32]
State = RecurrentState[Array]
Engine = NumpyEngine | NativeEngine
Maker = Callable[..., Engine]  # from config and weights

CELLS: tuple[Cell, ...] = ("rnn", "lstm", "gru")
SIZES = (1, 2, 16, 33, 64, 100, 256)  # whole and odd numbers of a processor's lanes, and none at all
EXACT: dict[str, Maker] = {"numpy": NumpyEngine} | {
    f"native {name}": partial(NativeEngine, instructions=name) for name in instruction_sets()
}
ENGINES: dict[str, Maker] = EXACT | {
    f"native int8 {name}": partial(NativeEngine, precision="int8", instructions=name) for name in instruction_sets()
}
if instruction_sets():
    ENGINES["native in threads"] = partial(NativeEngine, threads=3)
    ENGINES["native int8 in threads"] = partial(NativeEngine, precision="int8", threads=2)
every_engine = pytest.mark.parametrize("make", ENGINES.values(), ids=ENGINES)
every_exact_engine = pytest.mark.parametrize("make", EXACT.values(), ids=EXACT)
every_cell = pytest.mark.parametrize("cell", CELLS)
every_size = pytest.mark.parametrize("hidden", SIZES)
law = settings(max_examples=20, deadline=None, derandomize=True)
configs = st.builds(
    ModelConfig,
    vocabulary_size=st.integers(1, 300),
    cell=st.sampled_from(CELLS),
    layers=st.integers(1, 3),
    hidden=st.sampled_from(SIZES),
    residual=st.booleans(),
    ngrams=st.integers(1, 4),
    ngram_rows=st.sampled_from([1, 8, 1000]),
    ngram_width=st.sampled_from([1, 5, 64]),
    tied=st.booleans(),
)


def random_weights(config: ModelConfig) -> dict[str, Array]:
    """Every weight and bias drawn, so that none can be left out unnoticed; read-only, as a mapped file is."""
    draws = np.random.default_rng(config.parameters)
    weights = {}
    for name, shape in config.parameter_shapes().items():
        weights[name] = (config.hidden**-0.5 * draws.standard_normal(shape)).astype(np.float32)
        weights[name].flags.writeable = False
    return weights


def random_engine(make: Maker, config: ModelConfig) -> Engine:
    return make(config, random_weights(config))


def random_ids(config: ModelConfig, *shape: int) -> NDArray[np.int64]:
    return np.random.default_rng(shape).integers(config.vocabulary_size, size=shape)


def random_state(engine: Engine, batch: int) -> State:
    """Read-only: an engine that writes to it fails."""
    draws = np.random.default_rng(batch)

    def like(array: NDArray[Any]) -> NDArray[Any]:
        if array.dtype == np.int64:  # symbols of the last tokens
            return draws.integers(engine.vocabulary_size + 1, size=array.shape)
        return draws.uniform(-1, 1, array.shape).astype(np.float32)

    state = engine.initial_state(batch).map(like)
    for array in state.arrays:
        array.flags.writeable = False
    return state


def bits(logits: Array, state: State) -> list[bytes]:
    return [logits.tobytes(), *(array.tobytes() for array in state.arrays)]


# ── Against the torch model ──────────────────────────────────────────────────────────────────────────────────────────


def assert_like_torch(make: Maker, config: ModelConfig, batch: int, steps: int) -> None:
    engine, model = random_engine(make, config), RecurrentLanguageModel(config)
    model.load_weights(random_weights(config))
    ids, state = random_ids(config, steps, batch), random_state(engine, batch)
    with torch.no_grad():
        expected, after = model(torch.from_numpy(ids), RecurrentState(tuple(map(torch.tensor, state.arrays))))
    for row, exact in zip(ids, expected.numpy(), strict=True):
        logits, state = engine.step(row, state)
        assert logits.shape == (batch, config.vocabulary_size) and logits.dtype == np.float32
        assert np.abs(logits - exact).max() <= 1e-4
    assert len(state.arrays) == len(after.arrays)
    for ours, theirs in zip(state.arrays, after.arrays, strict=True):
        assert ours.shape == theirs.shape and str(ours.dtype) == str(theirs.dtype).removeprefix("torch.")
        assert np.abs(ours - theirs.numpy()).max() <= 1e-5


@every_exact_engine
@every_cell
@every_size
@pytest.mark.parametrize(("layers", "residual", "vocabulary_size"), [(1, False, 1), (2, False, 65), (3, True, 300)])
def test_logits_are_those_of_the_torch_model(
    make: Maker, cell: Cell, hidden: int, layers: int, residual: bool, vocabulary_size: int
) -> None:
    config = ModelConfig(cell=cell, hidden=hidden, layers=layers, residual=residual, vocabulary_size=vocabulary_size)
    assert_like_torch(make, config, batch=2, steps=15)


@every_exact_engine
@every_cell
@pytest.mark.parametrize("vocabulary_size", [65, 40_000])  # with a table of the first layer's products, and without
def test_logits_are_those_of_the_torch_model_with_tied_weights(make: Maker, cell: Cell, vocabulary_size: int) -> None:
    config = ModelConfig(
        vocabulary_size=vocabulary_size, cell=cell, hidden=20, residual=True, ngrams=3, ngram_rows=99, tied=True
    )
    assert_like_torch(make, config, batch=2, steps=5)
    untied = replace(config, tied=False)
    weights = random_weights(config)
    twice = {**weights, "output.weight": weights["embedding.weight"]}
    ids = random_ids(config, 3, 7)
    one, other = make(config, weights), make(untied, twice)
    assert bits(*one.prefill(ids, one.initial_state(3))) == bits(*other.prefill(ids, other.initial_state(3)))


@every_exact_engine
@every_cell
def test_logits_are_those_of_the_torch_model_in_large_layers(make: Maker, cell: Cell) -> None:
    assert_like_torch(make, ModelConfig(vocabulary_size=65, cell=cell, layers=1, hidden=1024), batch=5, steps=8)


@every_exact_engine
@every_cell
@pytest.mark.parametrize("ngrams", [1, 3])
def test_logits_are_those_of_the_torch_model_where_there_is_no_table(make: Maker, cell: Cell, ngrams: int) -> None:
    config = ModelConfig(vocabulary_size=130_000, cell=cell, hidden=17, ngrams=ngrams, ngram_rows=100, ngram_width=9)
    assert_like_torch(make, config, batch=2, steps=3)


@every_exact_engine
@law
@given(configs, st.integers(1, 3), st.integers(1, 10))
def test_logits_are_those_of_the_torch_model_at_any_shape(
    make: Maker, config: ModelConfig, batch: int, steps: int
) -> None:
    assert_like_torch(make, config, batch, steps)


@every_engine
@every_cell
def test_extreme_inputs_saturate_as_the_equations_do(make: Maker, cell: Cell) -> None:
    config = ModelConfig(vocabulary_size=5, cell=cell, layers=2, hidden=8)
    weights = {name: array * np.float32(1e4) for name, array in random_weights(config).items()}
    engine = make(config, weights)
    logits, state = engine.prefill(random_ids(config, 1, 20), engine.initial_state(1))
    assert np.isfinite(logits).all() and all(np.isfinite(array).all() for array in state.arrays)
    assert np.abs(state.arrays[0]).max() <= 1


# ── The bits of a row ────────────────────────────────────────────────────────────────────────────────────────────────


@every_engine
@law
@given(configs, st.integers(1, 9), st.randoms(use_true_random=False))
def test_a_row_has_the_same_bits_at_any_batch_size_and_position(
    make: Maker, config: ModelConfig, batch: int, random: Random
) -> None:
    engine = random_engine(make, config)
    ids, state = random_ids(config, batch, 4), random_state(engine, batch)
    logits, after = engine.prefill(ids, state)
    order = random.sample(range(batch), random.randint(1, batch))
    some, some_after = engine.prefill(ids[order], state.select(order))
    assert bits(some, some_after) == bits(logits[order], after.select(order))
    for row in range(batch):
        alone, alone_after = engine.prefill(ids[row : row + 1], state.select([row]))
        assert bits(alone, alone_after) == bits(logits[row], after.select([row]))


@every_engine
@every_cell
@every_size
def test_a_row_has_the_same_bits_among_sixty_four(make: Maker, cell: Cell, hidden: int) -> None:
    config = ModelConfig(vocabulary_size=65, cell=cell, hidden=hidden)
    engine = random_engine(make, config)
    ids, state = random_ids(config, 64), random_state(engine, 64)
    logits, after = engine.step(ids, state)
    for row in (0, 1, 7, 63):
        alone, alone_after = engine.step(ids[[row]], state.select([row]))
        assert bits(alone, alone_after) == bits(logits[row], after.select([row]))


@every_engine
@law
@given(configs, st.integers(1, 4), st.lists(st.integers(1, 3), min_size=1, max_size=4))
def test_prefill_has_the_bits_of_steps_however_it_is_cut(
    make: Maker, config: ModelConfig, batch: int, lengths: list[int]
) -> None:
    engine = random_engine(make, config)
    ids, state = random_ids(config, batch, sum(lengths)), random_state(engine, batch)
    whole = bits(*engine.prefill(ids, state))
    stepped = chunked = state
    for column in ids.T:
        logits, stepped = engine.step(column, stepped)
    assert bits(logits, stepped) == whole
    for chunk in np.split(ids, np.cumsum(lengths)[:-1], axis=1):
        logits, chunked = engine.prefill(chunk, chunked)
    assert bits(logits, chunked) == whole


@every_engine
@every_cell
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int32, np.int64])
def test_ids_may_be_of_any_integer_dtype(make: Maker, cell: Cell, dtype: type[np.integer]) -> None:
    engine = random_engine(make, ModelConfig(vocabulary_size=200, cell=cell, layers=1, hidden=8))
    ids = random_ids(engine.config, 2, 5)
    expected = engine.prefill(ids, engine.initial_state(2))
    assert bits(*engine.prefill(ids.astype(dtype), engine.initial_state(2))) == bits(*expected)


# ── State is a value ─────────────────────────────────────────────────────────────────────────────────────────────────


@every_engine
@pytest.mark.parametrize(("cell", "arrays"), [("rnn", 1), ("lstm", 2), ("gru", 1)])
def test_the_initial_state_is_zeros(make: Maker, cell: Cell, arrays: int) -> None:
    engine = random_engine(make, ModelConfig(vocabulary_size=3, cell=cell, layers=2, hidden=5))
    state = engine.initial_state(4)
    assert len(state.arrays) == arrays
    assert all(a.shape == (2, 4, 5) and a.dtype == np.float32 and not a.any() for a in state.arrays)
    assert engine.vocabulary_size == 3


@every_engine
@every_cell
def test_what_a_call_returns_is_the_callers_alone(make: Maker, cell: Cell) -> None:
    engine = random_engine(make, ModelConfig(vocabulary_size=9, cell=cell, layers=2, hidden=6, residual=True))
    ids, state = random_ids(engine.config, 3), random_state(engine, 3)
    logits, after = engine.step(ids, state)
    expected = bits(logits, after)
    for array in (logits, *after.arrays):
        array.fill(np.nan)
    assert bits(*engine.step(ids, state)) == expected


@every_engine
@every_cell
def test_the_engine_keeps_no_hold_on_the_weights(make: Maker, cell: Cell) -> None:
    config = ModelConfig(vocabulary_size=1, cell=cell, layers=2, hidden=1)  # where a transposed copy needs no copying
    weights = {name: array.copy() for name, array in random_weights(config).items()}
    engine = make(config, weights)
    for array in weights.values():
        array.fill(np.nan)
    ids, state = random_ids(config, 1), engine.initial_state(1)
    assert bits(*engine.step(ids, state)) == bits(*random_engine(make, config).step(ids, state))


@every_engine
@every_cell
def test_threads_may_share_an_engine(make: Maker, cell: Cell) -> None:
    engine = random_engine(make, ModelConfig(vocabulary_size=65, cell=cell, layers=2, hidden=100))
    together = Barrier(4)

    def read(thread: int) -> list[bytes]:
        ids = random_ids(engine.config, thread + 1, 40)
        state = engine.initial_state(thread + 1)
        together.wait(timeout=30)
        for column in ids.T:
            logits, state = engine.step(column, state)
        return bits(logits, state)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(read, range(4)))
    for thread, result in enumerate(found):
        ids = random_ids(engine.config, thread + 1, 40)
        assert result == bits(*engine.prefill(ids, engine.initial_state(thread + 1)))
