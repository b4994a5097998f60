"""A corpus as ids: its documents read, their ids on disk, one part to train on and one to validate with."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gen.corpus.documents import DEFAULT_OPTIONS, ReadingOptions, find_documents
from gen.corpus.id_cache import cached_ids
from gen.corpus.parts import Part, split_documents
from gen.corpus.readers import shown
from gen.corpus.survey import survey
from gen.errors import CorpusError
from gen.storage import cache_folder
from gen.tokenizers import CharTokenizer

MINIMUM = 200
"""Characters below which there is nothing to learn from, nor to validate with."""


class TokenCorpus:
    """The ids of all documents on disk, memory-mapped, and how they are split. Made by `open`.

    Attributes:
        tokenizer: what turned characters into ids.
        train: the part to learn from.
        validation: the part to measure with; shares no id with `train`.
        notices: what the user should know of how the corpus was read.
        provenance: where it comes from and what it is, as JSON values; equal for equal sources and content.
    """

    def __init__(
        self,
        *,
        tokenizer: CharTokenizer,
        parts: tuple[Part, Part],
        notices: Sequence[str],
        provenance: dict[str, Any],
    ) -> None:
        self.tokenizer = tokenizer
        self.train, self.validation = parts
        self.notices = tuple(notices)
        self.provenance = provenance

    @classmethod
    def open(
        cls,
        sources: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
        *,
        options: ReadingOptions = DEFAULT_OPTIONS,
        tokenizer: CharTokenizer | None = None,
        known: CharTokenizer | None = None,
        cache: Path | None = None,
    ) -> "TokenCorpus":
        """Read a corpus: its text always, so that a change is noticed; its ids are written only if need be.

        Args:
            sources: files, folders, patterns, "-" or "@name" (see `find_documents`).
            options: how to read them.
            tokenizer: that of a model to go on with; None fits one to the characters of the corpus.
            known: whose characters a fitted tokenizer has, too, as the model to start from has them.
            cache: folder for the ids, in place of the user's cache.

        Raises:
            CorpusError: missing, unreadable, not text, or too small.
            TokenizerError: the tokenizer given lacks characters of the corpus.
            StorageError: the ids cannot be written.
        """
        documents = find_documents([sources] if isinstance(sources, str | os.PathLike) else sources, options)
        found = survey(documents)
        notices = (*documents.findings.notices(), *found.notices())
        if found.characters < MINIMUM:
            raise CorpusError(
                f"{', '.join(map(shown, documents.sources))}: {found.characters} characters of text; "
                f"{MINIMUM} are needed at least, and 100,000 to learn much from: add more text"
            )
        if tokenizer is None:
            tokenizer = CharTokenizer(found.symbols, boundary=found.documents > 1)
            if known is not None:
                tokenizer = CharTokenizer.union(known, tokenizer)
        ids = cached_ids((cache or cache_folder()) / "corpora", documents, found, tokenizer)
        lengths = found.lengths + (tokenizer.boundary is not None)
        ends = np.cumsum(lengths)
        train, validation, split = split_documents(np.stack([ends - lengths, ends], axis=1), found.hashes)
        parts = Part(ids, train, tokenizer), Part(ids, validation, tokenizer)
        provenance = {
            "sources": list(documents.sources),
            "options": options.to_dict(),
            "checksum": found.checksum,
            "documents": found.documents,
            "characters": found.characters,
            "bytes": found.bytes,
            "split": split,
            "train_tokens": parts[0].size,
            "validation_tokens": parts[1].size,
        } | _catalogued(documents.sources)
        return cls(tokenizer=tokenizer, parts=parts, notices=notices, provenance=provenance)


def _catalogued(sources: Sequence[str]) -> dict[str, Any]:
    """What the catalogue says of each @name among the sources."""
    named = [source for source in sources if source.startswith("@")]
    if not named:
        return {}
    from gen.corpus.catalog import describe  # of no use to other corpora

    return {"catalog": {name: describe(name) for name in named}}
