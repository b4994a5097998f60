"""What reaches the terminal: the product on stdout, byte for byte; everything else on stderr, made harmless."""

import contextlib
import os
import stat
import sys
import time
from collections.abc import Callable, Generator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gen.errors import InputError, StorageError

if TYPE_CHECKING:
    from rich.console import Console

_T = TypeVar("_T")
_LINE_SECONDS = 5.0  # between two plain lines
_REORDERING = {*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C}  # bidirectional overrides


class OutputClosed(Exception):
    """The reader of stdout has gone, as `head` does."""


def plain(text: str, *, keep_newlines: bool = False) -> str:
    r"""Text with control characters, lone surrogates and reordering marks spelled out (ESC becomes \x1b)."""
    return "".join(c if _harmless(c, keep_newlines) else repr(c)[1:-1] for c in text)


def _harmless(character: str, keep_newlines: bool) -> bool:
    point = ord(character)
    if character == "\n":
        return keep_newlines
    control = point < 32 or 127 <= point < 160 or 0xD800 <= point < 0xE000
    return not control and point not in _REORDERING


def complain(message: str) -> None:
    """Say one line on stderr, with "gen: error: " in front."""
    with contextlib.suppress(OSError, ValueError):  # stderr may be closed, too
        print(f"gen: error: {plain(message)}", file=sys.stderr, flush=True)  # noqa: T201  (the one place that says it)


def write_product(text: str) -> None:
    """Send text to stdout as UTF-8, now, unchanged on every terminal and in every locale.

    Raises:
        OutputClosed: nobody reads it any more.
    """
    write_bytes(text.encode("utf-8", "surrogatepass"))


def write_bytes(data: bytes) -> None:
    """Send bytes to stdout, now.

    Raises:
        OutputClosed: nobody reads it any more.
        StorageError: the disk behind it refused.
    """
    if sys.stdout is None:
        raise OutputClosed
    try:
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    except (BrokenPipeError, ValueError) as error:
        with contextlib.suppress(OSError, ValueError):  # what is left in the buffer must not complain at exit
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise OutputClosed from error
    except OSError as error:  # a full disk behind it
        raise StorageError(f"stdout: cannot write ({error.strerror}): send it elsewhere") from error


@cache
def console() -> "Console":
    """Rich on stderr; honours NO_COLOR, TERM=dumb and COLUMNS. Markup in what it prints is never interpreted."""
    from rich.console import Console

    return Console(stderr=True, markup=False, highlight=False, emoji=False, soft_wrap=False)


def say(message: str, style: str | None = None) -> None:
    """A line on stderr for a person: wrapped between words in a terminal, whole elsewhere."""
    with contextlib.suppress(OSError, ValueError):
        console().print(plain(message), style=style, soft_wrap=not console().is_terminal)


def now_and_then(line: Callable[[_T], str]) -> Callable[[_T], None]:
    """What says, where there is no terminal to draw in, a line of an event every few seconds."""
    due = time.monotonic() + _LINE_SECONDS

    def show(event: _T) -> None:
        nonlocal due
        if time.monotonic() >= due:
            due = time.monotonic() + _LINE_SECONDS
            say(line(event))

    return show


def table(header: list[str], rows: list[list[str]], *, right: set[int]) -> str:
    """Columns of text, for a person or for `cut`; `right` are the columns of numbers."""
    widths = [max(len(row[i]) for row in [header, *rows]) for i in range(len(header))]
    lines = [
        "  ".join(
            cell.rjust(w) if i in right else cell.ljust(w) for i, (cell, w) in enumerate(zip(row, widths, strict=True))
        )
        for row in [header, *rows]
    ]
    return "".join(line.rstrip() + "\n" for line in lines)


def stdin_is_piped() -> bool:
    """Whether stdin is a pipe or a file, which a person meant to be read."""
    try:
        mode = os.fstat(sys.stdin.fileno()).st_mode
    except (AttributeError, OSError, ValueError):  # closed, or replaced by a test
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISREG(mode)


def read_text(source: str, encoding: str | None = None, *, what: str = "prompt") -> tuple[str, tuple[str, ...]]:
    """The text of a file, or of stdin for "-", read as a corpus is, and what its owner should know of that.

    Args:
        source: the file.
        encoding: None finds it out.
        what: it is, in errors.

    Raises:
        ConfigError: there is no such encoding.
        InputError: it is not there, or not text.
    """
    from gen.corpus.encodings import check_encoding
    from gen.corpus.findings import Findings
    from gen.corpus.readers import FileDocument

    if encoding is not None:
        check_encoding(encoding)
    name = "standard input" if source == "-" else source
    try:
        data = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise InputError(f"{name}: cannot read the {what} ({error.strerror}): check the path") from error

    def chunks() -> Generator[bytes, None, None]:
        yield data

    findings = Findings()
    document = FileDocument(name, chunks, encoding=encoding, keep_line_ends=False, findings=findings)
    text = "".join(document.blocks())
    return text, findings.notices()
