# ruff: noqa: RUF001  (what looks alike is what this is about)
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import ConfigError, TokenizerError
from gen.tokenizers import CharTokenizer
from gen.tokenizers.unknown import replace_unknown

ASCII = CharTokenizer("\n" + "".join(map(chr, range(32, 127))))
anything = st.text(st.characters() | st.characters(categories=["Cs", "Mn", "Sk", "Pd"]))
some_letters = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)


@pytest.mark.parametrize(
    ("written", "nearest"),
    [
        ("café naïve Ångström", "cafe naive Angstrom"),
        ("e\u0301te\u0301", "ete"),
        ("‘single’ “double” „low‟ «guillemets»", '\'single\' "double" "low" "guillemets"'),
        ("5′ 6″ ´ ‛", "5' 6\" ' '"),
        ("a—b – c‑d ― −1 ‐", "a-b - c-d - -1 -"),
        ("wait…", "wait..."),
        ("ﬁne ﬂight oﬃce ﬆop", "fine flight office stop"),
        ("æther Œuvre Straße smørrebrød Łódź þorn ıŊ", "aether OEuvre Strasse smorrebrod Lodz thorn i"),
        ("ＦＵＬＬ　width", "FULL width"),
        ("x² ½ ① ℡ ㎏", "x2 1/2 1 TEL kg"),
        ("no\u00a0break\u2009thin\ttab", "no break thin tab"),
        ("line\u2028para\u2029", "line\npara\n"),
        ("𝐛𝐨𝐥𝐝 𝓈𝒸𝓇𝒾𝓅𝓉", "bold script"),
    ],
)
def test_the_nearest_in_ascii(written: str, nearest: str) -> None:
    text, dropped = replace_unknown(written, ASCII, "nearest")
    assert text == nearest
    assert dropped == (["Ŋ"] if "Ŋ" in written else [])


@pytest.mark.parametrize(
    ("written", "known", "nearest", "dropped"),
    [
        ("HELLO", "helo", "hello", []),
        ("hello", "HELO", "HELLO", []),
        ("É", "eé", "é", []),  # an accent is kept before a case is …
        ("É", "Ee", "E", []),
        ("É", "e", "e", []),
        ("é", "e\u0301", "e\u0301", []),  # a model of decomposed text gets decomposed text
        ("e\u0301a", "éa", "éa", []),  # and one of composed text, composed
        ("e\u0301", "e", "e", []),
        ("e\u0302\u0301", "e\u0302", "e", []),
        ("ß", "sS", "ss", []),
        ("ß", "S", "SS", []),
        ("Æ", "ae", "ae", []),
        ("“a”", "a“”", "“a”", []),  # what is known stays
        ("“a”", "a'", "a", ["“", "”"]),
        ("ﬁ", "f", "", ["ﬁ"]),  # half a rewriting is none
        ("x 日本 x", "x ", "x  x", ["日", "本"]),
        ("\u2126", "ωa", "ω", []),
        ("\u2126日", "\u2126", "\u2126", ["日"]),
        ("\ud800a", "a", "a", ["\ud800"]),
    ],
)
def test_the_nearest_by_hand(written: str, known: str, nearest: str, dropped: list[str]) -> None:
    assert replace_unknown(written, CharTokenizer(known), "nearest") == (nearest, dropped)


def test_skipping_drops_the_unknown_and_tells_each_once() -> None:
    assert replace_unknown("xéyézñ", CharTokenizer("xyz"), "skip") == ("xyz", ["é", "ñ"])


def test_an_error_is_left_to_the_tokenizer() -> None:
    tokenizer = CharTokenizer("ab")
    assert replace_unknown("aéb", tokenizer, "error") == ("aéb", [])
    with pytest.raises(TokenizerError, match="1 character that the model never saw: 'é'"):
        tokenizer.encode("aéb")


def test_another_way_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown is 'drop'; it must be one of error, skip, nearest"):
        replace_unknown("a", ASCII, "drop")


@pytest.mark.parametrize("how", ["skip", "nearest"])
@settings(derandomize=True, deadline=None, max_examples=100)
@given(text=anything, known=some_letters)
def test_what_comes_back_can_be_encoded(how: str, text: str, known: str) -> None:
    tokenizer = CharTokenizer.fit([known])
    fitting, dropped = replace_unknown(text, tokenizer, how)
    assert tokenizer.decode(tokenizer.encode(fitting)) == fitting
    assert len(dropped) == len(set(dropped))
    assert not set(dropped) & set(known)
    if how == "skip":
        assert fitting == "".join(c for c in text if c in known)
        assert dropped == tokenizer.unknown(text)


@pytest.mark.parametrize("how", ["error", "skip", "nearest"])
@settings(derandomize=True, deadline=None)
@given(text=some_letters)
def test_known_text_is_left_alone(how: str, text: str) -> None:
    assert replace_unknown(text, CharTokenizer.fit([text]), how) == (text, [])


@settings(derandomize=True, deadline=None)
@given(text=st.text("aeiouAEIOU", min_size=1), accent=st.sampled_from("\u0300\u0301\u0302\u0308"))
def test_accents_and_case_never_lose_a_letter(text: str, accent: str) -> None:
    accented = unicodedata.normalize("NFC", "".join(c + accent for c in text))
    tokenizer = CharTokenizer("aeiou")
    assert replace_unknown(accented, tokenizer, "nearest") == (text.lower(), [])
    assert replace_unknown("".join(c + accent for c in text), tokenizer, "nearest") == (text.lower(), [])
