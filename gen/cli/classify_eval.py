"""`gen classify eval`: how well a classifier does on documents whose classes are known."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from gen.cli.options import LastState, RunsFolder, with_default

if TYPE_CHECKING:
    from gen.checkpoint import ClassifierCheckpoint
    from gen.corpus.labelled_corpus import LabelledPart
    from gen.metrics.classification import Classification

_WIDEST = 20  # classes up to which the confusion matrix is printed
_NAME = 16  # characters of a class's name over a column


def evaluate(
    run: Annotated[str, typer.Argument(help="A classifier's run, or its file.", show_default=False)],
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help=with_default("Labelled documents.", "the validation part of the run's own"), show_default=False
        ),
    ] = None,
    *,
    text: Annotated[str | None, typer.Option(help=with_default("Of tables, the column to read.", "the run's"))] = None,
    label: Annotated[
        str | None, typer.Option(help=with_default("Of tables, the column of the classes.", "the run's"))
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    last: LastState = False,
    out: RunsFolder = None,
) -> None:
    """Measure a classifier: accuracy, F1, confusion and calibration, beside always naming the commonest class."""
    from gen.checkpoint import ClassifierCheckpoint
    from gen.classifier import Classifier
    from gen.cli.terminal import write_product
    from gen.metrics.classification import measure_classes
    from gen.runs import find_model, runs_folder

    checkpoint = ClassifierCheckpoint.load(find_model(run, runs_folder(out), last=last, task="classifier"))
    part = _part(checkpoint, files or [], text, label)
    classifier = Classifier(checkpoint)
    found = measure_classes(classifier.probabilities(part.sequences), part.targets, classifier.labels)
    write_product(json.dumps(found.to_dict()) + "\n" if as_json else _report(found))


def _part(checkpoint: "ClassifierCheckpoint", files: list[str], text: str | None, label: str | None) -> "LabelledPart":
    """The documents named, or those that the run was validated with."""
    from dataclasses import replace

    from gen.cli.reading import reopen_labelled, shown_reading
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.labelled_corpus import reading_part
    from gen.errors import ConfigError, CorpusError

    record = checkpoint.provenance.get("corpus")
    if not isinstance(record, dict) or not {"sources", "options", "checksum", "label_column"} <= record.keys():
        raise ConfigError("this model has no record of its corpus: evaluate one that 'gen classify train' made")
    options, column = ReadingOptions.recorded(record), record["label_column"]
    classifier = checkpoint.classifier
    if files:
        options = replace(options, column=text or options.column, encoding=None)
        return shown_reading(
            reading_part(
                files,
                tokenizer=checkpoint.tokenizer,
                labels=classifier.labels,
                length=classifier.length,
                keep=classifier.keep,
                options=options,
                label=label or column,
            )
        )
    if text or label:
        raise ConfigError("--text and --label are for documents that are named: name some, or leave them out")
    corpus = reopen_labelled(checkpoint)
    if corpus.provenance["checksum"] != record["checksum"]:
        raise CorpusError(f"{', '.join(record['sources'])} has changed since: name labelled documents to measure on")
    return corpus.validation


def _report(found: "Classification") -> str:
    from gen.cli.report import report, screen_width
    from gen.cli.terminal import plain, table

    rows = [
        ["documents", f"{found.documents:,}"],
        ["accuracy", f"{found.accuracy:.4f}; always the commonest class: {found.majority:.4f}"],
        ["macro F1", f"{found.macro_f1:.4f}, the mean over the classes"],
        ["loss", f"{found.loss:.4f} nats/document"],
        ["calibration", f"expected error {found.calibration_error:.4f} (Guo 2017)"],
    ]
    parts = [report(rows, screen_width())]
    of_classes = [
        [plain(it.label), f"{it.documents:,}", f"{it.precision:.4f}", f"{it.recall:.4f}", f"{it.f1:.4f}"]
        for it in found.classes
    ]
    parts.append(table(["class", "documents", "precision", "recall", "F1"], of_classes, right={1, 2, 3, 4}))
    if len(found.classes) <= _WIDEST:
        names = [plain(it.label)[:_NAME] for it in found.classes]
        matrix = [[name, *(f"{n:,}" for n in row)] for name, row in zip(names, found.confusion.tolist(), strict=True)]
        parts.append(table(["true \\ named", *names], matrix, right={*range(1, len(names) + 1)}))
    reliability = [
        [f"{it.low:.1f}", f"{it.documents:,}", f"{it.confidence:.3f}", f"{it.accuracy:.3f}"]
        for it in found.bins
        if it.documents
    ]
    parts.append(table(["confidence from", "documents", "mean", "accuracy"], reliability, right={0, 1, 2, 3}))
    return "\n".join(parts)
