"""Colours for what is surprising: from what needs none to what stands out, legible on light and on dark."""

from collections.abc import Iterable
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

ODDS = (2, 8, 32, 128)
"""A level begins where a token was likely only once in so many times."""

# each has a background of its own, so that of the terminal does not matter
_STYLES = ("", "black on color(187)", "black on color(221)", "black on color(208)", "bold color(231) on color(160)")


def levels(nats: NDArray[np.float64]) -> NDArray[np.int64]:
    """The level of each cost, 0 … len(ODDS)."""
    return np.digitize(nats, np.log(ODDS))


def screen() -> "Console | None":
    """A console for stdout, where that is a terminal that shows colours, and they are wanted (NO_COLOR)."""
    from rich.console import Console

    from gen.cli.report import screen_width

    found = Console(markup=False, highlight=False, emoji=False)
    wanted = found.color_system is not None and not found.no_color
    return found if wanted and screen_width() is not None else None  # Rich may be told to take a pipe for a terminal


def painted(pieces: Iterable[tuple[str, int]]) -> "Text":
    """Pieces of text, harmless to a terminal, in the colours of their levels."""
    from rich.text import Text

    text = Text()
    for level, neighbours in groupby(pieces, key=itemgetter(1)):
        text.append("".join(piece for piece, _ in neighbours), _STYLES[level])
    return text


def legend() -> "Text":
    """Which colour is which probability."""
    keys = [("p", 0)]
    for level, odds in enumerate(ODDS):
        keys += [(" ", 0), (f" >1/{odds} ", level)]
    return painted([*keys, (" ", 0), (" less ", len(ODDS)), ("\n", 0)])


def write(console: "Console", text: "Text") -> None:
    """Send a text to stdout as it is: lines are the terminal's to wrap."""
    from gen.cli.terminal import write_product

    with console.capture() as captured:
        console.print(text, end="", soft_wrap=True)
    write_product(captured.get())
