"""The loss against context, beside one that reads every context anew, token by token."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gen.config import GATES, Cell
from gen.errors import CorpusError
from gen.inspection import context
from gen.inspection.context import ContextLosses, context_losses
from gen.models.language_model import RecurrentLanguageModel
from tests.inspection.test_gradients import finish, model_of

TEXT = np.random.default_rng(2).integers(0, 7, 150)


def nats(model: RecurrentLanguageModel, target: int, length: int) -> float:
    """The loss of one token after the `length` before it, read from the zero state one by one."""
    state = model.initial_state(1)
    with torch.no_grad():
        for place in range(target - length, target):
            logits, state = model.step(torch.tensor([TEXT[place]]), state)
        return -logits[0].log_softmax(0)[TEXT[target]].item()


@pytest.mark.parametrize("cell", GATES)
def test_each_token_is_predicted_from_its_last_tokens_alone(cell: Cell) -> None:
    model = model_of(cell, ngrams=3, ngram_rows=11)
    found, shares = finish(context_losses(model, TEXT, longest=16, targets=30))
    assert list(found.losses) == [1, 2, 4, 8, 16] and found.targets == 30
    begins, width = context._blocks(150, 16, 30)
    assert width == 2 and len(begins) == 15
    assert begins[0] == 16 and begins[-1] == 148 and (np.diff(begins) >= 2).all()
    for length, loss in found.losses.items():
        stride = 2 if length == 16 else 1
        each = [nats(model, b + i, length + i % stride) for b in begins.tolist() for i in range(2)]
        assert loss == pytest.approx(np.mean(each), rel=1e-5)
        assert found.errors[length] == pytest.approx(np.std(each) / 30**0.5, rel=1e-4)
    assert shares == sorted(shares) and shares[-1] == pytest.approx(1)


def test_rows_side_by_side_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    model = model_of("lstm")
    whole, _ = finish(context_losses(model, TEXT, longest=32, targets=64))
    monkeypatch.setattr(context, "_TOKENS", 40)
    parts, shares = finish(context_losses(model, TEXT, longest=32, targets=64))
    assert len(shares) > 60 and shares[-1] == pytest.approx(1)
    assert parts.losses == pytest.approx(whole.losses, rel=1e-6)


@given(st.integers(16, 5000), st.integers(0, 10), st.integers(1, 4096))
def test_blocks_lie_inside_behind_the_first_context_and_share_no_token(size: int, power: int, targets: int) -> None:
    longest = 2 ** min(power, (size // 2).bit_length() - 1)
    begins, width = context._blocks(size, longest, targets)
    assert len(begins) >= 1
    assert begins[0] >= longest and begins[-1] + width <= size
    assert (np.diff(begins) >= width).all()
    assert targets / 2 < len(begins) * width <= targets or len(begins) * width > (size - longest) / 2
    for length in (2**p for p in range(longest.bit_length())):
        assert width % context._stride(length, width) == 0


def test_what_is_used_is_the_shortest_context_that_no_other_betters_by_much() -> None:
    def used(*losses: float) -> int:
        lengths = [2**power for power in range(len(losses))]
        return ContextLosses(dict(zip(lengths, losses, strict=True)), {}, 1).used(0.01)

    assert used(3.0, 2.0, 1.505, 1.5, 1.5) == 4
    assert used(3.0, 1.5, 1.7, 1.8) == 2  # longer ones may do harm
    assert used(3.0, 2.0, 1.0) == 4
    assert used(1.0, 1.0) == 1


def test_a_short_text_has_contexts_of_half_of_it_and_none_is_refused() -> None:
    found, _ = finish(context_losses(model_of("rnn"), TEXT[:40]))
    assert max(found.losses) == 16 and found.targets == 24
    assert [entry["tokens"] for entry in found.to_dict()["contexts"]] == [1, 2, 4, 8, 16]
    with pytest.raises(CorpusError, match="15 tokens to measure on; 16 are needed"):
        finish(context_losses(model_of("rnn"), TEXT[:15]))
