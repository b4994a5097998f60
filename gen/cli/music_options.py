"""Options of `gen sample` for what a piece of music has to be."""

from typing import Annotated

import typer

_WISHES = "What the piece has to be"  # panel of the help

Meter = Annotated[
    str | None,
    typer.Option("--meter", help="Throughout, as 3/4; for models by beats.", rich_help_panel=_WISHES, metavar="N/M"),
]
EndOnTonic = Annotated[
    bool,
    typer.Option("--end-on-tonic", help="What is struck last is the tonic of --key.", rich_help_panel=_WISHES),
]
