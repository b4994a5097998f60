"""Named corpora are fetched in sight: a bar in a terminal, lines elsewhere; a part is kept and gone on from."""

import io
import re
from collections.abc import Generator
from pathlib import Path

import pytest
from rich.console import Console

from gen.cli import fetching
from gen.cli.fetching import fetch_named
from gen.corpus import catalog
from gen.errors import CorpusError
from gen.progress import Downloading
from tests.cli.conftest import SMALL, Gen, Shelf


def screen(monkeypatch: pytest.MonkeyPatch, width: int) -> io.StringIO:
    """In place of stderr, a terminal that remembers."""
    written = io.StringIO()
    terminal = Console(file=written, force_terminal=True, color_system=None, legacy_windows=False, width=width)
    monkeypatch.setattr(fetching, "console", lambda: terminal)
    return written


def test_without_a_terminal_there_are_plain_lines(gen: Gen, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen.cli.terminal._LINE_SECONDS", 0.0)
    result = gen("corpora", "@tale", "--fetch")
    assert result.code == 0
    lines = result.err.splitlines()
    assert lines[0] == f"@tale: fetching {shelf.size} from {shelf.entry.url}"
    assert lines[-2] == f"@tale: {shelf.size} of {shelf.size}"
    assert lines[-1] == f"@tale: checked, and kept in {shelf.entry.folder}"
    assert "\x1b" not in result.err


@pytest.mark.parametrize("width", [40, 120])
def test_a_terminal_shows_a_bar_that_fits(shelf: Shelf, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    written = screen(monkeypatch, width)
    fetch_named(["@tale"])
    shown = re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", written.getvalue())
    assert "100% ━" in shown
    assert ("kB" in shown) == (width >= 60)
    assert max(map(len, re.split(r"[\r\n]", shown))) <= width
    assert shelf.entry.cached


def test_a_part_is_gone_on_from(gen: Gen, shelf: Shelf) -> None:
    shelf.breaks_after = 20_000
    broken = gen("corpora", "@tale", "--fetch")
    assert broken.code == 3
    assert broken.err.splitlines()[-1].startswith("gen: error: @tale: the connection broke off after 20.0 kB")
    assert broken.out == b""
    shelf.breaks_after = None
    assert gen("corpora", "@tale", "--fetch").code == 0
    assert shelf.ranges[-1] == "bytes=20000-"


def test_a_stop_says_how_to_go_on(gen: Gen, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(entry: catalog.CatalogEntry) -> Generator[Downloading, None, None]:
        yield Downloading("@tale", 1, 2)
        raise KeyboardInterrupt

    monkeypatch.setattr(catalog, "fetch", stopped)
    result = gen("corpora", "@tale", "--fetch")
    assert result.code == 130
    assert result.err.splitlines()[-1] == "@tale: what has come is kept; the same command goes on from there"


def test_training_fetches_first_and_only_once(
    gen: Gen, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEN_CHECKPOINTS", str(tmp_path / "runs"))
    first = gen("train", "@tale", "--steps", "1", *SMALL)
    assert first.code == 0
    assert first.err.index("@tale: fetching") < first.err.index("@tale: checked") < first.err.index("characters")
    again = gen("train", "@tale", "--steps", "1", *SMALL)
    assert "fetching" not in again.err
    assert len(shelf.ranges) == 1


def test_a_resumed_run_fetches_what_the_cache_has_lost(
    gen: Gen, shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEN_CHECKPOINTS", str(tmp_path / "runs"))
    assert gen("train", "@tale", "--steps", "1", *SMALL).code == 0
    monkeypatch.setenv("GEN_CACHE", str(tmp_path / "another"))
    resumed = gen("train", "--resume", "--steps", "2")
    assert resumed.code == 0
    assert "@tale: fetching" in resumed.err


def test_other_sources_are_left_alone(shelf: Shelf) -> None:
    fetch_named(["book.txt", "-", "@python", "@python:1MB"])
    assert shelf.ranges == []
    with pytest.raises(CorpusError, match="did you mean @tale"):
        fetch_named(["@tail"])
