"""What is seen of documents while they are read: against the whole text, however it comes in pieces."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus import observation as module
from gen.corpus.observation import Lines, Observer, Place


@dataclass
class Pieces:
    pieces: Sequence[str]
    name: str = "a document"

    def blocks(self) -> Iterator[str]:
        yield from self.pieces


def observed(documents: Sequence[Pieces]) -> Observer:
    observer = Observer()
    for document in documents:
        assert "".join(observer.watch(document).blocks()) == "".join(document.pieces)
    return observer


TEXTS = st.text(alphabet="ab\n\n🎼")


@given(st.lists(st.lists(TEXTS)))
@settings(derandomize=True, deadline=None)
def test_lines_are_those_of_the_whole_documents(documents: list[list[str]]) -> None:
    lengths = []
    for pieces in documents:
        lines = "".join(pieces).split("\n")
        lengths += [len(line) for line in (lines if lines[-1] else lines[:-1])]
    found = observed([Pieces(pieces) for pieces in documents]).lines()
    if not lengths:
        assert found == Lines(0, 0, 0)
    else:
        lower_median = sorted(lengths)[(len(lengths) - 1) // 2]
        assert found == Lines(len(lengths), lower_median, max(lengths))


@given(st.lists(st.lists(st.text(alphabet="ab\n", max_size=8), max_size=3), max_size=5))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_a_repeated_passage_is_where_it_is_said_to_be(documents: list[list[str]]) -> None:
    texts = {f"document {number}": "".join(pieces) for number, pieces in enumerate(documents)}
    beginning = observed([Pieces(pieces, f"document {n}") for n, pieces in enumerate(documents)]).beginning()
    assert beginning.characters == len("".join(texts.values()))
    if beginning.passage is None:
        assert all("".join(texts.values()).count(symbol) < 2 for symbol in "ab\n")
        return
    assert len(beginning.passage.text) == beginning.passage.length
    for place in beginning.passage.places:
        text = texts[place.document]
        assert text.startswith(beginning.passage.text, place.offset)
        assert place.line == len(text[: place.offset].split("\n"))


def test_only_the_beginning_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST", 20)
    documents = [Pieces(["abcdef", "ghij"]), Pieces(["klmnopqrstuvwxyz"]), Pieces(["abcdefghij"])]
    beginning = observed(documents).beginning()
    assert beginning.characters == 19  # and one for the break between the first two
    assert beginning.passage is None


def test_a_long_passage_is_quoted_in_part() -> None:
    text = "".join(map(chr, np.random.default_rng(0).integers(97, 123, 1000)))
    passage = observed([Pieces([text + "!" + text])]).beginning().passage
    assert passage is not None
    assert (passage.length, passage.text) == (1000, text[:200])
    assert passage.places == (Place("a document", 0, 1), Place("a document", 1001, 1))


def test_names_are_kept_of_a_bounded_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_NAMED", 2)
    observer = observed([Pieces([text], f"file {text}") for text in ["one", "", "two", "three", "four", "three"]])
    assert observer.names == ["file one", "file two"]
    passage = observer.beginning().passage
    assert passage is not None
    assert [place.document for place in passage.places] == ["document 3", "document 5"]


def test_an_empty_corpus_has_no_beginning() -> None:
    beginning = observed([Pieces(["", ""])]).beginning()
    assert (beginning.characters, beginning.bits_per_character, beginning.passage) == (0, 0.0, None)
