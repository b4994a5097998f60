"""`gen render`: a MIDI file as sound, as a picture, or as MIDI again."""

import os
from pathlib import Path
from typing import Annotated

import typer

from gen.cli.options import with_default
from gen.errors import ConfigError


def render(
    file: Annotated[str, typer.Argument(help="The MIDI file.", metavar="FILE", show_default=False)],
    *,
    output: Annotated[
        list[str],
        typer.Option(
            "--output", "-o", help="Sound (.wav), piano roll (.svg) or MIDI (.mid). Repeatable.", metavar="FILE"
        ),
    ],
    title: Annotated[str | None, typer.Option(help=with_default("Above the piano roll.", "the file's name"))] = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")] = False,
) -> None:
    """Hear and see a MIDI file: write it as sound, as a piano roll, or as tidied MIDI."""
    from gen.cli.saving import check_outputs, save_music
    from gen.cli.terminal import say
    from gen.music.grid import ON_GRID, on_grid_share
    from gen.music.midi_reader import read_midi

    def tell(*lines: str) -> None:
        for line in () if quiet else lines:
            say(line)

    targets = [Path(name) for name in output]
    check_outputs(targets)
    for target in targets:
        if os.path.exists(file) and os.path.exists(target) and os.path.samefile(file, target):
            raise ConfigError(f"{target} is the file that is read: give the output another name")
    reading = read_midi(file)
    tell(*(f"{file}: {warning}" for warning in reading.warnings))
    if not len(reading.score.notes):
        tell(f"{file}: there are no notes in it")
    title = Path(file).stem if title is None else title
    beats = on_grid_share(reading.score) >= ON_GRID
    for target in targets:
        warnings = save_music(reading.score, target, title=title, beats=beats, names=reading.track_names)
        tell(*(f"{target}: {warning}" for warning in warnings), f"wrote {target}")
