"""Documents with a label each: rows of tables, or files in folders that are named as their classes."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from gen.corpus.documents import ReadingOptions, missing
from gen.corpus.findings import Findings
from gen.corpus.readers import FileDocument, NotText, TextDocument, file_chunks, inner_suffix, shown
from gen.corpus.tables import csv_table, field, json_objects, mended
from gen.corpus.walk import Walk, matches
from gen.errors import CorpusError

TEXT, LABEL = "text", "label"
"""The columns that are taken where none is named."""
_JSON, _CSV = (".jsonl", ".ndjson"), (".csv", ".tsv")
TABLES = (*_JSON, *_CSV)
"""The suffixes of tables."""
_SHOWN = 12  # columns that an error lists


@dataclass(frozen=True, slots=True)
class Row:
    """One document.

    Attributes:
        name: how messages call it; safe to print.
        text: of it.
        label: its class; None where none was asked for.
    """

    name: str
    text: str
    label: str | None


@dataclass(frozen=True, slots=True)
class Columns:
    """Which columns of a table hold what.

    Attributes:
        text: of the text; None takes "text", or the only one that is not the label's.
        label: of the label; None takes "label".
        labelled: whether labels are read at all.
    """

    text: str | None = None
    label: str | None = None
    labelled: bool = True


def read_rows(sources: Sequence[str], columns: Columns, options: ReadingOptions, findings: Findings) -> Iterator[Row]:
    """The rows of all sources in order: tables (.csv, .tsv, .jsonl), and folders, each file of which is a document.

    Where labels are read, a folder has a folder for each class, and a file is of the class whose folder it is in.

    Raises:
        CorpusError: a source does not exist, is neither, or cannot be read; a row lacks its text.
    """
    for source in dict.fromkeys(sources):
        paths = matches(source)
        if not paths:
            raise missing(source)
        for path in paths:
            reading = _of_folder if os.path.isdir(path) else _of_file
            yield from reading(path, columns, options, findings)


def _of_file(path: str, columns: Columns, options: ReadingOptions, findings: Findings) -> Iterator[Row]:
    if inner_suffix(path) not in TABLES:
        raise CorpusError(
            f"{shown(path)}: no table: give a .csv, .tsv or .jsonl file, or a folder with a folder for each class"
        )
    yield from table_rows(_document(path, options, findings), inner_suffix(path), columns, options, findings)


def table_rows(
    file: FileDocument, suffix: str, columns: Columns, options: ReadingOptions, findings: Findings
) -> Iterator[Row]:
    """The rows of a table. Those that have no label where one is needed are counted among what is left out."""
    found: Iterator[tuple[str, Any, Any]]
    found = _of_json(file, columns) if suffix in _JSON else _of_csv(file, columns, ",;\t" if suffix == ".csv" else "\t")
    for name, text, label in found:
        if text is None or (columns.labelled and label is None):
            findings.leave_out(name, "a row without a text" if text is None else "a row without a label")
            continue
        if not isinstance(text, str):
            raise NotText(name, f"its text is of type {type(text).__name__}: text is needed")
        whole = TextDocument(name, mended(text, findings), keep_line_ends=options.keep_line_ends)
        yield Row(name, "".join(whole.blocks()), _label(name, label) if columns.labelled else None)


def _of_json(file: FileDocument, columns: Columns) -> Iterator[tuple[str, Any, Any]]:
    for name, row in json_objects(file):
        text = _column(name, list(row), columns, TEXT)
        label = _column(name, list(row), columns, LABEL) if columns.labelled else ""
        yield name, row[text], row.get(label)


def _of_csv(file: FileDocument, columns: Columns, delimiters: str) -> Iterator[tuple[str, Any, Any]]:
    header, rows = csv_table(file, delimiters)
    if not header:
        return
    text = header.index(_column(file.name, header, columns, TEXT))
    label = header.index(_column(file.name, header, columns, LABEL)) if columns.labelled else 0
    for name, row in rows:
        yield name, field(name, row, header, text), field(name, row, header, label).strip() or None


def _column(name: str, found: Sequence[str], columns: Columns, what: str) -> str:
    """The column of the text or of the label."""
    named = columns.text if what == TEXT else columns.label
    if (named or what) in found:
        return named or what
    others = [column for column in found if column != (columns.label or LABEL)]
    if what == TEXT and named is None and len(others) == 1:
        return others[0]
    listed = ", ".join(map(shown, found[:_SHOWN])) + (" …" if len(found) > _SHOWN else "")
    problem = f"there is no column {named!r}." if named else f"which column holds the {what}?"
    raise NotText(name, f"{problem} Found: {listed or 'none'}; name one with --{what}")


def _label(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        label = str(value).strip()
        if label:
            return label
    raise NotText(name, f"its label is {value!r:.80}: a text or a number is needed")


def _of_folder(folder: str, columns: Columns, options: ReadingOptions, findings: Findings) -> Iterator[Row]:
    empty = True
    try:
        paths = Walk(findings).files(folder)
    except OSError as error:
        raise CorpusError(f"{shown(folder)}: cannot be read ({error.strerror})") from error
    for path in paths:
        label = class_of(folder, path) if columns.labelled else None
        if columns.labelled and label is None:
            findings.leave_out(shown(path), "in no folder of a class")
            continue
        try:
            file = _document(path, options, findings)
        except NotText as error:
            findings.leave_out(shown(path), error.reason)
            continue
        empty = False
        yield Row(file.name, "".join(file.blocks()), label)
        findings.files += 1
    if empty:
        needed = "a folder for each class, with texts in it, is needed" if columns.labelled else "texts are needed"
        raise CorpusError(f"{shown(folder)}: there is nothing to read in this folder: {needed}")


def class_of(folder: str, path: str) -> str | None:
    """The class of a file below `folder`: the name of the folder in it that holds the file; None if none does."""
    first, *rest = os.path.relpath(path, folder).split(os.sep)
    return shown(first) if rest else None


def _document(path: str, options: ReadingOptions, findings: Findings) -> FileDocument:
    return FileDocument(
        path,
        partial(file_chunks, path),
        encoding=options.encoding,
        keep_line_ends=options.keep_line_ends,
        findings=findings,
    )
