"""A subject and its countersubject: two lines in degrees of the scale, made of small figures over given chords.

Every beat takes one figure, which begins on a note of the chord. Where the subject runs the countersubject walks, and
the other way round. Between them stand only intervals that stay consonant when the lines change places, so that one
pair serves in every key and with either line above.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from typing import Final, NamedTuple

from gen.music.dice import Dice


class Tone(NamedTuple):
    """One note of a line.

    Attributes:
        start: sixteenths from the beginning.
        length: in sixteenths.
        degree: steps of the scale above the tonic: 0 is the tonic, 7 the octave.
        root: the degree of the root of the chord that it belongs to, 0 … 6.
    """

    start: int
    length: int
    degree: int
    root: int


Line = tuple[Tone, ...]
_Figure = tuple[tuple[int, int], ...]  # of each note, its length and its steps from the first

_RUNS: dict[int, tuple[_Figure, ...]] = {
    4: tuple(
        tuple((1, step) for step in steps)
        for steps in (
            *((0, 1, 2, 3), (0, -1, -2, -3), (0, -1, 0, 1), (0, 1, 0, -1), (0, 1, 2, 1), (0, -1, -2, -1)),
            *((0, 2, 1, 0), (0, 2, 1, 2), (0, -2, -1, 0), (0, -1, 0, -2), (0, 2, 4, 2), (0, -2, 0, 1)),
        )
    ),
    6: tuple(
        tuple((2, step) for step in steps)
        for steps in (
            *((0, 1, 2), (0, -1, -2), (0, 1, 0), (0, -1, 0), (0, 2, 1), (0, -2, -1), (0, 2, 4), (0, 4, 2)),
            *((0, -2, 0), (0, 2, 0)),
        )
    ),
}
_WALKS: dict[int, tuple[_Figure, ...]] = {
    4: (
        *(((2, 0), (2, step)) for step in (1, -1, 2, -2, 4, -3)),
        *(((2, 0), (1, step), (1, 2 * step)) for step in (1, -1)),
        ((4, 0),),
    ),
    6: (*(((4, 0), (2, step)) for step in (1, -1, 2, -2, 4)), ((6, 0),)),
}
"""Figures for one beat of so many sixteenths."""
_CONSONANT: Final = {0: 1, 2: 4, 5: 4}
"""Thirds and sixths, and now and then an octave: how often each stands on a beat. Turned over, a fifth is a fourth."""
_PERFECT = (0, 3, 4)
_SPAN = 10  # steps from the lowest to the highest note of a line
_FIRST = (-12, 0)  # where a countersubject may begin; a subject begins on 0
_TRIAD = (0, 2, 4)


def subject(dice: Dice, roots: Sequence[int], beat: int) -> Line:
    """A line that begins on the tonic and is easily known again.

    Args:
        dice: to draw from.
        roots: the degree of the root of each beat's chord.
        beat: sixteenths of a beat, 4 or 6.
    """
    while True:  # most succeed
        runs = [dice.chance(60) for _ in roots]
        if not 0 < sum(runs) < len(runs):
            continue
        line = _search(dice, roots, beat, runs, None, 0)
        if line is not None and len({tone.degree for tone in line}) > 4:
            return line


def countersubject(dice: Dice, against: Line, roots: Sequence[int], beat: int) -> Line | None:
    """A line that goes below a subject, and above it as well; None where none was found."""
    counts = [sum(tone.start // beat == place for tone in against) for place in range(len(roots))]
    runs = [count < 3 for count in counts]
    return _search(dice, roots, beat, runs, against, None)


def _search(
    dice: Dice, roots: Sequence[int], beat: int, runs: Sequence[bool], against: Line | None, first: int | None
) -> Line | None:
    """Figures one after another, with a way back where none goes on."""
    sounding = None if against is None else _sounding(against)

    def go_on(line: Line, place: int) -> Line | None:
        if place == len(roots):
            return line
        root, start = roots[place], place * beat
        beginnings = {}
        for degree, joint in _beginnings(line, first).items():
            consonance = 1 if sounding is None else _CONSONANT.get((sounding[start][0] - degree) % 7, 0)
            if (degree - root) % 7 in _TRIAD and consonance:
                beginnings[degree] = joint * consonance
        low, high = _compass(line)
        for degree in dice.shuffled(beginnings):
            figures = _singable((_RUNS if runs[place] else _WALKS)[beat], (degree - root) % 7)
            for figure in dice.shuffled(figures):
                steps = [step for _, step in figure]
                if line and max(high, degree + max(steps)) - min(low, degree + min(steps)) > _SPAN:
                    continue
                added = _placed(figure, degree, start, root)
                if sounding is None or _agrees(sounding, line, added, beat):
                    found = go_on(line + added, place + 1)
                    if found is not None:
                        return found
        return None

    return go_on((), 0)


def _beginnings(line: Line, first: int | None) -> dict[int, int]:
    """Where the next figure may begin, and how well that goes on: a step best, a leap only from a note of the chord."""
    if not line:
        return dict.fromkeys(range(*_FIRST) if first is None else (first,), 1)
    last = line[-1]
    steps = {1: 8, 2: 3}
    if (last.degree - last.root) % 7 in _TRIAD:
        steps |= dict.fromkeys((3, 4, 5, 7), 1)
    return {last.degree + sign * size: weight for size, weight in steps.items() for sign in (1, -1)}


def _compass(line: Line) -> tuple[int, int]:
    degrees = [tone.degree for tone in line] or [0]
    return min(degrees), max(degrees)


@cache
def _singable(figures: tuple[_Figure, ...], member: int) -> dict[_Figure, int]:
    """Those that leap only between notes of the chord when they begin on its root (0), third (2) or fifth (4)."""
    found = {}
    for figure in figures:
        steps = [step for _, step in figure]
        leaps = [pair for pair in pairwise(steps) if abs(pair[1] - pair[0]) > 1]
        if all((member + step) % 7 in _TRIAD for pair in leaps for step in pair):
            found[figure] = 1
    return found


def _placed(figure: _Figure, degree: int, start: int, root: int) -> Line:
    tones = []
    for length, step in figure:
        tones.append(Tone(start, length, degree + step, root))
        start += length
    return tuple(tones)


def _sounding(line: Line) -> list[tuple[int, bool]]:
    """For each sixteenth what degree sounds, and whether it begins there."""
    return [(tone.degree, not i) for tone in line for i in range(tone.length)]


def _agrees(sounding: list[tuple[int, bool]], line: Line, added: Line, beat: int) -> bool:
    """Whether a figure below a line is consonant with it where both strike, and runs beside it in no fifths."""
    below = _sounding((*line[-1:], *added))
    offset = line[-1].start if line else 0
    for at in range(added[0].start, added[-1].start + added[-1].length):
        (upper, strikes), (lower, struck) = sounding[at], below[at - offset]
        if upper - lower < 2:
            return False
        interval = (upper - lower) % 7
        if strikes and struck:
            if interval not in _CONSONANT and (at % beat == 0 or interval in (1, 6)):
                return False
            if at and _parallel(sounding[at - 1][0], upper, below[at - 1 - offset][0], lower):
                return False
        if at % beat == 0 and at >= beat and interval == 0 and _octave_before(sounding, line, at - beat):
            return False
    return True


def _parallel(old_upper: int, upper: int, old_lower: int, lower: int) -> bool:
    """Whether both move, from one octave, fourth or fifth into another."""
    moved = old_upper != upper and old_lower != lower
    return moved and (old_upper - old_lower) % 7 == (upper - lower) % 7 and (upper - lower) % 7 in _PERFECT


def _octave_before(sounding: list[tuple[int, bool]], line: Line, at: int) -> bool:
    return any(tone.start == at and (sounding[at][0] - tone.degree) % 7 == 0 for tone in line)


def fragment(line: Line, length: int) -> Line:
    """The beginning of a line, of so many sixteenths."""
    return tuple(tone for tone in line if tone.start < length)


def moved(line: Line, steps: int) -> Iterator[Tone]:
    """A line so many steps of the scale higher; its chords move with it."""
    for start, length, degree, root in line:
        yield Tone(start, length, degree + steps, (root + steps) % 7)
