import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.music.roll_axis import WIDTH, Axis, clock, make_axis
from gen.music.score import Note, Score, TimeSignature


def axis(seconds: float = 0, *signatures: TimeSignature, beats: bool = False, resolution: int = 480) -> Axis:
    """Of a piece of so many seconds, at 120 beats a minute."""
    end = round(seconds * 2 * resolution)
    return make_axis(Score.of(resolution, [Note(0, end, 60, 64), *signatures]), beats=beats)


def labels(made: Axis, row: int) -> list[str]:
    return [mark.label for mark in made.marks[row] if mark.label]


def test_seconds_are_read_as_on_a_clock() -> None:
    assert [clock(s) for s in (0, 7, 60, 754, 3600, 3723)] == ["0:00", "0:07", "1:00", "12:34", "1:00:00", "1:02:03"]


def test_rows_are_of_24_seconds() -> None:
    made = axis(100.5)
    assert made.edges.tolist() == [0, 24, 48, 72, 96, 101] and made.bars == 0 and made.rows == 5
    assert made.scale == pytest.approx(WIDTH / 24)
    assert made.width(0) == pytest.approx(WIDTH) and made.width(4) == pytest.approx(5 * WIDTH / 24)
    assert labels(made, 1)[:3] == ["0:24", "0:26", "0:28"]
    assert [mark.at for mark in made.marks[1]][:3] == pytest.approx([0, made.scale, 2 * made.scale])


def test_a_short_piece_is_stretched_within_reason() -> None:
    assert axis(5).width(0) == pytest.approx(440)
    assert axis(0.5).scale == pytest.approx(3 * WIDTH / 24)
    assert axis(24).scale == pytest.approx(WIDTH / 24)


def test_a_long_piece_is_drawn_more_closely() -> None:
    for seconds in (3600, 20_000, 400_000, 10**7):
        made = axis(seconds, resolution=100)
        assert 10 <= made.rows <= 48
        assert made.width(0) == pytest.approx(WIDTH)
        at = [mark.at for mark in made.marks[0] if mark.label]
        assert min(np.diff([*at, WIDTH + 40])) >= 39 and len(at) >= 2


def test_bars_fill_rows_in_fours() -> None:
    made = axis(60, beats=True)
    assert made.bars == 30 and (made.edges / 1920).tolist() == [0, 8, 16, 24, 30]
    assert labels(made, 1) == [str(n) for n in range(9, 17)]
    assert [mark.weight for mark in made.marks[0]][:5] == [2, 1, 1, 1, 2]
    waltz = axis(60, TimeSignature(0, 3, 4), beats=True)
    assert waltz.bars == 40 and (waltz.edges / 1440).tolist() == [0, 8, 16, 24, 32, 40]


def test_a_bar_that_is_begun_is_drawn_to_its_end() -> None:
    made = axis(2.1, beats=True)
    assert made.bars == 2 and made.edges.tolist() == [0, 2 * 1920]


def test_a_new_metre_is_told_and_rows_still_end_with_bars() -> None:
    made = axis(
        60, TimeSignature(0, 3, 4), TimeSignature(6 * 1440, 7, 8), TimeSignature(6 * 1440 + 5 * 1680, 4, 4), beats=True
    )
    assert labels(made, 0)[6] == "7: 7/8"
    told = [label for row in range(made.rows) for label in labels(made, row) if ":" in label]
    assert told == ["7: 7/8", "12: 4/4"]
    lines = {mark.at / made.scale + edge for edge, row in zip(made.edges, made.marks, strict=False) for mark in row}
    assert {float(edge) for edge in made.edges[:-1]} <= {round(line) for line in lines}


def test_a_bar_longer_than_a_row_is_broken() -> None:
    made = axis(120, TimeSignature(0, 200, 4), beats=True)
    assert made.bars == 2
    assert made.edges[1] == 64 * 480 and 200 * 480 in made.edges.tolist()


def test_what_is_too_long_for_bars_is_drawn_by_seconds() -> None:
    assert axis(9_990, beats=True).bars == 4995
    assert axis(10_010, beats=True).bars == 0


@given(
    st.integers(1, 400),
    st.lists(st.tuples(st.integers(0, 300_000), st.integers(1, 20), st.sampled_from([1, 2, 4, 8, 16])), max_size=4),
    st.booleans(),
    st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=20),
)
def test_rows_follow_one_another_and_spans_are_cut_without_loss(
    seconds: int, metres: list[tuple[int, int, int]], beats: bool, places: list[tuple[float, float]]
) -> None:
    made = axis(seconds, *(TimeSignature(*metre) for metre in metres), beats=beats)
    assert made.edges[0] == 0 and (np.diff(made.edges) > 0).all()
    assert made.edges[-1] >= (seconds * 960 if made.bars else seconds)
    assert len(made.marks) == made.rows <= 100
    for row, marks in enumerate(made.marks):
        assert made.width(row) <= WIDTH * 1.0001
        figures = [mark.at for mark in marks if mark.label]
        assert all(0 <= mark.at < made.width(row) for mark in marks)
        assert not len(figures) > 1 or min(np.diff(figures)) >= 39.9
    starts = np.array([min(pair) for pair in places]) * made.edges[-1]
    ends = np.array([max(pair) for pair in places]) * made.edges[-1]
    pieces = list(made.pieces(starts, ends))
    assert len(pieces) == made.count(starts, ends)
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        mine = [(row, begin, until) for number, row, begin, until in pieces if number == index]
        assert [row for row, *_ in mine] == list(range(mine[0][0], mine[-1][0] + 1))
        assert sum(until - begin for _, begin, until in mine) == pytest.approx((end - start) * made.scale, abs=1e-6)
        assert made.edges[mine[0][0]] + mine[0][1] / made.scale == pytest.approx(start, abs=1e-6)
