"""Processes that work for this one: started when they are needed, asked through a pipe, killed when nobody waits."""

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

_A = TypeVar("_A")
_T = TypeVar("_T")


class Worker:
    """One process, and the pipe to it. It is to end when its standard input does.

    Args:
        module: what it runs.

    Attributes:
        pid: its number.
        dead: it was killed, or has said nothing when it should have.
    """

    def __init__(self, module: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.pid = self._process.pid
        self.dead = False

    def send(self, *data: bytes) -> None:
        """Give it something to read.

        Raises:
            OSError: it has ended.
        """
        assert self._process.stdin is not None
        for piece in data:
            self._process.stdin.write(piece)
        self._process.stdin.flush()

    def line(self) -> bytes:
        """The next line that it writes (`BrokenPipeError`: it has ended)."""
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.endswith(b"\n"):
            raise BrokenPipeError
        return line

    def read(self, size: int) -> bytes:
        """The next `size` bytes that it writes (`BrokenPipeError`: it has ended)."""
        assert self._process.stdout is not None
        data = self._process.stdout.read(size)
        if len(data) < size:
            raise BrokenPipeError
        return data

    def kill(self) -> None:
        """End it, whatever it does; who waits for it learns of that."""
        self.dead = True
        self._process.kill()

    def close(self) -> None:
        """End it and leave nothing of it."""
        self.kill()
        self._process.communicate()


class Workers:
    """Threads, each of which has a process of its own where it asks for one.

    Args:
        number: of threads.
        start: makes a worker.
    """

    def __init__(self, number: int, start: Callable[[], Worker]) -> None:
        self._start = start
        self._pool = ThreadPoolExecutor(number)
        self._own = threading.local()
        self._lock = threading.Lock()  # of what follows
        self._all: list[Worker] = []
        self._closed = False

    def submit(self, work: Callable[..., _T], *arguments: object) -> "Future[_T]":
        """Have a thread call something."""
        return self._pool.submit(work, *arguments)

    def map(self, work: Callable[[_A], _T], arguments: Iterable[_A]) -> Iterator[_T]:
        """Have the threads call something for each argument; the results in order."""
        return self._pool.map(work, arguments)

    def mine(self) -> Worker:
        """The process of the thread that asks, alive as far as is known (`BrokenPipeError`: all are being ended)."""
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is None or worker.dead:
            with self._lock:
                if self._closed:
                    raise BrokenPipeError
                worker = self._own.worker = self._start()
                self._all.append(worker)
        return worker

    def close(self) -> None:
        """End them all, now."""
        with self._lock:
            self._closed = True
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:  # whose threads may still wait for them
            worker.kill()
        self._pool.shutdown(wait=True)
        for worker in self._all:
            worker.close()
