"""The automaton of all constraints over a model's ids: which may come, where each leads, what can still finish.

Where every character that ids write has an id, or bytes, of its own, how far a text is from being whole is counted in
characters. Otherwise, and where the number of ids is bounded, too, it is counted over ids (`gen.constraints.reach`).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from gen.constraints.reach import Reach
from gen.constraints.table import DEAD, FAR, MOST_STEPS, Codes, Table, distances
from gen.constraints.utf8 import Beginnings
from gen.constraints.vocabulary import Groups

_MEMORY = 1 << 26  # bytes of what is remembered, of masks and of rows


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds texts, and the search for them.

    Attributes:
        characters: of a text, at most.
        ids: the same.
        steps: of an automaton that is explored, from one state to another.
    """

    characters: int
    ids: int
    steps: int = MOST_STEPS


class Machine:
    """States are numbers: of the table, and of what has come of a character whose last bytes have not.

    Args:
        table: of all constraints, over the classes of `alphabet`.
        groups: of the ids, over the same.
        beginnings: of characters that come in bytes; None where none do.
        limits: of a text, and of the work that it may make.
        must_finish: a text can be wrong because it is not whole yet.

    Attributes:
        start: the state before the text.
        dead: the state that nothing leads out of.
        unit: each id is one character.
        always_whole: a text is whole after any character.
        whole: all that ids write could be written character by character.
    """

    def __init__(
        self, table: Table, groups: Groups, beginnings: Beginnings | None, limits: Limits, *, must_finish: bool
    ) -> None:
        self.dead = count = len(table.accepting)
        self._groups = groups
        self._beginnings = beginnings
        self.start = table.start
        self.whole, written = self._one_by_one()
        self._distances = np.append(distances(table, written), FAR)
        steps = np.concatenate([table.steps, np.full((1, table.steps.shape[1]), count, np.int32)])
        steps[steps == DEAD] = count
        steps[self._distances[steps] == FAR] = count
        self._steps = steps
        self._accepting = np.append(table.accepting, False)
        self._pending: dict[int, Codes] = {}
        self.always_whole = not must_finish
        self.unit = groups.longest <= 1 and beginnings is None
        self._reach: Reach | None = None
        if (must_finish and not (self.whole and (self.unit or limits.ids >= FAR))) or (
            not self.whole and beginnings is not None
        ):
            self._reach = Reach(self, limits if must_finish else replace(limits, ids=FAR, characters=FAR))
        self._rows: dict[int, tuple[Codes, Codes, int]] = {}
        self._masks: dict[int, NDArray[np.bool_]] = {}

    def _one_by_one(self) -> tuple[bool, NDArray[np.bool_]]:
        """Whether all that ids write could be written character by character, and the classes of it, (K,)."""
        groups, beginnings = self._groups, self._beginnings
        if beginnings is None:
            return not bool((groups.used & ~groups.singles).any()), groups.used
        in_bytes = beginnings.possible.any(0)
        needed = np.flatnonzero((beginnings.steps != DEAD).any(0))
        every = bool(np.isin(needed, groups.bytes).all())
        return every and not bool((groups.used & ~(groups.singles | in_bytes)).any()), groups.used | in_bytes

    @property
    def longest(self) -> int:
        """Characters of an id, at most."""
        return max(1, self._groups.longest)

    def accepts(self, state: int) -> bool:
        """Whether a text is whole."""
        return state < self.dead and bool(self._accepting[state])

    def follow(self, states: Codes, depth: int | None = None) -> tuple[Codes, Codes]:
        """Where each group of ids leads from each state, and how many characters that completes, both (F, G + 1).

        Args:
            states: (F,).
            depth: characters after which an id is cut off; None cuts none.
        """
        groups, count = self._groups, self.dead + 1
        texts, total = len(groups.nodes), len(groups.nodes) + len(groups.bytes) + 1
        reached = np.full((len(states), total), self.dead, np.int64)
        units = np.zeros(reached.shape, np.int64)
        units[:, :texts] = groups.lengths
        states, begun = states % count, states // count
        roots = np.flatnonzero(begun == 0)
        if roots.size:
            reached[roots, :texts] = self._walked(states[roots], depth)
        if self._beginnings is not None:
            following = self._beginnings.steps[begun][:, groups.bytes].astype(np.int64)
            completes = self._beginnings.completes[begun][:, None] & (following >= 0)
            after = self._steps[states[:, None], np.where(completes, following, 0)]
            inside = np.where(following > 0, states[:, None] + following * count, self.dead)
            reached[:, texts:-1] = np.where(completes, after, inside)
            units[:, texts:-1] = completes
        return reached, units

    def _walked(self, states: Codes, depth: int | None) -> Codes:
        """Where each group of whole characters leads from states between characters."""
        levels = self._groups.levels
        found = np.empty((len(states), levels[-1].end if levels else 1), np.int64)
        found[:, 0] = states
        for number, level in enumerate(levels):
            before = found[:, level.parents]
            cut = depth is not None and number >= depth
            found[:, level.begin : level.end] = before if cut else self._steps[before, level.classes]
        return found[:, self._groups.nodes]

    def least(self, states: Codes) -> Codes:
        """The fewest characters that make a text whole from each state; fewer where not all can be written alone."""
        states, begun = states % (self.dead + 1), states // (self.dead + 1)
        found = self._distances[states]
        for node in np.unique(begun[begun > 0]).tolist():
            here = begun == node
            found[here] = self._pended(node)[states[here]]
        return found

    def _pended(self, node: int) -> Codes:
        """The same from each state with a character that has begun, (S + 1,)."""
        if node not in self._pending:
            assert self._beginnings is not None
            after = self._distances[self._steps[:, self._beginnings.possible[node]]]
            self._pending[node] = np.minimum(after.min(1) + 1, FAR)
        return self._pending[node]

    def _needed(self, reached: Codes, units: Codes, ids: int) -> Codes:
        """The fewest characters of a text that goes on into these states, which complete so many."""
        found = self.least(reached) if self._reach is None else self._reach.least(reached, ids)
        if self.always_whole:  # a text is whole after any character
            found = np.where(reached < self.dead, 0, found)
        else:
            found = found + units
        found[reached == self.dead] = FAR
        return found

    def row(self, state: int, ids: int) -> tuple[Codes, Codes, int]:
        """Where each group leads, the fewest characters of a text that goes on with it, and the most of these.

        Args:
            state: before.
            ids: that may come, at most.
        """
        limited = self._limited(ids)
        found = None if limited else self._rows.get(state)
        if found is None:
            (reached,), (units,) = self.follow(np.array([state], np.int64))
            needed = self._needed(reached, units, ids - 1 if limited else FAR)
            finite = needed[needed < FAR]
            found = reached, needed, int(finite.max(initial=0))
            if not limited:
                if len(self._rows) > _MEMORY // (16 * len(reached)):
                    self._rows.clear()
                self._rows[state] = found
        return found

    def _limited(self, ids: int) -> bool:
        """Whether the number of ids that may come matters."""
        return self._reach is not None and not self.always_whole and ids <= self._reach.longest

    def fewest(self) -> int:
        """The fewest characters of a text that is not empty, fewer where not all can be written alone."""
        return int((self._distances[self._steps[self.start]] + 1).min(initial=FAR))

    @cached_property
    def _safe(self) -> Codes:
        """How many characters may be any from each state, whatever they are, (S,)."""
        if self._beginnings is not None or self._reach is not None:
            return np.zeros(self.dead, np.int64)
        steps = np.where(self._steps[:-1] == self.dead, DEAD, self._steps[:-1])
        used = self._groups.used
        return distances(Table(steps, (steps[:, used] == DEAD).any(1)), used)

    @cached_property
    def _furthest(self) -> int:
        """Characters that any text needs to become whole, at most."""
        return 0 if self.always_whole else int(self._distances[self._distances < FAR].max(initial=0))

    def free(self, state: int, characters: int, ids: int) -> int:
        """How many of the next ids may be any that write something; the arguments are those of `allowed`."""
        safe = int(self._safe[state]) if state < self.dead else 0
        if not self.always_whole:
            safe = min(safe, (min(characters, ids) if self.unit else characters) - self._furthest)
        return max(0, safe // self.longest)

    def allowed(self, state: int, characters: int, ids: int) -> NDArray[np.bool_]:
        """The ids that may come next, (V,).

        Args:
            state: before.
            characters: that may come, at most.
            ids: the same.
        """
        if min(characters, ids) <= 0:
            return np.zeros(self._groups.size, np.bool_)
        if self.unit:
            characters = min(characters, ids)
        if self.always_whole and characters < self._groups.longest and state < self.dead:
            (reached,), (units,) = self.follow(np.array([state], np.int64), characters)
            return (self._needed(reached, units, FAR) < FAR)[self._groups.of_id]
        _, needed, most = self.row(state, ids)
        if characters < most or self._limited(ids):
            return (needed <= min(characters, FAR - 1))[self._groups.of_id]
        if state not in self._masks:
            if len(self._masks) > _MEMORY // self._groups.size:
                self._masks.clear()
            self._masks[state] = (needed < FAR)[self._groups.of_id]
        return self._masks[state]

    def after(self, state: int, id: int) -> tuple[int, int]:
        """Where an id leads, and how many characters it completes."""
        group = int(self._groups.of_id[id])
        found = self._rows.get(state)
        reached = self.follow(np.array([state], np.int64))[0][0] if found is None else found[0]
        if group < len(self._groups.lengths):
            return int(reached[group]), int(self._groups.lengths[group])
        assert self._beginnings is not None
        return int(reached[group]), int(self._beginnings.completes[state // (self.dead + 1)])
