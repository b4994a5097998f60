from collections import Counter
from itertools import pairwise

import numpy as np
import pytest

from gen.errors import CorpusError
from gen.music import Note
from gen.music.grid import on_grid_share
from gen.music.names import parse_key, spelled
from gen.music.notation import read_tunes
from gen.music.tunes import RESOLUTION, STYLES, Tune, parse, tunes

TUNES = tunes()
LITTLE = """title: Little
origin: here
key: C major
metre: {metre}
tempo: 120
melody: flute
chords: {chords}

{notes}
"""


def little(notes: str, metre: str = "4/4", chords: str = "piano, march") -> Tune:
    (tune,) = parse(LITTLE.format(notes=notes, metre=metre, chords=chords), "file.txt")
    return tune


def track(tune: Tune, number: int) -> list[Note]:
    return [note for note in tune.score.pieces() if isinstance(note, Note) and note.track == number]


def bar(tune: Tune) -> int:
    return RESOLUTION * 4 * tune.metre[0] // tune.metre[1]


def find(title: str) -> Tune:
    (tune,) = [tune for tune in TUNES if tune.title.startswith(title)]
    return tune


# -- laws of every tune


@pytest.mark.parametrize("tune", TUNES, ids=lambda tune: tune.title)
def test_every_tune_is_whole(tune: Tune) -> None:
    melody, chords = track(tune, 0), track(tune, 1)
    assert len(tune.score.notes) == len(melody) + len(chords)

    # bars are full: by chords from beginning to end, by the melody but for a pickup and the rest it leaves
    assert tune.score.end == tune.bars * bar(tune) == len(tune.score.bar_lines()) * bar(tune)
    sounds = np.zeros((2, tune.score.end), np.int64)
    for note in (*melody, *chords):
        sounds[note.track, note.start : note.end] += 1
    assert sounds[1].all() and sounds[0].max() == 1
    silent = np.flatnonzero(sounds[0] == 0)
    pickup = melody[0].start
    assert pickup < bar(tune) and not sounds[0][:pickup].any()
    after = tune.score.end - melody[-1].end
    beat = 36 if tune.metre[1] == 8 else 24
    assert after in (0, -((pickup - bar(tune)) // beat) * beat)  # the pickup in whole beats
    inside = silent[(silent >= pickup) & (silent < melody[-1].end)]
    assert len(inside) <= bar(tune) // 2

    # no key is struck while it sounds
    for part in (melody, chords):
        ends: dict[int, int] = {}
        for note in part:
            assert ends.get(note.pitch, 0) <= note.start
            ends[note.pitch] = note.end

    # a voice can sing it, or an instrument play it, above its chords
    pitches = [note.pitch for note in melody]
    assert 57 <= min(pitches) and max(pitches) <= 83 and 4 <= max(pitches) - min(pitches) <= 21
    assert max(abs(b - a) for a, b in pairwise(pitches)) <= 16
    assert all(40 <= note.pitch < 64 for note in chords)

    # its key is the one it states, and it ends at home
    assert np.isin(np.array(pitches) % 12, [*tune.scale]).mean() >= 0.9
    last = {note.pitch % 12 for note in chords if note.end == tune.score.end}
    assert pitches[-1] % 12 in last and last <= tune.scale
    assert tune.key.split()[1] == "dorian" or tune.scale == parse_key(tune.key)

    # on the first beat of a bar melody and chord agree, more often than not
    (written,) = read_tunes(tune.source, "file.txt")
    assert len(written.chords) * beat == tune.score.end
    heard = [note.pitch % 12 in written.chords[note.start // beat] for note in melody if note.start % bar(tune) == 0]
    assert sum(heard) > len(heard) / 2

    assert on_grid_share(tune.score) == 1
    assert 9 < tune.score.seconds_long < 70


def test_there_are_dozens_of_different_tunes() -> None:
    assert len(TUNES) >= 48
    assert [tune.title for tune in TUNES] == sorted({tune.title for tune in TUNES})
    shapes = Counter(
        tuple((b.pitch - a.pitch, b.start - a.start) for a, b in pairwise(track(tune, 0)[:16])) for tune in TUNES
    )
    assert set(shapes.values()) == {1}
    assert len({tune.metre for tune in TUNES}) == 4
    assert len({tune.key for tune in TUNES}) >= 6
    assert all(tune.origin for tune in TUNES)


def test_the_list_is_the_callers() -> None:
    found = tunes()
    found.clear()
    assert len(tunes()) == len(TUNES)


# -- tunes that everybody knows, by their names


@pytest.mark.parametrize(
    ("title", "opening"),
    [
        ("Ah! vous dirai-je", "C4 C4 G4 G4 A4 A4 G4 F4 F4 E4 E4 D4 D4 C4"),
        ("Ode to Joy", "F#4 F#4 G4 A4 A4 G4 F#4 E4 D4 D4 E4 F#4 F#4 E4 E4"),
        ("Frère Jacques", "F4 G4 A4 F4 F4 G4 A4 F4 A4 A#4 C5"),
        ("Greensleeves", "A4 C5 D5 E5 F#5 E5 D5 B4 G4 A4 B4 C5 A4 A4 G#4 A4 B4 G#4 E4"),
        ("Silent Night", "G4 A4 G4 E4 G4 A4 G4 E4 D5 D5 B4 C5 C5 G4"),
        ("Joy to the World", "D5 C#5 B4 A4 G4 F#4 E4 D4"),
        ("Londonderry Air", "C#4 D4 E4 F#4 E4 F#4 B4 A4 F#4 E4 D4 B3"),
    ],
)
def test_openings(title: str, opening: str) -> None:
    tune = find(title)
    notes = tune.score.notes[tune.score.notes["track"] == 0]
    assert spelled(notes[: len(opening.split())]) == opening


# -- how they are set


def test_a_march_has_bass_and_chord_by_turns_and_ends_on_one_chord() -> None:
    tune = little("1 2 3 4 | 5 5 1 - | 1 - - -\nI | V I | I")
    assert [(note.start // 24, note.duration // 24, note.pitch) for note in track(tune, 1)] == [
        *((0, 1, 48), (1, 1, 52), (1, 1, 55), (1, 1, 60), (2, 1, 43), (3, 1, 52), (3, 1, 55), (3, 1, 60)),
        *((4, 1, 43), (5, 1, 55), (5, 1, 59), (5, 1, 62), (6, 1, 48), (7, 1, 52), (7, 1, 55), (7, 1, 60)),
        *((8, 4, 48), (8, 4, 52), (8, 4, 55), (8, 4, 60)),
    ]


def test_a_waltz_and_a_jig_swing() -> None:
    waltz = track(little("1 2 3 | 1 - -\nI | I", "3/4"), 1)
    assert [(note.start, len([n for n in waltz if n.start == note.start])) for note in waltz[::3]][:3] == [
        *((0, 1), (24, 3), (48, 3)),
    ]
    jig = track(little("1-2 345 | 1 -\nI | I", "6/8"), 1)
    assert [(note.start, note.duration) for note in jig if note.start < 72] == [
        *((0, 24), (24, 12), (24, 12), (24, 12), (36, 24), (60, 12), (60, 12), (60, 12)),
    ]


def test_broken_chords_run_in_eighths_and_held_ones_last() -> None:
    broken = track(little("1 2 3 4 | 1 - - -\nI | I", chords="harp, broken"), 1)
    assert [note.pitch for note in broken if note.start < 96] == [48, 52, 55, 60, 55, 52, 55, 60]
    assert {note.duration for note in broken if note.start < 96} == {12}
    held = track(little("1 2 3 4 | 1 - - -\nI V7 | I", chords="church organ, held"), 1)
    assert [(note.start, note.duration, note.pitch) for note in held[:8]] == [
        *((0, 48, 48), (0, 48, 52), (0, 48, 55), (0, 48, 60), (48, 48, 43), (48, 48, 53), (48, 48, 55), (48, 48, 59)),
    ]
    assert {note.program for note in held} == {19}


@pytest.mark.parametrize(("metre", "seconds"), [("4/4", 4.0), ("6/8", 2.0)])
def test_the_tempo_counts_the_beats_that_are_heard(metre: str, seconds: float) -> None:
    bars = "1 1 1 1 | 1 - - -" if metre == "4/4" else "1 1 | 1 -"
    tune = little(f"{bars}\nI | I", metre)
    assert tune.score.seconds_long == pytest.approx(seconds, abs=1e-4)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("tempo: 120", "tempo: fast", "needs a tempo of 30 … 240"),
        ("tempo: 120", "tempo: 20", "needs a tempo of 30 … 240"),
        ("piano, march", "piano, samba", f"'piano, {'|'.join(STYLES)}'"),
        ("melody: flute", "melody: flurte", "instrument 'flurte' is not known: did you mean"),
        ("melody: flute", "melody: drums", "drums play neither"),
        ("1 - - -", "1 - -", "section A, bar 2: 3 beats"),
    ],
)
def test_errors_name_file_and_tune(old: str, new: str, message: str) -> None:
    text = LITTLE.format(metre="4/4", chords="piano, march", notes="1 2 3 4 | 1 - - -\nI | I")
    with pytest.raises(CorpusError) as caught:
        parse(text.replace(old, new), "file.txt")
    assert str(caught.value).startswith("file.txt: Little: ") and message in str(caught.value)
