"""Words that have to be in a text, and words that may not: all of them are looked for at once (Aho & Corasick 1975)."""

from collections import deque
from collections.abc import Sequence

import numpy as np

from gen.constraints.table import DEAD, Codes, Table, explore
from gen.errors import ConfigError

_MOST_WORDS = 40  # that have to be in a text: each is found or not, which would be 2 ** 40 states


class Finder:
    """Where one is in words, after a text.

    Args:
        words: as classes of characters, none empty.
        marks: of each word, as bits.
        size: K, the number of classes.

    Attributes:
        steps: where each class leads from each place, (P, K).
        found: the marks of the words that end at each place, (P,).
    """

    def __init__(self, words: Sequence[Sequence[int]], marks: Sequence[int], size: int) -> None:
        children: list[dict[int, int]] = [{}]
        found = [0]
        for word, mark in zip(words, marks, strict=True):
            place = 0
            for it in word:
                if it not in children[place]:
                    children[place][it] = len(children)
                    children.append({})
                    found.append(0)
                place = children[place][it]
            found[place] |= mark
        steps = np.zeros((len(children), size), np.int32)
        behind = [0] * len(children)  # the longest end of what was read that also begins a word
        queue = deque([0])
        while queue:
            place = queue.popleft()
            if place:
                steps[place] = steps[behind[place]]
                found[place] |= found[behind[place]]
            for it, child in children[place].items():
                behind[child] = int(steps[behind[place], it]) if place else 0
                queue.append(child)
            for it, child in children[place].items():
                steps[place, it] = child
        self.steps = steps
        self.found = np.array(found, np.int64)

    def after(self, text: Sequence[int]) -> int:
        """The place after the classes of a text; -1 among them is a character that no word has."""
        place = 0
        for it in text:
            place = int(self.steps[place, it]) if it >= 0 else 0
        return place


def without(words: Sequence[Sequence[int]], size: int, before: Sequence[int]) -> Table:
    """The texts that have none of some words, nor, across their beginning, with a text before them."""
    finder = Finder(words, [1] * len(words), size)
    steps = finder.steps.copy()
    steps[finder.found[steps] != 0] = DEAD
    return Table(steps, np.ones(len(steps), np.bool_), finder.after(before))


def within(words: Sequence[Sequence[int]], size: int) -> Table:
    """The texts that have all of some words.

    Raises:
        ConfigError: these are too many.
    """
    if len(words) > _MOST_WORDS:
        raise ConfigError(f"must_include has {len(words)} words; {_MOST_WORDS} are the most")
    finder = Finder(words, [1 << number for number in range(len(words))], size)
    every, places = (1 << len(words)) - 1, len(finder.found)

    def follow(codes: Codes) -> Codes:
        reached = finder.steps[codes % places].astype(np.int64)
        found = codes[:, None] // places | finder.found[reached]
        reached[found == every] = 0  # nothing more is looked for
        return found * places + reached

    steps, codes = explore(0, follow, "the words of must_include together")
    return Table(steps, codes // places == every)


def lines(length: int, newline: int, size: int, column: int) -> Table:
    """The texts whose lines have so many characters at most.

    Args:
        length: the most.
        newline: the class of the line end; -1 where there is none.
        size: K, the number of classes.
        column: characters of the first line that stand before the text.
    """
    steps = np.repeat(np.arange(1, length + 2, dtype=np.int32)[:, None], size, 1)
    steps[length] = DEAD
    if newline >= 0:
        steps[:, newline] = 0
    return Table(steps, np.ones(length + 1, np.bool_), min(column, length))
