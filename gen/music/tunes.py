"""`@tunes`: traditional melodies, written down for gen, each set for a melody instrument and one that plays chords."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Final

from gen.errors import ConfigError, CorpusError
from gen.music.harmony import LEADING_NOTE
from gen.music.names import parse_instrument
from gen.music.notation import MODES, Written, read_tunes
from gen.music.score import Note, Score, Tempo, TimeSignature

RESOLUTION: Final = 24
"""Ticks of a beat (a quarter note) in their scores."""
STYLES: Final = ("march", "broken", "held")
"""How chords are played: bass and chord by turns, one note after another, or all at once for as long as they last."""

_GEN = Path(__file__).resolve().parents[1]
_VELOCITIES = (88, 62)  # of the melody, and of the chords
_BASS = 40  # lowest pitch of a bass note; the octave from there on is the bass's, and the next the chord's
_CHORD = 52


@dataclass(frozen=True, eq=False, slots=True)
class Tune:
    """A traditional tune.

    Attributes:
        title: what it is called.
        origin: where it comes from, and when.
        key: tonic and mode: "D dorian".
        scale: the pitch classes of that mode; in minor both sevenths.
        metre: over and under the line.
        bars: how many; the first may begin with rests, and the last end with them.
        score: its melody on track 0, its chords on track 1.
        source: the text that it is written in.
    """

    title: str
    origin: str
    key: str
    scale: frozenset[int]
    metre: tuple[int, int]
    bars: int
    score: Score
    source: str


def tunes() -> list[Tune]:
    """All tunes, by title."""
    return list(_all())


@cache
def _all() -> tuple[Tune, ...]:
    packaged = _GEN / "_corpora"
    folder = (packaged if packaged.is_dir() else _GEN.parent / "corpora") / "tunes"  # a wheel's; a checkout's
    found = [tune for path in sorted(folder.glob("*.txt")) for tune in parse(path.read_text("utf-8"), path.name)]
    return tuple(sorted(found, key=lambda tune: tune.title))


def parse(text: str, name: str) -> list[Tune]:
    """The tunes of a file in the notation that `gen.music.notation` describes.

    Args:
        text: of the file.
        name: of the file, for messages.

    Raises:
        CorpusError: something is not written as it should be; names file, tune and bar.
    """
    return [_tune(written, name) for written in read_tunes(text, name)]


def _tune(written: Written, name: str) -> Tune:
    fields = written.fields
    place = f"{name}: {fields['title']}"
    instrument, _, style = fields["chords"].partition(", ")
    if style not in STYLES or not fields["tempo"].isdecimal() or not 30 <= int(fields["tempo"]) <= 240:
        raise CorpusError(
            f"{place}: needs a tempo of 30 … 240 and chords such as 'piano, {'|'.join(STYLES)}'; "
            f"it has {fields['tempo']!r} and {fields['chords']!r}"
        )
    programs = [_program(place, text) for text in (fields["melody"], instrument)]
    beat = RESOLUTION * 3 // 2 if written.metre[1] == 8 else RESOLUTION
    # the tempo counts the beats that are heard, a score's counts quarters
    tempo = Tempo(0, round(60e6 / int(fields["tempo"]) * RESOLUTION / beat))
    steps = {*MODES[written.mode], *([LEADING_NOTE] if written.mode == "minor" else [])}
    melody = [
        Note(int(n.start * beat), int(n.length * beat), n.pitch, _VELOCITIES[0], 0, programs[0]) for n in written.melody
    ]
    chords = [
        Note(start, length, pitch, _VELOCITIES[1], 1, programs[1])
        for start, length, pitch in _accompaniment(written, style, beat)
    ]
    return Tune(
        title=fields["title"],
        origin=fields["origin"],
        key=fields["key"],
        scale=frozenset((written.tonic + step) % 12 for step in steps),
        metre=written.metre,
        bars=written.bars,
        score=Score.of(RESOLUTION, [tempo, TimeSignature(0, *written.metre), *melody, *chords]),
        source=written.source,
    )


def _program(place: str, instrument: str) -> int:
    try:
        program = parse_instrument(instrument)
    except ConfigError as error:
        raise CorpusError(f"{place}: {error}") from error
    if program is None:
        raise CorpusError(f"{place}: drums play neither melody nor chords: name another instrument")
    return program


def _accompaniment(written: Written, style: str, beat: int) -> Iterator[tuple[int, int, int]]:
    """Start, length and pitch of the notes that accompany a tune; its last bar is one chord."""
    for number in range(written.bars):
        chords = written.chords[number * written.beats : (number + 1) * written.beats]
        place = 0
        for chord, same in groupby(chords):
            span = len([*same])
            start = (number * written.beats + place) * beat
            if style == "held" or number == written.bars - 1:
                yield from ((start, span * beat, pitch) for pitch in (_bass(chord[0]), *_close(chord)))
            elif style == "broken":
                yield from _broken(chord, start, span, beat)
            else:
                yield from _march(chord, start, span, beat)
            place += span


def _march(classes: tuple[int, ...], start: int, span: int, beat: int) -> Iterator[tuple[int, int, int]]:
    """Bass and chord by turns; of three beats one has the bass, of four two, the second time on the fifth."""
    root, fifth, chord = _bass(classes[0]), _bass(classes[2]), _close(classes)
    if beat > RESOLUTION:  # three eighths: a long one and a short
        for place in range(span):
            at = start + place * beat
            yield at, RESOLUTION, fifth if place % 2 else root
            yield from ((at + RESOLUTION, beat - RESOLUTION, pitch) for pitch in chord)
    elif span == 1:
        yield from ((start, beat, pitch) for pitch in (root, *chord))
    else:
        for place in range(span):
            at = start + place * beat
            if place == 0 or (place == 2 and span == 4):
                yield at, beat, fifth if place else root
            else:
                yield from ((at, beat, pitch) for pitch in chord)


def _broken(classes: tuple[int, ...], start: int, span: int, beat: int) -> Iterator[tuple[int, int, int]]:
    """In eighths: the bass, then the chord up and down."""
    eighth = RESOLUTION // 2
    low, middle, high = _close(classes)
    for place in range(span * beat // eighth):
        pitch = _bass(classes[0]) if place == 0 else (low, middle, high, middle)[(place - 1) % 4]
        yield start + place * eighth, eighth, pitch


def _bass(pitch_class: int) -> int:
    return _BASS + (pitch_class - _BASS) % 12


def _close(classes: tuple[int, ...]) -> list[int]:
    """Three notes of a chord within an octave; of a seventh chord the fifth stays away."""
    three = classes if len(classes) == 3 else (classes[0], classes[1], classes[3])
    return sorted(_CHORD + (pitch_class - _CHORD) % 12 for pitch_class in three)
