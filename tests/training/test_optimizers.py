"""Muon's orthogonal updates, and an optimizer's memory as arrays."""

import numpy as np
import pytest
import torch

from gen.config import ModelConfig, TrainConfig
from gen.models.initialization import initial_weights
from gen.models.language_model import RecurrentLanguageModel
from gen.training.optimizers import _POLAR_EXPRESS, Muon, Optimizer, RowwiseAdagrad, orthogonalize


@pytest.mark.parametrize("shape", [(64, 64), (256, 64), (48, 96)])
def test_newton_schulz_flattens_the_singular_values(shape: tuple[int, int]) -> None:
    matrices = torch.from_numpy(np.random.default_rng(0).standard_normal((3, *shape))).float()
    values = torch.linalg.svdvals(orthogonalize(matrices))
    assert values[:, : -(min(shape) // 10)].min() > 0.4  # the smallest of a square matrix start near zero
    assert values.max() < 1.6


def test_iterating_on_the_gram_matrix_is_iterating_on_the_matrix() -> None:
    matrix = torch.from_numpy(np.random.default_rng(3).standard_normal((96, 32)))
    x = matrix / matrix.norm()
    for a, b, c in _POLAR_EXPRESS:
        gram = x.T @ x
        x = x @ (a * torch.eye(32) + b * gram + c * gram @ gram)
    assert torch.allclose(orthogonalize(matrix[None])[0], x, atol=1e-6)


def test_newton_schulz_survives_a_matrix_without_rank() -> None:
    column = torch.from_numpy(np.random.default_rng(4).standard_normal((64, 1))).float()
    flat = orthogonalize((column @ torch.ones(1, 32))[None])
    assert torch.linalg.svdvals(flat)[0, 0] < 1.6
    assert torch.equal(orthogonalize(torch.zeros(1, 8, 4)), torch.zeros(1, 8, 4))


def test_newton_schulz_keeps_the_singular_vectors() -> None:
    matrix = torch.from_numpy(np.random.default_rng(1).standard_normal((32, 32))).float()
    u, _, v = torch.linalg.svd(matrix)
    nearest = u @ v
    found = orthogonalize(matrix[None])[0]
    assert torch.sum(found * nearest) / (found.norm() * nearest.norm()) > 0.9


def test_muon_descends_a_quadratic() -> None:
    target = torch.from_numpy(np.random.default_rng(2).standard_normal((8, 8))).float()
    weight = torch.nn.Parameter(torch.zeros(8, 8))
    optimizer = Muon([weight])
    optimizer.param_groups[0]["lr"] = 0.05
    before = float(target.square().sum())
    for _ in range(100):
        optimizer.zero_grad()
        (weight - target).square().sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert (weight - target).square().sum().item() < 0.05 * before


def test_adagrad_touches_the_rows_that_were_met_and_slows_down_on_them() -> None:
    table = torch.nn.Parameter(torch.zeros(5, 3))
    optimizer = RowwiseAdagrad([table])
    optimizer.param_groups[0]["lr"] = 0.1
    rows, steps = torch.tensor([3, 1, 3]), []  # row 3 twice: its gradients add up
    for _ in range(4):
        before = table.detach().clone()
        table.grad = None
        torch.nn.functional.embedding(rows, table, sparse=True).sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        steps.append((table.detach() - before)[:, 0])
    # squares of 4 and of 1, so 2.5 as usual, and a hundred of these before the first
    times = torch.arange(1, 5)
    assert torch.allclose(torch.stack(steps)[:, 3], -0.1 * 2 / (250 + 4 * times).sqrt())
    assert torch.allclose(torch.stack(steps)[:, 1], -0.1 * 1 / (250 + times).sqrt())
    assert not table[[0, 2, 4]].any()


def model_and_optimizer(rate: float = 0.02) -> tuple[RecurrentLanguageModel, Optimizer]:
    config = ModelConfig(vocabulary_size=7, hidden=8, layers=2, ngrams=3, ngram_rows=16, ngram_width=4)
    model = RecurrentLanguageModel(config)
    model.load_weights(initial_weights(config, seed=0))
    return model, Optimizer(model, TrainConfig(steps=1, matrix_learning_rate=rate, ngram_learning_rate=0.02))


def give_gradients(model: RecurrentLanguageModel, seed: int) -> None:
    draws = torch.Generator().manual_seed(seed)
    for parameter in model.parameters():
        parameter.grad = torch.randn(parameter.shape, generator=draws)
    table = model.get_parameter("ngram_embedding.weight")
    assert table.grad is not None
    table.grad = table.grad.to_sparse(1)


def test_muon_takes_the_encoders_matrices_and_adamw_the_rest() -> None:
    model, optimizer = model_and_optimizer()
    give_gradients(model, 0)
    optimizer.step(1.0)
    keys = {name.split(".", 1)[0]: set[str]() for name in optimizer.tensors()}
    for name in optimizer.tensors():
        key, parameter = name.split(".", 1)
        keys[key].add(parameter)
    assert keys["momentum"] == {n for n, p in model.named_parameters() if n.startswith("encoder") and p.ndim == 2}
    assert keys["squares"] == keys["usual"] == {"ngram_embedding.weight"}
    assert keys["exp_avg"] == {n for n, _ in model.named_parameters()} - keys["momentum"] - keys["squares"]


def test_a_matrix_rate_of_zero_leaves_everything_to_adamw() -> None:
    model, optimizer = model_and_optimizer(rate=0.0)
    give_gradients(model, 0)
    optimizer.step(1.0)
    assert not [name for name in optimizer.tensors() if name.startswith("momentum")]


def test_its_memory_survives_a_round_trip_to_the_bit() -> None:
    model, optimizer = model_and_optimizer()
    for seed in range(3):
        give_gradients(model, seed)
        optimizer.step(0.5)
    twin, other = model_and_optimizer()
    twin.load_weights(model.weights())
    other.load(optimizer.tensors())
    for m, o in ((model, optimizer), (twin, other)):
        give_gradients(m, 9)
        o.step(0.7)
    ours, theirs = model.weights(), twin.weights()
    assert all(np.array_equal(ours[name], theirs[name]) for name in ours)


def test_a_factor_of_zero_moves_nothing() -> None:
    model, optimizer = model_and_optimizer()
    before = model.weights()
    give_gradients(model, 0)
    optimizer.step(0.0)
    assert all(np.array_equal(before[name], array) for name, array in model.weights().items())
    assert all(parameter.grad is None for parameter in model.parameters())
