"""What a corpus is like before anybody trains on it: one pass over its documents, a closer look at their beginning."""

import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gen.corpus.documents import Documents
from gen.corpus.findings import Findings
from gen.corpus.observation import Beginning, Lines, Observer
from gen.corpus.parts import split_documents
from gen.corpus.survey import Survey, survey
from gen.corpus.token_corpus import MINIMUM

ENOUGH = 100_000
"""Characters from which a model learns to spell and to form sentences, if not much more."""
PLENTY = 1_000_000
"""Characters that keep a small model busy."""

_RARE = 10  # a symbol that occurs fewer times is hardly learned
_MANY_COPIES = 0.01  # of the text
_LONG = 1_000  # characters of a passage that nobody writes twice by chance
_REPETITIVE = 0.5  # bits a character; what people write takes two or three
_LISTED = 6  # kinds of characters in a note

Verdict = Literal["nothing", "too little", "repetitive", "little", "enough", "plenty"]


@dataclass(frozen=True, slots=True)
class Copies:
    """Documents with the text of an earlier one.

    Attributes:
        documents: how many.
        characters: in them.
        example: names of the first of them and of the one that it copies.
    """

    documents: int
    characters: int
    example: tuple[str, str] | None


@dataclass(frozen=True, slots=True, eq=False)
class Examination:
    """What was found.

    Attributes:
        sources: where the corpus comes from.
        findings: what reading it met.
        survey: its symbols and documents.
        lines: of all documents.
        copies: documents that say nothing new.
        beginning: the part that was looked at for repetition.
        train_tokens: ids that a model would learn from.
        validation_tokens: ids that it would be measured with.
    """

    sources: tuple[str, ...]
    findings: Findings
    survey: Survey
    lines: Lines
    copies: Copies
    beginning: Beginning
    train_tokens: int
    validation_tokens: int

    @property
    def vocabulary_size(self) -> int:
        """Symbols of a character tokenizer for it, a document boundary included where there are several."""
        return len(self.survey.symbols) + (self.survey.documents > 1)

    @property
    def rare(self) -> dict[str, int]:
        """The symbols that occur too seldom to be learned, and how often, rarest first."""
        rare = [(symbol, count) for symbol, count in self.survey.symbols.items() if count < _RARE]
        return dict(sorted(rare, key=lambda item: item[1]))

    @property
    def verdict(self) -> Verdict:
        """Whether it is enough, copies not counted."""
        characters = self.survey.characters - self.copies.characters
        if len(self.survey.symbols) < 2:
            return "nothing"
        if self.survey.characters < MINIMUM:
            return "too little"
        if self.beginning.bits_per_character < _REPETITIVE:
            return "repetitive"
        return "little" if characters < ENOUGH else "enough" if characters < PLENTY else "plenty"

    def judgement(self) -> str:
        """The verdict as a sentence."""
        found = f"{self.survey.characters - self.copies.characters:,} characters"
        if self.copies.documents:
            found += " without the copies"
        match self.verdict:
            case "nothing" if self.survey.characters:
                return "nothing to learn: all characters are the same"
            case "nothing":
                return "nothing to learn: there is no text in it"
            case "too little":
                return f"too little: {found}; {MINIMUM} are needed at least, and {ENOUGH:,} to learn much from"
            case "repetitive":
                return f"too repetitive: {found}, but they say the same again and again; a model learns that by heart"
            case "little":
                return f"too little to learn much: {found}; {ENOUGH:,} at least are needed, a million is better"
            case "enough":
                return f"enough for short experiments: {found}; a million is better"
            case "plenty":
                return f"plenty: {found}"

    def notes(self) -> tuple[str, ...]:
        """What its owner should know, a sentence each."""
        notes = [*self.findings.notices(), *_unseen(self.survey.symbols)]
        if self.copies.characters > _MANY_COPIES * self.survey.characters:
            share = self.copies.characters / self.survey.characters
            notes.append(f"copies of documents are {share:.0%} of the text: leave them out, nothing new is in them")
        passage = self.beginning.passage
        if passage and passage.length >= _LONG:
            notes.append(
                f"a passage of {passage.length:,} characters stands in it twice: where one falls into the validation "
                "part, the model looks better than it is"
            )
        return tuple(notes)

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        beginning, passage = self.beginning, self.beginning.passage
        return {
            "sources": list(self.sources),
            "files": self.findings.files,
            "left_out": [
                {"reason": reason, "files": count, "first": first}
                for reason, (count, first) in self.findings.left_out.items()
            ],
            "encodings": dict(Counter(self.findings.encodings.values())),
            "checksum": self.survey.checksum,
            "documents": self.survey.documents,
            "characters": self.survey.characters,
            "bytes": self.survey.bytes,
            "symbols": self.survey.symbols,
            "lines": {"number": self.lines.number, "median": self.lines.median, "longest": self.lines.longest},
            "copies": {"documents": self.copies.documents, "characters": self.copies.characters},
            "beginning": {
                "characters": beginning.characters,
                "xz_bytes": beginning.compressed,
                "xz_bits_per_character": beginning.bits_per_character,
            },
            "longest_repeat": passage and {
                "characters": passage.length,
                "begins": passage.text,
                "places": [{"document": p.document, "offset": p.offset, "line": p.line} for p in passage.places],
            },
            "train_tokens": self.train_tokens,
            "validation_tokens": self.validation_tokens,
            "notes": list(self.notes()),
            "verdict": self.verdict,
            "judgement": self.judgement(),
        }  # fmt: skip


def examine(documents: Documents) -> Examination:
    """Read all documents once and look at them. Memory does not grow with their text.

    Raises:
        CorpusError: a source cannot be read, is not text, or is a folder without text.
    """
    observer = Observer()
    found = survey(map(observer.watch, documents))
    train, validation = _part_sizes(found)
    return Examination(
        sources=documents.sources,
        findings=documents.findings,
        survey=found,
        lines=observer.lines(),
        copies=_copies(found, observer.names),
        beginning=observer.beginning(),
        train_tokens=train,
        validation_tokens=validation,
    )


def _unseen(symbols: dict[str, int]) -> Iterator[str]:
    """A note on characters that nobody sees, if there are any: control and format characters, private ones, U+FFFD."""
    found = [
        f"{count:,} x U+{ord(symbol):04X}" + (f" {name.lower()}" if (name := unicodedata.name(symbol, "")) else "")
        for symbol, count in symbols.items()
        if symbol == "\ufffd" or (unicodedata.category(symbol).startswith("C") and symbol not in "\t\n\r\f")
    ]
    if found:
        more = f" and {len(found) - _LISTED} other kinds" if len(found) > _LISTED else ""
        yield f"characters that show nothing: {', '.join(found[:_LISTED])}{more}: a model will write them, too"


def _part_sizes(found: Survey) -> tuple[int, int]:
    """Ids to train on and to validate with, were it opened as a `TokenCorpus`."""
    if not found.documents:
        return 0, 0
    lengths = found.lengths + (found.documents > 1)  # a boundary before each of several
    ends = np.cumsum(lengths)
    train, validation, _ = split_documents(np.stack([ends - lengths, ends], axis=1), found.hashes)
    return int(np.diff(train).sum()), int(np.diff(validation).sum())


def _copies(found: Survey, names: list[str]) -> Copies:
    _, firsts, kinds = np.unique(found.hashes, return_index=True, return_inverse=True)
    originals: NDArray[np.int64] = firsts[kinds]
    copies = np.flatnonzero(originals != np.arange(found.documents))
    example = None
    if len(copies) and copies[0] < len(names):
        example = names[copies[0]], names[originals[copies[0]]]
    return Copies(len(copies), int(found.lengths[copies].sum()), example)
