"""The figure of the piano rolls against a loop over pieces, frames and keys."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from benchmarks.piano_rolls import KEYS, LARGE, SIZES, RollModel, batches, key_shares, measure, run, windows
from gen.config import Cell

LENGTHS = (7, 2, 19, 12, 7, 3)


def made_up(lengths: Sequence[int] = LENGTHS, seed: int = 0) -> list[Tensor]:
    draws = np.random.default_rng(seed)
    return [torch.tensor(draws.random((length, KEYS)) < 0.05, dtype=torch.float32) for length in lengths]


def nats(probabilities: Sequence[float], keys: Sequence[float]) -> float:
    return -sum(math.log(p if key else 1 - p) for p, key in zip(probabilities, keys, strict=True))


@pytest.mark.parametrize("cell", SIZES)
@pytest.mark.parametrize("length", [1, 5, 256])
def test_the_figure_is_that_of_a_loop(cell: Cell, length: int) -> None:
    pieces = made_up()
    model = RollModel(cell, key_shares(pieces), seed=1)
    with torch.no_grad():
        model.output.weight.mul_(30)  # so that what was read matters
    by_piece = []
    for piece in pieces:
        total = 0.0
        state = model.encoder.initial_state(1)
        for frame, following in pairwise(piece):
            with torch.no_grad():
                logits, state = model(frame.view(1, 1, KEYS), state)
            total += nats(torch.sigmoid(logits.double()).flatten().tolist(), following.tolist())
        by_piece.append(total)
    by_frame, by_mean = measure(model, pieces, 4, length)
    frames = [n - 1 for n in LENGTHS]
    assert by_frame == pytest.approx(sum(by_piece) / sum(frames), rel=1e-5)
    assert by_mean == pytest.approx(np.mean(np.divide(by_piece, frames)), rel=1e-5)


def keys_alone(shares: Tensor, pieces: Sequence[Tensor]) -> float:
    frames = torch.cat([piece[1:] for piece in pieces])
    return float(np.mean([nats(shares.tolist(), frame.tolist()) for frame in frames]))


def test_a_model_that_hears_nothing_knows_the_share_of_each_key() -> None:
    pieces = made_up()
    model = RollModel("gru", key_shares(pieces), seed=0)
    torch.nn.init.zeros_(model.output.weight)
    assert measure(model, pieces)[0] == pytest.approx(keys_alone(key_shares(pieces), pieces), rel=1e-5)


@pytest.mark.parametrize("length", [1, 4, 18, 100])
def test_windows_have_each_predicted_frame_once_and_after_the_one_before(length: int) -> None:
    pieces = made_up()
    longest_first = sorted(pieces, key=len, reverse=True)
    read: list[list[Tensor]] = [[] for _ in pieces]
    for frames, targets, mask in windows(pieces, length):
        assert len(frames) <= length and mask.any(0).all()  # no row that has ended
        for row in range(frames.size(1)):
            kept = mask[:, row]
            assert torch.equal(frames[1:, row][kept[1:]], targets[:-1, row][kept[1:]])
            read[row].extend(targets[kept, row])
    for piece, seen in zip(longest_first, read, strict=True):
        assert torch.equal(torch.stack(seen), piece[1:])


def test_a_pass_has_every_piece_once_and_each_pass_its_own_order() -> None:
    pieces = made_up(range(2, 40))
    first, again, second = ([len(p) for b in batches(pieces, 4, 3, number) for p in b] for number in (0, 0, 1))
    assert sorted(first) == sorted(second) == list(range(2, 40))
    assert first == again != second


@pytest.mark.parametrize("cell", SIZES)
def test_what_repeats_is_learned_and_a_seed_gives_one_figure(cell: Cell) -> None:
    pattern = made_up([6], seed=5)[0]
    parts = [[pattern.repeat(times, 1) for times in part] for part in ((2, 3, 4), (3,), (2, 5))]
    recipe = replace(LARGE, rate=0.03, passes=40)
    results = [run("jsb", cell, 0, parts, recipe) for _ in range(2)]
    assert results[0].test == results[1].test < 0.7 * keys_alone(key_shares(parts[0]), parts[2])
    assert run("jsb", cell, 0, parts, replace(recipe, minutes=1e-9)).passes == 1
