"""`gen sample` of text: characters on stdout as they come, JSON lines, or files."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gen.cli.sample_request import Request
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.sampler import TextSampler, TextStream


@dataclass(frozen=True, slots=True)
class TextWishes:
    """The options that only text has."""

    prompt_file: str | None
    encoding: str | None
    unknown: str | None
    n: int | None
    stop: list[str] | None


def sample_text(sampler: "TextSampler", request: Request, wishes: TextWishes) -> None:
    """Write the samples that were asked for."""
    from gen.cli.terminal import write_product
    from gen.sampler.text import DEFAULT_CHARACTERS

    if len(request.outputs) > 1:
        raise ConfigError(f"--output is given {len(request.outputs)} times; a text goes to one file")
    given = _prompt(sampler, request, wishes)
    characters = DEFAULT_CHARACTERS if wishes.n is None and request.max_tokens is None else wishes.n
    streams = sampler.streams(
        given, streams=request.streams, n=characters, max_tokens=request.max_tokens, config=request.config,
        seed=request.seed, stop=wishes.stop or (), ignore_end=request.ignore_end,
    )  # fmt: skip
    head = given if request.keep_prompt else ""
    request.announce(sampler)
    if not (request.quiet or head or request.as_json or request.outputs):
        _show_prompt(given)
    if request.outputs:
        _save(request, streams, head)
    elif request.as_json:
        for text in streams:
            write_product(_json(text, head))
    else:
        _write(streams, head, quiet=request.quiet)


def _prompt(sampler: "TextSampler", request: Request, wishes: TextWishes) -> str:
    """The prompt, from the flag, the file or a stdin that is not a terminal, fit for the model."""
    from gen.cli.terminal import read_text, say, stdin_is_piped
    from gen.tokenizers.unknown import replace_unknown

    prompt, file = request.prompt, wishes.prompt_file
    if prompt is not None and prompt != "-" and file is not None:
        raise ConfigError("--prompt and --prompt-file are both given; one of them is enough")
    notices: tuple[str, ...] = ()
    if file is not None:
        text, notices = read_text(file, wishes.encoding)
    elif prompt == "-" or (prompt is None and stdin_is_piped()):
        text, notices = read_text("-", wishes.encoding)
        notices = (*notices, f"prompt: {len(text):,} characters from standard input")
    else:
        text = prompt or ""
    fitting, dropped = replace_unknown(text, sampler.tokenizer, wishes.unknown or "error")
    if dropped:
        left_out = f"left out of the prompt, unknown to the model: {' '.join(repr(c) for c in dropped[:20])}"
        notices = (*notices, left_out)
    for notice in () if request.quiet else notices:
        say(notice)
    return fitting


def _show_prompt(prompt: str) -> None:
    """In a terminal, the prompt, which the product does not hold."""
    from gen.cli.terminal import console, plain

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


def _save(request: Request, streams: "list[TextStream]", head: str) -> None:
    """To files: one, or one a sample; JSON lines go to one."""
    from gen.cli.terminal import say
    from gen.storage import atomic_write, make_folder

    path = request.outputs[0]
    make_folder(path.parent)
    written: dict[Path, str]
    if request.as_json:
        written = {path: "".join(_json(text, head) for text in streams)}
    else:
        written = {request.numbered(path, number): head + "".join(text) for number, text in enumerate(streams)}
    for target, content in written.items():
        atomic_write(target, content.encode("utf-8", "surrogatepass"))
        say(f"wrote {target}")
