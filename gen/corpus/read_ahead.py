"""Asking the disk for ids before they are read, so that nothing waits for it.

It is advice: what is read is the same. Where the ids are in memory already it costs next to nothing.
"""

import mmap
from typing import Any

import numpy as np
from numpy.typing import NDArray

_WINDOW = 1 << 16  # bytes that are asked for together
_WILL_NEED: int | None = getattr(mmap, "MADV_WILLNEED", None)  # Windows has no such advice


class ReadAhead:
    """Asks for ids at places that move on through them.

    Args:
        ids: all ids, memory-mapped or not.
    """

    def __init__(self, ids: NDArray[np.integer[Any]]) -> None:
        self._map = _map_of(ids) if _WILL_NEED is not None else None
        self._itemsize = ids.itemsize
        self._asked = np.zeros(0, np.int64)  # windows that were asked for the time before

    @property
    def useful(self) -> bool:
        """Whether there is a disk to be asked."""
        return self._map is not None

    def ask(self, places: NDArray[np.int64]) -> None:
        """Ask for what stands at some places in the ids, as far as it was not asked for the time before."""
        assert self._map is not None
        assert _WILL_NEED is not None
        windows = np.unique(places * self._itemsize // _WINDOW)
        for window in np.setdiff1d(windows, self._asked, assume_unique=True).tolist():
            begin = window * _WINDOW
            self._map.madvise(_WILL_NEED, begin, min(_WINDOW, len(self._map) - begin))
        self._asked = windows


def _map_of(ids: NDArray[np.integer[Any]]) -> mmap.mmap | None:
    """What the ids are a map of, from its beginning to its end."""
    base: object = ids
    while isinstance(base, np.ndarray):
        base = base.base
    return base if isinstance(base, mmap.mmap) and len(base) == ids.nbytes else None
