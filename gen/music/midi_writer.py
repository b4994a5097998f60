"""Scores out: standard MIDI files that every reader understands alike, whatever the score.

The ticks of a file are those of its score, so nothing is rounded. Its first track holds tempi and time signatures, and
says what they are at the beginning. Each part, a program of a track, has a track and a channel of its own; the drums
have channel 10. In a part no two notes of one pitch sound at once: of those that begin together the longest and the
loudest make one, and a note ends where the next of its pitch begins. Each ends, and a pedal that stays down comes up.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import mido
import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError
from gen.music.names import DRUMS, INSTRUMENTS
from gen.music.pedals import SUSTAIN, pedal_changes
from gen.music.score import DEFAULT_TEMPO, DEFAULT_TIME_SIGNATURE, MAX_TICK, Columns, Score
from gen.storage import atomic_write

if TYPE_CHECKING:
    import pretty_midi

_DRUM_CHANNEL = 9
_CHANNELS = tuple(channel for channel in range(16) if channel != _DRUM_CHANNEL)
_LONGEST_DELTA = 0x0FFFFFFF  # ticks that four bytes can say
_HITS_PER_BEAT = 4  # a hit is written as a sixteenth note
_FAMILY = 8  # programs of General MIDI that are instruments of one kind
_OFF, _PEDAL, _ON = range(3)  # in the order of one tick
_Event = tuple[int, Any]  # its tick, and mido's message


@dataclass(frozen=True, slots=True)
class Written:
    """A MIDI file that was written.

    Attributes:
        data: its bytes.
        warnings: what the file could not hold as it was, each in a few words.
    """

    data: bytes
    warnings: tuple[str, ...]


def midi_bytes(score: Score) -> Written:
    """The MIDI file of a score: the same bytes for the same score."""
    parts, warnings = _parts(score)
    file = mido.MidiFile(type=1, ticks_per_beat=score.resolution)
    file.tracks.extend(_track(events) for events in (_conductor(score), *parts))
    buffer = io.BytesIO()
    file.save(file=buffer)
    return Written(buffer.getvalue(), warnings)


def write_midi(score: Score, path: Path) -> tuple[str, ...]:
    """Write a score to a file; returns what the file could not hold as it was.

    Raises:
        StorageError: the disk refused; what stood at `path` still stands.
    """
    written = midi_bytes(score)
    atomic_write(path, written.data)
    return written.warnings


def to_pretty_midi(score: Score) -> "pretty_midi.PrettyMIDI":
    """The file of a score as pretty_midi reads it, with its tempi.

    Raises:
        ConfigError: it has more ticks than pretty_midi accepts.
    """
    import pretty_midi

    most = int(pretty_midi.pretty_midi.MAX_TICK)
    last = max(score.end, *(int(columns["time"].max(initial=0)) for columns in (score.tempi, score.time_signatures)))
    if last + score.resolution >= most:
        raise ConfigError(f"the score has {last:,} ticks, and pretty_midi takes {most:,}: cut it, or use fewer a beat")
    return pretty_midi.PrettyMIDI(io.BytesIO(midi_bytes(score).data))


def _conductor(score: Score) -> list[_Event]:
    """The events of the first track."""
    signatures = _from_the_beginning(score.time_signatures, DEFAULT_TIME_SIGNATURE)
    tempi = _from_the_beginning(score.tempi, (DEFAULT_TEMPO,))
    events: list[_Event] = [
        (time, mido.MetaMessage("time_signature", numerator=numerator, denominator=denominator))
        for time, numerator, denominator in signatures
    ]
    events += [(time, mido.MetaMessage("set_tempo", tempo=microseconds)) for time, microseconds in tempi]
    return sorted(events, key=lambda event: event[0])


def _from_the_beginning(columns: Columns, default: tuple[int, ...]) -> list[tuple[int, ...]]:
    """Rows of columns, of those in one tick the last; with the default at tick 0 if there is none."""
    rows: list[tuple[int, ...]] = columns[np.diff(columns["time"], append=-1) != 0].tolist()
    return rows if rows and rows[0][0] == 0 else [(0, *default), *rows]


def _parts(score: Score) -> tuple[list[list[_Event]], tuple[str, ...]]:
    """The events of each part, and what could not stay as it was."""
    drums = score.notes["drum"]
    tones, hits = score.notes[~drums], score.notes[drums]
    names = tones["track"].astype(np.int64) * len(INSTRUMENTS) + tones["program"]
    names, part_of, sizes = np.unique(names, return_inverse=True, return_counts=True)
    tracks, programs = np.divmod(names, len(INSTRUMENTS))
    hosts = _hosts(tracks, programs, sizes)
    parts = []
    for channel, host in zip(_CHANNELS, np.unique(hosts), strict=False):
        notes = _apart(tones[hosts[part_of] == host])
        moves = [score.pedals[score.pedals["track"] == track] for track in tracks[hosts == host]]
        pedals = pedal_changes([(own["time"], own["down"]) for own in moves], 0, int(_ends(notes).max()))
        program = int(programs[host])
        parts.append(_events(channel, program, INSTRUMENTS[program], notes, pedals))
    if len(hits):
        hits["duration"] = max(1, score.resolution // _HITS_PER_BEAT)
        parts.append(_events(_DRUM_CHANNEL, 0, DRUMS, _apart(hits), score.pedals[:0]))
    joined = np.count_nonzero(hosts != np.arange(len(hosts)))
    if not joined:
        return parts, ()
    return parts, (f"{len(hosts)} parts share {len(_CHANNELS)} channels: {joined} joined others that sound like them",)


def _hosts(tracks: NDArray[np.int64], programs: NDArray[np.int64], sizes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which part each part is written with: its own, while there are channels.

    Of the others the smallest go first, and those whose program another part has before all; each joins the part whose
    instrument is nearest, by family, then by number. The first track, as a rule the melody, keeps to itself: no other
    takes a note from it.

    Args:
        tracks: (n,) of the parts, in their order.
        programs: (n,) theirs.
        sizes: (n,) their notes.
    """
    hosts = np.arange(len(programs))
    first = tracks == tracks[:1]
    smallest_first = np.argsort(sizes, kind="stable")
    largest = {(first[part], programs[part]): part for part in smallest_first}
    single = np.array([largest[first[part], programs[part]] == part for part in smallest_first], bool)
    stay = list(
        {first[part]: part for part in smallest_first}.values()
    )  # the largest of the first track, and of others
    going = smallest_first[np.argsort(single, kind="stable")]
    gone = np.zeros(len(programs), bool)
    for part in going[~np.isin(going, stay)][: max(0, len(programs) - len(_CHANNELS))]:
        gone[part] = True
        families = np.abs(programs // _FAMILY - programs[part] // _FAMILY)
        nearest = np.lexsort((-sizes, np.abs(programs - programs[part]), families, first != first[part], gone))
        hosts[hosts == part] = nearest[0]
    return hosts


def _ends(notes: Columns) -> NDArray[np.int64]:
    ends: NDArray[np.int64] = notes["start"] + notes["duration"]
    return ends


def _apart(notes: Columns) -> Columns:
    """Notes of one part, of which no two of one pitch sound at once, by pitch and onset."""
    notes = notes[np.lexsort((notes["start"], notes["pitch"]))]
    notes["start"] = np.minimum(notes["start"], MAX_TICK - 1)  # it has to end, too
    new = np.diff(notes["pitch"], prepend=-1) | np.diff(notes["start"], prepend=-1)
    first = np.flatnonzero(new)
    ends = np.minimum(np.maximum.reduceat(_ends(notes), first), MAX_TICK)
    velocities = np.maximum.reduceat(notes["velocity"], first)
    notes = notes[first]
    again = np.flatnonzero(np.diff(notes["pitch"]) == 0)
    ends[again] = np.minimum(ends[again], notes["start"][again + 1])
    notes["duration"], notes["velocity"] = ends - notes["start"], velocities
    return notes


def _events(channel: int, program: int, name: str, notes: Columns, pedals: Columns) -> list[_Event]:
    """A part from its name to its last event."""
    count = len(notes)
    kinds = np.repeat([_OFF, _PEDAL, _ON], [count, len(pedals), count])
    times = np.concatenate([_ends(notes), pedals["time"], notes["start"]])
    values = np.concatenate([notes["pitch"], pedals["down"], notes["pitch"]])
    velocities = np.concatenate([np.zeros(count + len(pedals), np.int16), notes["velocity"]])
    order = np.lexsort((values, kinds, times))
    events: list[_Event] = [
        (0, mido.MetaMessage("track_name", name=name)),
        (0, mido.Message("program_change", channel=channel, program=program)),
    ]
    for time, kind, value, velocity in zip(
        *(column[order].tolist() for column in (times, kinds, values, velocities)), strict=True
    ):
        if kind == _PEDAL:
            message = mido.Message("control_change", channel=channel, control=SUSTAIN, value=127 * value)
        else:
            kind_name = "note_on" if kind == _ON else "note_off"
            message = mido.Message(kind_name, channel=channel, note=value, velocity=velocity)
        events.append((time, message))
    return events


def _track(events: Sequence[_Event]) -> mido.MidiTrack:
    """Events by time as a track; silence that is too long for one delta time is cut by empty texts."""
    track = mido.MidiTrack()
    passed = 0
    for time, message in events:
        while time - passed > _LONGEST_DELTA:
            track.append(mido.MetaMessage("text", text="", time=_LONGEST_DELTA))
            passed += _LONGEST_DELTA
        message.time = time - passed
        track.append(message)
        passed = time
    return track
