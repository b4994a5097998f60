from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gen.corpus import id_file
from gen.corpus.id_file import IDS, JOURNAL, Ids, IdsWriter, open_ids

DTYPE = np.dtype(np.uint16)
# (ids of each document, whether the first begins here): three documents, the second one in three units
UNITS: Sequence[tuple[list[list[int]], bool]] = [
    ([[1, 2, 300], [4]], True),
    ([[5, 6]], False),
    ([[7], [8, 9, 10, 11]], False),
]
ALL = list(map(int, "1 2 300 4 5 6 7 8 9 10 11".split()))
LENGTHS = [3, 4, 4]


def write(folder: Path, units: Sequence[tuple[list[list[int]], bool]] = UNITS) -> list[bool]:
    """Take what is there, add the rest; which were there."""
    taken = []
    with IdsWriter(folder) as writer:
        for ids, begins in units:
            taken.append(writer.take(repr(ids)))
            if not taken[-1]:
                writer.add(np.array(list(chain(*ids)), DTYPE), np.array(list(map(len, ids))), repr(ids), begins=begins)
        writer.end()
    return taken


def contents(folder: Path) -> tuple[bytes, bytes]:
    return (folder / IDS).read_bytes(), (folder / JOURNAL).read_bytes()


def opened(folder: Path) -> Ids:
    found = open_ids(folder, DTYPE)
    assert found is not None
    return found


def test_what_is_written_is_read(tmp_path: Path) -> None:
    assert write(tmp_path) == [False, False, False]
    found = opened(tmp_path)
    assert found.ids.tolist() == ALL
    assert found.ids.dtype == DTYPE
    assert isinstance(found.ids.base, np.memmap)
    assert found.lengths.tolist() == LENGTHS
    assert found.extents.tolist() == [[0, 3], [3, 7], [7, 11]]


def test_nothing_is_a_corpus_too(tmp_path: Path) -> None:
    assert open_ids(tmp_path, DTYPE) is None
    assert write(tmp_path, []) == []
    assert len(opened(tmp_path).ids) == len(opened(tmp_path).lengths) == 0


def test_a_writer_goes_on_behind_what_is_intact_wherever_it_was_broken_off(tmp_path: Path) -> None:
    write(tmp_path)
    ids, journal = contents(tmp_path)
    lines = [line for line in journal.splitlines(keepends=True)]
    for name, data in ((IDS, ids), (JOURNAL, journal)):
        for size in range(len(data)):
            (tmp_path / name).write_bytes(data[:size])
            assert open_ids(tmp_path, DTYPE) is None
            taken = write(tmp_path)
            assert taken == sorted(taken, reverse=True)
            whole = 8 <= size, 12 <= size, False
            if name == IDS:
                assert taken == [*whole[:2], False]
            else:
                assert taken == [size >= sum(map(len, lines[: n + 1])) for n in range(3)]
            assert contents(tmp_path) == (ids, journal)


def test_any_flipped_bit_is_noticed_and_mended(tmp_path: Path) -> None:
    write(tmp_path)
    before = contents(tmp_path)
    for number, name in enumerate((IDS, JOURNAL)):
        for place in range(len(before[number])):
            data = bytearray(before[number])
            data[place] ^= 1 << place % 8
            (tmp_path / name).write_bytes(data)
            assert open_ids(tmp_path, DTYPE) is None
            write(tmp_path)
            assert contents(tmp_path) == before


def test_what_stands_behind_the_ids_is_noticed(tmp_path: Path) -> None:
    write(tmp_path)
    before = contents(tmp_path)
    with open(tmp_path / IDS, "ab") as file:
        file.write(b"x")
    assert open_ids(tmp_path, DTYPE) is None
    assert write(tmp_path) == [True, True, True]
    assert contents(tmp_path) == before


def test_what_was_made_from_something_else_is_made_again(tmp_path: Path) -> None:
    write(tmp_path)
    other = [UNITS[0], ([[5, 7]], False), UNITS[2]]
    assert write(tmp_path, other) == [True, False, False]
    assert opened(tmp_path).ids.tolist() == [1, 2, 300, 4, 5, 7, 7, 8, 9, 10, 11]
    assert write(tmp_path, other[:1]) == [True]
    assert opened(tmp_path).ids.tolist() == ALL[:4]


class Killed(BaseException):
    pass


def test_killed_at_any_write_it_ends_with_the_same_ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "whole").mkdir()
    write(tmp_path / "whole")
    folder = tmp_path / "killed"
    folder.mkdir()
    add = IdsWriter._write
    writes = 0

    def torn(self: IdsWriter, data: NDArray[np.uint8], values: dict[str, Any]) -> None:
        nonlocal writes
        writes += 1
        if writes % 2:  # every other write fails, in the middle of the ids or of the line
            add(self, data, values)
            for file in (self._journal, self._ids)[: 1 + writes // 2 % 2]:
                file.truncate(file.tell() - 1)
            raise Killed
        add(self, data, values)

    monkeypatch.setattr(IdsWriter, "_write", torn)
    for _ in range(20):
        try:
            write(folder)
            break
        except Killed:
            continue
    assert 4 < writes < 20
    assert contents(folder) == contents(tmp_path / "whole")


def test_what_is_written_goes_to_the_disk_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flushed = []
    monkeypatch.setattr(id_file, "_FLUSHED", 0.0)
    monkeypatch.setattr(id_file, "flush", lambda *files: flushed.append([Path(file.name).name for file in files]))
    write(tmp_path)
    assert flushed == [[IDS, JOURNAL]] * 4  # ids ahead of the line that tells of them


def test_many_units_are_verified_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_file, "_TOGETHER", 3)
    units = [([[number, number]], True) for number in range(20)]
    write(tmp_path, units)
    assert opened(tmp_path).lengths.tolist() == [2] * 20
    data = bytearray(contents(tmp_path)[0])
    data[4 * 13] ^= 1
    (tmp_path / IDS).write_bytes(data)
    assert write(tmp_path, units) == [True] * 13 + [False] * 7
