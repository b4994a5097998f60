"""How a piano roll looks: its colours by day and by night, its letters, and the SVG document around it.

Every colour stands in a rule of its own, and night is a second set of rules: a program that knows nothing of
`prefers-color-scheme` shows the picture by day.
"""

import unicodedata
from collections.abc import Iterable
from xml.sax.saxutils import escape, quoteattr

COLOURS = 7
"""Parts that are told apart by colour."""
TEXT, SMALL, TITLE = 12.0, 10.5, 19.0
"""Sizes of letters, in pixels."""

_PARTS = (  # by day and by night: told apart with each kind of colour blindness, the first five with ease
    ("#0a6fb8", "#5ab4f0"), ("#c94a00", "#f2874c"), ("#00604a", "#2fb98a"), ("#9238d6", "#b77dff"),
    ("#5c3a00", "#f3df6b"), ("#c9568f", "#f7a1c8"), ("#2492a0", "#a8f0e6"),
)  # fmt: skip
_COLOURS = (
    (".paper", "fill", "#ffffff", "#15181d"), ("text", "fill", "#22262b", "#e4e7eb"),
    (".faint", "fill", "#5a616b", "#a3abb7"), (".field", "fill", "#f7f8fa", "#1e2228"),
    (".sharps", "fill", "#eceff3", "#181b20"), (".beat", "stroke", "#dfe3e9", "#2b3039"),
    (".bar", "stroke", "#b3bac5", "#505966"), (".octave", "stroke", "#c3cad4", "#3d4550"),
    (".white", "fill", "#ffffff", "#cfd4db"), (".black", "fill", "#3a4048", "#0d0f12"),
    (".frame", "stroke", "#9aa2ad", "#6b7480"), (".drums", "stroke", "#2f353d", "#e4e7eb"),
    *((f".p{number}", "stroke", day, night) for number, (day, night) in enumerate(_PARTS)),
)  # fmt: skip
_OPACITIES = (0.6, 0.74, 0.87, 1.0)
_LOUDER = (44, 68, 92)  # velocities from which the next opacity is taken
_SHAPES = (
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif}.small{font-size:10.5px}"
    ".title{font-size:19px;font-weight:600}.end{text-anchor:end}path{fill:none}path.field,path.sharps,path.white,"
    "path.black{stroke:none}.beat,.bar,.octave,.frame{stroke-width:1}.drums{stroke-width:7}.pedal{stroke-width:2}"
    ".key{stroke-width:8}"
)


def strength(velocity: int) -> int:
    """Which class `v…` a note has, by its velocity: 0 (soft) … 3."""
    return sum(velocity >= limit for limit in _LOUDER)


def number(value: float) -> str:
    """A coordinate: to a tenth of a pixel, without what says nothing."""
    return f"{value:.1f}".removesuffix(".0")


def printable(text: str) -> str:
    """Text that XML and eyes can take: control characters, halves of surrogates and reordering marks replaced."""
    return "".join(" " if c.isspace() else c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def text_width(text: str, size: float) -> float:
    """Pixels that a text takes, with some to spare: fonts differ."""
    return size * sum(1.05 if unicodedata.east_asian_width(c) in "WF" else 0.62 for c in text)


def shortened(text: str, size: float, width: float) -> str:
    """A text, or as much of its beginning as fits, with an ellipsis."""
    if text_width(text, size) <= width:
        return text
    while text and text_width(text + "…", size) > width:
        text = text[:-1]
    return text.rstrip() + "…"


def text(x: float, y: float, content: str, style: str = "") -> str:
    """Letters, whose baseline begins (or with style "end": ends) at a point."""
    named = f' class="{style}"' if style else ""
    return f'<text x="{number(x)}" y="{number(y)}"{named}>{escape(content)}</text>'


def path(style: str, strokes: Iterable[str]) -> str:
    """Lines of one style, or nothing where there are none."""
    drawn = "".join(strokes)
    return f'<path class="{style}" d="{drawn}"/>' if drawn else ""


def box(x: float, y: float, width: float, height: float) -> str:
    """A rectangle, for a path that is filled."""
    return f"M{number(x)} {number(y)}h{number(width)}v{number(height)}h{number(-width)}z"


def document(width: float, height: float, title: str, description: str, body: Iterable[str], rules: str) -> str:
    """The whole picture.

    Args:
        width: in pixels.
        height: in pixels.
        title: its name, for those who hear it.
        description: what it shows, for them too.
        body: its elements.
        rules: of style, beside those of every piano roll.
    """
    size = f"{number(width)} {number(height)}"
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{number(width)}" '
        f'height="{number(height)}" class="gen-roll" role="img" aria-label={quoteattr(title)}>',
        f"<title>{escape(title)}</title>",
        f"<desc>{escape(description)}</desc>",
        f"<style>{_rules(rules)}</style>",
        f'<rect class="paper" width="{number(width)}" height="{number(height)}"/>',
        *filter(None, body),
        "</svg>\n",
    ]
    return "\n".join(lines)


def _rules(own: str) -> str:
    """All rules, each for what is inside this picture only: a page may hold it among others."""
    day = "".join(f"{selector}{{{what}:{colour}}}" for selector, what, colour, _ in _COLOURS)
    night = "".join(f"{selector}{{{what}:{colour}}}" for selector, what, _, colour in _COLOURS)
    strong = "".join(f".v{level}{{opacity:{opacity:g}}}" for level, opacity in enumerate(_OPACITIES))

    def scoped(rules: str) -> str:
        blocks = [block.partition("{") for block in rules.split("}") if block]
        return "".join(
            f"{','.join(f'.gen-roll {each}' for each in selectors.split(','))}{{{declarations}}}"
            for selectors, _, declarations in blocks
        )

    return (
        f"{scoped(_SHAPES + day + strong + own)}"
        "@media screen{.gen-roll{max-width:100%;height:auto}}"  # of no use, and to some programs a riddle, elsewhere
        f"@media (prefers-color-scheme:dark){{{scoped(night)}}}"
    )
