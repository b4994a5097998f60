"""The notation of `corpora/tunes`: a melody in figures, and chords in numerals, beat by beat.

    title: Frère Jacques
    origin: France, before 1780
    key: F major
    metre: 4/4
    tempo: 104
    melody: recorder
    chords: piano, march
    form: A A B B

    A:
    1 2 3 1   | 3 4 5 -
    I V7 I -  | I
    B:
    56 54 3 1 | 1 5, 1 -
    I         | I V I -

A figure is a degree of the scale: 1 is the tonic in the octave from middle C on, `'` after it is an octave higher,
`,` an octave lower, `#` and `b` before it a semitone. 0 rests, - holds on. The signs between two spaces share one beat
equally: 12 is two eighths, 1--2 a dotted eighth and a sixteenth. In 6/8 a beat has three eighths: 1-2. Chords share
their bar equally, or there is one a beat. A piece may begin with part of a bar, and then end with the rest
of it; so may a section, where it meets the one before.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from gen.errors import CorpusError

MODES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
}
"""Semitones of the degrees above the tonic, by the mode's name."""
FIELDS = ("title", "origin", "key", "metre", "tempo", "melody", "chords", "form")
_TONICS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NUMERALS = ("I", "II", "III", "IV", "V", "VI", "VII")
_SIGN = re.compile(r"([#b]?)([1-7])([',]*)|([0-])")
_CHORD = re.compile(r"([#b]?)([IV]+|[iv]+)(7?)")
_FIELD = re.compile(r"([a-z]+): *(.+)")
_SECTION = re.compile(r"([A-Z]):")
_MIDDLE_C = 60


@dataclass(frozen=True, slots=True)
class Sounding:
    """A note of the melody.

    Attributes:
        start: in beats from the beginning of the first bar, whole or not.
        length: in beats.
        pitch: 0 … 127.
    """

    start: Fraction
    length: Fraction
    pitch: int


@dataclass(frozen=True, slots=True)
class Written:
    """A tune as it is written, its sections in order.

    Attributes:
        fields: what stands above the notes.
        tonic: pitch class.
        mode: one of `MODES`.
        metre: over and under the line.
        beats: in a bar; three eighths are one in 6/8.
        bars: how many.
        melody: its notes.
        chords: of every beat of every bar, pitch classes of root, third, fifth and, maybe, seventh.
        source: the text.
    """

    fields: dict[str, str]
    tonic: int
    mode: str
    metre: tuple[int, int]
    beats: int
    bars: int
    melody: list[Sounding]
    chords: list[tuple[int, ...]]
    source: str


@dataclass(frozen=True, slots=True)
class _Bar:
    """Part of a tune: a bar, or what there is of it. One entry a beat."""

    name: str
    signs: list[list[str]]
    chords: list[str]


def read_tunes(text: str, name: str) -> list[Written]:
    """The tunes of a file; each begins with its title.

    Args:
        text: of the file.
        name: of the file, for messages.

    Raises:
        CorpusError: something is not written as it should be; names file, tune and bar.
    """
    blocks = re.split(r"^(?=title:)", "\n".join(_lines(text)), flags=re.MULTILINE)
    return [_Reader(name, block).read() for block in blocks if block.strip()]


def _lines(text: str) -> Iterator[str]:
    for line in text.splitlines():
        kept = line.rstrip()
        if not kept.startswith("//"):
            yield kept


class _Reader:
    """Reads one tune."""

    def __init__(self, file: str, source: str) -> None:
        self._source = source.strip() + "\n"
        self._place = file

    def read(self) -> Written:
        lines = [line for line in self._source.splitlines() if line]
        fields = {}
        while lines and (match := _FIELD.fullmatch(lines[0])):
            fields[match[1]] = match[2]
            lines.pop(0)
        self._place += f": {fields.get('title', 'tune without title')}"
        self._require(set(FIELDS[:-1]) <= set(fields) <= set(FIELDS), f"needs the fields {', '.join(FIELDS[:-1])}")
        tonic, mode = self._key(fields["key"])
        over, under = self._metre(fields["metre"])
        beats = over // 3 if under == 8 else over
        sections = self._sections(lines)
        form = fields.get("form", " ".join(sections)).split()
        self._require(set(form) == set(sections), f"has sections {' '.join(sections)}, and the form {' '.join(form)}")
        bars = self._joined([sections[letter] for letter in form], beats)
        melody = self._melody(bars, beats, tonic, MODES[mode])
        chords = [self._chord(bar, chord, tonic, MODES[mode]) for bar in bars for chord in bar.chords]
        return Written(fields, tonic, mode, (over, under), beats, len(bars), melody, chords, self._source)

    def _require(self, condition: bool, found: str) -> None:
        if not condition:
            raise CorpusError(f"{self._place}: {found}")

    def _key(self, text: str) -> tuple[int, str]:
        match = re.fullmatch(r"([A-G])([#b]?) (\w+)", text)
        self._require(match is not None and match[3] in MODES, f"key {text!r} is none, such as 'Bb major'")
        assert match
        return (_TONICS[match[1]] + _shift(match[2])) % 12, match[3]

    def _metre(self, text: str) -> tuple[int, int]:
        match = re.fullmatch(r"([2-4])/(4)|(6|9|12)/(8)", text)
        self._require(match is not None, f"metre {text!r} is none of 2/4, 3/4, 4/4, 6/8, 9/8, 12/8")
        assert match
        over, under = (part for part in match.groups() if part)
        return int(over), int(under)

    # -- sections and bars ---------------------------------------------------------------------------------------------

    def _sections(self, lines: list[str]) -> dict[str, list[_Bar]]:
        sections: dict[str, list[_Bar]] = {}
        letter = "A"
        rows: list[str] = []
        for line in [*lines, "A:"]:
            heading = _SECTION.fullmatch(line)
            if not heading:
                rows.append(line)
                continue
            if rows:
                self._require(len(rows) % 2 == 0, f"section {letter} has a line of notes without one of chords")
                self._require(letter not in sections, f"has two sections {letter}")
                sections[letter] = []
                for notes, chords in zip(rows[::2], rows[1::2], strict=True):
                    sections[letter] += self._bars(letter, len(sections[letter]), notes, chords)
            letter, rows = heading[1], []
        return sections

    def _bars(self, letter: str, before: int, notes: str, chords: str) -> Iterator[_Bar]:
        melody, harmony = (line.strip().strip("|").split("|") for line in (notes, chords))
        place = f"section {letter}, bars {before + 1} …"
        self._require(len(melody) == len(harmony), f"{place}: {len(melody)} bars of notes, {len(harmony)} of chords")
        for number, (signs, names) in enumerate(zip(melody, harmony, strict=True), before + 1):
            name = f"section {letter}, bar {number}"
            groups = [self._group(name, word) for word in signs.split()]
            yield _Bar(name, groups, self._spread(name, names.split(), len(groups)))

    def _group(self, name: str, word: str) -> list[str]:
        signs = [match[0] for match in _SIGN.finditer(word)]
        self._require("".join(signs) == word, f"{name}: {word!r} is no beat of figures 1 … 7, 0 and -")
        self._require(
            len(signs) in (1, 2, 3, 4, 6, 8), f"{name}: {word!r} has {len(signs)} signs: a beat has no such parts"
        )
        return signs

    def _spread(self, name: str, chords: list[str], beats: int) -> list[str]:
        """One chord for each beat."""
        self._require(
            0 < len(chords) <= beats and beats % len(chords) == 0,
            f"{name}: {len(chords)} chords do not share its {beats} beats",
        )
        spread: list[str] = []
        for chord in chords:
            self._require(chord != "-" or bool(spread), f"{name}: begins with a chord that holds on")
            spread += [spread[-1] if chord == "-" else chord] * (beats // len(chords))
        return spread

    def _joined(self, sections: list[list[_Bar]], beats: int) -> list[_Bar]:
        """The bars of all sections; where a section ends with part of a bar, the next begins with the rest."""
        bars: list[_Bar] = []
        for first, *rest in sections:
            if bars and len(bars[-1].signs) < beats:
                last = bars.pop()
                first = _Bar(f"{last.name} with {first.name}", last.signs + first.signs, last.chords + first.chords)
            bars += [first, *rest]
        pickup, left = (beats - len(bars[at].signs) for at in (0, -1))
        for bar in bars[1:-1]:
            self._require(len(bar.signs) == beats, f"{bar.name}: {len(bar.signs)} beats, not {beats}")
        self._require(len(bars) > 1 and pickup >= 0, "needs more than one bar, and the first no longer than the others")
        self._require(
            left in (0, (beats - pickup) % beats),
            f"{bars[-1].name}: {beats - left} beats, not {beats} or what the first bar leaves",
        )
        first, last = bars[0], bars[-1]
        bars[0] = _Bar(first.name, [["0"]] * pickup + first.signs, first.chords[:1] * pickup + first.chords)
        bars[-1] = _Bar(last.name, last.signs + [["0"]] * left, last.chords + last.chords[-1:] * left)
        return bars

    # -- notes and chords ----------------------------------------------------------------------------------------------

    def _melody(self, bars: list[_Bar], beats: int, tonic: int, steps: tuple[int, ...]) -> list[Sounding]:
        notes: list[Sounding] = []
        sounds = False
        for number, bar in enumerate(bars):
            for place, signs in enumerate(bar.signs):
                length = Fraction(1, len(signs))
                for part, sign in enumerate(signs):
                    start = number * beats + place + part * length
                    if sign == "-":
                        self._require(bool(notes) or start > 0, f"{bar.name}: nothing to hold on")
                        if sounds:
                            notes[-1] = Sounding(notes[-1].start, notes[-1].length + length, notes[-1].pitch)
                        continue
                    sounds = sign != "0"
                    if sounds:
                        notes.append(Sounding(start, length, _pitch(sign, tonic, steps)))
        return notes

    def _chord(self, bar: _Bar, name: str, tonic: int, steps: tuple[int, ...]) -> tuple[int, ...]:
        match = _CHORD.fullmatch(name)
        self._require(match is not None and match[2].upper() in _NUMERALS, f"{bar.name}: {name!r} is no chord")
        assert match
        root = tonic + steps[_NUMERALS.index(match[2].upper())] + _shift(match[1])
        third = 4 if match[2].isupper() else 3
        members = (0, third, 7, 10) if match[3] else (0, third, 7)
        return tuple((root + member) % 12 for member in members)


def _pitch(sign: str, tonic: int, steps: tuple[int, ...]) -> int:
    match = _SIGN.fullmatch(sign)
    assert match
    octaves = match[3].count("'") - match[3].count(",")
    return _MIDDLE_C + tonic + steps[int(match[2]) - 1] + _shift(match[1]) + 12 * octaves


def _shift(accidental: str) -> int:
    return {"": 0, "#": 1, "b": -1}[accidental]
