import hashlib
import math
import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.random import MAX_SEED, Draws, fresh_seed, generator, permutation, philox

seeds = st.integers(0, MAX_SEED)
paths = st.lists(st.text(max_size=5) | st.integers(-(2**70), 2**70), max_size=4)

WORD = 2**64 - 1


def philox_4x64(counter: int, key: int) -> list[int]:
    """Philox4x64-10, word for word from Salmon et al. 2011."""
    a, b, c, d = (counter >> 64 * i & WORD for i in range(4))
    k, m = key & WORD, key >> 64
    for _ in range(10):
        left, right = a * 0xD2E7470EE14C6C93, c * 0xCA5A826395121157
        a, b, c, d = (right >> 64) ^ b ^ k, right & WORD, (left >> 64) ^ d ^ m, left & WORD
        k, m = (k + 0x9E3779B97F4A7C15) & WORD, (m + 0xBB67AE8584CAA73B) & WORD
    return [a, b, c, d]


def test_the_oracle_gives_its_authors_known_answer() -> None:
    known = [0x16554D9ECA36314C, 0xDB20FE9D672D0FDC, 0xD7E772CEE186176B, 0x7E68B68AEC7BA23B]
    assert philox_4x64(0, 0) == known


@settings(derandomize=True, deadline=None)
@given(seed=seeds, path=paths, counter=st.integers(0, 2**70))
def test_the_generator_is_philox_under_a_hashed_key(seed: int, path: list[str | int], counter: int) -> None:
    key = int.from_bytes(hashlib.blake2b(repr((seed, *path)).encode(), digest_size=16).digest(), "little")
    expected = philox_4x64(counter + 1, key) + philox_4x64(counter + 2, key)  # NumPy counts on before it draws
    assert philox(seed, *path, counter=counter).random_raw(8).tolist() == expected


# ── Known answers: these values are in people's notes and README files. They must never change. ──────────────────────


def test_known_answers() -> None:
    assert philox(7, "sample", 0).random_raw(4).tolist() == [
        7840812706922759332,
        12514770091353177344,
        10740541765030567504,
        13336946015935931809,
    ]
    assert philox(0).random_raw(2).tolist() == [0x26234F468FA4B37A, 0x86436C9846DEA56A]
    assert [Draws(7).at(position) for position in (0, 1, 2, 255, 256, 10**6)] == [
        0.42505130854488016,
        0.6784270460600864,
        0.5822459357658717,
        0.5091441596723485,
        0.4671320120213278,
        0.016384909329815178,
    ]
    assert Draws(7, 3).at(0) == 0.968972313586585
    assert Draws(MAX_SEED, 1).at(5) == 0.18178761555086487
    assert permutation(7, "epoch", 0, size=10).tolist() == [0, 8, 7, 6, 5, 1, 9, 3, 2, 4]


def test_every_process_draws_the_same() -> None:
    script = "from gen.random import Draws; print(Draws(7).at(255))"
    for hash_seed in ("0", "1"):
        environment = os.environ | {"PYTHONHASHSEED": hash_seed}
        ran = subprocess.run([sys.executable, "-c", script], capture_output=True, env=environment)
        assert float(ran.stdout) == 0.5091441596723485


# ── Draws ────────────────────────────────────────────────────────────────────────────────────────────────────────────

positions = st.integers(0, 2000) | st.integers(0, 2**60)


@settings(derandomize=True, deadline=None)
@given(seed=seeds, stream=st.integers(0, 2**40), order=st.lists(positions, min_size=1, max_size=30))
def test_a_draw_depends_on_its_position_alone(seed: int, stream: int, order: list[int]) -> None:
    together = Draws(seed, stream)
    for position in order:
        assert together.at(position) == Draws(seed, stream).at(position)


@settings(derandomize=True, deadline=None)
@given(seed=seeds, stream=st.integers(0, 2**40), order=st.lists(st.tuples(positions, st.integers(0, 700)), max_size=8))
def test_a_block_is_its_draws_one_by_one(seed: int, stream: int, order: list[tuple[int, int]]) -> None:
    together, one_by_one = Draws(seed, stream), Draws(seed, stream)
    for start, count in order:
        expected = [one_by_one.at(position) for position in range(start, start + count)]
        block = together.block(start, count)
        assert block.dtype == np.float64 and block.tolist() == expected
        assert together.at(start) == Draws(seed, stream).at(start)


def test_a_block_cannot_be_written_to() -> None:
    draws = Draws(1)
    with pytest.raises(ValueError, match="read-only"):
        draws.block(3, 10)[0] = 0.5


@settings(derandomize=True, deadline=None)
@given(seed=seeds, position=positions)
def test_a_draw_is_the_upper_53_bits_of_its_word(seed: int, position: int) -> None:
    word = int(philox(seed, "sample", 0, counter=position // 4).random_raw(4)[position % 4])
    drawn = Draws(seed).at(position)
    assert drawn == (word >> 11) / 2**53
    assert 0 <= drawn < 1


def test_the_largest_word_is_below_one(monkeypatch: pytest.MonkeyPatch) -> None:
    class Ones:
        def random_raw(self, size: int) -> np.ndarray:
            return np.full(size, WORD, np.uint64)

    monkeypatch.setattr("gen.random.philox", lambda *_, **__: Ones())
    assert Draws(0).at(0) == 1 - 2**-53


def test_seeds_streams_and_paths_are_worlds_apart() -> None:
    starts = {
        tuple(philox(*path).random_raw(2).tolist())
        for path in ((1,), (2,), (1, 0), (1, 1), (1, "1"), (1, 1, 1), (1, "a", "b"), (1, "ab"), (1, "a, b"), (11,))
    }
    assert len(starts) == 10
    streams = np.array([[Draws(seed, stream).at(p) for p in range(500)] for seed in range(3) for stream in range(3)])
    correlation = np.corrcoef(streams) - np.eye(9)
    assert np.abs(correlation).max() < 5 / np.sqrt(500)


def surprise(counts: np.ndarray) -> float:
    """Pearson's chi-square against equal shares, in standard deviations from what chance gives."""
    expected, freedom = counts.mean(), counts.size - 1
    return abs(float(((counts - expected) ** 2 / expected).sum()) - freedom) / math.sqrt(2 * freedom)


def test_draws_are_uniform() -> None:
    draws = Draws(0)
    values = np.array([draws.at(position) for position in range(50_000)])
    assert surprise(np.histogram(values, bins=100, range=(0, 1))[0]) < 4
    pairs, *_ = np.histogram2d(values[:-1:2], values[1::2], bins=10, range=[(0, 1), (0, 1)])
    assert surprise(pairs) < 4


def test_the_first_draws_of_streams_are_uniform() -> None:
    values = np.array([Draws(0, stream).at(0) for stream in range(5_000)])
    assert surprise(np.histogram(values, bins=50, range=(0, 1))[0]) < 4


def test_numpy_s_integers_count_as_integers() -> None:
    seed, stream = np.arange(7, 8)[0], np.arange(1)[0]
    assert philox(seed, "sample", stream).random_raw() == philox(7, "sample", 0).random_raw()


# ── What is made of draws ────────────────────────────────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None)
@given(seed=seeds, path=paths, size=st.integers(0, 300))
def test_a_permutation_is_one(seed: int, path: list[str | int], size: int) -> None:
    drawn = permutation(seed, *path, size=size)
    assert sorted(drawn.tolist()) == list(range(size))
    assert drawn.tolist() == permutation(seed, *path, size=size).tolist()


def test_permutations_are_uniform() -> None:
    counts = dict.fromkeys([(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)], 0)
    for epoch in range(3_000):
        counts[tuple(permutation(0, "epoch", epoch, size=3).tolist())] += 1
    assert surprise(np.array(list(counts.values()))) < 4


def test_a_generator_is_fixed_by_its_path() -> None:
    first, again, other = (generator(7, name).standard_normal(100) for name in ("w", "w", "v"))
    assert (first == again).all()
    assert (first != other).any()


def test_a_fresh_seed_can_be_retyped_and_is_fresh() -> None:
    drawn = {fresh_seed() for _ in range(20)}
    assert len(drawn) > 15
    assert all(0 <= seed < 2**31 <= MAX_SEED for seed in drawn)
