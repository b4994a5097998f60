"""`gen probe`: how far back networks remember, by tasks of memory or in a run of one's own."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.options import LastState, RunsFolder, with_default

if TYPE_CHECKING:
    from collections.abc import Sequence

    from gen.cli.charts import Chart

_LINES = 17  # of a chart in a terminal
_TASKS = "Tasks"  # the panels of the help
_RUN = "A run"


def probe(
    run: Annotated[
        str | None,
        typer.Argument(
            help=with_default("A run or a model file to measure.", "tasks, learned from the beginning"),
            show_default=False,
        ),
    ] = None,
    *,
    task: Annotated[
        str | None,
        typer.Option(help=with_default("recall, adding or both.", "both"), rich_help_panel=_TASKS),
    ] = None,
    lags: Annotated[
        str | None,
        typer.Option(
            help=with_default("Steps from the first input to the answer.", "10,20,50,100,200,500"),
            rich_help_panel=_TASKS,
            metavar="N,N…",
        ),
    ] = None,
    cells: Annotated[
        str | None,
        typer.Option(help=with_default("Which.", "rnn,lstm,gru"), rich_help_panel=_TASKS, metavar="CELL,CELL…"),
    ] = None,
    hidden: Annotated[
        int | None, typer.Option(help=with_default("Units of the one layer.", "32"), rich_help_panel=_TASKS)
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(help=with_default("Of training at most, for each cell and lag.", "800"), rich_help_panel=_TASKS),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            help=with_default("Of weights and sequences; of what a model writes to be read.", "0"),
            show_default=False,
        ),
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(
            help=with_default("A corpus to measure on.", "the validation part of the run's own"),
            rich_help_panel=_RUN,
            metavar="FILE",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Draw the charts into this .svg file.", metavar="FILE")
    ] = None,
    last: LastState = False,
    out: RunsFolder = None,
) -> None:
    """Measure how far back networks remember.

    Alone: trains each cell on delayed recall and on the adding problem, at lags from 10 to 500; takes some minutes.

    With a run: how gradients fade with the tokens that they are carried back, and what each length of context costs.
    """
    from gen.errors import ConfigError

    if output is not None and output.suffix.lower() != ".svg":
        raise ConfigError(f"{output}: charts are drawn as SVG: name a file that ends with .svg")
    if output is not None and os.path.isdir(output):
        raise ConfigError(f"{output} is a folder: give the name of a file in it")
    of_tasks = {"--task": task, "--lags": lags, "--cells": cells, "--hidden": hidden, "--steps": steps}
    if run is None:
        if text is not None or last:
            raise ConfigError(f"{'--text' if text is not None else '--last'} is of use to a run only: name one, too")
        from gen.cli.probe_tasks import probe_tasks

        facts, report, charts = probe_tasks(task, lags, cells, hidden, steps, seed)
    else:
        given = [flag for flag, value in of_tasks.items() if value is not None]
        if given:
            raise ConfigError(f"{', '.join(given)}: of no use to a run: leave out the run, or the flag")
        from gen.cli.probe_run import probe_run
        from gen.runs import find_model, runs_folder

        facts, report, charts = probe_run(find_model(run, runs_folder(out), last=last), text, seed)
    _show(facts, report, charts, as_json=as_json, output=output)


def _show(facts: dict[str, Any], report: str, charts: "Sequence[Chart]", *, as_json: bool, output: Path | None) -> None:
    """What was found: to stdout, and the charts to a file or below one another."""
    import shutil

    from gen.cli.charts import in_characters
    from gen.cli.charts_svg import in_svg
    from gen.cli.terminal import say, write_product
    from gen.storage import atomic_write, make_folder

    if output is not None:
        make_folder(output.parent)
        atomic_write(output, in_svg(charts).encode())
        say(f"wrote {output}", "dim")
    if as_json:
        write_product(json.dumps(facts, ensure_ascii=False) + "\n")
        return
    columns = shutil.get_terminal_size().columns
    drawn = [in_characters(chart, columns, _LINES) for chart in charts]
    write_product("\n".join([*drawn, report]))
