"""`gen train`: flags to settings, corpus to run, events to the screen."""

import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from gen.cli.options import Assignments, ConfigFile, spelled, with_default

if TYPE_CHECKING:
    from pathlib import Path

    from gen.checkpoint import Checkpoint
    from gen.corpus.token_corpus import TokenCorpus
    from gen.runs import Run
    from gen.settings import Given

_BUDGET, _MODEL, _TRAINING, _CORPUS, _RUN = "Budget", "Model", "Training", "Corpus", "Run"  # panels of the help


def train(
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            help="Text or MIDI files, folders of them, '-' for stdin, or @names. With --resume: the run.",
            show_default=False,
        ),
    ] = None,
    *,
    minutes: Annotated[
        float | None, typer.Option(help="Train for so long, validation included.", rich_help_panel=_BUDGET)
    ] = None,
    epochs: Annotated[
        float | None, typer.Option(help="Train for so many passes over the corpus.", rich_help_panel=_BUDGET)
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Train for so many steps.", rich_help_panel=_BUDGET)] = None,
    cell: Annotated[str | None, typer.Option(help="rnn, lstm or gru.", rich_help_panel=_MODEL)] = None,
    layers: Annotated[int | None, typer.Option(help="Stacked layers.", rich_help_panel=_MODEL)] = None,
    hidden: Annotated[int | None, typer.Option(help="Units in each layer.", rich_help_panel=_MODEL)] = None,
    ngrams: Annotated[
        int | None, typer.Option(help="Longest n-gram with a vector of its own; 1 has none.", rich_help_panel=_MODEL)
    ] = None,
    dropout: Annotated[
        float | None, typer.Option(help="Share of units dropped while training.", rich_help_panel=_TRAINING)
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help="Streams read side by side.", rich_help_panel=_TRAINING)
    ] = None,
    sequence_length: Annotated[
        int | None, typer.Option(help="Tokens between two cuts of the gradient.", rich_help_panel=_TRAINING)
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak rate of AdamW.", rich_help_panel=_TRAINING)] = None,
    seed: Annotated[
        int | None,
        typer.Option(help=with_default("Seed of weights, order and dropout.", 0), rich_help_panel=_TRAINING),
    ] = None,
    threads: Annotated[
        int | None, typer.Option(help=with_default("Processors to use.", "all"), rich_help_panel=_TRAINING)
    ] = None,
    device: Annotated[
        str | None,
        typer.Option(help=with_default("cpu, cuda, cuda:1 …", "a GPU if there is one"), rich_help_panel=_TRAINING),
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help=with_default("Of all files.", "found out for each"), rich_help_panel=_CORPUS)
    ] = None,
    keep_line_ends: Annotated[
        bool | None,
        typer.Option("--keep-line-ends", help="Learn CR and CR LF, too, not only LF.", rich_help_panel=_CORPUS),
    ] = None,
    column: Annotated[
        str | None, typer.Option(help=with_default("Of tables, what to read.", "text"), rich_help_panel=_CORPUS)
    ] = None,
    medium: Annotated[
        str | None,
        typer.Option(help=with_default("text or music.", "told by the files"), rich_help_panel=_CORPUS),
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(
            help=with_default("Of text: char, byte, subword:SIZE, bpe:SIZE or word:SIZE.", "what fits"),
            rich_help_panel=_CORPUS,
        ),
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(help=with_default("Of music: seconds or beats.", "what fits"), rich_help_panel=_CORPUS),
    ] = None,
    strict: Annotated[
        bool | None,
        typer.Option("--strict", help="Stop at a MIDI file that cannot be read.", rich_help_panel=_CORPUS),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help=with_default("Name of the run.", "from the corpus"), rich_help_panel=_RUN)
    ] = None,
    out: Annotated[
        str | None, typer.Option(help=with_default("Folder of the runs.", "checkpoints"), rich_help_panel=_RUN)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run named, or with the newest.", rich_help_panel=_RUN)
    ] = False,
    init_from: Annotated[
        str | None, typer.Option(help="Start from the weights of this run or file.", rich_help_panel=_RUN)
    ] = None,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Learn from a corpus. Ctrl-C saves; --resume goes on exactly."""
    from gen.cli.options import gather
    from gen.cli.terminal import say
    from gen.errors import ConfigError
    from gen.runs import check_new_name, create_run, default_name, find_model, find_run, runs_folder
    from gen.settings import values
    from gen.training.recipes import check_settings

    folder = runs_folder(out)
    flags = {
        "train.minutes": minutes, "train.epochs": epochs, "train.steps": steps, "model.cell": cell,
        "model.layers": layers, "model.hidden": hidden, "model.ngrams": ngrams, "train.dropout": dropout,
        "train.batch_size": batch_size, "train.sequence_length": sequence_length,
        "train.learning_rate": learning_rate, "train.seed": seed, "train.threads": threads, "train.device": device,
        "corpus.encoding": encoding,
        "corpus.keep_line_ends": keep_line_ends, "corpus.column": column, "corpus.medium": medium,
        "corpus.clock": clock, "corpus.tokens": tokens, "corpus.strict": strict,
    }  # fmt: skip
    sources = corpus or []
    if resume:
        chosen = {key for key, value in flags.items() if value is not None} - {"train.minutes", "train.steps"}
        if chosen or name or init_from or config is not None or assignments:
            raise ConfigError(
                "--resume goes on with what is on record; of the settings only --minutes or --steps can be given"
            )
        if len(sources) > 1:
            raise ConfigError(f"--resume goes on with one run, and {len(sources)} are named")
        run = find_run(sources[0] if sources else None, folder)
        with run.lock():
            _go_on(run, minutes, steps)
        return
    given = gather(config, assignments, flags, sections=("model", "train", "corpus"))
    if not sources:
        raise ConfigError("no corpus: name a file or a folder, or @python to try it out")
    check_settings(values(given, "model", "train"))  # before a large corpus is read, as the name
    if name is not None:
        check_new_name(folder, name)
    source = find_model(init_from, folder) if init_from else None
    opened, start = _prepare(sources, given, source)
    run, lock = create_run(folder, name, default_name(sources[0]))
    with lock:
        run.begin(start)  # before torch is loaded: from here on a kill loses nothing
        try:
            _run(run, opened, start)
        except ConfigError:  # the machine has no such device, say: there is nothing to go on from
            run.discard()
            raise
        except KeyboardInterrupt:
            say(f"stopped; go on with: gen train --resume {shlex.quote(run.name)}")
            raise


def _prepare(
    sources: list[str], given: "Mapping[str, Given]", source: "Path | None"
) -> "tuple[TokenCorpus, Checkpoint]":
    """Open the corpus, choose what was not given, and say what was chosen."""
    from dataclasses import replace

    from gen.checkpoint import Checkpoint
    from gen.cli.options import chosen
    from gen.cli.reading import open_corpus
    from gen.cli.terminal import say
    from gen.corpus.documents import ReadingOptions
    from gen.settings import values
    from gen.training.recipes import plan

    init_from = Checkpoint.load(source) if source else None
    options = ReadingOptions(**values(given, "corpus"))
    corpus = open_corpus(sources, options, init_from.tokenizer if init_from else None)
    for notice in corpus.notices:
        say(notice, "yellow")
    planned = plan(corpus, init_from=init_from, **values(given, "model", "train"))
    say(_describe(corpus))
    if planned.choices:
        say("chosen: " + ", ".join(f"{c.name} {c.value} ({c.reason})" for c in planned.choices), "dim")
    known = {**given, **chosen(planned.choices)}
    origins = {key: it.origin for key, it in known.items() if not key.startswith("sampling.")}
    start = planned.checkpoint
    return corpus, replace(start, provenance={**start.provenance, "settings_from": origins})


def _describe(corpus: "TokenCorpus") -> str:
    facts = corpus.provenance
    if facts["medium"] == "music":
        length = (
            f"{facts['seconds'] / 3600:.1f} hours" if facts["seconds"] >= 3600 else f"{facts['seconds'] / 60:.0f} min"
        )
        content = f"{facts['documents']:,} pieces, {facts['notes']:,} notes, {length}, by {facts['clock']}"
    else:
        documents = f" in {facts['documents']:,} documents" if facts["documents"] > 1 else ""
        content = f"{facts['characters']:,} characters{documents}, {len(corpus.tokenizer.vocabulary)} symbols"
    return (
        f"{', '.join(facts['sources'])}: {content}; {corpus.train.size:,} tokens to train on, "
        f"{corpus.validation.size:,} to validate"
    )


def _go_on(run: "Run", minutes: float | None, steps: int | None) -> None:
    """Resume: the corpus is on record, and checked."""
    from dataclasses import replace

    from gen.cli.reading import open_corpus
    from gen.cli.terminal import stdin_is_piped
    from gen.corpus.documents import ReadingOptions
    from gen.errors import ConfigError, CorpusError

    start = run.resume()
    assert start.training is not None
    config = start.training.config
    lengthened = minutes is not None or steps is not None
    if lengthened and (minutes is None) != (config.minutes is None):
        kind = "minutes" if config.minutes else "steps"
        raise ConfigError(f"{run.name} is bounded by {kind}: lengthen it with --{kind}")
    if lengthened:
        key = "train.steps" if minutes is None else "train.minutes"
        origins = {**start.provenance.get("settings_from", {}), key: f"flag {spelled(key)}"}
        start = replace(
            start,
            training=replace(start.training, config=replace(config, minutes=minutes, steps=steps)),
            provenance={**start.provenance, "settings_from": origins},
        )
    record = start.provenance["corpus"]
    if "-" in record["sources"] and not stdin_is_piped():
        raise CorpusError(
            f"{run.name} learned from standard input: pipe the same text in again, gen train --resume "
            f"{shlex.quote(run.name)} < FILE"
        )
    # of what is on record, the run's tokenizer has every character; of anything else, the checksum tells
    corpus = open_corpus(record["sources"], ReadingOptions.recorded(record), start.tokenizer)
    if corpus.provenance["checksum"] != record["checksum"]:
        raise CorpusError(
            f"{', '.join(record['sources'])} has changed since {run.name} began (checksum "
            f"{corpus.provenance['checksum']}, recorded {record['checksum']}): put it back, or begin a new run with "
            f"--init-from {shlex.quote(run.name)}"
        )
    _run(run, corpus, start)


def _run(run: "Run", corpus: "TokenCorpus", start: "Checkpoint") -> None:
    """Train to the end of the budget, or until someone asks to stop; either way everything is saved."""
    from gen.checkpoint import Checkpoint
    from gen.cli.stopping import stop_requests
    from gen.cli.terminal import say
    from gen.cli.training_view import training_view
    from gen.config import available_threads
    from gen.training.device import use_threads
    from gen.training.model_card import model_card
    from gen.training.recorder import load_best, record
    from gen.training.trainer import Trainer

    assert start.training is not None
    use_threads(start.training.config.threads)
    with stop_requests() as stop:
        trainer = Trainer(corpus, start, load_best(run, Checkpoint))
        if trainer.finished:
            kind = "steps" if trainer.config.minutes is None else "minutes"
            say(f"{run.name} has used up its budget; a larger --{kind} trains it on")
        if trainer.config.threads > 2 * available_threads():
            say(f"{trainer.config.threads} threads on {available_threads()} processors will be slow", "yellow")
        with training_view(run, corpus) as view:
            for event in record(trainer, run, model_card):
                view.show(event)
                if stop:
                    break
        if stop:
            trainer.checkpoint().save(run.resume_path)
            say(f"saved at step {trainer.step:,} in {run.path}; go on with: gen train --resume {shlex.quote(run.name)}")
            raise typer.Exit(stop[0])
    say(f"saved {run.model_path}; now: gen sample {shlex.quote(run.name)}")
