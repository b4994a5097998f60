"""Documents as sequences of ids, cut to a length, and batches of them: alike in length, padded, in a known order."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.config import Keep
from gen.random import permutation
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.unknown import replace_unknown

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

_WINDOW = 50  # batches that are sorted by length together: long enough to find alike ones, short enough to stay mixed


def cut(ids: NDArray[np.integer[Any]], length: int, keep: Keep) -> NDArray[np.integer[Any]]:
    """The first or the last `length` of `ids`, or all of them."""
    return ids[:length] if keep == "first" else ids[-length:]


def sequence_of(tokenizer: "AnyTokenizer", document: Any, *, length: int, keep: Keep) -> NDArray[np.integer[Any]]:
    """What a classifier reads of a document: after the boundary, if the tokenizer has one, `length` ids at most.

    Characters that the tokenizer never saw are replaced by those that are like them, or left out; words by themselves
    in other case, or left to what stands for the unknown.
    """
    if isinstance(tokenizer, MidiTokenizer):
        ids = tokenizer.encode(document)
    else:
        ids = tokenizer.encode(replace_unknown(document, tokenizer, "nearest")[0])
    return with_boundary(tokenizer, cut(ids, length, keep))


def with_boundary(tokenizer: "AnyTokenizer", ids: NDArray[np.integer[Any]]) -> NDArray[np.integer[Any]]:
    """The ids after the boundary, if the tokenizer has one: a language model has learned to begin there."""
    return ids if tokenizer.boundary is None else np.concatenate([[tokenizer.boundary], ids]).astype(tokenizer.dtype)


@dataclass(frozen=True, slots=True, eq=False)
class Sequences:
    """Sequences of ids, one after the other in memory.

    Attributes:
        ids: of all of them.
        ends: where each ends, int64 (n,).
    """

    ids: NDArray[np.integer[Any]]
    ends: NDArray[np.int64]

    @classmethod
    def of(cls, sequences: Iterable[NDArray[np.integer[Any]]], dtype: "np.dtype[Any]") -> Self:
        """These sequences together."""
        held = list(sequences)
        ids = np.concatenate(held).astype(dtype, copy=False) if held else np.empty(0, dtype)
        return cls(ids, np.cumsum([len(sequence) for sequence in held], dtype=np.int64))

    def __len__(self) -> int:
        return len(self.ends)

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Of each, int64 (n,)."""
        return np.diff(self.ends, prepend=0)

    def padded(self, rows: NDArray[np.integer[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Some of them side by side: ids (T, B), time first, T that of the longest, and the length of each, (B,).

        What stands behind the end of a shorter one is 0, and means nothing.
        """
        ends = self.ends[rows]
        lengths = self.lengths[rows]
        steps = np.arange(max(1, int(lengths.max(initial=0))))[:, None]
        inside = steps < lengths
        places = np.where(inside, ends - lengths + steps, 0)
        ids = self.ids[places].astype(np.int64) if len(self.ids) else np.zeros(places.shape, np.int64)
        return np.where(inside, ids, 0), lengths


class SequenceBatches:
    """Every row once an epoch, in batches of rows alike in length; which ones is a function of (seed, epoch).

    Args:
        lengths: of the rows, (n,), n >= 1.
        batch_size: B; the last batch of an epoch may have fewer.
        seed: of the order.
    """

    def __init__(self, lengths: NDArray[np.int64], *, batch_size: int, seed: int) -> None:
        self._lengths = lengths
        self._size = batch_size
        self._seed = seed
        self.steps_per_epoch = -(-len(lengths) // batch_size)
        self._epoch = -1
        self._batches: list[NDArray[np.int64]] = []

    def rows(self, step: int) -> NDArray[np.int64]:
        """The rows of step number `step`, counted from 0 over all epochs."""
        epoch, index = divmod(step, self.steps_per_epoch)
        if epoch != self._epoch:
            self._epoch, self._batches = epoch, self._lay_out(epoch)
        return self._batches[index]

    def _lay_out(self, epoch: int) -> list[NDArray[np.int64]]:
        order = permutation(self._seed, "rows", epoch, size=len(self._lengths))
        window = _WINDOW * self._size
        for begin in range(0, len(order), window):
            some = order[begin : begin + window]
            order[begin : begin + window] = some[np.argsort(self._lengths[some], kind="stable")]
        batches = [order[begin : begin + self._size] for begin in range(0, len(order), self._size)]
        return [batches[i] for i in permutation(self._seed, "batches", epoch, size=len(batches))]
