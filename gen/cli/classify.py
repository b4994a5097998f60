"""`gen classify`: models that name the classes of documents. `gen classify train` is here."""

import shlex
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.classify_eval import evaluate
from gen.cli.classify_predict import predict
from gen.cli.options import Assignments, ConfigFile, spelled, with_default

if TYPE_CHECKING:
    from collections.abc import Mapping

    from gen.checkpoint import Checkpoint, ClassifierCheckpoint
    from gen.corpus.labelled_corpus import LabelledCorpus
    from gen.runs import Run
    from gen.settings import Given

commands = typer.Typer(help="Train models that name the classes of texts and pieces of music, and ask them.")
commands.command("predict")(predict)
commands.command("eval")(evaluate)

_BUDGET, _MODEL, _TRAINING, _CORPUS, _RUN = "Budget", "Model", "Training", "Corpus", "Run"  # panels of the help
_SECTIONS = ("model", "classifier", "classify", "corpus")
_LISTED = 6  # labels in the line that says what a corpus holds


@commands.command("train")
def train(
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            help="Tables (.csv, .tsv, .jsonl), or folders with a folder of texts or MIDI files for each class. With "
            "--resume: the run.",
            show_default=False,
        ),
    ] = None,
    *,
    text: Annotated[
        str | None, typer.Option(help=with_default("Of tables, the column to read.", "text"), rich_help_panel=_CORPUS)
    ] = None,
    label: Annotated[
        str | None,
        typer.Option(help=with_default("Of tables, the column of the classes.", "label"), rich_help_panel=_CORPUS),
    ] = None,
    validation: Annotated[
        list[str] | None,
        typer.Option(
            help=with_default("Documents to validate with.", "a tenth of the others"), rich_help_panel=_CORPUS
        ),
    ] = None,
    tokens: Annotated[
        str | None,
        typer.Option(
            help=with_default("char, byte, subword[:SIZE], bpe[:SIZE] or word[:SIZE].", "word:20000"),
            rich_help_panel=_CORPUS,
        ),
    ] = None,
    length: Annotated[
        int | None,
        typer.Option(help=with_default("Tokens to read of each.", "100 words, or 400"), rich_help_panel=_CORPUS),
    ] = None,
    keep: Annotated[
        str | None, typer.Option(help=with_default("Which: first or last.", "first"), rich_help_panel=_CORPUS)
    ] = None,
    encoding: Annotated[
        str | None, typer.Option(help=with_default("Of all files.", "found out for each"), rich_help_panel=_CORPUS)
    ] = None,
    medium: Annotated[
        str | None,
        typer.Option(help=with_default("text or music.", "told by the files"), rich_help_panel=_CORPUS),
    ] = None,
    epochs: Annotated[
        float | None,
        typer.Option(help=with_default("Passes over the corpus.", "5, or 300 steps"), rich_help_panel=_BUDGET),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Train for so many steps.", rich_help_panel=_BUDGET)] = None,
    cell: Annotated[str | None, typer.Option(help="rnn, lstm or gru.", rich_help_panel=_MODEL)] = None,
    layers: Annotated[int | None, typer.Option(help="Stacked layers.", rich_help_panel=_MODEL)] = None,
    embedding: Annotated[int | None, typer.Option(help="Width of the tokens' vectors.", rich_help_panel=_MODEL)] = None,
    hidden: Annotated[int | None, typer.Option(help="Units in each layer.", rich_help_panel=_MODEL)] = None,
    pooling: Annotated[
        str | None, typer.Option(help="What is made of the states: last, mean, max or all.", rich_help_panel=_MODEL)
    ] = None,
    source: Annotated[
        str | None,
        typer.Option("--from", help="Take the encoder of this language model.", rich_help_panel=_MODEL, metavar="RUN"),
    ] = None,
    freeze: Annotated[
        bool | None, typer.Option("--freeze", help="Train the head alone.", rich_help_panel=_TRAINING)
    ] = None,
    dropout: Annotated[
        float | None,
        typer.Option(help=with_default("Share of units dropped while training.", 0.2), rich_help_panel=_TRAINING),
    ] = None,
    recurrent_dropout: Annotated[
        float | None,
        typer.Option(help=with_default("The same, from step to step.", 0.2), rich_help_panel=_TRAINING),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(help=with_default("Documents in a step.", 32), rich_help_panel=_TRAINING)
    ] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak rate of Adam.", rich_help_panel=_TRAINING)] = None,
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
    name: Annotated[
        str | None, typer.Option(help=with_default("Name of the run.", "from the corpus"), rich_help_panel=_RUN)
    ] = None,
    out: Annotated[
        str | None, typer.Option(help=with_default("Folder of the runs.", "checkpoints"), rich_help_panel=_RUN)
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with the run named, or with the newest.", rich_help_panel=_RUN)
    ] = False,
    config: ConfigFile = None,
    assignments: Assignments = None,
) -> None:
    """Learn to tell classes apart from labelled documents. Ctrl-C saves; --resume goes on exactly."""
    from gen.checkpoint import Checkpoint
    from gen.cli.options import gather
    from gen.cli.terminal import say
    from gen.errors import ConfigError
    from gen.runs import check_new_name, create_run, default_name, find_model, find_run, runs_folder
    from gen.settings import values
    from gen.training.classifier_recipe import check_classifier_settings

    folder = runs_folder(out)
    flags = {
        "corpus.column": text, "corpus.tokens": tokens, "corpus.encoding": encoding, "corpus.medium": medium,
        "classifier.length": length, "classifier.keep": keep, "classifier.embedding": embedding,
        "classifier.pooling": pooling, "classify.epochs": epochs, "classify.steps": steps, "model.cell": cell,
        "model.layers": layers, "model.hidden": hidden, "classify.freeze": freeze, "classify.dropout": dropout,
        "classify.recurrent_dropout": recurrent_dropout, "classify.batch_size": batch_size,
        "classify.learning_rate": learning_rate, "classify.seed": seed, "classify.threads": threads,
        "classify.device": device,
    }  # fmt: skip
    sources = corpus or []
    if resume:
        chosen = {key for key, value in flags.items() if value is not None} - {"classify.steps"}
        if chosen or name or source or label or validation or config is not None or assignments:
            raise ConfigError("--resume goes on with what is on record; of the settings only --steps can be given")
        if len(sources) > 1:
            raise ConfigError(f"--resume goes on with one run, and {len(sources)} are named")
        run = find_run(sources[0] if sources else None, folder, task="classifier")
        with run.lock():
            _go_on(run, steps)
        return
    given = gather(config, assignments, flags, sections=_SECTIONS)
    if not sources:
        raise ConfigError(
            "no corpus: name a table with the columns text and label, or a folder with one for each class"
        )
    check_classifier_settings(values(given, *_SECTIONS[:3]))  # before a large corpus is read, as the name
    if name is not None:
        check_new_name(folder, name)
    encoder = Checkpoint.load(find_model(source, folder)) if source else None
    opened, start = _prepare(sources, validation or [], label, given, encoder)
    run, lock = create_run(folder, name, default_name(sources[0]))
    with lock:
        run.begin(start)  # before torch is loaded: from here on a kill loses nothing
        try:
            _run(run, opened, start)
        except ConfigError:  # the machine has no such device, say: there is nothing to go on from
            run.discard()
            raise
        except KeyboardInterrupt:
            say(f"stopped; go on with: gen classify train --resume {shlex.quote(run.name)}")
            raise


def _prepare(
    sources: list[str],
    validation: list[str],
    label: str | None,
    given: "Mapping[str, Given]",
    encoder: "Checkpoint | None",
) -> "tuple[LabelledCorpus, ClassifierCheckpoint]":
    """Open the corpus, choose what was not given, and say what was chosen."""
    from dataclasses import replace

    from gen.cli.reading import shown_reading
    from gen.cli.terminal import say
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.labelled_corpus import LabelledCorpus
    from gen.errors import ConfigError
    from gen.settings import Given, values
    from gen.training.classifier_recipe import plan_classifier

    if encoder is not None and "corpus.tokens" in given:
        raise ConfigError("tokens are those of the language model that the encoder is taken from: leave --tokens out")
    settings = values(given, "model", "classifier", "classify")
    read: dict[str, Any] = {name: settings.pop(name) for name in ("length", "keep") if name in settings}
    corpus = shown_reading(
        LabelledCorpus.opening(
            sources,
            validation=validation,
            options=ReadingOptions(**values(given, "corpus")),
            label=label,
            tokenizer=encoder.tokenizer if encoder else None,
            **read,
        )
    )
    for notice in corpus.notices:
        say(notice, "yellow")
    planned = plan_classifier(corpus, source=encoder, **settings)
    say(_describe(corpus))
    if planned.choices:
        say("chosen: " + ", ".join(f"{c.name} {c.value} ({c.reason})" for c in planned.choices), "dim")
    chosen = {_full_name(c.name): Given(c.value, f"recipe: {c.reason}") for c in planned.choices}
    origins = {key: it.origin for key, it in {**given, **chosen}.items() if key.partition(".")[0] in _SECTIONS}
    start = planned.checkpoint
    return corpus, replace(start, provenance={**start.provenance, "settings_from": origins})


def _full_name(name: str) -> str:
    """What a setting of the recipe, which tells no sections apart, is called elsewhere."""
    from gen.settings import SETTINGS

    return next(f"{section}.{name}" for section in _SECTIONS if f"{section}.{name}" in SETTINGS)


def _describe(corpus: "LabelledCorpus") -> str:
    facts = corpus.provenance
    counts = facts["train_labels"]
    total = sum(counts.values())
    frequent = sorted(counts.items(), key=lambda it: -it[1])
    listed = ", ".join(f"{label} {count / total:.1%}" for label, count in frequent[:_LISTED])
    more = f" and {len(frequent) - _LISTED} more" if len(frequent) > _LISTED else ""
    return (
        f"{', '.join(facts['sources'])}: {len(corpus.train):,} documents to train on, {len(corpus.validation):,} to "
        f"validate; {len(counts)} classes: {listed}{more}; {len(corpus.tokenizer.vocabulary):,} symbols, the "
        f"{corpus.keep} {corpus.length:,} tokens of each"
    )


def _go_on(run: "Run", steps: int | None) -> None:
    """Resume: the corpus is on record, and checked."""
    from dataclasses import replace

    from gen.cli.reading import reopen_labelled
    from gen.errors import CorpusError

    start = run.resume_classifier()
    assert start.training is not None
    if steps is not None:
        origins = {**start.provenance.get("settings_from", {}), "classify.steps": f"flag {spelled('classify.steps')}"}
        start = replace(
            start,
            training=replace(start.training, config=replace(start.training.config, steps=steps)),
            provenance={**start.provenance, "settings_from": origins},
        )
    record, corpus = start.provenance["corpus"], reopen_labelled(start)
    if corpus.provenance["checksum"] != record["checksum"]:
        raise CorpusError(
            f"{', '.join(record['sources'])} has changed since {run.name} began (checksum "
            f"{corpus.provenance['checksum']}, recorded {record['checksum']}): put it back, or begin a new run"
        )
    _run(run, corpus, start)


def _run(run: "Run", corpus: "LabelledCorpus", start: "ClassifierCheckpoint") -> None:
    """Train until all steps are taken, or until someone asks to stop; either way everything is saved."""
    from gen.checkpoint import ClassifierCheckpoint
    from gen.cli.classify_view import classifier_view
    from gen.cli.stopping import stop_requests
    from gen.cli.terminal import say
    from gen.training.classifier_card import classifier_card
    from gen.training.classifier_trainer import ClassifierTrainer
    from gen.training.device import use_threads
    from gen.training.recorder import load_best, record

    assert start.training is not None
    use_threads(start.training.config.threads)
    quoted = shlex.quote(run.name)
    with stop_requests() as stop:
        trainer = ClassifierTrainer(corpus, start, load_best(run, ClassifierCheckpoint))
        if trainer.finished:
            say(f"{run.name} has taken all its steps; a larger --steps trains it on")
        with classifier_view(run) as view:
            for event in record(trainer, run, classifier_card):
                view.show(event)
                if stop:
                    break
        if stop:
            trainer.checkpoint().save(run.resume_path)
            say(f"saved at step {trainer.step:,} in {run.path}; go on with: gen classify train --resume {quoted}")
            raise typer.Exit(stop[0])
    say(f"saved {run.model_path}; now: gen classify predict {quoted} FILE")
