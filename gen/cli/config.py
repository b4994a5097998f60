"""`gen config`: every setting, its value, and where that comes from."""

import json
import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.options import Assignments, ConfigFile, LastState, RunsFolder

if TYPE_CHECKING:
    from gen.settings import Given

commands = typer.Typer(help="Show the settings, and where each comes from.")

_TO_COME = "chosen by the recipe from corpus and budget"


@commands.command("show")
def show(
    corpus: Annotated[
        list[str] | None,
        typer.Argument(help="What 'gen train' would be given: the recipe's choices depend on it.", show_default=False),
    ] = None,
    *,
    run: Annotated[str | None, typer.Option("--run", help="What this run or model file was trained with.")] = None,
    last: LastState = False,
    out: RunsFolder = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    as_toml: Annotated[
        bool, typer.Option("--toml", help="As a file for --config; defaults are commented out.")
    ] = False,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Show every setting with its value and where that comes from: default, file, environment, flag, -S or recipe."""
    from gen.cli.terminal import plain, table, write_product
    from gen.errors import ConfigError

    if as_json and as_toml:
        raise ConfigError("--json and --toml are both given; one of them is enough")
    if run is None:
        settings = _gathered(corpus or [], config, assignments or [])
    elif corpus or config is not None or assignments:
        raise ConfigError("--run shows what is on record; a corpus, --config or -S would change nothing of it")
    else:
        settings = _recorded(run, out, last=last)
    if as_json:
        shown = {key: {"value": _jsonable(it.value), "from": it.origin} for key, it in settings.items()}
        write_product(json.dumps(shown, ensure_ascii=False) + "\n")
    elif as_toml:
        write_product(_toml_file(settings))
    else:
        rows = [[key, plain(_readable(it.value)), plain(it.origin)] for key, it in settings.items()]
        write_product(table(["setting", "value", "from"], rows, right=set()))


def _gathered(sources: Sequence[str], config: str | None, assignments: Sequence[str]) -> "dict[str, Given]":
    """The settings that a training here and now would have."""
    from gen.cli.options import chosen, full_name, gather
    from gen.settings import SECTIONS, SETTINGS, Given, values
    from gen.training.recipes import check_settings, choosable, resolve

    given = gather(config, assignments, {}, sections=SECTIONS)
    settings = values(given, "model", "train")
    check_settings(settings)
    if sources:
        from gen.cli.reading import open_corpus
        from gen.corpus.documents import ReadingOptions

        corpus = open_corpus(sources, ReadingOptions(**values(given, "corpus")))
        choices = chosen(resolve(corpus, **settings).choices)
    else:
        choices = {full_name(name): Given(None, _TO_COME) for name in choosable(settings)}
    defaults = {key: Given(setting.default, "default") for key, setting in SETTINGS.items()}
    return {**defaults, **choices, **given}


def _recorded(run: str, out: str | None, *, last: bool) -> "dict[str, Given]":
    """The settings that a model was trained with."""
    from gen.checkpoint import ClassifierCheckpoint, load_any
    from gen.config import LATER
    from gen.runs import find_model, runs_folder
    from gen.settings import SETTINGS, Given

    checkpoint = load_any(find_model(run, runs_folder(out), last=last, task=None))
    record = checkpoint.provenance
    training = _table(record, "train") if checkpoint.training is None else checkpoint.training.config.to_dict()
    options = _table(_table(record, "corpus"), "options")
    model = {"tied": checkpoint.model.tied, **checkpoint.model.to_dict()}
    values: dict[str, Mapping[str, Any]] = {  # what is off is not on record
        "model": model,
        "corpus": {"tokens": None, **options} if options else {},
    }
    if isinstance(checkpoint, ClassifierCheckpoint):
        values |= {"classifier": checkpoint.classifier.to_dict(), "classify": training}
    else:
        values["train"] = {**LATER, **training} if training else {}
    origins = _table(record, "settings_from")
    elsewhere = "the machine" if origins else "on record"  # the device; or anything, if not trained by `gen train`
    settings = {}
    for key, setting in SETTINGS.items():
        recorded = values.get(setting.section, {})
        if setting.name in recorded:
            value = recorded[setting.name]
            unsaid = "default" if value == setting.default else elsewhere
            settings[key] = Given(value, str(origins.get(key, unsaid)))
    return settings


def _table(record: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """A table in a record that anyone may have written."""
    table = record.get(name)
    return table if isinstance(table, dict) else {}


def _readable(value: Any) -> str:
    from gen.settings import toml

    if value is None:
        return "-"
    return value if isinstance(value, str) else toml(value)


def _jsonable(value: Any) -> Any:
    """JSON has no infinity."""
    if isinstance(value, Mapping):
        return {name: _jsonable(entry) for name, entry in value.items()}
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _toml_file(settings: "Mapping[str, Given]") -> str:
    """The settings as `--config` reads them, each with its origin; what is a default anyway is a comment."""
    from gen.cli.terminal import plain
    from gen.settings import SETTINGS, toml

    lines: list[str] = []
    section = None
    for key, it in settings.items():
        if SETTINGS[key].section != section:
            section = SETTINGS[key].section
            lines += [""] * bool(lines) + [f"[{section}]"]
        unset = it.value is None or it.origin == "default"
        became_steps = key == "train.epochs" and settings["train.steps"].value is not None
        value = "" if it.value is None else f" {toml(it.value)}"
        comment = "# " if unset or became_steps else ""
        lines.append(f"{comment}{SETTINGS[key].name} ={value}  # {plain(it.origin)}")
    return "\n".join(lines) + "\n"
