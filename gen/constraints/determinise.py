"""From a nondeterministic automaton to a table: subsets of its states (Rabin & Scott 1959), as bits of whole numbers.

Of states that take the same character again and again, only the one that the most may follow is kept, or they would
multiply. Assertions are resolved when the next character is known. `$` before the last line end is a promise that the
line end is the last: what passes it is kept apart until then.
"""

import re
from re import _constants as sre  # type: ignore[attr-defined]
from typing import NamedTuple

import numpy as np

from gen.constraints.alphabet import Alphabet, Leaf
from gen.constraints.regex import Assertion, Automaton
from gen.constraints.table import DEAD, Table
from gen.errors import ConfigError

_MOST_STATES = 10_000
_MOST_WORK = 400_000  # steps of what takes most of the time
_IN_NOTHING = re.fullmatch(r"\B", "") is not None  # which Python 3.14 changed
_NEWLINE = Leaf.of("\n")
_WORD = tuple(
    Leaf(sre.IN, ((sre.CATEGORY, sre.CATEGORY_WORD),), flags) for flags in (sre.SRE_FLAG_UNICODE, sre.SRE_FLAG_ASCII)
)


class _Kind(NamedTuple):
    """What assertions have to know of a character, or of what stands in its place at either end."""

    edge: bool = False
    newline: bool = False
    word: bool = False
    ascii_word: bool = False


_EDGE = _Kind(edge=True)


class _Core(NamedTuple):
    """A state of the table: states before their assertions, those that nothing may follow, and the last character."""

    nodes: int
    last: int
    before: _Kind


def leaves_of(automaton: Automaton) -> list[Leaf]:
    """What tells characters apart for it."""
    asserted = any(node.assertion is not None for node in automaton.nodes)
    return [node.leaf for node in automaton.nodes if node.leaf is not None] + [_NEWLINE, *_WORD] * asserted


def table_of(automaton: Automaton, alphabet: Alphabet) -> Table:
    """The same automaton as a table over classes of characters.

    Raises:
        ConfigError: it is too large.
    """
    return _Determiniser(automaton, alphabet).run()


class _Determiniser:
    def __init__(self, automaton: Automaton, alphabet: Alphabet) -> None:
        self._nodes = automaton.nodes
        self._size = alphabet.size
        self._start = automaton.start
        self._chains = [(bits, first) for bits, first in automaton.chains if bits & (bits - 1)]
        self._closures = self._closed()
        self._asserting = sum(1 << at for at, node in enumerate(self._nodes) if node.assertion is not None)
        by_leaf: dict[Leaf, int] = {}
        for at, node in enumerate(self._nodes):
            if node.leaf is not None:
                by_leaf[node.leaf] = by_leaf.get(node.leaf, 0) | 1 << at
        self._taking = [0] * alphabet.size  # the states that take a class
        for leaf, bits in by_leaf.items():
            for it in np.flatnonzero(alphabet.matched(leaf)).tolist():
                self._taking[it] |= bits
        self._kinds = [_Kind()] * alphabet.size
        if self._asserting:
            facts = zip(*(alphabet.matched(leaf).tolist() for leaf in (_NEWLINE, *_WORD)), strict=True)
            self._kinds = [_Kind(False, *its) for its in facts]
        self._work = 0

    def _closed(self) -> list[int]:
        """What each state leads to without a character or an assertion."""
        nodes = self._nodes
        closures = [1 << at if at == 0 or it.leaf or it.assertion else 0 for at, it in enumerate(nodes)]
        inner = [at for at, closure in enumerate(closures) if not closure]
        changed = True
        while changed:  # once, and once more for each loop within loops
            changed = False
            for at in inner:
                closure = 0
                for target in nodes[at].targets:
                    closure |= closures[target]
                changed |= closure != closures[at]
                closures[at] = closure
        return closures

    def run(self) -> Table:
        """All that can be reached."""
        start = self._core(self._closures[self._start], 0, _EDGE)
        places = {start: 0}
        cores, rows, accepting = [start], [], []
        for core in cores:  # it grows
            accepting.append(self._accepts(core))
            row = []
            for following in self._steps(core):
                if following is None:
                    row.append(DEAD)
                    continue
                place = places.setdefault(following, len(cores))
                if place == len(cores):
                    cores.append(following)
                row.append(place)
            rows.append(row)
            self._work += self._size
            if len(cores) > _MOST_STATES or self._work > _MOST_WORK:
                raise ConfigError(
                    f"the automaton of regex has more than {min(len(cores), _MOST_STATES):,} states: "
                    "repeat less often, or leave less open"
                )
        return Table(np.array(rows, np.int32), np.array(accepting, np.bool_))

    def _core(self, nodes: int, last: int, before: _Kind) -> _Core:
        for chain, first_is_strongest in self._chains:
            found = nodes & chain
            if found & (found - 1):
                strongest = found & -found if first_is_strongest else 1 << (found.bit_length() - 1)
                nodes ^= found ^ strongest
        last &= ~nodes
        return _Core(nodes, last, before if (nodes | last) & self._asserting else _Kind())

    def _steps(self, core: _Core) -> list[_Core | None]:
        """Where each class leads."""
        found: dict[tuple[_Kind, int, int], _Core | None] = {}
        expanded: dict[_Kind, tuple[int, int]] = {}
        steps = []
        for taking, kind in zip(self._taking, self._kinds, strict=True):
            if kind not in expanded:
                expanded[kind] = self._expanded(core.nodes, 0, core.before, kind)
            nodes, last = (bits & taking for bits in expanded[kind])
            key = kind if self._asserting else _Kind(), nodes, last
            if key not in found:
                nodes, last = self._targets(nodes), self._targets(last)
                found[key] = self._core(nodes, last, kind) if nodes | last else None
            steps.append(found[key])
        return steps

    def _targets(self, bits: int) -> int:
        """What these states lead to with a character."""
        reached = 0
        while bits:
            lowest = bits & -bits
            bits ^= lowest
            reached |= self._closures[self._nodes[lowest.bit_length() - 1].targets[0]]
            self._work += 1
        return reached

    def _accepts(self, core: _Core) -> bool:
        nodes, last = self._expanded(core.nodes, core.last, core.before, _EDGE)
        return bool((nodes | last) & 1)

    def _expanded(self, nodes: int, last: int, before: _Kind, after: _Kind) -> tuple[int, int]:
        """These states with those behind assertions that hold between two characters."""
        done = [0, 0]
        while True:
            found = [nodes, last]
            for lane in (0, 1):
                bits = found[lane] & self._asserting & ~done[lane]
                done[lane] |= bits
                while bits:
                    lowest = bits & -bits
                    bits ^= lowest
                    self._work += 1
                    node = self._nodes[lowest.bit_length() - 1]
                    assert node.assertion is not None
                    if not _holds(node.assertion, before, after):
                        continue
                    closure = self._closures[node.targets[0]]
                    if lane == 1 or _is_last(node.assertion, after):
                        last |= closure
                    else:
                        nodes |= closure
            if found == [nodes, last]:
                return nodes, last


def _holds(assertion: Assertion, before: _Kind, after: _Kind) -> bool:
    at, lines = assertion.at, assertion.lines
    if at in (sre.AT_BEGINNING, sre.AT_BEGINNING_STRING):
        return before.edge or (lines and at is sre.AT_BEGINNING and before.newline)
    if at in (sre.AT_END, sre.AT_END_STRING):
        return after.edge or (at is sre.AT_END and after.newline)
    if before.edge and after.edge:
        return at is sre.AT_NON_BOUNDARY and _IN_NOTHING
    words = [kind.ascii_word if assertion.ascii else kind.word for kind in (before, after)]
    return (words[0] != words[1]) == (at is sre.AT_BOUNDARY)


def _is_last(assertion: Assertion, after: _Kind) -> bool:
    """Whether it holds only if the next character is the last."""
    return assertion.at is sre.AT_END and not assertion.lines and after.newline
