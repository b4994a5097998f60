from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus.units import LONGEST, Unit, pieces, units

SIZE = 5


@dataclass
class Blocks:
    name: str
    given: Sequence[str]

    def blocks(self) -> Iterator[str]:
        yield from self.given


TEXTS = st.lists(st.text(alphabet="ab\n日", max_size=60), max_size=6)


def cut_up(texts: list[str], data: st.DataObject) -> list[Blocks]:
    documents = []
    for number, text in enumerate(texts):
        cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=5)))
        edges = [0, *cuts, len(text)]
        blocks = [text[a:b] for a, b in pairwise(edges)]
        documents.append(Blocks(str(number), blocks))
    return documents


def facts(unit: Unit) -> tuple[bool, list[str], list[str]]:
    return unit.begins, [document.name for document in unit.documents], list(unit.texts)


@given(TEXTS, st.data())
@settings(derandomize=True, deadline=None)
def test_units_follow_from_the_text_and_hold_all_of_it(texts: list[str], data: st.DataObject) -> None:
    found = [facts(unit) for unit in units(cut_up(texts, data), SIZE)]
    assert found == [facts(unit) for unit in units([Blocks(str(n), [text]) for n, text in enumerate(texts)], SIZE)]
    joined: dict[str, str] = {}
    for begins, names, parts in found:
        for number, (name, part) in enumerate(zip(names, parts, strict=True)):
            assert part
            assert (name not in joined) == bool(number or begins)
            joined[name] = joined.get(name, "") + part
    assert joined == {str(number): text for number, text in enumerate(texts) if text}


@given(TEXTS)
@settings(derandomize=True, deadline=None)
def test_a_unit_ends_at_the_first_place_where_it_may(texts: list[str]) -> None:
    found = list(units([Blocks(str(n), [text]) for n, text in enumerate(texts)], SIZE))
    ends = {str(number): len(text) for number, text in enumerate(texts)}
    read = dict.fromkeys(ends, 0)
    for unit in found:
        length = 0
        for document, text in zip(unit.documents, unit.texts, strict=True):
            read[document.name] += len(text)
            earlier = [length + place + 1 for place, c in enumerate(text[:-1]) if c == "\n"]
            assert not any(place >= SIZE for place in earlier)
            length += len(text)
            at_end = read[document.name] == ends[document.name]
            if document is not unit.documents[-1]:
                assert at_end and length < SIZE
        assert length <= LONGEST * SIZE
        if unit is not found[-1]:
            assert length >= SIZE
            assert text.endswith("\n") or at_end or length == LONGEST * SIZE


@given(st.text(alphabet="ab\n", max_size=200))
@settings(derandomize=True, deadline=None)
def test_pieces_are_cut_at_line_ends(text: str) -> None:
    found = list(pieces(text, SIZE))
    assert "".join(found) == text
    assert all(piece.endswith("\n") or len(piece) == LONGEST * SIZE for piece in found[:-1])
    assert all(SIZE <= len(piece) <= LONGEST * SIZE for piece in found[:-1])


def test_a_unit_knows_its_size() -> None:
    (unit,) = units([Blocks("a", ["aä"]), Blocks("b", ["日"])])
    assert unit.data == ["aä".encode(), "日".encode()]
    assert unit.bytes == 6
