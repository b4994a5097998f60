"""`gen score` of text: in colours, by the line where there are none, as a table where nobody looks."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from rich.console import Console

    from gen.sampler import TextSampler
    from gen.sampler.scoring import Total

Part = tuple[list[str], NDArray[np.float64]]
"""Pieces of a text, one of each token, and what they cost."""


def score_text(sampler: "TextSampler", text: str, *, show: bool) -> "tuple[Total, dict[str, list[Any]]]":
    """What a text costs: shown, or else as its tokens' texts, how many characters each has, and its cost in nats."""
    from gen.cli.heat import screen
    from gen.cli.report import screen_width
    from gen.sampler.scoring import Total, ids_of

    ids_of(sampler.tokenizer, text)  # raises before anything is shown
    parts = _parts(sampler, text)
    if show:
        console = screen()
        if console is not None:
            parts = _painted(parts, console)
        else:
            parts = _by_line(parts) if screen_width() is not None else _as_table(parts)
    total, arrays = Total(), dict[str, list[Any]](symbols=[], units=[], nats=[])
    for pieces, costs in parts:
        units = list(map(len, pieces))
        total += Total(len(pieces), sum(units), float(costs.sum()))
        if not show:
            arrays["symbols"] += pieces
            arrays["units"] += units
            arrays["nats"] += costs.tolist()
    return total, arrays


def _parts(sampler: "TextSampler", text: str) -> Iterator[Part]:
    pieces = iter(sampler.tokenizer.cut(text))
    for costs in sampler.scoring(text):
        yield list(islice(pieces, len(costs))), costs


def _painted(parts: Iterator[Part], console: "Console") -> Iterator[Part]:
    """Characters in the colours of what they cost; for the end of a line that costs something, a sign."""
    from gen.cli.heat import legend, levels, painted, write
    from gen.cli.terminal import plain

    last = "\n"
    for pieces, costs in parts:
        shown = []
        begins = [
            place for place, piece in enumerate(pieces) if piece or not place
        ]  # the rest: bytes of the one before
        for place, level in zip(begins, levels(np.add.reduceat(costs, begins)).tolist(), strict=True):
            piece = pieces[place]
            if piece == "\n":
                shown += [("↵", level)] * (level > 0) + [("\n", 0)]
            else:
                shown.append((plain(piece), level))
        write(console, painted(shown))
        last = pieces[-1][-1:]
        yield pieces, costs
    write(console, painted([("\n" if last == "\n" else "\n\n", 0)]) + legend())


def _by_line(parts: Iterator[Part]) -> Iterator[Part]:
    """Lines with what a token of them costs in the mean."""
    from gen.cli.terminal import plain, write_product

    line = ""
    nats: list[float] = []

    def told() -> str:
        return f"{np.mean(nats):5.2f}  {plain(line)}\n"

    write_product(" nats\n")
    for pieces, costs in parts:
        for piece, cost in zip(pieces, costs.tolist(), strict=True):
            nats.append(cost)
            line += piece.removesuffix("\n")
            if piece.endswith("\n"):
                write_product(told())
                line, nats = "", []
        yield pieces, costs
    if nats:
        write_product(told())


def _as_table(parts: Iterator[Part]) -> Iterator[Part]:
    """A line for each token, with a tab between its columns."""
    from gen.cli.terminal import plain, write_product

    write_product("nats\tsymbol\n")
    for pieces, costs in parts:
        rows = zip(costs.tolist(), pieces, strict=True)
        write_product("".join(f"{cost:.4f}\t{plain(piece)}\n" for cost, piece in rows))
        yield pieces, costs
