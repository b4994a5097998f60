"""Options of `gen sample` that say what a text has to be."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.sampling_options import unescaped

if TYPE_CHECKING:
    from gen.config import TextConstraints

_PANEL = "Constraints on text"  # of the help

Regex = Annotated[
    str | None,
    typer.Option(
        "--regex",
        help=r"All of the text matches this, as Python's re has it. End it with what ends the text, as '\.' or '\n'.",
        rich_help_panel=_PANEL,
        metavar="RE",
    ),
]
MustInclude = Annotated[
    list[str] | None,
    typer.Option("--must-include", help="The text has this. Repeatable.", rich_help_panel=_PANEL, metavar="TEXT"),
]
Ban = Annotated[
    list[str] | None,
    typer.Option(
        "--ban",
        help="The text has this nowhere, nor across the end of the prompt. Repeatable.",
        rich_help_panel=_PANEL,
        metavar="TEXT",
    ),
]
OnlyCharacters = Annotated[
    str | None,
    typer.Option(
        "--only-characters",
        help=r"It has no other characters: 'a-z ,.\n'; written as between the brackets of a regex.",
        rich_help_panel=_PANEL,
        metavar="SET",
    ),
]
BanCharacters = Annotated[
    str | None,
    typer.Option("--ban-characters", help="It has none of these.", rich_help_panel=_PANEL, metavar="SET"),
]
LineLength = Annotated[
    int | None,
    typer.Option("--line-length", help="Characters of a line, at most.", rich_help_panel=_PANEL, metavar="N"),
]


def constraints_for(flags: Mapping[str, Any]) -> "TextConstraints | None":
    r"""What the flags ask for; None where they ask for nothing. In words, \n is the end of a line.

    Args:
        flags: --regex, --must-include, --ban, --only-characters, --ban-characters and --line-length, in this order.

    Raises:
        ConfigError: one of them cannot be used.
    """
    from gen.config import TextConstraints

    regex, included, banned, only, without, line_length = flags.values()
    constraints = TextConstraints(
        regex=regex,
        must_include=tuple(map(unescaped, included or ())),
        ban=tuple(map(unescaped, banned or ())),
        allowed_characters=only,
        banned_characters=without,
        line_length=line_length,
    )
    return None if constraints == TextConstraints() else constraints
