"""Whatever the bytes: a `MidiError` or a `Reading`, soon, and in little memory."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.errors import MidiError
from gen.music.midi_reader import Reading, read_midi
from gen.music.midi_writer import midi_bytes
from tests.music.broken_midi import (
    BOMBS,
    END,
    KINDS,
    TUNE,
    Kind,
    chunk,
    control,
    header,
    meta,
    metre,
    midi,
    number,
    off,
    on,
    program,
    raw,
    tempo,
    track,
)

RICH = midi(
    track((0, meta(3, b"all")), (0, tempo(600_000)), (0, metre(3, 2)), (960, tempo(400_000)), (0, metre(6, 3))),
    track((0, program(40)), (0, control(64, 127)), *TUNE, (0, control(64, 0)), (200, program(41)), *TUNE),
    track((0, b"\xf0\x03\x01\x02\xf7"), (10, on(36, 90, 9)), (0, b"\x2a\x40"), (5, off(36, 9)), (300, off(42, 9))),
    chunk(b"other", kind=b"XFIH"),
)
"""A sound file with something of everything."""


def outcome(data: bytes) -> Reading | None:
    """What is read, if it is; it can be written, and read again without a change."""
    try:
        reading = read_midi(data)
    except MidiError as error:
        assert error.reason and error.path == "MIDI data"
        return None
    once = read_midi(midi_bytes(reading.score).data)
    assert read_midi(midi_bytes(once.score).data).score == once.score
    assert not once.warnings
    return reading


def test_the_sound_file_is_sound() -> None:
    reading = read_midi(RICH)
    assert reading.warnings == ("4 tracks announced, 3 found",)  # the fourth chunk is none
    assert (len(reading.score.notes), len(reading.score.tempi), len(reading.score.pedals)) == (8, 2, 2)


def test_there_are_many_kinds() -> None:
    assert len({kind.name for kind in KINDS + BOMBS}) == len(KINDS + BOMBS) > 100


@pytest.mark.parametrize("kind", KINDS + BOMBS, ids=lambda kind: kind.name)
def test_a_broken_file_is_refused_with_its_reason_or_read_with_a_warning(kind: Kind) -> None:
    if kind.notes is None:
        with pytest.raises(MidiError, match=r"^song\.mid: ") as caught:
            read_midi(kind.build(), name="song.mid")
        assert kind.says in caught.value.reason
        assert "\n" not in caught.value.reason and len(caught.value.reason) < 120
    else:
        reading = read_midi(kind.build())
        assert len(reading.score.notes) == kind.notes
        assert any(kind.says in warning for warning in reading.warnings) if kind.says else not reading.warnings


def test_a_file_may_end_anywhere() -> None:
    notes = [0 if (reading := outcome(RICH[:size])) is None else len(reading.score.notes) for size in range(len(RICH))]
    assert notes == sorted(notes)
    assert set(notes) == set(range(9))


@pytest.mark.parametrize("flip", [lambda byte: byte ^ 0x80, lambda byte: 0xFF, lambda byte: byte ^ 1])
def test_any_byte_may_be_wrong(flip: Callable[[int], int]) -> None:
    for place in range(len(RICH)):
        outcome(RICH[:place] + bytes((flip(RICH[place]),)) + RICH[place + 1 :])


@st.composite
def mutations(draw: st.DrawFn) -> bytes:
    data = RICH
    for _ in range(draw(st.integers(1, 4))):
        place, size = draw(st.integers(0, len(data))), draw(st.integers(0, 40))
        match draw(st.sampled_from(("write", "insert", "delete", "repeat", "cut"))):
            case "write":
                data = data[:place] + draw(st.binary(max_size=5)) + data[place + 5 :]
            case "insert":
                data = data[:place] + draw(st.binary(max_size=8)) + data[place:]
            case "delete":
                data = data[:place] + data[place + size :]
            case "repeat":
                data = data[: place + size] + data[place:]
            case "cut":
                data = data[:place]
    return data


@settings(derandomize=True, deadline=None)
@given(mutations())
def test_a_file_may_be_wrong_in_several_places(data: bytes) -> None:
    outcome(data)


@settings(derandomize=True, deadline=None)
@given(st.binary(max_size=200))
def test_bytes_of_no_meaning_may_follow_a_header(data: bytes) -> None:
    outcome(header() + chunk(data))
    outcome(header() + data)


_byte = st.integers(0, 255)
_messages = st.one_of(
    st.builds(lambda a, b, c: bytes((a, b, c)), st.integers(0x80, 0xEF), st.integers(0, 130), st.integers(0, 130)),
    st.builds(on, st.integers(59, 61), st.integers(0, 127), st.integers(0, 2)),
    st.builds(off, st.integers(59, 61), st.integers(0, 2)),
    st.builds(lambda a, b: bytes((a, b)), st.integers(0x70, 0xDF), st.integers(0, 130)),
    st.builds(meta, st.sampled_from((0x01, 0x03, 0x2F, 0x51, 0x58, 0x59)), st.binary(max_size=5)),
    st.builds(lambda status, data: bytes((status,)) + number(len(data)) + data, _byte, st.binary(max_size=5)),
)
_deltas = st.integers(0, 500) | st.sampled_from((0x7F, 0x80, 0x3FFF, 0x4000, 0x1FFFFF, 0x200000, 0x0FFFFFFF))


@settings(derandomize=True, deadline=None)
@given(
    st.lists(st.lists(st.tuples(_deltas, _messages), max_size=20), max_size=3),
    st.integers(1, 0x7FFF) | st.integers(0, 0xFFFF),
)
def test_messages_may_come_in_any_order(tracks: list[list[tuple[int, bytes]]], division: int) -> None:
    outcome(midi(*(chunk(raw(*events) + END) for events in tracks), division=division))


_MEASURE = """
import re, sys, time
from pathlib import Path
from gen.errors import MidiError
from gen.music.midi_reader import read_midi

def peak():
    return 1024 * int(re.search(r"VmHWM:\\s*(\\d+) kB", Path("/proc/self/status").read_text())[1])

read_midi(sys.argv[1])
before, times = peak(), []
for _ in range(3):  # the fastest counts: others may be at work, too
    began = time.process_time()
    try:
        read_midi(sys.argv[2])
    except MidiError:
        pass
    times.append(time.process_time() - began)
print(min(times), peak() - before)
"""


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS + BOMBS, ids=lambda kind: kind.name)
def test_no_file_takes_half_a_second_or_a_hundred_megabytes(kind: Kind, tmp_path: Path) -> None:
    if not Path("/proc/self/status").exists():
        pytest.skip("needs /proc")
    sound, broken = tmp_path / "sound.mid", tmp_path / "broken.mid"
    sound.write_bytes(RICH)
    broken.write_bytes(kind.build())
    command = [sys.executable, "-c", _MEASURE, str(sound), str(broken)]
    seconds, memory = map(float, subprocess.run(command, capture_output=True, check=True, text=True).stdout.split())
    assert seconds < 0.5
    assert memory < 100e6
