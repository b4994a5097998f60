"""Nothing from a corpus, a prompt or a name reaches the terminal as an order to it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.cli.terminal import plain, table
from gen.cli.training_view import duration, sparkline


def test_escape_sequences_are_spelled_out() -> None:
    assert plain("\x1b[2J") == r"\x1b[2J"
    assert plain("a\rb\x07\u202e") == r"a\rb\x07\u202e"
    assert plain("[bold]é漢 🎵[/bold]") == "[bold]é漢 🎵[/bold]"
    assert plain("a\nb") == r"a\nb" and plain("a\nb", keep_newlines=True) == "a\nb"


@given(st.text(st.characters()))
def test_what_is_plain_is_printable_and_encodable(text: str) -> None:
    safe = plain(text)
    safe.encode()
    assert not any(ord(c) < 32 or 127 <= ord(c) < 160 for c in safe)
    assert plain(safe) == safe


def test_a_table_aligns_numbers_to_the_right() -> None:
    assert table(["a", "n"], [["x", "1"], ["yy", "10"]], right={1}) == "a    n\nx    1\nyy  10\n"


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (59.6, "1:00"), (200, "3:20"), (3723, "1:02:03"), (float("inf"), "--:--")]
)
def test_durations(seconds: float, shown: str) -> None:
    assert duration(seconds) == shown


@given(st.lists(st.floats(0, 10), min_size=1, max_size=300), st.integers(1, 80))
def test_a_sparkline_fits_its_width(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) == min(len(values), width)
    assert sparkline(values, width, ascii_only=True).isascii()


def test_a_sparkline_falls_as_the_loss_does() -> None:
    assert sparkline([8, 7, 6, 5, 4, 3, 2, 1], 8) == "█▇▆▅▄▃▂▁"
