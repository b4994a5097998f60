"""Where things stand in a row of a piano roll: the field of pitches, the pedals' lanes, those of the drums."""

from dataclasses import dataclass

import numpy as np

from gen.music.drum_kit import DRUM_NAMES
from gen.music.names import DRUMS
from gen.music.roll_style import SMALL, text_width
from gen.music.score import Columns

MARGIN = 16.0
"""Pixels around the picture."""
KEYS = 12.0
"""Width of the keyboard."""
RULER = 17.0
"""Height of the figures over a row."""
SPACE = 5.0
"""Above lanes."""
DRUM, PEDAL = 11.0, 8.0
"""Heights of a lane."""

_GAP = 14.0  # beneath a row
_FIELD, _LOWEST, _HIGHEST = 300.0, 3.5, 8.0  # height of the field of pitches, and of one pitch at least and at most
_LEAST = 14  # pitches of the field at least, less one
_KIT = (35, 36, 37, 38, 40, 39, 41, 43, 45, 47, 48, 50, 42, 44, 46, 51, 59, 53, 49, 57, 55, 52)  # from the bottom


@dataclass(frozen=True)
class Rows:
    """What stands beneath what in each row, in pixels.

    Attributes:
        left: where rows begin.
        top: where the first one does.
        low: the lowest pitch, and
        high: the highest; lower than `low` where there are drums only.
        pitch: height of one.
        tracks: those whose pedals move.
        drums: the hits there are, from the top.
    """

    left: float
    top: float
    low: int
    high: int
    pitch: float
    tracks: list[int]
    drums: list[int]

    @property
    def field(self) -> float:
        """Height of the field of pitches."""
        return (self.high - self.low + 1) * self.pitch

    @property
    def pedals(self) -> float:
        """Where the lanes of pedals begin, from the top of the row."""
        return self.field + SPACE

    @property
    def kit(self) -> float:
        """Where the lanes of drums begin, from the top of the row."""
        return self.field + (SPACE + len(self.tracks) * PEDAL if self.tracks else 0) + (SPACE if self.field else 0)

    @property
    def height(self) -> float:
        """Of a row."""
        return self.kit + len(self.drums) * DRUM if self.drums else self.kit - (SPACE if self.field else 0)

    def y(self, row: int) -> float:
        """Where a row's field begins."""
        return self.top + RULER + row * (self.height + RULER + _GAP)

    def middle(self, pitch: int) -> float:
        """The middle of a pitch, from the top of the row."""
        return (self.high - pitch + 0.5) * self.pitch


def arrange(notes: Columns, tracks: list[int]) -> Rows:
    """The rows for some notes, and for the pedals of some tracks; their top is left open."""
    tones = notes["pitch"][~notes["drum"]]
    hits = np.unique(notes["pitch"][notes["drum"]]).tolist()
    drums = sorted(hits, key=lambda hit: (_KIT.index(hit) if hit in _KIT else len(_KIT), hit), reverse=True)
    low, high, pitch = 0, -1, 0.0
    if len(tones):
        low, high = max(0, int(tones.min()) - 2), min(127, int(tones.max()) + 2)
        lacking = max(0, _LEAST - (high - low))
        low = max(0, min(low - lacking // 2, 127 - _LEAST))
        high = min(127, max(high, low + _LEAST))
        pitch = round(min(_HIGHEST, max(_LOWEST, _FIELD / (high - low + 1))), 1)
    words = [*(["pedal"] if tracks else []), *map(drum_name, drums), "C-1"]
    left = MARGIN + max(text_width(word, SMALL) for word in words) + 6 + (KEYS if len(tones) else 0)
    return Rows(left, 0, low, high, pitch, tracks, drums)


def drum_name(pitch: int) -> str:
    """What a lane of drums is called."""
    return DRUM_NAMES.get(pitch, f"{DRUMS} {pitch}")
