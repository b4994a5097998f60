"""`gen tokens`: how a text or a piece of music is cut into tokens, and what that makes of it."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.options import RunsFolder, with_default
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

_SHOWN = 500  # tokens


def tokens(
    source: Annotated[
        str,
        typer.Argument(
            help="A text or MIDI file, a folder of them, '-' for stdin, or an @name.",
            metavar="PATH",
            show_default=False,
        ),
    ],
    *,
    tokens: Annotated[
        str | None,
        typer.Option(help=with_default("Of text: char, byte, subword:SIZE, bpe:SIZE or word:SIZE.", "what fits")),
    ] = None,
    run: Annotated[str | None, typer.Option(help="Cut as this run's model does, in place of what fits.")] = None,
    encoding: Annotated[str | None, typer.Option(help=with_default("Of all files.", "found out for each"))] = None,
    column: Annotated[str | None, typer.Option(help=with_default("Of tables, what to read.", "text"))] = None,
    clock: Annotated[str | None, typer.Option(help=with_default("Of music: seconds or beats.", "what fits"))] = None,
    n: Annotated[int, typer.Option("-n", "--show", help="Tokens to show, from the beginning.")] = _SHOWN,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    out: RunsFolder = None,
) -> None:
    """Show how a text or a piece of music is cut into tokens, and how many there are.

    Where stdout is no terminal, it gets a line for each token, with tabs between its id, its symbol and its text.
    """
    from gen.cli.terminal import write_product
    from gen.config import require
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.medium import medium_of

    require(n >= 0, "--show", n, "0 or more")
    given: dict[str, Any] = {"clock": clock}
    options = ReadingOptions(encoding=encoding, column=column, tokens=tokens, **given)
    medium = medium_of([source])
    fixed = _of_run(run, out, medium)
    if fixed is not None and (tokens or clock):
        raise ConfigError("--run has tokens of its own: leave out --tokens and --clock")
    if medium == "text":
        if clock is not None:
            raise ConfigError(f"--clock is {clock!r}; it is of no use to text: leave it out")
        from gen.cli.tokens_text import cut_text as cut
    else:
        if tokens is not None:
            raise ConfigError(f"--tokens is {tokens!r}; it is of no use to music: leave it out")
        from gen.cli.tokens_music import cut_music as cut  # type: ignore[assignment]
    facts, show = cut(source, options, fixed, n)  # type: ignore[arg-type]
    if as_json:
        write_product(json.dumps(facts, ensure_ascii=False) + "\n")
    else:
        show()


def _of_run(run: str | None, out: str | None, medium: str) -> "AnyTokenizer | None":
    from gen.checkpoint import Checkpoint
    from gen.runs import find_model, name_of, runs_folder

    if run is None:
        return None
    path = find_model(run, runs_folder(out))
    tokenizer = Checkpoint.load(path).tokenizer
    if tokenizer.medium != medium:
        raise ConfigError(f"{name_of(path)} is of {tokenizer.medium}, and this is {medium}: name another run")
    return tokenizer
