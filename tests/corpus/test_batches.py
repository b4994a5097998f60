"""Streams for truncated back-propagation: what each chunk holds, over all ways to lay out documents."""

import random
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.corpus.batches import StreamBatches, steps_per_epoch
from gen.errors import CorpusError

law = settings(max_examples=60, deadline=None, derandomize=True)


def laid_out(lengths: list[int], gap: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids that each tell where they stand, and the extents of documents of these lengths, `gap` ids between them."""
    begins = np.cumsum([gap, *(length + gap for length in lengths)])[:-1]
    return np.arange(sum(lengths) + gap * (len(lengths) + 1)), np.stack([begins, begins + lengths], axis=1)


def batches(
    lengths: list[int], batch_size: int = 2, sequence_length: int = 3, seed: int = 0, gap: int = 0
) -> StreamBatches:
    ids, extents = laid_out(lengths, gap)
    return StreamBatches(ids, extents, batch_size=batch_size, sequence_length=sequence_length, seed=seed)


def epoch_rows(streams: StreamBatches, epoch: int) -> NDArray[np.int64]:
    """What each stream reads in an epoch, (B, steps * T)."""
    steps = streams.steps_per_epoch
    return np.concatenate([streams.chunk(epoch * steps + index).inputs for index in range(steps)]).T


@st.composite
def corpora(draw: st.DrawFn) -> dict[str, Any]:
    """One document or many, empty ones among them, and settings for which they are long enough."""
    lengths = draw(st.lists(st.integers(0, 40), min_size=1, max_size=12))
    batch_size, sequence_length = draw(st.integers(1, 5)), draw(st.integers(1, 6))
    assume(sum(lengths) > batch_size * sequence_length)
    return {
        "lengths": lengths,
        "batch_size": batch_size,
        "sequence_length": sequence_length,
        "seed": draw(st.integers(0, 2**63 - 1)),
        "gap": draw(st.integers(0, 2)),
    }


# ── Chunks follow each other ─────────────────────────────────────────────────────────────────────────────────────────


@law
@given(corpora(), st.integers(0, 3))
def test_targets_are_the_ids_that_follow_even_into_the_next_chunk(corpus: dict[str, Any], epoch: int) -> None:
    streams = batches(**corpus)
    steps = range(epoch * streams.steps_per_epoch, (epoch + 1) * streams.steps_per_epoch)
    chunks = [streams.chunk(step) for step in steps]
    for chunk in chunks:
        for part in (chunk.inputs, chunk.targets):
            assert part.shape == (corpus["sequence_length"], corpus["batch_size"])
            assert part.dtype == np.int64
        assert np.array_equal(chunk.inputs[1:], chunk.targets[:-1])
    for chunk, following in pairwise(chunks):
        assert np.array_equal(chunk.targets[-1], following.inputs[0])
    assert [chunk.first for chunk in chunks] == [True] + [False] * (len(chunks) - 1)


@law
@given(corpora(), st.integers(0, 3))
def test_an_epoch_reads_whole_documents_end_to_end_each_id_at_most_once(corpus: dict[str, Any], epoch: int) -> None:
    streams = batches(**corpus)
    _, extents = laid_out(corpus["lengths"], corpus["gap"])
    read = epoch_rows(streams, epoch).ravel()  # row k+1 goes on where row k ends
    begins, lasts = set(extents[extents[:, 0] < extents[:, 1], 0]), set(extents[:, 1] - 1)
    for here, following in pairwise(read):
        assert following == here + 1 if here not in lasts else following in begins
    inside = set(np.concatenate([np.arange(*extent) for extent in extents]))
    assert len(set(read)) == len(read) and set(read) <= inside
    spare = sum(corpus["lengths"]) - len(read)
    assert 1 <= spare <= corpus["batch_size"] * corpus["sequence_length"]


@pytest.mark.parametrize("epoch", [0, 1, 5])
def test_one_text_is_read_in_its_order(epoch: int) -> None:
    rows = epoch_rows(batches([1000], batch_size=4, sequence_length=9), epoch)
    assert rows.shape == (4, 27 * 9)
    assert (np.diff(rows.ravel()) == 1).all()


# ── A function of (seed, epoch, stream, position) ────────────────────────────────────────────────────────────────────


@law
@given(corpora(), st.randoms(use_true_random=False))
def test_a_chunk_does_not_depend_on_what_was_asked_before(corpus: dict[str, Any], order: random.Random) -> None:
    streams = batches(**corpus)
    steps = [order.randrange(4 * streams.steps_per_epoch) for _ in range(8)]
    for step in steps:
        asked, fresh = streams.chunk(step), batches(**corpus).chunk(step)
        assert np.array_equal(asked.inputs, fresh.inputs)
        assert np.array_equal(asked.targets, fresh.targets)
        assert asked.first == fresh.first


def test_documents_are_shuffled_by_epoch_and_seed() -> None:
    def orders(seed: int) -> list[tuple[int, ...]]:
        streams = batches([10] * 50, seed=seed)
        return [tuple(dict.fromkeys(epoch_rows(streams, epoch).ravel() // 10)) for epoch in range(3)]

    found = orders(0) + orders(1)
    assert len(set(found)) == len(found)
    assert tuple(range(50)) not in found
    assert orders(0) == found[:3]


def test_what_is_left_over_moves_the_borders() -> None:
    streams = batches([10 * 12 + 1 + 9], batch_size=2, sequence_length=5)  # 13 chunks of 10 would need one id more
    firsts = {int(epoch_rows(streams, epoch)[0, 0]) for epoch in range(200)}
    assert firsts == set(range(10))


def test_without_anything_left_over_all_epochs_are_alike() -> None:
    streams = batches([61], batch_size=3, sequence_length=4)
    assert np.array_equal(epoch_rows(streams, 0).ravel(), np.arange(60))
    assert np.array_equal(epoch_rows(streams, 0), epoch_rows(streams, 7))


# ── On disk, and too short ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.uint32])
def test_ids_may_lie_in_a_file(tmp_path: Path, dtype: type[np.unsignedinteger[Any]]) -> None:
    ids, extents = laid_out([200])
    np.save(tmp_path / "ids.npy", ids.astype(dtype))
    mapped = np.load(tmp_path / "ids.npy", mmap_mode="r")
    chunk = StreamBatches(mapped, extents, batch_size=2, sequence_length=3, seed=0).chunk(5)
    expected = batches([200]).chunk(5)
    assert type(chunk.inputs) is np.ndarray and chunk.inputs.dtype == np.int64
    assert np.array_equal(chunk.inputs, expected.inputs) and np.array_equal(chunk.targets, expected.targets)


@pytest.mark.parametrize(("lengths", "found"), [([], 0), ([0], 0), ([6], 6), ([2, 0, 4], 6)])
def test_a_corpus_too_short_is_refused_with_what_it_needs(lengths: list[int], found: int) -> None:
    message = rf"^{found} tokens to train on; batch_size 2 x sequence_length 3 needs 7: lower one of them$"
    with pytest.raises(CorpusError, match=message):
        batches(lengths)


def test_the_shortest_corpus_makes_one_chunk() -> None:
    streams = batches([3, 4])
    assert streams.steps_per_epoch == steps_per_epoch(7, 2, 3) == 1
    only, again = streams.chunk(0), streams.chunk(1)
    assert only.first and again.first
    assert {*only.inputs.ravel().tolist(), *only.targets[-1].tolist()} == set(range(7))


@law
@given(st.integers(2, 10**6), st.integers(1, 300), st.integers(1, 300))
def test_an_epoch_is_as_many_chunks_as_fit(tokens: int, batch_size: int, sequence_length: int) -> None:
    chunk = batch_size * sequence_length
    assume(tokens > chunk)
    steps = steps_per_epoch(tokens, batch_size, sequence_length)
    assert steps * chunk + 1 <= tokens < (steps + 1) * chunk + 1
