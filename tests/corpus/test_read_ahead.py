"""What the disk is asked for before it is read; and that nothing else changes."""

import mmap
from pathlib import Path

import numpy as np
import pytest

from gen.corpus import read_ahead
from gen.corpus.batches import StreamBatches
from gen.corpus.read_ahead import ReadAhead
from gen.corpus.token_corpus import TokenCorpus

pytestmark = pytest.mark.skipif(not hasattr(mmap, "MADV_WILLNEED"), reason="this system takes no such advice")
SIZE = 50_001


@pytest.fixture
def ids(tmp_path: Path) -> "np.memmap[tuple[int, ...], np.dtype[np.uint16]]":
    np.arange(SIZE, dtype=np.uint16).tofile(tmp_path / "ids.bin")
    return np.memmap(tmp_path / "ids.bin", np.uint16, mode="r")


class Recorder:
    """In place of the map; remembers which bytes were asked for, and when."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def __len__(self) -> int:
        return 2 * SIZE

    def madvise(self, option: int, begin: int, length: int) -> None:
        assert option == mmap.MADV_WILLNEED
        assert begin % mmap.PAGESIZE == 0
        assert 0 < length <= 2 * SIZE - begin
        self.asked.append((begin, begin + length))


@pytest.mark.parametrize("documents", [1, 40])
def test_chunks_of_a_map_are_those_of_an_array(ids: np.memmap, documents: int) -> None:
    ends = np.linspace(0, SIZE, documents + 1).astype(np.int64)
    extents = np.stack([ends[:-1], ends[1:]], axis=1)
    mapped, held = (
        StreamBatches(source, extents, batch_size=4, sequence_length=100, seed=1) for source in (ids, np.array(ids))
    )
    assert mapped._read_ahead.useful and not held._read_ahead.useful
    for step in (0, 1, 2, 70, 123, 124, 125, 126, 250, 3, 4):  # on, over an epoch's end, back
        assert np.array_equal(mapped.chunk(step).inputs, held.chunk(step).inputs)
        assert np.array_equal(mapped.chunk(step).targets, held.chunk(step).targets)


@pytest.mark.parametrize("documents", [1, 40])
def test_where_a_stream_goes_on_was_asked_for_steps_before(
    ids: np.memmap,
    documents: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(read_ahead, "_WINDOW", mmap.PAGESIZE)
    ends = np.linspace(0, SIZE, documents + 1).astype(np.int64)
    streams = StreamBatches(ids, np.stack([ends[:-1], ends[1:]], axis=1), batch_size=4, sequence_length=100, seed=1)
    recorder = Recorder()
    streams._read_ahead._map = recorder  # type: ignore[assignment]
    known = []  # how much had been asked for before each step
    for step in range(2 * streams.steps_per_epoch):
        known.append(len(recorder.asked))
        places = 2 * streams.chunk(step).inputs[0]  # an id is its own place
        index = step % streams.steps_per_epoch
        before = recorder.asked[: known[step - 7]] if index >= 16 else recorder.asked
        for place in places.tolist():
            assert any(begin <= place < end for begin, end in before)
    assert len(recorder.asked) < 2 * streams.steps_per_epoch * 4 / (5 if documents == 1 else 1)


def test_only_a_whole_map_is_asked(ids: np.memmap, tmp_path: Path) -> None:
    assert ReadAhead(ids).useful
    assert ReadAhead(ids.view(np.uint8)).useful
    assert not ReadAhead(ids[1:]).useful
    assert not ReadAhead(np.array(ids)).useful


def test_the_ids_of_a_corpus_are_a_whole_map(corpus: TokenCorpus) -> None:
    assert ReadAhead(corpus.train.ids).useful
