"""How new a piece of music is: which of its passages stand, in any key, tempo and band, in what was learned from."""

import json
from bisect import bisect_right
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from gen.corpus.findings import Findings
from gen.corpus.id_cache import caching
from gen.corpus.music_corpus import open_music
from gen.corpus.music_documents import find_music
from gen.corpus.parts import Part
from gen.corpus.token_corpus import TokenCorpus
from gen.music.score import Score
from gen.novelty.music_lines import SPREAD, Line, Notes
from gen.novelty.no_copy_music import NoCopyMusic
from gen.novelty.runs import Run, maximal_runs
from gen.novelty.suffixes import SEPARATOR, SuffixIndex
from gen.novelty.text import index_folder
from gen.progress import ReadingFiles, result_of
from gen.storage import cache_folder
from gen.tokenizers import MidiTokenizer

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

LONG_PASSAGE = 24
"""Notes from which on a passage is called a copy: seven in ten unseen pop songs have none as long (POP909)."""
_FORMAT = 1
_UNSEEN = 100  # pieces of the validation part that are looked at, at most
_LISTED = 5  # passages of a receipt
_VARIED = 4  # different symbols that a passage has, at least: what has fewer is a note that is repeated, or a scale
_FACTS, _PITCHES, _SECONDS = "facts.json", "pitches.u8", "seconds.f4"


@dataclass(frozen=True, slots=True)
class Passage:
    """Notes that a piece shares with one that was learned from.

    Attributes:
        notes: how many.
        track: that has them, or `ALL_TRACKS` where they come from several.
        begin: their first onset, in seconds.
        end: their last.
        source: the piece that has them, too.
        source_track: as `track`, there.
        source_begin: as `begin`, there.
        source_end: as `end`, there.
        semitones: how much higher they are here.
    """

    notes: int
    track: int
    begin: float
    end: float
    source: str
    source_track: int
    source_begin: float
    source_end: float
    semitones: int


@dataclass(frozen=True, slots=True)
class MusicRate:
    """How much of some music is shared.

    Attributes:
        notes: that it has, without drums.
        longest: notes of its longest passage.
        share: of its notes that stand in passages of `LONG_PASSAGE` notes or more, 0 … 1.
    """

    notes: int
    longest: int
    share: float


@dataclass(frozen=True, slots=True)
class MusicReceipt:
    """What of a piece is shared.

    Attributes:
        rate: of the piece.
        passages: its longest passages, the longest first.
        unseen: the rate of pieces to validate with, which nobody copied; None where there are none.
    """

    rate: MusicRate
    passages: tuple[Passage, ...]
    unseen: MusicRate | None


class MusicNovelty:
    """What a model of music learned from, in an order that can be searched. Made by `open`.

    A passage is shared where its intervals and the proportions of its rhythm are the same: in any transposition, tempo
    and band. Drums are left out, and so are passages of fewer than four different steps.
    """

    def __init__(self, index: SuffixIndex, tokenizer: MidiTokenizer, facts: Mapping[str, Any], folder: Path) -> None:
        self.unseen = facts["unseen"] and MusicRate(**facts["unseen"])
        self._index = index
        self._tokenizer = tokenizer
        self._pieces: list[str] = facts["pieces"]
        self._lines: list[tuple[int, int, int]] = facts["lines"]  # start, piece, track
        self._starts = [start for start, _, _ in self._lines]
        self._pitches = np.memmap(folder / _PITCHES, np.uint8, "r")
        self._seconds = np.memmap(folder / _SECONDS, np.float32, "r")

    @classmethod
    def open(cls, corpus: TokenCorpus, *, cache: Path | None = None) -> "MusicNovelty":
        """The index of a corpus' training part: from the cache, where it is made on first use.

        Raises:
            CorpusError: the corpus cannot be read again.
            StorageError: the index cannot be written.
        """
        return result_of(cls.opening(corpus, cache=cache))

    @classmethod
    def opening(
        cls, corpus: TokenCorpus, *, cache: Path | None = None
    ) -> Generator[ReadingFiles, None, "MusicNovelty"]:
        """`open`, as a generator that yields its progress and returns the index."""
        folder, tokenizer = cache or cache_folder(), cast(MidiTokenizer, corpus.tokenizer)
        path = index_folder(corpus.provenance, tokenizer, folder, _FORMAT)
        found = cls._read(path, tokenizer)
        if found is not None:
            return found
        findings = Findings()
        documents = find_music(corpus.provenance["sources"], findings)
        music = yield from open_music(
            documents, findings, clock=tokenizer.clock, strict=False, folder=folder / "corpora"
        )
        names = dict(zip(music.ids.extents[:, 0].tolist(), music.names, strict=True))
        return result_of(
            caching(path, lambda: cls._read(path, tokenizer), lambda new: _write(new, corpus, tokenizer, names))
        )

    @classmethod
    def find(
        cls, provenance: Mapping[str, Any], tokenizer: "AnyTokenizer", *, cache: Path | None = None
    ) -> "MusicNovelty | None":
        """The index of a corpus that need not be at hand any more; None where it is not in the cache.

        Args:
            provenance: what a model remembers of the corpus.
            tokenizer: of the model.
            cache: as in `open`.
        """
        path = index_folder(provenance, tokenizer, cache or cache_folder(), _FORMAT)
        return cls._read(path, cast(MidiTokenizer, tokenizer))

    @classmethod
    def _read(cls, folder: Path, tokenizer: MidiTokenizer) -> "MusicNovelty | None":
        try:
            facts = json.loads((folder / _FACTS).read_bytes())
            return cls(SuffixIndex.open(folder), tokenizer, facts, folder)
        except (OSError, ValueError, KeyError, TypeError):  # not there, or not intact
            return None

    def receipt(self, score: Score, listed: int = _LISTED) -> MusicReceipt:
        """What of a piece is shared."""
        notes = Notes.of(self._tokenizer.encode(score), self._tokenizer.table)
        found = _shared(self._index, notes)
        passages = tuple(self._passage(notes, line, run) for line, run in _longest(notes, found, listed))
        return MusicReceipt(_rate([notes], [found]), passages, self.unseen)

    def no_copy(self, length: int) -> NoCopyMusic:
        """What keeps a sampler from passages of so many notes (`ConfigError`: they are too few)."""
        return NoCopyMusic(self._index, length, SPREAD[self._tokenizer.clock])

    def _passage(self, notes: Notes, line: Line, run: Run) -> Passage:
        first, last = line.notes[run.start], line.notes[run.stop]
        number = bisect_right(self._starts, run.place) - 1
        _, piece, track = self._lines[number]
        count = run.stop - run.start
        return Passage(
            notes=count + 1,
            track=line.track,
            begin=float(notes.seconds[first]),
            end=float(notes.seconds[last]),
            source=self._pieces[piece],
            source_track=track,
            source_begin=float(self._seconds[run.place]),
            source_end=float(self._seconds[run.place + count]),
            semitones=int(notes.pitches[first]) - int(self._pitches[run.place]),
        )


def _shared(index: SuffixIndex, notes: Notes) -> list[tuple[Line, Run]]:
    """The passages of a piece that have `LONG_PASSAGE` notes or more; before the first of them, ever longer ones."""

    def size(line: Line, run: Run) -> int:
        varied = len(set(line.symbols[run.start : run.stop])) >= _VARIED
        return run.stop - run.start if varied else 0

    return [
        (line, run)
        for line in notes.lines()
        for run in maximal_runs(index, line.symbols, LONG_PASSAGE - 1, lambda run, line=line: size(line, run))  # type: ignore[misc]
    ]


def _longest(notes: Notes, found: Sequence[tuple[Line, Run]], count: int) -> list[tuple[Line, Run]]:
    """The longest passages, without those that for the most part are in longer ones already."""
    told = np.zeros(len(notes.steps), np.bool_)
    longest: list[tuple[Line, Run]] = []
    for line, run in sorted(found, key=lambda it: it[1].start - it[1].stop):
        places = line.notes[run.start : run.stop + 1]
        if len(longest) < count and 2 * int(told[places].sum()) < len(places):
            longest.append((line, run))
            told[places] = True
    return longest


def _rate(pieces: Sequence[Notes], found: Sequence[Sequence[tuple[Line, Run]]]) -> MusicRate:
    """The rate of pieces with these passages."""
    copied = 0
    for notes, passages in zip(pieces, found, strict=True):
        marked = np.zeros(len(notes.steps), np.bool_)
        for line, run in passages:
            if run.stop - run.start >= LONG_PASSAGE - 1:
                marked[line.notes[run.start : run.stop + 1]] = True
        copied += int(marked.sum())
    total = sum(len(notes.steps) for notes in pieces)
    longest = max((run.stop - run.start + 1 for passages in found for _, run in passages), default=0)
    return MusicRate(total, longest, copied / max(1, total))


def _stretches(part: Part, tokenizer: MidiTokenizer) -> Iterator[tuple[int, Notes]]:
    """Where in the corpus each piece of a part begins, and its notes."""
    for begin, end in part.extents.tolist():
        yield begin, Notes.of(part.ids[begin:end], tokenizer.table)


def _write(folder: Path, corpus: TokenCorpus, tokenizer: MidiTokenizer, names: Mapping[int, str]) -> Iterator[int]:
    """Make the index, then find the rate of what is not learned from."""
    pieces: list[str] = []
    lines: list[tuple[int, int, int]] = []
    pitches: list[NDArray[np.integer[Any]]] = []
    seconds: list[NDArray[np.floating[Any]]] = []

    def symbols() -> Iterator[bytes]:
        end = 0
        for begin, notes in _stretches(corpus.train, tokenizer):
            pieces.append(names[begin])
            for line in notes.lines():
                lines.append((end, len(pieces) - 1, line.track))
                pitches.append(notes.pitches[line.notes].astype(np.uint8))
                seconds.append(notes.seconds[line.notes].astype(np.float32))
                end += len(line.symbols) + len(SEPARATOR)
                yield line.symbols

    yield from SuffixIndex.writing(folder, symbols())
    np.concatenate(pitches).tofile(folder / _PITCHES)
    np.concatenate(seconds).tofile(folder / _SECONDS)
    unseen = [notes for _, notes in _stretches(corpus.validation, tokenizer) if len(notes.steps)]
    rate = _rate_of(folder, unseen[:: -(-len(unseen) // _UNSEEN) or 1])
    facts = {"pieces": pieces, "lines": lines, "unseen": rate and asdict(rate)}
    (folder / _FACTS).write_text(json.dumps(facts, ensure_ascii=False), "utf-8")


def _rate_of(folder: Path, pieces: Sequence[Notes]) -> MusicRate | None:
    """The rate of pieces by the index in a folder; None where there are none."""
    index = SuffixIndex.open(folder)
    return _rate(pieces, [_shared(index, notes) for notes in pieces]) if pieces else None
