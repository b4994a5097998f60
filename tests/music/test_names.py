import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.errors import ConfigError
from gen.music.names import (
    INSTRUMENTS,
    parse_instrument,
    parse_key,
    parse_pitch,
    parse_range,
    pitch_name,
    spelled,
)
from gen.music.score import Note, Score


@given(st.integers(0, 127))
def test_a_pitch_is_what_its_name_says(pitch: int) -> None:
    assert parse_pitch(pitch_name(pitch)) == parse_pitch(str(pitch)) == pitch


def test_pitches_and_ranges() -> None:
    assert [parse_pitch(name) for name in ("C4", "A4", "bb2", "F♯3", "C-1", "G9")] == [60, 69, 46, 54, 0, 127]
    assert parse_range("C3:C6") == (48, 84)


@pytest.mark.parametrize("name", ["", "H4", "C", "C12", "Cb-1", "G#9", "128", "-1", "C4 ", "٣"])
def test_what_is_no_pitch_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="C4, F#3 or Bb2"):
        parse_pitch(name)


@pytest.mark.parametrize("text", ["C3", "C6:C3", "C3:", ":", "C3-C6"])
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        parse_range(text)


def test_keys() -> None:
    assert parse_key("C") == parse_key("c major") == parse_key("C:maj") == {0, 2, 4, 5, 7, 9, 11}
    assert parse_key("Am") == parse_key("a minor") == {9, 11, 0, 2, 4, 5, 7, 8}
    assert parse_key("F# minor") == {(6 + step) % 12 for step in (0, 2, 3, 5, 7, 8, 10, 11)}
    assert parse_key("Bb") == {10, 0, 2, 3, 5, 7, 9}
    for wrong in ("", "H", "C dorian", "major"):
        with pytest.raises(ConfigError, match="key"):
            parse_key(wrong)


def test_instruments() -> None:
    assert len(INSTRUMENTS) == len(set(INSTRUMENTS)) == 128
    assert [INSTRUMENTS[n] for n in (0, 19, 40, 56, 73, 127)] == [
        "acoustic grand piano", "church organ", "violin", "trumpet", "flute", "gunshot",
    ]  # fmt: skip
    assert all(parse_instrument(name) == program for program, name in enumerate(INSTRUMENTS))
    assert (parse_instrument("Piano"), parse_instrument("73"), parse_instrument("drums")) == (0, 73, None)
    with pytest.raises(ConfigError, match="did you mean violin"):
        parse_instrument("violni")
    for wrong in ("", "128", "kazoo"):
        with pytest.raises(ConfigError, match="is not known"):
            parse_instrument(wrong)


def test_notes_are_spelled_together_where_they_begin_together() -> None:
    score = Score.of(24, [Note(0, 9, 60, 64), Note(0, 9, 64, 64), Note(24, 9, 61, 64), Note(30, 1, 36, 64, drum=True)])
    assert spelled(score.notes) == "C4+E4 C#4 x"
