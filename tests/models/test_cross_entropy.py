"""The loss in pieces against the loss of all logits at once: its value, its gradients, its precision, its memory."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from gen.models import cross_entropy as module
from gen.models.cross_entropy import output_cross_entropy

Case = tuple[Tensor, Tensor, Tensor, Tensor]
law = settings(max_examples=40, deadline=None, derandomize=True)


def case(rows: int, vocabulary_size: int, hidden: int, dtype: torch.dtype = torch.float64) -> Case:
    """Hidden vectors, weight, bias and targets."""
    draws = np.random.default_rng((rows, vocabulary_size, hidden))
    shapes = ((rows, hidden), (vocabulary_size, hidden), (vocabulary_size,))
    x, weight, bias = (torch.from_numpy(draws.normal(size=shape)).to(dtype).requires_grad_() for shape in shapes)
    return x, weight, bias, torch.from_numpy(draws.integers(vocabulary_size, size=rows))


def gradients(loss: Tensor, of: Case) -> list[Tensor]:
    (3 * loss).backward()  # type: ignore[no-untyped-call]
    found = [tensor.grad for tensor in of[:3]]
    for tensor in of[:3]:
        tensor.grad = None
    return [gradient for gradient in found if gradient is not None]


def in_pieces(monkeypatch: pytest.MonkeyPatch, logits: int) -> None:
    monkeypatch.setattr(module, "_PLAIN", 0)
    monkeypatch.setattr(module, "_AT_ONCE", logits)


@law
@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 9), st.integers(1, 300), st.sampled_from(["mean", "sum"]))
def test_in_pieces_it_is_the_plain_loss_with_its_gradients(
    rows: int, vocabulary_size: int, hidden: int, logits: int, reduction: str
) -> None:
    x, weight, bias, targets = given_case = case(rows, vocabulary_size, hidden)
    plain = functional.cross_entropy(x @ weight.T + bias, targets, reduction=reduction)
    expected = gradients(plain, given_case)
    with pytest.MonkeyPatch.context() as monkeypatch:
        in_pieces(monkeypatch, logits)
        loss = output_cross_entropy(x, weight, bias, targets, reduction=reduction)  # type: ignore[arg-type]
        with torch.no_grad():
            unlearned = output_cross_entropy(x, weight, bias, targets, reduction=reduction)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(plain.item()) and unlearned.item() == pytest.approx(plain.item())
    for ours, theirs in zip(gradients(loss, given_case), expected, strict=True):
        assert ours.shape == theirs.shape and torch.allclose(ours, theirs, atol=1e-10)


def test_a_small_one_is_the_plain_loss_to_the_bit() -> None:
    x, weight, bias, targets = given_case = case(64, 65, 24, torch.float32)
    plain = functional.cross_entropy(functional.linear(x, weight, bias), targets)
    expected = gradients(plain, given_case)
    loss = output_cross_entropy(x, weight, bias, targets)
    assert torch.equal(loss, plain)
    assert all(map(torch.equal, gradients(loss, given_case), expected))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_it_is_as_exact_as_the_plain_loss_and_always_the_same(
    monkeypatch: pytest.MonkeyPatch, precision: torch.dtype
) -> None:
    x, weight, bias, targets = given_case = case(300, 500, 64, torch.float32)
    exact = gradients(functional.cross_entropy(x.double() @ weight.double().T + bias, targets), given_case)

    def found(plain: bool) -> list[Tensor]:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == torch.bfloat16):
            if plain:
                loss = functional.cross_entropy(functional.linear(x, weight, bias).float(), targets)
            else:
                loss = output_cross_entropy(x, weight, bias, targets)
        assert loss.dtype == torch.float32
        return [loss.detach(), *gradients(loss, given_case)]

    plain = found(plain=True)
    in_pieces(monkeypatch, 20_000)
    first, again = found(plain=False), found(plain=False)
    assert all(map(torch.equal, first, again))
    assert first[0].item() == pytest.approx(plain[0].item(), rel=1e-3 if precision == torch.bfloat16 else 1e-6)
    for ours, theirs, right in zip(first[1:], plain[1:], exact, strict=True):
        assert ours.dtype == torch.float32
        error, usual = (ours - right).norm(), (theirs - right).norm()
        assert error <= 1.1 * usual + 1e-7 * right.norm()


def test_logits_are_never_all_there(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    plain = functional.linear

    def watched(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        seen.append(len(x) * len(weight))
        return plain(x, weight, bias)

    monkeypatch.setattr(functional, "linear", watched)
    in_pieces(monkeypatch, 1000)
    x, weight, bias, targets = case(77, 30, 4)
    output_cross_entropy(x, weight, bias, targets)
    with torch.no_grad():
        output_cross_entropy(x, weight, bias, targets)
    assert max(seen) <= 1000 and sum(seen) == 2 * 77 * 30
