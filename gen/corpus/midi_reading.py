"""Reading many pieces at once: files in processes of their own, so that a file can break none but the one it is in."""

import contextlib
import json
import threading
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from gen.config import CLOCKS, Clock, available_threads
from gen.corpus.music_documents import MusicDocument
from gen.corpus.piece import PieceFacts
from gen.corpus.worker import Worker, Workers
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
    with contextlib.closing(_Readers(documents)) as readers:
        for number, piece in enumerate(readers.read(), 1):
            pieces.append(piece)
            if number % _EVENTS == 0 or number == len(documents):
                yield ReadingFiles(number, len(documents))
    return pieces


class _Readers:
    """Threads that each have a process read files for them."""

    def __init__(self, documents: Sequence[MusicDocument]) -> None:
        self._documents = documents
        files = sum(document.path is not None for document in documents)
        number = max(1, min(available_threads(), -(-files // _FILES_PER_WORKER)))
        self._workers = Workers(number, partial(Worker, "gen.corpus.midi_worker"))

    def read(self) -> Iterator[ReadPiece]:
        return self._workers.map(self._read, self._documents)

    def _read(self, document: MusicDocument) -> ReadPiece:
        if document.compose is not None:
            return ReadPiece(document, *PieceFacts.of(document.compose(), ()))
        for _ in range(_ATTEMPTS):
            worker = self._workers.mine()
            piece = _read_by(worker, document)
            if not worker.dead:
                break
        return piece

    def close(self) -> None:
        self._workers.close()


def _read_by(worker: Worker, document: MusicDocument) -> ReadPiece:
    patience = threading.Timer(_PATIENCE, worker.kill)
    patience.start()
    try:
        worker.send(json.dumps(document.path).encode() + b"\n")
        head = json.loads(worker.line())
        if "error" in head:
            return ReadPiece(document, None, {}, head["error"])
        ids = {
            clock: np.frombuffer(worker.read(size), np.uint16)
            for clock, size in zip(CLOCKS, head["sizes"], strict=True)
        }
    except OSError:
        worker.close()
        return ReadPiece(document, None, {}, "its reader died of it, or did not come to an end")
    finally:
        patience.cancel()
    return ReadPiece(document, PieceFacts(**head["facts"]), ids)
