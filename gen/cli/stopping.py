"""Requests to stop, which long work hears between two steps."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """A list that the first Ctrl-C, SIGTERM or closed terminal puts its code into; a second Ctrl-C ends at once."""
    stop: list[int] = []

    def ask(number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGINT and stop:
            raise KeyboardInterrupt
        stop.append(128 + number)

    asking = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {number: signal.signal(number, ask) for number in asking}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
