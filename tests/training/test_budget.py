"""How far a run is, by steps and by the clock, and when it validates."""

from typing import Any

import pytest

from gen.config import TrainConfig
from gen.training.budget import Budget
from gen.training.clock import Clock


class Still(Clock):
    """A clock that is set by hand."""

    now = 0.0

    def seconds(self) -> float:
        return self.now


def by_steps(**settings: Any) -> Budget:
    return Budget(TrainConfig(**{"steps": 100, "validate_every": 20} | settings), Still())


def test_steps_are_progress() -> None:
    budget = by_steps()
    assert [budget.progress(step) for step in (0, 50, 100, 130)] == [0, 0.5, 1, 1]


def test_steps_validate_at_fixed_steps_and_at_the_end() -> None:
    assert [step for step in range(101) if by_steps().validation_due(step)] == [20, 40, 60, 80, 100]
    assert [step for step in range(101) if by_steps(validate_every=0).validation_due(step)] == [100]


def test_short_runs_read_little_of_a_large_validation_part() -> None:
    budget = by_steps(steps=20, batch_size=4, sequence_length=16)
    assert budget.reserve(10**6, 1e-5) == 2**13
    assert budget.interim(10**6) == 2**11
    assert budget.reserve(1000, 1e-5) == 1000


def test_minutes_keep_time_for_the_last_pass() -> None:
    clock = Still()
    budget = Budget(TrainConfig(minutes=1.0), clock)
    assert budget.reserve(100_000, 1e-5) == 100_000
    clock.now = 58.9  # of 60; the last second and a bit is kept
    assert budget.progress(7) == 1
    assert budget.reserve(10**7, 1e-5) == pytest.approx(600_000)  # a tenth of the minute


def test_minutes_validate_by_the_clock_and_seldom_where_it_is_costly() -> None:
    clock = Still()
    budget = Budget(TrainConfig(minutes=1.0), clock)
    clock.now = 5.0
    assert not budget.validation_due(100)
    clock.now = 6.1
    assert budget.validation_due(120)
    budget.validated(120, seconds=0.1)
    clock.now = 12.3
    assert budget.validation_due(240)
    budget.validated(240, seconds=9.0)  # 15 % of the minute: not again before the end
    clock.now = 59.0
    assert not budget.validation_due(900)
    clock.now = 60.0
    assert budget.validation_due(950)
