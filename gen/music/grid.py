"""The two clocks that music is cut by, and which of them fits a piece.

A performance keeps no metre that a computer could see: nearly all its onsets lie between the steps of any grid of
beats. What was written on a grid loses it when it is cut into hundredths of a second. So there are two clocks.
"""

import numpy as np

from gen.config import Clock
from gen.music.score import Score

STEPS_PER_SECOND = 100
STEPS_PER_BEAT = 24
INSTANTS = 1_000_000 * STEPS_PER_BEAT
"""Of a second: a microsecond a beat is one of them a step."""

ON_GRID = 0.9
"""Share of onsets on the grid from which a corpus is cut by beats."""
_TOLERANCE = 0.02  # of a step


def onsets_on_grid(score: Score) -> int:
    """How many onsets lie on the grid of beats: within 2 % of a step, or half a tick where ticks are coarser."""
    positions = score.notes["start"] * (STEPS_PER_BEAT / score.resolution)
    tolerance = max(_TOLERANCE, 0.5 * STEPS_PER_BEAT / score.resolution)
    return int(np.count_nonzero(np.abs(positions - np.rint(positions)) <= tolerance))


def on_grid_share(score: Score) -> float:
    """The share of onsets that lie on the grid of beats; 0 where there are none."""
    return onsets_on_grid(score) / max(1, len(score.notes))


def fitting_clock(on_grid: int, onsets: int) -> Clock:
    """The clock for pieces with so many onsets, so many of them on the grid."""
    return "beats" if onsets and on_grid >= ON_GRID * onsets else "seconds"
