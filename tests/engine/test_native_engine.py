"""The engine in C: its instruction sets, its arithmetic in int8, its own choice of ids, and its buffers."""

import gc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.config import Cell, ModelConfig, SamplingConfig
from gen.decoding.chain import choice_for
from gen.decoding.sampling import sample_streams, sample_tokens
from gen.engine import EnginePrecision, NativeEngine, instruction_sets
from gen.protocols import BlockModel, Choice
from gen.random import Draws
from tests.decoding.reference import Stepped, alone, taken
from tests.decoding.strategies import simple_configs

Array = NDArray[Any]

pytestmark = pytest.mark.skipif(not instruction_sets(), reason="the native engine was not built")
every_cell = pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
every_precision = pytest.mark.parametrize("precision", ["fp32", "int8"])
law = settings(max_examples=60, deadline=None, derandomize=True)
configs = st.builds(
    ModelConfig,
    vocabulary_size=st.integers(1, 100),
    cell=st.sampled_from(["rnn", "lstm", "gru"]),
    layers=st.integers(1, 3),
    hidden=st.one_of(st.integers(1, 70), st.sampled_from([128, 160])),
    residual=st.booleans(),
    ngrams=st.integers(1, 4),
    ngram_rows=st.sampled_from([1, 8, 1000]),
    ngram_width=st.sampled_from([1, 5, 64]),
    tied=st.booleans(),
)


def random_weights(config: ModelConfig, scale: float = 1.0) -> dict[str, Array]:
    draws = np.random.default_rng(config.parameters)
    shapes = config.parameter_shapes().items()
    return {name: (scale * config.hidden**-0.5 * draws.normal(size=shape)).astype(np.float32) for name, shape in shapes}


def written(engine: NativeEngine, rows: int = 3, steps: int = 9) -> Iterator[bytes]:
    """Logits and states of some reading."""
    ids = np.random.default_rng(rows).integers(engine.vocabulary_size, size=(rows, steps))
    logits, state = engine.prefill(ids, engine.initial_state(rows))
    yield logits.tobytes()
    yield from (array.tobytes() for array in state.arrays)


# ── Instruction sets ─────────────────────────────────────────────────────────────────────────────────────────────────


@law
@given(configs)
def test_int8_has_the_same_bits_in_every_instruction_set(config: ModelConfig) -> None:
    weights = random_weights(config)
    found = {tuple(written(NativeEngine(config, weights, "int8", instructions=it))) for it in instruction_sets()}
    assert len(found) == 1


@law
@given(configs)
def test_fp32_has_the_same_bits_wherever_products_are_fused(config: ModelConfig) -> None:
    weights = random_weights(config)
    fused = [it for it in instruction_sets() if it != "plain"]
    found = {tuple(written(NativeEngine(config, weights, instructions=it))) for it in fused}
    assert len(found) <= 1


def test_an_instruction_set_that_is_not_there_is_refused() -> None:
    config = ModelConfig(vocabulary_size=3, hidden=4)
    with pytest.raises(ValueError, match="no instruction set altivec"):
        NativeEngine(config, random_weights(config), instructions="altivec")


# ── int8, from its definition ────────────────────────────────────────────────────────────────────────────────────────


def quantized(rows: Array) -> tuple[Array, Array]:
    """Whole numbers of at most 127, and what one of them is worth, for each row."""
    most = np.abs(rows).max(-1, keepdims=True)
    factor = np.divide(np.float32(127), most, out=np.zeros_like(most), where=most > 0)
    return np.rint(rows * factor), most / np.float32(127)


def product(weights: Array, x: Array) -> Array:
    (whole, worth), (whole_x, worth_x) = quantized(weights), quantized(x)
    return np.asarray((whole @ whole_x) * (worth[:, 0] * worth_x))


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


@every_cell
@pytest.mark.parametrize("hidden", [16, 33, 100])
@pytest.mark.parametrize("vocabulary_size", [7, 150_000])  # with a table of the first layer's products, and without
def test_int8_is_what_its_definition_says(cell: Cell, hidden: int, vocabulary_size: int) -> None:
    config = ModelConfig(vocabulary_size=vocabulary_size, cell=cell, layers=1, hidden=hidden)
    weights = random_weights(config)
    embedding, output = weights["embedding.weight"], weights["output.weight"]
    input_weight, recurrent_weight = (weights[f"encoder.layers.0.{name}_weight"] for name in ("input", "recurrent"))
    bias = weights["encoder.layers.0.bias"]
    engine = NativeEngine(config, weights, "int8")
    ids = np.random.default_rng(0).integers(vocabulary_size, size=(1, 6))
    h, c = np.zeros(hidden), np.zeros(hidden)
    for token in ids[0].tolist():
        x = embedding[token]
        sums = (input_weight @ x if vocabulary_size == 7 else product(input_weight, x)) + bias
        products = product(recurrent_weight, h.astype(np.float32)) if h.any() else np.zeros(len(bias))
        if cell == "rnn":
            h = np.tanh(sums + products)
        elif cell == "lstm":
            i, f, g, o = np.split(sums + products, 4)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (r, z, n), (rh, zh, nh) = np.split(sums, 3), np.split(products, 3)
            z = sigmoid(z + zh)
            n = np.tanh(n + sigmoid(r + rh) * (nh + weights["encoder.layers.0.recurrent_bias"]))
            h = (1 - z) * n + z * h
    expected = product(output, h.astype(np.float32)) + weights["output.bias"]
    logits, state = engine.prefill(ids, engine.initial_state(1))
    # a number that lies between two bytes may fall to either, by rounding
    assert np.abs(state.arrays[0][0, 0] - h).max() < 1e-3
    assert np.abs(logits[0] - expected).max() < 5e-3


@every_cell
def test_int8_stays_near_fp32(cell: Cell) -> None:
    config = ModelConfig(vocabulary_size=65, cell=cell, layers=2, hidden=128, residual=True, ngrams=3)
    weights = random_weights(config)
    ids = np.random.default_rng(1).integers(65, size=(4, 50))
    exact, quick = (NativeEngine(config, weights, it) for it in ("fp32", "int8"))
    difference = exact.logits(ids, exact.initial_state(4))[0] - quick.logits(ids, quick.initial_state(4))[0]
    assert 0 < np.abs(difference).mean() < 0.02


# ── What it chooses ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_it_is_a_block_model() -> None:
    config = ModelConfig(vocabulary_size=3, hidden=4)
    assert isinstance(NativeEngine(config, random_weights(config)), BlockModel)


@law
@given(configs, st.integers(1, 4), st.lists(st.integers(0, 9), min_size=1, max_size=4), st.data())
def test_blocks_choose_what_steps_and_processors_do(
    config: ModelConfig, batch: int, lengths: list[int], data: st.DataObject
) -> None:
    sampling = data.draw(simple_configs(config.vocabulary_size))
    assume(sum(nats == -np.inf for _, nats in sampling.logit_bias) < config.vocabulary_size)
    choice = choice_for(sampling, config.vocabulary_size)
    assert choice is not None
    precision: EnginePrecision = data.draw(st.sampled_from(["fp32", "int8"]))
    engine = NativeEngine(config, random_weights(config, 3.0), precision, threads=data.draw(st.integers(1, 3)))
    stepped = Stepped(engine)
    draws = np.random.default_rng(0)
    ids = draws.integers(config.vocabulary_size, size=batch)
    counts = recent = None
    window = data.draw(st.sampled_from([None, 0, 1, 3, 20]))
    if (choice.repeat, choice.presence, choice.frequency) != (1, 0, 0) or data.draw(st.booleans()):
        counts = draws.integers(3, size=(batch, config.vocabulary_size)).astype(np.int32)
        if window is not None:
            recent = draws.integers(-1, config.vocabulary_size, size=(batch, window)).astype(np.int32)
            for row, leaving in zip(counts, recent, strict=True):
                np.add.at(row, leaving[leaving >= 0], 1)
    ours = theirs = engine.initial_state(batch)
    for length in lengths:
        uniform = draws.random((batch, length))
        found, ours = engine.sample_block(ids, ours, uniform, choice, counts, recent)
        expected, theirs = stepped.sample_block(ids, theirs, uniform, choice, counts, recent)
        assert found.tolist() == expected.tolist()
        assert all(a.tobytes() == b.tobytes() for a, b in zip(ours.arrays, theirs.arrays, strict=True))
        if found.shape[1] < length:
            break
        ids = found[:, -1] if length else ids


@pytest.mark.parametrize("instructions", instruction_sets())
@pytest.mark.parametrize("spread", [0.0, 0.3, 4.0])  # all alike, a flat distribution, and a steep one
@pytest.mark.parametrize(
    "sampling",
    [
        {"top_k": 40},
        {"top_k": 9_000, "top_p": 0.5},
        {"top_p": 0.9, "temperature": 1.3},
        {"top_p": 0.999, "repeat_penalty": 1.2, "frequency_penalty": 0.1},
        {"min_p": 0.05},
        {"top_p": 0.4, "logit_bias": tuple((id, -np.inf if id % 3 else 1e90) for id in range(50))},
    ],
)
def test_of_a_large_vocabulary_it_chooses_what_processors_do(
    instructions: str, spread: float, sampling: dict[str, Any]
) -> None:
    config = ModelConfig(vocabulary_size=12_000, cell="rnn", layers=1, hidden=8, tied=True)
    weights = random_weights(config)
    bias = spread * np.random.default_rng(0).normal(size=config.vocabulary_size)
    weights["output.bias"] = bias.round(2).astype(np.float32)  # with ties
    weights["embedding.weight"] *= np.float32(spread > 0)
    choice = choice_for(SamplingConfig(**sampling), config.vocabulary_size)
    assert choice is not None
    engine = NativeEngine(config, weights, instructions=instructions)
    counts = np.random.default_rng(2).integers(3, size=(2, config.vocabulary_size)).astype(np.int32)
    ids, draws = np.array([3, 11_000]), np.random.default_rng(1).random((2, 12))
    state = engine.initial_state(2)
    found, after = engine.sample_block(ids, state, draws, choice, counts)
    expected, stepped = Stepped(engine).sample_block(ids, state, draws, choice, counts)
    assert found.tolist() == expected.tolist() and len(set(found.flat)) > 1
    assert all(a.tobytes() == b.tobytes() for a, b in zip(after.arrays, stepped.arrays, strict=True))


@every_precision
@every_cell
def test_a_stream_is_the_same_alone_and_among_sixty_four(cell: Cell, precision: Any) -> None:
    config = ModelConfig(vocabulary_size=65, cell=cell, layers=2, hidden=48, residual=True, ngrams=3, ngram_rows=64)
    engine = NativeEngine(config, random_weights(config, 4.0), precision)
    sampling = SamplingConfig(temperature=0.9, top_p=0.95, repeat_penalty=1.1)
    prompt = [1, 2, 3]
    streams = sample_streams(engine, [prompt] * 64, config=sampling, draws=[Draws(3, k) for k in range(64)])
    together = [taken(stream, 300)[0] for stream in streams]
    for k in (0, 1, 31, 63):
        assert taken(sample_tokens(engine, prompt, config=sampling, draws=Draws(3, k)), 300)[0] == together[k]
        assert alone(engine, prompt, sampling, Draws(3, k), 300)[0] == together[k]
    assert len(set(map(tuple, together))) > 1


@every_precision
def test_a_long_text_is_the_same_in_blocks_and_in_steps(precision: Any) -> None:
    config = ModelConfig(vocabulary_size=65, layers=2, hidden=32)
    engine = NativeEngine(config, random_weights(config, 2.0), precision)
    sampling = SamplingConfig(temperature=1.1)
    stream = sample_tokens(engine, [0], config=sampling, draws=Draws(11))
    assert taken(stream, 6_000)[0] == alone(engine, [0], sampling, Draws(11), 6_000)[0]


@every_precision
def test_a_block_ends_before_the_step_that_breaks(precision: Any) -> None:
    config = ModelConfig(vocabulary_size=4, cell="rnn", layers=1, hidden=3)
    weights = random_weights(config)
    weights["embedding.weight"][2] = np.inf if precision == "int8" else np.nan
    weights["output.weight"][:] = 0
    weights["output.bias"][:] = [0, 0, 0, -np.inf]
    with np.errstate(all="ignore"):
        engine = NativeEngine(config, weights, precision)
        sampling = SamplingConfig(temperature=1.0)
        ids, error = taken(sample_tokens(engine, [0], config=sampling, draws=Draws(1)), 10_000)
        assert (ids, error) == alone(engine, [0], sampling, Draws(1), 10_000)
    assert error is not None and "logit of id" in error and ids[-1] == 2


# ── Its buffers ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_logits_after_each_id_are_those_of_steps() -> None:
    config = ModelConfig(vocabulary_size=30, cell="gru", layers=2, hidden=20, ngrams=3)
    engine = NativeEngine(config, random_weights(config))
    ids = np.random.default_rng(2).integers(30, size=(5, 150))
    logits, after = engine.logits(ids, engine.initial_state(5))
    state = engine.initial_state(5)
    for column, expected in zip(ids.T, logits.transpose(1, 0, 2), strict=True):
        found, state = engine.step(column, state)
        assert found.tobytes() == expected.tobytes()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(state.arrays, after.arrays, strict=True))


@pytest.mark.parametrize("id", [-1, 30, 2**40])
def test_an_id_outside_the_vocabulary_is_refused(id: int) -> None:
    config = ModelConfig(vocabulary_size=30, hidden=4)
    engine = NativeEngine(config, random_weights(config))
    ids, state = np.array([3, id]), engine.initial_state(2)
    with pytest.raises(ValueError, match=f"id {id} is outside the vocabulary of 30"):
        engine.step(ids, state)
    with pytest.raises(ValueError, match=f"id {id} is outside"):
        engine.sample_block(ids, state, np.zeros((2, 3)), Choice())


def test_buffers_that_are_too_small_are_refused() -> None:
    config = ModelConfig(vocabulary_size=30, hidden=4)
    weights = random_weights(config)
    engine = NativeEngine(config, weights)
    with pytest.raises(ValueError, match="needed are"):
        engine.step(np.array([1, 2, 3]), engine.initial_state(2))
    with pytest.raises(ValueError, match="needed are"):
        engine.sample_block(np.array([1]), engine.initial_state(1), np.zeros((1, 3)), Choice(bias=np.zeros(29)))
    with pytest.raises(ValueError, match="needed are"):
        NativeEngine(config, weights | {"output.bias": weights["output.bias"][1:]})


def test_the_weights_live_as_long_as_the_engine_does() -> None:
    config = ModelConfig(vocabulary_size=30, hidden=40, ngrams=3, ngram_rows=2**12)
    engine = NativeEngine(config, random_weights(config))
    gc.collect()
    again = NativeEngine(config, random_weights(config))
    assert list(written(engine)) == list(written(again))


def test_threads_sample_with_one_engine_side_by_side() -> None:
    config = ModelConfig(vocabulary_size=65, layers=2, hidden=64)
    engine = NativeEngine(config, random_weights(config, 2.0), "int8")

    def read(stream: int) -> list[int]:
        return taken(sample_tokens(engine, [5], config=SamplingConfig(), draws=Draws(2, stream)), 2_000)[0]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(read, [0, 1, 2, 3] * 2))
    assert found[:4] == found[4:]
    assert all(a != b for a, b in pairwise(found[:4]))
