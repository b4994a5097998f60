"""Random constraints over a small alphabet, and what they mean, by Python's `re` and by searching texts."""

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import product

from hypothesis import strategies as st

from gen.config import TextConstraints
from gen.config.constraints import character_class

_LEAVES = [
    "a", "b", r"\n", " ", "é", ".", "[ab]", "[^a]", "[a-c]", r"\w", r"\W", r"\s", "(?i:B)", "(?s:.)", r"(?a:\w)",
    "(?i:É)",
]  # fmt: skip
_ASSERTIONS = ["^", "$", r"\b", r"\B", r"\A", r"\Z", "(?m:^)", "(?m:$)", r"(?a:\b)", ""]
_USUAL = [
    "[ab]+", "(a|b)*é?", "[ab]{2,4}", "a*b", "(ab|ba)+", r"(\w+\n)+", ".*b", r"(a?b?)*\n", "ab(ab)*|b+a", r"\w+\b.b",
    "[ab]{3}", "aab?a", "(?i:b(?-i:a))*",
]  # fmt: skip
_REPEATS = ["*", "+", "?", "{2}", "{1,2}", "{0,2}", "*?", "+?", "??", "{,3}?", "{2,}"]


def patterns() -> st.SearchStrategy[str]:
    """Regular expressions of all that can be followed."""
    leaves = st.sampled_from(_LEAVES) | st.sampled_from(_LEAVES) | st.sampled_from(_ASSERTIONS)

    def extended(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        return (
            st.lists(inner, min_size=2, max_size=3).map("".join)
            | st.lists(inner, min_size=2, max_size=3).map(lambda its: "(" + "|".join(its) + ")")
            | st.tuples(inner, st.sampled_from(_REPEATS)).map(lambda it: f"(?:{it[0]}){it[1]}")
            | inner.map(lambda it: f"(?i:{it})")
            | inner.map(lambda it: f"(?-i:{it})")
        )

    return st.recursive(leaves, extended, max_leaves=6)


def words(characters: str = "abé\n") -> st.SearchStrategy[list[str]]:
    return st.lists(st.text(characters, min_size=1, max_size=3), max_size=2)


def constraints() -> st.SearchStrategy[TextConstraints]:
    """Several of them, or few."""
    return st.builds(
        TextConstraints,
        regex=st.none() | patterns() | st.sampled_from(_USUAL),
        must_include=st.just([]) | words("ab"),
        ban=st.just([]) | words(),
        allowed_characters=st.sampled_from([None, None, "ab", r"a-z\n", r"\w", "^]a"]),
        banned_characters=st.sampled_from([None, None, "b", r"\n", "é-ü"]),
        line_length=st.none() | st.integers(1, 4),
    )


def fits(text: str, given: TextConstraints, prompt: str = "") -> bool:
    """Whether a text is as it has to be, each constraint by itself."""
    whole = prompt + text
    for word in given.ban:
        if any(whole.startswith(word, at) for at in range(max(0, len(prompt) - len(word) + 1), len(whole))):
            return False
    for line in enumerate_lines(text, prompt):
        if given.line_length is not None and line > given.line_length:
            return False
    allowed, banned = given.allowed_characters, given.banned_characters
    if allowed is not None and not all(re.match(character_class(allowed), it) for it in text):
        return False
    if banned is not None and any(re.match(character_class(banned), it) for it in text):
        return False
    if not all(word in text for word in given.must_include):
        return False
    return given.regex is None or re.fullmatch(given.regex, text) is not None


def enumerate_lines(text: str, prompt: str) -> Iterator[int]:
    """Lengths of the lines that a text has written into."""
    first, *others = text.split("\n")
    if first:
        yield len(prompt.split("\n")[-1]) + len(first)
    yield from map(len, others)


@cache
def texts(characters: str, length: int) -> Sequence[str]:
    """All texts of at most so many characters."""
    return ["".join(it) for n in range(length + 1) for it in product(characters, repeat=n)]
