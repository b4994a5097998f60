"""`@composer`: pieces by rule, as many as anyone wants, each the same for ever.

A piece is a function of a seed and its number. There are chorales in four parts and inventions in two, in all 24 keys.
What is true of a piece by the way it was made stands beside it, so that whatever measures music can be measured.
"""

from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, get_args

from gen.config import require
from gen.music.chorale import chorale
from gen.music.dice import Dice
from gen.music.harmony import Key, Mode
from gen.music.invention import invention
from gen.music.score import Note, Score, Tempo, TimeSignature
from gen.random import MAX_SEED, permutation

VERSION: Final = 1
"""Of the rules; a piece of another version may be another one."""
RESOLUTION: Final = 24
"""Ticks of a beat in its scores."""
Kind = Literal["chorale", "invention"]

_KEYS: tuple[Key, ...] = tuple(Key(tonic, mode) for mode in get_args(Mode) for tonic in range(12))
_CHORALES = 55  # percent
_TEMPI: dict[Kind, range] = {"chorale": range(60, 101, 4), "invention": range(80, 121, 4)}


@dataclass(frozen=True, eq=False, slots=True, kw_only=True)
class Composition:
    """A piece, and what is known of it by construction.

    Attributes:
        number: which it is.
        score: the piece, at `RESOLUTION`. In every bar something sounds throughout. A chorale has four notes at every
            moment, on tracks 0 … 3; an invention one or two, on tracks 0 and 1.
        kind: "chorale" or "invention".
        key: every note is of its `scale`, and the last chord is its tonic's.
        time_signature: over and under the line.
        bpm: beats (quarter notes) a minute, throughout.
        bars: how many; they fill the score exactly.
        phrases: the ticks at which the phrases of a chorale begin, () for an invention.
        harmony: the tick at which each chord begins, and its pitch classes.
    """

    number: int
    score: Score
    kind: Kind
    key: Key
    time_signature: tuple[int, int]
    bpm: int
    bars: int
    phrases: tuple[int, ...]
    harmony: tuple[tuple[int, frozenset[int]], ...]

    @property
    def title(self) -> str:
        """What it is called: "chorale 7 in F# minor"."""
        return f"{self.kind} {self.number} in {self.key.name}"


def compose(number: int, seed: int = 0) -> Score:
    """Piece `number` of the composer under a seed, on the grid of beats.

    Raises:
        ConfigError: the number is below 0, or the seed outside 0 … 2^63 - 1.
    """
    return composition(number, seed).score


def composition(number: int, seed: int = 0) -> Composition:
    """The same piece as `compose`, with what is known of it.

    Every run of 24 pieces, from a multiple of 24 on, has each key once.

    Raises:
        ConfigError: the number is below 0, or the seed outside 0 … 2^63 - 1.
    """
    require(number >= 0, "number", number, "0 or more")
    require(0 <= seed <= MAX_SEED, "seed", seed, "0 … 2^63 - 1")
    dice = Dice(seed, "composer", VERSION, number)
    block, place = divmod(number, len(_KEYS))
    key = _KEYS[permutation(seed, "composer", VERSION, "keys", block, size=len(_KEYS))[place]]
    kind: Kind = "chorale" if dice.chance(_CHORALES) else "invention"
    bpm = dice.one_of(_TEMPI[kind])
    notes: list[Note]
    phrases: list[int] = []
    if kind == "chorale":
        sung = chorale(dice, key)
        signature, bars, notes, harmony, phrases = (sung.beats, 4), sung.bars, sung.notes, sung.harmony, sung.phrases
    else:
        played = invention(dice, key)
        signature, bars, notes, harmony = played.signature, played.bars, played.notes, played.harmony
    score = Score.of(RESOLUTION, chain([Tempo(0, round(60e6 / bpm)), TimeSignature(0, *signature)], notes))
    return Composition(
        number=number,
        score=score,
        kind=kind,
        key=key,
        time_signature=signature,
        bpm=bpm,
        bars=bars,
        phrases=tuple(phrases),
        harmony=tuple(harmony),
    )
