"""Music on the screen while it comes: a piano roll in a terminal, a plain line every few seconds elsewhere.

Music is made many times faster than it is played, so the roll does not run past. It shows the piece from its beginning,
in ever coarser columns, and moves on only when these would hide the rhythm, a quarter of its width at a time. When the
music has ended, the whole of it stays on the screen.
"""

import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from threading import Lock
from typing import Protocol

from rich.console import Console, ConsoleOptions, RenderResult
from rich.control import Control
from rich.live import Live
from rich.segment import ControlType
from rich.text import Text

from gen.cli.roll_paint import COLOURS, FAINT, LEVELS, Cell, Paint
from gen.cli.terminal import console, say
from gen.cli.training_view import duration
from gen.music.names import INSTRUMENTS, pitch_name
from gen.music.score import DEFAULT_TEMPO, Note, Piece, Tempo, TimeSignature

_LINE_SECONDS = 5.0  # between two plain lines
_REDRAWS = 12  # a second
_KEPT = 4096  # notes; what is on the screen is the last of them, however long the music
_COARSEST = 4  # times the finest column, while notes come
_LABEL = 4  # columns left of the roll
_FEWEST_COLUMNS, _FEWEST_ROWS = 8, 2  # below which there is no roll
_OCTAVES = 2  # at least
_MARK_COLUMNS = 8  # from mark to mark of the ruler, at least
_SKINS = {*range(35, 42), 43, 45, 47, 48, 50, *range(60, 67), 78, 79}  # hits that are drawn below metal


class View(Protocol):
    """Shows pieces of music."""

    def show(self, piece: Piece) -> None:
        """Take one piece, in the order of onsets."""


@contextmanager
def live_roll(resolution: int) -> Iterator[View]:
    """The view that fits stderr.

    Args:
        resolution: ticks of a beat, in which the pieces count.
    """
    screen = console()
    if not screen.is_terminal or screen.is_dumb_terminal:
        yield _Lines(resolution)
        return
    roll = Roll(resolution)
    frames = _Frames(roll, screen)
    with Live(get_renderable=frames.next, console=screen, refresh_per_second=_REDRAWS, redirect_stdout=False):
        try:
            yield roll
        finally:
            roll.finish()


class _Frames:
    """Hands the roll to be drawn; clears a screen that has become narrower, since the last frame is folded on it."""

    def __init__(self, roll: "Roll", screen: Console) -> None:
        self._roll = roll
        self._screen = screen
        self._width = screen.width

    def next(self) -> "Roll":
        width = self._screen.width
        if width < self._width:
            self._screen.control(Control(ControlType.CLEAR, ControlType.HOME))
        self._width = width
        return self._roll


class _Progress:
    """How far the music is: notes, ticks, seconds, tempo."""

    def __init__(self, resolution: int) -> None:
        self.notes = 0
        self.time = 0
        self.bpm: float | None = None
        self._resolution = resolution
        self._changed = (0, 0.0, DEFAULT_TEMPO)  # tick and second of the last change of tempo, microseconds a beat

    def take(self, piece: Piece) -> None:
        self.time = max(self.time, piece.time)
        if isinstance(piece, Note):
            self.notes += 1
        elif isinstance(piece, Tempo):
            self._changed = (piece.time, self.seconds(piece.time), piece.microseconds)
            self.bpm = piece.bpm

    def seconds(self, tick: int) -> float:
        """When a tick comes that is not before the last change of tempo."""
        changed, passed, microseconds = self._changed
        return passed + (tick - changed) * microseconds / (1e6 * self._resolution)


class _Lines:
    """No terminal: a line every few seconds."""

    def __init__(self, resolution: int) -> None:
        self._progress = _Progress(resolution)
        self._due = time.monotonic() + _LINE_SECONDS

    def show(self, piece: Piece) -> None:
        progress = self._progress
        progress.take(piece)
        if time.monotonic() >= self._due:
            self._due = time.monotonic() + _LINE_SECONDS
            say(f"{progress.seconds(progress.time):.1f} s, {progress.notes:,} notes")


class Roll:
    """A piano roll that can be drawn at any moment, in any size; what it remembers is bounded, the music need not be.

    Args:
        resolution: ticks of a beat.
    """

    def __init__(self, resolution: int) -> None:
        self._resolution = resolution
        self._progress = _Progress(resolution)
        self._notes: deque[Note] = deque(maxlen=_KEPT)
        self._bars = deque([(0, 0, 4 * resolution)], maxlen=_KEPT)  # from a tick on: the number of the bar, its length
        self._by_beats = False
        self._colours: dict[int, int] = {}  # of the tracks
        self._programs: dict[int, int] = {}
        self._pitches: tuple[int, int] | None = None  # the lowest, and the highest
        self._drums = False
        self._end = 0
        self._finished = False
        self._lock = Lock()  # notes come in one thread and are drawn in another

    def show(self, piece: Piece) -> None:
        """Take one piece, in the order of onsets."""
        with self._lock:
            self._progress.take(piece)
            if isinstance(piece, Note):
                self._take(piece)
            elif isinstance(piece, TimeSignature):
                begin, number, length = self._bars[-1]
                number += -(-(piece.time - begin) // length)
                length = max(1, 4 * self._resolution * piece.numerator // piece.denominator)
                self._bars.append((piece.time, number, length))
            self._by_beats |= isinstance(piece, Tempo | TimeSignature)

    def _take(self, note: Note) -> None:
        self._notes.append(note)
        if note.drum:
            self._drums = True
            self._end = max(self._end, note.start + 1)
            return
        self._end = max(self._end, note.end)
        self._colours.setdefault(note.track, len(self._colours) % len(COLOURS))
        self._programs[note.track] = note.program
        low, high = self._pitches or (note.pitch, note.pitch)
        self._pitches = min(low, note.pitch), max(high, note.pitch)

    def finish(self) -> None:
        """From now on draw the whole."""
        with self._lock:
            self._finished = True

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw it, a line less high than the screen at most."""
        with self._lock:
            columns, rows = options.max_width - _LABEL, console.height - 3 - self._drums
            paint = Paint.of(console)
            if self._notes and columns >= _FEWEST_COLUMNS and rows >= _FEWEST_ROWS:
                yield from self._draw(paint, columns, rows)
            yield self._status(paint)

    # -- where things are ----------------------------------------------------------------------------------------------

    def _window(self, columns: int) -> tuple[float, float]:
        """The tick of the left edge, and the ticks of a column."""
        scale = self._resolution / (4 if self._by_beats else 5)  # a sixteenth, or a tenth of a second
        if self._finished:
            begin = self._notes[0].start if self._progress.notes > _KEPT else 0
            return begin, scale * max(1, math.ceil((self._end - begin) / (columns * scale)))
        coarsest = _COARSEST * scale
        while self._progress.time >= columns * scale and scale < coarsest:
            scale *= 2
        hidden = self._progress.time - columns * scale
        step = scale * (columns // 4)
        return (0 if hidden < 0 else step * (hidden // step + 1)), scale

    def _marks(self, left: float, scale: float, columns: int) -> dict[int, str]:
        """What stands under which columns: numbers of bars, or times."""
        right, room = left + columns * scale, _MARK_COLUMNS * scale
        if not self._by_beats:
            second = 2 * self._resolution
            every = next((s for s in (1, 2, 5, 10, 20, 30) if s * second >= room), 60 * math.ceil(room / second / 60))
            first, last = (math.ceil(edge / (every * second)) for edge in (left, right))
            return {math.floor((n * every * second - left) / scale): duration(n * every) for n in range(first, last)}
        marks = {}
        for (begin, number, length), (until, _, _) in pairwise([*self._bars, (math.inf, 0, 0)]):
            every = 1 << max(0, math.ceil(math.log2(room / length)))
            first = max(number, number + math.ceil((left - begin) / length))
            last = number + math.ceil((min(until, right) - begin) / length)
            for bar in range(-(-first // every) * every, last, every):
                marks[math.floor((begin + (bar - number) * length - left) / scale)] = str(bar + 1)
        return marks

    def _cells(
        self, left: float, scale: float, columns: int, low: int, pitches: int, count: int
    ) -> list[list[Cell | None]]:
        """What sounds in each of `count` strips of so many pitches, the lowest first, by columns."""
        cells: list[list[Cell | None]] = [[None] * columns for _ in range(count)]
        right = left + columns * scale
        for note in self._notes:
            if note.drum or note.start >= right or note.end <= left:
                continue
            strip = cells[(note.pitch - low) // pitches]
            colour, level = self._colours[note.track], note.velocity * LEVELS // 128
            onset, held = Cell(colour, level, True), Cell(colour, level, False)
            start = math.floor((note.start - left) / scale)
            for column in range(max(0, start + 1), min(columns, math.ceil((note.end - left) / scale))):
                strip[column] = held
            if start >= 0:
                strip[start] = onset
        return cells

    def _hits(self, left: float, scale: float, columns: int) -> list[list[bool]]:
        """Whether skins, and metal, are struck, by columns."""
        hits = [[False, False] for _ in range(columns)]
        for note in self._notes:
            column = math.floor((note.start - left) / scale)
            if note.drum and 0 <= column < columns:
                hits[column][note.pitch not in _SKINS] = True
        return hits

    # -- how they are drawn --------------------------------------------------------------------------------------------

    def _draw(self, paint: Paint, columns: int, most_rows: int) -> RenderResult:
        left, scale = self._window(columns)
        marks = self._marks(left, scale, columns)
        if self._pitches is not None:
            low, high = self._pitches[0] // 12, max(self._pitches[1] // 12 + 1, self._pitches[0] // 12 + _OCTAVES)
            pitches = math.ceil(12 * (high - low) / (most_rows * paint.halves))  # of half a row
            rows = math.ceil(12 * (high - low) / (pitches * paint.halves))
            cells = self._cells(left, scale, columns, 12 * low, pitches, rows * paint.halves)
            names = {12 * c // pitches // paint.halves: pitch_name(12 * (low + c)) for c in reversed(range(high - low))}
            for row in reversed(range(rows)):
                lower, upper = cells[row * paint.halves], cells[(row + 1) * paint.halves - 1]
                looks = [paint.notes(upper[x], lower[x], marked=x in marks) for x in range(columns)]
                yield from paint.line(names.get(row, ""), looks, _LABEL)
        if self._drums:
            looks = [paint.hits(*struck) for struck in self._hits(left, scale, columns)]
            yield from paint.line("dr", looks, _LABEL)
        ruler = [" "] * columns
        for column, mark in marks.items():
            if column + len(mark) <= columns and set(ruler[max(0, column - 1) : column + len(mark)]) == {" "}:
                ruler[column : column + len(mark)] = mark
        yield from paint.line("", [(character, FAINT) for character in ruler], _LABEL)

    def _status(self, paint: Paint) -> Text:
        progress = self._progress
        tick = max(progress.time, self._end) if self._finished else progress.time
        line = Text(no_wrap=True, overflow="crop")
        line.append(f"{progress.notes:,} notes", "bold")
        line.append(f"  {duration(progress.seconds(tick))}")
        if self._by_beats:
            begin, number, length = self._bars[-1]
            line.append(f"  bar {number + (progress.time - begin) // length + 1}")
        if progress.bpm is not None:
            line.append(f"  {progress.bpm:.0f} bpm")
        if len(set(self._programs.values())) > 1:
            for track, colour in self._colours.items():
                line.append("  ").append(*paint.swatch(colour))
                line.append(f" {INSTRUMENTS[self._programs[track]]}", FAINT)
        return line
