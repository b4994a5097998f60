"""The longest repeated passage against an exhaustive search; what xz makes of a text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus.repetition import LONGEST, Repeat, compressed_size, longest_repeat
from gen.tokenizers.char import code_points


def exhaustive(text: str, barriers: frozenset[int] = frozenset()) -> int:
    """The greatest length of which two passages are equal, do not overlap and hold no barrier."""
    size = len(text)
    for length in range(size // 2, 0, -1):
        places: dict[str, int] = {}
        for begin in range(size - length + 1):
            if barriers.isdisjoint(range(begin, begin + length)):
                first = places.setdefault(text[begin : begin + length], begin)
                if begin - first >= length:
                    return length
    return 0


def check(text: str, barriers: frozenset[int] = frozenset()) -> None:
    breaks = np.isin(np.arange(len(text)), list(barriers))
    found = longest_repeat(code_points(text), breaks)
    assert (found.length if found else 0) == exhaustive(text, barriers)
    if found:
        first, second = (range(place, place + found.length) for place in (found.first, found.second))
        assert first.stop <= second.start and second.stop <= len(text)
        assert text[first.start : first.stop] == text[second.start : second.stop]
        assert barriers.isdisjoint(first) and barriers.isdisjoint(second)


@given(st.text(alphabet="ab", max_size=60))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_it_is_what_an_exhaustive_search_finds(text: str) -> None:
    check(text)


@given(st.text(alphabet="abc\U0010ffff", max_size=40), st.frozensets(st.integers(0, 39), max_size=5))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_no_passage_goes_across_a_break(text: str, barriers: frozenset[int]) -> None:
    check(text, barriers)


@given(st.text(alphabet="abcdef", min_size=1, max_size=12), st.integers(2, 9), st.text(alphabet="abc", max_size=5))
@settings(derandomize=True, deadline=None)
def test_periodic_texts_too(period: str, times: int, rest: str) -> None:
    check(period * times + rest)


@pytest.mark.parametrize("length", [1, 2, 3, 4, 5, 7, 8, 9, 100, 127, 128, 129, 1000])
def test_a_planted_passage_is_found_with_its_places(length: int) -> None:
    points = np.arange(5000) + 1000
    points[4000 : 4000 + length] = points[20 : 20 + length]
    assert longest_repeat(points) == Repeat(20, 4000, length)


def test_the_earliest_of_several_is_taken() -> None:
    assert longest_repeat(code_points("1xyz2abc3abc4xyz5")) == Repeat(1, 13, 3)
    assert longest_repeat(code_points("1abc2xyz3xyz4abc5")) == Repeat(1, 13, 3)


@pytest.mark.parametrize("text", ["", "a", "abc"])
def test_where_nothing_occurs_twice_there_is_none(text: str) -> None:
    assert longest_repeat(code_points(text)) is None


def test_breaks_everywhere_leave_nothing() -> None:
    assert longest_repeat(code_points("aaaa"), np.ones(4, np.bool_)) is None


@pytest.mark.parametrize("period", ["a", "abc"])
def test_the_worst_case_ends(period: str) -> None:
    points = code_points(period * (LONGEST // len(period)))[: 1 << 17]
    found = longest_repeat(points)
    assert found is not None
    assert len(points) // 2 - len(period) <= found.length <= len(points) // 2


def test_repetition_compresses_and_noise_does_not() -> None:
    noise = "".join(map(chr, np.random.default_rng(0).integers(0, 128, 20_000)))
    assert compressed_size(noise) > 7 / 8 * len(noise)
    assert compressed_size(noise[:100] * 200) < 300
