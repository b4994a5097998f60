"""Deterministic automata as tables, their product, and how far each of its states is from the end."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError

DEAD = -1
"""The state that nothing leads out of."""
FAR = 1 << 40
"""More characters than any text has."""
MOST_STEPS = 1_500_000
"""Entries of a table that is explored."""
_MOST_CODES = 1 << 62

Codes = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A deterministic automaton over classes of characters.

    Attributes:
        steps: where each class leads from each state, (S, K); `DEAD` is no state.
        accepting: the states in which a text is whole, (S,).
        start: the state before it.
    """

    steps: NDArray[np.int32]
    accepting: NDArray[np.bool_]
    start: int = 0


def explore(
    start: int, follow: Callable[[Codes], Codes], what: str, most: int = MOST_STEPS
) -> tuple[NDArray[np.int32], Codes]:
    """All states that can be reached, as a table.

    Args:
        start: a state, as a number; it becomes the first.
        follow: from states (F,) to where each class leads, (F, K); below 0 it leads nowhere.
        what: is explored, for a message.
        most: entries of the table.

    Returns:
        The table (S, K), and the number of each state (S,).

    Raises:
        ConfigError: it is too large.
    """
    places = {start: 0}
    frontier = np.array([start], np.int64)
    rows: list[NDArray[np.int32]] = []
    codes = [frontier]
    entries = 0
    while frontier.size:
        reached = follow(frontier)
        entries += reached.size
        if entries > most:
            raise ConfigError(
                f"{what} have more than {len(places):,} states: take fewer or shorter ones, or a shorter line length"
            )
        distinct, where = np.unique(reached, return_inverse=True)
        found, new = [], []
        for code in distinct.tolist():
            if code < 0:
                found.append(DEAD)
                continue
            if code not in places:
                places[code] = len(places)
                new.append(code)
            found.append(places[code])
        rows.append(np.array(found, np.int32)[where].reshape(reached.shape))
        frontier = np.array(new, np.int64)
        codes.append(frontier)
    return np.concatenate(rows), np.concatenate(codes)


def product(tables: Sequence[Table], size: int, most: int = MOST_STEPS) -> Table:
    """The automaton of what all accept, over the same K classes; of none, one that accepts all.

    Args:
        tables: all.
        size: K.
        most: entries of its table.

    Raises:
        ConfigError: it is too large.
    """
    if not tables:
        return Table(np.zeros((1, size), np.int32), np.ones(1, np.bool_))
    sizes = [len(table.accepting) for table in tables]
    radix = [int(np.prod([float(it) for it in sizes[at + 1 :]])) for at in range(len(sizes))]
    if radix[0] * sizes[0] > _MOST_CODES:
        raise ConfigError(
            f"the constraints together have more than {_MOST_CODES:.0e} states: take fewer or shorter ones"
        )

    def follow(codes: Codes) -> Codes:
        reached = np.zeros((len(codes), size), np.int64)
        dead = np.zeros(reached.shape, np.bool_)
        for table, step, its_size in zip(tables, radix, sizes, strict=True):
            steps = table.steps[codes // step % its_size]
            dead |= steps < 0
            reached += steps.astype(np.int64) * step
        reached[dead] = DEAD
        return reached

    start = sum(table.start * step for table, step in zip(tables, radix, strict=True))
    steps, codes = explore(start, follow, "the constraints together", most)
    accepting = np.ones(len(codes), np.bool_)
    for table, step, its_size in zip(tables, radix, sizes, strict=True):
        accepting &= table.accepting[codes // step % its_size]
    return Table(steps, accepting)


def distances(table: Table, writable: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The fewest characters that make a text whole from each state, (S,); `FAR` where none do.

    Args:
        table: the automaton.
        writable: the classes that can be written one by one, (K,).
    """
    columns = table.steps[:, writable]
    sources, _ = np.nonzero(columns >= 0)
    targets = columns[columns >= 0]
    order = np.argsort(targets, kind="stable")
    sources = sources[order]
    begins = np.searchsorted(targets[order], np.arange(len(table.accepting) + 1))
    found = np.full(len(table.accepting), FAR, np.int64)
    frontier = np.flatnonzero(table.accepting)
    distance = 0
    while frontier.size:
        found[frontier] = distance
        distance += 1
        before = concatenated(sources, begins[frontier], begins[frontier + 1])
        frontier = np.unique(before[found[before] == FAR])
    return found


def concatenated(values: NDArray[np.int64], begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The stretches [begin, end) of values, one after the other."""
    lengths = ends - begins
    at = np.arange(lengths.sum()) + np.repeat(begins - np.cumsum(lengths) + lengths, lengths)
    return values[at]  # type: ignore[no-any-return]
