"""How four voices sing a row of chords: the cheapest path through all the ways to place each chord.

The rules are those taught for chorales. Some may never be broken: ranges, no crossing or overlapping, no parallel
fifths and octaves, leading note and seventh resolve, no augmented seconds. The others are prices: small steps cost less
than leaps, good doublings less than poor ones. A search over all voicings (Viterbi 1967) finds the least sum; every
price is a whole number, so it is the same on every machine.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gen.music.harmony import LEADING_NOTE, Chord, Key, Mode, chord

Voicing = tuple[int, int, int, int]
"""Pitches of soprano, alto, tenor and bass."""
Table = NDArray[np.int64]

RANGES: Final = ((60, 80), (55, 73), (48, 68), (40, 61))
"""Lowest and highest pitch of soprano, alto, tenor and bass."""
FORBIDDEN: Final = 1 << 20
"""The price of what may never be; a path is legal if it costs less."""
_PAIRS = [(upper, lower) for upper in range(4) for lower in range(upper + 1, 4)]
_MIXED = {(8, 11), (11, 8)}  # the augmented second of the minor scale, in semitones above the tonic

_X = FORBIDDEN
# What a step of so many semitones costs: 0 … 12, then all above.
_SOPRANO = np.array([5, 0, 0, 3, 4, 6, _X, 9, 14, 14, _X, _X, 16, _X])
_INNER = np.array([0, 1, 1, 3, 4, 7, _X, 12, _X, _X, _X, _X, _X, _X])
_BASS = np.array([3, 0, 0, 1, 1, 1, _X, 2, 6, 6, _X, _X, 4, _X])
_STEPS = (_SOPRANO, _INNER, _INNER, _BASS)
_DIRECT = 15  # both outer voices move in the same direction into a fifth or an octave, the upper by a leap


@lru_cache(maxsize=1024)
def voicings(name: str, key: Key) -> tuple[Table, Table]:
    """All ways to place a chord, (n, 4), and what each costs by itself, (n,)."""
    what = chord(name, key.mode)
    sopranos, altos, tenors = (_in_range(voice, key, what.members) for voice in range(3))
    found = []
    for bass in _in_range(3, key, what.members[what.bass : what.bass + 1]):
        for tenor in _above(bass, tenors, 19):
            for alto in _above(tenor, altos, 12):
                for soprano in _above(alto, sopranos, 12):
                    placed = (soprano, alto, tenor, bass)
                    price = _doubling(what, [(pitch - key.tonic) % 12 for pitch in placed])
                    wide = (soprano - alto > 9) + (alto - tenor > 9) + (tenor - bass > 14)
                    if price < FORBIDDEN:
                        found.append((*placed, price + wide))
    table = np.array(found, np.int64)
    table.setflags(write=False)  # it is shared
    return table[:, :4], table[:, 4]


def _in_range(voice: int, key: Key, members: Sequence[int]) -> list[int]:
    low, high = RANGES[voice]
    return [pitch for pitch in range(low, high + 1) if (pitch - key.tonic) % 12 in members]


def _above(pitch: int, pitches: list[int], most: int) -> list[int]:
    return [above for above in pitches if pitch < above <= pitch + most]


def _doubling(what: Chord, sounding: list[int]) -> int:
    """The price of what a placed chord doubles and leaves out; pitches are semitones above the tonic."""
    counts = [sounding.count(member) for member in what.members]
    root, third, fifth = counts[:3]
    if not root or not third or (LEADING_NOTE in what.members and what.dominant and sounding.count(LEADING_NOTE) > 1):
        return FORBIDDEN
    if len(counts) == 4:
        if counts[3] != 1 or (not fifth and what.bass):
            return FORBIDDEN
        return 0 if fifth else 3
    if not fifth:
        return 6 if what.bass == 0 and root == 3 else FORBIDDEN
    diminished = (what.members[2] - what.members[0]) % 12 == 6
    if diminished:
        return {2: 0}.get(third, 5)
    if what.bass == 2:
        return 0 if fifth == 2 else 8
    return 0 if root == 2 else 2 if fifth == 2 else 0 if what.name == "VI" else 4


@lru_cache(maxsize=4096)
def transition(first: str, then: str, key: Key) -> Table:
    """What it costs to go from each way to place a chord to each way to place the next, (n, m)."""
    before, after = voicings(first, key)[0][:, None], voicings(then, key)[0][None]
    moves = after - before
    price = np.zeros(moves.shape[:2], np.int64)
    for voice, steps in enumerate(_STEPS):
        price += steps[np.minimum(np.abs(moves[..., voice]), 13)]
    outer = after[..., 0] - after[..., 3]
    leaps = (np.sign(moves[..., 0]) == np.sign(moves[..., 3])) & (np.abs(moves[..., 0]) > 2)
    price += _DIRECT * (leaps & ((outer % 12 == 0) | (outer % 12 == 7)))
    forbidden = _wrong(first, then, key, before, after)
    for upper, lower in pairwise(range(4)):
        forbidden |= (after[..., lower] > before[..., upper]) | (after[..., upper] < before[..., lower])
    price[forbidden] = FORBIDDEN
    price.setflags(write=False)
    return price


def may_follow(first: tuple[str, Voicing], then: tuple[str, Voicing], key: Key) -> bool:
    """Whether a new phrase may begin with a placed chord after another: as within phrases, but voices may leap."""
    before, after = np.array(first[1]), np.array(then[1])
    return bool(np.abs(after - before).max() <= 12 and not _wrong(first[0], then[0], key, before, after))


def _wrong(first: str, then: str, key: Key, before: Table, after: Table) -> NDArray[np.bool_]:
    """Whether it breaks a rule however large the steps: (..., 4) and (..., 4) pitches, broadcast, give (...)."""
    moves = after - before
    wrong = _unresolved(chord(first, key.mode), chord(then, key.mode), before, moves, key)
    for upper, lower in _PAIRS:
        old, new = before[..., upper] - before[..., lower], after[..., upper] - after[..., lower]
        moved = (moves[..., upper] != 0) & (moves[..., lower] != 0)
        wrong = wrong | (moved & (old % 12 == new % 12) & ((new % 12 == 0) | (new % 12 == 7)))
    return wrong


def _unresolved(what: Chord, then: Chord, before: Table, moves: Table, key: Key) -> NDArray[np.bool_]:
    """Whether a leading note or a seventh goes elsewhere than it must, or a voice takes an augmented second."""
    degrees = (before - key.tonic) % 12
    wrong = np.zeros(moves.shape, np.bool_)
    if what.dominant and not then.dominant and 0 in then.members:
        wrong |= (degrees == LEADING_NOTE) & (moves != 1)
    if len(what.members) == 4:
        kept = what.members[3] in then.members
        down = (moves == -1) | (moves == -2)
        wrong |= (degrees == what.members[3]) & ~(down | ((moves == 0) & kept))
    if key.mode == "minor":
        wrong |= ((degrees == 8) & (moves == 3)) | ((degrees == LEADING_NOTE) & (moves == -3))
    unresolved: NDArray[np.bool_] = np.logical_or.reduce(wrong, axis=-1)
    return unresolved


def augmented_second(mode: Mode, first: int, then: int) -> bool:
    """Whether a voice takes the augmented second of the minor scale; pitches in semitones above a tonic."""
    return mode == "minor" and abs(then - first) == 3 and (first % 12, then % 12) in _MIXED


def lead(
    chords: Sequence[str],
    key: Key,
    previous: tuple[str, Voicing] | None,
    wishes: Table,
    last: frozenset[int] | None = None,
) -> list[Voicing] | None:
    """The cheapest way to sing some chords, or None where every way breaks a rule.

    Args:
        chords: their names.
        key: the key.
        previous: the chord before the first, and how it was placed; None at the beginning.
        wishes: what each pitch costs in the soprano at each chord, (len(chords), 128).
        last: pitch classes for the last note of the soprano; None leaves it free.
    """
    tables = [voicings(name, key) for name in chords]
    own = [price + wishes[i, placed[:, 0]] for i, (placed, price) in enumerate(tables)]
    if last is not None:
        own[-1] = own[-1] + FORBIDDEN * ~np.isin(tables[-1][0][:, 0] % 12, [*last])
    total = own[0]
    if previous is not None:
        row = np.flatnonzero((voicings(previous[0], key)[0] == previous[1]).all(1))[0]
        total = total + transition(previous[0], chords[0], key)[row]
    back = []
    for i in range(1, len(chords)):
        sums = total[:, None] + transition(chords[i - 1], chords[i], key)
        back.append(sums.argmin(0))
        total = sums.min(0) + own[i]
    at = int(total.argmin())
    if total[at] >= FORBIDDEN:
        return None
    path = [at]
    for came_from in reversed(back):
        path.append(int(came_from[path[-1]]))
    return [_voicing(tables[i][0][at]) for i, at in enumerate(reversed(path))]


def _voicing(row: Table) -> Voicing:
    soprano, alto, tenor, bass = row.tolist()
    return soprano, alto, tenor, bass
