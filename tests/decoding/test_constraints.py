"""Constraints on a stream of ids: blocks change nothing, a limit ends it, two together are both."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.config import SamplingConfig
from gen.decoding import Both, Constraint, sample_streams, together
from gen.errors import ConfigError
from gen.random import Draws
from tests.decoding.reference import Stepped, small_engine, taken

SIZE = 11
MODEL = small_engine("gru")
PLAIN = SamplingConfig()


@dataclass(frozen=True)
class Spaced:
    """The id `barred` may only come when `gap` others have come since the beginning or since it came."""

    barred: int
    gap: int
    since: int = 0

    @property
    def allowed(self) -> NDArray[np.bool_]:
        mask = np.ones(SIZE, np.bool_)
        mask[self.barred] = self.since >= self.gap
        return mask

    def after(self, id: int) -> "Spaced":
        assert self.allowed[id]
        return replace(self, since=0 if id == self.barred else self.since + 1)


@dataclass(frozen=True)
class Seldom:
    """In every `gap` + 1 places, the last may not hold `barred`; the others may hold anything."""

    barred: int
    gap: int
    place: int = 0

    @property
    def free(self) -> int:
        return self.gap - self.place

    @property
    def allowed(self) -> NDArray[np.bool_]:
        mask = np.ones(SIZE, np.bool_)
        mask[self.barred] = self.free > 0
        return mask

    def after(self, id: int) -> "Seldom":
        assert self.allowed[id]
        return replace(self, place=(self.place + 1) % (self.gap + 1))

    def kept(self, ids: Sequence[int]) -> int:
        return min(len(ids), self.free)

    def after_all(self, ids: Sequence[int]) -> "Seldom":
        return reduce(Seldom.after, ids, self)


@dataclass(frozen=True)
class Hopeful(Seldom):
    """The same, which is never sure of more than one id, and finds out afterwards."""

    @property
    def free(self) -> int:
        return int(self.place < self.gap)

    @property
    def allowed(self) -> NDArray[np.bool_]:
        mask = np.ones(SIZE, np.bool_)
        mask[self.barred] = self.place < self.gap
        return mask

    def kept(self, ids: Sequence[int]) -> int:
        state: Seldom = self
        for number, id in enumerate(ids):
            if not state.allowed.all():
                return number
            state = state.after(id)
        return len(ids)


@dataclass(frozen=True)
class Counted:
    """So many ids."""

    left: int
    allowed = np.ones(SIZE, np.bool_)

    @property
    def over(self) -> bool:
        return self.left == 0

    def after(self, id: int) -> "Counted":
        return Counted(self.left - 1)


@dataclass(frozen=True)
class Blind:
    """Another constraint, of which nobody knows how long it does not matter."""

    inner: Constraint

    @property
    def allowed(self) -> NDArray[np.bool_]:
        return self.inner.allowed

    def after(self, id: int) -> "Blind":
        return Blind(self.inner.after(id))


def drawn(constraint: Constraint, count: int, model: Any = MODEL, seed: int = 5) -> list[int]:
    (stream,) = sample_streams(model, [[1, 2, 3]], config=PLAIN, draws=[Draws(seed)], constraints=[constraint])
    return taken(stream, count)[0]


@given(st.integers(0, SIZE - 1), st.integers(0, 40), st.integers(0, 99))
def test_what_is_foreseen_is_drawn_in_blocks_and_they_change_nothing(barred: int, gap: int, seed: int) -> None:
    model = Stepped(MODEL)
    ids = drawn(Seldom(barred, gap), 120, model, seed)
    assert ids == drawn(Blind(Seldom(barred, gap)), 120, seed=seed)
    assert barred not in ids[gap :: gap + 1]
    assert bool(model.blocks) == (gap > 0)
    assert ids == drawn(Hopeful(barred, gap), 120, Stepped(MODEL), seed)


@given(st.integers(0, 40))
def test_a_stream_ends_where_its_limit_is_over(count: int) -> None:
    (stream,) = sample_streams(MODEL, [[1]], config=PLAIN, draws=[Draws(1)], constraints=[Counted(count)])
    assert len(list(stream)) == count
    assert stream.take() == []
    assert list(stream) == []


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 30))
def test_two_constraints_are_both(first: int, second: int, count: int) -> None:
    whole = together(None, Seldom(first, 4), Spaced(second, 6), Counted(count))
    assert whole is not None
    ids = drawn(whole, 100)
    assert len(ids) == count
    assert first not in ids[4::5]
    at = [-1, *(place for place, id in enumerate(ids) if id == second)]
    assert all(later - earlier > 6 for earlier, later in pairwise(at))


def test_what_both_leave_free_is_free() -> None:
    assert Both(Seldom(1, 4), Seldom(2, 3)).free == 3
    assert Both(Seldom(1, 4), Spaced(2, 3)).free == 0
    assert not Both(Seldom(1, 4), Spaced(2, 3)).over
    assert together() is None
    alone = Counted(1)
    assert together(None, alone) is alone


@dataclass(frozen=True)
class Only:
    """Nothing but one id."""

    id: int

    @property
    def allowed(self) -> NDArray[np.bool_]:
        mask = np.zeros(SIZE, np.bool_)
        mask[self.id] = True
        return mask

    def after(self, id: int) -> "Only":
        return self


def test_where_nothing_may_follow_it_says_so() -> None:
    (stream,) = sample_streams(MODEL, [[1]], config=PLAIN, draws=[Draws(1)], constraints=[Both(Only(3), Only(4))])
    with pytest.raises(ConfigError, match="nothing may follow"):
        stream.take()
