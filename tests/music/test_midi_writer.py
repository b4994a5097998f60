import io
import math
from pathlib import Path
from typing import Any

import mido
import numpy as np
import pretty_midi
import pytest
import symusic
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import ConfigError, StorageError
from gen.music.midi_reader import read_midi
from gen.music.midi_writer import midi_bytes, to_pretty_midi, write_midi
from gen.music.names import INSTRUMENTS
from gen.music.score import MAX_TICK, Note, Pedal, Piece, Score, Tempo, TimeSignature
from tests.music.strategies import scores

DRUM_CHANNEL = 9


def score(*pieces: Piece, resolution: int = 480) -> Score:
    return Score.of(resolution, pieces)


def reopened(*pieces: Piece) -> list[Note]:
    """The notes of a score when it was written and read."""
    return [piece for piece in read_midi(midi_bytes(score(*pieces)).data).score.pieces() if isinstance(piece, Note)]


# ── The bytes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_bytes_are_those_of_the_standard() -> None:
    written = midi_bytes(
        score(
            *(Tempo(0, 500_000), TimeSignature(0, 3, 4), TimeSignature(480, 6, 8), Tempo(480, 400_000)),
            *(Note(0, 480, 60, 64, 0, 40), Note(480, 200, 60, 65, 0, 40), Note(0, 1, 36, 100, drum=True)),
            *(Pedal(0, 0, True), Pedal(680, 0, False)),
        )
    )
    assert written.warnings == ()
    assert written.data == bytes.fromhex(
        "4d546864 00000006 0001 0003 01e0"  # MThd: format 1, three tracks, 480 ticks a beat
        "4d54726b 00000023"
        "00 ff5804 03021808  00 ff5103 07a120"  # 3/4, 120 beats a minute
        "8360 ff5804 06031808  00 ff5103 061a80"  # 480 ticks later 6/8, 150
        "00 ff2f00"
        "4d54726b 0000002b"
        "00 ff0306 76696f6c696e  00 c028"  # "violin", program 40
        "00 b0407f  00 903c40"  # the pedal, a note
        "8360 803c00  00 903c41"  # it ends, and the next begins
        "8148 803c00  00 b04000"  # it ends, and the pedal comes up
        "00 ff2f00"
        "4d54726b 00000018"
        "00 ff0305 6472756d73  00 c900"  # "drums"
        "00 992464  78 892400"  # a hit lasts a sixteenth
        "00 ff2f00"
    )


def test_an_empty_score_is_a_file_with_its_tempo_and_time_signature() -> None:
    reading = read_midi(midi_bytes(Score(96)).data)
    assert reading.score == score(TimeSignature(0, 4, 4), Tempo(0, 500_000), resolution=96)
    assert reading.warnings == ()


@settings(derandomize=True, deadline=None)
@given(scores())
def test_one_score_is_one_string_of_bytes(score: Score) -> None:
    pieces = list(score.pieces())
    moving = [piece for piece in pieces if isinstance(piece, Note | Pedal)]
    others = [piece for piece in pieces if not isinstance(piece, Note | Pedal)]
    assert midi_bytes(Score.of(score.resolution, [*moving[::-1], *others])) == midi_bytes(score)


# ── What was canonical comes back as it was ──────────────────────────────────────────────────────────────────────────


@st.composite
def canonical_scores(draw: st.DrawFn) -> Score:
    """Scores as a reader makes them: parts numbered in order, nothing in its own way, nothing said twice."""
    resolution = draw(st.sampled_from([24, 96, 480, 500, 32767]))
    pieces: list[Piece] = []
    for track in range(draw(st.integers(0, 3) | st.just(15))):
        program = draw(st.integers(0, 127))
        for pitch in draw(st.sets(st.integers(0, 127), min_size=1, max_size=2)):
            tick = 0
            for gap, length, velocity in draw(st.lists(_notes, min_size=1, max_size=3)):
                pieces.append(Note(tick + gap, length, pitch, velocity, track, program))
                tick += gap + length
        tick = 0
        for gap, length in draw(st.lists(st.tuples(st.integers(0, 100), st.integers(1, 900)), max_size=3)):
            pieces += [Pedal(tick + gap, track, True), Pedal(tick + gap + length, track, False)]
            tick += gap + length
    for start, pitch in draw(st.sets(st.tuples(st.integers(0, 999), st.integers(34, 37)), max_size=6)):
        pieces.append(Note(start, 1, pitch, draw(st.integers(1, 127)), drum=True))
    tick = 0
    for number, (gap, microseconds) in enumerate(draw(st.lists(_tempi, min_size=1, max_size=4))):
        pieces.append(Tempo(tick, microseconds * 2 + number % 2))  # so that no two in a row are equal
        tick += gap
    tick = 0
    for number, gap in enumerate(draw(st.lists(st.integers(1, 5000), min_size=1, max_size=4))):
        pieces.append(TimeSignature(tick, draw(st.integers(1, 255)), 2 ** (draw(st.integers(0, 3)) * 2 + number % 2)))
        tick += gap
    return Score.of(resolution, pieces)


_notes = st.tuples(st.integers(0, 300), st.integers(1, 1000) | st.integers(1, 20_000), st.integers(1, 127))
_tempi = st.tuples(st.integers(1, 3000), st.integers(1, 1_000_000))


@settings(derandomize=True, deadline=None)
@given(canonical_scores())
def test_what_is_written_is_read(score: Score) -> None:
    written = midi_bytes(score)
    reading = read_midi(written.data)
    assert reading.score == score
    assert reading.warnings == written.warnings == ()


def test_bars_that_a_time_signature_moves_are_moved_when_it_is_read() -> None:
    moved = score(TimeSignature(0, 4, 4), Tempo(0, 500_000), TimeSignature(100, 4, 4))
    assert read_midi(midi_bytes(moved).data).score == moved


def test_tracks_of_one_program_stay_apart() -> None:
    duet = score(TimeSignature(0, 4, 4), Tempo(0, 1), *(Note(0, 9, 60, 64, track, 0) for track in range(15)))
    assert read_midi(midi_bytes(duet).data).score == duet


def test_names_are_those_of_the_instruments() -> None:
    data = midi_bytes(score(Note(0, 1, 60, 64, 0, 40), Note(0, 1, 60, 64, 1, 0), Note(0, 1, 36, 64, drum=True))).data
    assert read_midi(data).track_names == ("violin", "acoustic grand piano")
    assert [track.name for track in mido.MidiFile(file=io.BytesIO(data)).tracks[1:]] == [
        "violin", "acoustic grand piano", "drums",
    ]  # fmt: skip


# ── Any score makes a sound file ─────────────────────────────────────────────────────────────────────────────────────

Sound = tuple[int, int, int, int, int]  # channel, start, end, pitch, velocity


def sounding(data: bytes) -> list[Sound]:
    """The notes of a file, by mido's messages, one after the other; it is sound in every way that is promised."""
    file = mido.MidiFile(file=io.BytesIO(data))
    assert file.type == 1
    found, channels = [], []
    for number, track in enumerate(file.tracks):
        tick, down, programs = 0, False, 0
        since: dict[int, tuple[int, int]] = {}
        names = [message.type for message in track]
        assert names[-1] == "end_of_track" and names.count("end_of_track") == 1
        for message in track:
            tick += message.time
            assert 0 <= message.time <= 0x0FFFFFFF
            if message.is_meta:
                assert number == 0 or message.type in ("track_name", "text", "end_of_track")
                continue
            channels.append((number, message.channel))
            if message.type == "note_on":
                assert message.velocity and message.note not in since
                since[message.note] = tick, message.velocity
            elif message.type == "note_off":
                start, velocity = since.pop(message.note)
                assert start < tick
                found.append((message.channel, start, tick, message.note, velocity))
            elif message.type == "control_change":
                assert message.control == 64 and (message.value >= 64) != down
                down = not down
            else:
                assert message.type == "program_change" and not programs
                programs += 1
        assert not since and not down
        if number == 0:
            assert {"set_tempo", "time_signature"} <= set(names)
    assert len(set(channels)) == len({channel for _, channel in channels}) == len(file.tracks) - 1
    return sorted(found)


@settings(derandomize=True, deadline=None)
@given(scores())
def test_any_score_makes_a_file_that_is_sound_for_every_reader(score: Score) -> None:
    data = midi_bytes(score).data
    notes = sounding(data)
    parsed: Any = symusic.Score.from_midi(data)
    assert sorted(
        (note.start, note.end, note.pitch, note.velocity, track.is_drum)
        for track in parsed.tracks
        for note in track.notes
    ) == sorted(
        (start, end, pitch, velocity, channel == DRUM_CHANNEL) for channel, start, end, pitch, velocity in notes
    )
    seconds = pretty_midi.PrettyMIDI(io.BytesIO(data))
    others = sorted(
        (note.pitch, note.velocity, instrument.is_drum, note.start, note.end)
        for instrument in seconds.instruments
        for note in instrument.notes
    )
    times = score.seconds(np.array([note[1:3] for note in notes], np.int64).reshape(-1, 2)).tolist()
    own = sorted(
        (pitch, velocity, channel == DRUM_CHANNEL, *time)
        for (channel, _, _, pitch, velocity), time in zip(notes, times, strict=True)
    )
    assert [note[:3] for note in own] == [note[:3] for note in others]
    assert np.allclose([note[3:] for note in own], [note[3:] for note in others])


@settings(derandomize=True, deadline=None)
@given(scores())
def test_what_any_score_became_is_canonical(score: Score) -> None:
    once = read_midi(midi_bytes(score).data).score
    assert read_midi(midi_bytes(once).data).score == once


@settings(derandomize=True, deadline=None)
@given(scores())
def test_notes_of_a_pitch_are_those_that_a_loop_tells_apart(score: Score) -> None:
    parts: dict[tuple[int, int, bool], dict[int, dict[int, tuple[int, int]]]] = {}
    for note in score.pieces():
        if isinstance(note, Note):
            key = (0, 0, True) if note.drum else (note.track, note.program, False)
            onsets = parts.setdefault(key, {}).setdefault(note.pitch, {})
            length = max(1, score.resolution // 4) if note.drum else note.duration
            before = onsets.get(note.start, (0, 0))
            onsets[note.start] = max(before[0], length), max(before[1], note.velocity)
    if sum(not drum for _, _, drum in parts) > 15:
        return
    expected = []
    for pitches in parts.values():
        for pitch, onsets in pitches.items():
            for start, (length, velocity) in onsets.items():
                later = [other - start for other in onsets if other > start]
                expected.append((start, start + min([length, *later]), pitch, velocity))
    assert sorted(note[1:] for note in sounding(midi_bytes(score).data)) == sorted(expected)


def test_notes_that_begin_together_are_one_as_long_and_as_loud_as_any() -> None:
    assert reopened(Note(0, 10, 60, 64), Note(0, 5, 60, 99), Note(0, 5, 60, 70), Note(0, 7, 61, 1)) == [
        Note(0, 10, 60, 99),
        Note(0, 7, 61, 1),
    ]


def test_a_note_ends_where_the_next_of_its_pitch_begins() -> None:
    assert reopened(Note(0, 100, 60, 64), Note(30, 10, 60, 65), Note(35, 99, 61, 66), Note(35, 1, 61, 67, 1)) == [
        Note(0, 30, 60, 64),
        Note(30, 10, 60, 65),
        Note(35, 99, 61, 66),
        Note(35, 1, 61, 67, 1),
    ]


def test_a_file_may_be_as_long_as_ticks_are_counted() -> None:
    written = midi_bytes(score(Note(MAX_TICK, MAX_TICK, 60, 64), Note(5, MAX_TICK, 62, 64), Pedal(MAX_TICK, 0, True)))
    assert sounding(written.data) == [(0, 5, MAX_TICK, 62, 64), (0, MAX_TICK - 1, MAX_TICK, 60, 64)]


def test_a_pedal_that_stays_down_is_lifted() -> None:
    data = midi_bytes(score(Note(0, 50, 60, 64), Pedal(10, 0, True), Note(0, 90, 60, 64, 1))).data
    assert read_midi(data).score.pedals.tolist() == [(10, 0, True), (50, 0, False)]


def test_a_hit_lasts_a_sixteenth_or_until_the_next() -> None:
    data = midi_bytes(score(*(Note(start, 999, 36, 64, drum=True) for start in (0, 50, 500)))).data
    assert [(start, end) for _, start, end, _, _ in sounding(data)] == [(0, 50), (50, 170), (500, 620)]


# ── Channels ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def programs_of(data: bytes) -> list[int]:
    """The programs of a file's channels, by channel."""
    found = {
        message.channel: message.program
        for track in mido.MidiFile(file=io.BytesIO(data)).tracks
        for message in track
        if message.type == "program_change"
    }
    return [found[channel] for channel in sorted(found)]


def parts(*programs: int, notes: int = 2) -> list[Note]:
    """A part for each program, each at a pitch of its own."""
    return [
        Note(10 * n, 10, 40 + index, 64, index % 16, program)
        for index, program in enumerate(programs)
        for n in range(notes)
    ]


def test_sixteen_parts_of_one_program_share_channels() -> None:
    written = midi_bytes(score(*parts(*[5] * 16)))
    assert written.warnings == ("16 parts share 15 channels: 1 joined others that sound like them",)
    assert programs_of(written.data) == [5] * 15
    assert len(sounding(written.data)) == 32


def test_parts_of_a_program_that_another_has_give_way_first_the_smallest_before_all() -> None:
    distinct = [8 * n for n in range(14)]
    small = [Note(0, 10, 90, 64, 14, 120), Note(5, 10, 91, 64, 14, 120)]
    large = [Note(10 * n, 10, 95, 64, 15, 120) for n in range(3)]
    written = midi_bytes(score(*parts(*distinct, notes=1), *small, *large))
    assert programs_of(written.data) == [*distinct, 120]
    assert [note[3] for note in sounding(written.data) if note[0] == 15] == [90, 95, 91, 95, 95]


def test_other_parts_join_their_family() -> None:
    keys, strings = range(0, 8), range(40, 47)
    solo = Note(0, 10, 100, 64, 15, 41 + 6)  # a timpani, among the strings by its number
    written = midi_bytes(score(*parts(*keys, *strings), solo))
    assert programs_of(written.data) == [*keys, *strings]
    assert [note[0] for note in sounding(written.data) if note[3] == 100] == [15]  # the last of the strings


@settings(max_examples=60)
@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_no_other_part_takes_a_note_from_the_first_track(notes: int, seed: int) -> None:
    """Its pitches sound one at a time; those of 15 other tracks of any instruments come whenever they like."""
    draws = np.random.default_rng(seed)
    melody = [Note(20 * n, 20, int(draws.integers(58, 62)), 64, 3, int(draws.integers(0, 128))) for n in range(notes)]
    rest = [
        Note(int(start), int(length), int(pitch), 64, int(track), int(program))
        for start, length, pitch, track, program in draws.integers((0, 1, 58, 4, 0), (800, 90, 62, 16, 128), (300, 5))
    ]
    written = midi_bytes(score(*melody, *rest))
    assert len(programs_of(written.data)) == 15
    sounds = {note[1:4] for note in sounding(written.data)}
    assert {(it.start, it.start + it.duration, it.pitch) for it in melody} <= sounds


def test_joined_parts_are_held_by_any_of_their_pedals() -> None:
    largest = [Note(10 * n, 10, 90, 64, 7, 5) for n in range(9)]
    smallest = Note(0, 5, 91, 64, 15, 5)
    pedals = [Pedal(0, 7, True), Pedal(6, 7, False), Pedal(3, 15, True), Pedal(9, 15, False)]
    data = midi_bytes(score(*parts(*[5] * 15), *largest, smallest, *pedals)).data
    assert read_midi(data).score.pedals.tolist() == [(0, 7, True), (9, 7, False)]


def test_every_program_on_every_track_can_be_written() -> None:
    notes = [Note(program, 1, program, 64, track, program) for track in range(16) for program in range(128)]
    written = midi_bytes(score(*notes))
    assert len(programs_of(written.data)) == 15
    assert written.warnings == ("2048 parts share 15 channels: 2033 joined others that sound like them",)
    assert {note[3] for note in sounding(written.data)} == set(range(128))


# ── Files and objects ────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    tune = score(*parts(*[5] * 16))
    assert write_midi(tune, path) == midi_bytes(tune).warnings != ()
    assert path.read_bytes() == midi_bytes(tune).data
    with pytest.raises(StorageError, match="cannot write"):
        write_midi(tune, tmp_path / "missing" / "tune.mid")
    assert [file.name for file in tmp_path.iterdir()] == ["tune.mid"]


def test_pretty_midi_has_the_tempi_time_signatures_and_pedals() -> None:
    tune = score(
        *(Tempo(0, 500_000), Tempo(960, 250_000), TimeSignature(0, 3, 4), TimeSignature(1440, 6, 8)),
        *(Note(0, 1920, 60, 64, 0, 40), Note(960, 480, 62, 65, 1, 41), Note(0, 1, 36, 99, drum=True)),
        *(Pedal(0, 0, True), Pedal(1440, 0, False)),
    )
    found: Any = tune.to_pretty_midi()
    assert [instrument.name for instrument in found.instruments] == [INSTRUMENTS[40], INSTRUMENTS[41], "drums"]
    assert [(note.start, note.end) for note in found.instruments[0].notes] == [(0, pytest.approx(1.5))]
    assert [change.tolist() for change in found.get_tempo_changes()] == [[0, 1], [120, 240]]
    assert [(c.time, c.numerator, c.denominator) for c in found.time_signature_changes] == [(0, 3, 4), (1.25, 6, 8)]
    assert [(c.number, c.value, c.time) for c in found.instruments[0].control_changes] == [(64, 127, 0), (64, 0, 1.25)]
    assert found.resolution == 480


@pytest.mark.parametrize("piece", [Note(10_000_000, 1, 60, 64), Tempo(10_000_000, 1), TimeSignature(9_999_999, 4, 4)])
def test_pretty_midi_is_not_asked_for_more_ticks_than_it_takes(piece: Piece) -> None:
    with pytest.raises(ConfigError, match="pretty_midi takes 10,000,000: cut it, or use fewer a beat"):
        to_pretty_midi(score(piece))
    assert math.isclose(to_pretty_midi(score(Note(100, 50, 60, 64))).get_end_time(), 150 / 960)
