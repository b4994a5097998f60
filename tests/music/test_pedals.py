from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.music.pedals import pedal_changes
from gen.music.score import PEDAL

Moves = list[tuple[int, bool]]
D, U = True, False


def changes(*pedals: Moves, end: int = 1000) -> Moves:
    """The changes of one or several pedals' movements."""
    columns = [
        (np.array([time for time, _ in moves], np.int64), np.array([down for _, down in moves], np.bool_))
        for moves in pedals
    ]
    found = pedal_changes(columns, 3, end)
    assert found.dtype == PEDAL
    assert set(found["track"].tolist()) <= {3}
    return list(zip(found["time"].tolist(), found["down"].tolist(), strict=True))


def stepwise(pedals: Sequence[Moves], end: int) -> Moves:
    """The same, tick by tick."""
    down = [False] * len(pedals)
    found: Moves = []
    was = False
    for tick in sorted({time for moves in pedals for time, _ in moves}):
        came_up = False
        for index, moves in enumerate(pedals):
            for time, state in moves:
                if time == tick:
                    lifts = down[index] and not state and sum(down) == 1
                    down[index] = state
                    came_up |= lifts
        now = any(down)
        if was and (not now or came_up):
            found.append((tick, U))
        if now and (not was or came_up):
            found.append((tick, D))
        was = now
    if was:
        found = [*found, (end, U)] if found[-1][0] < end else found[:-1]
    return found


@pytest.mark.parametrize(
    ("moves", "expected"),
    [
        ([], []),
        ([(0, D), (5, U)], [(0, D), (5, U)]),
        ([(0, U), (1, D), (2, D), (5, U), (6, U)], [(1, D), (5, U)]),  # nothing is said twice
        ([(0, D), (5, U), (5, D), (9, U)], [(0, D), (5, U), (5, D), (9, U)]),  # a new stroke within one tick
        ([(5, D), (5, U)], []),  # too short to be heard
        ([(0, D), (5, U), (5, D), (5, U)], [(0, D), (5, U)]),
        ([(0, D), (5, D)], [(0, D), (1000, U)]),  # it stays down
        ([(0, D), (5, U), (1000, D)], [(0, D), (5, U)]),  # it goes down when all is over
        ([(0, D), (1500, U), (1500, D)], [(0, D), (1500, U)]),
    ],
)
def test_changes_of_one_pedal(moves: Moves, expected: Moves) -> None:
    assert changes(moves) == expected


def test_a_track_of_two_pedals_is_held_by_either() -> None:
    assert changes([(0, D), (5, U)], [(3, D), (9, U)]) == [(0, D), (9, U)]
    assert changes([(0, D), (5, U)], [(5, D), (9, U)]) == [(0, D), (5, U), (5, D), (9, U)]
    assert changes([(0, D), (5, U)], [(5, D)], end=7) == [(0, D), (5, U), (5, D), (7, U)]


_moves = st.lists(st.tuples(st.integers(0, 8), st.booleans()), max_size=10).map(
    lambda moves: sorted(moves, key=lambda move: move[0])
)


@settings(derandomize=True, deadline=None)
@given(_moves, st.integers(1, 12))
def test_the_arrays_tell_what_steps_tell(moves: Moves, end: int) -> None:
    assert changes(moves, end=end) == stepwise([moves], end)


@settings(derandomize=True, deadline=None)
@given(st.lists(_moves, max_size=3), st.integers(1, 12))
def test_the_pedal_alternates_and_ends_up(pedals: list[Moves], end: int) -> None:
    found = changes(*pedals, end=end)
    assert [down for _, down in found] == [D, U] * (len(found) // 2)
    assert [time for time, _ in found] == sorted(time for time, _ in found)
    assert all(found[index][0] < found[index + 1][0] for index in range(0, len(found), 2))  # no press without a length
    assert changes(found, end=end) == found
