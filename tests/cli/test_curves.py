"""The curves of a run: every point where it belongs, in a terminal of any width and as an SVG."""

import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from gen.cli import charts
from gen.cli.charts_svg import in_svg as svg_of
from gen.cli.curves import Curves, chart_of, read_curves
from tests.cli.conftest import Gen

FALLING = Curves(
    training=[(step, 1 + 3 / step) for step in range(10, 1001, 10)],
    validation=[(250, 1.5), (500, 1.25), (1000, 1.1)],
    baseline=("5-gram", 1.3),
)


def in_characters(curves: Curves, columns: int, lines: int) -> str:
    return charts.in_characters(chart_of(curves), columns, lines)


def in_svg(curves: Curves, title: str) -> str:
    return svg_of([chart_of(curves, title)])


SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize(("columns", "lines"), [(20, 10), (40, 10), (80, 24), (200, 50)])
def test_the_picture_fits(columns: int, lines: int) -> None:
    picture = in_characters(FALLING, columns, lines).splitlines()
    legend = next(i for i, line in enumerate(picture) if line.startswith("nats"))
    assert legend <= lines - 1
    assert max(map(len, picture[:legend])) <= columns


def test_points_are_where_they_belong() -> None:
    picture = in_characters(FALLING, 100, 30).splitlines()
    marks = [(x, y) for y, line in enumerate(picture[:27]) for x, sign in enumerate(line) if sign == "o"]
    assert len(marks) == 3
    (first, second, last) = sorted(marks)
    assert first[1] < second[1] < last[1]  # it falls
    axis = picture[0].index("|") + 1
    assert (last[0] - axis) / (first[0] - axis) == pytest.approx(4, rel=0.1)
    dashes = next(y for y, line in enumerate(picture) if line.count("-") > 20 and "+" not in line)
    assert first[1] < dashes < last[1]  # the baseline lies between 1.5 and 1.1


def test_the_first_steps_may_run_out_of_the_picture() -> None:
    spike = Curves([(1, 60.0), *FALLING.training], FALLING.validation, None)
    _, _, high = spike.bounds()
    assert high < 3
    assert "o" in in_characters(spike, 60, 15)
    assert 'clip-path="url(#inside)"' in in_svg(spike, "run")


def test_the_svg_is_sound_and_has_every_validation() -> None:
    root = ElementTree.fromstring(in_svg(FALLING, "a <run> & more"))
    assert len(root.findall(f".//{SVG}circle")) == 3 + 1  # and one in the legend
    assert [len((line.get("points") or "").split()) for line in root.iter(f"{SVG}polyline")] == [100, 3]
    assert any(text.text == "a <run> & more" for text in root.iter(f"{SVG}text"))


def test_a_log_is_read_past_what_is_torn_or_no_number(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"
    entries = [
        {"event": "step", "step": 10, "loss": 2.5},
        {"event": "notice", "message": "x"},
        {"event": "step", "step": 20, "loss": float("nan")},
        {"event": "validation", "step": 20, "loss": 2.25},
        {"event": "finished", "step": 20, "loss": 2.2},
    ]
    log.write_text("\n".join(map(json.dumps, entries)) + '\n{"event": "step", "st')
    found = read_curves(log, {"baseline": {"model": "5-gram", "nats_per_token": 1.5}})
    assert found == Curves([(10.0, 2.5)], [(20.0, 2.25), (20.0, 2.2)], ("5-gram", 1.5))
    assert read_curves(tmp_path / "none", {}) is None


def test_show_draws_the_curves_of_a_run(gen: Gen, tmp_path: Path) -> None:
    told = gen("show", "tiny", "--plot")
    assert told.code == 0 and "training" in told.out.decode() and "o" in told.out.decode()
    target = tmp_path / "curves.svg"
    assert gen("show", "tiny", "-o", str(target)).code == 0
    assert ElementTree.parse(target).getroot().tag == f"{SVG}svg"
    refused = gen("show", "tiny", "-o", str(tmp_path / "curves.png"))
    assert refused.code == 2 and "ends with .svg" in refused.err


def test_a_run_that_logged_nothing_says_so(gen: Gen, tmp_path: Path, trained: Path) -> None:
    lone = tmp_path / "lone" / "model.safetensors"
    lone.parent.mkdir()
    lone.write_bytes((trained / "tiny" / "model.safetensors").read_bytes())
    refused = gen("show", str(lone), "--plot")
    assert refused.code == 2 and "no curve is logged there yet" in refused.err
