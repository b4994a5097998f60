"""The training and the validation part of a corpus, which share no id."""

from collections.abc import Iterator
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from gen.tokenizers import MidiTokenizer
from gen.tokenizers.extent import Extent

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

Split = Literal["tail", "hash"]

_TRAIN = 0.9  # share of the ids that is aimed at
_TOLERATED = (0.02, 0.25)  # shares of validation that a finer cut would not be worth
_COUNTED = 1 << 20  # ids counted at a time
_DECODED = 1 << 18  # ids that words are counted in; the rest is taken to be like them


class Part:
    """Some of a corpus: the ids of whole documents, or of a stretch of each.

    Args:
        ids: all ids of the corpus, memory-mapped.
        extents: int64 (n, 2), begin and end in `ids` of each stretch, ascending, none empty.
        tokenizer: theirs.
    """

    def __init__(self, ids: NDArray[np.integer[Any]], extents: NDArray[np.int64], tokenizer: "AnyTokenizer") -> None:
        self.ids = ids
        self.extents = extents
        self._tokenizer = tokenizer
        self._ends = np.cumsum(extents[:, 1] - extents[:, 0])

    @property
    def size(self) -> int:
        """Ids in this part."""
        return int(self._ends[-1]) if len(self._ends) else 0

    def read(self, start: int, stop: int) -> NDArray[np.integer[Any]]:
        """Ids `start` … `stop` of this part, its stretches laid end to end: a copy, (stop - start,).

        Raises:
            IndexError: not 0 <= start <= stop <= size.
        """
        if not 0 <= start <= stop <= self.size:
            raise IndexError(f"ids {start} … {stop} of a part that has {self.size}")
        pieces = list(self._slices(start, stop))
        return np.concatenate(pieces) if pieces else self.ids[:0].copy()

    def _slices(self, start: int, stop: int) -> Iterator[NDArray[np.integer[Any]]]:
        first, last = np.searchsorted(self._ends, [start, stop - 1], side="right")
        for (begin, end), total in zip(self.extents[first : last + 1], self._ends[first : last + 1], strict=True):
            shift = end - total  # from places in this part to places in the corpus
            yield self.ids[max(begin, start + shift) : min(end, stop + shift)]

    @cached_property
    def counts(self) -> NDArray[np.int64]:
        """How often each id occurs, (V,). Read once, on first use."""
        counts = np.zeros(len(self._tokenizer.vocabulary), np.int64)
        for start in range(0, self.size, _COUNTED):
            counts += np.bincount(self.read(start, min(start + _COUNTED, self.size)), minlength=len(counts))
        return counts

    @cached_property
    def extent(self) -> Extent:
        """How much it is, in all that people count. Read once, on first use."""
        tokenizer = self._tokenizer
        if isinstance(tokenizer, MidiTokenizer):
            notes = max(1.0, float(self.counts @ tokenizer.units))
            seconds = tokenizer.seconds(self.read(0, self.size))
            return Extent(unit="note", tokens=self.size, units=notes, seconds=seconds)
        beginning = min(self.size, _DECODED)
        documents = map(tokenizer.decode, self._slices(0, beginning))  # one's last word is not the next one's first
        words = sum(len(text.split()) for text in documents) * self.size / max(1, beginning)
        return Extent.of_text(tokenizer, self.counts, words)


def split_documents(
    extents: NDArray[np.int64], hashes: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], Split]:
    """Training and validation extents, and how they were parted.

    Several documents go to one side or the other by their hash: adding one moves no other, and equal ones stay
    together. A single one gives its last tenth to validation; so does each of several where the hashes would leave
    validation too small or too large; and so do all together where they are too short for that.

    Args:
        extents: int64 (n, 2), begin and end of each document, one after the other.
        hashes: uint64 (n,), of each document's text.
    """
    begins, ends = extents[:, 0], extents[:, 1]
    lengths = ends - begins
    total = int(lengths.sum())
    held_out = hashes >= np.uint64(_TRAIN * 2**64)
    if len(extents) > 1 and _tolerated(lengths[held_out].sum() / total):
        return extents[~held_out], extents[held_out], "hash"
    cuts = begins + (lengths * _TRAIN).astype(np.int64)
    if not _tolerated((ends - cuts).sum() / total):
        cuts = np.clip(int(total * _TRAIN), begins, ends)
    return _stretches(begins, cuts), _stretches(cuts, ends), "tail"


def _tolerated(share: float) -> bool:
    return _TOLERATED[0] <= share <= _TOLERATED[1]


def _stretches(begins: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """The extents that are not empty."""
    extents = np.stack([begins, ends], axis=1)
    return extents[begins < ends]
