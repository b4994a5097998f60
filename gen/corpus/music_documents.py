"""Where pieces of music come from: MIDI files, folders of them, and what gen makes itself, as one list."""

import hashlib
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gen.corpus.documents import missing
from gen.corpus.findings import Findings
from gen.corpus.readers import is_midi, shown
from gen.corpus.walk import Walk, matches
from gen.errors import CorpusError
from gen.music.score import Score

_MAX_FILE = 2**25  # bytes; what is larger is no piece, and the reader refuses it


@dataclass(frozen=True, slots=True)
class MusicDocument:
    """One piece of a corpus.

    Attributes:
        name: how messages call it; safe to print.
        digest: of its content: another for another piece.
        path: of its file; None where gen makes it.
        compose: makes it, where no file holds it.
    """

    name: str
    digest: bytes
    path: str | None = None
    compose: Callable[[], Score] | None = None


def find_music(sources: Sequence[str], findings: Findings) -> list[MusicDocument]:
    """The pieces of all `sources`, in order; folders sorted by name, each file once, read once for its digest.

    Args:
        sources: MIDI files, folders (read recursively; hidden files are passed over), patterns, "@name".
        findings: takes note of what is left out.

    Raises:
        CorpusError: a source does not exist, cannot be read, or is a folder without MIDI files.
    """
    found: list[MusicDocument] = []
    walk = Walk(findings)
    for source in dict.fromkeys(sources):
        if source.startswith("@"):
            found += _catalogued(source, walk, findings)
            continue
        paths = matches(source)
        if not paths:
            raise missing(source)
        for path in paths:
            found += _of_path(path, walk, findings)
    return found


def _of_path(path: str, walk: Walk, findings: Findings) -> list[MusicDocument]:
    try:
        status = os.stat(path)
        if not stat.S_ISDIR(status.st_mode):
            return [_file(path)] if walk.is_new(status) else []
        repeated = walk.repeated
        pieces = []
        for file in walk.files(path):
            if is_midi(file):
                pieces.append(_file(file))
    except OSError as error:
        raise CorpusError(f"{shown(path)}: cannot be read ({error.strerror})") from error
    if not pieces and walk.repeated == repeated:
        raise CorpusError(f"{shown(path)}: there is no MIDI file in this folder: give one with .mid files in it")
    return pieces


def _file(path: str) -> MusicDocument:
    with open(path, "rb", buffering=0) as file:
        return MusicDocument(shown(path), hashlib.sha256(file.read(_MAX_FILE + 1)).digest(), path)


def _catalogued(name: str, walk: Walk, findings: Findings) -> list[MusicDocument]:
    from gen.corpus import embedded_music  # they stand on this module, or on documents
    from gen.corpus.catalog import COMPOSER, TUNES, local_path, parse

    entry, count = parse(name)
    if entry.medium != "music":
        raise CorpusError(f"{name} is text: train on it without --medium music")
    if entry == TUNES:
        return embedded_music.traditional()
    if entry == COMPOSER:
        return embedded_music.composed(count)
    return _of_path(str(local_path(name)), walk, findings)
