"""The index of a text, beside looking."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.novelty import suffixes
from gen.novelty.suffixes import SuffixIndex
from tests.novelty.test_no_copy import Found

letters = st.sampled_from(["ab", "abé", "a"])
documents_strategy = letters.flatmap(lambda alphabet: st.lists(st.text(alphabet, max_size=50), max_size=5))
sizes = st.tuples(st.integers(2, 60), st.integers(0, 59)).filter(lambda sizes: sizes[1] < sizes[0])


@given(documents_strategy, st.data())
def test_it_finds_what_is_there(documents: list[str], data: st.DataObject) -> None:
    index, found = SuffixIndex.of(document.encode() for document in documents), Found(documents)
    whole = b"".join(document.encode() + b"\xff" for document in documents)
    tail = data.draw(st.text("abéc", max_size=20)).encode()
    if documents:
        part = data.draw(st.sampled_from(documents)).encode()
        tail += part[: data.draw(st.integers(0, len(part)))]
    longest = index.longest_suffix(tail)
    assert longest == found.longest_suffix(tail)
    if longest:
        assert index.first(tail[len(tail) - longest :]) == whole.find(tail[len(tail) - longest :])
        run = tail[len(tail) - data.draw(st.integers(1, longest)) :]
        length = data.draw(st.integers(1, 9))
        assert index.followers(run, length) == found.followers(run, length)


@given(documents_strategy, sizes, st.data())
def test_runs_no_longer_than_the_overlap_are_found_across_chunks(
    documents: list[str], chunk_and_overlap: tuple[int, int], data: st.DataObject
) -> None:
    chunk, overlap = chunk_and_overlap
    encoded = [document.encode() for document in documents]
    cut, whole = SuffixIndex.of(encoded, chunk, overlap), SuffixIndex.of(encoded)
    tail = data.draw(st.text("abé", max_size=20)).encode()
    expected, found = whole.longest_suffix(tail), cut.longest_suffix(tail)
    assert min(expected, overlap) <= found <= expected
    text = b"".join(document + b"\xff" for document in encoded)
    if found:
        place = cut.first(tail[len(tail) - found :])
        assert place is not None
        assert text[place : place + found] == tail[len(tail) - found :]


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    documents = [b"ab" * 300, b"", b"abc" * 200]
    for name, chunk in (("one", 1 << 20), ("many", 100)):
        folder = tmp_path / name
        folder.mkdir()
        assert list(SuffixIndex.writing(folder, documents, chunk, 50))[-1] == sum(map(len, documents)) + 3
        index = SuffixIndex.open(folder)
        assert index.longest_suffix(b"cabab") == 4
        assert index.longest_suffix(b"xbcabca") == 6
        assert index.longest_suffix(b"c\xffab") == 2
        assert index.followers(b"ab", 2) == {b"ab", b"ca", b"c"}
    assert len(list((tmp_path / "many").iterdir())) > 20


def test_many_places_are_looked_at_as_few_are(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = ["ab" * 400, "abcé" * 300]
    index = SuffixIndex.of(document.encode() for document in documents)
    many = index.followers(b"b", 5)
    monkeypatch.setattr(suffixes, "_MANY", 1 << 20)
    assert many == index.followers(b"b", 5) == Found(documents).followers(b"b", 5)


def test_of_nothing_nothing_is_known() -> None:
    index = SuffixIndex.of([])
    assert index.longest_suffix(b"abc") == 0
    assert index.first(b"abc") is None
    assert index.followers(b"a", 3) == set()


def test_a_damaged_index_is_not_taken(tmp_path: Path) -> None:
    list(SuffixIndex.writing(tmp_path, [b"abc"]))
    (tmp_path / f"{4:015}.order").write_bytes(b"1234")
    with pytest.raises(ValueError, match="differ in length"):
        SuffixIndex.open(tmp_path)
