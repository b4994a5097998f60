"""Music as tokens: a score's events in their one order, by one of two clocks. The table is in `gen.music.events`."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.config import CLOCKS, Clock, Medium
from gen.errors import CheckpointError, TokenizerError
from gen.music.events import EventTable, event_table, tempo_of
from gen.music.grid import STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.score import DEFAULT_TEMPO, Piece, Score
from gen.tokenizers.base import Unit, Vocabulary
from gen.tokenizers.midi_decoding import MidiStream
from gen.tokenizers.midi_encoding import encode


class MidiTokenizer:
    """Scores <-> ids. What it does not tell apart: times between the steps of its clock, and velocities within a bin.

    `encode(decode(encode(score))) == encode(score)` for every score, and `decode` takes any ids.

    Args:
        clock: "seconds" for performances, "beats" for what lies on the grid of beats.

    Raises:
        TokenizerError: there is no such clock.
    """

    medium: Medium = "music"
    unit: Unit = "note"
    dtype = np.dtype(np.uint16)

    def __init__(self, clock: Clock) -> None:
        if clock not in CLOCKS:
            raise TokenizerError(f"clock {clock!r} is not one of {', '.join(CLOCKS)}")
        self.table: EventTable = event_table(clock)
        self.vocabulary = Vocabulary(self.table.symbols())
        self.boundary = self.table.boundary
        self.start = self.table.boundary
        units = np.zeros(self.table.size)
        units[self.table.pitch : self.table.duration] = 1
        units[self.table.drum : self.table.pedal_on] = 1
        self.units = units

    @property
    def clock(self) -> Clock:
        """What time is counted in."""
        return self.table.clock

    def encode(self, document: Score) -> NDArray[np.integer[Any]]:
        return encode(document, self.table).ids

    def decode(self, ids: Sequence[int] | NDArray[np.integer[Any]]) -> Score:
        stream = self.stream()
        return self.join([piece for id in ids for piece in stream.feed(self._known(int(id)))] + stream.flush())

    def join(self, pieces: Iterable[Piece]) -> Score:
        return Score.of(self.table.resolution, pieces)

    def _known(self, id: int) -> int:
        if not 0 <= id < self.table.size:
            self.vocabulary.symbol(id)  # raises
        return id

    def stream(self) -> MidiStream:
        return MidiStream(self.table)

    def seconds(self, ids: NDArray[np.integer[Any]]) -> float:
        """How much time passes in a stretch of ids, in seconds."""
        if not len(ids):
            return 0.0
        table = self.table
        steps = np.where((ids >= table.shift) & (ids < table.velocity), ids.astype(np.int64) - table.shift + 1, 0)
        if table.clock == "seconds":
            return float(steps.sum()) / STEPS_PER_SECOND
        tempi = ids >= table.tempo
        changes = np.flatnonzero(tempi)
        microseconds = [DEFAULT_TEMPO, *(tempo_of(int(id) - table.tempo) for id in ids[tempi])]  # of a beat
        return float(np.add.reduceat(steps, np.concatenate([[0], changes])) @ microseconds) / (1e6 * STEPS_PER_BEAT)

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "midi", "clock": self.clock}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises: CheckpointError: the values are not those of a MIDI tokenizer."""
        clock = values.get("clock")
        if not isinstance(clock, str) or clock not in CLOCKS:
            raise CheckpointError(f"its MIDI tokenizer has the clock {clock!r}, none of {', '.join(CLOCKS)}")
        return cls(clock)
