"""`gen sample`: a model, a prompt, and text on stdout as it comes."""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gen.cli.options import Assignments, ConfigFile, LastState, NewestRun, RunsFolder, with_default
from gen.config import SamplingConfig
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.sampler import Sampler, TextStream


def _help(text: str, setting: str) -> str:
    """Help for a flag that a file or a variable may give in its place."""
    return with_default(text, getattr(SamplingConfig, setting))


def sample(
    run: NewestRun = None,
    *,
    prompt: Annotated[
        str | None, typer.Option("--prompt", "-p", help="Text to go on from; '-', or a pipe, is stdin.")
    ] = None,
    prompt_file: Annotated[str | None, typer.Option("--prompt-file", "-f", help="File with the prompt.")] = None,
    encoding: Annotated[
        str | None, typer.Option(help=with_default("Of the prompt's file, or stdin.", "found out"))
    ] = None,
    keep_prompt: Annotated[bool, typer.Option("--keep-prompt", help="Write the prompt in front.")] = False,
    unknown: Annotated[
        str, typer.Option(help="Prompt characters the model never saw: error, skip, nearest.")
    ] = "error",
    n: Annotated[
        int | None, typer.Option("-n", help=with_default("Characters to write, prompt not counted.", 500))
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Ids to draw.")] = None,
    temp: Annotated[
        float | None, typer.Option(help=_help("Temperature; 0 takes the likeliest.", "temperature"))
    ] = None,
    top_k: Annotated[int | None, typer.Option(help=_help("Keep the k likeliest; 0 keeps all.", "top_k"))] = None,
    top_p: Annotated[
        float | None, typer.Option(help=_help("Keep the likeliest of this probability; 1 keeps all.", "top_p"))
    ] = None,
    min_p: Annotated[
        float | None, typer.Option(help=_help("Keep what is so many times as likely as the likeliest.", "min_p"))
    ] = None,
    typical: Annotated[
        float | None,
        typer.Option(help=_help("Keep the most typical of this probability; 1 keeps all.", "typical_p")),
    ] = None,
    repeat_penalty: Annotated[
        float | None, typer.Option(help=_help("Divide logits of recent tokens; 1 is off.", "repeat_penalty"))
    ] = None,
    presence_penalty: Annotated[
        float | None, typer.Option(help=_help("Subtract from logits of recent tokens.", "presence_penalty"))
    ] = None,
    frequency_penalty: Annotated[
        float | None, typer.Option(help=_help("The same, for each occurrence.", "frequency_penalty"))
    ] = None,
    repeat_last_n: Annotated[
        int | None, typer.Option(help=_help("How many tokens are recent; -1 is all.", "repeat_last_n"))
    ] = None,
    logit_bias: Annotated[
        list[str] | None, typer.Option(help="SYMBOL=NATS, added to its logit; SYMBOL=-inf bans it. Repeatable.")
    ] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End at this text. Repeatable.")] = None,
    ignore_end: Annotated[bool, typer.Option("--ignore-end", help="Go on where the model ends a document.")] = False,
    samples: Annotated[int, typer.Option(help="How many, each a stream of the seed.")] = 1,
    stream: Annotated[int, typer.Option(help="The first stream to draw.")] = 0,
    seed: Annotated[int | None, typer.Option(help=with_default("Seed of the draws.", "a fresh one, printed"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a sample and line.")] = False,
    output: Annotated[str | None, typer.Option("--output", "-o", help="Write to this file.")] = None,
    last: LastState = False,
    out: RunsFolder = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")] = False,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Write text, to stdout, as it comes. What is not generated goes to stderr."""
    from gen.cli.options import gather
    from gen.cli.terminal import write_product
    from gen.config import require
    from gen.random import fresh_seed
    from gen.runs import find_model, runs_folder
    from gen.sampler import DEFAULT_CHARACTERS, Sampler
    from gen.settings import values

    require(samples >= 1, "samples", samples, "1 or more")
    flags = {
        "sampling.temperature": temp, "sampling.top_k": top_k, "sampling.top_p": top_p, "sampling.min_p": min_p,
        "sampling.typical_p": typical, "sampling.repeat_penalty": repeat_penalty,
        "sampling.presence_penalty": presence_penalty, "sampling.frequency_penalty": frequency_penalty,
        "sampling.repeat_last_n": repeat_last_n,
        "sampling.logit_bias": dict(map(_bias, logit_bias)) if logit_bias else None,
    }  # fmt: skip
    settings = values(gather(config, assignments, flags, sections=("sampling",)), "sampling")
    path = find_model(run, runs_folder(out), last=last)
    sampler = Sampler.load(path)
    biases = settings.pop("logit_bias", {})
    vocabulary = sampler.tokenizer.vocabulary
    sampling = SamplingConfig(
        **settings, logit_bias=tuple((vocabulary.id(symbol), nats) for symbol, nats in biases.items())
    )
    given = _prompt(prompt, prompt_file, encoding, sampler, unknown, quiet=quiet)
    seed = fresh_seed() if seed is None else seed
    characters = DEFAULT_CHARACTERS if n is None and max_tokens is None else n
    streams = [
        sampler.stream(
            given, n=characters, max_tokens=max_tokens, config=sampling, seed=seed, stream=k, stop=stop or (),
            ignore_end=ignore_end,
        )
        for k in range(stream, stream + samples)
    ]  # fmt: skip
    head = given if keep_prompt else ""
    if not quiet:
        _announce(path, sampler, seed, "" if keep_prompt or as_json or output else given)
    if output is not None:
        _save(Path(output), streams, head, as_json=as_json)
    elif as_json:
        for text in streams:
            write_product(_json(text, head))
    else:
        _write(streams, head, quiet=quiet)


def _prompt(
    prompt: str | None, file: str | None, encoding: str | None, sampler: "Sampler", unknown: str, *, quiet: bool
) -> str:
    """The prompt, from the flag, the file or a stdin that is not a terminal, fit for the model."""
    from gen.cli.terminal import read_text, say, stdin_is_piped
    from gen.tokenizers.unknown import replace_unknown

    if prompt is not None and prompt != "-" and file is not None:
        raise ConfigError("--prompt and --prompt-file are both given; one of them is enough")
    notices: tuple[str, ...] = ()
    if file is not None:
        text, notices = read_text(file, encoding)
    elif prompt == "-" or (prompt is None and stdin_is_piped()):
        text, notices = read_text("-", encoding)
        notices = (*notices, f"prompt: {len(text):,} characters from standard input")
    else:
        text = prompt or ""
    fitting, dropped = replace_unknown(text, sampler.tokenizer, unknown)
    if dropped:
        left_out = f"left out of the prompt, unknown to the model: {' '.join(repr(c) for c in dropped[:20])}"
        notices = (*notices, left_out)
    for notice in () if quiet else notices:
        say(notice)
    return fitting


def _bias(entry: str) -> tuple[str, float]:
    """SYMBOL=NATS."""
    symbol, separator, number = entry.rpartition("=")
    try:
        value = float(number)
    except ValueError:
        separator = ""
    if not separator or not symbol:
        raise ConfigError(f"--logit-bias is {entry!r}; it must be SYMBOL=NATS, for example e=-inf")
    return symbol.encode().decode("unicode_escape") if "\\" in symbol else symbol, value


def _announce(path: Path, sampler: "Sampler", seed: int, prompt: str) -> None:
    """Who writes, and what reproduces it; in a terminal also the prompt, which the product does not hold."""
    from gen.cli.terminal import console, plain, say
    from gen.runs import MODEL, RESUME

    model = sampler.checkpoint.model
    name = path.parent.name if path.name in (MODEL, RESUME) else path.name
    say(f"{name}: {model.cell} {model.layers} x {model.hidden}, {sampler.engine}, seed {seed}", "dim")
    if prompt and console().is_terminal and sys.stdout is not None and sys.stdout.isatty():
        console().print(plain(prompt, keep_newlines=True), style="dim", end="", soft_wrap=True)


def _write(streams: "list[TextStream]", head: str, *, quiet: bool) -> None:
    """To stdout as it comes. Samples stand apart by an empty line; in a terminal each is announced."""
    from gen.cli.terminal import console, say, write_product

    on_screen = not quiet and console().is_terminal
    for number, text in enumerate(streams):
        if number:
            write_product("\n\n")
        if on_screen and len(streams) > 1:
            say(f"-- sample {number + 1} of {len(streams)}, stream {text.stream}", "dim")
        if head:
            write_product(head)
        for piece in text:
            write_product(piece)
    if on_screen:
        say("")


def _json(text: "TextStream", head: str) -> str:
    whole = head + "".join(text)
    fields = {
        "text": whole, "prompt": text.prompt, "seed": text.seed, "stream": text.stream, "tokens": text.tokens,
        "finish": text.finish,
    }  # fmt: skip
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _save(path: Path, streams: "list[TextStream]", head: str, *, as_json: bool) -> None:
    """To files: one, or one a sample (tale-1.txt, tale-2.txt …); JSON lines go to one."""
    from gen.cli.terminal import say
    from gen.storage import atomic_write, make_folder

    make_folder(path.parent)
    if as_json:
        written = {path: "".join(_json(text, head) for text in streams)}
    elif len(streams) == 1:
        written = {path: head + "".join(streams[0])}
    else:
        written = {
            path.with_stem(f"{path.stem}-{number}"): head + "".join(text) for number, text in enumerate(streams, 1)
        }
    for target, content in written.items():
        atomic_write(target, content.encode("utf-8", "surrogatepass"))
        say(f"wrote {target}")
