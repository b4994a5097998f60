"""`gen score`: how surprising a text or a piece of music is to a model, symbol by symbol or bar by bar, and in all."""

import json
import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from gen.cli.options import LastState, OneFile, RunOfMedium, RunsFolder, with_default
from gen.errors import ConfigError, InputError

if TYPE_CHECKING:
    from pathlib import Path

    from gen.checkpoint import Checkpoint
    from gen.config import Medium
    from gen.music.score import Score
    from gen.sampler import Sampler, TextSampler
    from gen.sampler.scoring import Total
    from gen.tokenizers.extent import Extent


def score(
    file: OneFile,
    *,
    run: RunOfMedium = None,
    encoding: Annotated[str | None, typer.Option(help=with_default("Of a text.", "found out"))] = None,
    unknown: Annotated[
        str | None,
        typer.Option(help=with_default("Characters the model never saw: error, skip, nearest.", "error")),
    ] = None,
    precision: Annotated[
        str | None, typer.Option(help=with_default("Of the weights: fp32 or int8.", "fp32, as of 'gen eval'"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object, with all costs.")] = False,
    last: LastState = False,
    out: RunsFolder = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")] = False,
) -> None:
    """Show how surprising a file is to a model: text in colours, music by the bar or second; and what it costs in all.

    Where stdout is no terminal, it gets a line for each character, bar or second, with tabs between the columns.
    """
    from gen.cli.terminal import write_product
    from gen.runs import name_of
    from gen.sampler import Sampler

    path, checkpoint = model_for(file, run, out, last=last)
    medium = checkpoint.tokenizer.medium
    for flag, value in {"--encoding": encoding, "--unknown": unknown}.items():
        if medium == "music" and value is not None:
            raise ConfigError(f"{flag} is {value!r}; it is of no use to music: leave it out")
    sampler: Sampler = Sampler.of(checkpoint, precision=precision or "fp32")
    if medium == "text":
        from gen.cli.score_text import score_text
        from gen.sampler import TextSampler

        assert isinstance(sampler, TextSampler)
        text = _text(sampler, file, encoding, unknown or "error", quiet=quiet)
        total, arrays = score_text(sampler, text, show=not as_json)
        facts = _facts(total, _extent(sampler, text))
    else:
        from gen.cli.score_music import score_music
        from gen.sampler import MusicSampler
        from gen.tokenizers.extent import Extent

        assert isinstance(sampler, MusicSampler)
        piece = read_score(file, quiet=quiet)
        total, arrays = score_music(sampler, piece, show=not as_json)
        facts = _facts(total, Extent(unit="note", tokens=total.tokens, units=total.units, seconds=piece.seconds_long))
    if as_json:
        about = {"file": file, "run": name_of(path), "engine": sampler.engine, "medium": medium}
        write_product(json.dumps(about | facts | arrays, ensure_ascii=False) + "\n")
    else:
        _tell(sampler, facts, name_of(path), quiet=quiet)


def model_for(file: str, run: str | None, out: str | None, *, last: bool) -> "tuple[Path, Checkpoint]":
    """The model that a file is shown to, and where it is: the one that is named, or the newest of the file's medium.

    Raises:
        ConfigError: it writes what the file is not, or there is none.
    """
    from gen.checkpoint import Checkpoint
    from gen.runs import find_model, name_of, runs_folder

    medium = _medium(file)
    path = find_model(run, runs_folder(out), last=last, medium=medium)
    checkpoint = Checkpoint.load(path)
    if checkpoint.tokenizer.medium != medium:
        writes = checkpoint.tokenizer.medium
        raise ConfigError(f"{file} is {medium}; {name_of(path)} writes {writes}: name another run with --run")
    return path, checkpoint


def _medium(file: str) -> "Medium":
    from gen.corpus.readers import is_midi

    if file == "-" and sys.stdin is not None:
        return "music" if sys.stdin.buffer.peek(4)[:4] in (b"MThd", b"RIFF") else "text"  # type: ignore[union-attr]
    return "music" if is_midi(file) else "text"


def _text(sampler: "TextSampler", file: str, encoding: str | None, unknown: str, *, quiet: bool) -> str:
    from gen.cli.terminal import read_text, say
    from gen.tokenizers.unknown import fitted

    text, notices = read_text(file, encoding, what="text")
    fitting, more = fitted(text, sampler.tokenizer, unknown)
    notices = (*notices, *more)
    for notice in () if quiet else notices:
        say(notice)
    if not fitting:
        raise InputError(f"{file}: there is no text in it")
    return fitting


def read_score(file: str, *, quiet: bool) -> "Score":
    """The notes of a MIDI file, or of stdin."""
    from gen.cli.terminal import say
    from gen.music.midi_reader import read_midi

    reading = read_midi(sys.stdin.buffer.read(), name="standard input") if file == "-" else read_midi(file)
    for warning in () if quiet else reading.warnings:
        say(f"{file}: {warning}", "yellow")
    if not len(reading.score.notes):
        raise InputError(f"{file}: there are no notes in it")
    return reading.score


def _extent(sampler: "TextSampler", text: str) -> "Extent":
    import numpy as np

    from gen.sampler.scoring import ids_of
    from gen.tokenizers.extent import Extent

    tokenizer = sampler.tokenizer
    counts = np.bincount(ids_of(tokenizer, text), minlength=len(tokenizer.vocabulary))
    found = Extent.of_text(tokenizer, counts, len(text.split()))
    return replace(found, units=len(text), bytes=len(text.encode()))  # where words are unknown, that is a mean


def _facts(total: "Total", extent: "Extent") -> dict[str, float]:
    """The costs in all, and in the units that compare."""
    from gen.metrics import figures

    in_all = {"tokens": total.tokens, f"{extent.unit}s": total.units, "total_nats": total.nats}
    return in_all | figures(total.nats / total.tokens, extent)


def _tell(sampler: "Sampler", facts: dict[str, float], name: str, *, quiet: bool) -> None:
    """What it costs in all: under what a person reads, and apart from what a program does."""
    from gen.cli.report import figure, report, screen_width
    from gen.cli.terminal import plain, say, write_product

    unit = sampler.tokenizer.unit
    per = ", ".join(figure(name, value) for name, value in facts.items() if "_per_" in name)
    rows = [
        ["model", f"{plain(name)}, {sampler.engine}"],
        ["total", f"{facts['total_nats']:,.1f} nats for {int(facts[f'{unit}s']):,} {unit}s"],
        ["mean", per],
    ]
    width = screen_width()
    if width is not None:
        write_product("\n" + report(rows, width))
        return
    for what, told in () if quiet else rows:
        say(f"{what}: {told}")
