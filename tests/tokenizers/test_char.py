# ruff: noqa: RUF001  (what looks alike is what this is about)
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import TokenizerError
from gen.tokenizers import CharTokenizer
from gen.tokenizers.char import code_points

anything = st.text(st.characters() | st.characters(categories=["Cs"]))  # lone surrogates included
line = st.text("abcé\n", min_size=1)
fast = settings(derandomize=True, deadline=None, max_examples=100)

ODD = {
    "NUL and controls": "a\0b\x07\x1b[31m\x7f\x85",
    "line ends": "a\nb\r\nc\rd\u2028e\x0bf",
    "a byte order mark": "\ufeffabc\ufeff",
    "combining marks": "e\u0301 é Z\u0351\u036b\u0343a\u0328\u0310l\u030dg\u0321",
    "joined emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 👍🏽",
    "right to left": "שלום \u202eabc\u202c مرحبا",
    "ten scripts": "Aa Αα Жж Աա אב عر कख ไท 한글 漢字 かな",
    "beyond the first plane": "𝔘𐍈𠜎",
    "noncharacters": "\ufffe\uffff\U0010ffff\ue000",
    "its own boundary": "<|document|>",
}


def is_character(c: str) -> bool:
    return not "\ud800" <= c <= "\udfff"


@pytest.mark.parametrize("boundary", [False, True])
@pytest.mark.parametrize("text", ODD.values(), ids=ODD)
def test_odd_text_comes_back_as_it_was(text: str, boundary: bool) -> None:
    tokenizer = CharTokenizer.fit([text], boundary=boundary)
    assert tokenizer.decode(tokenizer.encode(text)) == text
    assert len(tokenizer.vocabulary) == len(set(text)) + boundary


def test_all_of_unicode_in_one_vocabulary() -> None:
    everything = "".join(c for c in map(chr, range(sys.maxunicode + 1)) if is_character(c))
    tokenizer = CharTokenizer(everything)
    ids = tokenizer.encode(everything)
    assert len(tokenizer.vocabulary) == 0x110000 - 0x800
    assert (ids == np.arange(len(everything))).all()
    assert tokenizer.decode(ids[::-1001]) == everything[::-1001]
    with pytest.raises(TokenizerError, match=r"^1 character that the model never saw: '\\udfff' \(U\+DFFF\)$"):
        tokenizer.encode("ok\udfff")


@fast
@given(text=anything)
def test_any_text_comes_back_or_is_refused_for_its_half_characters(text: str) -> None:
    if text and all(map(is_character, text)):
        tokenizer = CharTokenizer.fit([text])
        assert tokenizer.decode(tokenizer.encode(text)) == text
    else:
        with pytest.raises(TokenizerError, match=r"half of a surrogate pair|at least one character"):
            CharTokenizer.fit([text])


@fast
@given(known=st.text(st.characters(exclude_categories=["Cs"]), min_size=1), text=anything)
def test_encoding_is_by_the_vocabulary_and_refuses_all_else(known: str, text: str) -> None:
    tokenizer = CharTokenizer.fit([known], boundary=True)
    unknown = [c for c in dict.fromkeys(text) if c not in known]
    assert tokenizer.unknown(text) == unknown
    if unknown:
        with pytest.raises(TokenizerError, match=f"^{len(unknown)} characters? that"):
            tokenizer.encode(text)
    else:
        assert tokenizer.encode(text).tolist() == [1 + sorted(set(known)).index(c) for c in text]


def test_unknown_characters_are_listed_a_dozen_at_most() -> None:
    tokenizer = CharTokenizer("ab")
    with pytest.raises(TokenizerError) as caught:
        tokenizer.encode("aéb\né")
    assert str(caught.value) == r"2 characters that the model never saw: 'é' (U+00E9) '\n' (U+000A)"
    with pytest.raises(TokenizerError) as caught:
        tokenizer.encode("".join(map(chr, range(0x400, 0x480))))
    assert str(caught.value).startswith("128 characters that the model never saw: 'Ѐ' (U+0400)")
    assert str(caught.value).endswith(" and 116 more")
    assert str(caught.value).count("U+") == 12


@fast
@given(texts=st.lists(st.text(st.characters(exclude_categories=["Cs"]))), boundary=st.booleans())
def test_ids_follow_code_points_however_the_corpus_is_cut(texts: list[str], boundary: bool) -> None:
    whole = "".join(texts)
    if not whole:
        return
    tokenizer = CharTokenizer.fit(texts, boundary=boundary)
    assert tokenizer.to_dict() == CharTokenizer.fit([whole], boundary=boundary).to_dict()
    assert tokenizer.to_dict()["symbols"] == "".join(sorted(set(whole)))


@pytest.mark.parametrize(
    ("symbols", "message"),
    [
        ([], "at least one character; found none"),
        (["ab"], "symbol 'ab' is 2 code points; a character is one"),
        ([""], "symbol '' is 0 code points; a character is one"),
        (["a", "b", "a"], r"vocabulary of \d symbols holds \d different ones"),
        (["a", "\udc80"], r"symbol '\\udc80' is half of a surrogate pair: write U\+FFFD in its place"),
    ],
)
@pytest.mark.parametrize("boundary", [False, True])
def test_what_is_no_set_of_characters_is_refused(symbols: list[str], message: str, boundary: bool) -> None:
    with pytest.raises(TokenizerError, match=message):
        CharTokenizer(symbols, boundary=boundary)


def test_the_boundary_is_id_0_decodes_to_nothing_and_is_never_encoded() -> None:
    tokenizer = CharTokenizer.fit(["<|document|>"], boundary=True)
    assert tokenizer.boundary == tokenizer.start == 0
    assert tokenizer.decode([0, 0]) == ""
    assert 0 not in tokenizer.encode("<|document|>")
    assert CharTokenizer("a").boundary is None


@pytest.mark.parametrize(("symbols", "start"), [("\nab", 0), ("\t\nab", 1), ("ab", 0)])
def test_a_piece_starts_after_a_line_end_where_there_is_one(symbols: str, start: int) -> None:
    assert CharTokenizer(symbols).start == start


@pytest.mark.parametrize(("size", "dtype"), [(1, np.uint8), (256, np.uint8), (257, np.uint16), (65_537, np.uint32)])
def test_ids_take_the_smallest_dtype(size: int, dtype: type) -> None:
    characters = "".join(map(chr, range(0x10000, 0x10000 + size)))
    tokenizer = CharTokenizer(characters)
    assert tokenizer.dtype == tokenizer.encode(characters).dtype == dtype
    assert int(tokenizer.encode(characters[-1])[0]) == size - 1
    if size in (256, 65_536):
        assert CharTokenizer(characters, boundary=True).dtype != dtype


@fast
@given(left=line, right=line, boundaries=st.tuples(st.booleans(), st.booleans()))
def test_a_union_knows_what_either_knows(left: str, right: str, boundaries: tuple[bool, bool]) -> None:
    one, other = (CharTokenizer.fit([t], boundary=b) for t, b in zip((left, right), boundaries, strict=True))
    union = CharTokenizer.union(one, other)
    assert union.to_dict() == CharTokenizer.fit([left, right], boundary=any(boundaries)).to_dict()
    assert CharTokenizer.union(one).to_dict() == one.to_dict()


@fast
@given(text=anything)
def test_code_points_are_what_ord_says(text: str) -> None:
    assert code_points(text).tolist() == [ord(c) for c in text]


def test_nothing_is_normalised() -> None:
    composed, apart = unicodedata.normalize("NFC", "é"), unicodedata.normalize("NFD", "é")
    tokenizer = CharTokenizer.fit([composed, apart])
    assert tokenizer.encode(composed).size == 1
    assert tokenizer.encode(apart).size == 2
