"""Documents cut to a length, padded side by side, and dealt to batches: every row once an epoch."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus.sequences import SequenceBatches, Sequences, cut, sequence_of
from gen.tokenizers import CharTokenizer, WordTokenizer

law = settings(derandomize=True, deadline=None, max_examples=60)
ids = st.lists(st.integers(1, 200), max_size=9)


@law
@given(ids, st.integers(1, 12), st.sampled_from(["first", "last"]))
def test_what_is_cut_is_the_beginning_or_the_end(sequence: list[int], length: int, keep: Any) -> None:
    found = cut(np.array(sequence, np.uint8), length, keep).tolist()
    assert len(found) == min(length, len(sequence))
    assert found == (sequence[: len(found)] if keep == "first" else sequence[len(sequence) - len(found) :])


@law
@given(st.lists(ids, min_size=1, max_size=6), st.data())
def test_padding_keeps_every_id_and_adds_zeros(rows: list[list[int]], data: st.DataObject) -> None:
    sequences = Sequences.of([np.array(row, np.uint8) for row in rows], np.dtype(np.uint8))
    chosen = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=5))
    padded, lengths = sequences.padded(np.array(chosen))
    assert len(sequences) == len(rows)
    assert lengths.tolist() == [len(rows[i]) for i in chosen]
    assert padded.shape == (max(1, *lengths.tolist(), 1), len(chosen))
    for column, i in enumerate(chosen):
        assert padded[:, column].tolist() == rows[i] + [0] * (len(padded) - len(rows[i]))


@law
@given(st.lists(st.integers(0, 100), min_size=1, max_size=300), st.integers(1, 7), st.integers(0, 3))
def test_an_epoch_has_every_row_once(lengths: list[int], batch: int, epoch: int) -> None:
    batches = SequenceBatches(np.array(lengths), batch_size=batch, seed=1)
    first = epoch * batches.steps_per_epoch
    dealt = [batches.rows(step).tolist() for step in range(first, first + batches.steps_per_epoch)]
    assert sorted(row for rows in dealt for row in rows) == list(range(len(lengths)))
    assert all(len(rows) <= batch for rows in dealt)
    assert sum(len(rows) < batch for rows in dealt) <= 1


def test_a_batch_is_a_function_of_seed_and_step() -> None:
    lengths = np.random.default_rng(0).integers(1, 90, 500)

    def dealt(seed: int, steps: range) -> list[list[int]]:
        batches = SequenceBatches(lengths, batch_size=8, seed=seed)
        return [batches.rows(step).tolist() for step in steps]

    forwards = dealt(1, range(130))
    assert dealt(1, range(129, -1, -1)) == forwards[::-1]
    assert forwards[:63] != forwards[63:126]  # another order in the second epoch
    assert dealt(2, range(130)) != forwards


def test_rows_of_a_batch_are_alike_in_length() -> None:
    lengths = np.random.default_rng(0).integers(1, 400, 3_000)
    batches = SequenceBatches(lengths, batch_size=16, seed=0)
    spread = [np.ptp(lengths[batches.rows(step)]) for step in range(batches.steps_per_epoch)]
    assert np.mean(spread) < 0.1 * np.ptp(lengths)


@pytest.mark.parametrize(("keep", "expected"), [("first", "ab"), ("last", "cd")])
def test_a_document_begins_behind_the_boundary(keep: Any, expected: str) -> None:
    tokenizer = CharTokenizer("abcd", boundary=True)
    found = sequence_of(tokenizer, "abcd", length=2, keep=keep)
    assert found.tolist() == [0, *tokenizer.encode(expected)]
    assert sequence_of(CharTokenizer("abcd"), "", length=2, keep=keep).tolist() == []


def test_what_was_never_seen_is_read_as_what_is_near() -> None:
    assert sequence_of(CharTokenizer("ab"), "áb€", length=9, keep="first").tolist() == [0, 1]
    words = WordTokenizer(["sea", " sea"])
    read = sequence_of(words, "Sea foam", length=9, keep="first").tolist()
    assert read == [words.vocabulary.id("sea"), words.unknown_ids[1]]
