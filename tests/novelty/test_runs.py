"""Maximal runs, beside all substrings."""

from hypothesis import given
from hypothesis import strategies as st

from gen.novelty.runs import maximal_runs
from gen.novelty.suffixes import SuffixIndex


def all_runs(document: bytes, data: bytes) -> list[tuple[int, int]]:
    stretches = [(a, b) for a in range(len(data)) for b in range(a + 1, len(data) + 1) if data[a:b] in document]
    return [(a, b) for a, b in stretches if not any((c, d) != (a, b) and c <= a and b <= d for c, d in stretches)]


@given(st.text("ab", max_size=60), st.text("abc", max_size=40), st.integers(1, 12))
def test_they_are_those_of_all_substrings(document: str, data: str, least: int) -> None:
    index = SuffixIndex.of([document.encode()])
    found = list(maximal_runs(index, data.encode(), least))
    expected = [run for run in all_runs(document.encode(), data.encode()) if run[1] - run[0] >= least]
    assert [run[:2] for run in found if run.stop - run.start >= least] == expected
    for run in found:
        assert run.place == document.encode().find(data.encode()[run.start : run.stop])


def test_a_copy_of_everything_is_one_run_and_found_soon() -> None:
    document = b"".join(b"%d " % number for number in range(40_000))
    index = SuffixIndex.of([document])
    assert list(maximal_runs(index, document, 30)) == [(0, len(document), 0)]
