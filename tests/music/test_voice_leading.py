from collections.abc import Sequence
from itertools import pairwise, product

import numpy as np
import pytest

from gen.music.harmony import Key, chord, grammar
from gen.music.voice_leading import FORBIDDEN, RANGES, Table, lead, may_follow, transition, voicings

C = Key(0, "major")
A_MINOR = Key(9, "minor")


def wishes(chords: int) -> Table:
    return np.zeros((chords, 128), np.int64)


@pytest.mark.parametrize("key", [C, A_MINOR, Key(6, "major"), Key(1, "minor")])
def test_voicings_are_chords_in_their_ranges(key: Key) -> None:
    for name in grammar(key.mode):
        what = chord(name, key.mode)
        table, prices = voicings(name, key)
        assert len(table) == len(prices) > 4 and len({tuple(row) for row in table.tolist()}) == len(table)
        for row in table.tolist():
            classes = [(pitch - key.tonic) % 12 for pitch in row]
            assert all(low <= pitch <= high for pitch, (low, high) in zip(row, RANGES, strict=True))
            assert classes[3] == what.members[what.bass] and set(classes) <= set(what.members)
            assert {what.members[0], what.members[1], *what.members[3:]} <= set(classes)  # only a fifth may be left out
            assert all(0 < a - b <= most for (a, b), most in zip(pairwise(row), (12, 12, 19), strict=True))
            if what.dominant:
                assert classes.count(11) == 1


def index(name: str, key: Key, *placed: int) -> int:
    return int(np.flatnonzero((voicings(name, key)[0] == placed).all(1))[0])


def price(first: str, one: tuple[int, ...], then: str, two: tuple[int, ...], key: Key = C) -> int:
    return int(transition(first, then, key)[index(first, key, *one), index(then, key, *two)])


def test_steps_cost_less_than_leaps() -> None:
    near = price("I", (72, 67, 64, 48), "IV", (72, 69, 65, 53))
    far = price("I", (72, 67, 64, 48), "IV", (69, 65, 60, 53))
    assert near < far < FORBIDDEN


@pytest.mark.parametrize(
    ("first", "one", "then", "two", "key"),
    [
        ("I", (72, 67, 64, 48), "II", (74, 69, 65, 50), C),  # parallel fifths and octaves
        ("V", (71, 67, 62, 55), "I", (67, 64, 60, 48), C),  # the leading note falls
        ("V7", (77, 71, 62, 55), "I", (79, 72, 64, 60), C),  # the seventh rises
        ("IV", (77, 69, 65, 50), "V", (80, 71, 64, 52), A_MINOR),  # F to G# in the soprano
        ("I", (67, 64, 55, 48), "VI", (72, 69, 64, 57), C),  # the tenor rises above the alto's note
    ],
)
def test_what_is_forbidden(first: str, one: tuple[int, ...], then: str, two: tuple[int, ...], key: Key) -> None:
    assert price(first, one, then, two, key) == FORBIDDEN


def cost(chords: list[str], path: Sequence[int], wanted: Table) -> int:
    """The sum of a path, given by the index of each voicing."""
    own = 0
    for place, (name, i) in enumerate(zip(chords, path, strict=True)):
        placed, prices = voicings(name, C)
        own += int(prices[i] + wanted[place, placed[i, 0]])
    steps = zip(pairwise(chords), pairwise(path), strict=True)
    return own + sum(int(transition(a, b, C)[i, j]) for (a, b), (i, j) in steps)


def test_the_path_is_the_cheapest_of_all() -> None:
    chords = ["I", "II6", "V", "I"]
    wanted = np.random.default_rng(0).integers(0, 9, (4, 128))
    found = lead(chords, C, None, wanted)
    assert found is not None
    cheapest = cost(chords, [index(name, C, *placed) for name, placed in zip(chords, found, strict=True)], wanted)
    some = [range(0, len(voicings(name, C)[0]), 2) for name in chords]
    assert cheapest <= min(cost(chords, path, wanted) for path in product(*some)) < FORBIDDEN


def test_a_path_goes_on_from_a_chord_and_ends_where_it_is_told() -> None:
    previous = ("V", (71, 67, 62, 55))
    found = lead(["I", "IV", "I"], C, previous, wishes(3), frozenset([4]))
    assert found is not None and found[-1][0] % 12 == 4
    assert found[0][0] == 72  # the leading note went up
    assert lead(["I"], C, None, wishes(1), frozenset([2])) is None  # no D in that chord


def test_wishes_draw_the_soprano() -> None:
    high, low = wishes(2), wishes(2)
    high[:, :72] = low[:, 68:] = 1000
    for wanted, side in ((high, 1), (low, -1)):
        found = lead(["I", "IV"], C, None, wanted)
        assert found is not None and all(side * (placed[0] - 70) > 0 for placed in found)


def test_between_phrases_voices_may_leap_but_not_break_the_rules() -> None:
    assert may_follow(("I", (72, 67, 64, 48)), ("I", (64, 60, 55, 48)), C)
    assert not may_follow(("I", (72, 67, 64, 48)), ("II", (74, 69, 65, 50)), C)
    assert not may_follow(("V", (71, 67, 62, 55)), ("I", (67, 64, 60, 48)), C)
    assert not may_follow(("I", (79, 67, 64, 48)), ("I", (64, 60, 55, 48)), C)  # more than an octave
