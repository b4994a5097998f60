"""The laws that every tokenizer obeys, and the vocabulary under it."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import CheckpointError, TokenizerError
from gen.tokenizers import MEDIA, CharTokenizer, Vocabulary, from_dict

symbols = st.lists(st.text(max_size=4), unique=True)
letters = st.characters(exclude_categories=["Cs"])
documents = st.text(letters, min_size=1) | st.text("ab\n\0\U0001f600", min_size=1)


def plain(document: str) -> CharTokenizer:
    return CharTokenizer.fit([document])


def with_boundary(document: str) -> CharTokenizer:
    return CharTokenizer.fit([document], boundary=True)


FITTED: list[Callable[[str], CharTokenizer]] = [plain, with_boundary]
every_tokenizer = pytest.mark.parametrize("fit", FITTED)
fast = settings(derandomize=True, deadline=None, max_examples=80)


# ── Vocabulary ───────────────────────────────────────────────────────────────────────────────────────────────────────


@fast
@given(symbols=symbols)
def test_a_vocabulary_is_a_bijection(symbols: list[str]) -> None:
    vocabulary = Vocabulary(symbols)
    assert len(vocabulary) == len(symbols)
    assert list(vocabulary) == symbols
    assert [vocabulary.id(symbol) for symbol in symbols] == list(range(len(symbols)))
    assert [vocabulary.symbol(id) for id in range(len(symbols))] == symbols
    assert all(symbol in vocabulary for symbol in symbols)


@fast
@given(symbols=symbols, other=symbols)
def test_vocabularies_are_equal_when_their_symbols_are(symbols: list[str], other: list[str]) -> None:
    assert Vocabulary(symbols) == Vocabulary(iter(symbols))
    assert hash(Vocabulary(symbols)) == hash(Vocabulary(tuple(symbols)))
    assert (Vocabulary(symbols) == Vocabulary(other)) == (symbols == other)
    assert Vocabulary(symbols) != symbols


def test_what_a_vocabulary_does_not_hold_is_a_typed_error() -> None:
    vocabulary = Vocabulary(["a", "bc"])
    with pytest.raises(TokenizerError, match="'b' is not among the 2 symbols"):
        vocabulary.id("b")
    for id in (-1, 2, 10**9):
        with pytest.raises(TokenizerError, match=f"id {id} is outside the vocabulary of 2 symbols"):
            vocabulary.symbol(id)
    with pytest.raises(TokenizerError, match="vocabulary of 3 symbols holds 2 different ones"):
        Vocabulary(["a", "b", "a"])


# ── Tokenizers and their streams ─────────────────────────────────────────────────────────────────────────────────────


@every_tokenizer
@fast
@given(document=documents)
def test_decoding_undoes_encoding(fit: Callable[[str], CharTokenizer], document: str) -> None:
    tokenizer = fit(document)
    ids = tokenizer.encode(document)
    assert tokenizer.decode(ids) == document
    assert tokenizer.decode(ids.tolist()) == document
    assert ids.dtype == tokenizer.dtype
    assert tokenizer.boundary not in ids
    assert ids.size == 0 or 0 <= ids.min() <= ids.max() < len(tokenizer.vocabulary)


@every_tokenizer
@fast
@given(document=documents, data=st.data())
def test_the_joined_pieces_of_a_stream_are_what_decoding_gives(
    fit: Callable[[str], CharTokenizer], document: str, data: st.DataObject
) -> None:
    tokenizer = fit(document)
    ids = data.draw(st.lists(st.integers(0, len(tokenizer.vocabulary) - 1)))
    stream = tokenizer.stream()
    pieces = [piece for id in ids for piece in stream.feed(id)] + stream.flush()
    assert "".join(pieces) == tokenizer.decode(ids)
    assert "" not in pieces


@every_tokenizer
@fast
@given(document=documents)
def test_a_tokenizer_survives_json(fit: Callable[[str], CharTokenizer], document: str) -> None:
    tokenizer = fit(document)
    again = from_dict(json.loads(json.dumps(tokenizer.to_dict())))
    assert isinstance(again, CharTokenizer)
    assert again.vocabulary == tokenizer.vocabulary
    assert (again.boundary, again.start) == (tokenizer.boundary, tokenizer.start)
    assert again.to_dict() == tokenizer.to_dict()
    assert (again.encode(document) == tokenizer.encode(document)).all()


@every_tokenizer
@fast
@given(document=documents)
def test_a_piece_can_be_sampled_from_the_start(fit: Callable[[str], CharTokenizer], document: str) -> None:
    tokenizer = fit(document)
    assert 0 <= tokenizer.start < len(tokenizer.vocabulary)
    assert tokenizer.medium == "text"


@every_tokenizer
@pytest.mark.parametrize("id", [-1, 3, 10**9])
def test_ids_outside_the_vocabulary_are_refused_by_text_and_stream_alike(
    fit: Callable[[str], CharTokenizer], id: int
) -> None:
    tokenizer = fit("ab" if fit is with_boundary else "abc")
    assert len(tokenizer.vocabulary) == 3
    with pytest.raises(TokenizerError, match=f"id {id} is outside the vocabulary of 3 symbols"):
        tokenizer.decode([0, id])
    with pytest.raises(TokenizerError, match=f"id {id} is outside the vocabulary of 3 symbols"):
        tokenizer.stream().feed(id)


@every_tokenizer
def test_two_streams_of_one_tokenizer_do_not_meet(fit: Callable[[str], CharTokenizer]) -> None:
    tokenizer = fit("ab")
    a, b = tokenizer.encode("ab").tolist()
    one, other = tokenizer.stream(), tokenizer.stream()
    assert [one.feed(a), other.feed(b), one.feed(b), other.feed(a)] == [["a"], ["b"], ["b"], ["a"]]


# ── What a file may claim to be a tokenizer ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "values",
    [
        None,
        [],
        "char",
        {},
        {"kind": None},
        {"kind": ["char"]},
        {"kind": {}},
        {"kind": "subword2"},
        {"kind": "char"},
        {"kind": "char", "symbols": "ab"},
        {"kind": "char", "symbols": ["a"], "boundary": False},
        {"kind": "char", "symbols": "ab", "boundary": 1},
        {"kind": "char", "symbols": "", "boundary": True},
        {"kind": "char", "symbols": "aa", "boundary": True},
        {"kind": "char", "symbols": "\ud800", "boundary": False},
    ],
    ids=repr,
)
def test_what_describes_no_tokenizer_is_a_damaged_checkpoint(values: object) -> None:
    with pytest.raises(CheckpointError):
        from_dict(values)  # type: ignore[arg-type]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda values: st.lists(values) | st.dictionaries(st.text(), values),
    max_leaves=8,
)


@fast
@given(
    values=json_values
    | st.fixed_dictionaries({"kind": st.sampled_from([*MEDIA])}, optional={"symbols": json_values})
    | st.fixed_dictionaries({"kind": st.just("char"), "symbols": st.text(), "boundary": st.booleans()})
)
def test_any_json_makes_a_tokenizer_or_a_typed_error(values: object) -> None:
    try:
        tokenizer = from_dict(values)  # type: ignore[arg-type]
    except CheckpointError:
        return
    assert tokenizer.to_dict() == values


def test_ids_of_every_dtype_decode() -> None:
    tokenizer = CharTokenizer("abc")
    for dtype in (np.uint8, np.int16, np.uint32, np.int64):
        assert tokenizer.decode(np.array([2, 0], dtype)) == "ca"
