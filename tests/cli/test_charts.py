"""Charts in characters: every point where it belongs, at any width, on linear and on logarithmic axes."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.cli.charts import FEW, Axis, Chart, Curve, in_characters

LAGS = [10, 20, 50, 100, 200, 500]
ACROSS = Axis("lag", 10, 500, log=True, ticks=LAGS)
RIGHT = Axis("right", 0, 1, digits=".0%")
MEMORY = Chart(
    "recall",
    ACROSS,
    RIGHT,
    [
        Curve("rnn", list(zip(LAGS, [1, 1, 0.9, 0.5, 0.25, 0.125], strict=True)), "R"),
        Curve("lstm", [(lag, 1.0) for lag in LAGS], "L"),
        Curve("gru", [(lag, 1.0) for lag in LAGS], "G"),
    ],
    [("chance 12.5%", 0.125)],
)


def signs(picture: str, sign: str) -> list[tuple[int, int]]:
    """Where a sign stands in the field, from left to right: (column, row)."""
    rows = [line.partition("|") for line in picture.splitlines() if "|" in line]
    return sorted((x, y) for y, (_, _, field) in enumerate(rows) for x, found in enumerate(field) if found == sign)


@pytest.mark.parametrize(("columns", "lines"), [(20, 10), (40, 10), (80, 24), (200, 50)])
def test_a_chart_fits(columns: int, lines: int) -> None:
    picture = in_characters(MEMORY, columns, lines).splitlines()
    assert max(map(len, picture)) <= columns
    assert next(i for i, line in enumerate(picture) if "against" in line) == lines - 1


def test_all_points_are_marked_where_they_belong_and_beside_each_other_where_they_meet() -> None:
    picture = in_characters(MEMORY, 100, 24)
    rnn, lstm, gru = (signs(picture, sign) for sign in "RLG")
    assert len(rnn) == len(lstm) == len(gru) == len(LAGS)
    assert {y for _, y in lstm} == {y for _, y in gru} == {0}
    field = 100 - len("100% |")
    for lag, (x, _) in zip(LAGS, rnn, strict=True):
        wanted = math.log(lag / 10) / math.log(50) * (field - 1)
        assert abs(x - wanted) <= 1
    assert [y for _, y in rnn] == sorted(y for _, y in rnn)  # it falls
    dashes = next(y for y, line in enumerate(picture.splitlines()[1:]) if line.count("- ") > 20)
    assert dashes == rnn[-1][1]  # at lag 500 it is at chance


def test_what_a_logarithmic_axis_does_not_have_is_left_out() -> None:
    down = Axis("norm", 1e-6, 1, log=True, digits="g")
    chart = Chart("", ACROSS, down, [Curve("a", [(10, 1.0), (50, 0.0), (500, 1e-6)], "A")])
    picture = in_characters(chart, 60, 20)
    assert [y for _, y in signs(picture, "A")] == [0, 16]
    assert "1e-06" in picture


def test_a_long_curve_is_signed_here_and_there_and_never_where_another_is() -> None:
    points = [(float(k), 0.5) for k in range(FEW + 80)]
    chart = Chart("", Axis("k", 0, 99), Axis("y", 0, 1), [Curve("one", points, "1"), Curve("two", points, "2")])
    picture = in_characters(chart, 80, 12)
    assert len(signs(picture, "1")) == len(signs(picture, "2")) == 5
    assert "⠒" in picture or "⠤" in picture or "⠉" in picture


def test_single_points_are_not_joined_where_that_is_asked_for() -> None:
    chart = Chart("", Axis("x", 0, 1), Axis("y", 0, 1), [Curve("dots", [(0.0, 0.0), (1.0, 1.0)], joined=False)])
    field = [line for line in in_characters(chart, 40, 12).splitlines() if "|" in line]
    assert sum(0x2800 < ord(sign) < 0x2900 for line in field for sign in line) == 2


def test_the_scale_in_words() -> None:
    assert RIGHT.marks(4) == [(0.0, "0%"), (0.25, "25%"), (0.5, "50%"), (0.75, "75%"), (1.0, "100%")][: 4 + 1]
    assert [label for _, label in Axis("", 1e-12, 1, log=True, digits="g").marks(5)] == [
        "1e-12", "1e-09", "1e-06", "0.001", "1",
    ]  # fmt: skip
    assert [label for _, label in Axis("", 1, 1000, log=True).marks(12)] == [
        "1", "2", "5", "10", "20", "50", "100", "200", "500", "1,000",
    ]  # fmt: skip
    assert [value for value, _ in ACROSS.marks(2)] == LAGS


@given(st.floats(1e-9, 1e9), st.floats(1.001, 1e9), st.booleans(), st.integers(2, 20))
def test_marks_lie_inside_and_ascend(low: float, ratio: float, log: bool, most: int) -> None:
    axis = Axis("", low, low * ratio, log=log)
    values = [value for value, _ in axis.marks(most)]
    assert values == sorted(set(values))
    assert all(-1e-6 <= axis.share(value) <= 1 + 1e-6 for value in values)
    assert len(values) <= most + 1  # both ends may be round


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(-2, 2)), max_size=40), st.integers(12, 120), st.integers(6, 40))
def test_no_point_breaks_the_picture(points: list[tuple[float, float]], columns: int, lines: int) -> None:
    chart = Chart("title", Axis("x", 0, 1), Axis("y", 0, 1), [Curve("c", points, "c")])
    picture = in_characters(chart, columns, lines).splitlines()
    assert max(map(len, picture)) <= max(columns, 17)
