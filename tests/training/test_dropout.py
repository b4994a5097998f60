"""Locked dropout: what is dropped stays dropped for the chunk, as often as asked, by seed and step alone."""

import pytest
import torch

from gen.config import ClassifyConfig, TrainConfig
from gen.training.dropout import LockedDropout

CPU = torch.device("cpu")
ONES = torch.ones(7, 40, 50)  # (T, B, H)


def masks_of(seed: int, **rates: float) -> LockedDropout:
    return LockedDropout(TrainConfig(steps=1, seed=seed, **rates), CPU)  # type: ignore[arg-type]


def test_a_mask_holds_for_the_whole_chunk() -> None:
    dropped = masks_of(1, dropout=0.3).at(5).layer(ONES)
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_it_drops_as_often_as_asked_and_keeps_the_mean(rate: float) -> None:
    dropped = masks_of(1, dropout=rate).at(0).layer(ONES)[0]
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.04)
    assert dropped.mean().item() == pytest.approx(1, abs=0.25)
    assert dropped.max().item() == pytest.approx(1 / (1 - rate))


def test_masks_depend_on_seed_step_and_layer_alone() -> None:
    def masks(seed: int, step: int) -> list[torch.Tensor]:
        drop = masks_of(seed, dropout=0.5, ngram_dropout=0.5).at(step)
        ngrams = drop.ngrams((2, 3, 5))
        assert ngrams is not None
        return [drop.layer(ONES), drop.layer(ONES), ngrams]

    one, again = masks(1, 3), masks(1, 3)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], masks(1, 4)[0])
    assert not torch.equal(one[0], masks(2, 3)[0])


def test_a_rate_of_zero_is_no_dropout() -> None:
    drop = masks_of(1).at(0)
    assert drop.layer(ONES) is ONES
    assert drop.ngrams((2, 3, 5)) is None


def test_ngrams_are_left_out_one_by_one() -> None:
    mask = masks_of(1, ngram_dropout=0.5).at(0).ngrams((3, 40, 50))
    assert mask is not None
    assert set(mask.flatten().tolist()) == {0.0, 2.0}
    assert mask.mean().item() == pytest.approx(1, abs=0.05)
    assert not torch.equal(mask[:, :1].expand_as(mask), mask)  # not the whole chunk long


def test_the_state_loses_units_for_the_whole_sequence() -> None:
    drop = LockedDropout(ClassifyConfig(steps=1, dropout=0.0, recurrent_dropout=0.3), CPU).at(2)
    mask = drop.recurrent((2, 40, 50))
    assert mask is not None and mask.shape == (2, 40, 50)
    assert mask.max().item() == pytest.approx(1 / 0.7) and len({*mask.flatten().tolist()}) == 2
    assert (mask == 0).float().mean().item() == pytest.approx(0.3, abs=0.04)
    assert masks_of(1, dropout=0.5).at(0).recurrent((2, 40, 50)) is None
