"""Reading many pieces at once: files in processes of their own, so that a file can break none but the one it is in."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen.config import CLOCKS, Clock, available_threads
from gen.corpus.music_documents import MusicDocument
from gen.corpus.piece import PieceFacts
from gen.progress import ReadingFiles

_PATIENCE = 20.0  # seconds for one file; a large one takes a hundredth of that
_ATTEMPTS = 2  # the first time, something else may have been at fault
_FILES_PER_WORKER = 16  # a process takes as long to start as it takes to read so many
_EVENTS = 20  # files between two events


@dataclass(frozen=True, slots=True, eq=False)
class ReadPiece:
    """A piece that was read, or why it was not.

    Attributes:
        document: which.
        facts: None if it could not be read.
        ids: by each clock; empty if it could not be read.
        error: why not.
    """

    document: MusicDocument
    facts: PieceFacts | None
    ids: dict[Clock, NDArray[np.uint16]]
    error: str = ""


def read_pieces(documents: Sequence[MusicDocument]) -> Generator[ReadingFiles, None, list[ReadPiece]]:
    """Read all documents, in order; yields progress."""
    pieces = []
    with contextlib.closing(_Workers(documents)) as workers:
        for number, piece in enumerate(workers.read(), 1):
            pieces.append(piece)
            if number % _EVENTS == 0 or number == len(documents):
                yield ReadingFiles(number, len(documents))
    return pieces


class _Workers:
    """A thread for each process, which waits for it."""

    def __init__(self, documents: Sequence[MusicDocument]) -> None:
        self._documents = documents
        files = sum(document.path is not None for document in documents)
        self._pool = ThreadPoolExecutor(max(1, min(available_threads(), -(-files // _FILES_PER_WORKER))))
        self._own = threading.local()
        self._all: list[_Worker] = []

    def read(self) -> Iterator[ReadPiece]:
        return self._pool.map(self._read, self._documents)

    def _read(self, document: MusicDocument) -> ReadPiece:
        if document.compose is not None:
            return ReadPiece(document, *PieceFacts.of(document.compose(), ()))
        for _ in range(_ATTEMPTS):
            worker: _Worker | None = getattr(self._own, "worker", None)
            if worker is None or worker.dead:
                worker = self._own.worker = _Worker()
                self._all.append(worker)
            piece = worker.read(document)
            if not worker.dead:
                break
        return piece

    def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in self._all:  # whose threads may still wait for them
            worker.kill()
        self._pool.shutdown(wait=True)
        for worker in self._all:
            worker.close()


class _Worker:
    """One process, and the pipe to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "gen.corpus.midi_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )
        self.dead = False

    def read(self, document: MusicDocument) -> ReadPiece:
        process = self._process
        assert process.stdin is not None
        assert process.stdout is not None
        patience = threading.Timer(_PATIENCE, process.kill)
        patience.start()
        try:
            process.stdin.write(json.dumps(document.path).encode() + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
            if not line:
                raise BrokenPipeError
            head = json.loads(line)
            if "error" in head:
                return ReadPiece(document, None, {}, head["error"])
            ids = {}
            for clock, size in zip(CLOCKS, head["sizes"], strict=True):
                data = process.stdout.read(size)
                if len(data) < size:
                    raise BrokenPipeError
                ids[clock] = np.frombuffer(data, np.uint16)
        except OSError:
            self.close()
            return ReadPiece(document, None, {}, "its reader died of it, or did not come to an end")
        finally:
            patience.cancel()
        return ReadPiece(document, PieceFacts(**head["facts"]), ids)

    def kill(self) -> None:
        self.dead = True
        self._process.kill()

    def close(self) -> None:
        self.kill()
        self._process.communicate()
