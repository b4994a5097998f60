"""The ids of a corpus in a folder, unit by unit, with a journal from which a writer that was broken off goes on.

The journal has a line for each unit: how many bytes its ids take and their SHA-256, how many ids each of its documents
has in it, and a mark that tells what they were made from. A line begins with a checksum of its own; the last one says
that no more follow. A unit is there if its line, its ids and all units before it are intact.
"""

import contextlib
import hashlib
import json
import time
from array import array
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from gen.config import available_threads
from gen.storage import checksum, flush

IDS, JOURNAL = "ids.bin", "units.txt"
"""The files of a folder."""
_END = {"end": True}
_FLUSHED = 10.0  # seconds between two times that what is written is sent to the disk
_TOGETHER = 64  # units that are verified by one call


@dataclass(frozen=True, slots=True, eq=False)
class Ids:
    """The ids of a corpus, memory-mapped, and how many each of its documents has, int64 (n,)."""

    ids: NDArray[np.integer[Any]]
    lengths: NDArray[np.int64]

    @property
    def extents(self) -> NDArray[np.int64]:
        """Begin and end of each document in `ids`, int64 (n, 2)."""
        ends = np.cumsum(self.lengths)
        return np.stack([ends - self.lengths, ends], axis=1)


@dataclass(frozen=True, slots=True)
class _Unit:
    """What the journal says of a unit, but for its documents.

    Attributes:
        size: bytes that its ids take.
        sha256: theirs.
        mark: what they were made from.
        end: where the journal goes on.
    """

    size: int
    sha256: str
    mark: str
    end: int


def open_ids(folder: Path, dtype: np.dtype[Any]) -> Ids | None:
    """What a folder holds; None if it is not there, not complete, or not what was written."""
    lengths = array("q")
    units: list[_Unit] = []
    try:
        complete = False
        with open(folder / JOURNAL, "rb") as journal:
            for values, end in _lines(journal):
                complete = values == _END
                if not complete:
                    units.append(_unit(values, end))
                    first = 0 if values["begins"] else 1
                    if first:
                        lengths[-1] += values["lengths"][0]
                    lengths.extend(values["lengths"][first:])
        data = _mapped(folder / IDS)
    except (OSError, ValueError, TypeError, LookupError):
        return None
    found = Ids(data[: len(data) // dtype.itemsize * dtype.itemsize].view(dtype), np.array(lengths, np.int64))
    whole = len(data) == sum(unit.size for unit in units) == int(found.lengths.sum()) * dtype.itemsize
    return found if complete and whole and _intact(data, units) == len(units) else None


class IdsWriter:
    """Writes the ids of a corpus to a folder; goes on behind the units that are there already.

    Args:
        folder: where, whatever it holds.
    """

    def __init__(self, folder: Path) -> None:
        self._there = _units_there(folder)[::-1]  # the next one last
        self._size, self._end = 0, 0  # of both files, up to where units were taken
        self._flushed: float | None = None  # nothing is written yet
        with contextlib.ExitStack() as stack:
            for name in (IDS, JOURNAL):
                (folder / name).touch()
            self._ids = stack.enter_context(open(folder / IDS, "r+b"))
            self._journal = stack.enter_context(open(folder / JOURNAL, "r+b"))
            self._files = stack.pop_all()

    @property
    def resumes(self) -> bool:
        """Whether there may be units to take."""
        return bool(self._there)

    def take(self, mark: str) -> bool:
        """Whether the next unit is there, made from what `mark` says. If not, it and all after it are to be added."""
        if not self._there or self._there[-1].mark != mark:
            self._there = []
            return False
        unit = self._there.pop()
        self._size += unit.size
        self._end = unit.end
        return True

    def add(self, ids: NDArray[np.integer[Any]], lengths: NDArray[np.int64], mark: str, *, begins: bool) -> None:
        """Write the next unit.

        Args:
            ids: all of its ids.
            lengths: how many each of its documents has in it.
            mark: what they were made from.
            begins: whether the first document begins in this unit.
        """
        data = ids.view(np.uint8)
        digest = hashlib.sha256(data.data).hexdigest()
        documents = lengths.tolist()
        self._write(data, {"size": len(data), "sha256": digest, "mark": mark, "begins": begins, "lengths": documents})

    def end(self) -> None:
        """No unit follows."""
        self._write(np.empty(0, np.uint8), _END)

    def _write(self, data: NDArray[np.uint8], values: dict[str, Any]) -> None:
        now = time.monotonic()
        if self._flushed is None:
            self._flushed = now
            for file, end in ((self._ids, self._size), (self._journal, self._end)):
                file.seek(end)
                file.truncate()
        self._ids.write(data.data)
        self._ids.flush()  # ahead of the line that tells of it
        line = json.dumps(values, separators=(",", ":")).encode()
        self._journal.write(checksum(line).encode() + b" " + line + b"\n")
        self._journal.flush()
        if now >= self._flushed + _FLUSHED:
            flush(self._ids, self._journal)
            self._flushed = now

    def __enter__(self) -> "IdsWriter":
        return self

    def __exit__(self, *_: object) -> None:
        self._files.close()


def _lines(journal: IO[bytes]) -> Iterator[tuple[dict[str, Any], int]]:
    """The intact lines at the beginning of a journal, each with where the next one begins."""
    end = 0
    for line in journal:
        said, _, values = line.rstrip(b"\n").partition(b" ")
        if not line.endswith(b"\n") or checksum(values).encode() != said:
            return
        end += len(line)
        yield json.loads(values), end


def _unit(values: dict[str, Any], end: int) -> _Unit:
    return _Unit(values["size"], values["sha256"], values["mark"], end)


def _units_there(folder: Path) -> list[_Unit]:
    """The units in a folder that are intact."""
    try:
        with open(folder / JOURNAL, "rb") as journal:
            units = [_unit(values, end) for values, end in _lines(journal) if values != _END]
        return units[: _intact(_mapped(folder / IDS), units)]
    except FileNotFoundError:
        return []


def _mapped(path: Path) -> NDArray[np.uint8]:
    return np.memmap(path, np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)


def _intact(data: NDArray[np.uint8], units: Sequence[_Unit]) -> int:
    """How many units are what was written, up to the first that is not."""
    ends = np.cumsum([unit.size for unit in units], dtype=np.int64).tolist()

    def broken(first: int) -> int | None:
        for number in range(first, min(first + _TOGETHER, len(units))):
            unit = units[number]
            if hashlib.sha256(data.data[ends[number] - unit.size : ends[number]]).hexdigest() != unit.sha256:
                return number
        return None

    with ThreadPoolExecutor(available_threads()) as pool:  # hashing leaves the interpreter to others
        found = pool.map(broken, range(0, len(units), _TOGETHER))
        return next((number for number in found if number is not None), len(units))
