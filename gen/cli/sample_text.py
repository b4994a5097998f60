"""`gen sample` of text: characters on stdout as they come, JSON lines, or files."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen.cli.sample_request import Request
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.cli.search_options import Search
    from gen.config import TextConstraints
    from gen.sampler import Ranked, Sample, TextBeam, TextSampler, TextStream


@dataclass(frozen=True, slots=True)
class TextWishes:
    """The options that only text has."""

    prompt_file: str | None
    encoding: str | None
    unknown: str | None
    n: int | None
    stop: list[str] | None
    constraints: "TextConstraints | None"


@dataclass(frozen=True, slots=True)
class _Product:
    """A text to be written.

    Attributes:
        pieces: of it, as they come.
        made: what it is when they have come.
        facts: what JSON says of it beyond that.
    """

    pieces: Iterable[str]
    made: "TextStream | Sample"
    facts: dict[str, Any]


def sample_text(sampler: "TextSampler", request: Request, wishes: TextWishes) -> None:
    """Write the samples that were asked for."""
    from gen.sampler.text import DEFAULT_CHARACTERS

    if len(request.outputs) > 1:
        raise ConfigError(f"--output is given {len(request.outputs)} times; a text goes to one file")
    given = _prompt(sampler, request, wishes)
    settings = {
        "n": DEFAULT_CHARACTERS if wishes.n is None and request.max_tokens is None else wishes.n,
        "max_tokens": request.max_tokens, "config": request.config, "seed": request.seed, "stop": wishes.stop or (),
        "ignore_end": request.ignore_end, "constraints": wishes.constraints, "no_copy": request.receipts.no_copy,
    }  # fmt: skip
    products = _products(sampler, request, given, settings)
    head = given if request.keep_prompt else ""
    request.announce(sampler)
    if not (request.quiet or head or request.as_json or request.outputs):
        _show_prompt(given)
    written: list[str] = []
    if request.outputs:
        _save(request, _kept(products, written), head)
    else:
        _write(request, _kept(products, written), head)
    request.receipts.tell(written)


def _kept(products: "Iterator[_Product]", texts: list[str]) -> "Iterator[_Product]":
    """The same, whose texts come to `texts` when they have been written."""
    for product in products:
        pieces: list[str] = []
        yield replace(product, pieces=_noted(product.pieces, pieces))
        texts.append("".join(pieces))


def _noted(pieces: Iterable[str], whole: list[str]) -> Iterator[str]:
    for piece in pieces:
        whole.append(piece)
        yield piece


def _products(sampler: "TextSampler", request: Request, prompt: str, settings: dict[str, Any]) -> "Iterator[_Product]":
    """Samples, or what is found in their place; mistakes are found at once."""
    search = request.search
    if search is None:
        streams = sampler.streams(prompt, streams=request.streams, **settings)
        return (_Product(stream, stream, {}) for stream in streams)
    if search.beam is None:
        found = sampler.best_of(prompt, **search.best_of, **settings)
        scores = {it.sample.stream: it.score for it in found}
        return (_found(search, it, scores) for it in found[: search.returned])
    return _of_beam(sampler.beam(prompt, **search.beam, stream=request.streams[0], **settings), request, search)


def _of_beam(beam: "TextBeam", request: Request, search: "Search") -> "Iterator[_Product]":
    """The best text as it comes, then the others."""
    from gen.cli.terminal import say

    if request.as_json or request.outputs:
        hypotheses = beam.hypotheses()
        yield from (_found(search, it, {}) for it in hypotheses[: search.returned])
    else:
        yield _Product(beam, beam, {})
        yield from (_found(search, it, {}) for it in beam.hypotheses()[1 : search.returned])
    notice = search.notice(beam.settled)
    if notice and not request.quiet:
        say(notice, "yellow")


def _found(search: "Search", found: "Ranked[Sample]", scores: dict[int, float]) -> _Product:
    return _Product([found.sample.text], found.sample, search.facts(found, scores))


def _prompt(sampler: "TextSampler", request: Request, wishes: TextWishes) -> str:
    """The prompt, from the flag, the file or a stdin that is not a terminal, fit for the model."""
    from gen.cli.terminal import read_text, say, stdin_is_piped
    from gen.tokenizers.unknown import fitted

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
    fitting, more = fitted(text, sampler.tokenizer, wishes.unknown or "error")
    notices = (*notices, *more)
    for notice in () if request.quiet else notices:
        say(notice)
    return fitting


def _show_prompt(prompt: str) -> None:
    """In a terminal, the prompt, which the product does not hold."""
    from gen.cli.terminal import console, plain

    if prompt and console().is_terminal and sys.stdout is not None and sys.stdout.isatty():
        console().print(plain(prompt, keep_newlines=True), style="dim", end="", soft_wrap=True)


def _write(request: Request, products: "Iterator[_Product]", head: str) -> None:
    """To stdout as it comes. Samples stand apart by an empty line; in a terminal each is announced."""
    from gen.cli.terminal import console, say, write_product

    if request.as_json:
        for product in products:
            write_product(_json(product, head))
        return
    on_screen = not request.quiet and console().is_terminal
    for number, product in enumerate(products):
        if number:
            write_product("\n\n")
        if on_screen and request.count > 1:
            stream = "" if request.search else f", stream {product.made.stream}"
            say(f"-- sample {number + 1} of {request.count}{stream}", "dim")
        if head:
            write_product(head)
        for piece in product.pieces:
            write_product(piece)
    if on_screen:
        say("")


def _json(product: _Product, head: str) -> str:
    whole, made = head + "".join(product.pieces), product.made
    fields = {
        "text": whole, "prompt": made.prompt, "seed": made.seed, "stream": made.stream, "tokens": made.tokens,
        "finish": made.finish,
    }  # fmt: skip
    return json.dumps(fields | product.facts, ensure_ascii=False) + "\n"


def _save(request: Request, products: "Iterator[_Product]", head: str) -> None:
    """To files: one, or one a sample; JSON lines go to one."""
    from gen.cli.terminal import say
    from gen.storage import atomic_write, make_folder

    path = request.outputs[0]
    make_folder(path.parent)
    written: dict[Path, str]
    if request.as_json:
        written = {path: "".join(_json(product, head) for product in products)}
    else:
        written = {
            request.numbered(path, number): head + "".join(product.pieces) for number, product in enumerate(products)
        }
    for target, content in written.items():
        atomic_write(target, content.encode("utf-8", "surrogatepass"))
        say(f"wrote {target}")
