"""What a corpus of music is like before anybody trains on it: every piece read, and whether they are enough."""

from collections import Counter
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from gen.config import Clock
from gen.corpus.documents import ReadingOptions, source_name
from gen.corpus.findings import Findings
from gen.corpus.music_corpus import MusicCorpus, open_music
from gen.corpus.music_documents import find_music
from gen.corpus.parts import split_documents
from gen.corpus.readers import shown
from gen.corpus.token_corpus import MINIMUM_NOTES
from gen.errors import CorpusError
from gen.progress import ReadingFiles
from gen.storage import cache_folder

ENOUGH_NOTES = 5_000
"""Notes from which a model learns what a bar of such music is like, if not much more."""
PLENTY_NOTES = 200_000
"""Notes that keep a small model busy."""

Verdict = Literal["nothing", "too little", "little", "enough", "plenty"]


@dataclass(frozen=True, slots=True, eq=False)
class MusicExamination:
    """What was found.

    Attributes:
        sources: where the corpus comes from.
        corpus: its pieces.
        train_tokens: ids that a model would learn from.
        validation_tokens: ids that it would be measured with.
    """

    sources: tuple[str, ...]
    corpus: MusicCorpus
    train_tokens: int
    validation_tokens: int

    @property
    def clock(self) -> Clock:
        """By which it would be cut."""
        return self.corpus.tokenizer.clock

    @property
    def on_grid(self) -> float:
        """Share of all onsets on the grid of beats."""
        return sum(facts.on_grid for facts in self.corpus.facts) / max(1, self.corpus.notes)

    @property
    def merged(self) -> int:
        """Notes that would be left out, for beginning with another of their track and pitch."""
        return sum(facts.merged[self.clock] for facts in self.corpus.facts)

    @property
    def shortened(self) -> int:
        """Notes that would be cut, since another of their track and pitch begins."""
        return sum(facts.shortened[self.clock] for facts in self.corpus.facts)

    @property
    def programs(self) -> Counter[int]:
        """In how many pieces each instrument plays."""
        return Counter(program for facts in self.corpus.facts for program in facts.programs)

    @property
    def verdict(self) -> Verdict:
        """Whether it is enough, copies not counted."""
        notes = self.corpus.notes
        if notes < MINIMUM_NOTES:
            return "too little" if notes else "nothing"
        return "little" if notes < ENOUGH_NOTES else "enough" if notes < PLENTY_NOTES else "plenty"

    def judgement(self) -> str:
        """The verdict as a sentence."""
        pieces = len(self.corpus.names)
        found = f"{self.corpus.notes:,} notes in {pieces:,} {'piece' if pieces == 1 else 'pieces'}"
        match self.verdict:
            case "nothing":
                return "nothing to learn: there are no notes in it"
            case "too little":
                return f"too little: {found}; {MINIMUM_NOTES} notes are needed at least, {ENOUGH_NOTES:,} to learn from"
            case "little":
                return f"too little to learn much: {found}; {ENOUGH_NOTES:,} notes at least are needed"
            case "enough":
                return f"enough for short experiments: {found}; {PLENTY_NOTES:,} notes are better"
            case "plenty":
                return f"plenty: {found}"

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        corpus = self.corpus
        pieces = [{"name": name} | facts.to_dict() for name, facts in zip(corpus.names, corpus.facts, strict=True)]
        return {
            "medium": "music",
            "sources": list(self.sources),
            "files": corpus.findings.files,
            "left_out": [
                {"reason": reason, "files": count, "first": first}
                for reason, (count, first) in corpus.findings.left_out.items()
            ],
            "checksum": corpus.checksum,
            "pieces": pieces,
            "copies": [{"name": copy, "of": original} for copy, original in corpus.copies],
            "notes": corpus.notes,
            "seconds": round(corpus.seconds, 3),
            "clock": self.clock,
            "on_grid": round(self.on_grid, 6),
            "merged": self.merged,
            "shortened": self.shortened,
            "train_tokens": self.train_tokens,
            "validation_tokens": self.validation_tokens,
            "verdict": self.verdict,
            "judgement": self.judgement(),
        }


def examine_music(
    sources: Sequence[str], options: ReadingOptions, cache: Path | None = None
) -> Generator[ReadingFiles, None, MusicExamination]:
    """Read all pieces, or take them from the cache; yields progress.

    Raises:
        CorpusError: a source does not exist, is a folder without MIDI files, or no piece can be read.
        MidiError: with `options.strict`, a piece cannot be read.
    """
    findings = Findings()
    documents = find_music(sources, findings)
    folder = (cache or cache_folder()) / "corpora"
    corpus = yield from open_music(documents, findings, clock=options.clock, strict=options.strict, folder=folder)
    if not corpus.names:
        raise CorpusError(f"{', '.join(map(shown, sources))}: no piece can be read: {findings.left_out_text()}")
    train, validation, _ = split_documents(corpus.ids.extents, corpus.hashes)
    sizes = [int(np.diff(part).sum()) for part in (train, validation)]
    return MusicExamination(tuple(map(source_name, dict.fromkeys(sources))), corpus, *sizes)
