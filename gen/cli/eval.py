"""`gen eval`: how well a model does on what it never saw, and how its music compares with what it learned from."""

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from gen.cli.options import LastState, NewestRun, RunsFolder, with_default

if TYPE_CHECKING:
    from gen.checkpoint import Checkpoint
    from gen.evaluation import Losses
    from gen.music.statistics import Comparison, Distribution, Statistics

_DIGITS = 3


def evaluate(
    run: NewestRun = None,
    path: Annotated[
        str | None,
        typer.Argument(
            help=with_default("A corpus to measure on.", "the validation part of the run's own"), show_default=False
        ),
    ] = None,
    *,
    samples: Annotated[
        int, typer.Option(help="Of music: pieces to draw, and to compare with the training set.", metavar="K")
    ] = 0,
    seconds: Annotated[float, typer.Option(help="Length of each of these.")] = 60.0,
    seed: Annotated[int, typer.Option(help="Seed of their draws.")] = 0,
    dynamic: Annotated[
        bool, typer.Option("--dynamic", help="Measure it learning on while it reads, too (dynamic evaluation).")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    last: LastState = False,
    out: RunsFolder = None,
) -> None:
    """Measure a model: its loss beside that of models that only count; music also by what can be heard of it."""
    from gen.checkpoint import Checkpoint
    from gen.cli.report import report, screen_width
    from gen.cli.terminal import say, write_product
    from gen.config import require
    from gen.corpus.medium import medium_of
    from gen.errors import ConfigError, CorpusError
    from gen.runs import find_model, runs_folder

    require(samples >= 0, "samples", samples, "0 or more")
    checkpoint = Checkpoint.load(find_model(run, runs_folder(out), last=last))
    if samples and checkpoint.tokenizer.medium == "text":
        raise ConfigError("--samples compares pieces of music; this model writes text: leave it out")
    if path is not None and os.path.exists(path):
        found, medium = medium_of([path]), checkpoint.tokenizer.medium
        if found != medium:
            raise CorpusError(f"{path} is {found}; this model writes {medium}")
    record = checkpoint.provenance.get("corpus")
    if not isinstance(record, dict) or not {"sources", "options", "checksum"} <= record.keys():
        raise ConfigError("this model has no record of its corpus: evaluate one that 'gen train' made")
    losses = _losses(checkpoint, path, dynamic=dynamic)
    compared: tuple[Comparison, ...] = ()
    if checkpoint.tokenizer.medium == "music" and (samples or path is not None):
        from gen.music.statistics import compare

        pieces = _drawn(checkpoint, samples, seconds, seed) if samples else _of_folder(checkpoint, str(path))
        compared = compare(pieces, record.get("statistics", {}))
    if as_json:
        facts = {"losses": losses and losses.to_dict(), "statistics": [it.to_dict() for it in compared]}
        write_product(json.dumps(facts) + "\n")
        return
    rows = _loss_rows(losses) if losses else []
    write_product(report(rows, screen_width()) if rows else "")
    if compared:
        write_product(("\n" if rows else "") + _table(compared, drawn=bool(samples)))
        say(
            "distance: between the two, in standard deviations of the training set; by chance: up to which as many of "
            "its own pieces come; inside: share in its central 95 %",
            "dim",
        )


def _losses(checkpoint: "Checkpoint", path: str | None, *, dynamic: bool) -> "Losses | None":
    """The losses on a corpus, or on the run's own, if that is at hand."""
    from gen.cli.reading import open_corpus, own_corpus, shown_share
    from gen.corpus.documents import ReadingOptions
    from gen.evaluation import measure

    own = own_corpus(checkpoint)
    if path is not None:
        options = ReadingOptions(medium=checkpoint.tokenizer.medium)
        part = open_corpus([path], options, tokenizer=checkpoint.tokenizer).whole
    elif own is not None:
        part = own.validation
    else:
        return None
    return shown_share("measuring", measure(checkpoint, part, own.train if own else None, dynamic=dynamic))


def _drawn(checkpoint: "Checkpoint", count: int, seconds: float, seed: int) -> "list[Statistics]":
    """Fresh pieces."""
    from gen.music.statistics import Statistics
    from gen.sampler import MusicSampler

    sampler = MusicSampler(checkpoint)
    drawn = (sampler.sample(seed=seed, stream=k, seconds=seconds).score for k in range(count))
    return [Statistics.of(score, sampler.tokenizer.clock) for score in drawn]


def _of_folder(checkpoint: "Checkpoint", path: str) -> "list[Statistics]":
    """The pieces of a corpus."""
    from gen.cli.reading import shown_reading
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.music_examination import examine_music
    from gen.music.statistics import Statistics

    clock = checkpoint.tokenizer.to_dict()["clock"]
    found = shown_reading(examine_music([path], ReadingOptions(medium="music", clock=clock)))
    return [Statistics(**facts.statistics[clock]) for facts in found.corpus.facts]


def _loss_rows(losses: "Losses") -> list[list[str]]:
    from gen.evaluation.losses import WINDOW

    measured = f"one stateful pass over {losses.tokens:,} tokens, fp32"
    rows = [
        ["model", f"{_figures(losses.model)}\n{measured}"],
        ["cold", f"{_figures(losses.cold)}\nthe mean over windows of {WINDOW} tokens, each read from the zero state"],
    ]
    if losses.dynamic is not None:
        learning = "dynamic evaluation (Krause 2018): its weights learned on from what they had been scored on"
        rows.append(["dynamic", f"{_figures(losses.dynamic)}\n{learning}"])
    return rows + [[name, _figures(found)] for name, found in losses.baselines.items()]


def _figures(found: dict[str, float]) -> str:
    from gen.cli.report import figure

    return ", ".join(figure(name, value) for name, value in found.items())


def _table(compared: "Sequence[Comparison]", *, drawn: bool) -> str:
    """Each metric of the pieces beside that of the training set."""
    from gen.cli.terminal import table

    rows = []
    for it in compared:
        distance = "-" if it.distance is None else f"{it.distance:.2f}"
        chance = "-" if it.chance is None else f"{it.chance:.2f}"
        inside = "-" if it.inside is None else f"{it.inside:.0%}"
        rows.append([it.metric.replace("_", " "), _spread(it.training), _spread(it.samples), distance, chance, inside])
    header = ["metric", "training set", "samples" if drawn else "pieces", "distance", "by chance", "inside"]
    return table(header, rows, right={3, 4, 5})


def _spread(found: "Distribution") -> str:
    return "-" if found.mean is None else f"{found.mean:.{_DIGITS}g} ± {found.sd:.{_DIGITS}g}"
