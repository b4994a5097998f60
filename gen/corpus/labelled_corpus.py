"""A labelled corpus as ids: documents read, cut to their length, and parted into what trains and what validates."""

import hashlib
import os
from collections import Counter
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from gen.config import Keep
from gen.corpus.documents import DEFAULT_OPTIONS, ReadingOptions, source_name
from gen.corpus.findings import Findings
from gen.corpus.labelled import Columns
from gen.corpus.labelled_reading import LabelledDocument, read_labelled
from gen.corpus.medium import medium_of
from gen.corpus.readers import shown
from gen.corpus.sequences import Sequences, cut, sequence_of, with_boundary
from gen.errors import CorpusError, TokenizerError
from gen.progress import ReadingFiles, result_of
from gen.storage import cache_folder
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.fitting import Tokens, fit_text

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

DEFAULT_TOKENS = "word:20000"
"""What the tokens of texts are, where nobody says."""
_LENGTHS = {"char": 400, "byte": 400, "word": 100, "midi": 400}  # tokens of a document, about as much text or music
_HELD_OUT = 0.1  # share of the documents that validate
_SAMPLE = 1 << 24  # characters that words or subwords are learned from
_LISTED = 8  # labels that a message lists


@dataclass(frozen=True, slots=True, eq=False)
class LabelledPart:
    """Some labelled documents.

    Attributes:
        sequences: what is read of each.
        targets: the number of its label, int64 (n,).
    """

    sequences: Sequences
    targets: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.targets)


@dataclass(frozen=True, slots=True, eq=False)
class LabelledCorpus:
    """Labelled documents as ids, in memory: what is read of each is short. Made by `open`.

    Attributes:
        tokenizer: what turned documents into ids.
        labels: the classes' names, sorted, or as they were given.
        train: the part to learn from.
        validation: the part to measure with.
        length: tokens of a document that are read at most.
        keep: the first or the last.
        notices: what the user should know of how it was read.
        provenance: where it comes from and what it is, as JSON values; equal for equal sources and content.
    """

    tokenizer: "AnyTokenizer"
    labels: tuple[str, ...]
    train: LabelledPart
    validation: LabelledPart
    length: int
    keep: Keep
    notices: tuple[str, ...]
    provenance: dict[str, Any]

    @classmethod
    def open(cls, sources: str | os.PathLike[str] | Sequence[str], **settings: Any) -> "LabelledCorpus":
        """Read a corpus; arguments and errors are those of `opening`."""
        given = [os.fspath(sources)] if isinstance(sources, str | os.PathLike) else sources
        return result_of(cls.opening(given, **settings))

    @classmethod
    def opening(
        cls,
        sources: Sequence[str],
        *,
        validation: Sequence[str] = (),
        options: ReadingOptions = DEFAULT_OPTIONS,
        label: str | None = None,
        length: int | None = None,
        keep: Keep = "first",
        tokenizer: "AnyTokenizer | None" = None,
        labels: Sequence[str] | None = None,
        cache: Path | None = None,
    ) -> Generator[ReadingFiles, None, "LabelledCorpus"]:
        """Read a corpus, as a generator that yields its progress and returns it.

        About a tenth of the documents validates: those whose text's hash says so, so that adding documents moves none
        and equal ones stay together; of a class that the hashes leave out, the one with the highest. Of each class one
        at least trains.

        Args:
            sources: tables, or folders with a folder for each class (see `read_rows`).
            validation: the same, of documents to validate with in place of a tenth of the others.
            options: how to read them; `column` is the text's, `tokens` are fitted to what trains.
            label: the column of the labels.
            length: tokens of a document that are read at most; None takes what suits their kind.
            keep: the first or the last.
            tokenizer: of a model to go on with; None fits one.
            labels: those there may be, in this order; None takes those of the training part.
            cache: folder for what is read of MIDI files, in place of the user's.

        Raises:
            CorpusError: missing, unreadable, of one class only, or with labels that there may not be.
            MidiError: with `options.strict`, a MIDI file that cannot be read.
            TokenizerError: the tokenizer given is for another medium or clock.
        """
        medium = options.medium or medium_of([*sources, *validation])
        if tokenizer is not None and tokenizer.medium != medium:
            raise TokenizerError(f"the corpus is {medium}; the model's tokenizer is for {tokenizer.medium}")
        findings = Findings()
        columns, folder = Columns(options.column, label), (cache or cache_folder()) / "corpora"
        read, music = yield from read_labelled(sources, medium, columns, options, tokenizer, findings, folder)
        tokenizer = tokenizer or music
        apart, _ = yield from read_labelled(validation, medium, columns, options, tokenizer, findings, folder)
        parts = (read, apart) if validation else _part(read)
        if labels is None:
            labels = _labels(parts[0], sources)
        if tokenizer is None:
            tokenizer = _fit([it.content for it in parts[0]], options.tokens or DEFAULT_TOKENS)
        length = length or _LENGTHS.get(tokenizer.to_dict()["kind"], 200)
        train, held_out = (_encoded(part, tokenizer, labels, length, keep) for part in parts)
        for part, what in ((train, "train on"), (held_out, "validate with")):
            if not len(part):
                raise CorpusError(f"{', '.join(map(shown, sources))}: no document to {what}: add more")
        provenance = {
            "sources": [source_name(source) for source in dict.fromkeys(sources)],
            "validation_sources": [source_name(source) for source in dict.fromkeys(validation)],
            "medium": medium,
            "options": options.to_dict(),
            "label_column": label,
            "checksum": _checksum(read, apart),
            "train_documents": len(train),
            "validation_documents": len(held_out),
            "train_labels": _counted(train, labels),
            "validation_labels": _counted(held_out, labels),
        }
        return cls(tokenizer, tuple(labels), train, held_out, length, keep, findings.notices(), provenance)


def reading_part(
    sources: Sequence[str],
    *,
    tokenizer: "AnyTokenizer",
    labels: Sequence[str],
    length: int,
    keep: Keep,
    options: ReadingOptions = DEFAULT_OPTIONS,
    label: str | None = None,
    cache: Path | None = None,
) -> Generator[ReadingFiles, None, LabelledPart]:
    """Read labelled documents for a model that there is; arguments and errors are those of `LabelledCorpus.opening`."""
    findings = Findings()
    medium = options.medium or medium_of(sources)
    if tokenizer.medium != medium:
        raise TokenizerError(f"the documents are {medium}; the model's tokenizer is for {tokenizer.medium}")
    columns, folder = Columns(options.column, label), (cache or cache_folder()) / "corpora"
    documents, _ = yield from read_labelled(sources, medium, columns, options, tokenizer, findings, folder)
    if not documents:
        raise CorpusError(f"{', '.join(map(shown, sources))}: no documents with labels")
    return _encoded(documents, tokenizer, labels, length, keep)


def _part(documents: Sequence[LabelledDocument]) -> tuple[list[LabelledDocument], list[LabelledDocument]]:
    """What trains, and what validates: by hash."""
    limit = int((1 - _HELD_OUT) * 2**64)
    held_out = {it.hash for it in documents if it.hash >= limit}
    hashes_of: dict[str, set[int]] = {}
    for it in documents:
        hashes_of.setdefault(it.label, set()).add(it.hash)
    for hashes in hashes_of.values():
        if hashes <= held_out:
            held_out.remove(min(hashes))
        elif len(hashes) > 1 and held_out.isdisjoint(hashes):
            held_out.add(max(hashes))
    return [it for it in documents if it.hash not in held_out], [it for it in documents if it.hash in held_out]


def _labels(documents: Iterable[LabelledDocument], sources: Sequence[str]) -> list[str]:
    found = sorted({it.label for it in documents})
    if len(found) < 2:
        named = f"all of class {found[0]!r}" if found else "no documents"
        raise CorpusError(f"{', '.join(map(shown, sources))}: {named}: two classes are needed at least")
    return found


def _fit(texts: Sequence[str], tokens: str) -> "AnyTokenizer":
    sample, size = [], 0
    for text in texts:
        sample.append(text)
        size += len(text)
        if size >= _SAMPLE:
            break
    symbols: Counter[str] = Counter()
    for text in texts:
        symbols.update(text)
    if not symbols:
        raise CorpusError("there is no text in the documents: name another column with --text")
    return fit_text(Tokens.parse(tokens), dict(sorted(symbols.items())), sample, boundary=False)


def _encoded(
    documents: Sequence[LabelledDocument], tokenizer: "AnyTokenizer", labels: Sequence[str], length: int, keep: Keep
) -> LabelledPart:
    numbers = {label: number for number, label in enumerate(labels)}
    for it in documents:
        if it.label not in numbers:
            known = ", ".join(map(shown, labels[:_LISTED])) + (" …" if len(labels) > _LISTED else "")
            raise CorpusError(f"{it.name}: its label is {it.label!r}; the model knows {known}: mend or leave it out")
    if isinstance(tokenizer, MidiTokenizer):  # whose documents are ids already
        sequences = [with_boundary(tokenizer, cut(it.content, length, keep)) for it in documents]
    else:
        sequences = [sequence_of(tokenizer, it.content, length=length, keep=keep) for it in documents]
    targets = np.array([numbers[it.label] for it in documents], np.int64)
    return LabelledPart(Sequences.of(sequences, tokenizer.dtype), targets)


def _checksum(*parts: Sequence[LabelledDocument]) -> str:
    """SHA-256 over the hash and the label of every document, in order."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(f"{len(part)}\n".encode())
        for it in part:
            digest.update(it.hash.to_bytes(8, "big") + it.label.encode("utf-8", "surrogatepass") + b"\n")
    return digest.hexdigest()


def _counted(part: LabelledPart, labels: Sequence[str]) -> dict[str, int]:
    counts = np.bincount(part.targets, minlength=len(labels))
    return {label: int(count) for label, count in zip(labels, counts, strict=True)}
