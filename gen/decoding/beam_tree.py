"""The hypotheses of a beam as leaves of a tree, and how far up they are one.

A leaf that is dropped takes with it what led to it alone, so the tree is as large as what is still open. What all
leaves descend from is the trunk: it is settled, and the tree is cut off from it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from gen.decoding.picking import Constraint
from gen.decoding.processors import History


@dataclass(eq=False, slots=True)
class Node:
    """An id of a hypothesis; with those that led to it, a hypothesis.

    Attributes:
        parent: the id before; None of the tip.
        id: itself.
        depth: how many have come with it.
        total: log-probability of them all, in nats.
        rank: what hypotheses are compared by.
        row: in the model's batch, of the hypothesis that it goes on from.
        group: of a diverse beam.
        ended: nothing comes after it.
        constraint: on what comes next.
        history: with it; None where nothing heeds it.
        recent: the last ids up to it, as many as tell a repetition.
        children: the ids that go on from it.
    """

    parent: "Node | None"
    id: int
    depth: int = 0
    total: float = 0.0
    rank: float = 0.0
    row: int = 0
    group: int = 0
    ended: bool = False
    constraint: Constraint | None = None
    history: History | None = None
    recent: tuple[int, ...] = ()
    children: "list[Node]" = field(default_factory=list)


class Tree:
    """What is open.

    Args:
        root: what all hypotheses go on from; it is not written.
        no_repeat: length of what no hypothesis may write twice; 0 lets it.

    Attributes:
        tip: the last node of the trunk.
        trunk: the ids that are settled.
    """

    def __init__(self, root: Node, no_repeat: int = 0) -> None:
        self.tip = root
        self.trunk: list[int] = []
        self._no_repeat = no_repeat
        self._followers: dict[tuple[int, ...], list[Node]] = {}  # of the ids before them

    def grow(self, node: Node) -> None:
        """Take in a node that goes on from its parent."""
        parent = node.parent
        assert parent is not None
        parent.children.append(node)
        if self._no_repeat:
            recent = (*parent.recent, node.id)
            node.recent = recent[max(0, len(recent) + 1 - self._no_repeat) :]
            if node.depth >= self._no_repeat:
                self._followers.setdefault(parent.recent, []).append(node)

    def drop(self, leaf: Node) -> None:
        """Take out a leaf, and what led to it alone."""
        node = leaf
        while not node.children and node.parent is not None:
            parent, node.parent = node.parent, None
            parent.children.remove(node)
            if self._no_repeat and node.depth >= self._no_repeat:
                followers = self._followers[parent.recent]
                followers.remove(node)
                if not followers:
                    del self._followers[parent.recent]
            node = parent

    def repeated(self, leaf: Node) -> list[int]:
        """The ids that would repeat what a hypothesis wrote."""
        found = self._followers.get(leaf.recent)
        return [node.id for node in found if self._leads_to(node, leaf)] if found else []

    def _leads_to(self, node: Node, leaf: Node) -> bool:
        if node.depth <= self.tip.depth:
            return True
        behind: Node | None = leaf
        while behind is not None and behind.depth > node.depth:
            behind = behind.parent
        return behind is node

    def agreed(self) -> list[int]:
        """The ids that all leaves have come to share since the last call."""
        ids = []
        while len(self.tip.children) == 1:
            (self.tip,) = self.tip.children
            self.tip.parent = None
            ids.append(self.tip.id)
        self.trunk += ids
        return ids

    def settle(self, leaf: Node) -> list[Node]:
        """Keep only what has the oldest open id of a leaf; return the leaves that are dropped by it."""
        kept = leaf
        while kept.parent is not self.tip:
            assert kept.parent is not None
            kept = kept.parent
        lost = [it for child in self.tip.children if child is not kept for it in _leaves(child)]
        for it in lost:
            self.drop(it)
        return lost

    def ids(self, leaf: Node) -> list[int]:
        """All that a hypothesis has written."""
        open_ids = []
        node: Node | None = leaf
        while node is not None and node is not self.tip:
            open_ids.append(node.id)
            node = node.parent
        return self.trunk + open_ids[::-1]


def _leaves(node: Node) -> Iterator[Node]:
    nodes = [node]
    while nodes:
        node = nodes.pop()
        if not node.children:
            yield node
        nodes += node.children
