"""Rows of JSON Lines and CSV files as documents, one at a time, however many a file has."""

import io
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gen.corpus.findings import Findings
from gen.corpus.readers import FileDocument, NotText, TextDocument, shown

_TEXT = "text"  # the column that is taken where none is named
_LONGEST_ROW = 1 << 28  # characters; a row is held in memory
_COLUMNS_SHOWN = 12
_NAME_SHOWN = 40  # characters of each
_HALVES = re.compile("[\ud800-\udfff]")


def json_rows(
    file: FileDocument, *, column: str | None, keep_line_ends: bool, findings: Findings
) -> Iterator[TextDocument]:
    """The rows of a JSON Lines file: objects, one a line, with a field of text. Rows where it is null are passed over.

    Raises:
        NotText: a row is no JSON object or has no such field of text.
    """
    wanted = column or _TEXT
    for name, row in json_objects(file):
        if wanted not in row:
            raise NotText(name, _no_column(column, list(row)))
        text = row[wanted]
        if text is None:
            continue
        if not isinstance(text, str):
            raise NotText(name, f"{wanted!r} is of type {type(text).__name__}: text is needed")
        yield TextDocument(name, mended(text, findings), keep_line_ends=keep_line_ends)


def json_objects(file: FileDocument) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a JSON Lines file, each with its name (`NotText`: one is no JSON object)."""
    for number, line in enumerate(_lines(file.blocks(), file.name), 1):
        if line.isspace():
            continue
        name = f"{file.name}:{number}"
        try:
            row: Any = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise NotText(name, f"not JSON ({error}): each line must be a JSON object") from error
        if not isinstance(row, dict):
            raise NotText(name, f"a {type(row).__name__} in JSON: each line must be a JSON object")
        yield name, row


def mended(text: str, findings: Findings) -> str:
    """A text of JSON without halves of characters."""
    whole, halves = _HALVES.subn("\ufffd", text)
    findings.mended += halves
    return whole


def csv_rows(
    file: FileDocument, *, column: str | None, keep_line_ends: bool, delimiters: str
) -> Iterator[TextDocument]:
    """The rows of a file of separated values under a header, which has the one of `delimiters` that it uses most.

    Raises:
        NotText: the header does not tell which column is the text, a row is too short, a quote is never closed.
    """
    columns, rows = csv_table(file, delimiters)
    index = column_index(file.name, columns, column) if columns else 0
    for name, row in rows:
        yield TextDocument(name, field(name, row, columns, index), keep_line_ends=keep_line_ends)


def csv_table(file: FileDocument, delimiters: str) -> tuple[list[str], Iterator[tuple[str, list[str]]]]:
    """The header of a file of separated values, and its rows, each with its name. Errors are those of `records`."""
    lines = _lines(file.blocks(), file.name)
    header = next(lines, "")
    delimiter = max(delimiters, key=header.count)
    found = records(_put_back(header, lines), delimiter, file.name)
    columns = next((row for _, row in found), [])
    return columns, ((f"{file.name}:{number}", row) for number, row in found)


def field(name: str, row: Sequence[str], columns: Sequence[str], index: int) -> str:
    """A field of a row (`NotText`: the row is too short)."""
    if index < len(row):
        return row[index]
    reason = f"{len(row)} of the {len(columns)} fields that the header names: {columns[index]!r} is missing"
    raise NotText(name, reason)


def records(lines: Iterable[str], delimiter: str, name: str) -> Iterator[tuple[int, list[str]]]:
    """The records of RFC 4180 in `lines`, each with the number of its first line; empty lines are passed over.

    (The `csv` module refuses fields beyond a limit that is global to the process.)

    Raises:
        NotText: a quote is never closed.
    """
    numbered = enumerate(lines, 1)
    for number, line in numbered:
        content = line.rstrip("\r\n")
        if '"' in content:
            yield number, _quoted_record(line, delimiter, numbered, f"{name}:{number}")
        elif content:
            yield number, content.split(delimiter)


def _quoted_record(line: str, delimiter: str, following: Iterator[tuple[int, str]], name: str) -> list[str]:
    fields: list[str] = []
    at = size = 0
    while True:
        pieces: list[str] = []
        quoted = line.startswith('"', at)  # anywhere else in a field a quote is a character like others
        at += quoted
        while quoted:
            quote = line.find('"', at)
            if quote < 0:
                pieces.append(line[at:])
                size += len(line)
                at, (_, line) = 0, next(following, (0, ""))
                if not line or size > _LONGEST_ROW:
                    raise NotText(name, f"a quote is opened here and not closed in {size:,} characters: close it")
            elif line.startswith('"', quote + 1):  # a pair of them stands for one
                pieces.append(line[at : quote + 1])
                at = quote + 2
            else:
                pieces.append(line[at:quote])
                at = quote + 1
                quoted = False
        end = line.find(delimiter, at)
        pieces.append(line[at:end] if end >= 0 else line[at:].rstrip("\r\n"))
        fields.append("".join(pieces))
        if end < 0:
            return fields
        at = end + 1


def column_index(name: str, columns: Sequence[str], wanted: str | None) -> int:
    """Which column holds the text (`NotText`: the header does not tell)."""
    if wanted is None and len(columns) == 1:
        return 0
    if (wanted or _TEXT) in columns:
        return columns.index(wanted or _TEXT)
    raise NotText(name, _no_column(wanted, columns))


def _no_column(wanted: str | None, columns: Sequence[str]) -> str:
    names = (name if len(name) <= _NAME_SHOWN else name[:_NAME_SHOWN] + "…" for name in columns[:_COLUMNS_SHOWN])
    listed = ", ".join(map(shown, names)) + (" …" if len(columns) > _COLUMNS_SHOWN else "")
    missing = f"there is no column {wanted!r}." if wanted else "which column holds the text?"
    return f"{missing} Found: {listed or 'none'}; name one with --column"


def _lines(blocks: Iterable[str], name: str) -> Iterator[str]:
    r"""The lines of a text with their ends: "\n", "\r\n" or "\r", none of which a block ends within."""
    pieces: list[str] = []
    size = 0
    for block in blocks:
        for piece in io.StringIO(block, newline=""):
            pieces.append(piece)
            size += len(piece)
            if size > _LONGEST_ROW:
                raise NotText(name, f"a line of more than {_LONGEST_ROW:,} characters: a table needs shorter ones")
            if piece.endswith(("\n", "\r")):
                yield "".join(pieces)
                pieces.clear()
                size = 0
    if pieces:
        yield "".join(pieces)


def _put_back(first: str, rest: Iterator[str]) -> Iterator[str]:
    if first:
        yield first
    yield from rest
