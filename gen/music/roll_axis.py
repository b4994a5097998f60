"""How the time of a piece is laid out on a page: in rows, as a score is in systems, with a ruler over each.

By beats a row ends with a bar, and the ruler counts bars; by seconds it is as long as every other.
"""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gen.music.score import DEFAULT_TIME_SIGNATURE, Score

WIDTH = 1120.0
"""Pixels of a whole row."""
_SHORT = 440.0  # that a piece of less than a row is stretched to,
_STRETCH = 3.0  # at most so many times
_ROWS = 48  # at most: a longer piece is drawn more closely
_SECONDS = (24, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200)  # of a row
_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400)  # seconds between figures
_BEATS = 32  # of a row, if bars allow
_LONGEST_BAR = 64  # beats; a longer one is broken
_MOST_BEATS = 20_000  # a piece of more is drawn by seconds, with no grid that nobody could see
_FIGURE, _BAR, _BEAT = 40.0, 6.0, 9.0  # pixels between figures, bar lines and beat lines, at least


@dataclass(frozen=True)
class Mark:
    """A line of the ruler.

    Attributes:
        at: pixels from the beginning of its row.
        weight: 2 for a line of the ruler's count, 1 for a finer one.
        label: its figure, or nothing.
    """

    at: float
    weight: int
    label: str = ""


@dataclass(frozen=True)
class Axis:
    """Rows of time.

    Attributes:
        edges: (rows + 1,), where rows begin, and the last ends, in its unit: ticks by beats, else seconds.
        scale: pixels of a unit.
        marks: those of each row.
        bars: how many there are; 0 by seconds.
    """

    edges: NDArray[np.float64]
    scale: float
    marks: tuple[tuple[Mark, ...], ...]
    bars: int = 0

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.edges) - 1

    def width(self, row: int) -> float:
        """Pixels of a row."""
        return float(self.edges[row + 1] - self.edges[row]) * self.scale

    def count(self, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> int:
        """How many pieces `pieces` yields."""
        first, last = self._rows(starts, ends)
        return int(np.sum(last - first + 1))

    def pieces(self, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> Iterator[tuple[int, int, float, float]]:
        """The spans between starts and ends, (n,) in units, cut by rows: which span, row, and pixels from and to."""
        first, last = self._rows(starts, ends)
        edges = self.edges.tolist()
        for index, (start, end, one, other) in enumerate(
            zip(starts.tolist(), ends.tolist(), first.tolist(), last.tolist(), strict=True)
        ):
            for row in range(one, other + 1):
                begin = edges[row]
                yield (
                    index,
                    row,
                    (max(start, begin) - begin) * self.scale,
                    (min(end, edges[row + 1]) - begin) * self.scale,
                )

    def _rows(self, starts: NDArray[np.float64], ends: NDArray[np.float64]) -> tuple[NDArray[np.int64], ...]:
        """The rows in which spans begin and end; one that ends with its row does not reach the next."""
        first = np.clip(np.searchsorted(self.edges, starts, side="right") - 1, 0, self.rows - 1)
        last = np.clip(np.searchsorted(self.edges, ends, side="left") - 1, first, self.rows - 1)
        return first, last


def make_axis(score: Score, *, beats: bool) -> Axis:
    """The rows of a score that is not empty, by beats or by seconds."""
    if beats and score.end <= _MOST_BEATS * score.resolution:
        return _by_beats(score)
    return _by_seconds(score.seconds_long)


def clock(seconds: int) -> str:
    """Seconds as a person reads them: 0:07, 1:02:03."""
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}" if hours else f"{rest // 60}:{rest % 60:02}"


def _by_seconds(long: float) -> Axis:
    end = max(1, int(np.ceil(long)))
    row = next((seconds for seconds in _SECONDS if end <= _ROWS * seconds), -(-end // _ROWS))
    scale = _scale(end, row)
    edges = np.append(np.arange(0, end, row), end).astype(np.float64)
    figures = next((step for step in _STEPS if step * scale >= 1.6 * _FIGURE), row)
    fine = next((step for step in _STEPS if step * scale >= _BEAT and figures % step == 0), figures)
    marks = [
        tuple(
            Mark((at - begin) * scale, 1 if at % figures else 2, "" if at % figures else clock(at))
            for at in range(-(-begin // fine) * fine, until, fine)
        )
        for begin, until in zip(edges[:-1].astype(int).tolist(), edges[1:].astype(int).tolist(), strict=True)
    ]
    return Axis(edges, scale, tuple(marks))


def _by_beats(score: Score) -> Axis:
    lines = score.bar_lines()
    lengths = np.diff(lines, append=_closing_line(score, int(lines[-1])))
    end = int(lines[-1] + lengths[-1])
    kinds, numbers = np.unique(lengths, return_counts=True)
    row = _row_of_bars(int(kinds[np.argmax(numbers * kinds)]), score.resolution, end)
    edges = [0]
    while edges[-1] < end:
        last = int(np.searchsorted(lines, edges[-1] + row, side="right")) - 1
        broken = lines[last] <= edges[-1]  # a bar longer than a row
        edges.append(min(end, edges[-1] + row) if broken or end <= edges[-1] + row else int(lines[last]))
    scale = _scale(end, row)
    marks = _bar_marks(score, edges, lines, lengths, scale)
    return Axis(np.array(edges, np.float64), scale, tuple(marks), bars=len(lines))


def _closing_line(score: Score, last: int) -> int:
    """Where the bar that begins with the last bar line ends."""
    until = [(time, n, d) for time, n, d in score.time_signatures.tolist() if time <= last]
    numerator, denominator = until[-1][1:] if until else DEFAULT_TIME_SIGNATURE
    return last + max(1, score.resolution * 4 * numerator // denominator)


def _row_of_bars(bar: int, resolution: int, end: int) -> int:
    """Ticks of as many bars as there is room for: in fours where that is many, as phrases are."""
    bars = max(1, _BEATS * resolution // bar)
    if bars > 4:
        bars -= bars % 4
    while bars * bar * _ROWS < end:
        bars *= 2
    return min(bars * bar, max(_LONGEST_BAR * resolution, -(-end // _ROWS)))


def _bar_marks(
    score: Score, edges: list[int], lines: NDArray[np.int64], lengths: NDArray[np.int64], scale: float
) -> Iterator[tuple[Mark, ...]]:
    typical = float(np.median(lengths)) * scale
    figures, bars = (1 << max(0, int(np.ceil(np.log2(least / typical)))) for least in (_FIGURE, _BAR))
    changes = {int(np.searchsorted(lines, at)): f"{n}/{d}" for at, n, d in score.time_signatures.tolist() if at}
    beat = score.resolution
    for begin, until in itertools.pairwise(edges):
        first, last = np.searchsorted(lines, [begin, until]).tolist()
        drawn = {*range(-(-first // bars) * bars, last, bars), *(bar for bar in changes if first <= bar < last)}
        marks: list[Mark] = []
        free = 0.0  # pixels from which there is room for a figure
        for bar in sorted(drawn):
            at = (int(lines[bar]) - begin) * scale
            label = f"{bar + 1}: {changes[bar]}" if bar in changes else str(bar + 1) if bar % figures == 0 else ""
            label = label if at >= free else ""
            free = at + _FIGURE * (2 if bar in changes else 1) if label else free
            marks.append(Mark(at, 2, label))
            if bars == 1 and beat * scale >= _BEAT:
                inside = range(int(lines[bar]) + beat, min(int(lines[bar] + lengths[bar]), until), beat)
                marks += [Mark((tick - begin) * scale, 1) for tick in inside]
        yield tuple(marks)


def _scale(end: int, row: int) -> float:
    """Pixels of a unit, where a whole row has so many; a piece of less than one row is stretched."""
    scale = WIDTH / row
    return scale if end > row else max(scale, min(_STRETCH * scale, _SHORT / end))
