"""What a model learned from, put in order to be searched for copies: from the cache, or made, which is shown."""

from typing import TYPE_CHECKING, Any

from gen.errors import CorpusError, GenError

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

    from gen.checkpoint import Checkpoint
    from gen.music.score import Score
    from gen.novelty import MusicNovelty, TextNovelty
    from gen.progress import Reading

SMALL = {"bytes": 10_000_000, "notes": 1_000_000}
"""The size of a corpus that is put in order though nobody asked for it: it takes about a second."""


def novelty_of(checkpoint: "Checkpoint", path: str | None = None) -> "TextNovelty | MusicNovelty":
    """The index of the corpus that a model learned from.

    Args:
        checkpoint: the model.
        path: where the corpus is; None takes the index from the cache, or the corpus from where it was.

    Raises:
        CorpusError: the corpus is not available.
        StorageError: the index cannot be written.
    """
    from gen.cli.reading import shown_reading, training_corpus

    kind = _kind(checkpoint)
    found = kind.find(_record(checkpoint), checkpoint.tokenizer) if path is None else None
    if found is not None:
        return found
    try:
        corpus = training_corpus(checkpoint, path)
    except CorpusError as error:
        if path is not None:
            raise
        raise CorpusError(f"{error}: say where it is, --corpus PATH") from error
    making: Generator[Reading, None, TextNovelty | MusicNovelty] = kind.opening(corpus)
    return shown_reading(making)


def novelty_at_hand(checkpoint: "Checkpoint") -> "TextNovelty | MusicNovelty":
    """The index, if it is in the cache or soon made.

    Raises:
        GenError: it is neither, or cannot be had; the message says why.
    """
    record = _record(checkpoint)
    found = _kind(checkpoint).find(record, checkpoint.tokenizer)
    if found is not None:
        return found
    sizes = {unit: record.get(unit, 0) for unit in SMALL}
    large = any(isinstance(size, int) and size > SMALL[unit] for unit, size in sizes.items())
    if large or _to_be_fetched(record.get("sources")):
        raise CorpusError("not looked up, which would take a while: --novelty")
    return novelty_of(checkpoint)


def _kind(checkpoint: "Checkpoint") -> "type[TextNovelty] | type[MusicNovelty]":
    from gen.novelty import MusicNovelty, TextNovelty

    return MusicNovelty if checkpoint.tokenizer.medium == "music" else TextNovelty


def _record(checkpoint: "Checkpoint") -> dict[str, Any]:
    record = checkpoint.provenance.get("corpus")
    return record if isinstance(record, dict) else {}


def _to_be_fetched(sources: object) -> bool:
    """Whether one of the sources is a named corpus that is not here."""
    from gen.corpus.catalog import find

    listed = sources if isinstance(sources, list) else []
    entries = [find(source) for source in listed if isinstance(source, str) and source.startswith("@")]
    return any(not (entry.embedded or entry.cached) for entry in entries)


class Receipts:
    """What keeps samples from copies, and what is said of them when they are written: how much of them is copied.

    Args:
        checkpoint: the model that writes.
        path: of what it learned from; None takes it from where it was.
        length: of runs that are not to be written.
        wanted: None says it where it is soon known.
    """

    def __init__(self, checkpoint: "Checkpoint", path: str | None, length: int | None, *, wanted: bool | None) -> None:
        self._checkpoint = checkpoint
        self._silent = wanted is False
        known = wanted or length is not None or (path is not None and not self._silent)
        self._known = novelty_of(checkpoint, path) if known else None
        self.no_copy = None if self._known is None or length is None else self._known.no_copy(length)

    def tell(self, made: "Sequence[str | Score]") -> None:
        """Say it of each."""
        from gen.cli.novelty import receipt_lines
        from gen.cli.terminal import say

        if self._silent:
            return
        try:
            known = self._known or novelty_at_hand(self._checkpoint)
        except GenError as error:
            say(f"copied: {error}", "dim")
            return
        for number, product in enumerate(made, 1):
            which = f"sample {number}: " if len(made) > 1 else ""
            for line in receipt_lines(known.receipt(product)):  # type: ignore[arg-type]  # they are of one medium
                say(which + line, "dim")
