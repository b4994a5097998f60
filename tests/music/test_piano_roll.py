import re
from collections import Counter
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.errors import ConfigError
from gen.music.piano_roll import MOST_STROKES, piano_roll_svg
from gen.music.score import MAX_TICK, NOTE, Note, Pedal, Piece, Score, Tempo, TimeSignature

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Stroke:
    styles: frozenset[str]
    x: float
    y: float
    length: float


class Picture:
    """What a reader sees of a document."""

    def __init__(self, svg: str) -> None:
        self.svg = svg
        self.root = ElementTree.fromstring(svg)
        self.width, self.height = (float(self.root.get(name, "")) for name in ("width", "height"))
        self.texts = [
            (element.text or "", float(element.get("x", "")), float(element.get("y", "")), element.get("class", ""))
            for element in self.root.iter(f"{SVG}text")
        ]
        self.strokes = [
            Stroke(frozenset(element.get("class", "").split()), *map(float, numbers))
            for element in self.root.iter(f"{SVG}path")
            for numbers in re.findall(r"M(\S+) ([^hV]+)h([^MvVh]+)(?=M|$)", element.get("d", ""))
        ]

    def words(self) -> list[str]:
        return [text for text, *_ in self.texts]

    def notes(self) -> list[Stroke]:
        return [stroke for stroke in self.strokes if any(re.fullmatch(r"v\d", style) for style in stroke.styles)]

    def pedals(self) -> list[Stroke]:
        return [stroke for stroke in self.strokes if "pedal" in stroke.styles]

    def place(self, word: str) -> tuple[float, float]:
        """Where the one text stands."""
        ((_, x, y, _),) = [text for text in self.texts if text[0] == word]
        return x, y


def score(*pieces: Piece) -> Score:
    """Of 480 ticks a beat; 960 a second where no tempo is set."""
    return Score.of(480, pieces)


def picture(*pieces: Piece, title: str = "", beats: bool = False, names: tuple[str, ...] = ()) -> Picture:
    return Picture(piano_roll_svg(score(*pieces), title=title, beats=beats, names=names))


SCALE: list[Piece] = [Note(480 * k, 480, pitch, 80) for k, pitch in enumerate((60, 62, 64, 65, 67, 69, 71, 72))]
BAND: list[Piece] = [
    *SCALE,
    *(Note(480 * k, 400, 36 + k, 100, 1, 33) for k in range(8)),
    *(Note(240 * k, 100, 42, 60, drum=True) for k in range(16)),
    *(Note(960 * k, 100, 36, 110, drum=True) for k in range(4)),
    *(Pedal(960 * k + 960 * (not down) - 10 * (not down), 0, down) for k in range(4) for down in (True, False)),
]


@pytest.mark.parametrize("beats", [False, True])
def test_notes_stand_at_their_time_and_pitch(beats: bool) -> None:
    seen = picture(*SCALE, beats=beats).notes()
    assert len(seen) == 8
    steps = np.diff([stroke.x for stroke in seen])
    assert steps == pytest.approx([steps[0]] * 7, abs=0.21) and steps[0] > 20
    assert [stroke.length for stroke in seen] == pytest.approx([steps[0] - 0.9] * 8, abs=0.21)
    heights = [seen[0].y - stroke.y for stroke in seen]
    semitone = heights[-1] / 12
    assert heights == pytest.approx([semitone * k for k in (0, 2, 4, 5, 7, 9, 11, 12)], abs=0.11)
    assert 3 < semitone < 10


def test_pitches_are_named_at_the_left_and_figures_stand_over_the_time() -> None:
    whole = picture(*SCALE)
    assert {"C4", "C5"} <= set(whole.words()) and "C3" not in whole.words()
    for name, stroke in (("C4", whole.notes()[0]), ("C5", whole.notes()[-1])):
        x, y = whole.place(name)
        assert x < stroke.x and y - 3.7 == pytest.approx(stroke.y, abs=0.2)
    for figure, beat in (("0:00", 0), ("0:01", 2), ("0:03", 6)):
        x, y = whole.place(figure)
        assert x - 3 == pytest.approx(whole.notes()[beat].x, abs=0.2) and y < min(s.y for s in whole.notes())


def test_by_beats_bars_are_numbered_and_rows_end_with_a_bar() -> None:
    notes = [Note(480 * 3 * k, 480 * 3, 60 + k % 5, 80) for k in range(20)]
    whole = picture(TimeSignature(0, 3, 4), Tempo(0, 600_000), *notes, beats=True)
    figures = [(int(text), x) for text, x, _, style in whole.texts if "small" in style and text.isdigit()]
    assert [number for number, _ in figures] == list(range(1, 21))
    left = figures[0][1]
    assert [number for number, x in figures if x == left] == [1, 9, 17]  # eight bars a row
    for (_, x), stroke in zip(figures, whole.notes(), strict=True):
        assert x - 3 == pytest.approx(stroke.x, abs=0.2)
    assert "0:36 · 20 notes · 20 bars · 3/4 · 100 bpm" in whole.words()


def test_a_long_piece_goes_on_in_the_next_row() -> None:
    whole = picture(*(Note(960 * k, 900, 60 + k % 12, 80) for k in range(180)))
    assert len(whole.notes()) == 180
    rows = Counter(text for text, *_ in whole.texts if text == "C4")["C4"]
    assert rows == 8 and 1100 < whole.width < 1300
    assert [text for text, x, _, style in whole.texts if style == "small faint" and ":" in text][::12] == [
        "0:00", "0:24", "0:48", "1:12", "1:36", "2:00", "2:24", "2:48"
    ]  # fmt: skip
    short = picture(*SCALE)
    assert 480 <= short.width < 540 and short.height < 320


def test_what_goes_over_the_end_of_a_row_is_drawn_in_both() -> None:
    whole = picture(Note(23 * 960, 2 * 960, 60, 80), Note(40 * 960, 960, 60, 80), Pedal(0, 0, True))
    first, rest, _ = whole.notes()
    assert first.length == pytest.approx(1120 / 24 - 0.9, abs=0.2) == pytest.approx(rest.length, abs=0.2)
    assert rest.x < first.x and rest.y > first.y
    assert [stroke.length for stroke in whole.pedals()] == pytest.approx([1119, 17 * 1120 / 24 - 1], abs=0.2)


def test_parts_have_their_colours_and_a_legend() -> None:
    whole = picture(*BAND, Note(0, 100, 50, 80, 2, 33))
    assert Counter(style for stroke in whole.notes() for style in stroke.styles & {"p0", "p1", "p2", "drums"}) == {
        "p0": 8, "p1": 8, "p2": 1, "drums": 20
    }  # fmt: skip
    keys = [stroke for stroke in whole.strokes if "key" in stroke.styles]
    names = ["acoustic grand piano", "fingered bass 1", "fingered bass 2", "drums"]
    for key, name, style in zip(keys, names, ("p0", "p1", "p2", "drums"), strict=True):
        x, y = whole.place(name)
        assert style in key.styles and y - 4 == key.y and key.x + key.length < x
    colours = {style: re.findall(rf"\.gen-roll \.{style}{{stroke:(#\w+)}}", whole.svg) for style in ("p0", "p1", "p2")}
    assert len({tuple(pair) for pair in colours.values()}) == 3 and all(len(pair) == 2 for pair in colours.values())


def test_tracks_are_called_by_their_names() -> None:
    named = picture(*BAND, Note(0, 100, 50, 80, 2, 40), names=("MELODY", "\x1b[31mLow\n", "violin"))
    assert "MELODY (acoustic grand piano)" in named.words()
    assert "\N{REPLACEMENT CHARACTER}[31mLow (fingered bass)" in named.words()
    assert "violin" in named.words()
    long = picture(*SCALE, names=("long " * 500,))
    (name,) = [word for word in long.words() if "piano" in word]
    assert len(name) < 60 and "…" in name


def test_louder_is_stronger() -> None:
    levels = [
        next(style for style in picture(Note(0, 10, 60, velocity)).notes()[0].styles if re.fullmatch(r"v\d", style))
        for velocity in (1, 50, 80, 127)
    ]
    assert levels == ["v0", "v1", "v2", "v3"]
    strength = [float(x) for x in re.findall(r"\.v\d{opacity:([\d.]+)}", piano_roll_svg(score(*SCALE)))]
    assert strength == sorted(set(strength)) and len(strength) == 4 and 0.5 < strength[0] and strength[-1] == 1


def test_drums_stand_in_lanes_of_their_own_beneath() -> None:
    whole = picture(*BAND)
    tones = [stroke for stroke in whole.notes() if "drums" not in stroke.styles]
    hits = [stroke for stroke in whole.notes() if "drums" in stroke.styles]
    assert min(stroke.y for stroke in hits) > max(stroke.y for stroke in tones)
    for name, number in (("closed hat", 16), ("kick", 4)):
        _, y = whole.place(name)
        lane = [stroke for stroke in hits if abs(stroke.y - (y - 3.6)) < 0.2]
        assert len(lane) == number and len({stroke.length for stroke in lane}) == 1
    assert whole.place("closed hat")[1] < whole.place("kick")[1]
    rare = picture(Note(0, 1, 20, 80, drum=True))
    assert "drums 20" in rare.words() and "C4" not in rare.words()


def test_pedals_are_lines_beneath_the_notes() -> None:
    whole = picture(*BAND)
    pedals = whole.pedals()
    assert len(pedals) == 4 and all("p0" in stroke.styles for stroke in pedals)
    tones = [stroke.y for stroke in whole.notes() if "drums" not in stroke.styles]
    assert max(tones) < pedals[0].y < min(stroke.y for stroke in whole.notes() if "drums" in stroke.styles)
    assert "pedal" in whole.words() and "pedal" not in picture(*SCALE).words()
    restless = picture(*SCALE, *(Pedal(k, 0, k % 5 != 4) for k in range(15)), Pedal(100, 3, False))
    assert len(restless.pedals()) == 3


def test_an_empty_score_says_so() -> None:
    for nothing in (Score(480), score(Pedal(0, 0, True), Tempo(0, 500_000))):
        whole = Picture(piano_roll_svg(nothing, title="Quiet", beats=True))
        assert whole.words() == ["Quiet", "No notes."]


def test_the_picture_is_told_to_those_who_do_not_see_it() -> None:
    root = picture(*BAND, title="Étude & <Fugue>").root
    assert root.get("role") == "img" and root.get("aria-label") == "Étude & <Fugue>"
    assert root.findtext(f"{SVG}title") == "Étude & <Fugue>"
    told = root.findtext(f"{SVG}desc") or ""
    assert "36 notes" in told and "fingered bass" in told and "drums" in told
    assert picture(*SCALE).root.findtext(f"{SVG}title") == "Piano roll"


@given(st.text(max_size=300), st.sampled_from([BAND, SCALE, []]))
def test_any_title_makes_a_sound_document_and_stays_in_it(title: str, pieces: list[Piece]) -> None:
    whole = picture(*pieces, title=title)
    for text, x, _, style in whole.texts:
        if style == "title":
            assert x + 19 * 0.62 * len(text) <= whole.width


music = st.lists(
    st.builds(
        Note,
        start=st.integers(0, 200_000),
        duration=st.integers(1, 50_000),
        pitch=st.integers(0, 127),
        velocity=st.integers(1, 127),
        track=st.integers(0, 15),
        program=st.integers(0, 127),
        drum=st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@given(music, st.lists(st.builds(Pedal, st.integers(0, 200_000), st.integers(0, 15), st.booleans())), st.booleans())
def test_all_is_drawn_and_nothing_is_cut_off(notes: list[Note], pedals: list[Pedal], beats: bool) -> None:
    whole = picture(*notes, *pedals, beats=beats)
    assert len(whole.notes()) >= len(notes)
    for stroke in whole.strokes:
        assert 0 <= stroke.x and stroke.x + stroke.length <= whole.width
        assert 0 <= stroke.y <= whole.height - 4
        assert stroke.length > 0
    for text, x, y, style in whole.texts:
        size = 19 if "title" in style else 10.5 if "small" in style else 12
        long = 0.62 * size * len(text)
        left = x - long if "end" in style else x
        assert 0 <= left and left + long <= whole.width + 1 and size <= y <= whole.height - 3
    by_lane: dict[tuple[float, float], list[str]] = {}
    for text, x, y, _ in whole.texts:
        by_lane.setdefault((x, y), []).append(text)
    assert all(len(texts) == 1 for texts in by_lane.values())


@pytest.mark.parametrize("beats", [False, True])
@pytest.mark.parametrize("resolution", [1, 32767])
@pytest.mark.parametrize("metre", [(1, 128), (255, 1), (4, 4)])
def test_absurd_lengths_and_metres_are_drawn_small(beats: bool, resolution: int, metre: tuple[int, int]) -> None:
    for end in (MAX_TICK, 20_000 * resolution, 1):
        pieces: list[Piece] = [
            TimeSignature(0, *metre),
            TimeSignature(5000, 7, 8),
            Note(0, end, 60, 64),
            Note(9, 1, 127, 1),
        ]
        svg = piano_roll_svg(Score.of(resolution, pieces), beats=beats)
        assert len(svg) < 300_000
        assert Picture(svg).height < 60 * 500


def test_too_many_notes_are_refused() -> None:
    crowd = np.zeros(MOST_STROKES + 1, NOTE)
    crowd["start"], crowd["duration"], crowd["velocity"] = np.arange(len(crowd)) % 1000, 10, 64
    with pytest.raises(ConfigError, match=r"of 200,001 notes would have 200,001 strokes; 200,000 are the most"):
        piano_roll_svg(Score(480, crowd))
    held = np.zeros(5000, NOTE)
    held["duration"], held["velocity"] = 48 * 24 * 960, 64
    with pytest.raises(ConfigError, match="of 5,000 notes would have 240,000 strokes"):
        piano_roll_svg(Score(480, held))


def test_a_song_is_a_small_file_and_the_same_each_time() -> None:
    notes = [Note(115 * k, 110, 40 + 7 * k % 50, 30 + 13 * k % 90, k % 3) for k in range(1600)]
    svg = piano_roll_svg(score(*notes), title="Song")
    assert len(svg) < 75_000
    assert svg == piano_roll_svg(score(*notes[::-1]), title="Song")
