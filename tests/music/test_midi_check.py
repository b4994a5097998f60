import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import MidiError
from gen.music.midi_check import examine
from tests.music.broken_midi import (
    SOUND,
    TUNE,
    chunk,
    control,
    meta,
    metre,
    midi,
    off,
    on,
    program,
    raw,
    tempo,
    track,
)

Event = tuple[int, bytes]
_messages = st.one_of(
    st.builds(on, st.integers(0, 127), st.integers(0, 127), st.integers(0, 15)),
    st.builds(off, st.integers(0, 127), st.integers(0, 15)),
    st.builds(control, st.integers(0, 127), st.integers(0, 127), st.integers(0, 15)),
    st.builds(program, st.integers(0, 127), st.integers(0, 15)),
    st.just(b"\xd3\x40"),
    st.just(b"\xe3\x00\x40"),
    st.builds(meta, st.sampled_from((1, 3, 5, 0x20, 0x7F)), st.binary(max_size=200)),
    st.just(b"\xf0\x03\x01\x02\xf7"),
    st.builds(tempo, st.integers(1, 2**24 - 1)),
    st.builds(metre, st.integers(1, 255), st.integers(0, 7)),
)
_deltas = st.integers(0, 300) | st.sampled_from((0, 0x7F, 0x80, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000, 0x0FFFFFF))
_tracks = st.lists(st.lists(st.tuples(_deltas, _messages), max_size=25), min_size=1, max_size=3)


def running(events: list[Event]) -> bytes:
    """Events as they stand in a track, without a status that runs on."""
    data, status = b"", 0
    for delta, message in events:
        same = message[0] == status and message[0] < 0xF0
        data += raw((delta, message[1:] if same else message))
        status = message[0]
    return data


def timed(tracks: list[list[Event]], start: bytes) -> list[tuple[int, ...]]:
    """The ticks and data of the messages that begin so, added up one by one."""
    found = []
    for events in tracks:
        tick = 0
        for delta, message in events:
            tick += delta
            if message.startswith(start):
                found.append((tick, *message[3:]))
    return sorted(found, key=lambda row: row[0])


@settings(derandomize=True, deadline=None)
@given(_tracks, st.booleans())
def test_all_is_seen_at_its_tick(tracks: list[list[Event]], short: bool) -> None:
    bodies = [(running(events) if short else raw(*events)) + b"\x00\xff\x2f\x00" for events in tracks]
    found = examine(midi(*map(chunk, bodies)), "x")
    assert found.tempi.tolist() == [
        (tick, int.from_bytes(bytes(data), "big")) for tick, *data in timed(tracks, b"\xff\x51")
    ]
    metres = [(tick, numerator, 2**exponent) for tick, numerator, exponent, *_ in timed(tracks, b"\xff\x58")]
    assert found.time_signatures.tolist() == metres
    events = [message for events in tracks for _, message in events]
    assert found.note_ons == sum(message[0] >> 4 == 9 and message[2] > 0 for message in events)
    assert not found.warnings and not found.damaged and found.resolution == 480


@settings(derandomize=True, deadline=None)
@given(_tracks)
def test_what_is_handed_on_is_sound_and_the_same_when_examined_again(tracks: list[list[Event]]) -> None:
    first = examine(midi(*(track(*events) for events in tracks)), "x")
    second = examine(first.data, "x")
    assert second.data == first.data
    assert second.note_ons == first.note_ons
    assert not second.warnings and not len(second.tempi)


def test_what_is_handed_on_holds_channel_messages_names_and_the_time_between() -> None:
    data = midi(
        track(
            *(
                (5, meta(1, b"a text")),
                (0, meta(3, b"\0Fl\xf6te ")),
                (200, tempo(500_000)),
                (0, on()),
                (9, b"\x3c\x00"),
            ),
            (0, meta(3, b"another")),
        )
    )
    assert examine(data, "x").data == midi(
        track(
            *((5, b"\xff\x01\x00"), (0, b"\xff\x03\x80\x06" + "Flöte".encode()), (200, b"\xff\x01\x00"), (0, on())),
            (9, b"\x3c\x00"),
        )
    )


def test_a_track_is_cut_before_its_first_broken_event() -> None:
    broken = raw(*TUNE) + b"\x05\x90\x3c\xff" + raw(*TUNE)
    found = examine(midi(chunk(broken)), "x")
    assert found.data == SOUND
    assert found.damaged
    assert found.warnings == (f"{len(broken) - len(raw(*TUNE))} bytes of 1 damaged track left out",)


def test_names_keep_no_more_than_200_bytes() -> None:
    assert examine(midi(track((0, meta(3, b"\xe4" * 1000)))), "x").data.count("ä".encode()) == 200


@pytest.mark.parametrize("ticks", [2**31 - 1, 2**31])
def test_a_track_ends_within_31_bits(ticks: int) -> None:
    deltas = [0x0FFFFFFF] * 8
    data = midi(track(*((delta, on()) for delta in [*deltas, ticks - sum(deltas)])), track(*TUNE))
    if ticks < 2**31:
        assert examine(data, "x").note_ons == 9 + 3
    else:
        with pytest.raises(MidiError, match=r"^x: a track is longer than 2,147,483,647 ticks$"):
            examine(data, "x")


def test_ticks_are_counted_in_each_track() -> None:
    """A thousand tracks may have more ticks together than one may have."""
    long = track(*[(0x0FFFFFFF, on())] * 7)
    found = examine(midi(*[long] * 9, track((100, tempo(7)))), "x")
    assert found.tempi.tolist() == [(100, 7)]
    assert found.tempi.dtype.names == ("time", "microseconds")
    assert np.array_equal(found.time_signatures, found.time_signatures[:0])
