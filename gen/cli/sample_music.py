"""`gen sample` of music: a piano roll in the terminal as it comes; MIDI, WAV and SVG files, or JSON lines."""

import itertools
import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from gen.cli.sample_request import Request
from gen.errors import ConfigError, InputError

if TYPE_CHECKING:
    from gen.cli.search_options import Search
    from gen.music.score import Score
    from gen.sampler import MusicBeam, MusicSample, MusicSampler, MusicStream


@dataclass(frozen=True, slots=True)
class MusicWishes:
    """The options that only music has."""

    at: str | None
    seconds: float | None
    bars: int | None
    key: str | None
    pitch_range: str | None
    bpm: float | None
    instruments: str | None
    max_silence: float | None
    meter: str | None
    end_on_tonic: bool
    lines: dict[str, str | None]


@dataclass(frozen=True, slots=True)
class _Product:
    """A piece to be written.

    Attributes:
        made: as it comes, or made already.
        facts: what JSON says of it beyond itself, when it is whole.
    """

    made: "MusicStream | MusicSample"
    facts: Callable[[], dict[str, Any]]


def sample_music(sampler: "MusicSampler", request: Request, wishes: MusicWishes) -> None:
    """Write the samples that were asked for. Ctrl-C ends a piece where it is, and keeps it."""
    from gen.cli.saving import check_outputs
    from gen.cli.terminal import say, write_product
    from gen.sampler import MusicStream

    lines = [path for path in request.outputs if request.as_json and path.suffix.lower() in (".json", ".jsonl")]
    files = [path for path in request.outputs if path not in lines]
    on_stdout = not request.outputs and sys.stdout is not None and not sys.stdout.isatty()
    check_outputs(files)
    if on_stdout and not request.as_json and request.count > 1:
        flag = "--return" if request.search else "--samples"
        raise ConfigError(f"{flag} is {request.count}; one MIDI file fits on stdout: name files, -o tune.mid")
    products = _products(sampler, request, wishes)
    request.announce(sampler)
    _advise(sampler, request, wishes)
    told: list[str] = []
    made: list[Score] = []
    stopped = False
    for number, product in enumerate(products):
        try:
            _play(product, request)
        except KeyboardInterrupt:
            stopped = True
        score = product.made.so_far() if isinstance(product.made, MusicStream) else product.made.score
        made.append(score)
        _complain(score, request)
        if request.as_json:
            told.append(_json(product.made, score, {} if stopped else product.facts()))
            if not lines:
                write_product(told[-1])
        elif not request.outputs:
            _write(sampler, request, number, score, on_stdout=on_stdout)
        for path in files:
            _save(request.numbered(path, number), sampler, request, score)
        if stopped:
            break
    _tell(told, lines, request)
    request.receipts.tell(made)
    if stopped:
        say("stopped; what had come is kept")
        raise typer.Exit(130)


def _advise(sampler: "MusicSampler", request: Request, wishes: MusicWishes) -> None:
    """Say what of the wishes the model cannot know."""
    from gen.cli.terminal import say
    from gen.tokenizers.midi_rules import met

    most = met(sampler.checkpoint.provenance)["most_tracks"]
    band = [name for name in (wishes.instruments or "").split(",") if name.strip().lower() not in ("", "drums")]
    if len(band) > most and not request.quiet:
        say(f"--instruments names {len(band)}; this model learned pieces of {most} tracks at most", "yellow")


def _write(sampler: "MusicSampler", request: Request, number: int, score: "Score", *, on_stdout: bool) -> None:
    """Where no file is named: MIDI to stdout; where that is a terminal, to a file that is not there yet."""
    from gen.cli.terminal import write_bytes
    from gen.music.midi_writer import midi_bytes

    if on_stdout:
        write_bytes(midi_bytes(score).data)
        return
    tails = itertools.chain([""], (f"-v{number}" for number in itertools.count(2)))
    names = (Path(f"{request.name}-{request.seed}{tail}.mid") for tail in tails)
    path = next(it for it in names if not request.numbered(it, number).exists())
    _save(request.numbered(path, number), sampler, request, score)


def _tell(told: list[str], lines: list[Path], request: Request) -> None:
    """JSON lines, to the files that are named for them."""
    from gen.cli.terminal import say
    from gen.storage import atomic_write, make_folder

    for path in lines:
        make_folder(path.parent)
        atomic_write(path, "".join(told).encode())
        if not request.quiet:
            say(f"wrote {path}")


def _products(sampler: "MusicSampler", request: Request, wishes: MusicWishes) -> "Iterator[_Product]":
    """Samples, or what is found in their place; mistakes are found at once."""
    prompt = None if request.prompt is None else _prompt(request)
    settings: dict[str, Any] = {} if wishes.max_silence is None else {"max_silence": wishes.max_silence}
    if wishes.at is not None:
        if prompt is None:
            raise ConfigError("--from says where in the prompt to go on: give one, --prompt tune.mid")
        settings["at"] = _moment(wishes.at)
    settings |= {
        "keep_prompt": request.keep_prompt, "seconds": wishes.seconds, "bars": wishes.bars,
        "max_tokens": request.max_tokens, "config": request.config, "seed": request.seed, "key": wishes.key,
        "pitch_range": wishes.pitch_range, "bpm": wishes.bpm, "instruments": wishes.instruments,
        "ignore_end": request.ignore_end, "meter": wishes.meter, "end_on_tonic": wishes.end_on_tonic,
        **wishes.lines,
        "no_copy": request.receipts.no_copy,
    }  # fmt: skip
    search = request.search
    if search is None:
        streams = [sampler.stream(prompt, stream=k, **settings) for k in request.streams]
        return (_Product(stream, dict) for stream in streams)
    if search.beam is None:
        found = sampler.best_of(prompt, **search.best_of, **settings)
        scores = {it.sample.stream: it.score for it in found}
        return (_Product(it.sample, partial(search.facts, it, scores)) for it in found[: search.returned])
    return _of_beam(sampler.beam(prompt, **search.beam, stream=request.streams[0], **settings), request, search)


def _of_beam(beam: "MusicBeam", request: Request, search: "Search") -> "Iterator[_Product]":
    """The best piece as it comes, then the others."""
    from gen.cli.terminal import say

    yield _Product(beam, lambda: search.facts(beam.hypotheses()[0], {}))
    for found in beam.hypotheses()[1 : search.returned]:
        yield _Product(found.sample, partial(search.facts, found, {}))
    notice = search.notice(beam.settled)
    if notice and not request.quiet:
        say(notice, "yellow")


def _prompt(request: Request) -> "Score":
    """The score of a MIDI file, or of stdin."""
    from gen.cli.terminal import say
    from gen.music.midi_reader import read_midi

    assert request.prompt is not None
    if request.prompt == "-":
        reading = read_midi(sys.stdin.buffer.read(), name="standard input")
    elif not os.path.exists(request.prompt):
        raise InputError(f"{request.prompt!r} is no file; this model writes music, --prompt takes a MIDI file")
    else:
        reading = read_midi(request.prompt)
    for warning in () if request.quiet else reading.warnings:
        say(f"{request.prompt}: {warning}", "yellow")
    return reading.score


def _moment(text: str) -> float:
    """Seconds of "0:30", "1:02:03" or "12.5"."""
    match = re.fullmatch(r"(?:(?:(\d{1,3}):)?(\d{1,3}):(?=[0-5]?\d(?!\d)))?(\d{1,6}(?:\.\d{1,6})?)", text, re.ASCII)
    if not match:
        raise ConfigError(f"--from is {text!r}; it must be a moment of the prompt, such as 0:30 or 12.5 (seconds)")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _play(product: _Product, request: Request) -> None:
    """Draw the whole of a piece, and show it as it comes."""
    from gen.sampler import MusicStream

    made = product.made
    if isinstance(made, MusicStream):
        resolution, pieces = made.resolution, iter(made)
    else:
        resolution, pieces = made.score.resolution, iter(made.score.pieces())
    if request.quiet:
        for _ in pieces:
            pass
        return
    from gen.cli.live_roll import live_roll

    with live_roll(resolution) as roll:
        for piece in pieces:
            roll.show(piece)


def _complain(score: "Score", request: Request) -> None:
    from gen.cli.terminal import say
    from gen.music.statistics import complaints

    for complaint in () if request.quiet else complaints(score):
        say(f"this piece has {complaint}: try another --seed, a lower --temp, or train longer", "yellow")


def _save(path: Path, sampler: "MusicSampler", request: Request, score: "Score") -> None:
    from gen.cli.saving import save_music
    from gen.cli.terminal import say

    beats = sampler.tokenizer.clock == "beats"
    warnings = save_music(score, path, title=f"{request.name}, seed {request.seed}", beats=beats)
    for line in () if request.quiet else (*(f"{path}: {warning}" for warning in warnings), f"wrote {path}"):
        say(line)


def _json(made: "MusicStream | MusicSample", score: "Score", facts: dict[str, Any]) -> str:
    """Notes in seconds, and what reproduces them."""
    notes = score.notes
    starts, ends = score.seconds(notes["start"]), score.seconds(notes["start"] + notes["duration"])
    names = [name for name in notes.dtype.names or () if name not in ("start", "duration")]
    rows = [
        {"start": round(start, 4), "duration": round(end - start, 4)} | {name: note[name].item() for name in names}
        for start, end, note in zip(starts.tolist(), ends.tolist(), notes, strict=True)
    ]
    fields = {
        "notes": rows, "seconds": round(score.seconds_long, 4), "seed": made.seed, "stream": made.stream,
        "tokens": made.tokens, "finish": made.finish,
    }  # fmt: skip
    return json.dumps(fields | facts) + "\n"
