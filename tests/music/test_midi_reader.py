import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import MidiError
from gen.music.midi_reader import Reading, read_midi
from gen.music.score import Note, Pedal, Piece, Score, Tempo, TimeSignature
from tests.music.broken_midi import (
    SOUND,
    TUNE,
    Event,
    control,
    meta,
    metre,
    midi,
    off,
    on,
    program,
    tempo,
    track,
)

PAUSE = b"\xff\x01\x00"


def read(*tracks: list[Event]) -> Reading:
    return read_midi(midi(*(track(*events) for events in tracks)))


def pieces(*tracks: list[Event]) -> list[Piece]:
    return list(read(*tracks).score.pieces())


def note(pitch: int, delta: int = 0, length: int = 10, channel: int = 0) -> list[Event]:
    return [(delta, on(pitch, 64, channel)), (length, off(pitch, channel))]


# ── Where it comes from ──────────────────────────────────────────────────────────────────────────────────────────────


def test_bytes_a_path_and_its_name_are_read_alike(tmp_path: Path) -> None:
    path = tmp_path / "tune.mid"
    path.write_bytes(SOUND)
    expected = Score.of(480, [Note(480 * n, 480, 60 + 2 * n, 64) for n in range(3)])
    assert read_midi(SOUND).score == read_midi(path).score == read_midi(str(path)).score == expected
    assert read_midi(SOUND).warnings == ()


@pytest.mark.parametrize("name", ["missing.mid", "folder", "a\0b.mid", "x" * 300])
def test_what_cannot_be_opened_is_said_to_be_so(name: str, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(MidiError) as caught:
        read_midi(tmp_path / name)
    assert caught.value.path == str(tmp_path / name)
    with pytest.raises(MidiError, match=r"^song: it "):
        read_midi(tmp_path / name, name="song")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_nothing_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.mid")
    for path in (tmp_path / "pipe.mid", Path(os.devnull)):
        with pytest.raises(MidiError, match="it is not a file"):
            read_midi(path)


def test_an_error_of_bytes_has_a_name_for_them() -> None:
    with pytest.raises(MidiError, match=r"^MIDI data: not a MIDI file: it begins with b'<html>'$"):
        read_midi(b"<html>")


# ── Notes ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_note_is_what_its_messages_say() -> None:
    events = [(7, on(61, 100)), (300, PAUSE), (9, on(61, 0)), (1, on(0, 1)), (16383, off(0)), (0, on(127, 127))]
    assert pieces([*events, (2_097_152, off(127))]) == [
        Note(7, 309, 61, 100), Note(317, 16383, 0, 1), Note(16700, 2_097_152, 127, 127),
    ]  # fmt: skip


def test_a_note_of_no_length_lasts_a_tick() -> None:
    assert pieces([(5, on()), (0, off())]) == [Note(5, 1, 60, 64)]


def test_overlapping_notes_are_left_alone() -> None:
    assert pieces([(0, on(60, 50)), (10, on(60, 70)), (10, off()), (10, off())]) == [
        Note(0, 20, 60, 50), Note(10, 20, 60, 70),
    ]  # fmt: skip


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.tuples(st.integers(1, 300), st.integers(0, 15), st.integers(60, 62), st.integers(0, 127)), max_size=40)
)
def test_notes_are_those_that_a_loop_finds(events: list[tuple[int, int, int, int]]) -> None:
    waiting: dict[tuple[int, int], list[tuple[int, int]]] = {}
    expected, tick = [], 0
    for delta, channel, pitch, velocity in events:
        tick += delta
        if velocity:
            waiting.setdefault((channel, pitch), []).append((tick, velocity))
        elif waiting.get((channel, pitch)):
            start, loudness = waiting[channel, pitch].pop(0)
            expected.append((channel, start, 1 if channel == 9 else tick - start, pitch, loudness))
    reading = read([(delta, on(pitch, velocity, channel)) for delta, channel, pitch, velocity in events])
    channels = [c for c in range(16) if c != 9 and any(c == channel for channel, *_ in expected)]
    assert {
        (9 if n.drum else channels[n.track], n.start, n.duration, n.pitch, n.velocity)
        for n in reading.score.pieces()
        if isinstance(n, Note)
    } == set(expected)
    unended = sum(map(len, waiting.values()))
    assert len(reading.score.notes) == len(expected)
    assert len(reading.warnings) == (unended > 0)
    if unended:
        assert reading.warnings[0].startswith(f"{unended} note")


# ── Tracks ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_tracks_are_numbered_in_order_and_have_notes() -> None:
    reading = read(
        [(0, meta(3, b"conductor")), (0, tempo(500_000))],
        [(0, meta(3, b"melody")), (0, program(73)), *note(72)],
        [(0, meta(3, b"empty")), (0, program(5)), (0, control(64, 127))],
        [(0, program(32, 3)), *note(40, channel=3)],
    )
    assert [(n["track"], n["program"]) for n in reading.score.notes] == [(0, 73), (1, 32)]
    assert reading.track_names == ("melody", "")


def test_channels_and_programs_of_one_track_are_told_apart() -> None:
    reading = read([(0, program(8, 1)), *note(60), *note(61, channel=1), (0, program(9, 1)), *note(62, channel=1)])
    assert [(n["pitch"], n["track"], n["program"]) for n in reading.score.notes] == [(60, 0, 0), (61, 1, 8), (62, 2, 9)]


def test_two_tracks_of_one_program_stay_two() -> None:
    assert [n["track"] for n in read(note(60), note(64)).score.notes] == [0, 1]


def test_the_tenth_channel_is_the_drums() -> None:
    reading = read([(0, program(40, 9)), *note(36, 0, 100, channel=9), *note(60)], note(42, 200, 0, channel=9))
    assert list(reading.score.pieces()) == [
        Note(0, 1, 36, 64, drum=True), Note(100, 10, 60, 64, 0), Note(200, 1, 42, 64, drum=True),
    ]  # fmt: skip
    assert reading.track_names == ("",)


def test_tracks_beyond_the_sixteenth_join_those_of_their_program_or_the_last() -> None:
    programs = [*range(16), 3, 100, 3]
    reading = read(*([(0, meta(3, b"%d" % n)), (0, program(p)), *note(n, n)] for n, p in enumerate(programs)))
    assert [n["track"] for n in reading.score.notes] == [*range(16), 3, 15, 3]
    assert [n["program"] for n in reading.score.notes] == programs
    assert reading.track_names == tuple(str(n) for n in range(16))
    assert reading.warnings == ("19 tracks: those beyond the 16th joined others",)


@pytest.mark.parametrize(
    ("data", "name"), [(b"Fl\xc3\xb6te", "Flöte"), (b"Fl\xf6te", "Flöte"), (b"\0 \0", ""), (b"a\0", "a"), (b"", "")]
)
def test_names_are_read_in_whatever_code(data: bytes, name: str) -> None:
    assert read([(0, meta(3, data)), *TUNE]).track_names == (name,)


# ── Pedals ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_pedal_is_down_from_64_on() -> None:
    values = [0, 63, 64, 127, 64, 63, 0, 100, 0]
    moves = [
        event
        for value in values
        for event in [(10, control(64, value)), (0, control(1, value)), (0, control(67, 127 - value))]
    ]
    assert [piece for piece in pieces([*note(60), *moves]) if isinstance(piece, Pedal)] == [
        Pedal(40, 0, True), Pedal(70, 0, False), Pedal(90, 0, True), Pedal(100, 0, False),
    ]  # fmt: skip


def test_a_pedal_that_stays_down_comes_up_with_the_last_note() -> None:
    reading = read([(0, control(64, 127)), *note(60), *note(62)], note(50, 500))
    assert [tuple(pedal) for pedal in reading.score.pedals.tolist()] == [(0, 0, True), (20, 0, False)]


def test_each_track_has_its_own_pedal() -> None:
    reading = read(note(60), [(5, control(64, 127, 2)), *note(62, channel=2), (90, control(64, 0, 2))])
    assert reading.score.pedals.tolist() == [(5, 1, True), (105, 1, False)]


def test_the_pedal_of_the_drums_moves_nothing() -> None:
    assert not len(read([(0, control(64, 127, 9)), *note(36, channel=9)]).score.pedals)


def test_joined_tracks_are_held_by_either_pedal() -> None:
    many: list[list[Event]] = [[(0, program(n)), *note(60)] for n in range(16)]
    held: list[Event] = [(30, control(64, 127)), *note(60), (50, control(64, 0))]
    assert read(*many, held).score.pedals.tolist() == [(30, 0, True), (90, 0, False)]


# ── Tempi and time signatures ────────────────────────────────────────────────────────────────────────────────────────


def tempi(*tracks: list[Event]) -> list[tuple[int, int]]:
    return list(map(tuple, read(*tracks).score.tempi.tolist()))


def metres(*events: Event) -> list[tuple[int, int, int]]:
    return list(map(tuple, read(list(events)).score.time_signatures.tolist()))


def test_tempi_are_read_from_any_track() -> None:
    assert tempi([(0, tempo(500_000)), (100, tempo(300_000))], [(50, tempo(400_000))]) == [
        (0, 500_000), (50, 400_000), (100, 300_000),
    ]  # fmt: skip


def test_of_many_tempi_in_one_tick_the_last_holds() -> None:
    many: list[Event] = [(0, tempo(1 + n * 7919 % 1000)) for n in range(1000)]
    assert tempi(many, [(0, tempo(1234))]) == [(0, 1234)]


def test_a_tempo_that_changes_nothing_is_left_out() -> None:
    events: list[Event] = [(9, tempo(500_000)), (9, tempo(6)), (9, tempo(6)), (9, tempo(5)), (9, tempo(6))]
    assert tempi(events) == [(18, 6), (36, 5), (45, 6)]
    assert tempi([(0, tempo(500_000))]) == [(0, 500_000)]


def test_a_time_signature_that_changes_nothing_is_left_out_unless_it_moves_the_bars() -> None:
    bar = 4 * 480
    assert metres((0, metre(4, 2)), (bar, metre(4, 2)), (bar + 480, metre(4, 2)), (bar, metre(4, 2))) == [
        (0, 4, 4), (2 * bar + 480, 4, 4),
    ]  # fmt: skip
    assert metres((bar, metre(4, 2)), (480, metre(4, 2)), (0, metre(3, 3))) == [(bar + 480, 3, 8)]
    assert metres((0, metre(3, 2)), (3 * 480, metre(6, 3))) == [(0, 3, 4), (3 * 480, 6, 8)]


def test_meaningless_time_signatures_are_left_out_with_a_warning() -> None:
    reading = read([(0, metre(0, 2)), (0, metre(3, 2)), (0, metre(3, 8)), *TUNE])
    assert reading.score.time_signatures.tolist() == [(0, 3, 4)]
    assert reading.warnings == ("time signature 0/4 left out, and 1 more",)


def test_pieces_keep_their_canonical_order() -> None:
    events: list[Event] = [
        *((0, on(60)), (0, on(36, 64, 9)), (0, control(64, 127)), (0, tempo(400_000)), (0, metre(3, 2))),
        *((9, off(36, 9)), (0, off(60)), (0, control(64, 0))),
    ]
    assert pieces(events) == [
        TimeSignature(0, 3, 4), Tempo(0, 400_000), Pedal(0, 0, True), Note(0, 1, 36, 64, drum=True), Note(0, 9, 60, 64),
        Pedal(9, 0, False),
    ]  # fmt: skip


# ── Limits ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_six_hours_are_the_limit() -> None:
    beats = 6 * 3600 * 2
    assert read([(0, on()), *[(0x0FFFFFF, PAUSE)], (beats * 480 - 0x0FFFFFF, off())]).score.seconds_long == 6 * 3600
    with pytest.raises(MidiError, match=r"it lasts 6\.1 hours; no piece of music is longer than 6$"):
        read([(0, on()), (int(beats * 480 * 1.01), off())])


def test_a_slow_tempo_behind_the_last_note_makes_no_piece_long() -> None:
    reading = read([*TUNE, (0, tempo(2**24 - 1)), (0x0FFFFFFF, tempo(1))])
    assert reading.score.seconds_long == pytest.approx(1.5)
    assert np.array_equal(reading.score.tempi["microseconds"], [2**24 - 1, 1])
