"""`gen probe` of tasks: each cell learns each of them at each lag."""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from gen.cli.charts import Axis, Chart, Curve
from gen.cli.reading import shown_share
from gen.cli.terminal import say, table
from gen.config import Cell
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.inspection import Memory
    from gen.inspection.tasks import TaskName

_FLOOR = 1e-12
"""Gradients below it are drawn at it: they teach nothing."""


def probe_tasks(
    task: str | None, lags: str | None, cells: str | None, hidden: int | None, steps: int | None, seed: int | None
) -> tuple[dict[str, Any], str, list[Chart]]:
    """Train all, telling of each, and return what was found: as JSON values, as tables, as charts.

    Raises:
        ConfigError: a value cannot be used.
    """
    from gen.config import GATES, require
    from gen.inspection.remembering import HIDDEN, LAGS, MAX_LAG, STEPS, check, remember
    from gen.inspection.tasks import TASKS
    from gen.training.device import use_threads

    require(task in (None, "both", *TASKS), "task", task, f"one of {', '.join(TASKS)}, both")
    chosen_tasks: list[Any] = list(TASKS) if task in (None, "both") else [task]
    chosen_lags = sorted(set(_numbers(lags, f"numbers in 2 … {MAX_LAG:,}"))) if lags is not None else list(LAGS)
    chosen_cells: list[Any] = list(GATES) if cells is None else list(dict.fromkeys(_parts(cells)))
    require(len(chosen_cells) > 0, "cells", cells, f"some of {', '.join(GATES)}, with commas between them")
    size = HIDDEN if hidden is None else hidden
    budget = STEPS if steps is None else steps
    seed = 0 if seed is None else seed
    for cell in chosen_cells:
        for lag in chosen_lags:
            check(chosen_tasks[0], cell, lag, hidden=size, steps=budget, seed=seed)
    use_threads(1)  # products as small as these are slower when they are shared
    say(f"one layer of {size} units, seed {seed}, at most {budget:,} steps for each cell and lag", "dim")
    found: list[Memory] = []
    began = time.perf_counter()
    for name in chosen_tasks:
        for lag in chosen_lags:
            for cell in chosen_cells:
                start = time.perf_counter()
                work = remember(name, cell, lag, hidden=size, steps=budget, seed=seed)
                found.append(shown_share(f"{name}, lag {lag}, {cell}", work))
                say(_told(found[-1], time.perf_counter() - start), "dim")
    facts = {
        "hidden": size,
        "steps": budget,
        "seed": seed,
        "seconds": round(time.perf_counter() - began, 1),
        "probes": [memory.to_dict() for memory in found],
    }
    by_task = [[memory for memory in found if memory.task == name] for name in chosen_tasks]
    return facts, "\n".join(map(_report, by_task)), [chart for memories in by_task for chart in _charts(memories)]


def _parts(given: str) -> list[str]:
    return [part.strip() for part in given.split(",") if part.strip()]


def _numbers(given: str, needed: str) -> list[int]:
    """Whole numbers with commas between them."""
    try:
        found = [int(part) for part in _parts(given)]
    except ValueError:
        found = []
    if not found:
        raise ConfigError(f"lags is {given[:60]!r}; it must be {needed}, with commas between them")
    return found


def _told(memory: "Memory", seconds: float) -> str:
    """One training in a line."""
    return (
        f"{memory.task}, lag {memory.lag}, {memory.cell}: {memory.right:.1%} right after {memory.steps} steps, "
        f"{seconds:.1f} s"
    )


def _report(memories: "Sequence[Memory]") -> str:
    """A task's table, and what it shows."""
    rows = [
        [
            str(memory.lag),
            memory.cell,
            f"{memory.right:.1%}",
            f"{memory.loss:.4f}",
            f"{memory.gradient_before:.0e}",
            f"{memory.gradient_after:.0e}",
        ]
        for memory in memories
    ]
    lines = table(["lag", "cell", "right", "loss", "before", "after"], rows, right={0, 2, 3, 4, 5})
    return f"{_TITLES[memories[0].task]}\n{lines}" + "".join(f"{line}\n" for line in _shown(memories))


_TITLES: "dict[TaskName, str]" = {"recall": "delayed recall", "adding": "the adding problem"}


def _shown(memories: "Sequence[Memory]") -> Iterator[str]:
    """At which lags some cells are right and others at chance."""
    told: dict[tuple[tuple[Cell, ...], tuple[Cell, ...]], list[int]] = {}
    for lag in dict.fromkeys(memory.lag for memory in memories):
        here = [memory for memory in memories if memory.lag == lag]
        right = tuple(memory.cell for memory in here if memory.learned)
        lost = tuple(memory.cell for memory in here if memory.at_chance)
        if right and lost:
            told.setdefault((right, lost), []).append(lag)
    for (right, lost), lags in told.items():
        yield (
            f"lag {', '.join(map(str, lags))}: {' and '.join(right)} right (> 99%), {' and '.join(lost)} at chance "
            f"({memories[0].chance:.1%}, or up to 5 points above)"
        )


def _charts(memories: "Sequence[Memory]") -> list[Chart]:
    """What is right, and which part of the gradient comes back, against the lag."""
    name = _TITLES[memories[0].task]
    lags = sorted({memory.lag for memory in memories})
    cells = list(dict.fromkeys(memory.cell for memory in memories))
    low, high = (lags[0], lags[-1]) if len(lags) > 1 else (lags[0] / 2, lags[0] * 2)
    across = Axis("lag", low, high, log=True, ticks=lags)

    def curves(value: str, floor: float = 0.0) -> list[Curve]:
        return [
            Curve(
                cell,
                [(it.lag, max(floor, getattr(it, value))) for it in memories if it.cell == cell],
                cell[0].upper(),
            )
            for cell in cells
        ]

    chance = memories[0].chance
    charts = [
        Chart(
            f"{name}: sequences answered right",
            across,
            Axis("right", 0, 1, digits=".0%"),
            curves("right"),
            [(f"chance {chance:.1%}", chance)],
        )
    ]
    for when in ("before", "after"):
        drawn = curves(f"gradient_{when}", _FLOOR)
        top = max(1.0, *(y for curve in drawn for _, y in curve.points))
        axis = Axis("ratio", _FLOOR, 10 ** _ceiling(top), log=True, digits="g")
        charts.append(Chart(f"{name}: gradient that comes back to the beginning, {when} training", across, axis, drawn))
    return charts


def _ceiling(value: float) -> int:
    """The power of ten that is not below a value."""
    power = 0
    while 10**power < value:
        power += 1
    return power
