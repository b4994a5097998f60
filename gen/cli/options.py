"""Options that several commands share, and the settings that come of them."""

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from gen.settings import Given
    from gen.training.recipes import Choice


def with_default(text: str, default: object) -> str:
    """Help for what is None unless it is given, with the default that stands elsewhere."""
    return rf"{text} [dim]\[default: {default}][/dim]"


NewestRun = Annotated[
    str | None, typer.Argument(help=with_default("A run or a model file.", "the newest run"), show_default=False)
]
RunsFolder = Annotated[str | None, typer.Option("--out", help=with_default("Folder of the runs.", "checkpoints"))]
OneFile = Annotated[
    str, typer.Argument(help="A text or a MIDI file; '-' is stdin.", metavar="FILE", show_default=False)
]
RunOfMedium = Annotated[
    str | None,
    typer.Option("--run", help=with_default("A run or a model file.", "the newest run of the file's medium")),
]
LastState = Annotated[bool, typer.Option("--last", help="The last state in place of the best model.")]

_SETTINGS = "Settings"  # the panel of the help
ConfigFile = Annotated[
    str | None, typer.Option("--config", help="A TOML file of settings.", rich_help_panel=_SETTINGS, metavar="FILE")
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        "-S",
        help="Any of them, such as train.clip=0.5 or sampling.top_p=0.9. Repeatable; 'gen config show' lists all.",
        rich_help_panel=_SETTINGS,
        metavar="KEY=VALUE",
    ),
]

_SPELLED = {  # other flags are called as settings
    "sampling.temperature": "--temp",
    "sampling.temperature_end": "--temp-end",
    "sampling.temperature_over": "--temp-over",
    "sampling.typical_p": "--typical",
    "sampling.dry_sequence_breakers": "--dry-sequence-breaker",
}


def gather(
    config: str | None, assignments: Sequence[str] | None, flags: Mapping[str, Any], *, sections: Sequence[str]
) -> "dict[str, Given]":
    """All that was given: by a file, by environment variables, by -S and, above all, by flags.

    Args:
        config: the file.
        assignments: of -S.
        flags: setting -> value, None where the flag was not given.
        sections: that this command has a use for; file and environment may speak of others, too.

    Raises:
        ConfigError: a setting is unknown, of no use to the command, or its value does not fit.
    """
    from gen.errors import ConfigError
    from gen.settings import SETTINGS, from_assignments, from_environment, from_file, give, merge

    assigned = from_assignments(assignments or ())
    for key in assigned:
        if SETTINGS[key].section not in sections:
            raise ConfigError(f"-S: {key} is of no use here: this command takes {', '.join(sections)} settings")
    return merge(
        from_file(config) if config is not None else {},
        from_environment(os.environ),
        assigned,
        {key: give(key, value, f"flag {spelled(key)}") for key, value in flags.items() if value is not None},
    )


def spelled(key: str) -> str:
    """The flag for a setting."""
    return _SPELLED.get(key) or "--" + key.partition(".")[2].replace("_", "-")


def chosen(choices: "Iterable[Choice]") -> "dict[str, Given]":
    """What the recipe chose, as settings."""
    from gen.settings import Given

    return {full_name(choice.name): Given(choice.value, f"recipe: {choice.reason}") for choice in choices}


def full_name(name: str) -> str:
    """What a setting of the recipe, which tells no sections apart, is called elsewhere."""
    from gen.settings import SETTINGS

    return f"model.{name}" if f"model.{name}" in SETTINGS else f"train.{name}"
