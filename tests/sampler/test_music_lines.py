"""Lines that are given: in the MIDI file that comes out they are there, whatever a model, or anyone, chooses."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.config import Clock
from gen.errors import ConfigError
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import write_midi
from gen.music.names import parse_key
from gen.music.score import Note, Piece, Score, Tempo, TimeSignature
from gen.sampler.stream_state import state_of
from tests.sampler.test_music import SAMPLERS, WARM
from tests.sampler.test_music_wishes import MANY, choosers, clocks, ends_on, reread, seeds, written

STEP: dict[Clock, int] = {"seconds": 10, "beats": 20}  # ticks
RESOLUTION: dict[Clock, int] = {"seconds": 500, "beats": 480}
ways = st.sampled_from(["lowest", "highest", "random", "by kind", "no time"])

Row = tuple[int, int, int, int]  # track, start and length in ticks, pitch


@st.composite
def tunes(draw: st.DrawFn, clock: Clock, *, tracks: int = 1, drums: bool = False) -> Score:
    """A piece on the grid: of each track, chords of one or two at ascending onsets; no pitch overlaps itself."""
    step, notes = STEP[clock], list[Note]()
    for track in range(tracks):
        time, free = draw(st.integers(0, 60)), dict[int, int]()
        for _ in range(draw(st.integers(1, 5))):
            for pitch in draw(st.sets(st.sampled_from([55, 59, 60, 62, 64, 67, 71]), min_size=1, max_size=2)):
                length = draw(st.sampled_from([1, 6, 24, 50]))
                if free.get(pitch, 0) <= time:
                    notes.append(Note(time * step, length * step, pitch, 80, track, 40 * track))
                    free[pitch] = time + length
            time += draw(st.sampled_from([1, 12, 24, 97, 130]))
    if drums:
        notes += [Note(step * time, step, 38, 90, drum=True) for time in draw(st.sets(st.integers(0, 99), max_size=3))]
    pieces: list[Piece] = [TimeSignature(0, 3, 4), Tempo(0, 600_000)] if clock == "beats" else []
    return Score.of(RESOLUTION[clock], [*notes, *pieces])


def rows(score: Score, clock: Clock, track: int | None = None) -> list[Row]:
    """The notes of a written and reread file that no drum plays, by track; ticks are those of the model's grid."""
    notes = Score.of(score.resolution, score.pieces()).notes
    kept = notes[~notes["drum"] & ((notes["track"] == track) if track is not None else True)]
    assert score.resolution == RESOLUTION[clock]
    return sorted(tuple(row) for row in kept[["track", "start", "duration", "pitch"]].tolist())


def in_file(score: Score) -> list[tuple[int, int, int]]:
    """Start, length and pitch of the notes that stand in the MIDI file, by mido."""
    found = []
    for track in reread(score).tracks:
        tick, open_at = 0, dict[tuple[int, int], int]()
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                open_at[message.channel, message.note] = tick
            elif message.type in ("note_off", "note_on") and message.channel != 9:
                begin = open_at.pop((message.channel, message.note))
                found.append((begin, tick - begin, message.note))
    return sorted(found)


def flat(found: list[Row]) -> list[tuple[int, int, int]]:
    return sorted((start, length, pitch) for _, start, length, pitch in found)


def played(clock: Clock, seed: int, way: str, **wishes: Any) -> Score:
    """By a model, or by a stubborn chooser."""
    sampler = MANY[clock][seed % 4]
    if seed % 3 == 0:
        return sampler.sample(seed=seed, config=WARM, **wishes).score
    score = written(sampler, choosers(seed)[way], length=6000, **wishes)
    assert score is not None
    return score


@settings(max_examples=120)
@given(clocks, seeds, ways, st.data())
def test_a_melody_is_there_as_it_was_and_the_piece_ends_with_it(
    clock: Clock, seed: int, way: str, data: st.DataObject
) -> None:
    tune = data.draw(tunes(clock))
    extra: dict[str, Any] = data.draw(
        st.sampled_from([{}, {"key": "G"}, {"instruments": "violin, cello"}, {"max_silence": 0.3}])
    )
    score = played(clock, seed, way, melody=tune, **extra)
    assert rows(score, clock, 0) == rows(tune, clock)
    begins = score.notes["start"]
    assert begins.max() < tune.end
    assert set(flat(rows(tune, clock))) <= set(in_file(score))
    if clock == "beats":
        assert score.time_signatures.tolist() == [(0, 3, 4)] and len(score.tempi) == 1
    if "key" in extra:
        pitches = score.notes["pitch"][~score.notes["drum"]]
        assert set((pitches % 12).tolist()) <= parse_key("G")


@settings(max_examples=120)
@given(clocks, seeds, ways, st.lists(st.sampled_from(["C4", "E4", "60", "Bb2"]), min_size=1, max_size=5), st.booleans())
def test_pitches_come_in_their_order_and_the_piece_ends_with_them(
    clock: Clock, seed: int, way: str, names: list[str], alone: bool
) -> None:
    wanted = [{"C4": 60, "E4": 64, "60": 60, "Bb2": 46}[name] for name in names]
    extra = {"instruments": "flute"} if alone else {}
    score = played(clock, seed, way, pitches=" ".join(names), max_silence=0.5, **extra)
    line = [(start, pitch) for _, start, _, pitch in rows(score, clock, 0)]
    assert [pitch for _, pitch in line] == wanted and len({start for start, _ in line}) == len(line)
    assert score.notes["start"].max() < max(start + length for _, start, length, _ in rows(score, clock, 0))


@settings(max_examples=120)
@given(clocks, seeds, ways, st.data())
def test_a_rhythm_is_kept_and_pitches_are_of_the_key(clock: Clock, seed: int, way: str, data: st.DataObject) -> None:
    tune = data.draw(tunes(clock, tracks=2))
    narrow = data.draw(st.sampled_from(["C3:C6", "C4:B4"]))
    try:
        score = played(clock, seed, way, rhythm=tune, key="C", pitch_range=narrow)
    except ConfigError as error:
        assert "notes at once" in str(error) and narrow == "C4:B4"
        return
    assert [it[:3] for it in rows(score, clock)] == [it[:3] for it in rows(tune, clock)]
    assert sorted(it[:2] for it in in_file(score)) == sorted(it[:2] for it in flat(rows(tune, clock)))
    assert set((score.notes["pitch"] % 12).tolist()) <= parse_key("C") and not score.notes["drum"].any()


@settings(max_examples=120)
@given(clocks, seeds, ways, st.data())
def test_what_is_humanised_has_its_notes_and_nothing_else(
    clock: Clock, seed: int, way: str, data: st.DataObject
) -> None:
    tune = data.draw(tunes(clock, tracks=2, drums=True))
    score = played(clock, seed, way, humanise=tune)
    assert rows(score, clock) == rows(tune, clock)
    assert sorted(in_file(score)) == flat(rows(tune, clock))
    hits = [sorted(it.notes[it.notes["drum"]][["start", "pitch"]].tolist()) for it in (score, tune)]
    assert hits[0] == hits[1]


@settings(max_examples=200)
@given(
    clocks, seeds, ways, st.sampled_from(["melody", "pitches", "rhythm", "humanise"]), st.sampled_from("CG"), st.data()
)
def test_a_line_and_what_is_written_to_it_end_on_the_tonic(
    clock: Clock, seed: int, way: str, kind: str, key: str, data: st.DataObject
) -> None:
    tune = data.draw(tunes(clock, tracks=2 if kind in ("rhythm", "humanise") else 1))
    given, tonic = rows(tune, clock), {"C": 0, "G": 7}[key]
    onset = max(start for _, start, _, _ in given)
    last = sorted(pitch for _, start, _, pitch in given if start == onset)[-1 if kind == "pitches" else 0 :]
    narrow = data.draw(st.sampled_from([None, "C4:C5", "G3:C6"])) if kind == "rhythm" else None
    wishes: dict[str, Any] = {kind: tune, "key": key, "pitch_range": narrow, "end_on_tonic": True, "max_silence": 0.5}
    try:
        score = played(clock, seed, way, **wishes)
    except ConfigError as error:
        if kind == "rhythm":
            assert "notes at once" in str(error) and narrow == "C4:C5"
        else:
            assert "which is not the tonic" in str(error) and any(pitch % 12 != tonic for pitch in last)
        return
    assert ends_on(reread(score), tonic)
    found = rows(score, clock, 0 if kind in ("melody", "pitches") else None)
    if kind == "pitches":
        assert [row[3] for row in found] == [row[3] for row in sorted(given, key=lambda row: (row[1], row[3]))]
    else:
        same = slice(3 if kind == "rhythm" else 4)
        assert [row[same] for row in found] == [row[same] for row in given]


def test_the_others_play_on_until_the_last_note_of_the_line_has_ended() -> None:
    tune = Score.of(480, [Note(0, 480, 60, 80), Note(480, 8 * 480, 62, 80)])
    for wish in ({"melody": tune}, {"pitches": ["C4", "D4"]}):
        scores = [SAMPLERS["beats"].sample(seed=seed, config=WARM, **wish).score for seed in range(6)]
        assert any(score.notes["start"].max() > rows(score, "beats", 0)[-1][1] for score in scores)
        assert all(score.end == rows(scores[0], "beats", 0)[-1][1] + 8 * 480 for score in scores if "melody" in wish)


def test_velocities_and_pedals_are_the_models_own_and_of_the_seed() -> None:
    tune = Score.of(500, [Note(n * 500, 400, 60 + n % 7, 80) for n in range(40)])
    first, second = (SAMPLERS["seconds"].sample(humanise=tune, seed=seed, config=WARM).score for seed in (1, 2))
    assert len(set(first.notes["velocity"].tolist())) > 5 and len(first.pedals)
    assert set(first.pedals["time"].tolist()) <= {*range(0, 20_000, 500), tune.end}, "between notes nothing moves"
    assert first.notes["velocity"].tolist() != second.notes["velocity"].tolist()


def test_files_are_read_and_a_beam_and_the_best_keep_to_them(tmp_path: Path) -> None:
    for clock in ("seconds", "beats"):
        notes = [Note(n * 24 * STEP[clock], 24 * STEP[clock], 60 + n, 80) for n in range(4)]
        tune = Score.of(RESOLUTION[clock], notes)
        write_midi(tune, tmp_path / "tune.mid")
        assert read_midi(tmp_path / "tune.mid").score.notes.tolist() == tune.notes.tolist()
        stream = SAMPLERS[clock].stream(melody=str(tmp_path / "tune.mid"), seed=1)
        assert rows(stream.score(), clock, 0) == rows(tune, clock) and stream.finish == "length"
        with pytest.raises(ConfigError, match="has no state"):
            state_of(SAMPLERS[clock], stream)
        line = SAMPLERS[clock].sample(pitches=tmp_path / "tune.mid", seed=1)
        assert [row[3] for row in rows(line.score, clock, 0)] == [60, 61, 62, 63] and line.finish == "length"
        for found in SAMPLERS[clock].best_of(count=2, humanise=tune, seed=1):
            assert rows(found.sample.score, clock) == rows(tune, clock)
        for hypothesis in SAMPLERS[clock].beam(width=2, rhythm=tune).hypotheses():
            assert [it[:3] for it in rows(hypothesis.sample.score, clock)] == [it[:3] for it in rows(tune, clock)]


def test_a_track_is_chosen_by_its_number(tmp_path: Path) -> None:
    step = 24 * STEP["beats"]
    notes = [Note(n * step, step, 60 + 10 * track + n, 80, track, 40 * track) for track in range(3) for n in range(4)]
    path = tmp_path / "band.mid"
    write_midi(Score.of(480, [*notes, Note(0, step, 38, 80, drum=True)]), path)
    for kind in ("melody", "humanise"):
        for number in (1, 2, 3):
            written = SAMPLERS["beats"].sample(**{kind: f"{path}:{number}"}, seed=1).score
            assert [row[3] for row in rows(written, "beats", 0)] == [50 + 10 * number + n for n in range(4)]
    with pytest.raises(
        ConfigError, match=r"no track 4; take one of 1 \(acoustic grand piano, 4 notes\), 2 \(violin, 4"
    ):
        SAMPLERS["beats"].stream(pitches=f"{path}:4")
    colon = path.rename(tmp_path / "band.mid:3")
    assert rows(SAMPLERS["beats"].sample(melody=colon, seed=1).score, "beats", 0)[0][3] == 60


def test_what_is_struck_twice_at_once_is_one_note() -> None:
    tune = Score.of(500, [Note(0, length, 60, 80, 0, 9) for length in (250, 500, 120)])
    assert rows(SAMPLERS["seconds"].sample(humanise=tune, seed=1).score, "seconds") == [(0, 0, 500, 60)]


def test_what_cannot_be_is_refused_with_the_reason_at_once() -> None:
    sampler = SAMPLERS["beats"]
    high = Score.of(480, [Note(0, 480, 60, 80), Note(8 * 480, 480, 84, 80)])
    cluster = Score.of(480, [Note(0, 480, 60 + n, 80) for n in range(12)])
    twice = Score.of(480, [Note(0, 480, 60, 80), Note(1, 480, 60, 80)])
    endless = Score.of(480, [Note(0, 480 * 40, 60, 80)])
    hits = Score.of(480, [Note(0, 480, 38, 80, drum=True)])
    apart = Score.of(480, [Note(0, 480, 60, 80, track) for track in range(3)])
    refused: list[tuple[dict[str, Any], str]] = [
        ({"melody": high, "pitch_range": "C3:C5"}, r"melody has C6 \(at 0:04\), which is outside the range C3:C5"),
        ({"humanise": high, "key": "D"}, r"humanise has C4 \(at 0:00\), which is outside the key D"),
        ({"pitches": "C4 F9", "pitch_range": "C3:C5"}, r"pitches has F9 \(number 2\), which is outside"),
        ({"pitches": "C4 H4"}, "pitch 'H4' is none of"),
        ({"pitches": ""}, "name some"),
        (
            {"rhythm": cluster, "key": "C", "pitch_range": "C4:B4"},
            "12 notes at once, and the range C4:B4 and",
        ),
        ({"melody": twice}, "fall together"),
        ({"melody": endless}, "longer than 16 beats"),
        ({"melody": hits}, "has no notes"),
        ({"melody": high, "rhythm": high}, "take one of them"),
        ({"melody": high, "seconds": 3}, "seconds does not go with melody"),
        ({"melody": high, "prompt": high, "bars": 3}, "prompt, bars do not go with melody"),
        ({"melody": high, "end_on_tonic": True}, "needs to know the key"),
        ({"humanise": hits, "key": "C", "end_on_tonic": True}, "nothing but drums"),
        ({"pitches": "C4 D4", "key": "C", "end_on_tonic": True}, "pitches ends on D4, which is not the tonic"),
        ({"rhythm": apart, "key": "C", "pitch_range": "D4:B4", "end_on_tonic": True}, "leaves 0 pitches of the tonic"),
        ({"melody": high, "instruments": "flute"}, "one alone"),
        ({"rhythm": apart, "instruments": "flute"}, "has 3 tracks, and instruments names fewer"),
        ({"pitches": "C4", "instruments": "drums"}, "nobody plays but drums"),
    ]
    began = time.perf_counter()
    for wishes, reason in refused:
        with pytest.raises(ConfigError, match=reason):
            sampler.stream(**wishes)
    assert time.perf_counter() - began < 1.0
