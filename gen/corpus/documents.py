"""Where documents come from: files, folders, patterns, standard input and the catalogue, as one stream of them."""

import difflib
import itertools
import os
import stat
import sys
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from typing import IO, Any, Protocol, Self

from gen.config import CLOCKS, Clock, Medium, require
from gen.corpus.encodings import Chunks, check_encoding
from gen.corpus.findings import Findings
from gen.corpus.readers import FileDocument, NotText, Spool, file_chunks, inner_suffix, shown
from gen.corpus.tables import csv_rows, json_rows
from gen.corpus.walk import Walk, matches
from gen.errors import CorpusError
from gen.progress import ReadingText
from gen.storage import cache_folder

_STDIN = "-"
_SOURCES = "a file, a folder, a pattern, '-' for standard input, or an @name"
_LISTED = 10_000  # names looked through for one like a missing one


class Document(Protocol):
    """One text of a corpus."""

    @property
    def name(self) -> str:
        """How messages call it; safe to print."""

    def blocks(self) -> Iterator[str]:
        """Its normalised text in pieces of a few MB at most, from the start at every call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadingOptions:
    r"""How files are read.

    Attributes:
        encoding: of all files; None finds it out for each.
        keep_line_ends: leave "\r\n" and "\r" as they are; otherwise they become "\n".
        column: of tables (.csv, .tsv, .jsonl), the one that holds the text; None takes "text".
        medium: "text" or "music"; None finds out, and refuses what holds both.
        tokens: of text, what an id stands for (`gen.tokenizers.fitting.Tokens`); None takes what fits.
        clock: of music, "seconds" or "beats"; None takes what fits.
        strict: a MIDI file that cannot be read stops everything, in place of being left out.

    Raises:
        ConfigError: the encoding is not known, or a value is of the wrong type.
    """

    encoding: str | None = None
    keep_line_ends: bool = False
    column: str | None = None
    medium: Medium | None = None
    tokens: str | None = None
    clock: Clock | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        for name, value in (("encoding", self.encoding), ("column", self.column)):
            require(value is None or isinstance(value, str), name, value, "text")
        for name, switch in (("keep_line_ends", self.keep_line_ends), ("strict", self.strict)):
            require(isinstance(switch, bool), name, switch, "true or false")
        require(self.medium in (None, "text", "music"), "medium", self.medium, "text or music")
        require(self.clock in (None, *CLOCKS), "clock", self.clock, f"one of {', '.join(CLOCKS)}")
        if self.encoding is not None:
            check_encoding(self.encoding)
        if self.tokens is not None:
            from gen.tokenizers.fitting import Tokens  # reading the catalogue needs no numpy

            Tokens.parse(self.tokens)

    def to_dict(self) -> dict[str, Any]:
        """The options as JSON values, `tokens` only where given; `ReadingOptions(**values)` makes them again."""
        return {name: value for name, value in asdict(self).items() if name != "tokens" or value is not None}

    @classmethod
    def recorded(cls, record: Mapping[str, Any]) -> Self:
        """The options that read a corpus again as its `provenance` says it was read."""
        return cls(**record["options"] | {"medium": record.get("medium", "text")})


DEFAULT_OPTIONS = ReadingOptions()


class Documents:
    """The documents of some sources, read anew at each iteration; none is held longer than the caller holds it.

    Made by `find_documents`. Iterating raises `CorpusError` where a source cannot be read or has no text.

    Attributes:
        sources: where they come from, as a later reading finds them: absolute paths, @names, "-".
        findings: what the latest iteration met.
    """

    def __init__(self, sources: Sequence[str], options: ReadingOptions) -> None:
        distinct = list(dict.fromkeys(sources))
        self.sources = tuple(map(source_name, distinct))
        self.findings = Findings()
        self._options = options
        self._sources = [_resolved(source) for source in distinct]

    def __iter__(self) -> Iterator[Document]:
        self.findings = Findings(encodings=self.findings.encodings)  # to detect them again would take long
        reading = _Pass(self._options, self.findings)
        for source in self._sources:
            yield from source(reading)

    def progress(self, done: int) -> ReadingText:
        """How far the latest iteration is, when `done` bytes of text have come of it."""
        if self._size is None:
            return ReadingText("reading", done, None)
        return ReadingText("reading", min(self.findings.bytes, self._size), self._size)

    @cached_property
    def _size(self) -> int | None:
        """Bytes of all files, None where a source is something else."""
        paths = [path for source in self.sources for path in matches(source)]
        try:
            return sum(map(_size_of, paths)) or None
        except OSError:
            return None


def find_documents(sources: Sequence[str | os.PathLike[str]], options: ReadingOptions = DEFAULT_OPTIONS) -> Documents:
    """The documents of all `sources`, in order; folders sorted by name, each file once.

    Args:
        sources: files, folders (read recursively; hidden files are passed over), patterns that no shell expanded,
            "-" for standard input, "@name" for a corpus of the catalogue.
        options: how to read them.

    Raises:
        CorpusError: a source does not exist or cannot be opened.
        StorageError: standard input cannot be kept in the cache.
    """
    if not sources:
        raise CorpusError(f"no corpus named: give {_SOURCES}")
    return Documents([os.fspath(source) for source in sources], options)


def source_name(source: str) -> str:
    """A source as a later reading finds it: an absolute path, an @name, or "-"."""
    return source if source == _STDIN or source.startswith("@") else os.path.abspath(source)


class _Pass:
    """One pass over the sources: what it has read already, and how to read the rest."""

    def __init__(self, options: ReadingOptions, findings: Findings) -> None:
        self._options = options
        self._findings = findings
        self._walk = Walk(findings)

    def path(self, path: str) -> Iterator[Document]:
        """The documents of a file or folder that was named."""
        try:
            status = os.stat(path)
            below = self._walk.files(path) if stat.S_ISDIR(status.st_mode) else None
        except OSError as error:
            raise CorpusError(f"{shown(path)}: cannot be read ({error.strerror})") from error
        if not self._walk.is_new(status):
            return
        if below is None:
            yield from self.file(path, partial(file_chunks, path))
        else:
            yield from self._folder(path, below)

    def file(self, path: str, chunks: Chunks) -> Iterator[Document]:
        """The documents of one file: itself, or its rows."""
        options = self._options
        keep = options.keep_line_ends
        chunks = self._counted(chunks)
        file = FileDocument(path, chunks, encoding=options.encoding, keep_line_ends=keep, findings=self._findings)
        suffix = inner_suffix(path)
        if suffix in (".jsonl", ".ndjson"):
            yield from json_rows(file, column=options.column, keep_line_ends=keep, findings=self._findings)
        elif suffix in (".csv", ".tsv"):
            delimiters = ",;\t" if suffix == ".csv" else "\t"
            yield from csv_rows(file, column=options.column, keep_line_ends=keep, delimiters=delimiters)
        else:
            yield file
        self._findings.files += 1

    def _counted(self, chunks: Chunks) -> Chunks:
        """The same bytes, which are counted when they are read for the first time."""
        counted = 0

        def opened() -> Generator[bytes, None, None]:
            nonlocal counted
            position = 0
            for chunk in chunks():
                position += len(chunk)
                self._findings.bytes += max(0, position - counted)
                counted = max(counted, position)
                yield chunk

        return opened

    def _folder(self, folder: str, below: Iterator[str]) -> Iterator[Document]:
        """The documents of all files in a folder that can be read as text."""
        empty = True
        repeated = self._walk.repeated
        for path in below:
            begun = False
            try:
                for document in self.file(path, partial(file_chunks, path)):
                    begun, empty = True, False
                    yield document
            except NotText as error:
                if begun:
                    raise
                self._findings.leave_out(shown(path), error.reason)
        if empty and self._walk.repeated == repeated:
            why = (
                self._findings.left_out_text()
                if self._findings.left_out
                else "it has no files but hidden ones: put text or MIDI files in it"
            )
            raise CorpusError(f"{shown(folder)}: there is no text in this folder: {why}")


_Source = Callable[[_Pass], Iterator[Document]]


def _resolved(source: str) -> _Source:
    """What reads a source, which is known to exist from here on."""
    if source.startswith("@"):
        return partial(_catalogued, source)
    if source == _STDIN:
        if sys.stdin is None:
            raise CorpusError("-: standard input is closed: pipe a text into it")
        return _spooled("standard input", sys.stdin.buffer)
    try:
        mode = os.stat(source).st_mode
        if stat.S_ISFIFO(mode):
            with open(source, "rb") as stream:
                return _spooled(source, stream)
    except (FileNotFoundError, NotADirectoryError) as error:
        found = matches(source)
        if not found:
            raise missing(source) from error
        return partial(_all_of, found)
    except (OSError, ValueError) as error:  # a name with NUL is a ValueError
        reason = error.strerror if isinstance(error, OSError) else error
        raise CorpusError(f"{shown(source)}: cannot be read ({reason})") from error
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise CorpusError(f"{shown(source)}: neither a file nor a folder: give {_SOURCES}")
    return partial(_all_of, [source])


def _all_of(paths: Sequence[str], reading: _Pass) -> Iterator[Document]:
    return itertools.chain.from_iterable(map(reading.path, paths))


def _spooled(name: str, stream: IO[bytes]) -> _Source:
    spool = Spool(stream, cache_folder())
    return lambda reading: reading.file(name, spool.chunks)


def _catalogued(name: str, _: _Pass) -> Iterator[Document]:
    from gen.corpus.catalog import open_corpus  # it stands on this module

    yield from open_corpus(name)


def _size_of(path: str) -> int:
    """Bytes of a file, or of all files below a folder."""
    status = os.stat(path)
    if not stat.S_ISDIR(status.st_mode):
        return status.st_size
    return sum(os.stat(below).st_size for below in Walk(Findings()).files(path))


def missing(source: str) -> CorpusError:
    """The error for a path that does not exist, with the nearest one that does."""
    folder, name = os.path.split(source.rstrip(os.sep))
    while folder and not os.path.isdir(folder):
        folder, name = os.path.split(folder)
    try:
        with os.scandir(folder or os.curdir) as entries:
            names = {entry.name.lower(): entry.name for entry in itertools.islice(entries, _LISTED)}
    except OSError:
        names = {}
    close = difflib.get_close_matches(name.lower(), names, n=1)
    hint = f"did you mean {shown(os.path.join(folder, names[close[0]]))}?" if close else f"give {_SOURCES}"
    return CorpusError(f"{shown(source)}: there is no such file or folder: {hint}")
