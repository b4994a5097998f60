from itertools import pairwise

from gen.music.counterpoint import Line, Tone
from gen.music.harmony import Key
from gen.music.two_voices import RANGES, Block, Sheet

C = Key(0, "major")
A_MINOR = Key(9, "minor")


def line(*degrees: int, root: int = 0) -> Line:
    return tuple(Tone(4 * place, 4, degree, root) for place, degree in enumerate(degrees))


def block(lead: Line, other: Line | None = None) -> Block:
    return Block(lead, other, 4 * len(lead))


def voices(sheet: Sheet) -> list[list[int]]:
    return [[note.pitch for note in sheet.notes(0) if note.track == voice] for voice in range(2)]


def test_a_line_comes_to_its_voice_in_its_range() -> None:
    for leader, other in ((0, 1), (1, 0)):
        sheet = Sheet(C)
        assert sheet.add(block(line(0, 1, 2, 4)), [0], leader)
        pitches = voices(sheet)[leader]
        assert [pitch - pitches[0] for pitch in pitches] == [0, 2, 4, 7] and pitches[0] % 12 == 0
        assert RANGES[leader][0] <= min(pitches) and max(pitches) <= RANGES[leader][1]
        assert voices(sheet)[other] == []
        assert {note.start: note.duration for note in sheet.notes(0)} == {0: 24, 24: 24, 48: 24, 72: 24}


def test_lines_join_by_the_smallest_step() -> None:
    sheet = Sheet(C)
    assert sheet.add(block(line(0, 2, 4, 6)), [0], 0) and sheet.add(block(line(0, 1, 0)), [0], 0)
    upper = voices(sheet)[0]
    assert upper[4] - upper[3] == 1 and sheet.length == 28


def test_the_first_place_that_fits_is_taken() -> None:
    parallel = block(line(0, 1), line(-7, -6))  # octaves side by side, wherever they lie
    sheet = Sheet(C)
    assert not sheet.add(parallel, [0, 4], 0) and sheet.length == 0
    fifths = block(line(4, 5), line(0, 1))  # G over C and A over D; moved by five steps, E over A and F over B
    assert not sheet.add(fifths, [0], 0)
    assert sheet.add(fifths, [0, 5], 0)
    assert [pitch % 12 for pitch in voices(sheet)[0]] == [4, 5]


def test_parallels_at_a_joint_are_refused() -> None:
    sheet = Sheet(C)
    assert sheet.add(block(line(11), line(0)), [0], 0)  # G over C
    assert not sheet.add(block(line(12), line(1)), [0], 0)  # A over D
    assert sheet.add(block(line(10), line(1)), [0], 0)  # F over D


def test_minor_raises_its_seventh_over_the_dominant_but_not_beside_the_sixth() -> None:
    sheet = Sheet(A_MINOR)
    assert sheet.add(block(line(6, 4, 6, 7, root=4)), [0], 0) and sheet.add(block(line(6, 5, 4, 4, root=4)), [0], 0)
    assert sheet.add(block(line(6, 4, 2, 4, root=2)), [0], 0)
    assert [pitch % 12 for pitch in voices(sheet)[0]] == [8, 4, 8, 9, 7, 5, 4, 4, 7, 4, 0, 4]


def test_voices_never_meet() -> None:
    sheet = Sheet(C)
    assert not sheet.add(block(line(0, 9), line(0, -21)), [0], 0)  # no octaves keep both in their ranges
    assert sheet.add(block(line(7, 8), line(5, 3)), [0], 0)
    upper, lower = voices(sheet)
    assert all(high - low >= 3 for high, low in zip(upper, lower, strict=True))


def test_the_end_wants_a_cadence() -> None:
    sheet = Sheet(C)
    assert sheet.add(block(line(7, 8), line(0, 4)), [0], 0) and not sheet.end(16)
    assert sheet.add(block(line(6, root=4), line(-3, root=4)), [0], 0) and sheet.end(16)
    upper, lower = voices(sheet)
    assert upper[-1] - upper[-2] == 1 and lower[-1] % 12 == 0 and abs(lower[-1] - lower[-2]) in (5, 7)
    assert sheet.notes(6)[0].program == 6


def test_harmony_tells_the_chords_and_when_they_begin() -> None:
    sheet = Sheet(A_MINOR)
    assert sheet.add(Block((Tone(0, 4, 0, 0), Tone(4, 4, 2, 0), Tone(8, 8, 4, 4)), None, 16), [0], 0)
    assert sheet.add(block(line(2, root=2)), [0], 1)
    assert sheet.harmony() == [(0, frozenset({9, 0, 4})), (48, frozenset({4, 7, 8, 11})), (96, frozenset({0, 4, 7}))]
    assert all(one[0] < two[0] for one, two in pairwise(sheet.harmony()))
