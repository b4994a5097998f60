"""Initial weights: orthogonal gates, the forget bias, and a function of shape and seed alone."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from gen.config import GATES, Cell, ModelConfig
from gen.models.initialization import EMBEDDING_SCALE, initial_weights, orthogonal

every_cell = pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])


@every_cell
@pytest.mark.parametrize("hidden", [1, 2, 33, 64])
def test_every_weight_of_the_config_is_there(cell: Cell, hidden: int) -> None:
    config = ModelConfig(vocabulary_size=7, cell=cell, layers=3, hidden=hidden)
    weights = initial_weights(config, seed=0)
    assert [(name, array.shape) for name, array in weights.items()] == list(config.parameter_shapes().items())
    assert all(array.dtype == np.float32 and np.isfinite(array).all() for array in weights.values())


@every_cell
@pytest.mark.parametrize("hidden", [1, 2, 33, 64])
def test_every_gate_keeps_the_length_of_a_vector(cell: Cell, hidden: int) -> None:
    weights = initial_weights(ModelConfig(vocabulary_size=7, cell=cell, layers=2, hidden=hidden), seed=0)
    matrices = [array for name, array in weights.items() if name.endswith(("input_weight", "recurrent_weight"))]
    gates = [gate for matrix in matrices for gate in np.split(matrix, GATES[cell])]
    assert len(gates) == 2 * 2 * GATES[cell]
    for gate in gates:
        assert np.abs(gate @ gate.T - np.eye(hidden)).max() < 1e-5
    if hidden > 2:  # in one or two dimensions chance may draw a matrix twice
        assert len({gate.tobytes() for gate in gates}) == len(gates)


@every_cell
def test_biases_are_zero_but_for_the_forget_gate(cell: Cell) -> None:
    weights = initial_weights(ModelConfig(vocabulary_size=7, cell=cell, layers=2, hidden=5), seed=0)
    biases = {name: array for name, array in weights.items() if array.ndim == 1}
    assert len(biases) == (5 if cell == "gru" else 3)
    for name, array in biases.items():
        gates = [0.0, 1.0, 0.0, 0.0] if cell == "lstm" and name.startswith("encoder") else [0.0]
        assert np.array_equal(array, np.repeat(gates, array.size // len(gates)))


def test_embedding_and_output_have_the_spread_that_they_should() -> None:
    weights = initial_weights(ModelConfig(vocabulary_size=100, layers=1, hidden=100), seed=0)
    assert weights["embedding.weight"].std() == pytest.approx(EMBEDDING_SCALE, rel=0.03)
    assert abs(weights["embedding.weight"].mean()) < 0.03 * EMBEDDING_SCALE
    assert 0.099 < np.abs(weights["output.weight"]).max() <= 0.1  # uniform within 1 / sqrt(100)
    assert weights["output.weight"].std() == pytest.approx(0.1 / np.sqrt(3), rel=0.03)


def test_a_tied_embedding_begins_as_any_other() -> None:
    config = ModelConfig(vocabulary_size=100, layers=1, hidden=100, tied=True)
    weights = initial_weights(config, seed=0)
    assert [(name, array.shape) for name, array in weights.items()] == list(config.parameter_shapes().items())
    untied = initial_weights(replace(config, tied=False), seed=0)
    assert all(np.array_equal(array, untied[name]) for name, array in weights.items())


def test_orthogonal_matrices_are_drawn_uniformly() -> None:
    draws = np.random.default_rng(0)
    matrices = np.array([orthogonal(draws, 3) for _ in range(2000)])
    assert np.abs(matrices.mean(axis=0)).max() < 0.07  # each entry has mean 0 and variance 1/3
    assert np.abs((matrices**2).mean(axis=0) - 1 / 3).max() < 0.04
    rotations = (np.linalg.det(matrices) > 0).mean()
    assert rotations == pytest.approx(0.5, abs=0.06)  # as many rotations as reflections


@every_cell
def test_weights_are_a_function_of_the_seed(cell: Cell) -> None:
    config = ModelConfig(vocabulary_size=7, cell=cell, layers=2, hidden=5)
    one, same, other = (initial_weights(config, seed) for seed in (1, 1, 2))
    for name, array in one.items():
        assert np.array_equal(array, same[name])
        assert array.ndim == 1 or not np.array_equal(array, other[name])


def test_a_weight_depends_on_its_own_name_and_shape_alone() -> None:
    small = initial_weights(ModelConfig(vocabulary_size=7, layers=1, hidden=5), seed=3)
    large = initial_weights(ModelConfig(vocabulary_size=9, layers=3, hidden=5, residual=True), seed=3)
    encoder = [name for name in small if name.startswith("encoder")]
    assert encoder and all(np.array_equal(small[name], large[name]) for name in encoder)


def test_drawing_them_loads_no_torch() -> None:
    script = "import sys, gen.models.initialization; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], timeout=60).returncode == 0
