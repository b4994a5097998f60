"""How far a text is from being whole where characters and ids are both counted, or not all can be written alone."""

from typing import TYPE_CHECKING

import numpy as np

from gen.constraints.table import FAR, Codes
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.constraints.machine import Limits, Machine

_STEPS = 4  # as many as a table has entries
_MOST_WORK = 30_000_000  # steps, each time that one more id may come
_MOST_NUMBERS = 10_000_000
_TOGETHER = 1_000_000  # numbers


class Reach:
    """The fewest characters that make a text whole with at most so many ids, from every state that ids lead to.

    With one id more, a text is as short as the best of what each id leads to with one id less (Bellman 1957).

    Args:
        machine: of the states.
        limits: of a text; states that cannot finish within them are left out.

    Raises:
        ConfigError: there are too many states.

    Attributes:
        longest: more ids than this make no text shorter.
    """

    def __init__(self, machine: "Machine", limits: "Limits") -> None:
        self._explore(machine, limits)
        accepting = [machine.accepts(state) for state in self._states.tolist()]
        least = np.append(np.where(accepting, 0, FAR), FAR)
        rows = [least]
        while len(rows) <= limits.ids and len(self._sources):
            through = np.minimum.reduceat(self._units + least[self._targets], self._begins)
            best = least.copy()
            best[self._sources] = np.minimum(best[self._sources], through)
            best[best > limits.characters] = FAR
            if (best == least).all():
                break
            least = best
            rows.append(least)
            if len(rows) * len(self._targets) > _MOST_WORK or len(rows) * len(least) > _MOST_NUMBERS:
                raise ConfigError(_too_large(len(self._states), limits))
        self._rows = np.array(rows)
        self.longest = len(rows) - 1

    def _explore(self, machine: "Machine", limits: "Limits") -> None:
        """All states from which a text can become whole, and what leads from one to another."""
        places = {machine.start: 0}
        frontier = np.array([machine.start], np.int64)
        edges = [np.empty((3, 0), np.int64)]
        done = depth = 0
        together = 1
        while frontier.size:
            new: list[int] = []
            depth += 1
            for at in _batches(len(frontier), together):
                states = frontier[at]
                reached, units = machine.follow(states)
                together = max(1, _TOGETHER // reached.shape[1])
                done += reached.size
                if done > _STEPS * limits.steps:
                    raise ConfigError(_too_large(len(places), limits))
                which, codes, its_units = _distinct(reached, units, machine.dead, machine.longest)
                left = machine.least(codes)
                ids = depth - -left // machine.longest
                possible = (left <= min(limits.characters, FAR - 1)) & (ids <= limits.ids)
                sources = np.array([places[it] for it in states.tolist()])[which]
                edges.append(np.stack([sources, codes, its_units])[:, possible])
                for code in np.unique(codes[possible]).tolist():
                    if code not in places:
                        places[code] = len(places)
                        new.append(code)
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


def _distinct(reached: Codes, units: Codes, dead: int, longest: int) -> tuple[Codes, Codes, Codes]:
    """The steps that lead somewhere, each once: the row that it is from, where it leads, and its characters."""
    keys = np.sort(np.where(reached == dead, -1, reached * (longest + 1) + units), axis=1)
    new = keys >= 0
    new[:, 1:] &= keys[:, 1:] != keys[:, :-1]
    which, _ = np.nonzero(new)
    codes, its_units = np.divmod(keys[new], longest + 1)
    return which, codes, its_units


def _batches(size: int, together: int) -> list[slice]:
    return [slice(at, at + together) for at in range(0, size, together)]


def _too_large(states: int, limits: "Limits") -> str:
    remedy = "take fewer or simpler ones" + ", or bound the characters in place of the tokens" * (limits.ids < FAR)
    return f"the constraints together have more than {states:,} states over the model's tokens: {remedy}"
