import re
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.music.roll_style import COLOURS, box, document, number, path, printable, shortened, strength, text, text_width


def colours(css: str) -> dict[str, str]:
    return dict(re.findall(r"\.gen-roll (\.?\w+){(?:fill|stroke):(#\w{6})}", css))


def luminance(colour: str) -> float:
    parts = [int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """As the accessibility guidelines of the W3C measure it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


@pytest.fixture(scope="module")
def rules() -> str:
    return document(10, 10, "", "", [], "").split("<style>")[1].split("</style>")[0]


@pytest.mark.parametrize("night", [False, True])
def test_all_can_be_read_by_day_and_by_night(night: bool, rules: str) -> None:
    found = colours(rules.split("@media (prefers-color-scheme:dark)")[night])
    assert (luminance(found[".paper"]) < 0.1) == night
    for ground in (".paper", ".field", ".sharps"):
        for words in ("text", ".faint"):
            assert contrast(found[words], found[ground]) >= 4.5
        for notes in (".drums", *(f".p{k}" for k in range(COLOURS))):
            assert contrast(found[notes], found[ground]) >= 3
    assert contrast(found[".white"], found[".black"]) > 5


def test_night_has_a_rule_for_every_colour_of_the_day(rules: str) -> None:
    day, night = rules.split("@media (prefers-color-scheme:dark)")
    assert colours(day).keys() == colours(night).keys() and len(colours(day)) > 15


def test_rules_hold_inside_the_picture_only(rules: str) -> None:
    for selectors in re.findall(r"([^{}]+){[^{}]*}", rules):
        assert all(selector.startswith(".gen-roll") for selector in selectors.split(","))


def test_numbers_are_short() -> None:
    assert [number(x) for x in (0, 3.0, 2.349, 99.96, 1e5)] == ["0", "3", "2.3", "100", "100000"]
    assert box(1, 2, 3.25, 4) == "M1 2h3.2v4h-3.2z"
    assert path("p0", ["M1 2h3", "M4 5h6"]) == '<path class="p0" d="M1 2h3M4 5h6"/>'
    assert path("p0", []) == ""


def test_velocities_have_four_strengths() -> None:
    levels = [strength(velocity) for velocity in range(1, 128)]
    assert levels == sorted(levels) and set(levels) == {0, 1, 2, 3}


@given(st.text(max_size=50), st.floats(30, 500))
def test_texts_are_harmless_and_fit(words: str, width: float) -> None:
    clean = printable(words)
    assert all(c == " " or c.isprintable() for c in clean) and len(clean) == len(words)
    assert (ElementTree.fromstring(text(1, 2, clean, "small")).text or "") == clean
    short = shortened(clean, 12, width)
    assert text_width(short, 12) <= width and (short == clean or short.endswith("…"))


def test_wide_letters_are_counted_as_such() -> None:
    assert text_width("音楽", 10) > 1.5 * text_width("ab", 10)


def test_a_document_holds_what_it_is_given() -> None:
    drawn = document(100, 50.26, 'A "title" <b>', "told & said", [text(1, 2, "<words>"), ""], ".own{stroke-width:3}")
    root = ElementTree.fromstring(drawn)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("100", "50.3", "0 0 100 50.3")
    assert root.get("aria-label") == 'A "title" <b>'
    assert [element.text for element in root][:2] == ['A "title" <b>', "told & said"]
    assert ".gen-roll .own{stroke-width:3}" in drawn and "&lt;words&gt;" in drawn
