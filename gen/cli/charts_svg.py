"""Charts as an SVG document, by day and by night."""

from collections.abc import Sequence
from xml.sax.saxutils import escape

from gen.cli.charts import FEW, Axis, Chart, Curve, Points

_WIDTH, _HEIGHT = 800, 450  # of one chart
_LEFT, _RIGHT, _TOP, _BOTTOM = 74, 20, 76, 52  # around its field
_ENTRY, _LETTER = 46, 6.6  # pixels of an entry of the legend beside its text, and of a letter of that
_COLOURS = (  # by day and by night, told apart with each kind of colour blindness
    ("#0a6fb8", "#5ab4f0"), ("#c94a00", "#f2874c"), ("#00604a", "#2fb98a"), ("#9238d6", "#b77dff"),
    ("#5c3a00", "#f3df6b"), ("#c9568f", "#f7a1c8"),
)  # fmt: skip
_STYLES = (
    ("text", "fill:#22262b", "fill:#e4e7eb"), (".faint", "fill:#5a616b", "fill:#a3abb7"),
    (".paper", "fill:#fff", "fill:#15181d"), (".grid", "stroke:#dfe3e9", "stroke:#2b3039"),
    (".level", "stroke:#7b838e", "stroke:#8b94a0"),
    *((f".c{number}", f"stroke:{day}", f"stroke:{night}") for number, (day, night) in enumerate(_COLOURS)),
)  # fmt: skip
_SHAPES = (  # the mark of a point, by the number of its curve: told apart without colours, and one inside another
    '<circle cx="{x:g}" cy="{y:g}" r="4"/>',
    '<path d="M{x:g} {y:g}m-6 -6h12v12h-12z"/>',
    '<path d="M{x:g} {y:g}m0 -10l10 10l-10 10l-10 -10z"/>',
    '<path d="M{x:g} {y:g}m0 -12l11 19h-22z"/>',
)
_DASHES = ("", "8 6", "3 4", "12 4 3 4")  # of curves without marks: one that lies on another does not hide it


def in_svg(charts: Sequence[Chart]) -> str:
    """Charts as one SVG document, each below the one before.

    Colours stand in rules of their own, and night is a second set of them: a program that knows nothing of
    `prefers-color-scheme` shows the charts by day.
    """
    day, night = ("".join(f".gen-chart {s[0]}{{{s[column]}}}" for s in _STYLES) for column in (1, 2))
    height = _HEIGHT * len(charts)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" class="gen-chart" '
        'font-family="sans-serif" font-size="12" fill="none">',
        f"<style>.gen-chart .faint,.gen-chart text{{stroke:none}}{day}"
        f"@media (prefers-color-scheme:dark){{{night}}}</style>",
        f'<rect width="{_WIDTH}" height="{height}" class="paper"/>',
        f'<clipPath id="inside"><rect x="{_LEFT}" y="{_TOP}" width="{_WIDTH - _RIGHT - _LEFT}" '
        f'height="{_HEIGHT - _BOTTOM - _TOP}"/></clipPath>',
    ]
    for number, chart in enumerate(charts):
        parts += [f'<g transform="translate(0 {_HEIGHT * number})">', *_chart(chart), "</g>"]
    return "\n".join([*parts, "</svg>"]) + "\n"


def _chart(chart: Chart) -> list[str]:
    """The elements of one chart."""
    right, bottom = _WIDTH - _RIGHT, _HEIGHT - _BOTTOM
    parts = [f'<text x="{_LEFT}" y="24" font-size="15">{escape(chart.title)}</text>', *_legend(chart)]
    for value, label in chart.y.marks(6):
        y = _place(chart.y, value, bottom, _TOP)
        parts.append(f'<path d="M{_LEFT} {y}H{right}" class="grid"/>')
        parts.append(f'<text x="{_LEFT - 8}" y="{y + 4:g}" class="faint" text-anchor="end">{label}</text>')
    for value, label in chart.x.marks(10):
        x = _place(chart.x, value, _LEFT, right)
        parts.append(f'<path d="M{x} {_TOP}V{bottom}" class="grid"/>')
        parts.append(f'<text x="{x}" y="{bottom + 18}" class="faint" text-anchor="middle">{label}</text>')
    middle = (_TOP + bottom) / 2
    parts.append(
        f'<text x="{(_LEFT + right) / 2:g}" y="{bottom + 38}" text-anchor="middle">{escape(chart.x.name)}</text>'
    )
    parts.append(
        f'<text transform="translate(18 {middle:g}) rotate(-90)" text-anchor="middle">{escape(chart.y.name)}</text>'
    )
    for _, level in chart.levels:
        y = _place(chart.y, level, bottom, _TOP)
        parts.append(f'<path d="M{_LEFT} {y}H{right}" class="level" stroke-dasharray="6 4"/>')
    parts.append('<g clip-path="url(#inside)">')
    parts += [_line(chart, curve, number) for number, curve in enumerate(chart.curves)]
    parts.append("</g>")
    for number, curve in enumerate(chart.curves):
        if curve.sign and len(curve.points) <= FEW:
            shown = [(x, y) for x, y in _places(chart, curve.points) if _TOP - 1 <= y <= bottom + 1]
            marks = "".join(_mark(chart, number, x, y) for x, y in shown)
            parts.append(f'<g class="c{number % len(_COLOURS)}" stroke-width="1.5">{marks}</g>')
    return parts


def _line(chart: Chart, curve: Curve, number: int) -> str:
    """A curve's points, joined."""
    points = " ".join(f"{x:g},{y:g}" for x, y in _places(chart, curve.points))
    return f'<polyline points="{points}" {_style(curve, number)}/>'


def _style(curve: Curve, number: int) -> str:
    """How the line of a curve is drawn: thin where it has no sign, broken where it has no marks."""
    dashes = _DASHES[number % len(_DASHES)] if curve.sign and len(curve.points) > FEW else ""
    broken = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'class="c{number % len(_COLOURS)}" stroke-width="{2 if curve.sign else 1}"{broken}'


def _mark(chart: Chart, number: int, x: float, y: float) -> str:
    """What marks a point of a curve, by the curve's place among those that are marked."""
    marked = sum(bool(curve.sign) for curve in chart.curves[:number])
    return _SHAPES[marked % len(_SHAPES)].format(x=x, y=y)


def _legend(chart: Chart) -> list[str]:
    """What the colours, the marks and the dashed lines mean, above the field."""
    parts, x = [], float(_LEFT)
    entries = [(curve.name, _style(curve, number)) for number, curve in enumerate(chart.curves)] + [
        (name, 'class="level" stroke-dasharray="6 4"') for name, _ in chart.levels
    ]
    for number, (name, style) in enumerate(entries):
        parts.append(f'<path d="M{x:g} 45h26" {style}/>')
        if number < len(chart.curves) and chart.curves[number].sign and len(chart.curves[number].points) <= FEW:
            parts.append(
                f'<g class="c{number % len(_COLOURS)}" stroke-width="1.5">{_mark(chart, number, x + 13, 45)}</g>'
            )
        parts.append(f'<text x="{x + 32:g}" y="49">{escape(name)}</text>')
        x += _ENTRY + _LETTER * len(name)
    return parts


def _place(axis: Axis, value: float, begin: float, end: float) -> float:
    """Where a value stands between two ends, in tenths of a pixel; far outside, not farther than needed."""
    share = min(4.0, max(-4.0, axis.share(value)))
    return round(begin + share * (end - begin), 1)


def _places(chart: Chart, points: Points) -> list[tuple[float, float]]:
    """Where points stand; what a logarithmic axis does not have is left out."""
    return [
        (_place(chart.x, x, _LEFT, _WIDTH - _RIGHT), _place(chart.y, y, _HEIGHT - _BOTTOM, _TOP))
        for x, y in points
        if not (chart.x.log and x <= 0) and not (chart.y.log and y <= 0)
    ]
