"""How far the reading of a corpus is: a bar in a terminal, lines elsewhere, and neither where it takes a moment."""

import io
import re
from collections.abc import Generator

import pytest
from rich.console import Console

from gen.cli import reading
from gen.cli.reading import shown_reading
from gen.progress import Reading, ReadingFiles, ReadingText

EVENTS: list[Reading] = [
    ReadingText("reading", 900_000, None),
    ReadingText("reading", 30_000_000, 120_000_000),
    ReadingText("tokenising", 60_000_000, 120_000_000),
    ReadingFiles(20, 1200),
]
TOLD = ["reading 900 kB", "reading 30.0 MB of 120 MB", "tokenising 60.0 MB of 120 MB", "reading 20 of 1,200 files"]


def work() -> Generator[Reading, None, str]:
    yield from EVENTS
    return "a corpus"


def in_a_terminal(monkeypatch: pytest.MonkeyPatch, moment: float) -> str:
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, color_system=None, legacy_windows=False, width=60)
    monkeypatch.setattr(reading, "console", lambda: terminal)
    monkeypatch.setattr(reading, "_MOMENT", moment)
    assert shown_reading(work()) == "a corpus"
    return re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written.getvalue())


def test_a_terminal_shows_a_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = in_a_terminal(monkeypatch, 0.0)
    assert re.search(r"reading [━╸].* 20 of 1,200 files", shown)
    assert max(map(len, re.split(r"[\r\n]", shown))) <= 60


def test_a_terminal_shows_nothing_of_what_takes_a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert in_a_terminal(monkeypatch, 60.0).strip() == ""


def test_without_a_terminal_there_are_plain_lines(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("gen.cli.terminal._LINE_SECONDS", 0.0)
    assert shown_reading(work()) == "a corpus"
    assert capsys.readouterr().err.splitlines() == TOLD
