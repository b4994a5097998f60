from collections import Counter

import pytest

from gen.music.dice import Dice
from gen.random import philox


def test_draws_are_raw_philox_output_scaled_down() -> None:
    raw = philox(5, "a", 1).random_raw(200).tolist()
    dice = Dice(5, "a", 1)
    assert [dice.below(bound) for bound in range(1, 201)] == [draw * bound >> 64 for bound, draw in enumerate(raw, 1)]


def test_the_same_path_gives_the_same_draws_and_another_one_others() -> None:
    def first(*path: str | int) -> list[int]:
        dice = Dice(0, *path)
        return [dice.below(10**9) for _ in range(5)]

    assert first("a", 1) == first("a", 1) != first("a", 2)


def test_every_number_comes_as_often() -> None:
    dice = Dice(1, "even")
    counts = Counter(dice.below(6) for _ in range(6000))
    assert set(counts) == set(range(6)) and max(counts.values()) < 1150
    assert {dice.one_of("xyz") for _ in range(50)} == {*"xyz"}
    assert not any(dice.chance(0) for _ in range(100)) and all(dice.chance(100) for _ in range(100))


@pytest.mark.parametrize("how", ["weighted", "shuffled"])
def test_weights_say_how_often(how: str) -> None:
    dice = Dice(2, how)
    weights = {"never": 0, "a": 1, "b": 3, "c": 6} if how == "weighted" else {"a": 1, "b": 3, "c": 6}
    firsts = [dice.weighted(weights) if how == "weighted" else dice.shuffled(weights)[0] for _ in range(5000)]
    counts = Counter(firsts)
    assert set(counts) == {"a", "b", "c"}
    for option, weight in (("a", 1), ("b", 3), ("c", 6)):
        assert counts[option] / 5000 == pytest.approx(weight / 10, abs=0.02)


def test_shuffled_loses_nothing() -> None:
    dice = Dice(3, "shuffled")
    orders = {tuple(dice.shuffled({"a": 1, "b": 2, "c": 1})) for _ in range(200)}
    assert len(orders) == 6 and all(sorted(order) == ["a", "b", "c"] for order in orders)
