import tracemalloc
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus import survey as module
from gen.corpus import units
from gen.corpus.documents import find_documents
from gen.corpus.survey import survey, surveying
from gen.progress import result_of


@dataclass
class Pieces:
    pieces: Sequence[str]
    name: str = "a document"

    def blocks(self) -> Iterator[str]:
        yield from self.pieces


TEXTS = st.text(alphabet="ab\nü日🎼\U0010ffff")


@given(st.lists(st.lists(TEXTS)))
@settings(derandomize=True, deadline=None)
def test_a_survey_counts_what_is_there(documents: list[list[str]]) -> None:
    found = survey([Pieces(pieces) for pieces in documents])
    texts = [text for text in map("".join, documents) if text]
    assert found.symbols == dict(sorted(Counter("".join(texts)).items()))
    assert found.lengths.tolist() == [len(text) for text in texts]
    assert found.documents == len(texts)
    assert found.characters == len("".join(texts))
    assert found.bytes == len("".join(texts).encode())


def test_a_text_of_many_batches_is_counted_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "UNIT", 50)
    monkeypatch.setattr(module, "_COUNTED", 7)
    texts = ["日本" * 20, "abc" * 50, "", "🎼", "x" * 49]
    assert survey([Pieces([text]) for text in texts]).symbols == dict(sorted(Counter("".join(texts)).items()))


@given(st.lists(TEXTS.filter(bool), min_size=1), st.data())
@settings(derandomize=True, deadline=None)
def test_a_checksum_depends_on_texts_and_order_and_nothing_else(texts: list[str], data: st.DataObject) -> None:
    checksum = survey([Pieces([text]) for text in texts]).checksum
    assert survey([Pieces(list(text), name=text) for text in texts] + [Pieces([""])]).checksum == checksum
    other = data.draw(st.lists(TEXTS.filter(bool)))
    assert (survey([Pieces([text]) for text in other]).checksum == checksum) == (other == texts)


def test_a_border_moved_between_documents_changes_the_checksum() -> None:
    assert survey([Pieces(["ab"]), Pieces(["c"])]).checksum != survey([Pieces(["a"]), Pieces(["bc"])]).checksum


def test_equal_documents_have_equal_hashes() -> None:
    hashes = survey([Pieces(["a", "b"]), Pieces(["c"]), Pieces(["ab"])]).hashes
    assert hashes[0] == hashes[2] != hashes[1]
    assert hashes.dtype == np.uint64


def test_control_characters_are_told() -> None:
    found = survey([Pieces(["a\tb\r\n\fc\0\0d\x1b\x85"])])
    assert found.notices() == ("control characters in the text: 2 x U+0000, 1 x U+001B, 1 x U+0085",)
    many = survey([Pieces(["".join(map(chr, range(9)))])])
    assert many.notices()[0].endswith("1 x U+0005, 3 other kinds")
    assert survey([Pieces(["Größe 日本\n\u202e\u200d"])]).notices() == ()


def test_many_documents_are_never_held_together(tmp_path: Path) -> None:
    rows = 20_000
    path = tmp_path / "a.jsonl"
    path.write_text('{"text": "' + "a" * 500 + '"}\n' * 1 + ('{"text": "' + "b" * 500 + '"}\n') * rows, "utf-8")
    documents = find_documents([path])
    tracemalloc.start()
    try:
        found = survey(documents)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found.documents == rows + 1
    assert found.characters > 10_000_000
    assert peak < 40_000_000


def test_a_short_text_is_its_own_sample() -> None:
    found = survey([Pieces(["one\ntw", "o"]), Pieces([""]), Pieces(["three"])])
    assert found.sample == ("one\ntwo", "three")


@pytest.mark.parametrize("block", [7, 100, 10_000])
def test_a_sample_is_bounded_spread_evenly_and_the_same_however_the_text_is_read(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(module, "SAMPLE", 1000)
    monkeypatch.setattr(module, "_PIECE", 20)
    monkeypatch.setattr(units, "UNIT", 300)
    text = "".join(f"{number:06}\n" for number in range(5000))
    sample = survey([Pieces([text[start : start + block] for start in range(0, len(text), block)])]).sample
    assert 500 < len("".join(sample)) <= 1000
    assert all(piece.endswith("\n") and len(piece) in (7, 14, 21) for piece in sample)
    places = np.array([int(piece[:6]) for piece in sample])
    assert (np.diff(places) > 0).all()
    assert places[0] < 500 and places[-1] > 4500 and np.diff(places).max() < 2 * np.diff(places).min() + 20
    assert sample == survey([Pieces([text])]).sample


def test_progress_is_told_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "UNIT", 4)
    work = surveying([Pieces(["aäb\n", "日本日本"]), Pieces(["x"])])
    assert [next(work), next(work), next(work)] == [5, 17, 18]
    assert result_of(work).bytes == 18
