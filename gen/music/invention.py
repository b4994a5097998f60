"""Inventions in two voices: a subject that both voices play in turn, against a countersubject, with sequences between.

The plan is that of the old two-part inventions: both voices present the subject, on the tonic and on the fifth; a
sequence of its first bar leads down through fifths to a cadence; both play it in other keys' places; another sequence
leads home, and the last entries end in the final cadence. All of it is written in degrees of the scale, so that an
entry on another degree is the same line moved. Then each line is put into the octave where it joins best, and what
breaks a rule is composed anew.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from gen.music.counterpoint import Line, Tone, countersubject, fragment, subject
from gen.music.dice import Dice
from gen.music.harmony import Key, Mode
from gen.music.score import Note
from gen.music.two_voices import Block, Sheet

_PROGRAMS = {6: 3, 0: 2}  # harpsichord, piano


@dataclass(frozen=True, slots=True)
class _Metre:
    """A metre, and what is cut by it.

    Attributes:
        signature: as it is written.
        beat: sixteenths of a beat.
        beats: in a bar.
        roots: for the subject, chords by beats as degrees of their roots; some to choose from.
        head: beats at its beginning that stay on the first chord; they make the sequences.
    """

    signature: tuple[int, int]
    beat: int
    beats: int
    roots: tuple[tuple[int, ...], ...]
    head: int


_METRES: dict[_Metre, int] = {
    _Metre((4, 4), 4, 4, ((0, 0, 4, 0), (0, 0, 3, 4), (0, 0, 4, 4)), 2): 4,
    _Metre((3, 4), 4, 3, ((0, 0, 0, 4, 4, 0), (0, 0, 0, 3, 3, 4)), 3): 2,
    _Metre((6, 8), 6, 2, ((0, 0, 4, 4), (0, 0, 3, 4)), 2): 2,
}
_Tones = tuple[tuple[int, int], ...]  # of each, its length in sixteenths and its degree
_Close = tuple[tuple[int, _Tones, _Tones], ...]  # for each beat the chord's root, and what the voices play
_I = (0, ((1, 7), (1, 8), (1, 9), (1, 11)), ((2, 0), (2, 4)))
_IV = (3, ((2, 12), (2, 10)), ((2, 3), (2, 5)))
_II = (1, ((2, 10), (2, 8)), ((2, 1), (2, 3)))
_V = (4, ((4, 8),), ((4, 4),))
_V_RUNNING = (4, ((1, 8), (1, 9), (1, 8), (1, 7)), ((4, 4),))
_V_LEADING = (4, ((4, 6),), ((2, -3), (2, -3)))
_V_SHORT = (4, ((2, 8), (2, 6)), ((2, 4), (2, -3)))
_CLOSES: dict[tuple[int, int], tuple[_Close, ...]] = {
    (4, 4): ((_I, _IV, _V, _V_LEADING), (_I, _II, _V_RUNNING, _V_LEADING), (_I, _IV, _V_RUNNING, _V_LEADING)),
    (3, 4): ((_I, _IV, _V_SHORT), (_I, _II, _V_SHORT), (_IV, _V_RUNNING, _V_LEADING)),
    (6, 8): (
        ((3, ((4, 12), (2, 10)), ((4, 3), (2, 5))), (4, ((2, 8), (2, 7), (2, 6)), ((4, 4), (2, -3)))),
        ((1, ((2, 10), (2, 9), (2, 8)), ((4, 1), (2, 3))), (4, ((4, 8), (2, 6)), ((4, 4), (2, -3)))),
    ),
}


@dataclass(frozen=True, slots=True)
class Invention:
    """An invention.

    Attributes:
        notes: of the upper voice, track 0, and of the lower, track 1.
        signature: of its time.
        bars: how many.
        harmony: the tick at which each chord begins, and its pitch classes.
    """

    notes: list[Note]
    signature: tuple[int, int]
    bars: int
    harmony: list[tuple[int, frozenset[int]]]


def invention(dice: Dice, key: Key) -> Invention:
    """Compose an invention."""
    metre = dice.weighted(_METRES)
    while True:  # one of four succeeds
        found = _attempt(dice, key, metre)
        if found is not None:
            return found


def _attempt(dice: Dice, key: Key, metre: _Metre) -> Invention | None:
    roots = dice.one_of(metre.roots)
    theme = subject(dice, roots, metre.beat)
    against = countersubject(dice, theme, roots, metre.beat)
    if against is None:
        return None
    sheet = Sheet(key)
    for block, places, leader in _plan(dice, key.mode, metre, theme, against, len(roots) * metre.beat):
        if not sheet.add(block, dice.shuffled(places), leader):
            return None
    bar = metre.beat * metre.beats
    if not sheet.end(bar):
        return None
    return Invention(sheet.notes(dice.weighted(_PROGRAMS)), metre.signature, sheet.length // bar, sheet.harmony())


_Step = tuple[Block, dict[int, int], int]


def _plan(dice: Dice, mode: Mode, metre: _Metre, theme: Line, against: Line, length: int) -> Iterator[_Step]:
    """The blocks in order, the degrees of the scale that each may stand on with their weights, and who leads it."""
    alone, entry = Block(theme, None, length), Block(theme, against, length)
    head = metre.head * metre.beat
    short = Block(fragment(theme, head), fragment(against, head), head)
    close = _closing(dice.one_of(_CLOSES[metre.signature]))
    first = dice.below(2)  # the voice that begins: 0 is the upper
    middle = 4 if mode == "major" else 2  # where the first half ends
    yield alone, {0: 1}, first
    yield entry, {0: 1, 4: 2}, 1 - first
    yield entry, {0: 2, 4: 1}, first
    yield from _sequence(short, middle, 2 + dice.below(2), 1 - first)
    yield close, {middle: 1}, 0
    yield entry, {middle: 1}, 1 - first
    yield entry, {5: 1, 3: 1}, first
    yield from _sequence(short, 0, 2 + dice.below(3), dice.below(2))
    yield entry, {0: 1}, first
    if dice.chance(50):
        yield entry, {3: 1, 0: 1}, 1 - first
    yield close, {0: 1}, 0


def _sequence(short: Block, goal: int, units: int, leader: int) -> Iterator[_Step]:
    """The head of the subject in both voices by turns, down the circle of fifths to the chord before `goal`."""
    for step in range(goal + units, goal, -1):
        yield short, {step % 7: 1}, leader
        yield short, {(step + 3) % 7: 1}, 1 - leader


def _closing(close: _Close) -> Block:
    voices: tuple[list[Tone], list[Tone]] = ([], [])
    for voice, line in enumerate(voices):
        start = 0
        for beat in close:
            for length, degree in beat[1:][voice]:
                line.append(Tone(start, length, degree, beat[0]))
                start += length
    return Block(tuple(voices[0]), tuple(voices[1]), start)
