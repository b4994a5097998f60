"""How many threads share a call."""

import time

import pytest

from gen.engine.threads import WORTH_A_TEAM, Threads


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, which passes only when it is moved."""
    now = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: now[0])
    return now


def blocks(threads: Threads, clock: list[float], seconds: dict[int, float], count: int, *, batch: int = 1) -> list[int]:
    """The numbers that are chosen for blocks which take so long with each."""
    chosen = []
    for _ in range(count):
        with threads.of(batch, 4, WORTH_A_TEAM) as number:
            clock[0] += 4 * seconds[number]
        chosen.append(number)
    return chosen


def test_each_number_is_tried_and_the_quickest_kept(clock: list[float]) -> None:
    chosen = blocks(Threads(9), clock, {1: 4.0, 2: 2.5, 4: 2.0, 8: 3.0}, 20)
    assert sorted(chosen[:4]) == [1, 2, 4, 8]
    assert set(chosen[4:]) == {4}


def test_what_became_slow_is_left_and_tried_again_one_day(clock: list[float]) -> None:
    threads = Threads(2)
    assert set(blocks(threads, clock, {1: 3.0, 2: 1.0}, 20)[2:]) == {2}
    assert set(blocks(threads, clock, {1: 3.0, 2: 50.0}, 20)[5:]) == {1}
    assert 2 in blocks(threads, clock, {1: 3.0, 2: 1.0}, 400)
    assert set(blocks(threads, clock, {1: 3.0, 2: 1.0}, 20)) == {2}


def test_a_call_that_was_held_up_does_not_count_for_long(clock: list[float]) -> None:
    threads = Threads(2)
    assert set(blocks(threads, clock, {1: 3.0, 2: 1.0}, 20)[2:]) == {2}
    assert blocks(threads, clock, {1: 3.0, 2: 50.0}, 1) == [2]
    assert set(blocks(threads, clock, {1: 3.0, 2: 1.0}, 20)) == {2}


def test_calls_of_another_kind_are_another_matter(clock: list[float]) -> None:
    threads = Threads(2)
    blocks(threads, clock, {1: 1.0, 2: 2.0}, 5)
    assert blocks(threads, clock, {1: 2.0, 2: 1.0}, 5, batch=64)[2:] == [2, 2, 2]
    assert blocks(threads, clock, {1: 1.0, 2: 2.0}, 3) == [1, 1, 1]


def test_a_little_work_and_a_lone_processor_have_one_thread() -> None:
    with Threads(8).of(1, 16, WORTH_A_TEAM - 1) as number:
        assert number == 1
    with Threads(1).of(64, 256, 10 * WORTH_A_TEAM) as number:
        assert number == 1
