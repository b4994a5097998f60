# ruff: noqa: RUF001  (what looks alike is what this is about)
"""What holds for every tokenizer of text, whatever its tokens are."""

import json
import re
from functools import cache
from typing import cast

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gen import tokenizers
from gen.errors import CheckpointError, TokenizerError
from gen.tokenizers import TextTokenizer
from gen.tokenizers.fitting import Tokens, fit_text

SCRIPTS = {
    "Latin": "The brown fox, who'd been naïve, jumped over 12 lazy dogs — twice!\nWhy? “Because.”\n",
    "Greek": "Η θάλασσα ήταν ήρεμη το πρωί και τα καΐκια γύριζαν.\n",
    "Cyrillic": "Утром море было спокойно, и лодки возвращались домой.\n",
    "Hebrew": "בבוקר הים היה שקט והסירות חזרו הביתה.\n",
    "Arabic": "كان البحر هادئا في الصباح وعادت القوارب إلى البيت.\n",
    "Devanagari": "सुबह समुद्र शांत था और नावें घर लौट रही थीं।\n",
    "Thai": "ตอนเช้าทะเลสงบ และเรือกลับบ้าน\n",
    "Hangul": "아침에 바다는 잔잔했고 배들은 집으로 돌아왔다.\n",
    "Han": "早晨的海很平静，船都回家了。\n",
    "Kana": "あさのうみはしずかで、ふねはいえにかえった。カモメもいた。\n",
    "Georgian": "დილით ზღვა წყნარი იყო და ნავები სახლში ბრუნდებოდნენ.\n",
}
ODD = [
    "",
    "\n\n \n",
    "  two  blanks   and trailing ",
    "\tif x:\n\t\treturn [1, 22, 333]\r\n",
    "▁ and ▁▁x ▁\n▁",
    "<unk> <s></s> <0x41><|document|>",
    "a\0b\x07\x1b[31m\x7f\x85\u2028",
    "e\u0301 Z\u0351\u036b ﷽ ㍿ ａｂｃ ①",
    "👩‍👩‍👧‍👦 🏳️‍🌈 𝔘𐍈𠜎",
    "\ufeff\ufffe\uffff\U0010ffff\ue000\ufffd",
    "x" * 5000 + " " * 5000,
]
KINDS = ["char", "byte", "subword:400", "bpe:400", "word:300"]
LOSSLESS = [kind for kind in KINDS if not kind.startswith("word")]
fast = settings(derandomize=True, deadline=None, max_examples=200)


@cache
def fitted(kind: str, boundary: bool = False) -> TextTokenizer:
    """One that has learned from all scripts."""
    text = 3 * "".join(SCRIPTS.values())
    symbols = {symbol: text.count(symbol) for symbol in sorted(set(text))}
    if kind == "char":  # has to know what is asked of it
        symbols = {symbol: 1 for symbol in sorted({*text, *"".join(ODD)})}
    return fit_text(Tokens.parse(kind), symbols, [text], boundary=boundary)


def text_for(kind: str) -> st.SearchStrategy[str]:
    known = "".join(sorted({*"".join(SCRIPTS.values()), *"".join(ODD)}))
    some = st.text(known, max_size=60) | st.sampled_from([*SCRIPTS.values(), *ODD])
    return some if kind == "char" else some | st.text(max_size=60) | st.text(" \n▁ab", max_size=40)


def streamed(tokenizer: TextTokenizer, ids: list[int]) -> str:
    stream = tokenizer.stream()
    return tokenizer.join([piece for id in ids for piece in stream.feed(id)] + stream.flush())


@pytest.mark.parametrize("text", [*SCRIPTS.values(), *ODD])
@pytest.mark.parametrize("kind", LOSSLESS)
def test_texts_come_back(kind: str, text: str) -> None:
    tokenizer = fitted(kind)
    assert tokenizer.decode(tokenizer.encode(text)) == text


@pytest.mark.parametrize("kind", LOSSLESS)
def test_any_text_comes_back(kind: str) -> None:
    @fast
    @given(text=text_for(kind), boundary=st.booleans())
    @example(text="a▁ ▁b", boundary=False)
    def comes_back(text: str, boundary: bool) -> None:
        tokenizer = fitted(kind, boundary)
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == text
        assert tokenizer.boundary is None or tokenizer.boundary not in ids

    comes_back()


@fast
@given(text=text_for("word"))
@example(text="Hier  steht <unk> nichts\tBekanntes,  fox!")
def test_of_words_all_comes_back_but_the_unknown_ones(text: str) -> None:
    tokenizer = fitted("word:300")
    pieces = tokenizer.cut(text)
    lost = [id in tokenizer.unknown_ids for id in tokenizer.encode(text)]
    expected = [
        re.sub(r"^( ?).+", r"\1<unk>", it, flags=re.S) if no else it for it, no in zip(pieces, lost, strict=True)
    ]
    assert tokenizer.decode(tokenizer.encode(text)) == "".join(expected)
    assert set(tokenizer.unknown(text)) == {
        it.removeprefix(" ") or it for it, no in zip(pieces, lost, strict=True) if no
    }


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_of_a_stream_are_the_whole_and_never_half_a_character(kind: str) -> None:
    size = len(fitted(kind).vocabulary)

    @fast
    @given(ids=st.lists(st.integers(0, size - 1), max_size=50), text=text_for(kind))
    def are_the_whole(ids: list[int], text: str) -> None:
        tokenizer = fitted(kind)
        assert streamed(tokenizer, ids) == tokenizer.decode(ids)
        stream, came = tokenizer.stream(), ""
        of_text = tokenizer.encode(text).tolist()
        for id in of_text:
            came += "".join(stream.feed(id))
            assert tokenizer.unknown_ids or text.startswith(came)
        assert came + "".join(stream.flush()) == tokenizer.decode(of_text)

    are_the_whole()


@pytest.mark.parametrize("kind", KINDS)
def test_a_cut_behind_a_line_end_changes_nothing(kind: str) -> None:
    @fast
    @given(before=text_for(kind), after=text_for(kind))
    def changes_nothing(before: str, after: str) -> None:
        tokenizer = fitted(kind)
        parts = [tokenizer.encode(before + "\n"), tokenizer.encode(after)]
        assert tokenizer.encode(before + "\n" + after).tolist() == np.concatenate(parts).tolist()

    changes_nothing()


@pytest.mark.parametrize("kind", KINDS)
def test_what_ids_stand_for_adds_up_to_the_text(kind: str) -> None:
    @fast
    @given(text=text_for(kind))
    def adds_up(text: str) -> None:
        tokenizer = fitted(kind)
        ids, pieces = tokenizer.encode(text), tokenizer.cut(text)
        assert "".join(pieces) == text
        assert len(pieces) == len(ids)
        known = ~np.isin(ids, tokenizer.unknown_ids)
        lengths = np.array([len(piece) for piece in pieces], np.float64)
        assert tokenizer.units[ids][known].tolist() == lengths[known].tolist()
        if known.all():
            assert tokenizer.bytes[ids].sum() == len(text.encode())

    adds_up()


@pytest.mark.parametrize("boundary", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_it_comes_back_from_json(kind: str, boundary: bool) -> None:
    tokenizer = fitted(kind, boundary)
    again = cast(TextTokenizer, tokenizers.from_dict(json.loads(json.dumps(tokenizer.to_dict()))))
    text = "".join(SCRIPTS.values())
    assert again.to_dict() == tokenizer.to_dict()
    assert again.vocabulary == tokenizer.vocabulary
    assert (again.boundary, again.start) == (tokenizer.boundary, tokenizer.start)
    assert again.encode(text).tolist() == tokenizer.encode(text).tolist()
    assert again.dtype == tokenizer.dtype == tokenizer.encode(text).dtype


@pytest.mark.parametrize("kind", KINDS)
def test_start_is_an_id_and_says_little(kind: str) -> None:
    for boundary in (False, True):
        tokenizer = fitted(kind, boundary)
        assert tokenizer.decode([tokenizer.start]) == ("" if boundary else "\n")


@pytest.mark.parametrize("kind", ["byte", "subword:400", "bpe:400"])
def test_half_a_surrogate_pair_is_refused(kind: str) -> None:
    with pytest.raises(TokenizerError, match=r"U\+D800 at character 3 is half of a surrogate pair"):
        fitted(kind).encode("abc\ud800")


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_outside_is_named(kind: str) -> None:
    tokenizer = fitted(kind)
    with pytest.raises(TokenizerError, match=r"id \d+ is outside the vocabulary"):
        tokenizer.decode([len(tokenizer.vocabulary)])


BROKEN = [
    {"kind": "byte"},
    {"kind": "subword", "algorithm": "unigram", "pieces": ["a"], "scores": "", "boundary": False},
    {"kind": "subword", "algorithm": "unigram", "pieces": ["a"], "scores": "!!", "boundary": False},
    {"kind": "subword", "algorithm": "unigram", "pieces": ["a"], "scores": "AADAfw==", "boundary": False},  # NaN
    {"kind": "subword", "algorithm": "sentence", "pieces": ["a"], "scores": "AAAAAA==", "boundary": False},
    {"kind": "subword", "algorithm": "bpe", "pieces": ["a", "a"], "scores": "AAAAAAAAAAA=", "boundary": False},
    {"kind": "subword", "algorithm": "bpe", "pieces": ["<0x41>"], "scores": "AAAAAA==", "boundary": False},
    {"kind": "subword", "algorithm": "bpe", "pieces": ["a\n"], "scores": "AAAAAA==", "boundary": False},
    {"kind": "subword", "algorithm": "bpe", "pieces": ["\ud800"], "scores": "AAAAAA==", "boundary": False},
    {"kind": "subword", "algorithm": "bpe", "pieces": [1], "scores": "AAAAAA==", "boundary": False},
    {"kind": "word", "words": [], "boundary": False, "unknown_size": [1.0, 1.0]},
    {"kind": "word", "words": ["a", "a"], "boundary": False, "unknown_size": [1.0, 1.0]},
    {"kind": "word", "words": ["<unk>"], "boundary": False, "unknown_size": [1.0, 1.0]},
    {"kind": "word", "words": ["a"], "boundary": False, "unknown_size": [1.0, float("nan")]},
    {"kind": "word", "words": ["a"], "boundary": 1, "unknown_size": [1.0, 1.0]},
    {"kind": "word", "words": ["a\udfff"], "boundary": True, "unknown_size": [1.0, 1.0]},
]


@pytest.mark.parametrize("values", BROKEN, ids=str)
def test_what_no_tokenizer_wrote_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(CheckpointError):
        tokenizers.from_dict(values)
