"""How the notes of a roll look in a terminal: characters and colours, for as many colours as it has."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from rich.console import Console
from rich.segment import Segment
from rich.style import Style

COLOURS = (
    (86, 180, 233), (230, 159, 0), (0, 158, 115), (220, 80, 220), (213, 94, 0), (240, 228, 66), (190, 190, 190),
)  # fmt: skip
"""Of the tracks; after Okabe & Ito 2008, so that the colour-blind tell them apart, too."""
LEVELS = 8
"""Degrees of loudness."""
FAINT = Style(dim=True)
"""Of what is no music."""
_NAMED = {  # the same where there are fewer: at a note's beginning, and after it; for loudness nothing is left
    "standard": (
        ("bright_cyan", "cyan"), ("bright_yellow", "yellow"), ("bright_green", "green"), ("bright_magenta", "magenta"),
        ("bright_red", "red"), ("bright_blue", "blue"), ("bright_white", "white"),
    ),
    "256": (
        ("color(75)", "color(31)"), ("color(214)", "color(136)"), ("color(36)", "color(29)"),
        ("color(170)", "color(90)"), ("color(166)", "color(94)"), ("color(227)", "color(143)"),
        ("color(250)", "color(243)"),
    ),
}  # fmt: skip
_HELD, _SOFTEST = 0.62, 0.6  # brightness of a note after its beginning, and of the softest one

Look = tuple[str, Style | None]
"""A character and how it is written."""


class Cell(NamedTuple):
    """What is seen of a note in one place.

    Attributes:
        colour: index among `COLOURS`.
        level: of loudness, 0 … `LEVELS` - 1.
        begins: its onset is here.
    """

    colour: int
    level: int
    begins: bool


@dataclass(frozen=True, slots=True)
class Paint:
    """Characters and colours for a terminal.

    Attributes:
        ascii_only: use no blocks.
        colours: how many the terminal has, in Rich's words; None for none.
    """

    ascii_only: bool
    colours: str | None

    @classmethod
    def of(cls, console: Console) -> "Paint":
        """What a terminal can show."""
        return cls(console.options.ascii_only, None if console.no_color else console.color_system)

    @property
    def halves(self) -> int:
        """How many notes one character shows, one above the other."""
        return 1 if self.ascii_only else 2

    def notes(self, upper: Cell | None, lower: Cell | None, *, marked: bool) -> Look:
        """The look of one place; of an empty one, too, which may be `marked` for the ruler."""
        return _look(self.ascii_only, self.colours, upper, lower, marked)

    def hits(self, skin: bool, metal: bool) -> Look:
        """The look of drums: metal above skins, as drummers write them."""
        return (" .':" if self.ascii_only else " ▄▀█")[skin + 2 * metal], None

    def swatch(self, colour: int) -> Look:
        """The look of one of the `COLOURS` where it is explained."""
        return "#" if self.ascii_only else "■", _style(self.colours, Cell(colour, LEVELS - 1, True), None)

    def line(self, label: str, looks: Sequence[Look], width: int) -> Iterator[Segment]:
        """One line: its label in `width` columns, then the rest."""
        yield Segment(f"{label:>{width - 1}}" + ("|" if self.ascii_only else "│"), FAINT)
        for _, run in groupby(looks, key=lambda look: id(look[1])):  # equal styles are the same, and slow to compare
            characters, styles = zip(*run, strict=True)
            yield Segment("".join(characters), styles[0])
        yield Segment.line()


@lru_cache(maxsize=1 << 15)  # a frame has ten thousand places, and not many looks
def _look(ascii_only: bool, colours: str | None, upper: Cell | None, lower: Cell | None, marked: bool) -> Look:
    first = upper or lower
    if first is None:
        return ("|" if ascii_only else "┊") if marked else " ", FAINT
    if ascii_only:
        return "#" if first.begins else "=", _style(colours, first, None)
    if not (upper and lower):
        return "▀" if upper else "▄", _style(colours, first, None)
    if colours is None:
        return "█", _style(None, upper if upper.begins else lower, None)
    return "▀", _style(colours, upper, lower)


@lru_cache(maxsize=1 << 15)
def _style(colours: str | None, cell: Cell, below: Cell | None) -> Style:
    if colours is None:
        return Style() if cell.begins else FAINT
    return Style(color=_colour(colours, cell), bgcolor=_colour(colours, below) if below else None)


def _colour(colours: str, cell: Cell) -> str:
    if colours != "truecolor":
        return _NAMED["256" if colours == "256" else "standard"][cell.colour][not cell.begins]
    brightness = (_SOFTEST + (1 - _SOFTEST) * cell.level / (LEVELS - 1)) * (1 if cell.begins else _HELD)
    red, green, blue = (round(part * brightness) for part in COLOURS[cell.colour])
    return f"#{red:02x}{green:02x}{blue:02x}"
