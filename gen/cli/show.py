"""`gen show`: everything on record about a run."""

import json
import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from gen.cli.options import LastState, NewestRun, RunsFolder


def show(
    run: NewestRun = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    plot: Annotated[bool, typer.Option("--plot", help="Draw its curves instead.")] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Draw them into this .svg file.")] = None,
    last: LastState = False,
    out: RunsFolder = None,
) -> None:
    """Show a model: its shape, its corpus, how it was trained and how well it does."""
    from gen.checkpoint import load_any
    from gen.cli.terminal import plain, write_product
    from gen.runs import find_model, runs_folder

    path = find_model(run, runs_folder(out), last=last, task=None)
    if plot or output is not None:
        _plot(path, output)
        return
    summary = {"file": str(path)} | load_any(path).summary()
    if as_json:
        write_product(json.dumps(summary, ensure_ascii=False) + "\n")
        return
    rows = list(_flat(summary))
    width = max(len(name) for name, _ in rows)
    write_product("".join(f"{name:<{width}}  {plain(value)}\n" for name, value in rows))


def _plot(path: Path, output: Path | None) -> None:
    """Draw the curves of the run that a model lies in."""
    from gen.checkpoint import load_any
    from gen.cli.charts import in_characters
    from gen.cli.charts_svg import in_svg
    from gen.cli.curves import chart_of, read_curves
    from gen.cli.terminal import plain, say, write_product
    from gen.errors import ConfigError
    from gen.runs import Run
    from gen.storage import atomic_write

    if output is not None and output.suffix.lower() != ".svg":
        raise ConfigError(f"{output}: curves are drawn as SVG: name a file that ends with .svg")
    log = Run(path.parent).metrics_path
    curves = read_curves(log, load_any(path).provenance)
    if curves is None:
        raise ConfigError(f"{log}: no curve is logged there yet: name a run that has trained for some steps")
    if output is None:
        size = shutil.get_terminal_size()
        write_product(in_characters(chart_of(curves), size.columns, min(24, max(10, size.lines - 2))))
        return
    atomic_write(output, in_svg([chart_of(curves, plain(path.parent.name))]).encode())
    say(f"wrote {output}", "dim")


def _flat(values: dict[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as dotted names and readable values."""
    rows = []
    for name, value in values.items():
        if isinstance(value, dict) and {"mean", "sd"} <= value.keys():  # a distribution
            rows.append((prefix + name, "-" if value["mean"] is None else f"{value['mean']:.3g} ± {value['sd']:.3g}"))
        elif isinstance(value, dict):
            rows += _flat(value, f"{prefix}{name}.")
        elif isinstance(value, list):
            rows.append((prefix + name, ", ".join(str(v) for v in value)))
        elif isinstance(value, bool) or value is None:
            rows.append((prefix + name, {True: "yes", False: "no", None: "-"}[value]))
        else:
            rows.append((prefix + name, f"{value:,}" if isinstance(value, int) and abs(value) >= 10000 else str(value)))
    return rows
