"""Locked dropout: what is dropped stays dropped for the chunk, as often as asked, by seed and step alone."""

import pytest
import torch

from gen.training.dropout import LockedDropout

CPU = torch.device("cpu")
ONES = torch.ones(7, 40, 50)  # (T, B, H)


def test_a_mask_holds_for_the_whole_chunk() -> None:
    drop = LockedDropout(0.3, seed=1, device=CPU).at(5)
    assert drop is not None
    dropped = drop(ONES)
    assert torch.equal(dropped, dropped[:1].expand_as(dropped))


@pytest.mark.parametrize("rate", [0.1, 0.5, 0.9])
def test_it_drops_as_often_as_asked_and_keeps_the_mean(rate: float) -> None:
    drop = LockedDropout(rate, seed=1, device=CPU).at(0)
    assert drop is not None
    dropped = drop(ONES)[0]
    assert (dropped == 0).float().mean().item() == pytest.approx(rate, abs=0.04)
    assert dropped.mean().item() == pytest.approx(1, abs=0.25)
    assert dropped.max().item() == pytest.approx(1 / (1 - rate))


def test_masks_depend_on_seed_step_and_layer_alone() -> None:
    def masks(seed: int, step: int) -> list[torch.Tensor]:
        drop = LockedDropout(0.5, seed, CPU).at(step)
        assert drop is not None
        return [drop(ONES), drop(ONES)]

    one, again = masks(1, 3), masks(1, 3)
    assert all(torch.equal(a, b) for a, b in zip(one, again, strict=True))
    assert not torch.equal(one[0], one[1])
    assert not torch.equal(one[0], masks(1, 4)[0])
    assert not torch.equal(one[0], masks(2, 3)[0])


def test_a_rate_of_zero_is_no_dropout() -> None:
    assert LockedDropout(0.0, seed=1, device=CPU).at(0) is None
