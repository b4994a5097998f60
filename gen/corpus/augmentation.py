"""Music in other keys and at other speeds while training: each piece anew in each epoch, ids for ids.

How a piece is varied is a function of (seed, epoch, piece). An id becomes another of its kind, never two or none, so a
varied piece stands where the original stood, and a position in the corpus stays plain data.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.music.events import EventTable
from gen.random import philox
from gen.tokenizers import MidiTokenizer

_SPEEDS = 11  # different ones, evenly spread, the original among them


@dataclass(frozen=True, slots=True, eq=False)
class Variation:
    """How the pieces are varied in one epoch.

    Attributes:
        semitones: that each piece is moved up, int64 (n,).
        speeds: number of the speed of each, int64 (n,).
    """

    semitones: NDArray[np.int64]
    speeds: NDArray[np.int64]


class Augmentation:
    """Varies the pieces of a training part.

    Pitches stay between the lowest and the highest of the whole part; drums are left alone.

    Args:
        tokenizer: of the ids.
        ids: all ids, usually memory-mapped.
        extents: (n, 2), begin and end in `ids` of each piece.
        transpose: semitones up or down, at most.
        stretch: share by which times become longer or shorter, at most (by seconds only).
        seed: of the draws.
    """

    def __init__(
        self,
        tokenizer: MidiTokenizer,
        ids: NDArray[np.integer[Any]],
        extents: NDArray[np.int64],
        *,
        transpose: int,
        stretch: float,
        seed: int,
    ) -> None:
        table = self._table = tokenizer.table
        self._seed = seed
        ranges = np.array([_pitch_range(ids[begin:end], table) for begin, end in extents.tolist()]).reshape(-1, 2)
        used = ranges[ranges[:, 0] <= ranges[:, 1]]
        low, high = (int(used[:, 0].min()), int(used[:, 1].max())) if len(used) else (0, 0)
        self._lowest = np.minimum(0, np.maximum(low - ranges[:, 0], -transpose))
        self._highest = np.maximum(0, np.minimum(high - ranges[:, 1], transpose))
        speeds = np.linspace(1 - stretch, 1 + stretch, _SPEEDS) if table.clock == "seconds" else np.ones(1)
        self._stretched = np.stack([stretched(table, float(speed)) for speed in speeds])

    def variation(self, epoch: int) -> Variation:
        """How each piece is varied in an epoch."""
        raw = philox(self._seed, "augmentation", epoch).random_raw(2 * len(self._lowest)).reshape(2, -1)
        choices = (self._highest - self._lowest + 1).astype(np.uint64)
        semitones = self._lowest + (raw[0] % choices).astype(np.int64)
        return Variation(semitones, (raw[1] % np.uint64(len(self._stretched))).astype(np.int64))

    def __call__(self, ids: NDArray[np.int64], pieces: NDArray[np.int64], variation: Variation) -> NDArray[np.int64]:
        """Ids of any shape, varied, where `pieces` of the same shape says which piece each is of."""
        table = self._table
        pitches = (ids >= table.pitch) & (ids < table.duration)
        moved = ids + np.where(pitches, variation.semitones[pieces], 0)
        return self._stretched[variation.speeds[pieces], moved]


def _pitch_range(ids: NDArray[np.integer[Any]], table: EventTable) -> tuple[int, int]:
    pitches = ids[(ids >= table.pitch) & (ids < table.duration)]
    return (int(pitches.min()), int(pitches.max())) if len(pitches) else (1, 0)


def stretched(table: EventTable, factor: float) -> NDArray[np.int64]:
    """What each id becomes when all times are multiplied by `factor`, (V,)."""
    ids = np.arange(table.size)
    shifts = np.clip(np.rint(np.arange(1, table.steps + 1) * factor), 1, table.steps)
    ids[table.shift : table.velocity] = table.shift + shifts.astype(np.int64) - 1
    ids[table.duration : table.drum] = table.duration + table.nearest_duration(
        table.durations.astype(np.float64) * factor
    )
    return ids
