"""The ids of a corpus on disk: written once for the same text and tokenizer, checked and memory-mapped after that."""

import contextlib
import json
import shutil
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gen.corpus.documents import Document
from gen.corpus.id_file import Ids, IdsWriter, open_ids
from gen.corpus.survey import Fingerprint, Survey
from gen.corpus.tokenising import EncodedTexts, Tokenising, processes
from gen.corpus.units import Unit, units
from gen.errors import CorpusError, StorageError
from gen.storage import checksum, refused, resumable_folder

if TYPE_CHECKING:
    from gen.tokenizers import TextTokenizer

_FORMAT = 2
_T = TypeVar("_T")
_ATTEMPTS = 3  # another process may find the same damage and remove what this one wrote in its place
_ABANDONED = 86_400.0  # seconds without a write after which a half-written folder is nobody's


def caching_ids(
    folder: Path,
    documents: Iterable[Document],
    found: Survey,
    tokenizer: "TextTokenizer",
    *,
    workers: int | None = None,
) -> Generator[int, None, Ids]:
    """The ids of all documents, each after the tokenizer's boundary if it has one.

    They are written unit by unit; a process that is killed meanwhile leaves what it has written to the next.

    Args:
        folder: of the cache; the ids get a folder in it, named by what they follow from.
        documents: read again if the ids are not there or not intact.
        found: what the documents held when they were surveyed.
        tokenizer: encodes them.
        workers: processes that do it, 0 for none but this one; None takes what is worth it. The ids are the same.

    Yields:
        How many bytes of text (in UTF-8) have become ids.

    Raises:
        CorpusError: the documents are not what they were when they were surveyed.
        TokenizerError: a document has characters that the tokenizer does not know.
        StorageError: the disk refused.
    """
    if workers is None:
        workers = processes(tokenizer, found.bytes)
    made_from = {"format": _FORMAT, "corpus": found.checksum, "tokenizer": tokenizer.to_dict()}
    path = folder / checksum(json.dumps(made_from, sort_keys=True).encode())[:32]
    return (
        yield from caching(
            path,
            lambda: open_ids(path, tokenizer.dtype),
            lambda new: _write(new, documents, found, tokenizer, workers),
        )
    )


def caching(
    path: Path, read: Callable[[], _T | None], write: Callable[[Path], Iterator[int]]
) -> Generator[int, None, _T]:
    """What `read` finds at `path`; if that is nothing, once `write` has filled a folder that then appears there.

    `write` gets a folder that may hold what another process wrote before it was killed. What it yields is passed on.

    Raises:
        StorageError: the disk refused, or what is written does not stay.
    """
    for _ in range(_ATTEMPTS):
        found = read()
        if found is not None:
            return found
        try:
            if path.exists():  # and is not intact
                shutil.rmtree(path)
            _sweep(path)
            with resumable_folder(path) as new:
                yield from write(new)
        except OSError as error:
            raise refused(path, error) from error
    raise StorageError(f"{path}: is changed or removed as soon as it is written: stop what does so")


def _write(
    folder: Path, documents: Iterable[Document], found: Survey, tokenizer: "TextTokenizer", workers: int
) -> Iterator[int]:
    fingerprint = Fingerprint()
    held: deque[tuple[Unit, Future[str], Future[EncodedTexts]]] = deque()
    done = 0
    with (
        IdsWriter(folder) as writer,
        Tokenising(tokenizer, workers) as tokenising,
        ThreadPoolExecutor(1) as hashing,
    ):

        def write_next() -> int:
            unit, mark, ids = held.popleft()
            all_ids, lengths = _bounded(ids.result(), unit, tokenizer.boundary)
            writer.add(all_ids, lengths, mark.result(), begins=unit.begins)
            return unit.bytes

        for unit in units(documents):
            mark = hashing.submit(fingerprint.add, unit)
            if writer.resumes and writer.take(mark.result()):
                done += unit.bytes
                yield done
                continue
            held.append((unit, mark, tokenising.submit(unit)))
            if len(held) > tokenising.ahead:
                done += write_next()
                yield done
        while held:
            done += write_next()
            yield done
        if fingerprint.checksum != found.checksum:
            raise CorpusError("the corpus changed while it was being read: try again when nothing writes to it")
        writer.end()


def _bounded(ids: EncodedTexts, unit: Unit, boundary: int | None) -> tuple[NDArray[np.integer[Any]], NDArray[np.int64]]:
    """The ids of a unit, with the boundary before each text that begins its document; and how many each text has."""
    joined = ids[0] if len(ids) == 1 else np.concatenate(ids)
    lengths = np.fromiter(map(len, ids), np.int64, len(ids))
    if boundary is None:
        return joined, lengths
    first = 0 if unit.begins else 1
    begins = (np.cumsum(lengths) - lengths)[first:]
    lengths[first:] += 1
    return np.insert(joined, begins, boundary), lengths


def _sweep(path: Path) -> None:
    """Remove what writers that were killed left half-written, but for what `path` is made from.

    A live one writes more often than `_ABANDONED`.
    """
    for partial in path.parent.glob(".*.partial"):
        if partial.name == f".{path.name}.partial":
            continue
        with contextlib.suppress(OSError):  # its writer has just finished
            if max(path.stat().st_mtime for path in (partial, *partial.iterdir())) < time.time() - _ABANDONED:
                shutil.rmtree(partial)
