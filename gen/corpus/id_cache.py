"""The ids of a corpus on disk: written once for the same text and tokenizer, checked and memory-mapped after that."""

import contextlib
import hashlib
import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gen.corpus.documents import Document
from gen.corpus.survey import BATCH, Fingerprint, Survey
from gen.errors import CorpusError, StorageError, TokenizerError
from gen.storage import atomic_folder, checksum, refused
from gen.tokenizers import CharTokenizer

IDS = "ids.bin"
"""The file of the ids in a folder of the cache."""
_FORMAT = 1
_CHECKSUM = "ids.sha256"
_T = TypeVar("_T")
_ATTEMPTS = 3  # another process may find the same damage and remove what this one wrote in its place
_ABANDONED = 86_400.0  # seconds without a write after which a half-written folder is nobody's


def cached_ids(
    folder: Path, documents: Iterable[Document], found: Survey, tokenizer: CharTokenizer
) -> NDArray[np.integer[Any]]:
    """The ids of all documents, each after the tokenizer's boundary if it has one, memory-mapped.

    Args:
        folder: of the cache; the ids get a folder in it, named by what they follow from.
        documents: read again if the ids are not there or not intact.
        found: what the documents held when they were surveyed.
        tokenizer: encodes them.

    Raises:
        CorpusError: the documents are not what they were when they were surveyed.
        TokenizerError: a document has characters that the tokenizer does not know.
        StorageError: the disk refused.
    """
    made_from = {"format": _FORMAT, "corpus": found.checksum, "tokenizer": tokenizer.to_dict()}
    path = folder / checksum(json.dumps(made_from, sort_keys=True).encode())[:32]
    size = found.characters + (found.documents if tokenizer.boundary is not None else 0)
    return cached(
        path,
        lambda: mapped(path, size, tokenizer.dtype),
        lambda new: _write(new, documents, found, tokenizer),
    )


def cached(path: Path, read: Callable[[], _T | None], write: Callable[[Path], None]) -> _T:
    """What `read` finds at `path`; if that is nothing, once `write` has filled a folder that then appears there.

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
            _sweep(path.parent)
            with atomic_folder(path) as new:
                write(new)
        except OSError as error:
            raise refused(path, error) from error
    raise StorageError(f"{path}: is changed or removed as soon as it is written: stop what does so")


def mapped(path: Path, size: int, dtype: np.dtype[Any]) -> NDArray[np.integer[Any]] | None:
    """The ids in a folder of the cache, None if they are not there, not so many or not what was written."""
    try:
        recorded = (path / _CHECKSUM).read_text("ascii").split(maxsplit=1)[:1]
        if (path / IDS).stat().st_size != size * dtype.itemsize:
            return None
        ids = np.memmap(path / IDS, dtype, mode="r", shape=(size,)) if size else np.empty(0, dtype)
    except (OSError, UnicodeDecodeError):
        return None
    return ids if [checksum(ids.data)] == recorded else None


def write_checksum(folder: Path, content: str) -> None:
    """Leave the SHA-256 of the ids beside them."""
    (folder / _CHECKSUM).write_text(f"{content}  {IDS}\n", "ascii")


def _write(folder: Path, documents: Iterable[Document], found: Survey, tokenizer: CharTokenizer) -> None:
    fingerprint = Fingerprint()
    content = hashlib.sha256()
    with open(folder / IDS, "wb") as file:
        for ids in _encoded(fingerprint.texts(documents), tokenizer):
            file.write(ids.data)
            content.update(ids.data)
    if fingerprint.checksum != found.checksum:
        raise CorpusError("the corpus changed while it was being read: try again when nothing writes to it")
    write_checksum(folder, content.hexdigest())


def _encoded(
    texts: Iterable[tuple[Document, str, bool]], tokenizer: CharTokenizer
) -> Iterator[NDArray[np.integer[Any]]]:
    """The ids of blocks of documents, many small ones encoded together."""
    held: list[tuple[Document, str]] = []
    begins: list[int] = []
    size = 0
    for document, text, first in texts:
        if first:
            begins.append(size)
        held.append((document, text))
        size += len(text)
        if size >= BATCH:
            yield _encoded_together(held, begins, tokenizer)
            held, begins, size = [], [], 0
    yield _encoded_together(held, begins, tokenizer)


def _encoded_together(
    held: Sequence[tuple[Document, str]], begins: Sequence[int], tokenizer: CharTokenizer
) -> NDArray[np.integer[Any]]:
    try:
        ids = tokenizer.encode("".join(text for _, text in held))
    except TokenizerError:
        for document, text in held:
            try:
                tokenizer.encode(text)
            except TokenizerError as error:
                raise TokenizerError(f"{document.name}: {error}") from error
        raise
    return ids if tokenizer.boundary is None else np.insert(ids, begins, tokenizer.boundary)


def _sweep(folder: Path) -> None:
    """Remove what writers that were killed left half-written. A live one writes more often than `_ABANDONED`."""
    for partial in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):  # its writer has just finished
            if max(path.stat().st_mtime for path in (partial, *partial.iterdir())) < time.time() - _ABANDONED:
                shutil.rmtree(partial)
