from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.protocols import RecurrentState

LAYERS, HIDDEN = 2, 3


def state(batch: int) -> RecurrentState[NDArray[np.float64]]:
    h = np.arange(LAYERS * batch * HIDDEN, dtype=np.float64).reshape(LAYERS, batch, HIDDEN)
    return RecurrentState((h, -h))


@settings(derandomize=True, deadline=None)
@given(data=st.data(), batch=st.integers(1, 5))
def test_selected_rows_are_those_rows(data: st.DataObject, batch: int) -> None:
    rows = data.draw(st.lists(st.integers(0, batch - 1), max_size=8))
    before = state(batch)
    selected = before.select(rows)
    assert [array.shape for array in selected.arrays] == [(LAYERS, len(rows), HIDDEN)] * 2
    for array, source in zip(selected.arrays, before.arrays, strict=True):
        for place, row in enumerate(rows):
            assert (array[:, place] == source[:, row]).all()


def test_selecting_twice_is_selecting_from_the_selection() -> None:
    twice = state(4).select([3, 1, 1]).select([2, 0])
    once = state(4).select([1, 3])
    assert all((a == b).all() for a, b in zip(twice.arrays, once.arrays, strict=True))


def test_a_selection_is_a_copy() -> None:
    before = state(2)
    before.select([0, 1]).arrays[0][:] = -1
    assert (before.arrays[0] == state(2).arrays[0]).all()


def test_map_reaches_every_array_and_changes_none() -> None:
    before = state(1)
    doubled = before.map(lambda array: array * 2)
    assert all((a == 2 * b).all() for a, b in zip(doubled.arrays, state(1).arrays, strict=True))
    assert all((a == b).all() for a, b in zip(before.arrays, state(1).arrays, strict=True))


def test_detaching_leaves_arrays_alone_and_cuts_what_has_a_gradient() -> None:
    class Attached:
        def detach(self) -> str:
            return "cut"

    before = state(1)
    assert all(a is b for a, b in zip(before.detach().arrays, before.arrays, strict=True))
    attached: RecurrentState[object] = RecurrentState((Attached(), Attached()))
    assert attached.detach().arrays == ("cut", "cut")


def test_a_state_is_a_value() -> None:
    with pytest.raises(FrozenInstanceError):
        state(1).arrays = ()  # type: ignore[misc]
