"""MIDI files in: a `Score`, whatever state they are in, or one typed error.

`midi_check` goes through the bytes first; symusic parses what is sound of them. Its columns become those of the score:
a melodic track of the score is one program on one channel of one MIDI track, in the file's order, and has notes.

A hit of the drums lasts one tick, since its length says nothing; the writer gives it one that can be seen.
"""

import os
import stat
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import symusic
from numpy.typing import NDArray

from gen.errors import MidiError
from gen.music.midi_check import MAX_BYTES, examine
from gen.music.midi_walk import counted
from gen.music.pedals import SUSTAIN, pedal_changes
from gen.music.score import (
    DEFAULT_TEMPO,
    DEFAULT_TIME_SIGNATURE,
    MAX_TICK,
    NOTE,
    PEDAL,
    TIME_SIGNATURE,
    TRACKS,
    Columns,
    Score,
)

MAX_SECONDS: Final = 6 * 3600
"""A piece that is longer is none."""


@dataclass(frozen=True, slots=True)
class Reading:
    """A MIDI file that was read.

    Attributes:
        score: what it holds; it may have no notes.
        warnings: what was mended or left out, each in a few words.
        track_names: by track of the score; "" where the file has none.
    """

    score: Score
    warnings: tuple[str, ...]
    track_names: tuple[str, ...]


def read_midi(source: str | os.PathLike[str] | bytes, *, name: str | None = None) -> Reading:
    """Read a MIDI file.

    Args:
        source: its path, or its bytes.
        name: how errors call it; its path, or "MIDI data", by default.

    Raises:
        MidiError: it cannot be read, is no MIDI file, nothing can be told from it, or it is absurd: longer than six
            hours, larger than 32 MB, with more than a million events.
    """
    if isinstance(source, bytes):
        name = name or "MIDI data"
        data = source
    else:
        path = os.fspath(source)
        name = name or path
        data = _load(path, name)
    examined = examine(data, name)
    tracks = _Tracks(_parsed(examined.data, name))
    warnings = [*examined.warnings, *tracks.warnings]
    unended = examined.note_ons - len(tracks.notes)
    if unended:
        warnings.append(f"{counted(unended, 'note')} never ended: left out")
    if examined.damaged and not len(tracks.notes):
        raise MidiError(name, f"no notes can be read from it ({warnings[0]})")
    signatures = _time_signatures(examined.time_signatures, examined.resolution)
    score = Score(examined.resolution, tracks.notes, tracks.pedals, _tempi(examined.tempi), signatures)
    if score.seconds_long > MAX_SECONDS:
        hours = score.seconds_long / 3600
        raise MidiError(name, f"it lasts {hours:,.1f} hours; no piece of music is longer than {MAX_SECONDS // 3600}")
    return Reading(score, tuple(warnings), tracks.names)


def _load(path: str, name: str) -> bytes:
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise MidiError(name, "it is not a file")
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:  # a path may hold a NUL
        raise MidiError(name, f"it cannot be read ({getattr(error, 'strerror', None) or error})") from error


def _parsed(data: bytes, name: str) -> Any:
    try:
        return symusic.Score.from_midi(data)
    except Exception as error:  # of a parser in C++, which may raise anything
        raise MidiError(name, f"it cannot be parsed ({error})") from error


class _Tracks:
    """The columns of a parsed file.

    Attributes:
        notes: of dtype `NOTE`.
        pedals: of dtype `PEDAL`.
        names: by melodic track.
        warnings: what was mended.
    """

    def __init__(self, parsed: Any) -> None:
        found = [track for track in parsed.tracks if len(track.notes)]
        melodic = [track for track in found if not track.is_drum]
        drums = [track for track in found if track.is_drum]
        numbers = _numbers([track.program for track in melodic])
        self.names = tuple(track.name for track in melodic[:TRACKS])
        self.warnings: list[str] = []
        if len(melodic) > TRACKS:
            self.warnings.append(f"{len(melodic)} tracks: those beyond the {TRACKS}th joined others")
        hits = _notes(drums, [0] * len(drums))
        hits["program"], hits["duration"], hits["drum"] = 0, 1, True
        tones = _notes(melodic, numbers)
        np.maximum(tones["duration"], 1, out=tones["duration"])
        self.notes = np.concatenate([tones, hits])
        ends = np.zeros(TRACKS, np.int64)
        np.maximum.at(ends, tones["track"], np.minimum(tones["start"] + tones["duration"], MAX_TICK))
        pedals = [np.empty(0, PEDAL)]
        for number, end in enumerate(ends[: len(self.names)].tolist()):
            own = [track for track, other in zip(melodic, numbers, strict=True) if other == number]
            pedals.append(pedal_changes([_sustain(track) for track in own if len(track.controls)], number, end))
        self.pedals = np.concatenate(pedals)


def _numbers(programs: list[int]) -> list[int]:
    """Which track of the score each melodic track becomes."""
    first = programs[:TRACKS]
    others = [first.index(program) if program in first else TRACKS - 1 for program in programs[TRACKS:]]
    return [*range(len(first)), *others]


def _notes(tracks: list[Any], numbers: list[int]) -> Columns:
    lengths = [len(track.notes) for track in tracks]
    notes = np.zeros(sum(lengths), NOTE)
    columns = [track.notes.numpy() for track in tracks]
    if columns:
        notes["start"] = np.concatenate([column["time"] for column in columns])
        for name in ("duration", "pitch", "velocity"):
            notes[name] = np.concatenate([column[name] for column in columns])
        notes["track"] = np.repeat(numbers, lengths)
        notes["program"] = np.repeat([track.program for track in tracks], lengths)
    return notes


def _sustain(track: Any) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """The movements of a track's pedal: times, and whether it goes down."""
    columns = track.controls.numpy()
    own = columns["number"] == SUSTAIN
    return columns["time"][own], columns["value"][own] >= SUSTAIN


def _tempi(tempi: Columns) -> Columns:
    """Of those in one tick the last; of equal ones that follow one another the first."""
    tempi = tempi[np.diff(tempi["time"], append=-1) != 0]
    changes = np.diff(tempi["microseconds"], prepend=DEFAULT_TEMPO) != 0
    kept: Columns = tempi[changes | (tempi["time"] == 0)]
    return kept


def _time_signatures(signatures: Columns, resolution: int) -> Columns:
    """Of those in one tick the last; of equal ones that follow one another the first, and those that move bars."""
    kept: list[tuple[int, ...]] = []
    since, running = 0, DEFAULT_TIME_SIGNATURE
    for time, *signature in signatures[np.diff(signatures["time"], append=-1) != 0].tolist():
        bar = max(1, resolution * 4 * running[0] // running[1])
        if time == 0 or tuple(signature) != running or (time - since) % bar:
            kept.append((time, *signature))
            since, running = time, tuple(signature)
    return np.array(kept, TIME_SIGNATURE)
