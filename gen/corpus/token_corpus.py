"""A corpus as ids: its documents read, their ids on disk, one part to train on and one to validate with."""

import os
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from gen.corpus.documents import DEFAULT_OPTIONS, ReadingOptions, find_documents, source_name
from gen.corpus.findings import Findings
from gen.corpus.id_cache import caching_ids
from gen.corpus.id_file import Ids
from gen.corpus.medium import medium_of
from gen.corpus.music_corpus import MusicCorpus, open_music
from gen.corpus.music_documents import find_music
from gen.corpus.parts import Part, split_documents
from gen.corpus.piece import PieceFacts
from gen.corpus.readers import shown
from gen.corpus.survey import surveying
from gen.errors import CorpusError, TokenizerError
from gen.music.statistics import distribution
from gen.progress import Reading, ReadingFiles, ReadingText, result_of, told_as
from gen.storage import cache_folder
from gen.tokenizers import MidiTokenizer, TextTokenizer
from gen.tokenizers.fitting import Tokens, fit_text

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

MINIMUM = 200
"""Characters below which there is nothing to learn from, nor to validate with."""
MINIMUM_NOTES = 100
"""Notes below which there is nothing to learn from, nor to validate with."""

_T = TypeVar("_T")
_Sources = str | os.PathLike[str] | Sequence[str | os.PathLike[str]]


class TokenCorpus:
    """The ids of all documents on disk, memory-mapped, and how they are split. Made by `open`.

    Attributes:
        tokenizer: what turned documents into ids.
        train: the part to learn from.
        validation: the part to measure with; shares no id with `train`.
        notices: what the user should know of how the corpus was read.
        provenance: where it comes from and what it is, as JSON values; equal for equal sources and content.
    """

    def __init__(
        self,
        *,
        tokenizer: "AnyTokenizer",
        parts: tuple[Part, Part],
        notices: Sequence[str],
        provenance: dict[str, Any],
    ) -> None:
        self.tokenizer = tokenizer
        self.train, self.validation = parts
        self.notices = tuple(notices)
        self.provenance = provenance

    @property
    def whole(self) -> Part:
        """Both parts as one, in the order of the corpus."""
        extents = np.concatenate([self.train.extents, self.validation.extents])
        return Part(self.train.ids, extents[np.argsort(extents[:, 0])], self.tokenizer)

    @classmethod
    def open(
        cls,
        sources: _Sources,
        *,
        options: ReadingOptions = DEFAULT_OPTIONS,
        tokenizer: "AnyTokenizer | None" = None,
        known: "AnyTokenizer | None" = None,
        cache: Path | None = None,
    ) -> "TokenCorpus":
        """Read a corpus: its files always, so that a change is noticed; its ids are written only if need be.

        Args:
            sources: files, folders, patterns, "-" or "@name" (see `find_documents`, `find_music`).
            options: how to read them.
            tokenizer: that of a model to go on with; None fits one to the corpus.
            known: of the model to start from: a fitted tokenizer has its symbols, too (see `fit_text`); of music, its
                clock.
            cache: folder for the ids, in place of the user's cache.

        Raises:
            CorpusError: missing, unreadable, neither text nor music, both, or too small.
            MidiError: with `options.strict`, a MIDI file that cannot be read.
            TokenizerError: the tokenizer given is for another medium or clock, or lacks characters of the corpus.
            StorageError: the ids cannot be written.
        """
        return result_of(cls.opening(sources, options=options, tokenizer=tokenizer, known=known, cache=cache))

    @classmethod
    def opening(
        cls,
        sources: _Sources,
        *,
        options: ReadingOptions = DEFAULT_OPTIONS,
        tokenizer: "AnyTokenizer | None" = None,
        known: "AnyTokenizer | None" = None,
        cache: Path | None = None,
    ) -> Generator[Reading, None, "TokenCorpus"]:
        """`open`, as a generator that yields its progress and returns the corpus."""
        given = [sources] if isinstance(sources, str | os.PathLike) else sources
        names = [os.fspath(source) for source in given]
        medium = options.medium or medium_of(names)
        for fixed in (tokenizer, known):
            if fixed is not None and fixed.medium != medium:
                raise TokenizerError(f"the corpus is {medium}; the model's tokenizer is for {fixed.medium}")
        folder = (cache or cache_folder()) / "corpora"
        if medium == "music":
            return (yield from cls._open_music(names, options, tokenizer or known, folder))
        assert not isinstance(tokenizer, MidiTokenizer)
        assert not isinstance(known, MidiTokenizer)
        return (yield from cls._open_text(names, options, tokenizer, known, folder))

    @classmethod
    def _open_text(
        cls,
        sources: Sequence[str],
        options: ReadingOptions,
        tokenizer: TextTokenizer | None,
        known: TextTokenizer | None,
        folder: Path,
    ) -> Generator[ReadingText, None, "TokenCorpus"]:
        documents = find_documents(sources, options)
        found = yield from told_as(surveying(documents), documents.progress)
        notices = (*documents.findings.notices(), *found.notices())
        if found.characters < MINIMUM:
            raise CorpusError(
                f"{', '.join(map(shown, documents.sources))}: {found.characters} characters of text; "
                f"{MINIMUM} are needed at least, and 100,000 to learn much from: add more text"
            )
        if tokenizer is None:
            tokens = None if options.tokens is None else Tokens.parse(options.tokens)
            tokenizer = fit_text(tokens, found.symbols, found.sample, boundary=found.documents > 1, known=known)
        total = found.bytes
        ids = yield from told_as(
            caching_ids(folder, documents, found, tokenizer), lambda done: ReadingText("tokenising", done, total)
        )
        facts = {
            "sources": list(documents.sources),
            "checksum": found.checksum,
            "documents": found.documents,
            "characters": found.characters,
            "bytes": found.bytes,
        }
        return cls._split(tokenizer, ids, found.hashes, notices, options, facts)

    @classmethod
    def _open_music(
        cls, sources: Sequence[str], options: ReadingOptions, tokenizer: "AnyTokenizer | None", folder: Path
    ) -> Generator[ReadingFiles, None, "TokenCorpus"]:
        assert tokenizer is None or isinstance(tokenizer, MidiTokenizer)
        clock = options.clock
        if tokenizer is not None:
            if clock not in (None, tokenizer.clock):
                raise TokenizerError(f"clock is {clock!r}; the model counts in {tokenizer.clock}: leave it out")
            clock = tokenizer.clock
        findings = Findings()
        documents = find_music(sources, findings)
        found = yield from open_music(documents, findings, clock=clock, strict=options.strict, folder=folder)
        shown_sources = ", ".join(map(shown, sources))
        if found.notes < MINIMUM_NOTES:
            left_out = f"; {findings.left_out_text()}" if findings.left_out else ""
            raise CorpusError(
                f"{shown_sources}: {found.notes} notes in {len(found.names)} pieces{left_out}; {MINIMUM_NOTES} notes "
                "are needed at least, and 5,000 to learn much from: add more MIDI files"
            )
        facts = {
            "sources": [source_name(source) for source in dict.fromkeys(sources)],
            "checksum": found.checksum,
            "documents": len(found.names),
            "notes": found.notes,
            "seconds": round(found.seconds, 3),
            "clock": found.tokenizer.clock,
            "programs": sorted({program for piece in found.facts for program in piece.programs}),
            "tracks": max(piece.tracks for piece in found.facts),
            "drums": any(piece.hits for piece in found.facts),
            "statistics": distribution([piece.statistics[found.tokenizer.clock] for piece in _learned_from(found)]),
        }
        return cls._split(found.tokenizer, found.ids, found.hashes, found.notices(), options, facts)

    @classmethod
    def _split(
        cls,
        tokenizer: "AnyTokenizer",
        ids: Ids,
        hashes: NDArray[np.uint64],
        notices: Sequence[str],
        options: ReadingOptions,
        facts: dict[str, Any],
    ) -> "TokenCorpus":
        train, validation, split = split_documents(ids.extents, hashes)
        parts = Part(ids.ids, train, tokenizer), Part(ids.ids, validation, tokenizer)
        provenance = facts | {
            "medium": tokenizer.medium,
            "options": options.to_dict(),
            "split": split,
            "train_tokens": parts[0].size,
            "validation_tokens": parts[1].size,
        } | _catalogued(facts["sources"])  # fmt: skip
        return cls(tokenizer=tokenizer, parts=parts, notices=notices, provenance=provenance)


def _learned_from(found: MusicCorpus) -> list[PieceFacts]:
    """The pieces that are, or begin, in the training part."""
    train, _, _ = split_documents(found.ids.extents, found.hashes)
    begins = set(train[:, 0].tolist())
    return [
        facts for begin, facts in zip(found.ids.extents[:, 0].tolist(), found.facts, strict=True) if begin in begins
    ]


def _catalogued(sources: Sequence[str]) -> dict[str, Any]:
    """What the catalogue says of each @name among the sources."""
    named = [source for source in sources if source.startswith("@")]
    if not named:
        return {}
    from gen.corpus.catalog import describe  # of no use to other corpora

    return {"catalog": {name: describe(name) for name in named}}
