"""Sustain pedals as changes of state: what is left of their movements when nothing is said twice."""

from collections.abc import Iterable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from gen.music.score import PEDAL, Columns

SUSTAIN: Final = 64
"""The number of MIDI's controller; from this value on the pedal is down."""


def pedal_changes(
    pedals: Iterable[tuple[NDArray[np.integer[Any]], NDArray[np.bool_]]], track: int, end: int
) -> Columns:
    """The changes of state of a track's pedal.

    It is down while one of some pedals is down, where several have become one. Of what happens within one tick only the
    outcome is left, and that it came up in between. If it stays down it comes up when the track has ended; if it goes
    down after that it stays up.

    Args:
        pedals: the movements of each: times, (n,), in ascending order, and whether it goes down, (n,).
        track: whose changes they are.
        end: the tick at which its last note has ended.

    Returns:
        Of dtype `PEDAL`, by time, up before down within a tick.
    """
    moves = [_moves(time, down) for time, down in pedals]
    presses, lifts = _presses_and_lifts(
        np.concatenate([np.empty(0, np.int32), *(time for time, _ in moves)]),
        np.concatenate([np.empty(0, np.bool_), *(down for _, down in moves)]),
    )
    if len(presses) > len(lifts) and presses[-1] < end:
        lifts = np.append(lifts, np.int32(end))
    changes = np.empty(2 * len(lifts), PEDAL)
    changes["time"][::2], changes["time"][1::2] = presses[: len(lifts)], lifts
    changes["track"] = track
    changes["down"] = np.arange(len(changes)) % 2 == 0
    return changes


def _moves(time: NDArray[np.integer[Any]], down: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.bool_]]:
    """What one pedal does, and not what it is told twice."""
    new = np.diff(down, prepend=False)
    return time[new].astype(np.int32), down[new]  # there may be a million, and ticks fit


def _presses_and_lifts(time: NDArray[np.int32], down: NDArray[np.bool_]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    order = np.argsort(time, kind="stable")
    time = time[order]
    up = np.cumsum(np.where(down[order], np.int32(1), np.int32(-1)), dtype=np.int32) == 0
    last = np.flatnonzero(np.diff(time, append=-1))  # of each tick
    if not len(last):
        return time, time
    outcome = ~up[last]
    before = np.roll(outcome, 1)
    before[0] = False
    lifted = np.logical_or.reduceat(up, np.append(0, last[:-1] + 1))
    time = time[last]
    return time[outcome & (~before | lifted)], time[before & lifted]
