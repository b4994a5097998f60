"""`gen sample`: a model, a prompt, and text on stdout or music in files, as it comes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli import constraint_options as held
from gen.cli import music_options as wish
from gen.cli import novelty_options as copies
from gen.cli import sampling_options as choice
from gen.cli.options import Assignments, ConfigFile, LastState, NewestRun, RunsFolder, with_default
from gen.cli.saving import MUSIC_SUFFIXES
from gen.cli.search_options import (
    Beam,
    BeamGroups,
    BeamKindName,
    BeamLag,
    BestOf,
    Diversity,
    LengthPenalty,
    NoRepeatNgram,
    RankName,
    Returned,
    search_for,
)
from gen.errors import ConfigError

if TYPE_CHECKING:
    from gen.checkpoint import Checkpoint
    from gen.config import Medium

_TEXT, _MUSIC, _OUTPUT = "Text", "Music", "Output"  # panels of the help


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
    meter: wish.Meter = None,
    end_on_tonic: wish.EndOnTonic = False,
    melody: wish.Melody = None,
    pitches: wish.Pitches = None,
    rhythm: wish.Rhythm = None,
    humanise: wish.Humanise = None,
    instruments: Annotated[
        str | None,
        typer.Option(help="The band, a track each: 'violin, cello, drums'.", rich_help_panel=_MUSIC),
    ] = None,
    max_silence: Annotated[
        float | None,
        typer.Option(help=with_default("Longest silence, in seconds.", 5), rich_help_panel=_MUSIC),
    ] = None,
    max_tokens: Annotated[int | None, typer.Option(help="Ids to draw.")] = None,
    temp: choice.Temp = None,
    temp_end: choice.TempEnd = None,
    temp_over: choice.TempOver = None,
    top_k: choice.TopK = None,
    top_p: choice.TopP = None,
    min_p: choice.MinP = None,
    typical: choice.Typical = None,
    repeat_penalty: choice.RepeatPenalty = None,
    presence_penalty: choice.PresencePenalty = None,
    frequency_penalty: choice.FrequencyPenalty = None,
    repeat_last_n: choice.RepeatLastN = None,
    dry_multiplier: choice.DryMultiplier = None,
    dry_base: choice.DryBase = None,
    dry_allowed_length: choice.DryAllowedLength = None,
    dry_penalty_last_n: choice.DryPenaltyLastN = None,
    dry_sequence_breaker: choice.DrySequenceBreaker = None,
    logit_bias: choice.LogitBias = None,
    samplers: choice.Samplers = None,
    stop: Annotated[list[str] | None, typer.Option(help="End at this text. Repeatable.", rich_help_panel=_TEXT)] = None,
    regex: held.Regex = None,
    must_include: held.MustInclude = None,
    ban: held.Ban = None,
    allowed_characters: held.AllowedCharacters = None,
    banned_characters: held.BannedCharacters = None,
    line_length: held.LineLength = None,
    beam: Beam = None,
    beam_kind: BeamKindName = None,
    length_penalty: LengthPenalty = None,
    beam_lag: BeamLag = None,
    beam_groups: BeamGroups = None,
    diversity: Diversity = None,
    no_repeat_ngram: NoRepeatNgram = None,
    best_of: BestOf = None,
    rank: RankName = None,
    returned: Returned = None,
    no_copy: copies.NoCopyRuns = None,
    novelty: copies.Receipts = None,
    corpus: copies.CorpusPath = None,
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
    from gen.cli.learned import Receipts
    from gen.cli.options import gather
    from gen.cli.sample_request import Request
    from gen.config import require
    from gen.random import fresh_seed
    from gen.runs import find_model, runs_folder
    from gen.sampler.settings import config_for
    from gen.settings import values

    require(samples >= 1, "samples", samples, "1 or more")
    of_beam = {
        "width": beam, "kind": beam_kind, "length_penalty": length_penalty, "lag": beam_lag, "groups": beam_groups,
        "diversity": diversity, "no_repeat_ngram": no_repeat_ngram,
    }  # fmt: skip
    search = search_for(of_beam, best_of, rank, returned, samples=samples, stream=stream)
    flags = {
        "sampling.temperature": temp, "sampling.top_k": top_k, "sampling.top_p": top_p, "sampling.min_p": min_p,
        "sampling.typical_p": typical, "sampling.repeat_penalty": repeat_penalty,
        "sampling.presence_penalty": presence_penalty, "sampling.frequency_penalty": frequency_penalty,
        "sampling.repeat_last_n": repeat_last_n,
        "sampling.samplers": samplers, "sampling.temperature_end": temp_end, "sampling.temperature_over": temp_over,
        "sampling.dry_multiplier": dry_multiplier, "sampling.dry_base": dry_base,
        "sampling.dry_allowed_length": dry_allowed_length, "sampling.dry_penalty_last_n": dry_penalty_last_n,
        "sampling.dry_sequence_breakers": choice.symbols(dry_sequence_breaker),
        "sampling.logit_bias": choice.biases(logit_bias),
    }  # fmt: skip
    settings = values(gather(config, assignments, flags, sections=("sampling",)), "sampling")
    constraints = {
        "--regex": regex, "--must-include": must_include, "--ban": ban, "--allowed-characters": allowed_characters,
        "--banned-characters": banned_characters, "--line-length": line_length,
    }  # fmt: skip
    for_text = {
        "--prompt-file": prompt_file, "--encoding": encoding, "--unknown": unknown, "-n": n, "--stop": stop,
        **constraints,
    }  # fmt: skip
    lines = {"melody": melody, "pitches": pitches, "rhythm": rhythm, "humanise": humanise}
    for_music = {
        "--from": at, "--seconds": seconds, "--bars": bars, "--key": key, "--range": pitch_range, "--bpm": bpm,
        "--instruments": instruments, "--max-silence": max_silence, "--meter": meter,
        "--end-on-tonic": end_on_tonic or None,
        **{f"--{name}": value for name, value in lines.items()},
    }  # fmt: skip
    outputs = tuple(map(Path, output or ()))
    path = find_model(run, runs_folder(out), last=last, medium=_wanted(for_text, for_music, outputs))
    checkpoint = Checkpoint.load(path)
    medium = checkpoint.tokenizer.medium
    musical = {f"-o {path}": path for path in outputs if path.suffix.lower() in MUSIC_SUFFIXES}
    _refuse({**for_music, **musical} if medium == "text" else for_text, medium)
    settings = {**(search.defaults if search is not None else {}), **settings}
    chosen = config_for(checkpoint.tokenizer, settings)
    if adapt is not None:
        checkpoint = _adapted(checkpoint, adapt, quiet=quiet)
    request = Request(
        model=path,
        prompt=prompt,
        keep_prompt=keep_prompt,
        config=chosen,
        max_tokens=max_tokens,
        ignore_end=ignore_end,
        streams=range(stream, stream + samples),
        search=search,
        receipts=Receipts(checkpoint, corpus, no_copy, wanted=False if quiet else novelty),
        seed=fresh_seed() if seed is None else seed,
        as_json=as_json,
        outputs=outputs,
        quiet=quiet,
    )
    if medium == "text":
        from gen.cli.sample_text import TextWishes, sample_text
        from gen.sampler import TextSampler

        wishes = TextWishes(prompt_file, encoding, unknown, n, stop, held.constraints_for(constraints))
        sample_text(TextSampler(checkpoint, precision=precision), request, wishes)
    else:
        from gen.cli.sample_music import MusicWishes, sample_music
        from gen.sampler import MusicSampler

        notes = MusicWishes(
            at, seconds, bars, key, pitch_range, bpm, instruments, max_silence, meter, end_on_tonic, lines
        )
        sample_music(MusicSampler(checkpoint, precision=precision), request, notes)


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
