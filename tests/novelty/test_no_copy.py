"""No run of N characters of the training text, and nothing else forbidden."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.config import SamplingConfig
from gen.decoding import sample_streams
from gen.errors import ConfigError
from gen.novelty.no_copy import SHORTEST, NoCopy
from gen.random import Draws
from tests.decoding.reference import Stepped, small_engine, taken

ALPHABET = "abé≠😀"
CHARACTERS = [b"", *(c.encode() for c in ALPHABET)]
BYTES = [bytes([value]) for value in range(256)]
SUBWORDS = [b"", *BYTES, *(w.encode() for w in ("ab", "aba", "é≠", "abababab", "aaaaaa", "a😀b", "ééééé"))]


class Found:
    """What `SuffixIndex` knows, by looking."""

    def __init__(self, documents: Sequence[str]) -> None:
        self.documents = [document.encode() for document in documents]

    def longest_suffix(self, tail: bytes) -> int:
        sizes = range(len(tail), 0, -1)
        return next((n for n in sizes if any(tail[-n:] in document for document in self.documents)), 0)

    def count(self, run: bytes) -> int:
        return sum(d.startswith(run, at) for d in self.documents for at in range(len(d)))

    def followers(self, run: bytes, length: int) -> set[bytes]:
        assert run
        ends = [(d, at + len(run)) for d in self.documents for at in range(len(d)) if d.startswith(run, at)]
        return {document[end : end + length] for document, end in ends} - {b""}


def guard(documents: Sequence[str], pieces: Sequence[bytes], length: int) -> NoCopy:
    return NoCopy.of(Found(documents), cast(Any, SimpleNamespace(pieces=pieces)), length)


def copies(documents: Sequence[str], text: bytes, length: int) -> bool:
    """Whether whole characters of `text`, so many of them, stand in a document."""
    whole = text.decode("utf-8", "replace")
    while whole.endswith("\ufffd"):
        whole = whole[:-1]
    windows = (whole[at : at + length] for at in range(len(whole) - length + 1))
    return any(window in document for window in windows for document in documents)


texts = st.lists(st.text(ALPHABET, min_size=1, max_size=40), min_size=1, max_size=3)


@given(texts, st.sampled_from([CHARACTERS, BYTES, SUBWORDS]), st.integers(SHORTEST, 7), st.data())
def test_what_completes_a_run_is_forbidden_and_nothing_else(
    documents: list[str], pieces: list[bytes], length: int, data: Any
) -> None:
    constraint = guard(documents, pieces, length)
    at = data.draw(st.integers(0, len(documents[0])))
    written = documents[0][max(0, at - data.draw(st.integers(0, length - 1))) : at].encode()
    for byte in (written[i : i + 1] for i in range(len(written))):
        if pieces is CHARACTERS:
            break
        constraint = constraint.after(pieces.index(byte))
    if pieces is CHARACTERS:
        for c in written.decode():
            constraint = constraint.after(pieces.index(c.encode()))
    begun = "😀".encode()[: data.draw(st.integers(0, 3))] if pieces is not CHARACTERS else b""
    for value in begun:
        constraint = constraint.after(pieces.index(bytes([value])))
    written += begun
    wrong = []
    for id, piece in enumerate(pieces):
        try:
            (written + piece).decode()
        except UnicodeDecodeError as error:
            if error.end < len(written + piece) or error.reason != "unexpected end of data":
                continue  # no UTF-8: of what follows is no longer the same text
        if bool(constraint.allowed[id]) == copies(documents, written + piece, length):
            wrong.append((piece, bool(constraint.allowed[id])))
    assert not wrong
    if constraint.free:
        assert constraint.allowed.all()
        kept = constraint.kept(ids := data.draw(st.lists(st.integers(0, len(pieces) - 1), max_size=20)))
        for id in ids[:kept]:
            assert constraint.allowed.all()
            constraint = constraint.after(id)


@given(st.text("ab", min_size=20, max_size=200), st.integers(SHORTEST, 8), st.integers(0, 99))
def test_what_is_drawn_has_no_run_and_blocks_change_nothing(document: str, length: int, seed: int) -> None:
    pieces = [b"a", b"b", "é".encode(), *(bytes([value]) for value in range(99, 107))]
    constraint = guard([document], pieces, length)
    model = Stepped(small_engine("gru"))
    assert model.vocabulary_size == len(pieces)
    config = SamplingConfig(logit_bias=((0, 4.0), (1, 4.0)))
    draws = Draws(seed)
    (stream,) = sample_streams(model, [[0]], config=config, draws=[draws], constraints=[constraint.after_all([0])])
    ids = taken(stream, 150)[0]
    assert not copies([document], b"a" + b"".join(pieces[id] for id in ids), length)
    assert model.blocks

    class Blind:
        def __init__(self, inner: NoCopy) -> None:
            self.allowed, self.after = inner.allowed, lambda id: Blind(inner.after(id))

    blind = cast(Any, Blind(constraint.after_all([0])))
    (stepwise,) = sample_streams(model, [[0]], config=config, draws=[draws], constraints=[blind])
    assert taken(stepwise, 150)[0] == ids


def test_a_prompt_that_is_a_run_itself_does_not_go_on() -> None:
    constraint = guard(["abababé"], CHARACTERS, 4).after_all([1, 2, 1, 2, 1, 2])
    assert constraint.free == 0
    assert np.flatnonzero(~constraint.allowed).tolist() == [CHARACTERS.index(b"a"), CHARACTERS.index("é".encode())]


def test_a_length_that_would_forbid_words_is_refused() -> None:
    with pytest.raises(ConfigError, match="no_copy is 3; it must be 4 or more characters"):
        guard(["abc"], CHARACTERS, 3)
