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
AllowedCharacters = Annotated[
    str | None,
    typer.Option(
        "--allowed-characters",
        help=r"It has no other characters: 'a-z ,.\n'; written as between the brackets of a regex.",
        rich_help_panel=_PANEL,
        metavar="SET",
    ),
]
BannedCharacters = Annotated[
    str | None,
    typer.Option("--banned-characters", help="It has none of these.", rich_help_panel=_PANEL, metavar="SET"),
]
LineLength = Annotated[
    int | None,
    typer.Option("--line-length", help="Characters of a line, at most.", rich_help_panel=_PANEL, metavar="N"),
]


def constraints_for(flags: Mapping[str, Any]) -> "TextConstraints | None":
    r"""What flags ask for; None where they ask for nothing. In words, \n is the end of a line.

    Args:
        flags: called as the attributes of `TextConstraints`, with hyphens; None where one was not given.

    Raises:
        ConfigError: one of them cannot be used.
    """
    from gen.config import TextConstraints

    given = {flag[2:].replace("-", "_"): value for flag, value in flags.items() if value is not None}
    for name in {"must_include", "ban"} & given.keys():
        given[name] = tuple(map(unescaped, given[name]))
    return TextConstraints(**given) if given else None
