"""`gen show`: everything on record about a run."""

import json
from typing import Annotated, Any

import typer

from gen.cli.options import LastState, NewestRun, RunsFolder


def show(
    run: NewestRun = None,
    *,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    last: LastState = False,
    out: RunsFolder = None,
) -> None:
    """Show a model: its shape, its corpus, how it was trained and how well it does."""
    from gen.checkpoint import Checkpoint
    from gen.cli.terminal import plain, write_product
    from gen.runs import find_model, runs_folder

    path = find_model(run, runs_folder(out), last=last)
    summary = {"file": str(path)} | Checkpoint.load(path).summary()
    if as_json:
        write_product(json.dumps(summary, ensure_ascii=False) + "\n")
        return
    rows = list(_flat(summary))
    width = max(len(name) for name, _ in rows)
    write_product("".join(f"{name:<{width}}  {plain(value)}\n" for name, value in rows))


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
