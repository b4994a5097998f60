"""Regular expressions as automata: what they accept is what Python's `re` accepts."""

import re
import time

import pytest
from hypothesis import given, settings

from gen.constraints.alphabet import Alphabet, Leaf, Universe
from gen.constraints.determinise import leaves_of, table_of
from gen.constraints.regex import Automaton
from gen.errors import ConfigError
from tests.constraints.strategies import patterns, texts

_CHARACTERS = "\n aBbé"
_TEXTS = [*texts(_CHARACTERS, 3), *texts("\nab", 5)]


def accepted(pattern: str, candidates: list[str], universe: Universe) -> list[str]:
    automaton = Automaton.of(pattern)
    alphabet = Alphabet(universe, leaves_of(automaton))
    table = table_of(automaton, alphabet)
    found = []
    for text in candidates:
        state = table.start
        for it in alphabet.classes(text):
            state = int(table.steps[state, it]) if state >= 0 else state
        if state >= 0 and table.accepting[state]:
            found.append(text)
    return found


@settings(max_examples=200)
@given(pattern=patterns())
def test_a_table_accepts_what_re_matches(pattern: str) -> None:
    universe = Universe("".join(sorted(_CHARACTERS)))
    assert accepted(pattern, _TEXTS, universe) == [text for text in _TEXTS if re.fullmatch(pattern, text)]


@pytest.mark.parametrize(
    "pattern",
    [
        r"a$\n+",
        r"(a$)?\n*b?",
        r"a$(?s:.)*",
        r"(?m:a$)\n+b",
        r"(?:a|$|\n)+",
        r"(?:^a$\n)+",
        r"(?m:(?:^a$\n)+)",
        r"a\Z\n?",
    ],
)
def test_an_anchor_before_the_last_line_end_is_one_only_there(pattern: str) -> None:
    universe = Universe("".join(sorted(_CHARACTERS)))
    assert accepted(pattern, _TEXTS, universe) == [text for text in _TEXTS if re.fullmatch(pattern, text)]


_ODD = "".join(map(chr, [10, 48, 65, 97, 0x130, 0x131, 0x17F, 0xB5, 0x3BC, 0xDF, 0x1E9E, 0x212A, 0x661, 0x345, 0x2028]))
_LEAVES = [
    "(?i)k", "(?i)s", "(?i)µ", "(?i)ß", "(?ia)k", "(?i)[k-s]", "(?i)[^k]", "(?i)1", "(?i)\u0131", "(?i)\ufb06",
    r"\d", r"(?a)\d", r"\w", r"(?a)\W", r"\s", ".", "(?s).", r"(?i)\U00010400", r"[^\W\d]", "(?i:[a-z])",
]  # fmt: skip


@pytest.mark.parametrize("pattern", _LEAVES)
def test_one_character_is_what_re_says_over_all_of_unicode(pattern: str) -> None:
    universe = Universe()
    automaton = Automaton.of(pattern)
    (leaf,) = leaves_of(automaton)
    found = "".join(universe.characters[begin:end] for begin, end in universe.spans(leaf))
    assert found == "".join(re.findall(pattern, universe.characters))
    assert accepted(pattern, list(_ODD), universe) == re.findall(pattern, _ODD)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        (r"(a)\1", "reference"),
        ("(?=a)b", "look-ahead"),
        ("(?<!a)b", "look-behind"),
        ("(?>a)b", "atomic"),
        ("a++b", "possessive"),
        ("(a)?(?(1)b|c)", "condition"),
        ("((?:x(?=a)){2}|b)*", "look-ahead"),
    ],
)
def test_what_no_automaton_follows_is_refused(pattern: str, why: str) -> None:
    with pytest.raises(ConfigError, match=why):
        Automaton.of(pattern)


_LARGE = [
    "(a{1000}){1000}", "(a{0,99}){0,999}", "(.*a.{20})", "((a|b)*a(a|b){30})", "(?:a?){5000}a{4999}",
    "(x+x+)+y{0,5000}", r"(\b\w+\b\W*){900}", "(.{0,90}a){90}",
]  # fmt: skip


@pytest.mark.parametrize("pattern", _LARGE)
def test_what_is_too_large_is_refused_soon(pattern: str) -> None:
    began = time.perf_counter()
    with pytest.raises(ConfigError, match="regex"):
        accepted(pattern, ["a"], Universe("abxy \n"))
    assert time.perf_counter() - began < 1


def test_repetitions_of_one_character_do_not_multiply() -> None:
    """Of places that are open at once, the one that the most may follow is enough."""
    universe = Universe("abcx \n")
    for pattern, most in [
        (r"(?s).{0,40}\bax\b.{30,}[bc]", 4_000),
        (".*a.{40,}x", 100),
        ("a.{0,60}b.{0,60}c", 4_000),
    ]:
        automaton = Automaton.of(pattern)
        assert len(table_of(automaton, Alphabet(universe, leaves_of(automaton))).accepting) < most


def test_classes_part_what_leaves_part() -> None:
    alphabet = Alphabet(Universe("abcxyz"), [Leaf.of("b"), Leaf.of("q")])
    assert alphabet.size == 2
    assert alphabet.classes("abcq") == [
        alphabet.classes("x")[0],
        alphabet.classes("b")[0],
        alphabet.classes("z")[0],
        -1,
    ]
    assert alphabet.matched(Leaf.of("q")).tolist() == [False, False]
