"""From a file's bytes to normalised text, in pieces of bounded size, however large the file or what it expands to."""

import contextlib
import os
import shutil
import tempfile
import weakref
import zlib
from collections.abc import Callable, Generator, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from gen.corpus.encodings import Chunks, binary_kind, decode, settle
from gen.corpus.findings import Findings
from gen.errors import CorpusError
from gen.storage import make_folder, refused

BLOCK = 1 << 20  # bytes read, and at most characters yielded, at a time
_HEAD = 1 << 16  # bytes that tell what a file is
_PIECE = 1 << 9  # compressed bytes expanded at a time: even a bomb makes only 16 MB of them

_COMPRESSED = (".gz", ".zst")
_MIDI = (".mid", ".midi", ".kar", ".smf")


class NotText(CorpusError):
    """A file, or a row of one, from which no text can be taken. A folder is read without such files.

    Args:
        name: the file, or the row.
        reason: why not.
    """

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(f"{name}: {reason}")
        self.reason = reason


def shown(name: str) -> str:
    """A name as messages print it: as it is, or quoted and escaped where it could disturb a terminal."""
    return name if name.isprintable() else ascii(name)


def file_chunks(path: str) -> Generator[bytes, None, None]:
    """The bytes of a file."""
    with open(path, "rb", buffering=0) as file:
        while chunk := file.read(BLOCK):
            yield chunk


class Spool:
    """A stream that can be read once, kept on the disk so that it can be read again. It is gone with the process.

    Args:
        stream: what to keep.
        folder: where; it is created.

    Raises:
        StorageError: the folder cannot be written to.
    """

    def __init__(self, stream: IO[bytes], folder: Path) -> None:
        make_folder(folder)
        try:
            self._file = tempfile.TemporaryFile(dir=folder)
            weakref.finalize(self, self._file.close)
            shutil.copyfileobj(stream, self._file, BLOCK)
            self._file.flush()
        except OSError as error:
            raise refused(folder, error) from error

    def chunks(self) -> Generator[bytes, None, None]:
        """The bytes of the stream. Readings at the same time do not disturb each other."""
        position = 0
        while True:
            self._file.seek(position)
            chunk = self._file.read(BLOCK)
            if not chunk:
                return
            position += len(chunk)
            yield chunk


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: bytes, /) -> bytes: ...


def _decompressed(chunks: Chunks, new: Callable[[], _Decompressor]) -> Generator[bytes, None, None]:
    """The content of one compressed stream after another, to the end of the file."""
    state: _Decompressor | None = None
    for chunk in chunks():
        for start in range(0, len(chunk), _PIECE):
            data = chunk[start : start + _PIECE]
            while data:
                if state is None or state.eof:
                    data = data.lstrip(b"\0")  # padding between and after streams is allowed
                    if not data:
                        break
                    state = new()
                yield state.decompress(data)
                data = state.unused_data if state.eof else b""
    if state is not None and not state.eof:
        raise EOFError("it ends too early")


def _unpacked(path: str, name: str, chunks: Chunks) -> Chunks:
    """The chunks of a file, decompressed if its suffix asks for it.

    Raises:
        CorpusError: while they are read: the compressed data is damaged.
    """
    new: Callable[[], _Decompressor]
    failure: type[Exception]
    if path.lower().endswith(".gz"):
        new, failure = partial(zlib.decompressobj, wbits=31), zlib.error
    elif path.lower().endswith(".zst"):
        import zstandard  # of no use to most corpora

        new, failure = zstandard.ZstdDecompressor().decompressobj, zstandard.ZstdError
    else:
        return chunks

    def unpacked() -> Generator[bytes, None, None]:
        try:
            yield from _regrouped(_decompressed(chunks, new))
        except (EOFError, failure) as error:
            raise CorpusError(f"{name}: its compressed data is damaged ({error}): fetch or make it again") from error

    return unpacked


def _regrouped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, BLOCK at a time."""
    held = bytearray()
    for chunk in chunks:
        held += chunk
        while len(held) >= BLOCK:
            yield bytes(held[:BLOCK])
            del held[:BLOCK]
    if held:
        yield bytes(held)


def inner_suffix(path: str) -> str:
    """The suffix that tells a file's format, in lower case, without that of its compression."""
    stem, suffix = os.path.splitext(path.lower())
    return os.path.splitext(stem)[1] if suffix in _COMPRESSED else suffix


def is_midi(path: str) -> bool:
    """Whether a file's suffix is one of MIDI's."""
    return path.lower().endswith(_MIDI)


def whole_line_ends(blocks: Iterable[str], *, keep: bool) -> Iterator[str]:
    r"""Blocks with ends of lines as "\n", or kept; no block ends between "\r" and "\n"."""
    held = ""
    for block in blocks:
        text = held + block
        held = "\r" if text.endswith("\r") else ""
        if held:
            text = text[:-1]
        if not keep and "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        if text:
            yield text
    if held:
        yield held if keep else "\n"


class TextDocument:
    """One document that is text already.

    Args:
        name: how messages call it.
        text: its text.
        keep_line_ends: leave them as they are.
    """

    __slots__ = ("_keep", "_text", "name")

    def __init__(self, name: str, text: str, *, keep_line_ends: bool) -> None:
        self.name = name
        self._text = text
        self._keep = keep_line_ends

    def blocks(self) -> Iterator[str]:
        """Its normalised text, in pieces."""
        pieces = (self._text[start : start + BLOCK] for start in range(0, len(self._text), BLOCK))
        return whole_line_ends(pieces, keep=self._keep)


class FileDocument:
    """One document that is a file.

    Args:
        path: where it is; its suffix tells whether it is compressed.
        chunks: opens it and yields its bytes.
        encoding: what the user says it is encoded in.
        keep_line_ends: leave them as they are.
        findings: takes note of its encoding.

    Raises:
        NotText: it cannot be opened, or is clearly not text.
        CorpusError: it is broken from the start.
    """

    __slots__ = ("_chunks", "_codec", "_findings", "_keep", "_mark", "name")

    def __init__(
        self,
        path: str,
        chunks: Chunks,
        *,
        encoding: str | None,
        keep_line_ends: bool,
        findings: Findings,
    ) -> None:
        self.name = shown(path)
        self._keep = keep_line_ends
        self._findings = findings
        self._chunks = _unpacked(path, self.name, chunks)
        if inner_suffix(path) in _MIDI:
            raise NotText(self.name, "MIDI, which is music")
        head = self._head()
        self._codec, self._mark = settle(head, encoding)
        kind = binary_kind(head, encoded=self._codec is not None)
        if kind:
            raise NotText(self.name, kind)
        if encoding is None and self._codec and self._codec != "utf-8":
            findings.encodings[self.name] = self._codec

    def _head(self) -> bytes:
        try:
            with contextlib.closing(self._chunks()) as chunks:
                return next(chunks, b"")[:_HEAD]
        except OSError as error:
            raise NotText(self.name, f"cannot be read ({error.strerror or error})") from error

    def blocks(self) -> Iterator[str]:
        """Its normalised text, in pieces.

        Raises:
            CorpusError: bytes that are no text in its encoding, damaged compression, or the disk refused to read.
        """
        text = decode(self._chunks, self._codec, self._mark, self.name, self._findings.encodings)
        try:
            yield from whole_line_ends(text, keep=self._keep)
        except OSError as error:
            raise CorpusError(f"{self.name}: cannot be read ({error.strerror or error})") from error
