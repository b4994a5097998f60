"""The commands, one module each. What a command needs is imported when it runs, so `gen --help` is quick."""

import shlex
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated

import typer

from gen import __version__

_COMMANDS = {
    "train": "train",
    "sample": "sample",
    "render": "render",
    "eval": "evaluate",
    "score": "score",
    "novelty": "novelty",
    "tokens": "tokens",
    "probe": "probe",
    "ls": "ls",
    "show": "show",
    "corpora": "corpora",
    "doctor": "doctor",
}
"""Name, which is the module's, and function."""
_GROUPS = ("classify", "bench", "config")


def app_for(arguments: Sequence[str]) -> typer.Typer:
    """The program: all commands, or only the one that the first argument names: it starts sooner."""
    app = typer.Typer(
        name="gen",
        help="Learn from text or from music, and write more of it.",
        no_args_is_help=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(invoke_without_command=True)(gen)
    named = arguments[0] if arguments and arguments[0] in (*_COMMANDS, *_GROUPS) else None
    for name, function in _COMMANDS.items():
        if named in (None, name):
            app.command(name)(getattr(import_module(f"gen.cli.{name}"), function))
    for name in _GROUPS:
        if named in (None, name):
            app.add_typer(import_module(f"gen.cli.{name}").commands, name=name)
    return app


def gen(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Learn from text or from music, and write more of it."""
    if version:
        from gen.cli.terminal import write_product

        write_product(f"gen {__version__}\n")
        raise typer.Exit
    if context.invoked_subcommand is None:
        _what_next()


def _what_next() -> None:
    """Bare `gen`: the next thing to type, given what is here."""
    from gen.cli.terminal import say
    from gen.runs import list_runs, runs_folder

    runs = list_runs(runs_folder())
    if runs:
        newest = shlex.quote(runs[0].name)
        say(f"{len(runs)} run{'s' if len(runs) > 1 else ''} in {runs_folder()}, the newest is {newest}.")
        hints = {f"gen sample {newest}": "let it write", f"gen train --resume {newest}": "train it on"}
        hints["gen ls"] = "see them all"
    else:
        say("Nothing trained yet. To begin:")
        hints = {"gen train corpus.txt --minutes 2": "learn from a text of yours"}
        hints["gen train midi-folder --minutes 5"] = "learn from pieces of music"
        hints["gen train @python --minutes 1"] = "learn from what every Python carries"
        hints["gen train @tunes --minutes 1"] = "learn from traditional tunes"
    hints["gen --help"] = "all commands"
    width = max(map(len, hints))
    for command, effect in hints.items():
        say(f"  {command:<{width}}   {effect}")
