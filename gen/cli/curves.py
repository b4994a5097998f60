"""The curves of a run: what it logged, as dots in a terminal or as an SVG."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Points = Sequence[tuple[float, float]]
"""(step, nats a token), in the order of the steps."""

_BRAILLE = 0x2800
_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # of one cell, by row and column
_TICKS = (1, 2, 2.5, 5, 10)  # a pleasant distance between two marks is one of these times a power of ten
_SVG_WIDTH, _SVG_HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 800, 450, 60, 20, 36, 44


@dataclass(frozen=True, slots=True)
class Curves:
    """What a run's log says of its loss.

    Attributes:
        training: the loss of single steps.
        validation: the validations on the way, and the last, exact one.
        baseline: the model that only counts, if it is known: its name and its loss.
    """

    training: Points
    validation: Points
    baseline: tuple[str, float] | None

    def bounds(self) -> tuple[float, float, float]:
        """Last step, and the least and the greatest loss to be shown: the first steps may run out of the picture."""
        last = max(step for step, _ in (*self.training, *self.validation))
        later = [loss for step, loss in self.training if step > last * 0.02] or [loss for _, loss in self.training]
        shown = [*later, *(loss for _, loss in self.validation), *([self.baseline[1]] if self.baseline else [])]
        low, high = min(shown), max(shown)
        room = 0.05 * (high - low) or 0.1
        return last, low - room, high + room


def read_curves(log: Path, provenance: Mapping[str, Any]) -> Curves | None:
    """The curves in a run's log; None where it has too few points to draw. A torn last line is passed over."""
    training: list[tuple[float, float]] = []
    validation: list[tuple[float, float]] = []
    for line in log.read_text("utf-8", errors="replace").splitlines() if log.is_file() else ():
        try:
            entry = json.loads(line)
            point = (float(entry["step"]), float(entry["loss"]))
        except (ValueError, KeyError, TypeError):
            continue
        if all(map(math.isfinite, point)):
            (training if entry.get("event") == "step" else validation).append(point)
    if len({step for step, _ in (*training, *validation)}) < 2:
        return None
    found = provenance.get("baseline")
    baseline = (str(found["model"]), float(found["nats_per_token"])) if isinstance(found, dict) else None
    return Curves(training, validation, baseline)


def in_characters(curves: Curves, columns: int, lines: int) -> str:
    """The curves as text: training as fine dots, validations as o, the baseline as a dashed line.

    Args:
        curves: what to draw.
        columns: of the picture, axes included.
        lines: of the picture, axes included.
    """
    last, low, high = curves.bounds()
    labels = {loss: f"{loss:.2f}" for loss in _marks(low, high, max(2, lines // 4))}
    margin = max(map(len, labels.values())) + 2
    width, height = max(10, columns - margin), max(4, lines - 3)
    cells = [[0] * width for _ in range(height)]

    def dot(step: float, loss: float) -> tuple[int, int]:
        across = min(2 * width - 1, int(step / last * (2 * width - 1)))
        return across, int((high - loss) / (high - low) * (4 * height - 1))

    for step, loss in curves.training:
        x, y = dot(step, loss)
        if 0 <= y < 4 * height:
            cells[y // 4][x // 2] |= _DOTS[y % 4][x % 2]
    picture = [[chr(_BRAILLE + cell) if cell else " " for cell in row] for row in cells]
    if curves.baseline:
        row = picture[dot(0, curves.baseline[1])[1] // 4]
        row[:] = [sign if sign != " " else "-" if x % 2 else " " for x, sign in enumerate(row)]
    for step, loss in curves.validation:
        x, y = dot(step, loss)
        if 0 <= y < 4 * height:
            picture[y // 4][x // 2] = "o"
    ticks = {dot(0, loss)[1] // 4: label for loss, label in labels.items()}
    rows = [f"{ticks.get(y, ''):>{margin - 2}} |{''.join(row).rstrip()}" for y, row in enumerate(picture)]
    rows.append(" " * (margin - 1) + "+" + "-" * width)
    end = f"step {last:,.0f}"
    rows.append(" " * margin + "0" + end.rjust(width - 1))
    return "\n".join([*rows, *_legend(curves, columns)]) + "\n"


def _legend(curves: Curves, columns: int) -> list[str]:
    """What the signs mean, in as many lines as it takes."""
    entries = ["nats a token: ⠒ training", "o validation"]
    if curves.baseline:
        entries.append(f"- - {curves.baseline[0]} {curves.baseline[1]:.3f}")
    lines = [""]
    for entry in entries:
        joined = f"{lines[-1]}   {entry}" if lines[-1] else entry
        if len(joined) > columns and lines[-1]:
            lines.append(entry)
        else:
            lines[-1] = joined
    return lines


def in_svg(curves: Curves, title: str) -> str:
    """The curves as an SVG document.

    Args:
        curves: what to draw.
        title: above them.
    """
    last, low, high = curves.bounds()
    right, bottom = _SVG_WIDTH - _RIGHT, _SVG_HEIGHT - _BOTTOM

    def place(step: float, loss: float) -> tuple[float, float]:
        x = _LEFT + step / last * (right - _LEFT)
        return round(x, 1), round(_TOP + (high - loss) / (high - low) * (bottom - _TOP), 1)

    def line(points: Points, style: str) -> str:
        places = " ".join(f"{x:g},{y:g}" for x, y in (place(*point) for point in points))
        return f'<polyline points="{places}" {style}/>'

    safe = title.replace("&", "&amp;").replace("<", "&lt;")
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SVG_WIDTH} {_SVG_HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="none">',
        f'<rect width="{_SVG_WIDTH}" height="{_SVG_HEIGHT}" fill="#fff"/>',
        f'<clipPath id="inside"><rect x="{_LEFT}" y="{_TOP}" width="{right - _LEFT}" height="{bottom - _TOP}"/>',
        "</clipPath>",
        f'<text x="{_LEFT}" y="22" fill="#222" font-size="14">{safe}</text>',
    ]
    for loss in _marks(low, high, 6):
        _, y = place(0, loss)
        parts.append(f'<path d="M{_LEFT} {y}H{right}" stroke="#ddd"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4}" fill="#555" text-anchor="end">{loss:.2f}</text>')
    for step in _marks(0, last, 8):
        x, _ = place(step, low)
        parts.append(f'<text x="{x}" y="{bottom + 18}" fill="#555" text-anchor="middle">{step:,.0f}</text>')
    parts.append(f'<text x="{right}" y="{_SVG_HEIGHT - 8}" fill="#555" text-anchor="end">step</text>')
    parts.append(f'<text x="{_LEFT}" y="{_SVG_HEIGHT - 8}" fill="#555">nats a token</text>')
    parts.append('<g clip-path="url(#inside)">')
    parts.append(line(curves.training, 'stroke="#8fb4d9"'))
    if curves.baseline:
        level = curves.baseline[1]
        parts.append(line([(0, level), (last, level)], 'stroke="#999" stroke-dasharray="6 4"'))
    parts.append(line(curves.validation, 'stroke="#c4451c" stroke-width="2"'))
    for point in curves.validation:
        x, y = place(*point)
        parts.append(f'<circle cx="{x:g}" cy="{y:g}" r="3" fill="#c4451c"/>')
    parts.append("</g>")
    entries = [("#8fb4d9", "training"), ("#c4451c", "validation")]
    if curves.baseline:
        entries.append(("#999", f"{curves.baseline[0]}: {curves.baseline[1]:.3f}"))
    for number, (colour, text) in enumerate(entries):
        y = _TOP + 18 + 18 * number
        parts.append(f'<path d="M{right - 190} {y - 4}h24" stroke="{colour}" stroke-width="3"/>')
        parts.append(f'<text x="{right - 160}" y="{y}" fill="#222">{text}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


def _marks(low: float, high: float, most: int) -> list[float]:
    """Round numbers between two bounds, `most` of them or fewer."""
    step = 10.0 ** math.floor(math.log10((high - low) / most))
    step *= next(factor for factor in _TICKS if (high - low) / (step * factor) <= most)
    first = math.ceil(low / step)
    return [number * step for number in range(first, math.floor(high / step) + 1)]
