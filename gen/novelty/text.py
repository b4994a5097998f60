"""How new a text is: what of it stands, letter by letter, in what a model learned from."""

import json
from bisect import bisect_right
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np

from gen.corpus.id_cache import caching
from gen.corpus.token_corpus import TokenCorpus
from gen.novelty.no_copy import NoCopy
from gen.novelty.runs import Run, maximal_runs
from gen.novelty.suffixes import SEPARATOR, SuffixIndex
from gen.novelty.training_text import halves
from gen.progress import ReadingText, result_of, told_as
from gen.storage import cache_folder, checksum
from gen.tokenizers import TextTokenizer

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

LONG = 30
"""Characters from which on a run is called a copy."""
_FORMAT = 1
_UNSEEN = 200_000  # characters of the validation part that are looked at, about
_STRETCH = 20_000  # of them together
_LISTED = 5  # runs of a receipt
_FACTS = "facts.json"


@dataclass(frozen=True, slots=True)
class Copy:
    """A run that a text has word for word from what was learned.

    Attributes:
        text: the run.
        at: characters before it in the text that was looked at.
        source: the document that has it.
        offset: characters before it there.
        line: in which it begins there, from 1 on.
    """

    text: str
    at: int
    source: str
    offset: int
    line: int


@dataclass(frozen=True, slots=True)
class Rate:
    """How much of a text is copied.

    Attributes:
        characters: that it has.
        longest: characters of its longest run.
        share: of its characters that stand in runs of `LONG` characters or more, 0 … 1.
    """

    characters: int
    longest: int
    share: float


@dataclass(frozen=True, slots=True)
class Receipt:
    """What of a text is copied.

    Attributes:
        rate: of the text.
        copies: its longest runs, the longest first.
        unseen: the rate of the part to validate with, which nobody copied; None where there is none.
    """

    rate: Rate
    copies: tuple[Copy, ...]
    unseen: Rate | None


class TextNovelty:
    """What a model learned from, in an order that can be searched. Made by `open`.

    The index takes five bytes on disk for each byte of text, in the user's cache, and seven in memory to be made.

    Example:
        >>> novelty = TextNovelty.open(corpus)
        >>> receipt = novelty.receipt("Once more: the sand and the sea.")
        >>> receipt.rate.longest == len(receipt.copies[0].text)
        True
    """

    def __init__(
        self,
        index: SuffixIndex,
        tokenizer: TextTokenizer,
        names: Sequence[str],
        starts: Sequence[int],
        unseen: Rate | None,
    ) -> None:
        self.unseen = unseen
        self._index = index
        self._tokenizer = tokenizer
        self._names = names
        self._starts = starts

    @classmethod
    def open(cls, corpus: TokenCorpus, *, cache: Path | None = None) -> "TextNovelty":
        """The index of a corpus' training part: from the cache, where it is made on first use.

        Raises:
            CorpusError: the corpus cannot be read again.
            StorageError: the index cannot be written.
        """
        return result_of(cls.opening(corpus, cache=cache))

    @classmethod
    def opening(cls, corpus: TokenCorpus, *, cache: Path | None = None) -> Generator[ReadingText, None, "TextNovelty"]:
        """`open`, as a generator that yields its progress and returns the index."""
        path = index_folder(corpus.provenance, corpus.tokenizer, cache or cache_folder(), _FORMAT)
        total = int(corpus.provenance["bytes"])
        work = caching(path, lambda: cls._read(path, corpus.tokenizer), lambda new: _write(new, corpus))
        return (yield from told_as(work, lambda done: ReadingText("indexing", min(done, total), total)))

    @classmethod
    def find(
        cls, provenance: Mapping[str, Any], tokenizer: "AnyTokenizer", *, cache: Path | None = None
    ) -> "TextNovelty | None":
        """The index of a corpus that need not be at hand any more; None where it is not in the cache.

        Args:
            provenance: what a model remembers of the corpus.
            tokenizer: of the model.
            cache: as in `open`.
        """
        return cls._read(index_folder(provenance, tokenizer, cache or cache_folder(), _FORMAT), tokenizer)

    @classmethod
    def _read(cls, folder: Path, tokenizer: "AnyTokenizer") -> "TextNovelty | None":
        try:
            facts = json.loads((folder / _FACTS).read_bytes())
            index = SuffixIndex.open(folder)
            unseen = facts["unseen"] and Rate(**facts["unseen"])
            return cls(index, cast(TextTokenizer, tokenizer), facts["names"], facts["starts"], unseen)
        except (OSError, ValueError, KeyError, TypeError):  # not there, or not intact
            return None

    def receipt(self, text: str, listed: int = _LISTED) -> Receipt:
        """What of a text is copied."""
        runs = _runs(self._index, text)
        copies = tuple(self._copy(text, run) for run in _longest(runs, listed))
        return Receipt(_rate([text], [runs]), copies, self.unseen)

    def no_copy(self, length: int) -> NoCopy:
        """What keeps a sampler from runs of so many characters (`ConfigError`: they are too few)."""
        return NoCopy.of(self._index, self._tokenizer, length)

    def _copy(self, text: str, run: "_Run") -> Copy:
        document = bisect_right(self._starts, run.place) - 1
        before = self._index.read(self._starts[document], run.place).decode()
        return Copy(text[run.start : run.stop], run.start, self._names[document], len(before), before.count("\n") + 1)


class _Run(NamedTuple):
    """Characters `start` to `stop` of a text, which stand at byte `place` of what was learned."""

    start: int
    stop: int
    place: int

    @property
    def size(self) -> int:
        """Of it, in characters."""
        return self.stop - self.start


def index_folder(provenance: Mapping[str, Any], tokenizer: "AnyTokenizer", cache: Path, version: int) -> Path:
    """Where the index of a corpus is in a cache, once it is made in a version of its format."""
    facts = {name: provenance.get(name) for name in ("checksum", "split", "train_tokens")}
    made_from = {"format": version, "tokenizer": tokenizer.to_dict(), **facts}
    return cache / "novelty" / checksum(json.dumps(made_from, sort_keys=True).encode())[:32]


def _runs(index: SuffixIndex, text: str) -> list[_Run]:
    """The maximal runs of a text that have `LONG` characters or more; where there are none, the longest at least."""
    data = text.encode("utf-8", "surrogatepass")
    begins = (np.frombuffer(data, np.uint8) & 0xC0) != 0x80  # a character does
    before = np.concatenate([[0], begins.cumsum()]).tolist()  # characters that begin before a byte

    def trimmed(run: Run) -> _Run:
        start, stop = run.start, run.stop
        while start < stop and not begins[start]:
            start += 1
        while start < stop < len(data) and not begins[stop]:
            stop -= 1
        return _Run(before[start], before[stop], run.place + start - run.start)

    found = [trimmed(run) for run in maximal_runs(index, data, LONG, lambda run: trimmed(run).size)]
    longest = max((run.size for run in found), default=0)
    return [run for run in found if run.size >= min(longest, LONG)]


def _longest(runs: Sequence[_Run], count: int) -> list[_Run]:
    """The longest runs, without those that for the most part are in longer ones already."""
    longest: list[_Run] = []
    for run in sorted(runs, key=lambda run: (-run.size, run.start)):
        told = sum(max(0, min(run.stop, it.stop) - max(run.start, it.start)) for it in longest)
        if len(longest) < count and 2 * told < run.size:
            longest.append(run)
    return longest


def _rate(texts: Sequence[str], runs: Sequence[Sequence[_Run]]) -> Rate:
    """The rate of texts with these runs."""
    copied = 0
    for its_runs in runs:
        end = 0
        for run in its_runs:  # they overlap, and later ones end later
            if run.size >= LONG:
                copied += run.stop - max(run.start, end)
                end = run.stop
    characters = sum(map(len, texts))
    longest = max((run.size for its_runs in runs for run in its_runs), default=0)
    return Rate(characters, longest, copied / max(1, characters))


def _write(folder: Path, corpus: TokenCorpus) -> Iterator[int]:
    """Make the index, then find the rate of what is not learned from."""
    names: list[str] = []
    starts: list[int] = []
    unseen = _Spread()

    def documents() -> Iterator[bytes]:
        end = 0
        for name, training, validation in halves(corpus, cast(TextTokenizer, corpus.tokenizer)):
            unseen.add(validation.decode())
            if training:
                names.append(name)
                starts.append(end)
                end += len(training) + len(SEPARATOR)
                yield training

    yield from SuffixIndex.writing(folder, documents())
    rate = _rate_of(folder, unseen.kept)
    facts = {"names": names, "starts": starts, "unseen": rate and asdict(rate)}
    (folder / _FACTS).write_text(json.dumps(facts, ensure_ascii=False), "utf-8")


def _rate_of(folder: Path, texts: Sequence[str]) -> Rate | None:
    """The rate of texts by the index in a folder; None where there are none."""
    index = SuffixIndex.open(folder)
    return _rate(texts, [_runs(index, text) for text in texts]) if texts else None


class _Spread:
    """Stretches of a long text, evenly spread over it."""

    def __init__(self) -> None:
        self.kept: list[str] = []
        self._every = 1
        self._met = 0

    def add(self, text: str) -> None:
        """Keep what is due of what comes next."""
        for start in range(0, len(text), _STRETCH):
            if self._met % self._every == 0:
                self.kept.append(text[start : start + _STRETCH])
                if sum(map(len, self.kept)) > _UNSEEN:
                    self.kept, self._every = self.kept[::2], 2 * self._every
            self._met += 1
