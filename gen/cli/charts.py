"""Charts: curves over two axes, each linear or logarithmic, as characters for a terminal or as an SVG document."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

Points = Sequence[tuple[float, float]]
"""(x, y), in the order in which they are joined."""

FEW = 20
"""Points of a curve up to which each is marked."""

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of one cell, by row and column
_TICKS = (1, 2, 2.5, 5, 10)  # a pleasant distance between two marks is one of these times a power of ten
_SIGNS = 5  # on a curve of many points


@dataclass(frozen=True, slots=True)
class Axis:
    """What is measured along one side.

    Attributes:
        name: of the quantity, with its unit.
        low: value at its beginning; above 0 where it is logarithmic.
        high: value at its end, above `low`.
        log: equal distances are equal ratios.
        digits: how a label is written, in the language of `format`.
        ticks: the values to mark; () chooses round ones.
    """

    name: str
    low: float
    high: float
    log: bool = False
    digits: str = ",.0f"
    ticks: Sequence[float] = ()

    def share(self, value: float) -> float:
        """Where a value stands: 0 at the beginning, 1 at the end, beyond them outside."""
        if not self.log:
            return (value - self.low) / (self.high - self.low)
        if value <= 0:
            return -math.inf
        return math.log(value / self.low) / math.log(self.high / self.low)

    def marks(self, most: int) -> list[tuple[float, str]]:
        """Values to mark, with their labels: those that were asked for, or round ones, `most` of them or fewer."""
        values = self.ticks or (self._decades(most) if self.log else self._steps(most))
        return [(value, format(value, self.digits)) for value in values]

    def _steps(self, most: int) -> list[float]:
        step = 10.0 ** math.floor(math.log10((self.high - self.low) / most))
        step *= next(factor for factor in _TICKS if (self.high - self.low) / (step * factor) <= most)
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)  # ends are round, too
        return [number * step for number in range(first, last + 1)]

    def _decades(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        inside = (self.low * (1 - 1e-9), self.high * (1 + 1e-9))
        for factors in ((1, 2, 5), (1, 3), (1,)):
            values = [factor * 10.0**power for power in range(first, last + 1) for factor in factors]
            values = [value for value in values if inside[0] <= value <= inside[1]]
            if len(values) <= most:
                return values
        apart = next(step for step in (2, 3, 5, *range(10, 1000, 10)) if (last - first) / step <= most)
        return [value for value in values if round(math.log10(value)) % apart == 0]


@dataclass(frozen=True, slots=True)
class Curve:
    """A named row of points.

    Attributes:
        name: in the legend.
        points: of finite numbers; on a logarithmic axis, what is not above 0 is left out.
        sign: the letter that marks it in characters; "" draws its points as fine dots and an SVG as a thin line.
        joined: its points are joined by lines in characters, too.
    """

    name: str
    points: Points
    sign: str = ""
    joined: bool = True


@dataclass(frozen=True, slots=True)
class Chart:
    """Curves over two axes.

    Attributes:
        title: above them; "" writes none.
        x: from left to right.
        y: from bottom to top.
        curves: those drawn later lie above.
        levels: dashed lines across: name and value.
    """

    title: str
    x: Axis
    y: Axis
    curves: Sequence[Curve]
    levels: Sequence[tuple[str, float]] = ()


def in_characters(chart: Chart, columns: int, lines: int) -> str:
    """A chart as text.

    Args:
        chart: what to draw.
        columns: of the picture, axes included.
        lines: of the picture, title, axes and one line of legend included.
    """
    height = max(4, lines - 3 - bool(chart.title))
    labels = chart.y.marks(max(2, height // 4))
    margin = max((len(label) for _, label in labels), default=0) + 2
    width = max(10, columns - margin)
    cells = [[0] * width for _ in range(height)]

    def dot(x: float, y: float) -> tuple[int, int] | None:
        """Column and row of a point among the fine dots; None outside."""
        across, down = chart.x.share(x), 1 - chart.y.share(y)
        if not (-1e-9 <= across <= 1 + 1e-9 and -1e-9 <= down <= 1 + 1e-9):
            return None
        return min(2 * width - 1, int(across * (2 * width - 1) + 1e-6)), int(down * (4 * height - 1) + 0.5)

    for curve in chart.curves:
        if curve.sign and not curve.joined:
            continue
        for x, y in _between(chart, curve.points, 2 * width) if curve.joined else curve.points:
            place = dot(x, y)
            if place is not None:
                cells[place[1] // 4][place[0] // 2] |= _DOTS[place[1] % 4][place[0] % 2]
    picture = [[chr(_BRAILLE + cell) if cell else " " for cell in row] for row in cells]
    for _, value in chart.levels:
        place = dot(chart.x.low, value)
        if place is not None:
            row = picture[place[1] // 4]
            row[:] = [sign if sign != " " else "-" if x % 2 else " " for x, sign in enumerate(row)]
    signs = {curve.sign for curve in chart.curves if curve.sign}
    for number, curve in enumerate(chart.curves):
        for x, y in _marked(chart, curve, number) if curve.sign else ():
            place = dot(x, y)
            if place is not None:
                _put(picture[place[1] // 4], place[0] // 2, curve.sign, signs)
    ticks = {place[1] // 4: label for value, label in labels if (place := dot(chart.x.low, value)) is not None}
    rows = [f"{ticks.get(y, ''):>{margin - 2}} |{''.join(row).rstrip()}" for y, row in enumerate(picture)]
    axis, below = _across(chart.x, width)
    rows += [" " * (margin - 1) + "+" + axis, (" " * margin + below).rstrip()]
    return "\n".join([*_wrapped([chart.title], columns), *rows, *_wrapped(_legend(chart), columns)]) + "\n"


def _between(chart: Chart, points: Points, most: int) -> Iterator[tuple[float, float]]:
    """Points along the lines that join those of a curve, close enough to make a line of dots."""
    places = [(chart.x.share(x), chart.y.share(y)) for x, y in points]
    kept = [place for place in places if all(map(math.isfinite, place))]
    for (left, low), (right, high) in pairwise(kept):
        steps = max(1, math.ceil(most * max(abs(right - left), min(2, abs(high - low)))))
        for step in range(steps + 1):
            yield (
                _value(chart.x, left + (right - left) * step / steps),
                _value(chart.y, low + (high - low) * step / steps),
            )


def _value(axis: Axis, share: float) -> float:
    """What stands at a share of an axis."""
    if axis.log:
        return float(axis.low * (axis.high / axis.low) ** share)
    return axis.low + share * (axis.high - axis.low)


def _marked(chart: Chart, curve: Curve, number: int) -> Points:
    """The points that get the curve's sign: all of few, some of many, elsewhere than those of other curves."""
    if len(curve.points) <= FEW:
        return curve.points
    found = []
    for sign in range(_SIGNS):
        wanted = (sign + (number + 1) / (len(chart.curves) + 1)) / _SIGNS
        found.append(min(curve.points, key=lambda point: abs(chart.x.share(point[0]) - wanted)))
    return found


def _put(row: list[str], column: int, sign: str, signs: set[str]) -> None:
    """A sign in its place, or beside it where another curve's stands: to the right, at the edge to the left."""
    for place in (*range(column, len(row)), *range(column, -1, -1)):
        if row[place] not in signs:
            row[place] = sign
            return


def _across(axis: Axis, width: int) -> tuple[str, str]:
    """The axis from left to right with its marks, and the line of labels under it."""
    line, labels = ["-"] * width, [" "] * width
    free = 0
    for value, label in axis.marks(max(2, width // 7)):
        column = min(width - 1, int(axis.share(value) * (width - 1) + 1e-6))
        line[column] = "+"
        begin = max(0, min(column - len(label) // 2, width - len(label)))
        if begin >= free:
            labels[begin : begin + len(label)] = label
            free = begin + len(label) + 1
    return "".join(line), "".join(labels)


def _legend(chart: Chart) -> list[str]:
    """What the axes are and what the signs mean."""
    first = f"{chart.y.name} against {chart.x.name}:"
    signs = [f"{curve.sign or '⠒'} {curve.name}" for curve in chart.curves]
    return [first, *signs, *(f"- - {name}" for name, _ in chart.levels)]


def _wrapped(entries: Sequence[str], columns: int) -> list[str]:
    """Entries in as many lines as it takes; long ones are broken between words."""
    lines: list[str] = []
    for entry in filter(None, entries):
        for number, part in enumerate([entry] if len(entry) <= columns else entry.split()):
            joined = f"{lines[-1]}{' ' if number else '   '}{part}" if lines else part
            if lines and len(joined) <= columns:
                lines[-1] = joined
            else:
                lines.append(part)
    return lines
