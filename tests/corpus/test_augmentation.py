"""Varied pieces: a function of seed, epoch and piece; the same ids but for pitches and times; never out of range."""

import numpy as np
import pytest
from numpy.typing import NDArray

from gen.config import Clock
from gen.corpus.augmentation import Augmentation
from gen.corpus.batches import StreamBatches
from gen.music.score import Note, Score
from gen.tokenizers import MidiTokenizer

PIECES = [[60, 64, 67, 72], [48, 50], [70, 71, 72, 73], [36, 84]]


def corpus(clock: Clock) -> tuple[MidiTokenizer, NDArray[np.uint16], NDArray[np.int64]]:
    tokenizer = MidiTokenizer(clock)
    documents = []
    for pitches in PIECES:
        notes = [Note(480 * n, 400, pitch, 80) for n, pitch in enumerate(pitches * 6)]
        hits = [Note(480 * n, 1, 36, 90, drum=True) for n in range(12)]
        ids = tokenizer.encode(Score.of(480, [*notes, *hits]))
        documents.append(np.concatenate([[tokenizer.boundary], ids]).astype(np.uint16))
    ends = np.cumsum([len(ids) for ids in documents])
    return tokenizer, np.concatenate(documents), np.stack([ends - [len(ids) for ids in documents], ends], axis=1)


def augmentation(clock: Clock, transpose: int = 5, stretch: float = 0.1, seed: int = 0) -> Augmentation:
    tokenizer, ids, extents = corpus(clock)
    return Augmentation(tokenizer, ids, extents, transpose=transpose, stretch=stretch, seed=seed)


def varied(clock: Clock, epoch: int, transpose: int = 5, stretch: float = 0.1, seed: int = 0) -> NDArray[np.int64]:
    _, ids, extents = corpus(clock)
    pieces = np.repeat(np.arange(len(extents)), extents[:, 1] - extents[:, 0])
    vary = augmentation(clock, transpose, stretch, seed)
    return vary(ids.astype(np.int64), pieces, vary.variation(epoch))


def test_it_is_a_function_of_seed_and_epoch() -> None:
    first = varied("seconds", 3)
    assert np.array_equal(first, varied("seconds", 3))
    assert not np.array_equal(first, varied("seconds", 4))
    assert not np.array_equal(first, varied("seconds", 3, seed=1))


def test_with_nothing_to_vary_nothing_is_varied() -> None:
    for clock in ("seconds", "beats"):
        _, ids, _ = corpus(clock)
        assert np.array_equal(varied(clock, 0, transpose=0, stretch=0.0), ids)


@pytest.mark.parametrize("clock", ["seconds", "beats"])
def test_every_id_stays_of_its_kind_and_drums_stay_what_they_are(clock: Clock) -> None:
    tokenizer, ids, _ = corpus(clock)
    table = tokenizer.table
    borders = [table.shift, table.velocity, table.pitch, table.duration, table.drum]
    for epoch in range(20):
        other = varied(clock, epoch)
        assert np.array_equal(np.searchsorted(borders, ids, "right"), np.searchsorted(borders, other, "right"))
        fixed = (ids >= table.drum) | (ids < table.shift) | ((ids >= table.velocity) & (ids < table.pitch))
        assert np.array_equal(other[fixed], ids[fixed])
        if clock == "beats":  # on a grid of beats, times are what they are
            melody = (ids >= table.pitch) & (ids < table.duration)
            assert np.array_equal(other[~melody], ids[~melody])


def test_pieces_move_each_by_its_own_interval_within_the_range_of_the_corpus() -> None:
    vary = augmentation("beats")
    moves = np.array([vary.variation(epoch).semitones for epoch in range(300)])
    lows, highs = (np.array([f(pitches) for pitches in PIECES]) for f in (min, max))
    assert np.all(lows + moves >= 36) and np.all(highs + moves <= 84)
    assert set(moves[:, 0]) == set(range(-5, 6)), "every interval comes"
    assert set(moves[:, 3]) == {0}, "a piece that fills the range stays"
    assert len({tuple(row) for row in moves.tolist()}) > 200


def test_batches_are_varied_by_epoch_and_a_step_is_what_it_was() -> None:
    tokenizer, ids, extents = corpus("beats")

    def batches() -> StreamBatches:
        vary = Augmentation(tokenizer, ids, extents, transpose=5, stretch=0.0, seed=7)
        return StreamBatches(ids, extents, batch_size=2, sequence_length=16, seed=7, augmentation=vary)

    plain = StreamBatches(ids, extents, batch_size=2, sequence_length=16, seed=7)
    steps = 3 * plain.steps_per_epoch
    chunks = [batches().chunk(step) for step in range(steps)]
    again = batches()
    for step in reversed(range(steps)):  # in any order
        chunk = again.chunk(step)
        assert np.array_equal(chunk.inputs, chunks[step].inputs)
        assert np.array_equal(chunk.targets[:-1], chunk.inputs[1:])
    changed = [not np.array_equal(chunks[step].inputs, plain.chunk(step).inputs) for step in range(steps)]
    assert sum(changed) > steps // 2
    table = tokenizer.table
    for step in range(steps):
        untouched = plain.chunk(step).inputs
        melody = (untouched >= table.pitch) & (untouched < table.duration)
        assert np.array_equal(chunks[step].inputs[~melody], untouched[~melody])
