"""A regular expression as a nondeterministic automaton (Thompson 1968), with what it asserts between characters.

Python's own parser reads it. What no finite automaton can follow is refused.
"""

import re
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from re import _constants as sre  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

from gen.constraints.alphabet import Leaf, frozen
from gen.errors import ConfigError

MOST_NODES = 10_000
_SHOWN = 60  # characters of a text in a message

_TYPES = re.ASCII | re.LOCALE | re.UNICODE
_REPEATS = (sre.MAX_REPEAT, sre.MIN_REPEAT)  # where all of a text has to match, both match the same texts
_LEAVES = (sre.LITERAL, sre.NOT_LITERAL, sre.ANY, sre.IN)
_REFUSED = {
    sre.ASSERT: "a look-ahead or look-behind",
    sre.ASSERT_NOT: "a look-ahead or look-behind",
    sre.GROUPREF: "a reference to a group",
    sre.GROUPREF_EXISTS: "a condition on a group",
    sre.ATOMIC_GROUP: "an atomic group",
    sre.POSSESSIVE_REPEAT: "a possessive repetition",
}


@dataclass(frozen=True, slots=True)
class Assertion:
    """What has to hold between two characters.

    Attributes:
        at: its kind, as the parser calls it.
        lines: `^` and `$` hold at every line.
        ascii: only ASCII is in words.
    """

    at: Any
    lines: bool = False
    ascii: bool = False


@dataclass(frozen=True, slots=True)
class Node:
    """A state of the automaton.

    Attributes:
        targets: where it leads.
        leaf: the character that this takes; None where it takes none.
        assertion: what has to hold for it.
    """

    targets: tuple[int, ...]
    leaf: Leaf | None = None
    assertion: Assertion | None = None


@dataclass(slots=True)
class Automaton:
    """A nondeterministic automaton.

    Attributes:
        nodes: its states; the first is that of a text that matches.
        start: the state in the beginning.
        chains: states that take the same character again and again, as bits: of several at once, what may follow the
            weaker ones may follow the strongest, which is the first or the last of them.
    """

    nodes: list[Node] = field(default_factory=lambda: [Node(())])
    start: int = 0
    chains: list[tuple[int, bool]] = field(default_factory=list)

    @classmethod
    def of(cls, pattern: str) -> "Automaton":
        """That of a regular expression.

        Raises:
            ConfigError: no finite automaton can follow it, or it is too large.
        """
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            parsed = _parser.parse(pattern)
        refused = next((why for op, why in _REFUSED.items() if any(op is it for it in _ops(parsed))), None)
        if refused is not None:
            raise ConfigError(f"regex is {pattern!r}, with {refused}, which no text can be led by: leave it out")
        if _size(parsed) > MOST_NODES:
            raise ConfigError(f"regex is {shown(pattern)}: it has more than {MOST_NODES:,} parts: repeat less often")
        automaton = cls()
        automaton.start = automaton._sequence(parsed, parsed.state.flags, 0)
        return automaton

    def _add(self, node: Node) -> int:
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _sequence(self, items: Any, flags: int, after: int) -> int:
        """What begins with these items, and goes on with the state `after`."""
        for op, argument in reversed(list(items)):
            after = self._item(op, argument, flags, after)
        return after

    def _item(self, op: Any, argument: Any, flags: int, after: int) -> int:
        if op in _LEAVES:
            return self._add(Node((after,), leaf=Leaf(op, frozen(argument), flags)))
        if op is sre.AT:
            assertion = Assertion(argument, bool(flags & re.MULTILINE), bool(flags & re.ASCII))
            return self._add(Node((after,), assertion=assertion))
        if op is sre.BRANCH:
            return self._add(Node(tuple(self._sequence(branch, flags, after) for branch in argument[1])))
        if op is sre.SUBPATTERN:
            _, added, removed, items = argument
            if added & _TYPES:
                flags &= ~_TYPES
            return self._sequence(items, (flags | added) & ~removed, after)
        if op in _REPEATS:
            least, most, items = argument
            return self._repeat(least, most, items, flags, after)
        assert op is sre.FAILURE, op
        return self._add(Node(()))

    def _repeat(self, least: int, most: Any, items: Any, flags: int, after: int) -> int:
        endless = most is sre.MAXREPEAT
        chain = 0
        if endless:
            loop = self._add(Node(()))
            body = self._sequence(items, flags, loop)
            self.nodes[loop] = Node((body, after))
            after, chain = loop, 1 << body
        else:
            end = after
            for _ in range(most - least):
                body = self._sequence(items, flags, after)
                after, chain = self._add(Node((body, end))), chain | 1 << body
        for _ in range(least):
            after = self._sequence(items, flags, after)
            chain |= endless << after
        if len(items) == 1 and items[0][0] in _LEAVES:
            self.chains.append((chain, endless))
        return after


def _ops(items: Iterable[tuple[Any, Any]]) -> Iterator[Any]:
    """The kinds of all parts."""
    for op, argument in items:
        yield op
        for inner in _inside(op, argument):
            yield from _ops(inner)


def _inside(op: Any, argument: Any) -> list[Any]:
    """The sequences that a part is made of."""
    if op is sre.BRANCH:
        return list(argument[1])
    return [argument[-1]] if op in _REPEATS or op is sre.SUBPATTERN else []


def _size(items: Iterable[tuple[Any, Any]]) -> int:
    """How many states it makes, about."""
    size = 1
    for op, argument in items:
        inside = sum(_size(inner) for inner in _inside(op, argument)) + 1
        if op in _REPEATS:
            least, most = argument[:2]
            inside *= int(least) + 1 if most is sre.MAXREPEAT else int(most)
        size += inside
    return size


def shown(text: str) -> str:
    """A text as messages print it."""
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")
