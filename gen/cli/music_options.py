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
Melody = Annotated[
    str | None,
    typer.Option(
        "--melody",
        help="Harmonise the first track of this MIDI file, or the second with FILE:2, and so on.",
        rich_help_panel=_WISHES,
        metavar="FILE",
    ),
]
Pitches = Annotated[
    str | None,
    typer.Option(
        "--pitches",
        help="Find a rhythm, and the rest, for the first track of a MIDI file, or for 'C4 E4 G4'.",
        rich_help_panel=_WISHES,
        metavar="FILE",
    ),
]
Rhythm = Annotated[
    str | None,
    typer.Option(
        "--rhythm", help="Find pitches for the notes of this MIDI file.", rich_help_panel=_WISHES, metavar="FILE"
    ),
]
Humanise = Annotated[
    str | None,
    typer.Option(
        "--humanise",
        help="Play the notes of this MIDI file: find velocities and pedals.",
        rich_help_panel=_WISHES,
        metavar="FILE",
    ),
]
