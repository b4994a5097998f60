"""The table of events that music is written in: one grammar, two clocks.

    BOS                          before each piece; a model ends a piece by writing the next one's
    TIME_SHIFT    1 … 100        hundredths of a second; by beats 1 … 96, of 1/24 beat
    VELOCITY      32 bins        of the notes that follow in its part, until it changes
    TRACK         0 … 15         whose notes and pedals follow
    PROGRAM       0 … 127        General MIDI instrument of that track
    PITCH         0 … 127        a note, followed by
    DURATION                     by seconds exact to 0.5 s, then in steps of 5 % to 20 s; by beats exact to 4, then in
                                 halves to 16
    DRUM          0 … 127        a hit
    PEDAL_ON, PEDAL_OFF          of that track
    BAR, TIME_SIGNATURE, TEMPO   by beats only; tempi in 64 bins of equal ratio, 30 … 240 beats a minute

Within one instant they stand in this order: bar, time signature, tempo, pedals, drums, notes by track and pitch. So a
piece has one spelling.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gen.config import Clock

VELOCITY_BINS: Final = 32
VELOCITY_WIDTH: Final = 128 // VELOCITY_BINS
TEMPO_BINS: Final = 64
_SLOWEST, _FASTEST = 30.0, 240.0  # beats a minute
_NUMERATORS, _DENOMINATORS = range(1, 17), (2, 4, 8, 16)

TIME_SIGNATURES: Final = tuple((n, d) for d in _DENOMINATORS for n in _NUMERATORS)
"""Those that have an event."""


def _durations_in_seconds() -> NDArray[np.int64]:
    steps = list(range(1, 51))
    while (following := int(1.05 * steps[-1])) < 2000:
        steps.append(following)
    return np.array([*steps, 2000])


def _durations_in_beats() -> NDArray[np.int64]:
    return np.concatenate([np.arange(1, 97), np.arange(108, 385, 12)])


class EventTable:
    """Which id stands for which event. Ids of a kind follow one another, from the attribute with the kind's name on.

    Args:
        clock: what time is counted in.

    Attributes:
        clock: the same.
        steps: largest number of steps in one TIME_SHIFT.
        resolution: ticks of a beat in decoded scores.
        ticks: of these in one step.
        pedal_gap: steps between two movements of a pedal, at least (50 ms; by beats, an eighth of a beat).
        durations: steps of each DURATION, ascending.
        size: V.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock: Clock = clock
        beats = clock == "beats"
        self.steps = 96 if beats else 100
        self.resolution, self.ticks = (480, 20) if beats else (500, 10)  # by seconds, at 120 a minute: 1 tick is 1 ms
        self.pedal_gap = 3 if beats else 5
        self.durations = _durations_in_beats() if beats else _durations_in_seconds()
        self._halfway = (self.durations[1:] + self.durations[:-1]) / 2
        self.boundary = 0
        self.shift = 1
        self.velocity = self.shift + self.steps
        self.track = self.velocity + VELOCITY_BINS
        self.program = self.track + 16
        self.pitch = self.program + 128
        self.duration = self.pitch + 128
        self.drum = self.duration + len(self.durations)
        self.pedal_on = self.drum + 128
        self.pedal_off = self.pedal_on + 1
        self.bar = self.pedal_off + 1
        self.time_signature = self.bar + 1
        self.tempo = self.time_signature + len(TIME_SIGNATURES)
        self.size = self.tempo + TEMPO_BINS if beats else self.bar

    def symbols(self) -> Iterator[str]:
        """What each id is called, in order."""
        yield "BOS"
        yield from (f"TIME_SHIFT {steps}" for steps in range(1, self.steps + 1))
        yield from (f"VELOCITY {bin}" for bin in range(VELOCITY_BINS))
        yield from (f"TRACK {track}" for track in range(16))
        yield from (f"PROGRAM {program}" for program in range(128))
        yield from (f"PITCH {pitch}" for pitch in range(128))
        yield from (f"DURATION {steps}" for steps in self.durations.tolist())
        yield from (f"DRUM {pitch}" for pitch in range(128))
        yield from ("PEDAL_ON", "PEDAL_OFF")
        if self.clock == "beats":
            yield "BAR"
            yield from (f"TIME_SIGNATURE {n}/{d}" for n, d in TIME_SIGNATURES)
            yield from (f"TEMPO {tempo_of(bin)}" for bin in range(TEMPO_BINS))

    def nearest_duration(self, steps: NDArray[np.float64]) -> NDArray[np.int64]:
        """The index among `durations` of the one nearest to each length, in steps."""
        return np.searchsorted(self._halfway, steps).astype(np.int64)

    def longest_duration(self, steps: NDArray[np.int64]) -> NDArray[np.int64]:
        """The index among `durations` of the longest that is not above each length, 1 or more."""
        return (np.searchsorted(self.durations, steps, side="right") - 1).astype(np.int64)


@cache
def event_table(clock: Clock) -> EventTable:
    """The one table of a clock."""
    return EventTable(clock)


def tempo_bin(bpm: float) -> int:
    """The bin of the tempo nearest to `bpm`, in ratio."""
    return int(tempo_bins(np.array([bpm]))[0])


def tempo_bins(bpm: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of the tempo nearest to each, in ratio."""
    inside = np.clip(bpm, _SLOWEST, _FASTEST)
    place = np.log(inside / _SLOWEST) / np.log(_FASTEST / _SLOWEST)
    return np.rint((TEMPO_BINS - 1) * place).astype(np.int64)  # type: ignore[no-any-return]


def tempo_of(bin: int) -> int:
    """The tempo of a bin, in microseconds a beat; 120 beats a minute is one of them."""
    ratio: float = (_FASTEST / _SLOWEST) ** (bin / (TEMPO_BINS - 1))
    return round(60e6 / (_SLOWEST * ratio))


def bar_steps(numerator: int, denominator: int) -> int:
    """Steps of 1/24 beat in a bar of one of the `TIME_SIGNATURES`."""
    return 96 * numerator // denominator
