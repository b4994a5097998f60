"""A piece of music as values: notes, pedals, tempi and time signatures on an integer grid of ticks.

A `Score` is what a MIDI file says, once for all readers and writers: ticks as they are in the file, parts told apart by
track, overlaps and silence left alone. Everything is kept in columns, so a score of a hundred thousand notes is five
arrays; `pieces` yields it as objects, in the canonical order that the whole of gen keeps:

    by time; within one instant time signature, tempo, pedals, drum hits, then notes by track and pitch.
"""

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError

if TYPE_CHECKING:
    import pretty_midi

TRACKS = 16
"""Parts that a score tells apart, drums not counted."""
MAX_TICK = 2**31 - 1
"""The last tick that a time may be: MIDI readers count in 32 bits."""
DEFAULT_TEMPO = 500_000
"""Microseconds a beat where nothing is said: 120 beats a minute."""
DEFAULT_TIME_SIGNATURE = (4, 4)

NOTE = np.dtype(
    [
        ("start", "<i8"),
        ("duration", "<i8"),
        ("pitch", "<i2"),
        ("velocity", "<i2"),
        ("track", "<i2"),
        ("program", "<i2"),
        ("drum", "?"),
    ]
)
PEDAL = np.dtype([("time", "<i8"), ("track", "<i2"), ("down", "?")])
TEMPO = np.dtype([("time", "<i8"), ("microseconds", "<i8")])
TIME_SIGNATURE = np.dtype([("time", "<i8"), ("numerator", "<i2"), ("denominator", "<i2")])

Columns = NDArray[np.void]
"""A structured array of one of the dtypes above."""


@dataclass(frozen=True, slots=True)
class Note:
    """One note, or one hit of a drum.

    Attributes:
        start: tick of its onset.
        duration: in ticks, 1 or more; that of a hit says nothing.
        pitch: 0 … 127, 60 is middle C (C4); of a hit, which drum.
        velocity: 1 … 127.
        track: 0 … 15; 0 for a hit.
        program: General MIDI program, 0 … 127; 0 for a hit.
        drum: it is a hit.
    """

    start: int
    duration: int
    pitch: int
    velocity: int
    track: int = 0
    program: int = 0
    drum: bool = False

    @property
    def time(self) -> int:
        """Its onset, called as in the other pieces."""
        return self.start

    @property
    def end(self) -> int:
        """The tick at which it has ended."""
        return self.start + self.duration


@dataclass(frozen=True, slots=True)
class Pedal:
    """The sustain pedal of a track goes down, or up."""

    time: int
    track: int
    down: bool


@dataclass(frozen=True, slots=True)
class Tempo:
    """From here on a beat, which is a quarter note, takes so many microseconds."""

    time: int
    microseconds: int

    @property
    def bpm(self) -> float:
        """Beats a minute."""
        return 60e6 / self.microseconds


@dataclass(frozen=True, slots=True)
class TimeSignature:
    """From here on bars of `numerator` notes of the kind `denominator` (4 is a quarter note); a bar begins here."""

    time: int
    numerator: int
    denominator: int


Piece = Note | Pedal | Tempo | TimeSignature
"""What a score is made of, and a stream of music yields."""

_COLUMNS: tuple[tuple[str, type, np.dtype[Any]], ...] = (
    ("time_signatures", TimeSignature, TIME_SIGNATURE),
    ("tempi", Tempo, TEMPO),
    ("pedals", Pedal, PEDAL),
    ("notes", Note, NOTE),
)  # in the canonical order of one instant


@dataclass(frozen=True, eq=False)
class Score:
    """A piece of music. Its columns are sorted when it is made, and cannot be written to.

    Args:
        resolution: ticks of a beat (a quarter note).
        notes: of dtype `NOTE`.
        pedals: of dtype `PEDAL`.
        tempi: of dtype `TEMPO`; before the first, 120 beats a minute.
        time_signatures: of dtype `TIME_SIGNATURE`; before the first, 4/4.

    Raises:
        ConfigError: a value is outside what its attribute's class says.
    """

    resolution: int
    notes: Columns = field(default_factory=lambda: np.empty(0, NOTE))
    pedals: Columns = field(default_factory=lambda: np.empty(0, PEDAL))
    tempi: Columns = field(default_factory=lambda: np.empty(0, TEMPO))
    time_signatures: Columns = field(default_factory=lambda: np.empty(0, TIME_SIGNATURE))

    def __post_init__(self) -> None:
        if not 1 <= self.resolution <= 32767:
            raise ConfigError(f"resolution is {self.resolution}; it must be ticks of a beat, 1 … 32767")
        for name, _, dtype in _COLUMNS:
            columns = np.array(getattr(self, name), dtype, ndmin=1)
            _check(name, columns)
            columns = columns[np.lexsort(_KEYS[name](columns)[::-1])]
            columns.setflags(write=False)
            object.__setattr__(self, name, columns)

    @classmethod
    def of(cls, resolution: int, pieces: Iterable[Piece]) -> Self:
        """The score of some pieces, in any order."""
        found: dict[type, list[tuple[Any, ...]]] = {kind: [] for _, kind, _ in _COLUMNS}
        for piece in pieces:
            found[type(piece)].append(tuple(getattr(piece, name) for name in piece.__slots__))
        try:
            columns = {name: np.array(found[kind], dtype) for name, kind, dtype in _COLUMNS}
        except OverflowError as error:
            raise ConfigError(f"a value of the score is far out of range ({error})") from error
        return cls(resolution, **columns)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Score)
            and self.resolution == other.resolution
            and all(np.array_equal(getattr(self, name), getattr(other, name)) for name, _, _ in _COLUMNS)
        )

    __hash__ = None  # type: ignore[assignment]  # arrays cannot be hashed

    def __repr__(self) -> str:
        return f"<Score of {len(self.notes):,} notes, {self.seconds_long:.1f} s>"

    def pieces(self) -> Iterator[Piece]:
        """All of it as objects, in canonical order."""
        kinds = [(columns, kind) for name, kind, _ in _COLUMNS if len(columns := getattr(self, name))]
        if not kinds:
            return
        times = np.concatenate([columns[columns.dtype.names[0]] for columns, _ in kinds])
        flat: list[Piece] = [kind(*row) for columns, kind in kinds for row in columns.tolist()]
        for index in np.argsort(times, kind="stable"):
            yield flat[index]

    # -- time --------------------------------------------------------------------------------------------------------

    @property
    def end(self) -> int:
        """The tick at which the last note has ended and the last pedal has moved."""
        ends = self.notes["start"] + self.notes["duration"]
        return int(max(ends.max(initial=0), self.pedals["time"].max(initial=0)))

    @property
    def seconds_long(self) -> float:
        """How long it is, in seconds."""
        return float(self.seconds(np.array([self.end]))[0])

    @cached_property
    def _tempo_map(self) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
        """Ticks at which the tempo changes, the seconds passed until then, and the seconds of a tick from then on."""
        times = np.concatenate([[0], self.tempi["time"]])
        ticks = np.concatenate([[DEFAULT_TEMPO], self.tempi["microseconds"]]) / (1e6 * self.resolution)
        passed = np.concatenate([[0.0], np.cumsum(np.diff(times) * ticks[:-1])])
        return times, passed, ticks

    def seconds(self, ticks: NDArray[Any]) -> NDArray[np.float64]:
        """The seconds from the beginning at which ticks, (n,), come."""
        times, passed, lengths = self._tempo_map
        index = np.maximum(np.searchsorted(times, ticks, side="right") - 1, 0)
        return passed[index] + (ticks - times[index]) * lengths[index]

    def tick(self, seconds: float) -> int:
        """The tick nearest to a moment, in seconds from the beginning."""
        times, passed, lengths = self._tempo_map
        index = max(int(np.searchsorted(passed, seconds, side="right")) - 1, 0)
        return min(MAX_TICK, round(float(times[index] + (seconds - passed[index]) / lengths[index])))

    def bar_lines(self, end: int | None = None) -> NDArray[np.int64]:
        """The ticks at which bars begin, from 0 up to `end` (that of the score by default), which is left out."""
        end = self.end if end is None else end
        changes = [(0, *DEFAULT_TIME_SIGNATURE), *self.time_signatures.tolist(), (end, 1, 1)]
        lines = [
            np.arange(begin, min(until, end), max(1, self.resolution * 4 * numerator // denominator))
            for (begin, numerator, denominator), (until, _, _) in itertools.pairwise(changes)
        ]
        return np.concatenate(lines).astype(np.int64)

    # -- parts of it ---------------------------------------------------------------------------------------------------

    def until(self, tick: int) -> "Score":
        """What comes before a tick; notes that still sound then end there, pedals that are down come up."""
        notes = self.notes[self.notes["start"] < tick].copy()
        notes["duration"] = np.minimum(notes["duration"], tick - notes["start"])
        pedals = self.pedals[self.pedals["time"] < tick]
        down = {int(pedal["track"]) for pedal in _last_of_each_track(pedals) if pedal["down"]}
        lifted = np.array([(tick, track, False) for track in sorted(down)], PEDAL)
        before = {name: getattr(self, name) for name in ("tempi", "time_signatures")}
        return Score(
            self.resolution,
            notes,
            np.concatenate([pedals, lifted]),
            **{name: columns[columns["time"] < tick] for name, columns in before.items()},
        )

    def to_pretty_midi(self) -> "pretty_midi.PrettyMIDI":
        """The same music as pretty_midi's object, for what that library can do."""
        from gen.music.midi_writer import to_pretty_midi  # it stands on this module

        return to_pretty_midi(self)


def _last_of_each_track(pedals: Columns) -> Columns:
    _, last = np.unique(pedals["track"][::-1], return_index=True)
    return pedals[::-1][last]


_KEYS: dict[str, Callable[[Columns], tuple[NDArray[Any], ...]]] = {
    "notes": lambda n: (n["start"], ~n["drum"], n["track"], n["pitch"], n["program"], n["duration"], n["velocity"]),
    "pedals": lambda p: (p["time"], p["track"], p["down"]),
    "tempi": lambda t: (t["time"],),
    "time_signatures": lambda t: (t["time"],),
}  # what each kind is sorted by, the weightiest first

_RANGES: dict[str, dict[str, tuple[int, int]]] = {
    "notes": {
        "start": (0, MAX_TICK), "duration": (1, MAX_TICK), "pitch": (0, 127), "velocity": (1, 127),
        "track": (0, TRACKS - 1), "program": (0, 127),
    },
    "pedals": {"time": (0, MAX_TICK), "track": (0, TRACKS - 1)},
    "tempi": {"time": (0, MAX_TICK), "microseconds": (1, 2**24 - 1)},
    "time_signatures": {"time": (0, MAX_TICK), "numerator": (1, 255), "denominator": (1, 128)},
}  # fmt: skip


def _check(name: str, columns: Columns) -> None:
    for attribute, (low, high) in _RANGES[name].items():
        values = columns[attribute]
        outside = values[(values < low) | (values > high)]
        if len(outside):
            raise ConfigError(f"{attribute} of one of the {name} is {outside[0]}; it must be in {low} … {high}")
    if name == "time_signatures" and np.any(columns["denominator"] & (columns["denominator"] - 1)):
        raise ConfigError("the denominator of a time signature must be a power of two")
