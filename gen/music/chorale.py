"""Chorales in four parts: phrases of four bars that end in a cadence, led by rule and then set in motion.

A phrase is harmonised, its voices are led, and then passing notes, neighbours and suspensions are put between its
chords, each where it breaks no rule. Phrases come back, as they do in songs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

import numpy as np

from gen.music.dice import Dice
from gen.music.harmony import LEADING_NOTE, Cadence, Key, chord, progression
from gen.music.score import Note
from gen.music.voice_leading import RANGES, Table, Voicing, lead, may_follow

EIGHTH: Final = 12
"""Ticks of the shortest note; a beat is two."""
Rhythm = tuple[int, ...]
_PROGRAMS = ((19,) * 4, (52,) * 4)  # organ, choir: with more, a model of a minute mixes them
_METRES = {4: 2, 3: 1}  # beats in a bar
_BARS = 4  # in a phrase
# how many beats each chord of a bar lasts, by the beats in the bar: a bar of a phrase, and its last one
_RHYTHMS: dict[int, tuple[dict[Rhythm, int], dict[Rhythm, int]]] = {
    4: ({(1, 1, 1, 1): 6, (2, 1, 1): 3, (1, 1, 2): 2, (2, 2): 1}, {(1, 1, 2): 4, (4,): 2, (2, 2): 1}),
    3: ({(1, 1, 1): 4, (2, 1): 4, (3,): 1}, {(3,): 1}),
}
# phrases by letters; the last, Z, ends on the tonic
_FORMS: dict[str, int] = {"ABCZ": 4, "ABABCZ": 2, "ABAZ": 3, "AABZ": 2}
_ENDINGS: dict[Cadence, int] = {"half": 4, "authentic": 4, "deceptive": 1}
_MINOR_ENDINGS: dict[Cadence, int] = {"half": 4, "authentic": 3, "deceptive": 1, "relative": 3}
_LAST: dict[Cadence, int] = {"authentic": 5, "plagal": 1}
_OPENINGS = {"I": 8, "VI": 2, "IV": 2, "V": 1, "I6": 2}
_VELOCITIES = (84, 72, 72, 80)
_HEARD_WITH = (1, 13)  # semitones of no note beside a passing one


@dataclass(frozen=True)
class _Phrase:
    """A phrase: its chords, how each is placed, and what each voice does in each eighth.

    Attributes:
        chords: their names.
        begins: the eighth in which each begins, and that in which the last ends.
        placed: how each is placed.
        pitches: for each voice the pitch in each eighth.
        struck: for each voice whether a note begins in each eighth.
    """

    chords: list[str]
    begins: list[int]
    placed: list[Voicing]
    pitches: list[list[int]]
    struck: list[list[bool]]


@dataclass(frozen=True, slots=True)
class Chorale:
    """A chorale.

    Attributes:
        notes: of its four voices, which are tracks 0 … 3 from above.
        beats: in a bar.
        bars: how many.
        phrases: the tick at which each begins.
        harmony: the tick at which each chord begins, and its pitch classes.
    """

    notes: list[Note]
    beats: int
    bars: int
    phrases: list[int]
    harmony: list[tuple[int, frozenset[int]]]


def chorale(dice: Dice, key: Key) -> Chorale:
    """Compose a chorale."""
    beats = dice.weighted(_METRES)
    form = dice.weighted(_FORMS)
    setting = _Setting(dice, key, beats)
    known: dict[str, _Phrase] = {}
    phrases: list[_Phrase] = []
    for letter in form:
        before = phrases[-1] if phrases else None
        if letter == "Z":
            phrase = setting.phrase(before, dice.weighted(_LAST), final=True)
        elif letter in known and setting.fits(before, known[letter]):
            phrase = known[letter]
        else:
            endings = _ENDINGS if key.mode == "major" else _MINOR_ENDINGS
            phrase = setting.phrase(before, dice.weighted(endings), final=False)
        known[letter] = phrase
        phrases.append(phrase)
    programs = dice.one_of(_PROGRAMS)
    length = beats * 2 * _BARS
    notes = [
        note
        for place, phrase in enumerate(phrases)
        for voice in range(4)
        for note in _notes(phrase, voice, programs[voice], place * length, 2 * beats)
    ]
    harmony = [
        (EIGHTH * (place * length + begin), chord(name, key.mode).classes(key))
        for place, phrase in enumerate(phrases)
        for begin, name in zip(phrase.begins, phrase.chords, strict=False)
    ]
    return Chorale(notes, beats, _BARS * len(form), [EIGHTH * length * place for place in range(len(form))], harmony)


class _Setting:
    """What the phrases of one chorale have in common."""

    def __init__(self, dice: Dice, key: Key, beats: int) -> None:
        self._dice = dice
        self._key = key
        self._beats = beats
        self._motion = dice.one_of((25, 40, 55))  # percent of the places for passing notes that are taken
        self._tied = dice.chance(40)  # whether inner voices hold what is common to two chords

    def phrase(self, before: _Phrase | None, cadence: Cadence, *, final: bool) -> _Phrase:
        """A new phrase that goes on from another."""
        dice, key = self._dice, self._key
        inner, closing = _RHYTHMS[self._beats]
        bars = [*(dice.weighted(inner) for _ in range(_BARS - 1)), dice.weighted(closing)]
        lasting = [length for bar in bars for length in bar]
        begins = [0, *np.cumsum(lasting).tolist()]
        strong = [begin % self._beats in (0, 2) if self._beats == 4 else begin % 3 == 0 for begin in begins[:-1]]
        openings = _OPENINGS if before else {"I": 1}
        last = frozenset([key.tonic]) if final else None
        previous = (before.chords[-1], before.placed[-1]) if before else None
        while True:  # nine of ten succeed at once
            chords = progression(dice, key.mode, strong, openings, cadence)
            placed = lead(chords, key, previous, self._wishes(len(chords)), last)
            if placed is not None:
                break
        begins = [2 * begin for begin in begins]
        phrase = _Phrase(
            chords,
            begins,
            placed,
            [[slot[v] for slot, n in zip(placed, lasting, strict=True) for _ in range(2 * n)] for v in range(4)],
            [[eighth in begins for eighth in range(begins[-1])] for _ in range(4)],
        )
        self._enliven(phrase, strong)
        return phrase

    def fits(self, before: _Phrase | None, phrase: _Phrase) -> bool:
        """Whether a phrase that has been heard may follow another as it is."""
        if before is None:
            return True
        return may_follow((before.chords[-1], before.placed[-1]), (phrase.chords[0], phrase.placed[0]), self._key)

    def _wishes(self, chords: int) -> Table:
        """What each pitch costs in the soprano: by its distance from a waving line, and a little by chance."""
        dice = self._dice
        low, high = 65 + dice.below(4), 72 + dice.below(5)
        goal, level = (high, low) if dice.chance(60) else (low, high)
        line: list[int] = []
        while len(line) < chords:
            steps = 3 + dice.below(4)  # chords until it turns
            line += [level + (goal - level) * step // steps for step in range(steps)]
            goal, level = level + dice.below(3) - 1, goal
        distance = np.abs(np.arange(128) - np.array(line[:chords])[:, None])
        chance = np.array([dice.below(4) for _ in range(chords * 12)]).reshape(chords, 12)
        wishes: Table = 2 * distance + chance[:, np.arange(128) % 12]
        return wishes

    # -- motion --------------------------------------------------------------------------------------------------------

    def _enliven(self, phrase: _Phrase, strong: Sequence[bool]) -> None:
        """Tie common notes, and put passing notes, neighbours and suspensions between the chords."""
        for slot in range(1, len(phrase.chords)):
            at = phrase.begins[slot]
            heavy = strong[slot] and slot < len(phrase.chords) - 1  # the last chord of a phrase is at rest
            for voice in (0, 3, 1, 2):
                if phrase.struck[voice][at - 1]:  # a suspension has just resolved
                    continue
                step = phrase.placed[slot][voice] - phrase.placed[slot - 1][voice]
                if step == 0:
                    if self._tied and voice in (1, 2) and not strong[slot]:
                        phrase.struck[voice][at] = False
                    elif voice in (0, 3) and self._dice.chance(self._motion // 3):
                        self._neighbour(phrase, voice, at)
                elif abs(step) in (3, 4):
                    if self._dice.chance(self._motion + 15 * (voice in (0, 3))):
                        self._pass(phrase, voice, at)
                elif step in (-1, -2) and voice < 3 and heavy and self._dice.chance(self._motion):
                    self._suspend(phrase, voice, slot)

    def _pass(self, phrase: _Phrase, voice: int, at: int) -> None:
        """Fill a third with the note between, in the eighth before `at`."""
        first, then = phrase.pitches[voice][at - 1], phrase.pitches[voice][at]
        between = range(min(first, then) + 1, max(first, then))
        notes = [pitch for pitch in between if self._steps(first, pitch) and self._steps(pitch, then)]
        if notes:
            self._try(phrase, voice, at - 1, self._dice.one_of(notes), struck=True)

    def _neighbour(self, phrase: _Phrase, voice: int, at: int) -> None:
        """Leave a repeated note for the one above or below it, in the eighth before `at`."""
        pitch = phrase.pitches[voice][at]
        notes = [near for near in range(pitch - 2, pitch + 3) if near != pitch and self._steps(pitch, near)]
        if notes:
            self._try(phrase, voice, at - 1, self._dice.one_of(notes), struck=True)

    def _suspend(self, phrase: _Phrase, voice: int, slot: int) -> None:
        """Hold a note that steps down into the next chord, for half of it, against that chord."""
        begin, end = phrase.begins[slot : slot + 2]
        held, then = phrase.pitches[voice][begin - 1 : begin + 1]
        what = chord(phrase.chords[slot], self._key.mode)
        others = {phrase.placed[slot][other] % 12 for other in range(3) if other != voice}
        prepared = held == phrase.placed[slot - 1][voice]
        if not prepared or then % 12 in others or (held - self._key.tonic) % 12 in what.members:
            return
        length = min(2, (end - begin) // 2)
        changed = [self._try(phrase, voice, begin + i, held, struck=False) for i in range(length)]
        if all(changed):
            phrase.struck[voice][begin + length] = True
            if self._clean(phrase, begin + length):
                return
            phrase.struck[voice][begin + length] = False
        for i in range(length):
            phrase.pitches[voice][begin + i] = then
        phrase.struck[voice][begin] = True

    def _try(self, phrase: _Phrase, voice: int, at: int, pitch: int, *, struck: bool) -> bool:
        """Change one eighth of a voice, unless that breaks a rule."""
        before = phrase.pitches[voice][at], phrase.struck[voice][at]
        phrase.pitches[voice][at], phrase.struck[voice][at] = pitch, struck
        if self._clean(phrase, at, voice) and self._clean(phrase, at + 1):
            return True
        phrase.pitches[voice][at], phrase.struck[voice][at] = before
        return False

    def _steps(self, first: int, then: int) -> bool:
        """Whether it is a step, and to a note of the scale."""
        return then % 12 in self._key.scale and abs(then - first) in (1, 2)

    def _clean(self, phrase: _Phrase, at: int, moving: int | None = None) -> bool:
        """Whether the eighth keeps the rules, and so does the way from the one before into it."""
        then = [pitches[at] for pitches in phrase.pitches]
        first = [pitches[at - 1] for pitches in phrase.pitches]
        if any(above <= below for above, below in pairwise(then)):
            return False
        if any(not low <= pitch <= high for pitch, (low, high) in zip(then, RANGES, strict=True)):
            return False
        classes = {(pitch - self._key.tonic) % 12 for pitch in then}
        if self._key.mode == "minor" and {10, LEADING_NOTE} <= classes:
            return False
        if moving is not None and any(abs(pitch - then[moving]) in _HEARD_WITH for pitch in then):
            return False
        for upper in range(4):
            for lower in range(upper + 1, 4):
                old, new = first[upper] - first[lower], then[upper] - then[lower]
                moved = first[upper] != then[upper] and first[lower] != then[lower]
                if moved and old % 12 == new % 12 and new % 12 in (0, 7):
                    return False
        return True


def _notes(phrase: _Phrase, voice: int, program: int, offset: int, bar: int) -> list[Note]:
    """The notes of one voice of a phrase, which begins at the eighth `offset`."""
    struck = [eighth for eighth, begins in enumerate(phrase.struck[voice]) if begins]
    notes = []
    for begin, end in zip(struck, [*struck[1:], phrase.begins[-1]], strict=True):
        swell = 8 if begin // bar in (1, 2) else 0  # a phrase grows towards its middle
        pitch = phrase.pitches[voice][begin]
        notes.append(
            Note(EIGHTH * (offset + begin), EIGHTH * (end - begin), pitch, _VELOCITIES[voice] + swell, voice, program)
        )
    return notes
