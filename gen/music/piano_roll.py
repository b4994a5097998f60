"""Music as a picture: a piano roll in SVG that a page or a browser shows, by day and by night.

Time goes from left to right, row under row; pitch goes upwards, with the keys of a piano at the left. Each part has its
colour, louder notes are stronger, pedals are thin lines beneath, and the drums have lanes of their own at the bottom.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError
from gen.music.names import DRUMS, INSTRUMENTS, pitch_name
from gen.music.roll_axis import Axis, clock, make_axis
from gen.music.roll_layout import DRUM, KEYS, MARGIN, PEDAL, RULER, SPACE, Rows, arrange, drum_name
from gen.music.roll_style import (
    COLOURS,
    TEXT,
    TITLE,
    box,
    document,
    number,
    path,
    printable,
    shortened,
    strength,
    text,
    text_width,
)
from gen.music.score import DEFAULT_TEMPO, DEFAULT_TIME_SIGNATURE, Columns, Score

MOST_STROKES = 200_000
"""Notes and pedals that a picture has at most; one that goes over the end of a row counts twice."""

Spans = tuple[NDArray[np.float64], NDArray[np.float64]]
"""Where some things begin, and where they end, (n,) each, in the unit of an axis."""

_NARROW = 480.0  # pixels of a picture's width at least
_LONG = 200.0  # pixels of a track's name at most
_HAIR = 0.9  # pixels between notes that follow one another
_HIT = 3.2  # pixels of a hit
_BLACK = (1, 3, 6, 8, 10)


@dataclass(frozen=True)
class _Part:
    """What has one colour.

    Attributes:
        name: of its track and its instrument.
        style: class of its strokes.
        track: that it is on; -1 for the drums.
        mine: (notes,), which of the score's are its own.
    """

    name: str
    style: str
    track: int
    mine: NDArray[np.bool_]


def piano_roll_svg(score: Score, *, title: str = "", beats: bool = False, names: Sequence[str] = ()) -> str:
    """A picture of a score, as an SVG document.

    Args:
        score: what is drawn.
        title: stands above it.
        beats: rows are of bars, which are numbered; else they are of seconds. For music that keeps to its beats.
        names: of the tracks, beginning with track 0; where there is none, or "", the instrument is name enough.

    Raises:
        ConfigError: it would have more than `MOST_STROKES`.
    """
    title = printable(title)
    notes = score.notes
    if not len(notes):
        empty = [_heading(title, _NARROW), text(MARGIN, 70, "No notes.", "faint")]
        return document(_NARROW, 96, title or "Piano roll", "A piece without notes.", empty, "")
    axis = make_axis(score, beats=beats)
    spans, held = _spans(score, axis), _held(score, axis)
    strokes = axis.count(*spans) + sum(axis.count(*each) for each in held.values())
    if strokes > MOST_STROKES:
        raise ConfigError(
            f"the piano roll of {len(notes):,} notes would have {strokes:,} strokes; {MOST_STROKES:,} are the most "
            "that are drawn: draw a part of the music"
        )
    parts, about = _parts(notes, names), _about(score, axis)
    rows = arrange(notes, list(held))
    width = max(_NARROW, rows.left + max(map(axis.width, range(axis.rows))) + MARGIN)
    legend, below = _legend(parts, width, 68 if title else 42)
    rows = replace(rows, top=below)
    body = [_heading(title, width), text(MARGIN, 48 if title else 24, about, "faint"), *legend]
    body += [*_background(axis, rows), *_names(axis, rows), *_pedal_strokes(axis, rows, held, parts)]
    for part in sorted(parts, key=lambda part: -int(part.mine.sum())):  # few notes lie over many
        body += _note_strokes(notes, part, axis, rows, spans)
    named = ", ".join(part.name for part in parts)
    thick = f".tone{{stroke-width:{number(0.82 * rows.pitch)}}}"
    return document(width, rows.y(axis.rows) - RULER, title or "Piano roll", f"{about}: {named}.", body, thick)


def _spans(score: Score, axis: Axis) -> Spans:
    """Those of the notes."""
    starts, ends = score.notes["start"], score.notes["start"] + score.notes["duration"]
    return (starts.astype(float), ends.astype(float)) if axis.bars else (score.seconds(starts), score.seconds(ends))


def _held(score: Score, axis: Axis) -> dict[int, Spans]:
    """Those in which each track's pedal is down."""
    found = {}
    for track in np.unique(score.pedals["track"]).tolist():
        pedals = score.pedals[score.pedals["track"] == track]
        moves = pedals["time"][np.diff(pedals["down"], prepend=False)]
        if len(moves):
            ticks = np.append(moves, score.end) if len(moves) % 2 else moves
            edges = ticks.astype(float) if axis.bars else score.seconds(ticks)
            found[track] = (edges[::2], edges[1::2])
    return found


def _parts(notes: Columns, names: Sequence[str]) -> list[_Part]:
    """By track and program, the drums last; parts of one name are numbered."""
    keys = np.where(notes["drum"], 1 << 16, notes["track"].astype(np.int64) * 128 + notes["program"])
    found = [key for key in np.unique(keys).tolist() if key < 1 << 16]
    called = [_called(names[key // 128] if key // 128 < len(names) else "", INSTRUMENTS[key % 128]) for key in found]
    parts = [
        _Part(
            f"{name} {called[: place + 1].count(name)}" if called.count(name) > 1 else name,
            f"p{place % COLOURS}",
            key // 128,
            keys == key,
        )
        for place, (key, name) in enumerate(zip(found, called, strict=True))
    ]
    return [*parts, _Part(DRUMS, "drums", -1, notes["drum"])] if notes["drum"].any() else parts


def _called(track: str, instrument: str) -> str:
    track = shortened(printable(track).strip(), TEXT, _LONG)
    return f"{track} ({instrument})" if track and track.lower() != instrument else instrument


def _about(score: Score, axis: Axis) -> str:
    """What there is to know, in one line."""
    seconds = score.seconds_long
    facts = [
        f"{seconds:.1f} s" if seconds < 10 else clock(round(seconds)),
        f"{len(score.notes):,} note{'s' if len(score.notes) > 1 else ''}",
    ]
    if axis.bars:
        metres = [(n, d) for at, n, d in score.time_signatures.tolist() if not at] or [DEFAULT_TIME_SIGNATURE]
        tempi = score.tempi["microseconds"].tolist() or [DEFAULT_TEMPO]
        slow, fast = round(60e6 / max(tempi)), round(60e6 / min(tempi))
        facts += [f"{axis.bars:,} bar{'s' if axis.bars > 1 else ''}", "{}/{}".format(*metres[-1])]
        facts += [f"{slow} bpm" if slow == fast else f"{slow} to {fast} bpm"]
    return " · ".join(facts)


def _heading(title: str, width: float) -> str:
    return text(MARGIN, 30, shortened(title, TITLE, width - 2 * MARGIN), "title") if title else ""


def _legend(parts: list[_Part], width: float, top: float) -> tuple[list[str], float]:
    """Colours and names, and where they end."""
    drawn = []
    x, y = MARGIN, top
    for part in parts:
        wide = 20 + text_width(part.name, TEXT)
        if x > MARGIN and x + wide > width - MARGIN:
            x, y = MARGIN, y + 18
        drawn += [path(f"{part.style} key", [f"M{number(x)} {number(y)}h13"]), text(x + 19, y + 4, part.name)]
        x += wide + 16
    return drawn, y + 16


def _background(axis: Axis, rows: Rows) -> Iterator[str]:
    """The field, its lines and the keyboard, of all rows."""
    each = [(rows.y(row), axis.width(row)) for row in range(axis.rows)]
    sharps = [pitch for pitch in range(rows.low, rows.high + 1) if pitch % 12 in _BLACK]
    octaves = [pitch for pitch in range(rows.low + 1, rows.high + 1) if pitch % 12 == 0]
    left, half, keys = rows.left, rows.pitch / 2, rows.left - KEYS

    def strips(pitches: list[int], x: float, width: float | None, y: float, long: float) -> Iterator[str]:
        for pitch in pitches:
            yield box(x, y + rows.middle(pitch) - half, long if width is None else width, rows.pitch)

    yield path("field", (box(left, y, long, rows.height) for y, long in each))
    yield path("sharps", (strip for y, long in each for strip in strips(sharps, left, None, y, long)))
    for weight, style, end in ((1, "beat", 0), (2, "bar", 4)):
        yield path(
            style,
            (
                f"M{number(left + mark.at)} {number(y - end)}V{number(y + rows.height)}"
                for (y, _), marks in zip(each, axis.marks, strict=True)
                for mark in marks
                if mark.weight == weight
            ),
        )
    lines = [rows.middle(pitch) + half for pitch in octaves]
    lines += [line - SPACE / 2 for line in (rows.pedals, rows.kit) if rows.field and line < rows.height]
    yield path("octave", (f"M{number(left)} {number(y + line)}h{number(long)}" for y, long in each for line in lines))
    if rows.field:
        joints = [pitch for pitch in range(rows.low + 1, rows.high + 1) if pitch % 12 in (0, 5)]
        yield path("white", (box(keys, y, KEYS, rows.field) for y, _ in each))
        yield path("black", (key for y, _ in each for key in strips(sharps, keys, 0.62 * KEYS, y, 0)))
        edges = [rows.middle(pitch) + half for pitch in joints]
        yield path("frame", (f"M{number(keys)} {number(y + edge)}h{KEYS:g}" for y, _ in each for edge in edges))
        yield path("frame", (box(keys, y, KEYS, rows.field) for y, _ in each))


def _names(axis: Axis, rows: Rows) -> Iterator[str]:
    """Words and figures at the left of rows and above them."""
    side = rows.left - 5
    for row in range(axis.rows):
        y = rows.y(row)
        for mark in axis.marks[row]:
            if mark.label and mark.at < axis.width(row) - 8:
                yield text(rows.left + mark.at + 3, y - 4, mark.label, "small faint")
        for pitch in range(rows.low, rows.high + 1):
            if pitch % 12 == 0:
                yield text(side - KEYS, y + rows.middle(pitch) + 3.7, pitch_name(pitch), "small end")
        if rows.tracks:
            yield text(side, y + rows.pedals + 0.5 * PEDAL + 3, "pedal", "small end faint")
        for lane, pitch in enumerate(rows.drums):
            yield text(side, y + rows.kit + (lane + 0.5) * DRUM + 3.6, drum_name(pitch), "small end")


def _pedal_strokes(axis: Axis, rows: Rows, held: dict[int, Spans], parts: list[_Part]) -> Iterator[str]:
    """A line for as long as a pedal is down, in the colour of the first part that it is of."""
    for lane, (track, spans) in enumerate(held.items()):
        style = next((part.style for part in parts if part.track == track), "frame")
        beneath = rows.pedals + (lane + 0.5) * PEDAL
        yield path(
            f"pedal {style}",
            (
                f"M{number(rows.left + begin)} {number(rows.y(row) + beneath)}h{number(max(1, end - begin - 1))}"
                for _, row, begin, end in axis.pieces(*spans)
            ),
        )


def _note_strokes(notes: Columns, part: _Part, axis: Axis, rows: Rows, spans: Spans) -> Iterator[str]:
    """A stroke for each note, with a hair between those that follow one another; hits are all equally short."""
    mine = np.flatnonzero(part.mine)
    pitches, levels = notes["pitch"][mine].tolist(), [strength(v) for v in notes["velocity"][mine].tolist()]
    drums = {pitch: rows.kit + (lane + 0.5) * DRUM for lane, pitch in enumerate(rows.drums)}
    tops = [rows.y(row) for row in range(axis.rows)]
    strokes: dict[int, list[str]] = {level: [] for level in range(4)}
    starts, ends = spans[0][mine], spans[1][mine]
    if part.track < 0:
        ends = starts
    for index, row, begin, end in axis.pieces(starts, ends):
        beneath = drums[pitches[index]] if part.track < 0 else rows.middle(pitches[index])
        long = _HIT if part.track < 0 else max(1.2, end - begin - _HAIR)
        drawn = f"M{number(rows.left + begin)} {number(tops[row] + beneath)}h{number(long)}"
        strokes[levels[index]].append(drawn)
    kind = "" if part.track < 0 else "tone "
    yield from (path(f"{kind}{part.style} v{level}", drawn) for level, drawn in strokes.items())
