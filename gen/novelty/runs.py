"""The runs of a string that an index has, too."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from gen.novelty.suffixes import SuffixIndex

_WINDOW = 256  # bytes that are looked up first


class Run(NamedTuple):
    """A stretch that can be made no longer: with a byte more at either end, the index would not have it.

    Attributes:
        start: where it begins in what was looked at.
        stop: where it ends there.
        place: where it begins in the text of the index for the first time.
    """

    start: int
    stop: int
    place: int


def _bytes(run: Run) -> int:
    return run.stop - run.start


def maximal_runs(index: SuffixIndex, data: bytes, least: int, size: Callable[[Run], int] = _bytes) -> Iterator[Run]:
    """The runs of `data`, first to last, that have a size of `least` or more; before these, ever longer ones.

    So the longest is always among them. Only ends of runs that are long enough are looked for: the longer these are,
    the fewer places are looked at.

    Args:
        index: what they are looked up in.
        data: what they are runs of.
        least: 1 or more.
        size: how long a run is, and no more than its bytes.
    """
    wanted = end = 1
    while end <= len(data):
        start = _begin(index, data, end)
        if end - start >= wanted:
            end = _end(index, data, start, end)
            place = index.first(data[start:end])
            assert place is not None
            run = Run(start, end, place)
            if size(run) >= wanted:
                yield run
                wanted = min(max(wanted, size(run) + 1), least)
            start += 1  # nothing else that begins here goes further
        end = max(end + 1, start + wanted)


def _begin(index: SuffixIndex, data: bytes, end: int) -> int:
    """Where the longest run that ends at `end` begins."""
    window = _WINDOW
    while True:
        first = max(0, end - window)
        length = index.longest_suffix(data[first:end])
        if length < end - first or not first:
            return end - length
        window *= 8


def _end(index: SuffixIndex, data: bytes, start: int, end: int) -> int:
    """How far a run goes that begins at `start` and goes to `end` at least."""
    step = 1
    while end + step <= len(data) and index.has(data[start : end + step]):
        end += step
        step *= 2
    while step:
        if end + step <= len(data) and index.has(data[start : end + step]):
            end += step
        step //= 2
    return end
