"""`gen sample` of music: a piano roll in the terminal as it comes; MIDI, WAV and SVG files, or JSON lines."""

import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen.cli.sample_request import Request
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.music.score import Score
    from gen.sampler import MusicSampler, MusicStream


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


def sample_music(sampler: "MusicSampler", request: Request, wishes: MusicWishes) -> None:
    """Write the samples that were asked for."""
    from gen.cli.saving import check_outputs
    from gen.cli.terminal import write_product

    on_stdout = sys.stdout is not None and not sys.stdout.isatty()
    if not request.as_json:
        check_outputs(request.outputs)
    if on_stdout and not request.outputs and not request.as_json and len(request.streams) > 1:
        raise ConfigError(f"--samples is {len(request.streams)}; one MIDI file fits on stdout: name files, -o tune.mid")
    streams = _streams(sampler, request, wishes)
    request.announce(sampler)
    for number, stream in enumerate(streams):
        score = _played(stream, request)
        _complain(score, request)
        if request.as_json:
            write_product(_json(stream, score))
        elif request.outputs:
            _save(sampler, request, number, score)
        elif on_stdout:
            from gen.cli.terminal import write_bytes
            from gen.music.midi_writer import midi_bytes

            write_bytes(midi_bytes(score).data)
        else:
            path = Path(f"{request.name}-{request.seed}.mid")
            _save_to(request.numbered(path, number), sampler, request, score)


def _streams(sampler: "MusicSampler", request: Request, wishes: MusicWishes) -> "list[MusicStream]":
    prompt = None if request.prompt is None else _prompt(request)
    options: dict[str, Any] = {} if wishes.max_silence is None else {"max_silence": wishes.max_silence}
    if wishes.at is not None:
        if prompt is None:
            raise ConfigError("--from says where in the prompt to go on: give one, --prompt tune.mid")
        options["at"] = _moment(wishes.at)
    instruments = wishes.instruments and [name.strip() for name in wishes.instruments.split(",")]
    return [
        sampler.stream(
            prompt, keep_prompt=request.keep_prompt, seconds=wishes.seconds, bars=wishes.bars,
            max_tokens=request.max_tokens, config=request.config, seed=request.seed, stream=k, key=wishes.key,
            pitch_range=wishes.pitch_range, bpm=wishes.bpm, instruments=instruments or None,
            ignore_end=request.ignore_end, **options,
        )
        for k in request.streams
    ]  # fmt: skip


def _prompt(request: Request) -> "Score":
    """The score of a MIDI file, or of stdin."""
    from gen.cli.terminal import say
    from gen.music.midi_reader import read_midi

    assert request.prompt is not None
    if request.prompt == "-":
        reading = read_midi(sys.stdin.buffer.read(), name="standard input")
    else:
        reading = read_midi(request.prompt)
    for warning in () if request.quiet else reading.warnings:
        say(f"{request.prompt}: {warning}", "yellow")
    return reading.score


def _moment(text: str) -> float:
    """Seconds of "0:30", "1:02:03" or "12.5"."""
    match = re.fullmatch(r"(?:(?:(\d{1,3}):)?(\d{1,3}):)?(\d{1,6}(?:\.\d{1,6})?)", text, re.ASCII)
    if not match:
        raise ConfigError(f"--from is {text!r}; it must be a moment of the prompt, such as 0:30 or 12.5 (seconds)")
    hours, minutes, seconds = (float(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _played(stream: "MusicStream", request: Request) -> "Score":
    """The whole of a stream, shown as it comes."""
    if request.quiet:
        return stream.score()
    from gen.cli.live_roll import live_roll

    with live_roll(stream.resolution) as roll:
        for piece in stream:
            roll.show(piece)
    return stream.score()


def _complain(score: "Score", request: Request) -> None:
    from gen.cli.terminal import say
    from gen.music.statistics import complaints

    for complaint in () if request.quiet else complaints(score):
        say(f"this piece has {complaint}: try another --seed, a lower --temp, or train longer", "yellow")


def _save(sampler: "MusicSampler", request: Request, number: int, score: "Score") -> None:
    for path in request.outputs:
        _save_to(request.numbered(path, number), sampler, request, score)


def _save_to(path: Path, sampler: "MusicSampler", request: Request, score: "Score") -> None:
    from gen.cli.saving import save_music
    from gen.cli.terminal import say

    beats = sampler.tokenizer.clock == "beats"
    warnings = save_music(score, path, title=f"{request.name}, seed {request.seed}", beats=beats)
    for line in () if request.quiet else (*(f"{path}: {warning}" for warning in warnings), f"wrote {path}"):
        say(line)


def _json(stream: "MusicStream", score: "Score") -> str:
    """Notes in seconds, and what reproduces them."""
    notes = score.notes
    starts, ends = score.seconds(notes["start"]), score.seconds(notes["start"] + notes["duration"])
    names = [name for name in notes.dtype.names or () if name not in ("start", "duration")]
    rows = [
        {"start": round(start, 4), "duration": round(end - start, 4)} | {name: note[name].item() for name in names}
        for start, end, note in zip(starts.tolist(), ends.tolist(), notes, strict=True)
    ]
    fields = {
        "notes": rows, "seconds": round(score.seconds_long, 4), "seed": stream.seed, "stream": stream.stream,
        "tokens": stream.tokens, "finish": stream.finish,
    }  # fmt: skip
    return json.dumps(fields) + "\n"
