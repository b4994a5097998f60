"""MIDI files that are broken, odd or hostile, made byte by byte, and what becomes of each."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

Event = tuple[int, bytes]  # its delta time, and its bytes


def number(value: int) -> bytes:
    """A number of variable length."""
    data = [value & 0x7F]
    while value := value >> 7:
        data.append(value & 0x7F | 0x80)
    return bytes(reversed(data))


def raw(*events: Event) -> bytes:
    """What stands in a track."""
    return b"".join(number(delta) + message for delta, message in events)


END = b"\x00\xff\x2f\x00"


def chunk(data: bytes, *, length: int | None = None, kind: bytes = b"MTrk") -> bytes:
    """A chunk, with a length of its own or a false one."""
    return kind + (len(data) if length is None else length).to_bytes(4, "big") + data


def track(*events: Event) -> bytes:
    """A sound track."""
    return chunk(raw(*events) + END)


def header(tracks: int = 1, division: int = 480, kind: int = 1) -> bytes:
    """The first chunk of a file."""
    return chunk(b"".join(value.to_bytes(2, "big") for value in (kind, tracks, division)), kind=b"MThd")


def midi(*tracks: bytes, division: int = 480, kind: int = 1) -> bytes:
    """A file of some chunks."""
    return header(len(tracks), division, kind) + b"".join(tracks)


def on(pitch: int = 60, velocity: int = 64, channel: int = 0) -> bytes:
    """A note begins."""
    return bytes((0x90 | channel, pitch, velocity))


def off(pitch: int = 60, channel: int = 0) -> bytes:
    """A note ends."""
    return bytes((0x80 | channel, pitch, 0))


def program(number: int, channel: int = 0) -> bytes:
    """An instrument is chosen."""
    return bytes((0xC0 | channel, number))


def control(number: int, value: int, channel: int = 0) -> bytes:
    """A controller moves."""
    return bytes((0xB0 | channel, number, value))


def meta(kind: int, data: bytes) -> bytes:
    """A message of the file, and not of a channel."""
    return bytes((0xFF, kind)) + number(len(data)) + data


def tempo(microseconds: int) -> bytes:
    """So long is a beat."""
    return meta(0x51, microseconds.to_bytes(3, "big"))


def metre(numerator: int, exponent: int) -> bytes:
    """A time signature, whose denominator is a power of two."""
    return meta(0x58, bytes((numerator, exponent, 24, 8)))


TUNE: tuple[Event, ...] = ((0, on(60)), (480, off(60)), (0, on(62)), (480, off(62)), (0, on(64)), (480, off(64)))
"""Three notes."""
NOTES = 3
SOUND = midi(track(*TUNE))


@dataclass(frozen=True)
class Kind:
    """One kind of file.

    Attributes:
        name: what is the matter with it.
        build: makes it.
        says: part of the error's reason, or of a warning; "" if nobody needs to be told.
        notes: that are read from it; None if it is refused.
    """

    name: str
    build: Callable[[], bytes]
    says: str = ""
    notes: int | None = None


def _refused(name: str, says: str, build: Callable[[], bytes]) -> Kind:
    return Kind(name, build, says)


def _read(name: str, build: Callable[[], bytes], notes: int = NOTES) -> Kind:
    return Kind(name, build, "", notes)


def _mended(name: str, says: str, build: Callable[[], bytes], notes: int = NOTES) -> Kind:
    return Kind(name, build, says, notes)


def _cut(size: int) -> bytes:
    return SOUND[: 14 + 8 + size]


def _then(data: bytes) -> bytes:
    """The tune, and more in its track."""
    return midi(chunk(raw(*TUNE) + data))


def _before(*events: Event) -> bytes:
    return midi(track(*events, *TUNE))


_MANY = 1_000_000
_LONGEST = 0x0FFFFFFF


def _often(*events: Event, times: int = _MANY) -> bytes:
    """Some events very often, and then the tune."""
    return midi(chunk(raw(*events) * times + raw(*TUNE) + END))


def _programs(programs: Iterable[int]) -> list[Event]:
    """A note by each of some instruments."""
    return [event for number in programs for event in ((0, program(number)), (0, on()), (1, off()))]


def _choirs(tracks: int, programs: Iterable[int]) -> bytes:
    """Tracks in each of which some instruments take turns."""
    return midi(*[track(*_programs(programs))] * tracks)


def _overlapping(count: int) -> bytes:
    """Notes of one pitch that all begin before the first one ends."""
    return midi(chunk(raw((0, on())) * count + raw((1, off())) * count + END))


KINDS: tuple[Kind, ...] = (
    # -- no MIDI file at all
    _refused("nothing", "is empty", lambda: b""),
    _refused("one byte", "not a MIDI file", lambda: b"M"),
    _refused("HTML", "begins with b'<!DOCTYPE ht'", lambda: b"<!DOCTYPE html><title>404</title>"),
    _refused("zeros", "not a MIDI file", lambda: bytes(1000)),
    _refused("ones", "not a MIDI file", lambda: b"\xff" * 1000),
    _refused("the wrong byte order", "not a MIDI file", lambda: b"dhTM" + SOUND[4:]),
    _refused("a header behind much else", "not a MIDI file", lambda: bytes(300) + SOUND),
    # -- headers
    _refused("four bytes of a header", "header is cut off", lambda: SOUND[:4]),
    _refused("half a header", "header is cut off", lambda: SOUND[:11]),
    _refused("no header length", "header is cut off", lambda: b"MThd" + bytes(4) + SOUND[8:]),
    _refused("a header of five bytes", "header is cut off", lambda: b"MThd\x00\x00\x00\x05" + SOUND[8:]),
    _refused("a header of 4 GB", "header is cut off", lambda: b"MThd\xff\xff\xff\xff" + SOUND[8:]),
    _refused("a header only", "no tracks", header),
    _refused("division 0", "division 0", lambda: midi(track(*TUNE), division=0)),
    _refused("25 frames a second", "SMPTE", lambda: midi(track(*TUNE), division=0xE728)),
    _refused("30 frames a second", "SMPTE", lambda: midi(track(*TUNE), division=0xE200)),
    _read("a long header", lambda: chunk(SOUND[8:14] + b"more", kind=b"MThd") + track(*TUNE)),
    _read("a RIFF wrapper", lambda: b"RIFF\x00\x01\x00\x00RMIDdata\x00\x01\x00\x00" + SOUND),
    _read("division 1", lambda: midi(track((0, on()), (1, off())), division=1), 1),
    _read("division 32,767", lambda: midi(track(*TUNE), division=32767)),
    _mended("format 3", "format 3 is not known", lambda: midi(track(*TUNE), kind=3)),
    _mended("format 65,535", "format 65535 is not known", lambda: midi(track(*TUNE), kind=0xFFFF)),
    _mended("format 2", "2 sequences of format 2", lambda: midi(track(*TUNE), track(*TUNE), kind=2), 6),
    _mended("no tracks announced", "0 tracks announced, 1 found", lambda: header(0) + track(*TUNE)),
    _mended("65,535 tracks announced", "65,535 tracks announced, 1 found", lambda: header(65535) + track(*TUNE)),
    # -- chunks
    _refused("strange chunks only", "no tracks", lambda: header(1) + chunk(b"data", kind=b"XFIH") * 3),
    _refused("3,000 tracks", "more than 1,000 chunks", lambda: midi(*[track()] * 3000)),
    _read("strange chunks between", lambda: midi(track(*TUNE)) + chunk(b"data", kind=b"XFIH")),
    _read("rubbish at the end", lambda: SOUND + b"\x00\x01rubbish, and more of it"),
    _read("zeros between tracks", lambda: header(2) + track(*TUNE) + bytes(9) + track(*TUNE), 6),
    _mended("no track length", "wrong length of 1 track", lambda: midi(chunk(raw(*TUNE) + END, length=0))),
    _mended("a short track length", "wrong length of 1 track", lambda: midi(chunk(raw(*TUNE) + END, length=9))),
    _mended("a long track length", "wrong length of 1 track", lambda: midi(chunk(raw(*TUNE) + END, length=99))),
    _mended("a track of 4 GB", "wrong length of 1 track", lambda: midi(chunk(raw(*TUNE) + END, length=2**32 - 1))),
    _mended(
        "a long track before another", "wrong length of 1 track",
        lambda: midi(chunk(raw(*TUNE) + END, length=2**31), track(*TUNE)), 6,
    ),
    _mended("no end of track", "no end of track in 1 track", lambda: _then(b"")),
    _mended("more behind the end", "wrong length of 1 track", lambda: _then(END + raw(*TUNE))),
    # -- cut off
    _refused("cut off in the first event", "cut off 29 bytes", lambda: _cut(2)),
    _refused("cut off in the first note", "cut off 23 bytes", lambda: _cut(8)),
    _mended("cut off in the second note", "cut off 16 bytes", lambda: _cut(15), 1),
    _mended("cut off before the end of track", "cut off 4 bytes", lambda: _cut(27)),
    _mended("cut off in the end of track", "cut off 2 bytes", lambda: _cut(29)),
    _mended("cut off between tracks", "2 tracks announced, 1 found", lambda: header(2) + track(*TUNE)),
    _mended("cut off in a chunk's head", "2 tracks announced, 1 found", lambda: header(2) + track(*TUNE) + b"MTrk\x00"),
    # -- events that are none
    _refused("a data byte of 200 first", "left out", lambda: midi(track((0, bytes((0x90, 200, 64))), *TUNE))),
    _refused("a running status first", "left out", lambda: midi(chunk(b"\x00\x3c\x40" + raw(*TUNE) + END))),
    _refused("an unknown status first", "left out", lambda: _before((0, b"\xf1\x00"))),
    _refused("a system message of 256 MB first", "left out", lambda: _before((0, b"\xf0\xff\xff\xff\x7f"))),
    _refused("a text of 256 MB first", "left out", lambda: _before((0, b"\xff\x01\xff\xff\xff\x7f"))),
    _refused("a delta time of five bytes first", "left out", lambda: midi(chunk(b"\x80" * 4 + raw(*TUNE) + END))),
    _refused("a delta time of 200 KB first", "left out", lambda: midi(chunk(b"\x81" * 200_000 + raw(*TUNE) + END))),
    _refused(
        "a length of 200 KB first", "left out", lambda: midi(chunk(b"\x00\xf0" + b"\x81" * 200_000 + b"\x00" + END)),
    ),
    _mended(
        "a data byte of 200", "7 bytes of 1 damaged track", lambda: _then(raw((0, bytes((0x90, 200, 64)))) + END[1:]),
    ),
    _mended("a velocity of 200", "8 bytes of 1 damaged track", lambda: _then(raw((0, bytes((0x90, 60, 200)))) + END)),
    _mended("a program of 200", "7 bytes of 1 damaged track", lambda: _then(raw((0, bytes((0xC0, 200)))) + END)),
    _mended("a clock tick", "6 bytes of 1 damaged track", lambda: _then(b"\x00\xf8" + END)),
    _mended("a system message of 256 MB", "damaged track left out", lambda: _then(b"\x00\xf0\xff\xff\xff\x7f" + END)),
    _mended("a text of one byte too many", "6 bytes of 1 damaged track", lambda: _then(b"\x00\xff\x01\x03la")),
    _mended("a delta time of 200 KB", "200,004 bytes of 1", lambda: _then(b"\x81" * 200_000 + END)),
    _mended(
        "one damaged track of two", "2 bytes of 1 damaged track left out",
        lambda: midi(chunk(b"\x00\xf1"), track(*TUNE)),
    ),
    # -- values that mean nothing
    _refused("tempo 0", "tempo of 0 microseconds", lambda: _before((0, tempo(0)))),
    _mended("a tempo of two bytes", "tempo of 2 bytes left out", lambda: _before((0, meta(0x51, b"\x07\xa1")))),
    _mended("a tempo of 99 bytes", "tempo of 99 bytes left out", lambda: _before((0, meta(0x51, bytes(99))))),
    _mended("time signature 0/4", "time signature 0/4 left out", lambda: _before((0, metre(0, 2)))),
    _mended("time signature 4/512", "time signature 4/2^9 left out", lambda: _before((0, metre(4, 9)))),
    _mended("time signature 4/2^255", "time signature 4/2^255 left out", lambda: _before((0, metre(4, 255)))),
    _mended("a time signature of one byte", "of 1 byte left out", lambda: _before((0, meta(0x58, b"\x04")))),
    _mended("many time signatures of no value", "and 49 more", lambda: _before(*[(0, metre(0, 2))] * 50)),
    _read("a time signature of two bytes", lambda: _before((0, meta(0x58, b"\x03\x02")))),
    _read("time signature 255/128", lambda: _before((0, metre(255, 7)))),
    _read("key signature 127", lambda: _before((0, meta(0x59, b"\x7f\x7f")))),
    _read("an empty key signature", lambda: _before((0, meta(0x59, b"")))),
    # -- notes
    _mended("a note that never ends", "1 note never ended", lambda: _then(raw((0, on(70))) + END)),
    _mended(
        "128 notes that never end", "128 notes never ended",
        lambda: _then(raw(*((0, on(p)) for p in range(128))) + END),
    ),
    _mended("only notes that never end", "2 notes never ended", lambda: midi(track((0, on(60)), (9, on(61)))), 0),
    _read("notes that end and never began", lambda: _before(*((0, off(pitch)) for pitch in range(128)))),
    _read("no notes", lambda: midi(track()), 0),
    _read("a note of no length", lambda: midi(track((0, on()), (0, off()))), 1),
    _read(
        "notes on all channels",
        lambda: midi(track(*(e for c in range(16) for e in ((0, on(60, 64, c)), (9, off(60, c)))))), 16,
    ),
    _mended("17 tracks", "17 tracks: those beyond the 16th", lambda: midi(*[track(*TUNE)] * 17), 17 * NOTES),
    _read("controllers of every kind", lambda: _before(*((0, control(n, v)) for n in range(128) for v in (0, 127)))),
    _read(
        "bends and touches",
        lambda: _before((0, b"\xe0\x00\x7f"), (0, b"\xa0\x3c\x40"), (0, b"\xd0\x40"), (0, b"\x41")),
    ),
    # -- texts and system messages
    _read("a name in another code", lambda: _before((0, meta(3, "Flöte".encode("latin-1"))))),
    _read("a name of 100 KB", lambda: _before((0, meta(3, b"n" * 100_000)))),
    _read("a system message of 1 MB", lambda: _before((0, b"\xf0" + number(2**20) + bytes(2**20)))),
    _read("a system message without an end", lambda: _before((0, b"\xf0\x02\x01\x02"), (5, b"\xf7\x01\x01"))),
    _read(
        "a running status behind a text",
        lambda: midi(chunk(raw((0, on(60)), (0, meta(1, b"la")), (9, b"\x3c\x00")) + END)), 1,
    ),
    _refused("a pause of 77 hours", "lasts 77.7 hours", lambda: _then(raw((_LONGEST, on()), (1, off())) + END)),
    _refused("the slowest tempo", "hours", lambda: midi(track((0, tempo(2**24 - 1)), (0, on()), (700_000, off())))),
    _refused(
        "more ticks than 32 bits", "longer than 2,147,483,647", lambda: _then(raw(*[(_LONGEST, off())] * 9) + END),
    ),
    _read("a far end of track", lambda: midi(chunk(raw(*TUNE) + number(_LONGEST) + END[1:]))),
)  # fmt: skip
"""What is refused, mended, or read as if nothing were."""

BOMBS: tuple[Kind, ...] = (
    _read("tick 9,990,000", lambda: midi(track(*TUNE, (9_988_559, on()), (1, off()))), 4),
    _refused("a million tempi", "more than 50,000", lambda: _often((0, tempo(500_000)))),
    _refused("a million empty texts", "more than 50,000", lambda: _often((0, meta(5, b"")))),
    _refused("a million programs", "more than 50,000", lambda: _often((0, program(5)), (0, on()))),
    _refused("a million notes that never end", "a million events", lambda: _often((0, on()))),
    _refused("a million overlapping notes", "a million events", lambda: _overlapping(_MANY)),
    _refused("six million events", "a million events", lambda: _often((1, on()), (1, off()), times=3 * _MANY)),
    _refused("a million pressures", "a million events", lambda: _often((0, b"\xd0\x40"))),
    _refused("33 MB", "larger than 32 MB", lambda: _before((0, b"\xf0" + number(2**25) + bytes(2**25)))),
    _refused("30 MB of nothing", "a million events", lambda: _then(bytes(30 * 2**20))),
    _read("31 MB of a system message", lambda: _before((0, b"\xf0" + number(31 * 2**20) + bytes(31 * 2**20)))),
    _read("49,000 tempi", lambda: _before(*[(0, tempo(400_000 + n)) for n in range(49_000)])),
    _read("49,000 time signatures", lambda: _before(*[(0, metre(4, n % 3)) for n in range(49_000)])),
    _read("499,000 overlapping notes", lambda: _overlapping(499_000), 499_000),
    _read(
        "400,000 controllers before 16 programs",
        lambda: midi(chunk(raw((0, control(1, 5))) * 400_000 + raw(*_programs(range(16))) + END)), 16,
    ),
    _refused("5,000 instruments on 500 tracks", "more than 2,000 parts", lambda: _choirs(500, range(10))),
    _mended("1,900 instruments", "1900 tracks: those beyond the 16th", lambda: _choirs(19, range(100)), 1900),
    _read("900,000 pedal movements", lambda: _often((1, control(64, 127)), (1, control(64, 0)), times=450_000)),
)  # fmt: skip
"""Files that are large, or would like to become so."""
