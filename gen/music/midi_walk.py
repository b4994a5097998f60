"""A walk through the chunks of a MIDI file and the events of its tracks, which believes nothing that it is told.

A file may claim anything: a track of four gigabytes, 65,535 tracks, an event that never ends. It is walked through
once, by its events and not by its claims, and each track is cut where its first broken event begins.
"""

import re
from typing import Final

import numpy as np
from numpy.typing import NDArray

from gen.errors import MidiError
from gen.music.midi_runs import LONGEST, NUMBER, Runs, number
from gen.music.score import MAX_TICK

MAX_EVENTS: Final = 1_000_000
"""A file with more is no piece."""
_MAX_STEPS = 50_000  # runs, and messages of other kinds: a few microseconds each
_MAX_CHUNKS = 1_000
_MAX_PARTS = 2_000  # instruments on channels of tracks

_HEAD = re.compile(NUMBER + rb"([\x80-\xef])")
_MESSAGE = re.compile(rb"(%b)(?:\xff(.)|[\xf0\xf7])(%b)" % (NUMBER, NUMBER), re.DOTALL)  # meta, or system exclusive
_CHUNK = re.compile(rb"[ -~]{4}")
_NAME, _END, _TEMPO, _TIME_SIGNATURE = b"\x03", b"\x2f", b"\x51", b"\x58"
_LONGEST_NAME = 200  # bytes
_PAUSE = b"\xff\x01\x00"  # an empty text, which carries the delta time of what is left out
_END_OF_TRACK = b"\x00\xff\x2f\x00"


def counted(count: int, noun: str) -> str:
    """1 track, 2 tracks."""
    return f"{count:,} {noun}" + ("" if count == 1 else "s")


class Walk:
    """The walk, and what is seen on it.

    Args:
        data: a MIDI file.
        name: how errors call it.

    Attributes:
        clean: chunks of sound tracks: channel messages, names, and pauses instead of all others.
        tracks: marks of the beginning and the end of each.
        tempi: marks of the track's beginning and of the tempo; microseconds of a beat.
        time_signatures: likewise; numerator and denominator.

    Time passes through all tracks, one after the other. Where a mark is set, it is known in bytes of runs, whose ticks
    are added up when all are there, and in ticks of what lies between them.
    """

    def __init__(self, data: bytes, name: str) -> None:
        self._data = data
        self._name = name
        self.clean: list[bytes] = []
        self.tracks: list[tuple[int, int]] = []
        self.tempi: list[tuple[int, ...]] = []
        self.time_signatures: list[tuple[int, ...]] = []
        self._lost: list[int] = []  # bytes of each track behind its first broken event
        self._cut = 0  # bytes that are missing at the end
        self._runs = Runs(1), Runs(2)
        self._between = 0
        self._marks: list[tuple[int, int, int]] = []
        self._start = 0  # mark of the track's beginning
        self._named = False
        self._steps = self._endless = self._mismeasured = 0
        self._meaningless: list[str] = []

    @property
    def damaged(self) -> bool:
        """Some of it could not be read."""
        return bool(self._lost or self._cut)

    def warnings(self) -> list[str]:
        """What was mended or left out."""
        found = []
        if self._cut:
            found.append(f"cut off {counted(self._cut, 'byte')} before its end")
        if self._lost:
            found.append(f"{counted(sum(self._lost), 'byte')} of {counted(len(self._lost), 'damaged track')} left out")
        if self._endless:
            found.append(f"no end of track in {counted(self._endless, 'track')}")
        if self._mismeasured:
            found.append(f"wrong length of {counted(self._mismeasured, 'track')}")
        if self._meaningless:
            others = len(self._meaningless) - 1
            found.append(f"{self._meaningless[0]} left out" + (f", and {others:,} more" if others else ""))
        return found

    def chunks(self, position: int) -> None:
        """Walk through the chunks from a position on."""
        data = self._data
        for _ in range(_MAX_CHUNKS):
            begin, end = position + 8, position + 8 + int.from_bytes(data[position + 4 : position + 8], "big")
            if begin > len(data):
                return
            believed = end == len(data) or bool(_CHUNK.match(data, end))
            following = end if believed else data.find(b"MTrk", begin)
            if data.startswith(b"MTrk", position):
                limit = len(data) if following < 0 else following
                stop, ended = self._track(begin, limit)
                self._note_end(stop, ended, limit, end)
                following = stop if ended and not believed else following
            elif not _CHUNK.match(data, position):
                following = data.find(b"MTrk", position + 1)
            if following < 0:
                return
            position = following
        raise self._too_many(f"{_MAX_CHUNKS:,} chunks")

    def _track(self, begin: int, end: int) -> tuple[int, bool]:
        """Walk through a track; returns where it stops, and whether it ends there."""
        data = self._data
        clean: list[bytes] = []
        position, width, ended = begin, 0, False
        self._start = self._mark()
        self._named = False
        while True:
            self._steps += 1
            if self._steps > _MAX_STEPS:
                raise self._too_many(f"{_MAX_STEPS:,} texts, tempi and changes of program")
            message = _MESSAGE.match(data, position, end)
            if message and message[2] == _END:
                position, ended = message.end(), True
                break
            if message:
                after = self._message(message, end, clean)
            else:
                head = _HEAD.match(data, position, end)
                width = (1 if 0xC0 <= head[1][0] < 0xE0 else 2) if head else width  # a status runs on
                after = position + (self._run(width, position, end, clean) if width else 0)
            if after == position:
                break
            position = after
        body = b"".join(clean) + _END_OF_TRACK
        self.clean.append(b"MTrk" + len(body).to_bytes(4, "big") + body)
        self.tracks.append((self._start, self._mark()))
        return position, ended

    def _note_end(self, stop: int, ended: bool, limit: int, measured: int) -> None:
        if ended:
            self._mismeasured += stop != measured
            return
        if measured > limit == len(self._data):
            self._cut = measured - limit
        elif stop == limit:
            self._endless += 1
        if limit - stop > (LONGEST if self._cut else 0):  # what was cut in two is not worth mentioning
            self._lost.append(limit - stop)

    def _mark(self) -> int:
        self._marks.append((self._runs[0].size, self._runs[1].size, self._between))
        return len(self._marks) - 1

    def _run(self, width: int, position: int, end: int, clean: list[bytes]) -> int:
        """Walk through channel messages; returns their bytes."""
        run = self._runs[width - 1].take(self._data, position, end)
        clean.append(run)
        if sum(runs.size for runs in self._runs) > LONGEST * MAX_EVENTS:
            raise self._too_many("a million events")
        return len(run)

    def _message(self, message: re.Match[bytes], end: int, clean: list[bytes]) -> int:
        """Walk through a message of another kind; returns where it ends, or where it begins if the track is shorter."""
        delta, kind, length = message.groups()
        after = message.end() + number(length)
        if after > end:
            return message.start()
        self._between += number(delta)
        kept = self._meta(kind, self._data[message.end() : min(after, message.end() + _LONGEST_NAME)]) if kind else b""
        if kept or delta != b"\x00":
            clean.append(delta + (kept or _PAUSE))
        return after

    def _meta(self, kind: bytes, value: bytes) -> bytes:
        """Take note of a meta message; returns what is kept of it."""
        if kind == _TEMPO and len(value) == 3:
            microseconds = int.from_bytes(value, "big")
            if not microseconds:
                raise MidiError(self._name, "it has a tempo of 0 microseconds a beat")
            self.tempi.append((self._start, self._mark(), microseconds))
        elif kind == _TIME_SIGNATURE and len(value) >= 2 and value[0] and value[1] <= 7:
            self.time_signatures.append((self._start, self._mark(), value[0], 2 ** value[1]))
        elif kind == _TEMPO:
            self._meaningless.append(f"tempo of {counted(len(value), 'byte')}")
        elif kind == _TIME_SIGNATURE:
            self._meaningless.append(f"time signature {_fraction(value)}")
        elif kind == _NAME and not self._named:
            name = _text(value)
            self._named = bool(name)
            return b"\xff" + _NAME + bytes((0x80 | len(name) >> 7, len(name) & 0x7F)) + name
        return b""

    def measure(self) -> tuple[NDArray[np.int64], int]:
        """The ticks from the beginning of the first track to the marks, and how many notes begin.

        Raises:
            MidiError: there are too many events, parts or ticks.
        """
        if self._steps + sum(runs.count() for runs in self._runs) > MAX_EVENTS:
            raise self._too_many("a million events")
        marks = np.array(self._marks, np.int64)
        starts, ends = np.array(self.tracks).T
        single, double = (runs.measure(sizes) for runs, sizes in zip(self._runs, marks.T, strict=False))
        ticks = single.ticks + double.ticks + marks[:, 2]
        if np.any(ticks[ends] - ticks[starts] > MAX_TICK):
            raise MidiError(self._name, f"a track is longer than {MAX_TICK:,} ticks")
        channels, programs = (
            np.repeat(np.arange(len(starts)) * 16, messages.before[ends] - messages.before[starts])
            + (messages.status & 0x0F)
            for messages in (double, single)
        )
        note_ons = double.of_kind(0x9) & (double.value > 0)
        chosen = single.of_kind(0xC)
        parts = np.count_nonzero(np.bincount(channels[note_ons]))
        parts += len(np.unique(programs[chosen] * 128 + single.value[chosen]))
        if parts > _MAX_PARTS:
            raise self._too_many(f"{_MAX_PARTS:,} parts")
        return ticks, int(np.count_nonzero(note_ons))

    def _too_many(self, what: str) -> MidiError:
        return MidiError(self._name, f"more than {what}, which no piece of music has")


def _fraction(value: bytes) -> str:
    if len(value) < 2:
        return f"of {counted(len(value), 'byte')}"
    return f"{value[0]}/{2 ** value[1]}" if value[1] <= 7 else f"{value[0]}/2^{value[1]}"


def _text(data: bytes) -> bytes:
    """A name in UTF-8, in whatever code it was written."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return text.strip("\0 ").encode()
