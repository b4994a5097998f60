"""Characters that come byte by byte: what the bytes so far can still become.

Beginnings of characters after which the same bytes lead to the same classes are one node, so there are few of them,
whatever the alphabet.
"""

import numpy as np
from numpy.typing import NDArray

from gen.constraints.table import DEAD

FIRST = 0x80
"""The first byte that is no character by itself."""
_FOLLOWING = 64  # values of a byte that goes on with a character, from 0x80
_SURROGATES = slice(0xD800, 0xE000)  # which UTF-8 has no place for

Numbers = NDArray[np.int32]


class Beginnings:
    """What may stand for a character that has begun. Node 0 is that of a character that has not.

    Args:
        classes: of all of Unicode's characters, each below `size`.
        size: K, how many classes there are.

    Attributes:
        steps: where a byte from 0x80 on leads from each node, (N, 128): to a node, or where `completes` to a class.
        completes: whether one byte is missing, (N,).
        possible: the classes of the characters that each node can become, (N, K).
    """

    def __init__(self, classes: Numbers, size: int) -> None:
        classes = classes.copy()
        classes[_SURROGATES] = DEAD
        self._rows = [np.full((1, _FOLLOWING), DEAD, np.int32)]
        self._possible = [np.zeros((1, size), np.bool_)]
        self._size = size
        blocks = classes.reshape(-1, _FOLLOWING)
        of_two = self._nodes(blocks, None)  # each for 64 characters
        in_two = of_two.reshape(-1, _FOLLOWING)
        three = in_two[:16].copy()
        three[0, :32] = DEAD  # what fits into fewer bytes is not written in three
        of_three = self._nodes(three, self._possible_now())
        beyond = self._nodes(in_two[16:], self._possible_now())  # each for 4,096 characters, from U+10000 on
        four = np.full((5, _FOLLOWING), DEAD, np.int32)
        four.reshape(-1)[16 : 16 + len(beyond)] = beyond
        of_four = self._nodes(four, self._possible_now())
        followed = np.concatenate(self._rows)
        self.possible = self._possible_now()
        self.steps = np.full((len(followed), 128), DEAD, np.int32)
        self.steps[:, :_FOLLOWING] = followed
        self.steps[0, 0xC2 - FIRST : 0xE0 - FIRST] = of_two[2:32]
        self.steps[0, 0xE0 - FIRST : 0xF0 - FIRST] = of_three
        self.steps[0, 0xF0 - FIRST : 0xF5 - FIRST] = of_four
        self.completes = np.zeros(len(followed), np.bool_)
        self.completes[1 : 1 + self._simple] = True

    def _possible_now(self) -> NDArray[np.bool_]:
        return np.concatenate(self._possible)

    def _nodes(self, rows: Numbers, inner: NDArray[np.bool_] | None) -> Numbers:
        """A node for each row, of classes or, where `inner` has their possible classes, of nodes."""
        raw, width = rows.astype(np.int32).tobytes(), rows.shape[1] * 4
        places: dict[bytes, int] = {}
        which = [places.setdefault(raw[at : at + width], len(places)) for at in range(0, len(raw), width)]
        distinct = np.frombuffer(b"".join(places), np.int32).reshape(-1, _FOLLOWING)
        first = sum(map(len, self._rows))
        possible = np.zeros((len(distinct), self._size), np.bool_)
        at, place = np.nonzero(distinct >= 0)
        targets = distinct[at, place]
        if inner is None:
            self._simple = len(distinct)
            possible[at, targets] = True
        else:
            np.logical_or.at(possible, at, inner[targets])
        self._rows.append(distinct)
        self._possible.append(possible)
        nodes = first + np.arange(len(distinct), dtype=np.int32)
        nodes[~possible.any(1)] = DEAD
        return nodes[which]
