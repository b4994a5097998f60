"""What cannot be is refused before anything is drawn: soon, and with the reason."""

import time
from collections.abc import Iterator
from typing import Any

import pytest

from gen.config import TextConstraints
from gen.constraints import text_constraint
from gen.errors import ConfigError
from gen.tokenizers import ByteTokenizer, CharTokenizer, SubwordTokenizer, TextTokenizer, WordTokenizer

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_WORDS = [_LETTERS[at] + _LETTERS[at * 7 % 26] + _LETTERS[at * 3 % 26 : at * 3 % 26 + 4] for at in range(26)]
_TOKENIZERS: dict[str, TextTokenizer] = {
    "char": CharTokenizer(sorted(f"\n .,!{_LETTERS}ABC")),
    "byte": ByteTokenizer(boundary=True),
    "subword": SubwordTokenizer("unigram", [*_LETTERS, *_WORDS, *(f" {it}" for it in _WORDS)], [-1.0] * 78),
    "word": WordTokenizer(["\n", " ", *_WORDS, *(f" {it}" for it in _WORDS)]),
}
_NASTY: list[dict[str, Any]] = [
    {"regex": "(a{1000}){1000}"},
    {"regex": "(.*a.{14})"},
    {"regex": "(x+x+)+y{300}"},
    {"regex": "(?i)" + "|".join(_WORDS) * 9},
    {"regex": r"([^\W\d_]{3,90}\b.?)+q{300}"},
    {"regex": ".{2000}x"},
    {"regex": "[a-z]{600}", "must_include": ("love", "night")},
    {"regex": ".*a.{9}", "must_include": _WORDS[:8], "line_length": 80},
    {"must_include": _WORDS},
    {"must_include": _WORDS[:7], "ban": (_WORDS[0][:3],)},
    {"must_include": _LETTERS[:10], "ban": _LETTERS[10:17], "line_length": 60},
    {"ban": [one + other for one in _LETTERS for other in _LETTERS], "line_length": 1000, "must_include": ("ab",)},
    {"line_length": 5000, "regex": "[a-z ]+"},
]


@pytest.mark.parametrize("bound", [{"characters": 300}, {"ids": 60}, {}])
@pytest.mark.parametrize("name", list(_TOKENIZERS))
def test_whatever_is_asked_is_answered_within_a_second(name: str, bound: dict[str, int]) -> None:
    for values in _NASTY:
        given = {key: tuple(it) if isinstance(it, str | list) and key != "regex" else it for key, it in values.items()}
        constraints = TextConstraints(**given)  # type: ignore[arg-type]
        began = time.process_time()
        try:
            text_constraint(constraints, _TOKENIZERS[name], **bound)  # type: ignore[arg-type]
        except ConfigError as error:
            assert 20 < len(str(error)) < 400
        assert time.process_time() - began < 1, (values, bound)


def messages() -> Iterator[tuple[str, dict[str, object], dict[str, object], str]]:
    """Constraints that nothing fulfils, and what is said of them."""
    yield "char", {"must_include": ("cat",), "ban": ("at",)}, {}, "must_include 'cat' and ban 'at' exclude each other"
    yield "char", {"must_include": ("cat", "dog"), "ban": ("xy", "og")}, {}, "must_include 'dog' and ban 'og' exclude"
    yield "char", {"must_include": ("a b",), "regex": r"\w+"}, {}, r"regex '\\w+' and must_include 'a b' exclude"
    yield "char", {"must_include": ("é",)}, {}, "the model cannot write 'é'"
    yield (
        "char",
        {"must_include": ("abcd",)},
        {"characters": 3},
        ("no text of at most 3 characters fits must_include 'abcd': the shortest has 4 characters"),
    )
    yield (
        "char",
        {"must_include": ("ab", "ca"), "ban": ("cab",)},
        {"characters": 3},
        ("at most 3 characters fits must_include 'ab', must_include 'ca' and ban 'cab': the shortest has 4 characters"),
    )
    yield "subword", {"regex": "[a-z]{9}!"}, {"ids": 1}, "no text of at most 1 tokens fits regex '[a-z]{9}!'"
    every = [one + other for one in _LETTERS for other in _LETTERS]
    yield "char", {"must_include": ("love", "b.c"), "ban": every}, {}, "must_include 'love' and ban "
    yield "char", {"must_include": ("a", "b."), "ban": ["b", *every]}, {}, "must_include 'b.' and ban 'b' exclude each"
    yield "char", {"line_length": 3, "must_include": ("abcd",)}, {}, "must_include 'abcd' and line_length 3 exclude"
    yield "char", {"line_length": 3, "regex": "[^a]{2,}b"}, {"prompt": "xyz", "characters": 2}, "at most 2 characters"
    yield (
        "char",
        {"allowed_characters": "a", "banned_characters": "a-b"},
        {},
        ("only the empty text fits allowed_characters 'a' and banned_characters 'a-b'"),
    )
    yield "char", {"regex": "a*", "banned_characters": "a"}, {}, "regex 'a*' and banned_characters 'a'"
    yield "word", {"regex": "zz+"}, {}, "no text that this model can write fits regex 'zz+'"


@pytest.mark.parametrize(("name", "values", "bounds", "message"), list(messages()))
def test_the_reason_names_what_is_at_odds(
    name: str, values: dict[str, object], bounds: dict[str, object], message: str
) -> None:
    with pytest.raises(ConfigError) as refused:
        text_constraint(TextConstraints(**values), _TOKENIZERS[name], **bounds)  # type: ignore[arg-type]
    assert message in str(refused.value)


def test_settings_are_judged_when_they_are_made() -> None:
    wrong: list[tuple[dict[str, object], str]] = [
        ({"regex": "("}, "regex is '\\(', which cannot be read: missing \\)"),
        ({"regex": 3}, "regex is 3"),
        ({"regex": "a" * 10_001}, "at most 10,000 characters"),
        ({"regex": "(" * 5000 + ")" * 5000}, "nested too deeply"),
        ({"must_include": ("a", "")}, "must_include is"),
        ({"must_include": "love"}, "must_include is 'love'; it must be texts"),
        ({"ban": (1,)}, "ban is"),
        ({"allowed_characters": ""}, "allowed_characters is ''"),
        ({"banned_characters": r"\q"}, "bad escape"),
        ({"line_length": 0}, "line_length is 0"),
        ({"line_length": 2.5}, "line_length is 2.5"),
    ]
    for values, message in wrong:
        with pytest.raises(ConfigError, match=message):
            TextConstraints(**values)  # type: ignore[arg-type]
    some = TextConstraints(regex="a", must_include=["b", "b"], ban=("c",), line_length=4)  # type: ignore[arg-type]
    assert some.must_include == ("b",) and TextConstraints.from_dict(some.to_dict()) == some
