"""A corpus of music: its pieces read, the clock chosen, copies dropped, their ids in the cache."""

import json
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import Clock
from gen.corpus.findings import Findings
from gen.corpus.id_cache import caching
from gen.corpus.id_file import Ids, IdsWriter, open_ids
from gen.corpus.midi_reading import ReadPiece, read_pieces
from gen.corpus.music_documents import MusicDocument
from gen.corpus.piece import PieceFacts
from gen.errors import MidiError
from gen.music.grid import fitting_clock
from gen.progress import ReadingFiles, result_of
from gen.storage import checksum
from gen.tokenizers import MidiTokenizer

_FORMAT = 2
_INDEX = "index.json"
_MENDED = 4  # kinds of mending that a notice lists


@dataclass(frozen=True, slots=True, eq=False)
class MusicCorpus:
    """The pieces of a corpus.

    Attributes:
        tokenizer: by the clock that fits them, or was asked for.
        ids: of all that are kept, each after a boundary.
        hashes: the first 64 bits of the SHA-256 of the ids of each, uint64 (n,).
        names: of each.
        facts: of each.
        copies: pieces with the notes of an earlier one, which are left out: (its name, the earlier one's).
        findings: what reading met.
    """

    tokenizer: MidiTokenizer
    ids: Ids
    hashes: NDArray[np.uint64]
    names: tuple[str, ...]
    facts: tuple[PieceFacts, ...]
    copies: tuple[tuple[str, str], ...]
    findings: Findings

    @property
    def checksum(self) -> str:
        """SHA-256 over the hash and length of each piece, in hexadecimal."""
        return checksum(np.stack([self.hashes, self.ids.lengths.astype(np.uint64)], axis=1).tobytes())

    @property
    def notes(self) -> int:
        """Notes and hits of all pieces."""
        return sum(facts.notes for facts in self.facts)

    @property
    def seconds(self) -> float:
        """How long all of it lasts."""
        return sum(facts.seconds for facts in self.facts)

    def notices(self) -> tuple[str, ...]:
        """What its owner should know of how it was read, a sentence each."""
        notices = list(self.findings.notices())
        mended: dict[str, list[str]] = {}
        for name, facts in zip(self.names, self.facts, strict=True):
            for warning in facts.warnings:
                mended.setdefault(warning, []).append(name)
        if mended:
            frequent = sorted(mended.items(), key=lambda item: -len(item[1]))
            listed = ", ".join(f"{len(names):,} x {what} ({names[0]})" for what, names in frequent[:_MENDED])
            more = f", and {len(frequent) - _MENDED} other kinds" if len(frequent) > _MENDED else ""
            notices.append(f"mended while reading: {listed}{more}")
        if self.copies:
            copy, original = self.copies[0]
            notices.append(
                f"{len(self.copies):,} {'copy' if len(self.copies) == 1 else 'copies'} left out, notes that another "
                f"piece has already: {copy} is {original}"
            )
        return tuple(notices)


def open_music(
    documents: Sequence[MusicDocument], findings: Findings, *, clock: Clock | None, strict: bool, folder: Path
) -> Generator[ReadingFiles, None, MusicCorpus]:
    """Read pieces, or take them from the cache; yields progress.

    Args:
        documents: at least one.
        findings: takes note of pieces that cannot be read.
        clock: None takes the one that fits.
        strict: a piece that cannot be read is an error.
        folder: of the cache.

    Raises:
        MidiError: a piece cannot be read, and `strict` says that it must.
        StorageError: the ids cannot be written.
    """
    path = _place(folder, documents, None)
    found = _read_cache(path)
    if clock is not None and (found is None or found[0]["clock"] != clock):
        path = _place(folder, documents, clock)
        found = _read_cache(path)
    if found is None:
        pieces = yield from read_pieces(documents)
        if strict:
            _refuse_unread(pieces)
        found = result_of(caching(path, lambda: _read_cache(path), lambda new: _write(new, pieces, clock)))
    index, ids = found
    for number, reason in index["unread"]:
        findings.leave_out(documents[number].name, reason)
    if strict and index["unread"]:
        number, reason = index["unread"][0]
        raise MidiError(documents[number].name, f"{reason}: mend it, or leave --strict out")
    findings.files += len(index["kept"]) + len(index["copies"])
    return MusicCorpus(
        tokenizer=MidiTokenizer(index["clock"]),
        ids=ids,
        hashes=np.array(index["hashes"], np.uint64),
        names=tuple(documents[number].name for number in index["kept"]),
        facts=tuple(PieceFacts(**facts) for facts in index["facts"]),
        copies=tuple((documents[copy].name, documents[original].name) for copy, original in index["copies"]),
        findings=findings,
    )


def _place(folder: Path, documents: Sequence[MusicDocument], clock: Clock | None) -> Path:
    """Where in the cache pieces are whose clock was asked for, or (None) chosen to fit."""
    facts = [field.name for field in fields(PieceFacts)]
    content = [document.digest.hex() for document in documents]
    made_from = {"format": _FORMAT, "facts": facts, "pieces": content, "clock": clock}
    return folder / checksum(json.dumps(made_from).encode())[:32]


def _refuse_unread(pieces: Sequence[ReadPiece]) -> None:
    for piece in pieces:
        if piece.facts is None:
            raise MidiError(piece.document.name, f"{piece.error}: mend it, or leave --strict out")


def _read_cache(path: Path) -> tuple[dict[str, Any], Ids] | None:
    try:
        index = json.loads((path / _INDEX).read_bytes())
        kept = len(index["kept"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    ids = open_ids(path, MidiTokenizer.dtype)
    return None if ids is None or len(ids.lengths) != kept else (index, ids)


def _write(new: Path, pieces: Sequence[ReadPiece], clock: Clock | None) -> Iterator[int]:
    """The ids of all pieces by one clock, and what is known of them."""
    read = [(number, piece, piece.facts) for number, piece in enumerate(pieces) if piece.facts is not None]
    onsets = sum(facts.notes for _, _, facts in read)
    clock = clock or fitting_clock(sum(facts.on_grid for _, _, facts in read), onsets)
    index: dict[str, Any] = {name: [] for name in ("kept", "hashes", "facts", "copies")}
    boundary = np.zeros(1, MidiTokenizer.dtype)
    seen: dict[str, int] = {}
    with IdsWriter(new) as writer:
        for number, piece, facts in read:
            ids = piece.ids[clock]
            digest = checksum(ids.tobytes())
            if digest in seen:
                index["copies"].append((number, seen[digest]))
                continue
            seen[digest] = number
            if not writer.take(digest):
                writer.add(np.concatenate([boundary, ids]), np.array([1 + len(ids)]), digest, begins=True)
            index["kept"].append(number)
            index["hashes"].append(int(digest[:16], 16))
            index["facts"].append(facts.to_dict())
            yield number
        writer.end()
    unread = [(number, piece.error) for number, piece in enumerate(pieces) if piece.facts is None]
    (new / _INDEX).write_text(json.dumps(index | {"clock": clock, "unread": unread}), "ascii")
