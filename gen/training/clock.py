"""The time of a run, over all its sittings, and its speed with validation left out."""

import contextlib
import time
from collections.abc import Iterator


class Clock:
    """Counts from `start` on.

    Args:
        before: seconds of earlier sittings.
    """

    def __init__(self, before: float = 0.0) -> None:
        self._before = before
        self._began: float | None = None
        self._paused = 0.0
        self._tokens = 0

    def start(self) -> None:
        """The first step begins."""
        self._began = time.perf_counter()

    def seconds(self) -> float:
        """Wall-clock seconds of the run so far, validation included."""
        return self._before + self._sitting()

    def count(self, tokens: int) -> None:
        """A step has read `tokens`."""
        self._tokens += tokens

    def speed(self) -> float:
        """Tokens a second in this sitting, without what `pause` spans."""
        return self._tokens / max(1e-9, self._sitting() - self._paused)

    @contextlib.contextmanager
    def pause(self) -> Iterator[None]:
        """Leave this stretch out of `speed` (not of `seconds`)."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._paused += time.perf_counter() - began

    def _sitting(self) -> float:
        return 0.0 if self._began is None else time.perf_counter() - self._began
