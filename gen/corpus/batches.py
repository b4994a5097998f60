"""Streams for truncated back-propagation: chunk k+1 of a row goes on where chunk k ended, so state may be carried.

A chunk's content is a function of (seed, epoch, stream, position); nothing is consumed, so a position is plain data.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.corpus.augmentation import Augmentation, Variation
from gen.corpus.read_ahead import ReadAhead
from gen.errors import CorpusError
from gen.random import permutation, philox

_AHEAD = 8  # steps: even a slow disk has answered by then


@dataclass(frozen=True, slots=True, eq=False)
class Chunk:
    """What one training step reads.

    Attributes:
        inputs: ids (T, B), time first.
        targets: the id that follows each input, (T, B).
        first: it opens an epoch: the state before it is the initial one.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]
    first: bool


@dataclass(frozen=True, slots=True, eq=False)
class _Epoch:
    """The documents in this epoch's order: which each is, and where it begins in the ids and in their concatenation."""

    number: int
    order: NDArray[np.int64]
    begins: NDArray[np.int64]
    offsets: NDArray[np.int64]
    shift: int
    variation: Variation | None


def steps_per_epoch(tokens: int, batch_size: int, sequence_length: int) -> int:
    """Chunks that one pass over `tokens` ids takes.

    Raises:
        CorpusError: not even one.
    """
    steps = (tokens - 1) // (batch_size * sequence_length)
    if steps < 1:
        raise CorpusError(
            f"{tokens} tokens to train on; batch_size {batch_size} x sequence_length {sequence_length} needs "
            f"{batch_size * sequence_length + 1}: lower one of them"
        )
    return steps


class StreamBatches:
    """B contiguous streams through a corpus, cut into chunks of T.

    The documents are laid end to end, several of them in an order that is a function of (seed, epoch), and cut into B
    streams of equal length. What is left over shifts the cut from epoch to epoch, so that no chunk border stays.

    Args:
        ids: all ids, usually memory-mapped.
        extents: (n, 2), begin and end in `ids` of each document.
        batch_size: B.
        sequence_length: T.
        seed: of the order and the shift.
        augmentation: varies the documents, anew in each epoch.

    Raises:
        CorpusError: the documents are shorter than one chunk of every stream.
    """

    def __init__(
        self,
        ids: NDArray[np.integer[Any]],
        extents: NDArray[np.int64],
        *,
        batch_size: int,
        sequence_length: int,
        seed: int,
        augmentation: Augmentation | None = None,
    ) -> None:
        self._ids = ids
        self._extents = extents
        self._lengths = extents[:, 1] - extents[:, 0]
        self._batch_size = batch_size
        self._sequence_length = sequence_length
        self._seed = seed
        self._augmentation = augmentation
        total = int(self._lengths.sum())
        self.steps_per_epoch = steps_per_epoch(total, batch_size, sequence_length)
        self._stride = self.steps_per_epoch * sequence_length
        self._spare = total - 1 - self._stride * batch_size
        self._epoch = self._lay_out(0)
        self._read_ahead = ReadAhead(ids)
        self._next = -1  # the step that follows the last one

    def _lay_out(self, epoch: int) -> _Epoch:
        order = permutation(self._seed, "order", epoch, size=len(self._lengths))
        offsets = np.concatenate([[0], np.cumsum(self._lengths[order])])
        shift = int(philox(self._seed, "shift", epoch).random_raw()) % (self._spare + 1)
        variation = self._augmentation.variation(epoch) if self._augmentation else None
        return _Epoch(epoch, order, self._extents[order, 0], offsets, shift, variation)

    def chunk(self, step: int) -> Chunk:
        """The chunk of step number `step`, counted from 0 over all epochs."""
        epoch, index = divmod(step, self.steps_per_epoch)
        layout = self._epoch
        if layout.number != epoch:
            layout = self._epoch = self._lay_out(epoch)
        if self._read_ahead.useful:
            self._ask_ahead(step, index)
        positions = np.arange(self._sequence_length + 1)[:, None] + self._starts(index)
        places, documents = _places(layout, positions)
        ids = self._ids[places].astype(np.int64)
        if self._augmentation and layout.variation:
            ids = self._augmentation(ids, layout.order[documents], layout.variation)
        return Chunk(ids[:-1], ids[1:], first=index == 0)

    def _starts(self, index: NDArray[np.int64] | int) -> NDArray[np.int64]:
        """Where in the documents, laid end to end, each stream begins in a chunk of this epoch, (B,)."""
        return self._epoch.shift + index * self._sequence_length + self._stride * np.arange(self._batch_size)

    def _ask_ahead(self, step: int, index: int) -> None:
        """Now and then, ask the disk for the chunks of this epoch that come `_AHEAD` to twice as many steps later."""
        follows = step == self._next and index > 0
        self._next = step + 1
        if not follows or index % _AHEAD == 0:
            first = index - index % _AHEAD + _AHEAD if follows else index
            last = min(index - index % _AHEAD + 2 * _AHEAD, self.steps_per_epoch)
            positions = self._starts(np.arange(first, last)[:, None])
            self._read_ahead.ask(_places(self._epoch, positions)[0])


def _places(layout: _Epoch, positions: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where in the ids positions in the documents, laid end to end, are; and in which documents."""
    documents = np.searchsorted(layout.offsets, positions, side="right") - 1
    return layout.begins[documents] + positions - layout.offsets[documents], documents
