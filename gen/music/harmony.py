"""Keys, their chords, and which chord follows which: the functional harmony of a chorale as a small grammar.

Chords are called by the degree of their root and their figured bass, in both modes: I, II6, V7, V65, I64. What a chord
consists of is its mode's business. In minor, V and VII hold the raised leading note; VIIn is the chord on the natural
seventh, which leads into the relative major.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Literal

from gen.music.dice import Dice

Mode = Literal["major", "minor"]

STEPS: dict[Mode, tuple[int, ...]] = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
"""Semitones of the seven degrees above the tonic; the minor is the natural one."""
LEADING_NOTE = 11
"""Semitones of the leading note above the tonic."""
_TONICS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_FIGURES = {"": (0, 3), "6": (1, 3), "64": (2, 3), "7": (0, 4), "65": (1, 4), "43": (2, 4), "42": (3, 4)}


@dataclass(frozen=True, slots=True)
class Key:
    """A key.

    Attributes:
        tonic: pitch class, 0 … 11, 0 is C.
        mode: major or minor.
    """

    tonic: int
    mode: Mode

    @property
    def name(self) -> str:
        """As `names.parse_key` reads it: "F# minor"."""
        return f"{_TONICS[self.tonic]} {self.mode}"

    @property
    def scale(self) -> frozenset[int]:
        """Its pitch classes; minor has its natural seventh and its leading note."""
        steps = {*STEPS[self.mode], LEADING_NOTE}
        return frozenset((self.tonic + step) % 12 for step in steps)


@dataclass(frozen=True, slots=True)
class Chord:
    """What a chord consists of.

    Attributes:
        name: degree and figures.
        members: semitones above the tonic, 0 … 11, of root, third, fifth and seventh, if it has one.
        bass: the member that lies in the bass.
    """

    name: str
    members: tuple[int, ...]
    bass: int

    @property
    def dominant(self) -> bool:
        """Whether its leading note wants to go to the tonic."""
        return re.match(r"V(?!I)|VII(?!n)", self.name) is not None

    def classes(self, key: Key) -> frozenset[int]:
        """Its pitch classes in a key."""
        return frozenset((key.tonic + member) % 12 for member in self.members)


@cache
def chord(name: str, mode: Mode) -> Chord:
    """The chord of a name, such as "II65"."""
    match = re.fullmatch(r"([IV]+)(n?)(\d*)", name)
    assert match, name
    root = _NUMERALS.index(match[1])
    bass, size = _FIGURES[match[3]]
    raised = mode == "minor" and match[1] in ("V", "VII") and not match[2]
    members = (STEPS[mode][(root + 2 * third) % 7] for third in range(size))
    return Chord(name, tuple(LEADING_NOTE if raised and step == 10 else step for step in members), bass)


# Which chords may follow, and how often. A chord may also stay, on a weak beat.
_BOTH = """
    I64:  V 3, V7 3
    II6:  V 5, V7 3, I64 4, V42 2, VII6 1
    II65: V 4, V7 1, I64 3, V42 1
    IV:   V 4, V7 1, I 1, I6 2, II6 2, II65 1, I64 3, VII6 2, V42 2
    V:    I 5, VI 2, I6 2, V42 3, V7 1, IV6 1
    V6:   I 6, V65 2
    V7:   I 6, VI 2
    V65:  I 1
    V43:  I 2, I6 3
    V42:  I6 1
    VII6: I 3, I6 4
"""
_GRAMMAR: dict[Mode, str] = {
    "major": f"""{_BOTH}
    I:    I6 4, II 1, II6 3, II65 2, III 1, IV 4, IV6 2, V 2, V6 3, V43 3, V65 2, VI 3, VII6 3
    I6:   I 1, II6 4, II65 2, IV 6, V 2, V43 1, VII6 2, VI 1
    II:   V 4, V7 2, V6 1, V65 2, V43 1, I64 2, VII6 1, II6 2
    II7:  V 3, V7 1, V43 1
    III:  VI 3, IV 3
    IV6:  V 1, V6 2, V65 2, I6 1, VI 1
    VI:   II 2, II6 3, II65 2, II7 1, IV 4, V 1, III 1, I6 2, IV6 1, V6 1
    """,
    "minor": f"""{_BOTH}
    I:    I6 4, II6 3, II65 2, III 1, IV 4, IV6 2, V 2, V6 3, V43 3, V65 2, VI 3, VII6 3, VIIn 1
    I6:   I 1, II6 4, II65 2, IV 6, V 2, V43 1, VII6 2, VIIn 1
    III:  VI 4, IV 3, I6 1, VIIn 1, II6 1
    IV6:  V 5, I6 1
    VI:   II6 4, II65 3, IV 4, V 1, III 2, I6 2, VIIn 1
    VIIn: III 6, VIIn7 1
    VIIn7: III 1
    """,
}
_STAYING = {"I": 2, "II6": 1, "IV": 2, "V": 1, "VI": 1}

Cadence = Literal["authentic", "half", "deceptive", "plagal", "relative"]
CADENCES: dict[Cadence, tuple[tuple[str, ...], tuple[str]]] = {
    "authentic": (("V", "V7"), ("I",)),
    "half": (("I", "I6", "II", "II6", "II65", "IV", "IV6", "VI"), ("V",)),
    "deceptive": (("V", "V7"), ("VI",)),
    "plagal": (("IV",), ("I",)),
    "relative": (("VIIn", "VIIn7"), ("III",)),
}
"""The last two chords of a phrase. `relative` ends minor phrases in the relative major."""


@cache
def grammar(mode: Mode) -> Mapping[str, Mapping[str, int]]:
    """For each chord the chords that may follow another, and their weights."""
    lines = (line.split(":") for line in _GRAMMAR[mode].strip().split("\n") if line.strip())
    pairs = {head.strip(): (word.split() for word in tail.split(",")) for head, tail in lines}
    return {head: {name: int(weight) for name, weight in following} for head, following in pairs.items()}


def progression(
    dice: Dice, mode: Mode, strong: Sequence[bool], openings: Mapping[str, int], cadence: Cadence
) -> list[str]:
    """Chords for a phrase, drawn from all those that the grammar allows and that end in the cadence.

    A walk through the grammar, conditioned on its end: each step is weighted by what all its continuations weigh.

    Args:
        dice: to draw from.
        mode: of the key.
        strong: for each chord whether it comes on a strong beat.
        openings: weights of the first chord.
        cadence: how the phrase ends.
    """
    allowed: list[tuple[str, ...]] = [tuple(grammar(mode))] * (len(strong) - 2)
    allowed += CADENCES[cadence]
    ahead = [dict.fromkeys(allowed[-1], 1)]
    for names, (_, beat) in zip(allowed[-2::-1], reversed([*pairwise(strong)]), strict=True):
        weights, following = _following(mode, beat), ahead[-1]
        totals = {name: sum(w * following.get(to, 0) for to, w in weights.get(name, ())) for name in names}
        ahead.append({name: total for name, total in totals.items() if total})
    ahead.reverse()
    chords = [dice.weighted({name: weight * ahead[0].get(name, 0) for name, weight in openings.items()})]
    for following, beat in zip(ahead[1:], strong[1:], strict=True):
        weights = _following(mode, beat)
        chords.append(dice.weighted({to: weight * following.get(to, 0) for to, weight in weights[chords[-1]]}))
    return chords


@cache
def _following(mode: Mode, strong: bool) -> dict[str, tuple[tuple[str, int], ...]]:
    """For each chord those that may follow on a strong beat, or on a weak one, and their weights."""
    found = {}
    for name, weights in grammar(mode).items():
        allowed = {to: weight for to, weight in weights.items() if strong or to != "I64"}
        if not strong and name in _STAYING:
            allowed[name] = _STAYING[name]
        found[name] = tuple(allowed.items())
    return found
