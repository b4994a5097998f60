from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.corpus.parts import Part, split_documents
from gen.tokenizers import CharTokenizer
from gen.tokenizers.extent import Extent

TOKENIZER = CharTokenizer("abcé日", boundary=True)
LENGTHS = st.lists(st.integers(1, 30), min_size=1, max_size=60)


def laid_out(lengths: list[int]) -> NDArray[np.int64]:
    return np.array(list(pairwise([0, *np.cumsum(lengths)])), np.int64)


def hashes_for(lengths: list[int], seed: int) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**64, len(lengths), np.uint64)


def places(extents: NDArray[np.int64]) -> list[int]:
    return [place for begin, end in extents for place in range(begin, end)]


@given(LENGTHS, st.integers(0, 99))
@settings(derandomize=True, deadline=None)
def test_the_parts_share_nothing_and_leave_nothing(lengths: list[int], seed: int) -> None:
    train, validation, _ = split_documents(laid_out(lengths), hashes_for(lengths, seed))
    assert sorted(places(train) + places(validation)) == list(range(sum(lengths)))
    assert all(begin < end for begin, end in (*train, *validation))
    if sum(lengths) >= 200:
        assert 0.02 <= len(places(validation)) / sum(lengths) <= 0.25


@pytest.mark.parametrize("size", [200, 1009, 1_115_394])
def test_a_single_document_is_cut_where_others_cut_it(size: int) -> None:
    train, validation, split = split_documents(laid_out([size]), np.zeros(1, np.uint64))
    assert train.tolist() == [[0, int(size * 0.9)]]
    assert validation.tolist() == [[int(size * 0.9), size]]
    assert split == "tail"


def test_adding_a_document_moves_no_other() -> None:
    lengths = [100] * 300
    hashes = hashes_for(lengths, 1)
    _, before, split = split_documents(laid_out(lengths), hashes)
    more = np.insert(hashes, 150, 5)
    _, after, _ = split_documents(laid_out([*lengths, 100]), more)
    assert split == "hash"
    assert set(more[after[:, 0] // 100]) - {np.uint64(5)} == set(hashes[before[:, 0] // 100])


def test_equal_documents_stay_together() -> None:
    hashes = np.repeat(hashes_for([1] * 100, 2), 3)
    train, validation, split = split_documents(laid_out([10] * 300), hashes)
    assert split == "hash"
    assert not set(hashes[train[:, 0] // 10]) & set(hashes[validation[:, 0] // 10])


@pytest.mark.parametrize("value", [0, 2**64 - 1])
def test_documents_whose_hashes_part_badly_all_give_their_end(value: int) -> None:
    train, validation, split = split_documents(laid_out([100, 50]), np.full(2, value, np.uint64))
    assert train.tolist() == [[0, 90], [100, 145]]
    assert validation.tolist() == [[90, 100], [145, 150]]
    assert split == "tail"


def test_documents_too_short_for_an_end_give_the_last_of_them() -> None:
    train, validation, split = split_documents(laid_out([2] * 105), np.zeros(105, np.uint64))
    assert places(train) == list(range(189))
    assert places(validation) == list(range(189, 210))
    assert split == "tail"


@given(LENGTHS, st.data())
@settings(derandomize=True, deadline=None)
def test_reading_is_slicing_what_the_stretches_join_to(lengths: list[int], data: st.DataObject) -> None:
    extents = laid_out(lengths)
    chosen = data.draw(st.lists(st.integers(0, len(lengths) - 1), unique=True).map(sorted))
    ids = np.arange(sum(lengths)).astype(np.uint16)
    part = Part(ids, extents[chosen], TOKENIZER)
    whole = [int(ids[place]) for place in places(extents[chosen])]
    start = data.draw(st.integers(0, len(whole)))
    stop = data.draw(st.integers(start, len(whole)))
    assert part.size == len(whole)
    assert part.read(start, stop).tolist() == whole[start:stop]
    assert part.read(start, stop).dtype == ids.dtype


@pytest.mark.parametrize(("start", "stop"), [(-1, 2), (0, 5), (3, 2)])
def test_reading_beyond_a_part_is_an_error(start: int, stop: int) -> None:
    part = Part(np.zeros(9, np.uint8), np.array([[0, 4]]), TOKENIZER)
    with pytest.raises(IndexError, match="of a part that has 4"):
        part.read(start, stop)


def test_a_part_knows_what_its_ids_stand_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen.corpus.parts._COUNTED", 3)
    ids = np.concatenate([[0], TOKENIZER.encode("abcé"), [0], TOKENIZER.encode("日日a")])
    part = Part(ids, np.array([[0, 2], [4, 9]]), TOKENIZER)  # boundary a | é boundary 日 日 a
    assert part.counts.tolist() == [2, 2, 0, 0, 1, 2]
    assert part.extent == Extent(unit="character", tokens=7, units=5, bytes=10, words=2)


def test_words_are_counted_in_the_beginning_of_a_long_part(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = CharTokenizer.fit(["ab \n"])
    ids = tokenizer.encode("a bb  ab\n" * 30)
    part = Part(ids, np.array([[0, len(ids)]]), tokenizer)
    assert part.extent.words == 90
    monkeypatch.setattr("gen.corpus.parts._DECODED", 45)
    assert Part(ids, np.array([[0, len(ids)]]), tokenizer).extent.words == 90


def test_the_last_word_of_a_document_is_not_the_first_of_the_next() -> None:
    tokenizer = CharTokenizer.fit(["ab \n"], boundary=True)
    documents = [np.append(0, tokenizer.encode(text)) for text in ("a bb", "ab", "b a a")]
    ends = np.cumsum([len(one) for one in documents])
    extents = np.stack([np.append(0, ends[:-1]), ends], axis=1)
    assert Part(np.concatenate(documents), extents, tokenizer).extent.words == 6
