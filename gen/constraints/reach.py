"""How far a text is from being whole where characters and ids are both counted, or not all can be written alone."""

from typing import TYPE_CHECKING

import numpy as np

from gen.constraints.table import FAR, Codes
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.constraints.machine import Machine

_MOST_STEPS = 5_000_000  # groups of ids times states
_MOST_WORK = 100_000_000  # steps, each time that one more id may come
_MOST_NUMBERS = 10_000_000
_TOGETHER = 1_000_000  # numbers


class Reach:
    """The fewest characters that make a text whole with at most so many ids, from every state that ids lead to.

    With one id more, a text is as short as the best of what each id leads to with one id less (Bellman 1957).

    Args:
        machine: of the states.
        ids: of a text, at most.

    Raises:
        ConfigError: there are too many states.

    Attributes:
        longest: more ids than this make no text shorter.
    """

    def __init__(self, machine: "Machine", ids: int) -> None:
        self._explore(machine)
        accepting = [machine.accepts(state) for state in self._states.tolist()]
        least = np.append(np.where(accepting, 0, FAR), FAR)
        rows = [least]
        while len(rows) <= ids:
            best = least.copy()
            if len(self._sources):
                through = np.minimum.reduceat(self._units + least[self._targets], self._begins)
                best[self._sources] = np.minimum(best[self._sources], through)
            if (best == least).all():
                break
            least = best
            rows.append(least)
            if len(rows) * len(self._targets) > _MOST_WORK or len(rows) * len(least) > _MOST_NUMBERS:
                raise ConfigError(_too_large(len(self._states)))
        self._rows = np.array(rows)
        self.longest = len(rows) - 1

    def _explore(self, machine: "Machine") -> None:
        """All states, and what leads from one to another."""
        places = {machine.start: 0}
        frontier = np.array([machine.start], np.int64)
        edges = []
        done = 0
        while frontier.size:
            new: list[int] = []
            together = 1
            at = 0
            while at < len(frontier):
                states = frontier[at : at + together]
                reached, units = machine.follow(states)
                done += reached.size
                if done > _MOST_STEPS:
                    raise ConfigError(_too_large(len(places)))
                at += len(states)
                together = max(1, _TOGETHER // reached.shape[1])
                sources = np.repeat([places[it] for it in states.tolist()], reached.shape[1])
                alive = reached.reshape(-1) != machine.dead
                found = np.stack([sources, reached.reshape(-1), units.reshape(-1)])[:, alive]
                found = _distinct(found)
                for code in np.unique(found[1]).tolist():
                    if code not in places:
                        places[code] = len(places)
                        new.append(code)
                edges.append(found)
            frontier = np.array(new, np.int64)
        sources, codes, self._units = np.concatenate(edges, 1)
        self._states = np.array(list(places), np.int64)
        self._order = np.argsort(self._states)
        self._targets = self._places(codes)
        self._sources, self._begins = np.unique(sources, return_index=True)

    def _places(self, codes: Codes) -> Codes:
        """Where states are among all; behind them where they are not."""
        at = np.searchsorted(self._states, codes, sorter=self._order)
        places = self._order[np.minimum(at, len(self._order) - 1)]
        return np.where(self._states[places] == codes, places, len(self._states))

    def least(self, states: Codes, ids: int) -> Codes:
        """The fewest characters that make a text whole from each state, with so many ids at most."""
        return self._rows[min(ids, self.longest)][self._places(states)]  # type: ignore[no-any-return]


def _distinct(edges: Codes) -> Codes:
    """Each once, in order."""
    ordered = edges[:, np.lexsort(edges[::-1])]
    new = np.append(True, (np.diff(ordered, axis=1) != 0).any(0))[: ordered.shape[1]]
    return ordered[:, new]


def _too_large(states: int) -> str:
    return (
        f"the constraints have more than {states:,} states over the model's tokens: "
        "make them simpler, or bound the characters in place of the tokens"
    )
