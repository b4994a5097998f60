import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.music.drum_kit import DRUM_NAMES
from gen.music.roll_layout import DRUM, PEDAL, Rows, arrange, drum_name
from gen.music.roll_style import SMALL, text_width
from gen.music.score import NOTE, Columns


def notes(tones: list[int], hits: list[int]) -> Columns:
    made = np.zeros(len(tones) + len(hits), NOTE)
    made["pitch"] = [*tones, *hits]
    made["drum"] = [False] * len(tones) + [True] * len(hits)
    return made


def lanes(rows: Rows) -> list[tuple[float, float]]:
    """From where to where each stands, from the top of a row."""
    field = [(rows.middle(pitch) - rows.pitch / 2, rows.middle(pitch) + rows.pitch / 2)
             for pitch in range(rows.high, rows.low - 1, -1)]  # fmt: skip
    pedals = [(rows.pedals + k * PEDAL, rows.pedals + (k + 1) * PEDAL) for k in range(len(rows.tracks))]
    kit = [(rows.kit + k * DRUM, rows.kit + (k + 1) * DRUM) for k in range(len(rows.drums))]
    return field + pedals + kit


@given(st.lists(st.integers(0, 127)), st.lists(st.integers(0, 127)), st.lists(st.integers(0, 15), unique=True))
def test_nothing_stands_upon_anything_else(tones: list[int], hits: list[int], tracks: list[int]) -> None:
    rows = arrange(notes(tones, hits), tracks)
    places = lanes(rows)
    for (_, end), (begin, _) in itertools.pairwise(places):
        assert begin >= end - 1e-9
    if places:
        assert places[0][0] >= 0 and places[-1][1] <= rows.height + 1e-9
    assert rows.y(1) >= rows.y(0) + rows.height + SMALL


@given(st.lists(st.integers(0, 127), min_size=1))
def test_the_field_has_what_is_played_and_an_octave_at_least(tones: list[int]) -> None:
    rows = arrange(notes(tones, []), [])
    assert max(0, min(tones) - 14) <= rows.low <= max(0, min(tones) - 2)
    assert min(127, max(tones) + 2) <= rows.high <= min(127, max(tones) + 14)
    assert rows.high - rows.low >= 14
    assert any(pitch % 12 == 0 for pitch in range(rows.low, rows.high + 1))
    assert 3.5 <= rows.pitch <= 8 and rows.field <= 128 * 3.5


def test_without_tones_there_is_no_field() -> None:
    rows = arrange(notes([], [36]), [])
    assert rows.field == rows.kit == 0 and rows.height == DRUM


def test_a_kit_is_ordered_as_it_stands() -> None:
    rows = arrange(notes([], [36, 49, 42, 38, 45, 50, 81, 46]), [])
    assert [drum_name(pitch) for pitch in rows.drums] == [
        "triangle", "crash", "open hat", "closed hat", "high tom", "low tom", "snare", "kick"
    ]  # fmt: skip
    assert drum_name(20) == "drums 20"


@pytest.mark.parametrize("hits", [[], [36], list(DRUM_NAMES)])
def test_there_is_room_for_words_at_the_left(hits: list[int]) -> None:
    rows = arrange(notes([60], hits), [0])
    assert rows.left > 16 + max(text_width(word, SMALL) for word in ("pedal", *map(drum_name, hits)))
