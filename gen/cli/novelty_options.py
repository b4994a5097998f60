"""Options of `gen sample` about what is copied from what the model learned."""

from typing import Annotated

import typer

from gen.cli.options import with_default

_PANEL = "Novelty"  # of the help

NoCopyRuns = Annotated[
    int | None,
    typer.Option(
        "--no-copy",
        help="Write no run of N characters that stands in what the model learned; of music, of N notes.",
        rich_help_panel=_PANEL,
        metavar="N",
    ),
]
Receipts = Annotated[
    bool | None,
    typer.Option(
        "--novelty/--no-novelty",
        help=with_default("Say on stderr how much of a sample is copied.", "where that is soon known"),
        show_default=False,
        rich_help_panel=_PANEL,
    ),
]
CorpusPath = Annotated[
    str | None,
    typer.Option(
        "--corpus", help=with_default("What the model learned from.", "where it was"), rich_help_panel=_PANEL,
        metavar="PATH",
    ),
]  # fmt: skip
