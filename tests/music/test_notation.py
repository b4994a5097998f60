from fractions import Fraction

import pytest

from gen.errors import CorpusError
from gen.music.notation import Written, read_tunes

HEAD = """title: A tune
origin: nowhere, now
key: {key}
metre: {metre}
tempo: 100
melody: flute
chords: piano, held
"""


def tune(body: str, key: str = "C major", metre: str = "4/4", form: str = "") -> str:
    return HEAD.format(key=key, metre=metre) + (f"form: {form}\n" if form else "") + "\n" + body


def read(body: str, key: str = "C major", metre: str = "4/4", form: str = "") -> Written:
    (written,) = read_tunes(tune(body, key, metre, form), "file.txt")
    return written


def melody(written: Written) -> list[tuple[str, str, int]]:
    return [(str(note.start), str(note.length), note.pitch) for note in written.melody]


def test_signs_share_their_beat_and_hold_on_over_beats_and_bars() -> None:
    written = read("1 23 4--5 -\n I\n 1 - 0 12|-3 1 - -\n I | V")
    assert written.bars == 3
    assert melody(written) == [
        *(("0", "1", 60), ("1", "1/2", 62), ("3/2", "1/2", 64), ("2", "3/4", 65), ("11/4", "5/4", 67)),
        *(("4", "2", 60), ("7", "1/2", 60), ("15/2", "1", 62), ("17/2", "1/2", 64), ("9", "3", 60)),
    ]


@pytest.mark.parametrize(
    ("key", "signs", "pitches"),
    [
        ("C major", "1 2 3 4 | 5 6 7 1'", [60, 62, 64, 65, 67, 69, 71, 72]),
        ("A minor", "1 3 6 7 | #6 #7 1' 1,", [69, 72, 77, 79, 78, 80, 81, 57]),
        ("D dorian", "1 2 3 4 | 5 6 7 1''", [62, 64, 65, 67, 69, 71, 72, 86]),
        ("Bb major", "1 3 5 b7, | 1,, #4 b3 1", [70, 74, 77, 68, 46, 76, 73, 70]),
        ("F# minor", "1 2 3 4 | 5 6 7 1'", [66, 68, 69, 71, 73, 74, 76, 78]),
    ],
)
def test_figures_are_degrees_of_the_scale(key: str, signs: str, pitches: list[int]) -> None:
    assert [note.pitch for note in read(f"{signs}\nI | I", key).melody] == pitches


def test_a_beat_of_six_eight_has_three_eighths() -> None:
    written = read("1-2 345 | 1--21- 1\nI V | I", metre="6/8")
    assert written.beats == 2 and written.metre == (6, 8)
    assert [str(note.length) for note in written.melody] == "2/3 1/3 1/3 1/3 1/3 1/2 1/6 1/3 1".split()


@pytest.mark.parametrize(
    ("chords", "classes"),
    [
        ("I | V7", [(0, 4, 7)] * 4 + [(7, 11, 2, 5)] * 4),
        ("I IV | ii V - I", [(0, 4, 7)] * 2 + [(5, 9, 0)] * 2 + [(2, 5, 9), (7, 11, 2), (7, 11, 2), (0, 4, 7)]),
        ("bVII | #iv7", [(10, 2, 5)] * 4 + [(6, 9, 1, 4)] * 4),
    ],
)
def test_chords_share_their_bar_or_stand_on_each_beat(chords: str, classes: list[tuple[int, ...]]) -> None:
    assert read(f"1 1 1 1 | 1 1 1 1\n{chords}").chords == classes


def test_chords_of_minor_stand_on_its_own_degrees() -> None:
    assert read("1 1 1 1 | 1 1 1 1\ni III | VI V7", "A minor").chords[::2] == [
        *((9, 0, 4), (0, 4, 7), (5, 9, 0), (4, 8, 11, 2)),
    ]


def test_a_pickup_waits_for_its_beat_and_the_end_fills_its_bar() -> None:
    written = read("5, | 1 2 3 4 | 1 - -\nV | I | I")
    assert written.bars == 3 and len(written.chords) == 12
    assert melody(written)[0] == ("3", "1", 55) and melody(written)[-1] == ("8", "3", 60)
    assert written.chords[:4] == [(7, 11, 2)] * 4


def test_sections_come_in_the_order_of_the_form_and_meet_within_a_bar() -> None:
    body = "A:\n5, | 1 2 3 4 | 1 - -\nV | I | I\n\nB:\n3 | 4 4 4 4 | 1 - -\nIV | IV | I"
    written = read(body, form="A A B")
    assert written.bars == 7
    assert [note.pitch for note in written.melody if note.length == 3] == [60, 60, 60]
    assert [note.start for note in written.melody if note.pitch == 55] == [3, 11]
    assert written.chords[8:12] == [(0, 4, 7)] * 3 + [(7, 11, 2)]
    assert written.chords[16:20] == [(0, 4, 7)] * 3 + [(5, 9, 0)]


def test_a_file_holds_tunes_and_remarks() -> None:
    first, second = tune("1 2 3 4 | 1 - - -\nI | I"), tune("5 5 5 5 | 1 - - -\nV | I").replace("A tune", "Another")
    found = read_tunes(f"// remark\n\n{first}\n// remark\n\n{second}", "file.txt")
    assert [written.fields["title"] for written in found] == ["A tune", "Another"]
    assert found[0].source == first + "\n" and found[0].melody[1].start == Fraction(1)
    assert read_tunes("// nothing\n", "file.txt") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (tune("1 2 3 4 | 1 2 3 | 1 - - -\nI | I | I"), "A tune: section A, bar 2: 3 beats, not 4"),
        (tune("1 2 3 4 | 1 2 3 4 5\nI | I"), "A tune: section A, bar 2: 5 beats"),
        (tune("5 | 1 2 3 4 | 1 -\nI | I | I"), "A tune: section A, bar 3: 2 beats, not 4 or what the first bar leaves"),
        (tune("1 2 3 4\nI"), "needs more than one bar"),
        (tune("1 2 3 4 5 | 1 2 3 4\nI | I"), "needs more than one bar, and the first no longer"),
        (tune("1 2 8 4 | 1 - - -\nI | I"), "section A, bar 1: '8' is no beat"),
        (tune("1 2 3 4 | 1 - 12345 -\nI | I"), "section A, bar 2: '12345' has 5 signs"),
        (tune("1 2 3 4 | 1 - - -\nI | I I I"), "section A, bar 2: 3 chords do not share its 4 beats"),
        (tune("1 2 3 4 | 1 - - -\nI | - I I I"), "section A, bar 2: begins with a chord that holds on"),
        (tune("1 2 3 4 | 1 - - -\nI | Iv"), "section A, bar 2: 'Iv' is no chord"),
        (tune("1 2 3 4 | 1 - - -\nI | IIII"), "section A, bar 2: 'IIII' is no chord"),
        (tune("1 2 3 4 | 1 - - -\nI"), "section A, bars 1 …: 2 bars of notes, 1 of chords"),
        (tune("1 2 3 4 | 1 - - -"), "section A has a line of notes without one of chords"),
        (tune("- 2 3 4 | 1 - - -\nI | I"), "section A, bar 1: nothing to hold on"),
        (tune("1 2 3 4 | 1 - - -\nI | I", form="A B"), "has sections A, and the form A B"),
        (tune("A:\n1 2 3 4\nI\nA:\n1 2 3 4\nI"), "has two sections A"),
        (tune("1 2 3 4 | 1 - - -\nI | I", key="H major"), "key 'H major'"),
        (tune("1 2 3 4 | 1 - - -\nI | I", key="C lydian"), "key 'C lydian'"),
        (tune("1 2 3 4 | 1 - - -\nI | I", metre="5/4"), "metre '5/4'"),
        (tune("1 2 3 4 | 1 - - -\nI | I").replace("tempo: 100\n", ""), "needs the fields title, origin"),
        ("1 2 3 4\nI\n", "tune without title"),
    ],
)
def test_errors_name_the_file_the_tune_and_the_bar(text: str, message: str) -> None:
    with pytest.raises(CorpusError) as caught:
        read_tunes(text, "file.txt")
    assert str(caught.value).startswith("file.txt: ") and message in str(caught.value)
