"""Corpora that have a name: `@python`, which every interpreter carries, and those that are fetched when asked for.

`catalog.toml` lists the latter, each with its checksum. One is fetched once, into the cache, and is there or not
there: its folder appears by one rename, when everything in it has been checked.
"""

import difflib
import re
import shutil
import tomllib
from collections.abc import Generator, Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from gen import __version__
from gen.corpus import embedded
from gen.corpus.archives import Unpacking, tree_checksum, unpack
from gen.corpus.documents import Document, find_documents
from gen.corpus.download import Patience, Remote, discard, download
from gen.errors import CorpusError, StorageError
from gen.progress import Downloading
from gen.storage import (
    FolderLock,
    atomic_folder,
    atomic_write,
    cache_folder,
    checksum,
    free_space,
    human_size,
    make_folder,
    refused,
)

_GEN = Path(__file__).resolve().parents[1]
_UNITS = {"": 1, "b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9}


@dataclass(frozen=True, slots=True, kw_only=True)
class Excerpt:
    """The part of a single text file that is its text, without what a publisher put around it.

    Attributes:
        encoding: of the file.
        first: the words that the part begins with.
        end: the words before which it ends.
    """

    encoding: str
    first: str
    end: str

    def of(self, data: bytes) -> str:
        """The part, its line ends as newlines."""
        text = data.decode(self.encoding).replace("\r\n", "\n")
        begin = text.index(self.first)
        return text[begin : text.index(self.end, begin)].strip() + "\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogEntry:
    """A named corpus.

    Attributes:
        name: without the @.
        title: one line for people.
        medium: what it trains.
        licence: of the texts or pieces.
        homepage: where it comes from.
        url: what is downloaded; empty for what is built in.
        size: bytes to download; exact with `sha256`, about right with `tree_sha256`.
        sha256: of the download.
        tree_sha256: of what it unpacks to (`archives.tree_checksum`), where the archive is made anew on each request.
        archive: how it is unpacked; None for a single text file.
        excerpt: the part of a single text file that is used; None for all.
    """

    name: str
    title: str
    medium: Literal["text", "music"]
    licence: str
    homepage: str
    url: str = ""
    size: int = 0
    sha256: str | None = None
    tree_sha256: str | None = None
    archive: Unpacking | None = None
    excerpt: Excerpt | None = None

    @property
    def embedded(self) -> bool:
        """Whether nothing has to be fetched, ever."""
        return not self.url

    @property
    def cached(self) -> bool:
        """Whether it has been fetched."""
        return not self.embedded and self.folder.is_dir()

    @property
    def folder(self) -> Path:
        """Where in the cache it is kept, another place for other content."""
        content = repr((self.sha256, self.tree_sha256, self.archive, self.excerpt))
        return cache_folder() / "downloads" / f"{self.name}-{checksum(content.encode())[:12]}"


PYTHON = CatalogEntry(
    name="python",
    title="documentation and library source of this Python; @python:500kB takes a part",
    medium="text",
    licence="PSF-2.0",
    homepage="https://docs.python.org",
)


COMPOSER = CatalogEntry(
    name="composer",
    title="chorales and inventions by gen's own rules; @composer:1000 takes more of them",
    medium="music",
    licence="MIT",
    homepage="gen/music/composer.py",
)
TUNES = CatalogEntry(
    name="tunes",
    title="traditional melodies with chords, written down for gen",
    medium="music",
    licence="public domain",
    homepage="corpora/tunes",
)
EMBEDDED = PYTHON, TUNES, COMPOSER


@cache
def entries() -> tuple[CatalogEntry, ...]:
    """All named corpora, those that need no fetching first."""
    packaged = _GEN / "_corpora"
    folder = packaged if packaged.is_dir() else _GEN.parent / "corpora"  # a wheel's; a checkout's
    tables = tomllib.loads((folder / "catalog.toml").read_text("utf-8"))["corpus"]
    return (*EMBEDDED, *map(_entry, tables))


def find(name: str) -> CatalogEntry:
    """The entry of "@name", "name" or "@python:SIZE" (`CorpusError` if there is none)."""
    return parse(name)[0]


def parse(name: str) -> tuple[CatalogEntry, int | None]:
    """The entry of a name, and the size behind its colon: bytes of `@python`, pieces of `@composer` (None without one).

    Raises:
        CorpusError: there is none, or it has no such size.
    """
    plain, colon, size = name.removeprefix("@").partition(":")
    known = {entry.name: entry for entry in entries()}
    if plain not in known:
        near = difflib.get_close_matches(plain.lower(), known, n=1)
        hint = f": did you mean @{near[0]}?" if near else ""
        raise CorpusError(
            f"{'@' + plain!r} is not in the catalogue, which holds {', '.join(map('@{}'.format, known))}{hint}"
        )
    if not colon:
        return known[plain], None
    if known[plain] == PYTHON:
        return PYTHON, _bytes(size)
    if known[plain] != COMPOSER:
        raise CorpusError(f"@{plain} is followed by {size!r}; only @python and @composer have a size")
    if not re.fullmatch(r"[1-9]\d{0,5}", size, re.ASCII):
        raise CorpusError(f"'@composer:' is followed by {size!r}; it must be a number of pieces, as in @composer:1000")
    return COMPOSER, int(size)


def fetch(entry: CatalogEntry, patience: Patience | None = None) -> Generator[Downloading, None, None]:
    """Bring a corpus into the cache, if it is not there; yields progress. An unfinished one is gone on with.

    Raises:
        CorpusError: it cannot be fetched, or what comes is not it.
        StorageError: the disk refused, or another process is fetching it.
    """
    if entry.embedded or entry.cached:
        return
    folder = entry.folder
    workshop = folder.with_name(f"{folder.name}.part")
    make_folder(workshop)
    with FolderLock(workshop, f"is fetching @{entry.name}: wait for it, then run this again"):
        if entry.cached:  # that other process has just finished
            return
        for killed in folder.parent.glob(f".{folder.name}.*.partial"):
            shutil.rmtree(killed, ignore_errors=True)
        _require_space(entry, workshop)
        arrived = workshop / "download"
        remote = Remote(name=f"@{entry.name}", url=entry.url, size=entry.size, sha256=entry.sha256)
        yield from download(remote, arrived, patience)
        try:
            with atomic_folder(folder) as new:
                _open_up(entry, arrived, new)
        except CorpusError:
            discard(arrived)
            raise
        discard(arrived)


def local_path(name: str) -> Path:
    """Where the files of a corpus are, fetched if need be: its one file, or its folder.

    Raises:
        CorpusError: unknown, embedded, or not to be had.
        StorageError: the disk refused.
    """
    entry, _ = parse(name)
    if entry.embedded:
        raise CorpusError(f"@{entry.name} has no files of its own: open it as a corpus")
    for _ in fetch(entry):
        pass
    files = [path for path in entry.folder.rglob("*") if path.is_file()]
    return files[0] if len(files) == 1 else entry.folder


def open_corpus(name: str) -> Iterable[Document]:
    """The documents of a named corpus, fetched if need be.

    Args:
        name: "@name"; "@python:500kB" is a subset of about that size.

    Raises:
        CorpusError: unknown, or not to be had.
        StorageError: the disk refused.
    """
    entry, size = parse(name)
    if entry.medium == "music":
        raise CorpusError(f"@{entry.name} is music: train on it without --medium text")
    return embedded.documents(size) if entry.embedded else find_documents([local_path(name)])


def describe(name: str) -> dict[str, Any]:
    """What a checkpoint records of where its corpus came from, as JSON values."""
    entry, size = parse(name)
    known: dict[str, Any] = {"name": f"@{name.removeprefix('@')}", "licence": entry.licence, "homepage": entry.homepage}
    if entry == PYTHON:
        return known | embedded.describe(embedded.documents(size))
    if entry.embedded:
        return known | {"gen": __version__}
    checksums = {"sha256": entry.sha256, "tree_sha256": entry.tree_sha256}
    return known | {"url": entry.url} | {key: value for key, value in checksums.items() if value}


def _entry(table: dict[str, Any]) -> CatalogEntry:
    nested: dict[str, Any] = {}
    if "archive" in table:
        archive = table["archive"]
        nested["archive"] = Unpacking(**archive | {"keep": tuple(archive.get("keep", ()))})
    if "excerpt" in table:
        nested["excerpt"] = Excerpt(**table["excerpt"])
    return CatalogEntry(**table | nested)


def _bytes(size: str) -> int:
    match = re.fullmatch(r"(\d{1,12}(?:\.\d{1,6})?) ?([kmg]?b|)", size.lower(), re.ASCII)
    number = int(float(match[1]) * _UNITS[match[2]]) if match else 0
    if number < 1:
        raise CorpusError(f"'@python:' is followed by {size!r}; it must be a size, as in @python:500kB or @python:2MB")
    return number


def _require_space(entry: CatalogEntry, workshop: Path) -> None:
    needed = entry.size + (entry.archive.size if entry.archive else entry.size)
    try:
        free = free_space(workshop)
    except OSError as error:
        raise refused(workshop, error) from error
    if free < needed:
        raise StorageError(
            f"{workshop.parent}: {human_size(free)} free; @{entry.name} needs {human_size(needed)}: "
            "free some, or set GEN_CACHE to another folder"
        )


def _open_up(entry: CatalogEntry, arrived: Path, new: Path) -> None:
    """Turn what was downloaded into the files of the corpus, in the folder `new`."""
    if entry.archive:
        unpack(arrived, new, entry.archive)
    else:
        data = arrived.read_bytes()
        atomic_write(new / f"{entry.name}.txt", entry.excerpt.of(data).encode() if entry.excerpt else data)
    if entry.tree_sha256:
        found = tree_checksum(new)
        if found != entry.tree_sha256:
            raise CorpusError(
                f"@{entry.name}: {entry.url} unpacks to files with checksum {found} where the catalogue says "
                f"{entry.tree_sha256}; they were deleted: try again later, or use another corpus"
            )
