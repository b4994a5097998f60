"""The steps of a beam search: continue all hypotheses, keep the best, find what these agree on."""

import math
from collections import Counter
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.decoding.beam_choice import Numbers, best_places, gumbels, perturbed
from gen.decoding.beam_config import BeamConfig
from gen.decoding.beam_tree import Node, Tree
from gen.decoding.picking import Constraint, Limit, likeliest_token
from gen.decoding.processors import History, LogitsProcessor, Mask
from gen.protocols import LanguageModel, Logits, RecurrentState
from gen.random import philox

_DIVERSITY = 0.5
_SLACK = 1e-9  # more than rounding
_UNHEEDED = History(0, 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is searched for.

    Attributes:
        prompt: what it goes on from.
        beam: how.
        processors: what shapes the model's logits.
        history: of the prompt; None where no processor heeds it.
        constraint: on what follows the prompt.
        ends: ids that end a hypothesis.
        least: ids before one of these.
        length: ids of a hypothesis, at most.
        seed: with `stream`, of the draws.
        stream: as there.
    """

    prompt: NDArray[np.int64]
    beam: BeamConfig
    processors: tuple[LogitsProcessor, ...]
    history: History | None
    constraint: Constraint | None
    ends: frozenset[int]
    least: int
    length: int
    seed: int
    stream: int


class Search:
    """A search that is under way.

    Args:
        model: of numpy arrays.
        task: what for.

    Attributes:
        tree: of the hypotheses.
        settled: ids in which the best hypothesis was followed since `lag` was over.
        over: nothing is left to be continued.
    """

    def __init__(self, model: LanguageModel[NDArray[Any]], task: Task) -> None:
        self._model = model
        self._task = task
        beam = task.beam
        root = Node(None, int(task.prompt[-1]), constraint=task.constraint, history=task.history)
        self.tree = Tree(root, beam.no_repeat_ngram)
        self.settled = 0
        self.over = False
        self._depth = 0
        self._alpha = 1.0 if beam.length_penalty is None else beam.length_penalty
        groups = 1 if beam.kind != "diverse" else beam.groups or beam.width
        self._width = beam.width // groups
        self._diversity = _DIVERSITY if beam.diversity is None else beam.diversity
        self._draws = philox(task.seed, "beam", task.stream) if beam.kind == "stochastic" else None
        self._greedy = root if self._draws is None else None
        self._live = [root]
        self._spans = [(0, 1)] * groups  # the rows that each group goes on from
        self._ended: list[list[Node]] = [[] for _ in range(groups)]
        self._limited = isinstance(task.constraint, Limit)
        self._bests: list[float] = []  # of each row's ranks, the largest, if it is not left out
        self._state: RecurrentState[NDArray[Any]] | None = None

    def advance(self) -> list[int]:
        """Continue every hypothesis by one id; return the ids that are certain since."""
        state = self._state or self._read()
        logits, state = self._model.step(np.array([leaf.id for leaf in self._live], np.int64), state)
        totals = self._totals(logits)
        ranks = self._ranks(totals)
        self._depth += 1
        before, kept = self._live, self._kept(totals, ranks)
        if not any(kept):
            likeliest_token(ranks[0])  # raises
        self._take(kept)
        for leaf in before:
            if not leaf.children:
                self.tree.drop(leaf)
        ids = self.tree.agreed()
        lag = self._task.beam.lag
        while lag is not None and self._depth - self.tree.tip.depth > lag and self.tree.tip.children:
            self._settle()
            ids += self.tree.agreed()
        parents = [leaf.row for leaf in self._live]
        self._state = state if parents == list(range(len(before))) else state.select(np.array(parents, np.intp))
        self.over = not parents or self._depth == self._task.length
        return ids

    def ranked(self) -> list[Node]:
        """What was kept, best first; of several groups the best of each, then the second best of each."""
        groups = [list(ended) for ended in self._ended]
        for leaf in self._live:
            groups[leaf.group].append(leaf)
        for group in groups:
            group.sort(key=_badness)
        groups.sort(key=lambda group: [_badness(leaf) for leaf in group[:1]])
        longest = max(map(len, groups))
        return [group[place] for place in range(longest) for group in groups if place < len(group)]

    def _read(self) -> RecurrentState[NDArray[Any]]:
        state = self._model.initial_state(1)
        if len(self._task.prompt) > 1:
            _, state = self._model.prefill(self._task.prompt[None, :-1], state)
        return state

    # -- what the hypotheses would be worth ----------------------------------------------------------------------------

    def _totals(self, logits: Logits) -> Numbers:
        """Log-probabilities of the hypotheses with each id, (R, V)."""
        tops = logits.max(1)
        if not math.isfinite(sum(tops.tolist())):
            for row in logits:
                likeliest_token(row)  # raises where the model is broken, which a processor might hide
        if self._task.processors or self._task.constraint is not None:
            logits = np.array([self._shaped(row, leaf) for row, leaf in zip(logits, self._live, strict=True)])
            tops = logits.max(1)
            tops[tops == -math.inf] = 0  # of one that nothing may follow
        totals = logits.astype(np.float64)
        totals -= tops[:, None]
        sums = np.exp(totals).sum(1).tolist()
        self._bests = [leaf.total - math.log(it or 1) for leaf, it in zip(self._live, sums, strict=True)]
        totals += np.array(self._bests)[:, None]
        return totals

    def _shaped(self, logits: Logits, leaf: Node) -> Logits:
        history = leaf.history or _UNHEEDED
        if leaf.constraint is not None:
            logits = Mask(leaf.constraint.allowed)(logits, history)
        for processor in self._task.processors:
            logits = processor(logits, history)
        return logits

    def _ranks(self, totals: Numbers) -> Numbers:
        """What continuations are chosen by, (R, V); of what may not be chosen, minus infinity.

        What is left out here takes no probability from, nor gives any to, what is left.
        """
        ranks = totals
        if self._draws is not None:
            noise = gumbels(self._draws, totals.shape)
            self._bests = [leaf.rank for leaf in self._live]
            ranks = perturbed(totals, np.array(self._bests), noise)
        if self._task.ends and self._depth < self._task.least:
            ranks[:, list(self._task.ends)] = -math.inf
        if self._task.beam.no_repeat_ngram:
            for row, leaf in zip(ranks, self._live, strict=True):
                if repeated := self.tree.repeated(leaf):
                    spared = row[repeated]
                    row[repeated] = -math.inf
                    if row.max() == -math.inf:
                        row[repeated] = spared
        return ranks

    # -- which of them are kept ----------------------------------------------------------------------------------------

    def _kept(self, totals: Numbers, ranks: Numbers) -> list[list[Node]]:
        """The best of each group: new nodes, not in the tree yet, and some that had ended."""
        length = 1.0 if self._draws is not None else self._depth**self._alpha
        chosen: Counter[int] = Counter()  # ids, in the groups so far
        kept = []
        for group, (start, stop) in enumerate(self._spans):
            values = ranks[start:stop]
            if chosen and self._diversity:
                values = values.copy()
                for id, count in chosen.items():
                    values[:, id] -= self._diversity * count
            found = [] if start == stop else self._best_of(values, group, start, totals, ranks, length)
            if len(self._spans) > 1:
                chosen.update(node.id for node in found)
            if self._ended[group]:
                found = sorted([*self._ended[group], *found], key=_badness)[: self._width]
            if group == 0 and self._greedy is not None:
                self._greedy = self._greedily(self._greedy, found, totals, ranks, length)
            kept.append(found)
        return kept

    def _best_of(
        self, values: Numbers, group: int, start: int, totals: Numbers, ranks: Numbers, length: float
    ) -> list[Node]:
        """The best continuations of a group's hypotheses, whose rows begin at `start`."""
        size = totals.shape[1]
        rows = self._bests[start : start + len(values)]
        least = sorted(rows)[-self._width] - _SLACK if len(rows) >= self._width else -math.inf
        found = []
        for place, _ in best_places(values, self._width, least):
            row, id = start + place // size, place % size
            total = totals.item(row, id)
            rank = total if ranks is totals else ranks.item(row, id)
            found.append(Node(self._live[row], id, self._depth, total, rank / length, row, group))
        return found

    def _greedily(self, greedy: Node, found: list[Node], totals: Numbers, ranks: Numbers, length: float) -> Node | None:
        """The hypothesis of the likeliest ids, one id later; where it is not among the best, it comes to them."""
        if greedy.ended:
            if greedy not in found:
                found.append(greedy)
            return greedy
        row = self._live.index(greedy)
        id = int(ranks[row].argmax())
        if ranks[row, id] == -math.inf:
            return None
        for node in found:
            if node.parent is greedy and node.id == id:
                return node
        found.append(Node(greedy, id, self._depth, float(totals[row, id]), float(ranks[row, id]) / length, row))
        return found[-1]

    def _take(self, kept: Sequence[Sequence[Node]]) -> None:
        """Go on with these."""
        new = [node for nodes in kept for node in nodes if not node.ended]
        for node in new:
            self.tree.grow(node)
        for node in new:
            self._equip(node)
        self._live, self._spans = [], []
        for nodes, ended in zip(kept, self._ended, strict=True):
            for node in ended:
                if node not in nodes:
                    self.tree.drop(node)
            ended[:] = [node for node in nodes if node.ended]
            start = len(self._live)
            self._live += [node for node in nodes if not node.ended]
            self._spans.append((start, len(self._live)))

    def _equip(self, node: Node) -> None:
        """What a new node has to know, from its parent."""
        parent = node.parent
        assert parent is not None
        node.ended = node.id in self._task.ends
        if parent.constraint is not None:
            node.constraint = parent.constraint.after(node.id)
            node.ended |= self._limited and node.constraint.over  # type: ignore[attr-defined]
        if parent.history is not None:  # which its last child may have for its own
            node.history = parent.history if parent.children[-1] is node else deepcopy(parent.history)
            node.history.append(node.id)

    def _settle(self) -> None:
        """Follow the best hypothesis in the oldest id that is open; drop what differs there."""
        best = min([*self._live, *self._ended[0]], key=_badness)
        lost = set(self.tree.settle(best))
        self._live = [leaf for leaf in self._live if leaf not in lost]
        self._ended[0] = [leaf for leaf in self._ended[0] if leaf not in lost]
        self._spans = [(0, len(self._live))]
        if self._greedy in lost:
            self._greedy = best
        self.settled += 1


def _badness(leaf: Node) -> float:
    return -leaf.rank
