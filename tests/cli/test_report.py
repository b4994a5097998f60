"""Rows on a screen: whole, aligned, and never wider than the screen."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from gen.cli.report import report
from tests.cli.conftest import on_a_terminal

CELL = st.text("ab漢🎼", max_size=6)
TEXT = st.text("abc 漢🎼\n", max_size=80)
ROWS = [["name", "what it is"], ["one", "a first line that is long\nsecond"], ["three", ""]]


def squeezed(text: str) -> str:
    return "".join(text.split())


@given(st.lists(st.tuples(CELL, CELL, TEXT), min_size=1, max_size=4), st.integers(4, 100) | st.none())
@settings(derandomize=True, deadline=None)
def test_nothing_is_lost_and_nothing_too_wide(rows: list[tuple[str, str, str]], width: int | None) -> None:
    shown = report(rows, width)
    assert squeezed(shown) == squeezed("".join("".join(row) for row in rows))
    lines = shown.split("\n")
    assert lines.pop() == ""
    assert all(line == line.rstrip() for line in lines)
    head = sum(max(cell_len(row[cell]) for row in rows) for cell in (0, 1)) + 2
    if width is not None:
        assert all(cell_len(line) <= max(width, head) for line in lines)


def test_without_a_screen_nothing_is_wrapped() -> None:
    assert report(ROWS, None) == "name   what it is\none    a first line that is long\n       second\nthree\n"
    assert report([["a", "word " * 200 + "."]], None).count("\n") == 1


def test_a_narrow_screen_gets_the_text_beneath() -> None:
    assert report(ROWS, 37) == report(ROWS, None)
    assert report(ROWS, 20) == "name\n  what it is\none\n  a first line that\n  is long\n  second\nthree\n"


def test_wide_characters_take_two_columns() -> None:
    assert report([["漢字", "x"], ["abcd", "y"], ["a", "漢" * 20]], 36) == (
        f"漢字  x\nabcd  y\na     {'漢' * 15}\n      {'漢' * 5}\n"
    )


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_the_width_is_that_of_the_terminal(columns: int) -> None:
    written = on_a_terminal("corpora", environment=os.environ | {"COLUMNS": str(columns)})
    widths = [len(line) for line in written.decode().splitlines()]
    assert columns * 3 // 4 < max(widths) <= columns
    assert b"\x1b" not in written
