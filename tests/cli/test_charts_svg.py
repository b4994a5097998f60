"""Charts as SVG: sound XML, every point in its place, no letters outside, and rules for day and night."""

import math
import re
import xml.etree.ElementTree as ElementTree

from gen.cli.charts import Axis, Chart, Curve
from gen.cli.charts_svg import in_svg
from tests.cli.test_charts import LAGS, MEMORY

SVG = "{http://www.w3.org/2000/svg}"


def places(line: ElementTree.Element) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in (line.get("points") or "").split())]


def test_points_stand_where_the_axes_say() -> None:
    root = ElementTree.fromstring(in_svg([MEMORY]))
    rnn, lstm, gru = (places(line) for line in root.iter(f"{SVG}polyline"))
    assert lstm == gru and {y for _, y in lstm} == {76.0}
    for (x, y), lag, right in zip(rnn, LAGS, (1, 1, 0.9, 0.5, 0.25, 0.125), strict=True):
        assert abs(x - (74 + 706 * math.log(lag / 10) / math.log(50))) < 0.06
        assert abs(y - (398 - 322 * right)) < 0.06
    (level,) = (path for path in root.iter(f"{SVG}path") if path.get("class") == "level" and "H" in str(path.get("d")))
    assert level.get("d") == f"M74 {rnn[-1][1]}H780"  # chance
    labels = {text.text for text in root.iter(f"{SVG}text")}
    assert {"recall", "lag", "right", "rnn", "lstm", "gru", "chance 12.5%", "0%", "100%", *map(str, LAGS)} <= labels


def test_several_stand_one_below_the_other_and_nothing_is_outside() -> None:
    root = ElementTree.fromstring(in_svg([MEMORY, MEMORY, MEMORY]))
    assert root.get("viewBox") == "0 0 800 1350"
    assert [g.get("transform") for g in root.findall(f"{SVG}g")] == [f"translate(0 {450 * n})" for n in range(3)]
    for text in root.iter(f"{SVG}text"):
        if text.get("x"):
            assert 0 <= float(text.get("x", "")) <= 800 and 0 <= float(text.get("y", "")) <= 450


def test_a_name_is_text_whatever_it_holds() -> None:
    chart = Chart("a <run> & more", Axis("x", 0, 1), Axis("y", 0, 1), [Curve("<b>", [(0, 0), (1, 1)], "x")])
    texts = [text.text for text in ElementTree.fromstring(in_svg([chart])).iter(f"{SVG}text")]
    assert "a <run> & more" in texts and "<b>" in texts


def test_night_has_a_colour_for_all_that_day_has() -> None:
    day, _, night = in_svg([MEMORY]).partition("@media (prefers-color-scheme:dark)")
    rule = re.compile(r"\.gen-chart ([.\w]+)\{(\w+):(#\w+)\}")
    by_day = {(selector, what): colour for selector, what, colour in rule.findall(day)}
    by_night = {(selector, what): colour for selector, what, colour in rule.findall(night)}
    assert by_day.keys() == by_night.keys() and len(by_day) >= 10
    assert all(by_day[key] != by_night[key] for key in by_day)


def test_what_a_logarithmic_axis_does_not_have_is_left_out() -> None:
    norms = Axis("norm", 1e-6, 1, log=True)
    chart = Chart("", Axis("k", 0, 2), norms, [Curve("a", [(0, 1.0), (1, 0.0), (2, 1e-6)], "A")])
    (line,) = ElementTree.fromstring(in_svg([chart])).iter(f"{SVG}polyline")
    assert places(line) == [(74.0, 76.0), (780.0, 398.0)]


def test_a_curve_that_lies_on_another_does_not_hide_it() -> None:
    points = [(float(k), 1.0) for k in range(100)]
    chart = Chart("", Axis("k", 0, 99), Axis("y", 0, 2), [Curve("h", points, "1"), Curve("c", points, "2")])
    lines = list(ElementTree.fromstring(in_svg([chart])).iter(f"{SVG}polyline"))
    assert places(lines[0]) == places(lines[1])
    assert [line.get("stroke-dasharray") for line in lines] == [None, "8 6"]
