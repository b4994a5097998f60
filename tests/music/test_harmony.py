from collections import Counter
from itertools import pairwise, product
from typing import get_args

import pytest

from gen.music.dice import Dice
from gen.music.harmony import CADENCES, Cadence, Key, Mode, chord, grammar, progression
from gen.music.names import parse_key

MODES = get_args(Mode)


@pytest.mark.parametrize(
    ("name", "mode", "members", "bass"),
    [
        ("I", "major", (0, 4, 7), 0),
        ("I6", "minor", (0, 3, 7), 1),
        ("I64", "major", (0, 4, 7), 2),
        ("II65", "minor", (2, 5, 8, 0), 1),
        ("V7", "major", (7, 11, 2, 5), 0),
        ("V42", "minor", (7, 11, 2, 5), 3),
        ("V43", "minor", (7, 11, 2, 5), 2),
        ("VI", "minor", (8, 0, 3), 0),
        ("VII6", "minor", (11, 2, 5), 1),
        ("VIIn", "minor", (10, 2, 5), 0),
        ("VIIn7", "minor", (10, 2, 5, 8), 0),
        ("III", "minor", (3, 7, 10), 0),
    ],
)
def test_chords_by_degree_and_figures(name: str, mode: Mode, members: tuple[int, ...], bass: int) -> None:
    assert (chord(name, mode).members, chord(name, mode).bass) == (members, bass)


def test_keys_are_those_that_names_knows() -> None:
    keys = [Key(tonic, mode) for tonic, mode in product(range(12), MODES)]
    assert len({key.name for key in keys}) == 24
    assert all(key.scale == parse_key(key.name) for key in keys)
    assert chord("V", "minor").classes(Key(9, "minor")) == {4, 8, 11}


@pytest.mark.parametrize("mode", MODES)
def test_the_grammar_is_closed_and_its_chords_are_of_the_key(mode: Mode) -> None:
    rules = grammar(mode)
    for name, following in rules.items():
        assert set(following) <= set(rules) and min(following.values()) > 0
        assert chord(name, mode).classes(Key(0, mode)) <= Key(0, mode).scale
        if name.endswith("64"):
            assert set(following) == {"V", "V7"}  # a six-four chord goes to the dominant
    reached, new = {"I"}, {"I"}
    while new:
        new = {to for name in new for to in rules[name]} - reached
        reached |= new
    assert reached == set(rules)


@pytest.mark.parametrize(("mode", "cadence"), [*product(MODES, get_args(Cadence))])
def test_progressions_follow_the_grammar_to_their_cadence(mode: Mode, cadence: Cadence) -> None:
    if mode == "major" and cadence == "relative":
        return
    strong = [True, False, True, False] * 3
    seen = set()
    for number in range(40):
        chords = progression(Dice(number, "progression"), mode, strong, {"I": 3, "VI": 1}, cadence)
        seen.add(tuple(chords))
        assert len(chords) == len(strong) and chords[0] in ("I", "VI")
        assert chords[-2] in CADENCES[cadence][0] and chords[-1] in CADENCES[cadence][1]
        for (one, two), beat in zip(pairwise(chords), strong[1:], strict=True):
            assert two in grammar(mode)[one] or (one == two and not beat)
            assert two != "I64" or beat
    assert len(seen) > 30


def test_walks_are_drawn_by_the_product_of_their_weights() -> None:
    strong = [True, False, True, False]
    walks: dict[tuple[str, ...], int] = {}
    for second in grammar("major"):
        for third in ("V", "V7"):
            weight = 2 if second == "I" else grammar("major")["I"].get(second, 0)
            weight *= grammar("major")[second].get(third, 0) * grammar("major")[third]["I"] * (second != "I64")
            walks["I", second, third, "I"] = weight
    total = sum(walks.values())
    dice = Dice(0, "walks")
    counts = Counter(tuple(progression(dice, "major", strong, {"I": 1}, "authentic")) for _ in range(3000))
    assert {walk for walk, weight in walks.items() if weight} >= set(counts)
    for walk, weight in walks.items():
        assert counts[walk] / 3000 == pytest.approx(weight / total, abs=0.03)
