"""`gen score` of music: by the bar, or by the second where the model counts these."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gen.protocols import Ids

if TYPE_CHECKING:
    from gen.music.score import Score
    from gen.sampler import MusicSampler
    from gen.sampler.scoring import Total

_STRIP = 24  # columns of the longest strip, where there is room


@dataclass(frozen=True, slots=True)
class Section:
    """A bar or a second of a piece.

    Attributes:
        number: of bars from 1 on, of seconds from 0.
        events: that it has.
        notes: that begin in it.
        nats: what its events cost.
    """

    number: int
    events: int
    notes: int
    nats: float


def score_music(sampler: "MusicSampler", piece: "Score", *, show: bool) -> "tuple[Total, dict[str, list[Any]]]":
    """What a piece costs: shown, or else as its events, how many notes each is, their costs, and bars or seconds."""
    from gen.cli.report import screen_width
    from gen.sampler.scoring import Total, ids_of

    ids = ids_of(sampler.tokenizer, piece)
    nats, units = sampler.score(piece), sampler.units(piece)
    unit = "bar" if sampler.tokenizer.clock == "beats" else "second"
    found = _sections(sampler, ids, nats, units)
    total = Total(len(ids), int(units.sum()), float(nats.sum()))
    if show:
        width = screen_width()
        if width is None:
            _as_table(found, unit)
        else:
            _as_strips(found, unit, width)
        return total, {}
    return total, {
        "symbols": [sampler.tokenizer.vocabulary.symbol(id) for id in ids.tolist()],
        "units": units.tolist(),
        "nats": nats.tolist(),
        f"{unit}s": [{unit: it.number, "events": it.events, "notes": it.notes, "nats": it.nats} for it in found],
    }


def _sections(sampler: "MusicSampler", ids: Ids, nats: NDArray[np.float64], units: NDArray[np.int64]) -> list[Section]:
    """Those that have events."""
    from gen.sampler.scoring import sections

    within = sections(ids, sampler.tokenizer.table)
    first = 1 if sampler.tokenizer.clock == "beats" else 0
    events, notes, sums = np.bincount(within), np.bincount(within, units), np.bincount(within, nats)
    return [
        Section(first + place, int(events[place]), int(notes[place]), float(sums[place]))
        for place in np.flatnonzero(events).tolist()
    ]


def _as_table(sections: list[Section], unit: str) -> None:
    """A line for each, with a tab between its columns."""
    from gen.cli.terminal import write_product

    lines = [f"{it.number}\t{it.events}\t{it.notes}\t{it.nats:.4f}\n" for it in sections]
    write_product("".join([f"{unit}\tevents\tnotes\tnats\n", *lines]))


def _as_strips(sections: list[Section], unit: str, width: int) -> None:
    """A row for each: what an event of it costs, in the colour of that, and what all do, as a strip."""
    from gen.cli.heat import levels, painted, screen, write
    from gen.cli.terminal import table, write_product

    means = np.array([it.nats / it.events for it in sections])
    cells = [
        [str(it.number), str(it.notes), f"{it.nats:.1f}", f"{mean:.2f}"]
        for it, mean in zip(sections, means.tolist(), strict=True)
    ]
    heading, *lines = table([unit, "notes", "nats", "nats/event"], cells, right={0, 1, 2, 3}).splitlines()
    room = max(1, min(_STRIP, width - len(heading) - 3))
    most = max(it.nats for it in sections)
    console = screen()
    write_product(heading + "\n")
    for line, it, level in zip(lines, sections, levels(means).tolist(), strict=True):
        mean = line.split()[-1]
        strip = "▇" * max(1, round(room * it.nats / most))
        if console is None:
            write_product(f"{line}  {strip}\n")
        else:
            write(console, painted([(line.removesuffix(mean), 0), (mean, level), (f"  {strip}\n", 0)]))
