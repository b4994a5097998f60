from itertools import pairwise

import pytest

from gen.music.counterpoint import Line, Tone, countersubject, fragment, moved, subject
from gen.music.dice import Dice

PLANS = [((0, 0, 4, 0), 4), ((0, 0, 3, 4), 4), ((0, 0, 0, 4, 4, 0), 4), ((0, 0, 4, 4), 6)]


def pairs(count: int = 25) -> list[tuple[Line, Line, tuple[int, ...], int]]:
    found = []
    for roots, beat in PLANS:
        for number in range(count):
            dice = Dice(number, "pairs", beat, *roots)
            theme = subject(dice, roots, beat)
            other = countersubject(dice, theme, roots, beat)
            if other is not None:
                found.append((theme, other, roots, beat))
    assert len(found) > 0.8 * count * len(PLANS)
    return found


PAIRS = pairs()


def test_lines_fill_their_time_without_a_gap() -> None:
    for theme, other, roots, beat in PAIRS:
        for line in (theme, other):
            assert line[0].start == 0
            assert all(one.start + one.length == two.start for one, two in pairwise(line))
            assert line[-1].start + line[-1].length == beat * len(roots)


def test_beats_begin_on_the_chord_and_leaps_stay_in_it() -> None:
    for theme, other, roots, beat in PAIRS:
        for line in (theme, other):
            degrees = [tone.degree for tone in line]
            assert max(degrees) - min(degrees) <= 10
            for tone in line:
                assert tone.root == roots[tone.start // beat]
                if tone.start % beat == 0:
                    assert (tone.degree - tone.root) % 7 in (0, 2, 4)
            for one, two in pairwise(line):
                if abs(two.degree - one.degree) > 2:
                    assert (one.degree - one.root) % 7 in (0, 2, 4) and (two.degree - two.root) % 7 in (0, 2, 4)


def sounding(line: Line) -> list[int]:
    return [tone.degree for tone in line for _ in range(tone.length)]


def test_the_two_are_consonant_on_beats_with_either_above() -> None:
    for theme, other, roots, beat in PAIRS:
        above, below = sounding(theme), sounding(other)
        assert min(a - b for a, b in zip(above, below, strict=True)) >= 2
        intervals = [(above[at] - below[at]) % 7 for at in range(0, beat * len(roots), beat)]
        assert set(intervals) <= {0, 2, 5} and {-interval % 7 for interval in intervals} <= {0, 2, 5}
        assert (0, 0) not in pairwise(intervals)
        for at in range(1, len(above)):
            if above[at] != above[at - 1] and below[at] != below[at - 1]:
                one, two = (above[at - 1] - below[at - 1]) % 7, (above[at] - below[at]) % 7
                assert not (one == two and two in (0, 3, 4))  # a fourth is a fifth when turned over


def test_where_one_runs_the_other_walks() -> None:
    for theme, other, roots, beat in PAIRS:
        for place in range(len(roots)):
            counts = sorted(sum(tone.start // beat == place for tone in line) for line in (theme, other))
            assert counts[0] <= 3 and counts[1] >= 3


def test_subjects_begin_at_home_and_have_a_face() -> None:
    themes = {theme for theme, *_ in PAIRS}
    assert len(themes) == len(PAIRS)
    for theme in themes:
        assert theme[0].degree == 0
        assert len({tone.degree for tone in theme}) > 4 and len({tone.length for tone in theme}) > 1


@pytest.mark.parametrize(("steps", "root"), [(4, 4), (-3, 4), (7, 0), (2, 2)])
def test_moving_a_line_moves_its_chords(steps: int, root: int) -> None:
    assert [*moved((Tone(0, 4, 0, 0), Tone(4, 2, -1, 4)), steps)] == [
        *(Tone(0, 4, steps, root), Tone(4, 2, steps - 1, (4 + steps) % 7)),
    ]


def test_a_fragment_is_the_beginning() -> None:
    line = (Tone(0, 4, 0, 0), Tone(4, 4, 2, 0), Tone(8, 4, 4, 4))
    assert fragment(line, 8) == line[:2]
