"""`gen sample`: a model, a prompt, and text on stdout or music in files, as it comes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.options import Assignments, ConfigFile, LastState, NewestRun, RunsFolder, with_default
from gen.cli.saving import MUSIC_SUFFIXES
from gen.config import SamplingConfig
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.checkpoint import Checkpoint
    from gen.config import Medium

_TEXT, _MUSIC, _CHOICE, _OUTPUT = "Text", "Music", "Choice of the next token", "Output"  # panels of the help


def _help(text: str, setting: str) -> str:
    """Help for a flag that a file or a variable may give in its place."""
    ours, music = getattr(SamplingConfig, setting), getattr(SamplingConfig.for_medium("music"), setting)
    return with_default(text, ours if ours == music else f"{ours}; music: {music}")


def sample(
    run: NewestRun = None,
    *,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", "-p", help="Text or a MIDI file to go on from; '-' is stdin, as a pipe of text is."),
    ] = None,
    prompt_file: Annotated[
        str | None, typer.Option("--prompt-file", "-f", help="File with the prompt.", rich_help_panel=_TEXT)
    ] = None,
    encoding: Annotated[
        str | None,
        typer.Option(help=with_default("Of the prompt's file, or stdin.", "found out"), rich_help_panel=_TEXT),
    ] = None,
    keep_prompt: Annotated[
        bool, typer.Option("--keep-prompt/--no-keep-prompt", help="Write the prompt in front.")
    ] = False,
    unknown: Annotated[
        str | None,
        typer.Option(
            help=with_default("Prompt characters the model never saw: error, skip, nearest.", "error"),
            rich_help_panel=_TEXT,
        ),
    ] = None,
    n: Annotated[
        int | None,
        typer.Option("-n", help=with_default("Characters to write, prompt not counted.", 500), rich_help_panel=_TEXT),
    ] = None,
    at: Annotated[
        str | None, typer.Option("--from", help="Moment of the prompt to go on from, as 0:30.", rich_help_panel=_MUSIC)
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(
            help=with_default("Length, prompt not counted.", "30, or where the model ends"), rich_help_panel=_MUSIC
        ),
    ] = None,
    bars: Annotated[
        int | None, typer.Option(help="The same, in bars; for models by beats.", rich_help_panel=_MUSIC)
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="Only notes of this key: C, Am, 'F# minor'.", rich_help_panel=_MUSIC)
    ] = None,
    pitch_range: Annotated[
        str | None, typer.Option("--range", help="Lowest and highest pitch, as C3:C6.", rich_help_panel=_MUSIC)
    ] = None,
    bpm: Annotated[
        float | None, typer.Option(help="Tempo throughout, for models by beats.", rich_help_panel=_MUSIC)
    ] = None,
    instruments: Annotated[
        str | None,
        typer.Option(help="The band, a track each: 'violin, cello, drums'.", rich_help_panel=_MUSIC),
    ] = None,
    max_silence: Annotated[
        float | None,
        typer.Option(help=with_default("Longest silence, in seconds.", 5), rich_help_panel=_MUSIC),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Ids to draw.")] = None,
    temp: Annotated[
        float | None,
        typer.Option(help=_help("Temperature; 0 takes the likeliest.", "temperature"), rich_help_panel=_CHOICE),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(help=_help("Keep the k likeliest; 0 keeps all.", "top_k"), rich_help_panel=_CHOICE)
    ] = None,
    top_p: Annotated[
        float | None,
        typer.Option(
            help=_help("Keep the likeliest of this probability; 1 keeps all.", "top_p"), rich_help_panel=_CHOICE
        ),
    ] = None,
    min_p: Annotated[
        float | None,
        typer.Option(
            help=_help("Keep what is so many times as likely as the likeliest.", "min_p"), rich_help_panel=_CHOICE
        ),
    ] = None,
    typical: Annotated[
        float | None,
        typer.Option(
            help=_help("Keep the most typical of this probability; 1 keeps all.", "typical_p"), rich_help_panel=_CHOICE
        ),
    ] = None,
    repeat_penalty: Annotated[
        float | None,
        typer.Option(
            help=_help("Divide logits of recent tokens; 1 is off.", "repeat_penalty"), rich_help_panel=_CHOICE
        ),
    ] = None,
    presence_penalty: Annotated[
        float | None,
        typer.Option(help=_help("Subtract from logits of recent tokens.", "presence_penalty"), rich_help_panel=_CHOICE),
    ] = None,
    frequency_penalty: Annotated[
        float | None,
        typer.Option(help=_help("The same, for each occurrence.", "frequency_penalty"), rich_help_panel=_CHOICE),
    ] = None,
    repeat_last_n: Annotated[
        int | None,
        typer.Option(help=_help("How many tokens are recent; -1 is all.", "repeat_last_n"), rich_help_panel=_CHOICE),
    ] = None,
    logit_bias: Annotated[
        list[str] | None,
        typer.Option(help="SYMBOL=NATS, added to its logit; SYMBOL=-inf bans it. Repeatable.", rich_help_panel=_CHOICE),
    ] = None,
    stop: Annotated[list[str] | None, typer.Option(help="End at this text. Repeatable.", rich_help_panel=_TEXT)] = None,
    adapt: Annotated[
        str | None,
        typer.Option(help="Let it learn from this file or folder first, for this once.", metavar="PATH"),
    ] = None,
    ignore_end: Annotated[bool, typer.Option("--ignore-end", help="Go on where the model ends a document.")] = False,
    samples: Annotated[int, typer.Option(help="How many, each a stream of the seed.")] = 1,
    stream: Annotated[int, typer.Option(help="The first stream to draw.")] = 0,
    seed: Annotated[int | None, typer.Option(help=with_default("Seed of the draws.", "a fresh one, printed"))] = None,
    precision: Annotated[
        str | None,
        typer.Option(
            help=with_default("Of the weights: fp32 or int8.", "int8 where the model is known to lose nothing")
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a sample and line.", rich_help_panel=_OUTPUT)
    ] = False,
    output: Annotated[
        list[str] | None,
        typer.Option(
            "--output",
            "-o",
            help="Write to this file; of music .mid, .wav or .svg, and several.",
            rich_help_panel=_OUTPUT,
        ),
    ] = None,
    last: LastState = False,
    out: RunsFolder = None,
    quiet: Annotated[
        bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.", rich_help_panel=_OUTPUT)
    ] = False,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Write text to stdout, or music to files, as it comes. What is not generated goes to stderr."""
    from gen.checkpoint import Checkpoint
    from gen.cli.options import gather
    from gen.cli.sample_request import Request
    from gen.config import require
    from gen.random import fresh_seed
    from gen.runs import find_model, runs_folder
    from gen.sampler import MusicSampler, TextSampler
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
    for_text = {"--prompt-file": prompt_file, "--encoding": encoding, "--unknown": unknown, "-n": n, "--stop": stop}
    for_music = {
        "--from": at, "--seconds": seconds, "--bars": bars, "--key": key, "--range": pitch_range, "--bpm": bpm,
        "--instruments": instruments, "--max-silence": max_silence,
    }  # fmt: skip
    outputs = tuple(map(Path, output or ()))
    path = find_model(run, runs_folder(out), last=last, medium=_wanted(for_text, for_music, outputs))
    checkpoint = Checkpoint.load(path)
    medium = checkpoint.tokenizer.medium
    musical = {f"-o {path}": path for path in outputs if path.suffix.lower() in MUSIC_SUFFIXES}
    _refuse({**for_music, **musical} if medium == "text" else for_text, medium)
    biases = settings.pop("logit_bias", {})
    vocabulary = checkpoint.tokenizer.vocabulary
    pairs = tuple((vocabulary.id(symbol), nats) for symbol, nats in biases.items())
    if adapt is not None:
        checkpoint = _adapted(checkpoint, adapt, quiet=quiet)
    request = Request(
        model=path,
        prompt=prompt,
        keep_prompt=keep_prompt,
        config=SamplingConfig.for_medium(medium, **settings, logit_bias=pairs),
        max_tokens=max_tokens,
        ignore_end=ignore_end,
        streams=range(stream, stream + samples),
        seed=fresh_seed() if seed is None else seed,
        as_json=as_json,
        outputs=outputs,
        quiet=quiet,
    )
    if medium == "text":
        from gen.cli.sample_text import TextWishes, sample_text

        sample_text(
            TextSampler(checkpoint, precision=precision), request, TextWishes(prompt_file, encoding, unknown, n, stop)
        )
    else:
        from gen.cli.sample_music import MusicWishes, sample_music

        wishes = MusicWishes(at, seconds, bars, key, pitch_range, bpm, instruments, max_silence)
        sample_music(MusicSampler(checkpoint, precision=precision), request, wishes)


def _adapted(checkpoint: "Checkpoint", path: str, *, quiet: bool) -> "Checkpoint":
    """The model when it has read a corpus and learned from it."""
    from gen.cli.reading import open_corpus, shown_share
    from gen.cli.terminal import say
    from gen.corpus.documents import ReadingOptions
    from gen.training import adapt

    whole = open_corpus(
        [path], ReadingOptions(medium=checkpoint.tokenizer.medium), tokenizer=checkpoint.tokenizer
    ).whole
    adapted = shown_share("adapting", adapt(checkpoint, whole.read(0, whole.size)))
    if not quiet:
        nats = adapted.provenance["adapted"]["nats_per_token"]
        say(f"adapted to {path}: {whole.size:,} tokens, {nats:.3f} nats/token while it learned", "dim")
    return adapted


def _wanted(for_text: Mapping[str, Any], for_music: Mapping[str, Any], outputs: tuple[Path, ...]) -> "Medium | None":
    """The medium that the flags speak of; None where they fit both."""
    if any(value is not None for value in for_music.values()) or any(
        path.suffix.lower() in MUSIC_SUFFIXES for path in outputs
    ):
        return "music"
    return "text" if any(value is not None for value in for_text.values()) else None


def _refuse(foreign: Mapping[str, Any], medium: str) -> None:
    """Complain of flags that the other medium has."""
    given = [flag for flag, value in foreign.items() if value is not None]
    if given:
        raise ConfigError(
            f"{', '.join(given)}: of no use to a model that writes {medium}: leave it out, or name another run"
        )


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
