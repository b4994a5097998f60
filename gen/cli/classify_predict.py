"""`gen classify predict`: the classes of documents, with probabilities."""

import json
import os
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.options import LastState, RunsFolder, with_default
from gen.errors import ConfigError, InputError, MidiError

if TYPE_CHECKING:
    from gen.classifier import Classifier

_DIGITS = 6  # of a probability in JSON: beyond them it depends on what stands beside a document

Named = tuple[str, Any]
"""A document's name, and the document."""


def predict(
    run: Annotated[str, typer.Argument(help="A classifier's run, or its file.", show_default=False)],
    file: Annotated[
        str,
        typer.Argument(
            help="A table, a folder or a MIDI file; of any other text, each line is a document. '-' is stdin."
        ),
    ] = "-",
    *,
    whole: Annotated[bool, typer.Option("--whole", help="A text is one document, not one a line.")] = False,
    text: Annotated[str | None, typer.Option(help=with_default("Of tables, the column to read.", "text"))] = None,
    encoding: Annotated[str | None, typer.Option(help=with_default("Of texts.", "found out"))] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a document, with the probabilities of all classes.")
    ] = False,
    last: LastState = False,
    out: RunsFolder = None,
) -> None:
    """Name the class of each document, with its probability: a line each, in order. Files have their names in front."""
    from itertools import tee

    from gen.classifier import Classifier
    from gen.cli.terminal import plain, write_product
    from gen.runs import find_model, runs_folder

    classifier = Classifier.open(find_model(run, runs_folder(out), last=last, task="classifier"))
    named, documents = tee(_documents(classifier, file, text, encoding, whole=whole))
    with_name = os.path.isdir(file) or classifier.tokenizer.medium == "music"
    for (name, _), found in zip(named, classifier.classify(document for _, document in documents), strict=True):
        likeliest = int(found.argmax())
        label, probability = classifier.labels[likeliest], float(found[likeliest])
        if as_json:
            all_of_them = {it: round(float(p), _DIGITS) for it, p in zip(classifier.labels, found, strict=True)}
            entry = {"name": name, "label": label, "probability": round(probability, _DIGITS)}
            write_product(json.dumps(entry | {"probabilities": all_of_them}, ensure_ascii=False) + "\n")
        else:
            front = f"{plain(name)}\t" if with_name else ""
            write_product(f"{front}{plain(label)}\t{probability:.4f}\n")


def _documents(
    classifier: "Classifier", file: str, text: str | None, encoding: str | None, *, whole: bool
) -> Iterator[Named]:
    if classifier.tokenizer.medium == "music":
        if text is not None or encoding is not None or whole:
            raise ConfigError("--text, --encoding and --whole are of no use to music: leave them out")
        return _music(file)
    return _texts(file, text, encoding, whole=whole)


def _texts(file: str, text: str | None, encoding: str | None, *, whole: bool) -> Iterator[Named]:
    from gen.cli.terminal import read_text, say
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.encodings import check_encoding
    from gen.corpus.findings import Findings
    from gen.corpus.labelled import TABLES, Columns, read_rows
    from gen.corpus.readers import inner_suffix, is_midi, shown

    if encoding is not None:
        check_encoding(encoding)
    if is_midi(file):
        raise InputError(f"{shown(file)} is music, and this classifier reads text: name another run")
    table = os.path.isdir(file) or inner_suffix(file) in TABLES
    if text is not None and not table:
        raise ConfigError(f"--text is {text!r}; {shown(file)} is no table: leave it out")
    if table:
        findings = Findings()
        options = ReadingOptions(encoding=encoding, column=text)
        for row in read_rows([file], Columns(text, labelled=False), options, findings):
            yield row.name, row.text
        for notice in findings.notices():
            say(notice, "yellow")
    elif whole:
        yield shown(file), read_text(file, encoding, what="text")[0]
    elif file == "-":
        yield from _lines_of_stdin(encoding or "utf-8")
    else:
        lines = read_text(file, encoding, what="text")[0].removesuffix("\n").split("\n")
        yield from ((f"{shown(file)}:{number}", line) for number, line in enumerate(lines, 1))


def _lines_of_stdin(encoding: str) -> Iterator[Named]:
    """One document a line, as they come."""
    if sys.stdin is None:
        raise InputError("-: standard input is closed: pipe texts into it, one a line")
    for number, line in enumerate(sys.stdin.buffer, 1):
        try:
            yield f"standard input:{number}", line.decode(encoding).rstrip("\r\n")
        except UnicodeDecodeError as error:
            raise InputError(
                f"standard input:{number}: not {encoding} ({error.reason}): name its --encoding"
            ) from error


def _music(file: str) -> Iterator[Named]:
    from gen.cli.terminal import say
    from gen.corpus.findings import Findings
    from gen.corpus.readers import is_midi, shown
    from gen.corpus.walk import Walk
    from gen.music.midi_reader import read_midi

    if file == "-":
        yield "standard input", read_midi(sys.stdin.buffer.read(), name="standard input").score
    elif os.path.isdir(file):
        findings = Findings()
        for path in Walk(findings).files(file):
            if is_midi(path):
                try:
                    yield shown(path), read_midi(path).score
                except MidiError as error:
                    findings.leave_out(shown(path), error.reason)
        for notice in findings.notices():
            say(notice, "yellow")
    elif is_midi(file):
        yield shown(file), read_midi(file).score
    else:
        raise InputError(f"{shown(file)} is no MIDI file, and this classifier reads music: name another run")
