"""The bytes of a MIDI file, examined before a parser sees them.

What a parser is handed is written anew: the sound notes, controls, programs and track names of the file, nothing else,
and no more of them than a piece can have. Tempi and time signatures are told apart here, with their order.
"""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gen.errors import MidiError
from gen.music.midi_walk import Walk
from gen.music.score import TEMPO, TIME_SIGNATURE, Columns

MAX_BYTES: Final = 2**25
"""A file that is larger is no piece."""


@dataclass(frozen=True, slots=True)
class Examined:
    """What a file holds.

    Attributes:
        data: a sound MIDI file with its notes, controls, programs and track names.
        resolution: ticks of a beat.
        note_ons: how many notes begin.
        tempi: of dtype `TEMPO`, by time; those of one tick as they come.
        time_signatures: of dtype `TIME_SIGNATURE`, likewise.
        warnings: what was mended or left out.
        damaged: some of it could not be read.
    """

    data: bytes
    resolution: int
    note_ons: int
    tempi: Columns
    time_signatures: Columns
    warnings: tuple[str, ...]
    damaged: bool


def examine(data: bytes, name: str) -> Examined:
    """Walk through a MIDI file.

    Args:
        data: its bytes.
        name: how errors call it.

    Raises:
        MidiError: it is none, or nothing can be told from it, or it holds more than a piece does.
    """
    if len(data) > MAX_BYTES:
        raise MidiError(name, f"larger than {MAX_BYTES // 2**20} MB, which no piece of music is")
    start = data.find(b"MThd", 0, 256)  # some files are wrapped
    if start < 0:
        raise MidiError(name, "not a MIDI file: it " + (f"begins with {data[:12]!r}" if data else "is empty"))
    end = start + 8 + int.from_bytes(data[start + 4 : start + 8], "big")
    if not start + 14 <= end <= len(data):
        raise MidiError(name, "its header is cut off or damaged")
    kind, announced, division = (int.from_bytes(data[at : at + 2], "big") for at in range(start + 8, start + 14, 2))
    if division & 0x8000:
        raise MidiError(name, "it counts SMPTE frames: save it with ticks of a beat")
    if not division:
        raise MidiError(name, "its beats have no ticks (division 0)")
    walk = Walk(data, name)
    walk.chunks(end)
    tracks = len(walk.tracks)
    if not tracks:
        raise MidiError(name, "it has a header and no tracks")
    ticks, note_ons = walk.measure()
    warnings = walk.warnings()
    if kind > 2:
        warnings.append(f"format {kind} is not known: read as format 1")
    elif kind == 2 and tracks > 1:
        warnings.append(f"the {tracks} sequences of format 2 sound at once")
    if announced != tracks:
        warnings.append(f"{announced:,} tracks announced, {tracks:,} found")
    header = b"".join(value.to_bytes(2, "big") for value in (1, tracks, division))
    return Examined(
        b"MThd\x00\x00\x00\x06" + header + b"".join(walk.clean),
        division,
        note_ons,
        _timed(walk.tempi, ticks, TEMPO),
        _timed(walk.time_signatures, ticks, TIME_SIGNATURE),
        tuple(warnings),
        walk.damaged,
    )


def _timed(found: list[tuple[int, ...]], ticks: NDArray[np.int64], dtype: np.dtype[Any]) -> Columns:
    """What was found at marks, with its time, sorted by that."""
    rows = [(int(ticks[mark] - ticks[start]), *values) for start, mark, *values in found]
    return np.array(sorted(rows, key=lambda row: row[0]), dtype)
