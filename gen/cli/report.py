"""Reports on stdout: rows of cells, wrapped to the terminal that they are read in, and nowhere else."""

import shutil
import sys
from collections.abc import Sequence
from itertools import chain, repeat

from gen.cli.terminal import console

_GAP = "  "
_ROOM = 30  # columns that the last cell must find beside the others, or it goes beneath them


_LARGE = 100.0  # a figure from which on thousandths are not worth reading


def screen_width() -> int | None:
    """Columns of the terminal that stdout is; None where it is none."""
    try:
        on_screen = sys.stdout is not None and sys.stdout.isatty()
    except ValueError:  # it is closed
        on_screen = False
    return shutil.get_terminal_size().columns if on_screen else None


def figure(name: str, value: float) -> str:
    """A figure with its unit: bits_per_character 2.1537 is "2.154 bits/character"."""
    if name == "unknown_per_token":
        return f"{value:.1%} unknown"
    digits = 4 if name == "nats_per_token" else 3 if value < _LARGE else 0
    return f"{value:,.{digits}f} {name.replace('_per_', '/')}"


def report(rows: Sequence[Sequence[str]], width: int | None) -> str:
    """Rows with their cells aligned, the last of each wrapped to the width, or put beneath where little of it is left.

    Args:
        rows: each of the same number of cells, harmless to a terminal (`plain`); the last may have several lines.
        width: in columns; None does not wrap.
    """
    from rich.cells import cell_len, set_cell_size
    from rich.text import Text

    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)][:-1]
    indent = sum(widths) + len(_GAP) * len(widths)
    lines = []
    for row in rows:
        head = "".join(set_cell_size(cell, size) + _GAP for cell, size in zip(row, widths, strict=False))
        beneath = width is not None and width - indent < _ROOM
        left = _GAP if beneath else " " * indent
        if width is None:
            tail = row[-1].split("\n")
        else:
            tail = [line.plain for line in Text(row[-1]).wrap(console(), max(1, width - len(left)))]
        leads = chain([head], repeat(left))
        lines += [lead + line for lead, line in zip(leads, ["", *tail] if beneath and row[-1] else tail, strict=False)]
    return "".join(line.rstrip() + "\n" for line in lines)
