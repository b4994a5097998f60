"""Two voices put together from blocks: each line in the octave where it joins best, and no rule broken at the joints.

A block's inside is the same wherever its octaves lie, so it is checked once for every degree that it is moved to.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, product
from typing import Final

from gen.music.counterpoint import Line, Tone, moved
from gen.music.harmony import LEADING_NOTE, STEPS, Key
from gen.music.score import Note
from gen.music.voice_leading import augmented_second

SIXTEENTH: Final = 6
"""Ticks of the shortest note."""
RANGES: Final = ((57, 86), (36, 64))
"""Lowest and highest pitch of the upper and the lower voice."""
_CENTRES = (72, 51)
_LEAP = 12  # semitones from one note of a voice to its next, at most
_APART = 3  # semitones between the voices, at least
_VELOCITIES = (84, 72)  # of the voice that leads, and of the other


@dataclass(frozen=True, slots=True)
class Block:
    """Two lines that sound together.

    Attributes:
        lead: the one that is listened to.
        other: the one against it; None where that voice rests.
        length: in sixteenths.
    """

    lead: Line
    other: Line | None
    length: int


@dataclass(frozen=True, slots=True)
class _Laid:
    """A block on a degree of the scale, in the lowest octave there is: for each voice its tones and their pitches."""

    tones: tuple[Line, Line]
    pitches: tuple[list[int], list[int]]
    slices: list[tuple[int | None, int | None]]
    gap: int


class Sheet:
    """The two voices of a piece as they grow.

    Attributes:
        length: in sixteenths.
    """

    def __init__(self, key: Key) -> None:
        self._key = key
        self._tones: tuple[list[Tone], list[Tone]] = ([], [])
        self._pitches: tuple[list[int], list[int]] = ([], [])
        self._velocities: tuple[list[int], list[int]] = ([], [])
        self._last: tuple[int | None, int | None] = (None, None)
        self._known: dict[tuple[Block, int, int], _Laid | None] = {}
        self.length = 0

    def add(self, block: Block, places: Sequence[int], leader: int) -> bool:
        """Append a block, if it can be joined to what there is.

        Args:
            block: the two lines.
            places: the degrees of the scale that it may be moved to, the dearest first.
            leader: the voice that takes its leading line: 0 the upper, 1 the lower.

        Returns:
            whether it was appended.
        """
        for steps in places:
            known = block, steps, leader
            if known not in self._known:
                self._known[known] = self._laid(block, steps, leader)
            laid = self._known[known]
            if laid is not None and self._join(laid, leader):
                self.length += block.length
                return True
        return False

    def end(self, bar: int) -> bool:
        """Append the last chord, a bar of the tonic; says whether the leading note stands before it."""
        upper, lower = (tones[-1].degree % 7 for tones in self._tones)
        final = Block((Tone(0, bar, 7, 0),), (Tone(0, bar, 0, 0),), bar)
        return upper == 6 and lower == 4 and self.add(final, [0], 0)

    def notes(self, program: int) -> list[Note]:
        """All of it as notes: the upper voice is track 0, the lower track 1."""
        return [
            Note(SIXTEENTH * tone.start, SIXTEENTH * tone.length, pitch, velocity, voice, program)
            for voice in range(2)
            for tone, pitch, velocity in zip(
                self._tones[voice], self._pitches[voice], self._velocities[voice], strict=True
            )
        ]

    def harmony(self) -> list[tuple[int, frozenset[int]]]:
        """When each chord begins, in ticks, and its pitch classes; a dominant in minor has both sevenths."""
        roots = {tone.start: tone.root for tones in self._tones for tone in tones}
        changes = [(None, None), *sorted(roots.items())]
        return [
            (SIXTEENTH * start, self._triad(root))
            for (_, before), (start, root) in pairwise(changes)
            if root != before and root is not None and start is not None
        ]

    def _triad(self, root: int) -> frozenset[int]:
        members = {STEPS[self._key.mode][(root + third) % 7] for third in (0, 2, 4)}
        if root == 4:
            members.add(LEADING_NOTE)
        return frozenset((self._key.tonic + member) % 12 for member in members)

    # -- the inside of a block -----------------------------------------------------------------------------------------

    def _laid(self, block: Block, steps: int, leader: int) -> _Laid | None:
        """A block moved to a degree, or None where that breaks a rule inside it."""
        lead, other = (tuple(moved(line, steps)) for line in (block.lead, block.other or ()))
        tones = (lead, other) if leader == 0 else (other, lead)
        return self._checked(tones, block.length, True) or self._checked(tones, block.length, False)

    def _checked(self, tones: tuple[Line, Line], length: int, raised: bool) -> _Laid | None:
        pitches = self._spelled(tones[0], raised), self._spelled(tones[1], raised)
        for line in pitches:
            if any(abs(b - a) > _LEAP or self._augmented(a, b) for a, b in pairwise(line)):
                return None
        upper, lower = (_sounding(line, row, length) for line, row in zip(tones, pitches, strict=True))
        slices = [*zip(upper, lower, strict=True)]
        if any(_parallel(a, b) or self._mixed(b) for a, b in pairwise([(None, None), *slices])):
            return None
        gap = min((high - low for high, low in slices if high is not None and low is not None), default=0)
        return _Laid(tones, pitches, slices, gap)

    def _spelled(self, line: Line, raised: bool) -> list[int]:
        """Its pitches; raised, the seventh of minor is the leading note over a dominant, but not beside the sixth."""
        steps = STEPS[self._key.mode]
        pitches = [self._key.tonic + 12 * (tone.degree // 7) + steps[tone.degree % 7] for tone in line]
        if self._key.mode == "minor" and raised:
            for i, tone in enumerate(line):
                beside = {other.degree - tone.degree for other in line[max(0, i - 1) : i + 2]}
                if tone.degree % 7 == 6 and tone.root == 4 and -1 not in beside:
                    pitches[i] += 1
        return pitches

    def _augmented(self, first: int, then: int) -> bool:
        return augmented_second(self._key.mode, first - self._key.tonic, then - self._key.tonic)

    def _mixed(self, sounding: tuple[int | None, int | None]) -> bool:
        """Whether both sevenths of a minor key sound at once."""
        if self._key.mode == "major":
            return False
        return {(pitch - self._key.tonic) % 12 for pitch in sounding if pitch is not None} == {10, LEADING_NOTE}

    # -- joints --------------------------------------------------------------------------------------------------------

    def _join(self, laid: _Laid, leader: int) -> bool:
        """Append it in the best octaves that break no rule, if there are any."""
        ranked = [self._octaves(voice, laid.pitches[voice]) for voice in range(2)]
        options = [(a + b, up, down) for (a, up), (b, down) in product(*ranked)]
        for _, up, down in sorted(options):
            first = _shifted(laid.slices[0], up, down)
            both = None not in first
            if both and laid.gap + 12 * (up - down) < _APART:
                continue
            if _parallel(self._last, first) or any(
                before is not None and then is not None and self._augmented(before, then)
                for before, then in zip(self._last, first, strict=True)
            ):
                continue
            for voice, octave in enumerate((up, down)):
                tones = laid.tones[voice]
                self._tones[voice].extend(Tone(self.length + start, *rest) for start, *rest in tones)
                self._pitches[voice].extend(pitch + 12 * octave for pitch in laid.pitches[voice])
                self._velocities[voice].extend([_VELOCITIES[voice != leader]] * len(tones))
            self._last = _shifted(laid.slices[-1], up, down)
            return True
        return False

    def _octaves(self, voice: int, pitches: list[int]) -> list[tuple[int, int]]:
        """The octaves in which a line stays in its voice's range, each with its price: leaps, and lying high or low."""
        if not pitches:
            return [(0, 0)]
        low, high = RANGES[voice]
        found = []
        for octave in range((low - min(pitches) + 11) // 12, (high - max(pitches)) // 12 + 1):
            before = self._pitches[voice][-1] if self._pitches[voice] else pitches[0] + 12 * octave
            leap = abs(pitches[0] + 12 * octave - before)
            if leap <= _LEAP:
                off = abs(sum(pitches) // len(pitches) + 12 * octave - _CENTRES[voice])
                found.append((3 * leap + 2 * off, octave))
        return found


def _sounding(line: Line, pitches: list[int], length: int) -> list[int | None]:
    """The pitch in each sixteenth."""
    sounding: list[int | None] = [None] * length
    for tone, pitch in zip(line, pitches, strict=True):
        sounding[tone.start : tone.start + tone.length] = [pitch] * tone.length
    return sounding


def _shifted(sounding: tuple[int | None, int | None], up: int, down: int) -> tuple[int | None, int | None]:
    upper, lower = sounding
    return None if upper is None else upper + 12 * up, None if lower is None else lower + 12 * down


def _parallel(first: tuple[int | None, int | None], then: tuple[int | None, int | None]) -> bool:
    """Whether both voices move, from one fifth or octave into another."""
    (a, b), (c, d) = first, then
    if a is None or b is None or c is None or d is None or a == c or b == d:
        return False
    return (a - b) % 12 == (c - d) % 12 and (c - d) % 12 in (0, 7)
