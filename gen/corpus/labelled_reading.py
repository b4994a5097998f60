"""Labelled documents of either medium, whole: texts, or the ids of pieces of music."""

import hashlib
import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen.config import Clock, Medium
from gen.corpus.documents import ReadingOptions
from gen.corpus.findings import Findings
from gen.corpus.labelled import Columns, Row, class_of, read_rows
from gen.corpus.music_corpus import open_music
from gen.corpus.music_documents import find_music
from gen.corpus.readers import shown
from gen.errors import CorpusError
from gen.progress import ReadingFiles
from gen.tokenizers import MidiTokenizer

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer


@dataclass(frozen=True, slots=True, eq=False)
class LabelledDocument:
    """A document as it was read.

    Attributes:
        name: how messages call it; safe to print.
        content: a text, or the ids of a piece of music, without a boundary.
        label: its class.
        hash: the first 64 bits of the SHA-256 of its content.
    """

    name: str
    content: Any
    label: str
    hash: int


def read_labelled(
    sources: Sequence[str],
    medium: Medium,
    columns: Columns,
    options: ReadingOptions,
    tokenizer: "AnyTokenizer | None",
    findings: Findings,
    folder: Path,
) -> Generator[ReadingFiles, None, tuple[list[LabelledDocument], MidiTokenizer | None]]:
    """The documents of all sources, in order, and of music the tokenizer that made its ids; yields progress.

    Args:
        sources: tables, or folders with a folder for each class.
        medium: what they hold.
        columns: of tables, which hold what.
        options: how to read them.
        tokenizer: of a model to go on with; of music, its clock counts.
        findings: takes note of what is left out.
        folder: of the cache, for pieces of music.

    Raises:
        CorpusError: a source is missing, cannot be read, or is music in no folder of a class.
        MidiError: with `options.strict`, a piece cannot be read.
    """
    if medium == "text":
        return [_of_row(row) for row in read_rows(sources, columns, options, findings)], None
    clock = tokenizer.clock if isinstance(tokenizer, MidiTokenizer) else options.clock
    return (yield from _pieces(sources, findings, clock, options.strict, folder)) if sources else ([], None)


def _of_row(row: Row) -> LabelledDocument:
    digest = hashlib.sha256(row.text.encode("utf-8", "surrogatepass")).digest()
    assert row.label is not None
    return LabelledDocument(row.name, row.text, row.label, int.from_bytes(digest[:8], "big"))


def _pieces(
    sources: Sequence[str], findings: Findings, clock: Clock | None, strict: bool, folder: Path
) -> Generator[ReadingFiles, None, tuple[list[LabelledDocument], MidiTokenizer]]:
    """Pieces in folders of classes; a copy of one is left out."""
    classes: dict[str, str] = {}
    documents = []
    for source in dict.fromkeys(sources):
        for document in find_music([source], findings):
            label = class_of(source, document.path) if document.path and os.path.isdir(source) else None
            if label is None:
                findings.leave_out(document.name, "in no folder of a class")
                continue
            classes[document.name] = label
            documents.append(document)
    if not documents:
        listed = ", ".join(map(shown, sources))
        raise CorpusError(f"{listed}: music with classes comes in a folder for each: give one that holds these")
    found = yield from open_music(documents, findings, clock=clock, strict=strict, folder=folder)
    pieces = [
        LabelledDocument(name, found.ids.ids[begin + 1 : end], classes[name], int(hashed))  # without the boundary
        for name, (begin, end), hashed in zip(found.names, found.ids.extents.tolist(), found.hashes, strict=True)
    ]
    return pieces, found.tokenizer
