"""Bytes to text: which encoding a file is in, and decoding it piece by piece without ever guessing in silence.

UTF-8 is tried first and believed. Only bytes that cannot be UTF-8 make a file legacy: then its evidence is weighed
over the whole file, and the encoding is chosen from a bounded sample.
"""

import codecs
import difflib
import encodings.aliases
import itertools
import re
from collections.abc import Callable, Generator, Iterable, Iterator, MutableMapping

from gen.errors import ConfigError, CorpusError

Chunks = Callable[[], Generator[bytes, None, None]]
"""Opens a file and yields its bytes; may be called again."""

_MARKS = (
    (b"\xff\xfe\x00\x00", "utf-32-le"),  # ahead of UTF-16, whose mark it begins with
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
    (b"\xef\xbb\xbf", "utf-8"),
)
_UNMARKED = {"utf-8-sig": "utf-8", "utf-16": "utf-16-le", "utf-32": "utf-32-le"}  # on every platform
_NOT_FOR_FILES = {"idna", "punycode", "raw-unicode-escape", "undefined", "unicode-escape", "utf-7"}

_SIGNATURES = (
    (0, b"MThd\x00\x00\x00\x06", "MIDI, which is music"),
    (0, b"%PDF-", "a PDF document: save it as text first"),
    (0, b"PK\x03\x04", "a zip archive, or an office document or e-book made as one: unpack it, or save it as text"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an office document: save it as text first"),
    (0, b"\x1f\x8b\x08", "gzip data: decompress it, or give it the suffix .gz"),
    (0, b"\x28\xb5\x2f\xfd", "Zstandard data: decompress it, or give it the suffix .zst"),
    (0, b"\xfd7zXZ\x00", "xz data: decompress it first"),
    (0, b"7z\xbc\xaf\x27\x1c", "a 7z archive: unpack it first"),
    (257, b"ustar", "a tar archive: unpack it first"),
    (0, b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (0, b"\xff\xd8\xff", "a JPEG image"),
    (0, b"\x7fELF", "a program"),
    (0, b"SQLite format 3\x00", "an SQLite database"),
)
_BINARY_BYTES = bytes({*range(8), *range(0x0E, 0x1B), *range(0x1C, 0x20), 0x7F})  # no text has many of them
_BINARY_SHARE = 0.05
_BINARY = "binary data; if it is text after all, name its --encoding"

_SAMPLE = 1 << 14  # bytes that a legacy encoding is chosen from
_WINDOW = 1 << 10  # at most so many of them from one place
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")
_LATIN = ("cp1252", "latin-1", "cp1250", "iso8859-2", "cp1254", "cp1257", "cp850", "mac-roman")
_OTHER = ("cp1251", "koi8-r", "cp866", "iso8859-5", "cp1253", "iso8859-7", "cp1255", "cp1256", "cp874")
_EAST_ASIAN = ("cp932", "euc_jp", "gb18030", "big5", "cp949")
_TYPOGRAPHY = set("“”„‘’‚‹›«»–—…•·°§€£©®™¿¡ºª\u00a0\u00ad")  # noqa: RUF001  (meant)
_ALPHABETS = [  # the letters beyond a-z that a language writes with
    set(letters + letters.upper())
    for letters in (
        "àâæçèéêëîïôœùûüÿ",  # French
        "äöüß",  # German
        "áéíñóúü",  # Spanish
        "àáâãçéêíóôõú",  # Portuguese
        "àèéìîòù",  # Italian
        "åäöéü",  # Swedish, Finnish
        "æøåéòô",  # Danish, Norwegian
        "áðéíóúýþæö",  # Icelandic
        "äëïöüéèêó",  # Dutch
        "äöõüšž",  # Estonian
        "ąćęłńóśźż",  # Polish
        "áčďéěíňóřšťúůýž",  # Czech
        "áäčďéíĺľňóôŕšťúýž",  # Slovak
        "áéíóöőúüű",  # Hungarian
        "ăâîşţ",  # Romanian
        "čćđšž",  # Croatian, Slovene
        "çğıİöşüâîû",  # Turkish
        "ąčęėįšųūž",  # Lithuanian
        "āčēģīķļņšūž",  # Latvian
    )
]


class _Undecodable(Exception):
    """Bytes that an encoding has no text for; caught in this module.

    Args:
        offset: where in the file the first of them stands.
        byte: its value.
        rest: the bytes read and not decoded.
        rest_offset: where in the file they begin.
    """

    def __init__(self, offset: int, byte: int, rest: bytes, rest_offset: int) -> None:
        super().__init__(f"byte {offset:,} (0x{byte:02x})")
        self.rest = rest
        self.rest_offset = rest_offset


def check_encoding(name: str) -> str:
    """The codec's own name for the encoding `name`.

    Raises:
        ConfigError: there is no such text encoding; the message lists names like it.
    """
    try:
        codec = codecs.lookup(name).name
        b"\0\0\0\0".decode(codec)  # refuses what turns bytes into bytes
        if codec not in _NOT_FOR_FILES:
            return codec
    except (LookupError, ValueError):
        pass
    known = {known.replace("_", "-") for pair in encodings.aliases.aliases.items() for known in pair}
    close = difflib.get_close_matches(name.lower().replace("_", "-"), sorted(known), n=3)
    hint = f"did you mean {' or '.join(close)}?" if close else "for example utf-8, utf-16, cp1252, latin-1, shift-jis"
    raise ConfigError(f"encoding {name!r} is not known: {hint}")


def binary_kind(head: bytes, *, encoded: bool) -> str | None:
    """What a file is, judged by its first bytes, if it is clearly not text.

    Args:
        head: the first bytes, some ten thousand or all of them.
        encoded: its encoding is settled, so NUL and other bytes may be halves of characters.
    """
    for offset, signature, kind in _SIGNATURES:
        if head.startswith(signature, offset):
            return kind
    if encoded or not head:
        return None
    text = len(head.translate(None, _BINARY_BYTES))
    return _BINARY if len(head) - text > _BINARY_SHARE * len(head) else None


def settle(head: bytes, given: str | None) -> tuple[str | None, int]:
    """The codec that the first bytes or the user settle, and how many bytes its byte order mark takes.

    The codec is None where the file may be UTF-8 or legacy, which only the whole of it can tell.
    """
    codec = codecs.lookup(given).name if given else None
    for mark, marked in _MARKS:
        if head.startswith(mark) and (codec is None or codec.split("-")[:2] == marked.split("-")[:2]):
            return marked, len(mark)
    if codec is not None:
        return _UNMARKED.get(codec, codec), 0
    return _unmarked_utf16(head), 0


def _unmarked_utf16(head: bytes) -> str | None:
    """UTF-16 without a mark, where it is clear: one byte of most pairs is NUL, always on the same side."""
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if not head or max(even, odd) * 4 < len(head) or min(even, odd) * 100 > len(head):
        return None
    codec = "utf-16-be" if even > odd else "utf-16-le"
    try:
        codecs.getincrementaldecoder(codec)().decode(head)
    except UnicodeDecodeError:
        return None
    return codec


def decode(
    chunks: Chunks, codec: str | None, mark: int, name: str, detected: MutableMapping[str, str]
) -> Iterator[str]:
    """The text of a file, a piece for each chunk of bytes.

    Args:
        chunks: opens the file.
        codec: from `settle`.
        mark: bytes of the byte order mark.
        name: how messages call the file.
        detected: remembers, by name, the encoding that a legacy file was found to have.

    Raises:
        CorpusError: bytes that the encoding has no text for; the message says where.
    """
    codec = codec or detected.get(name)
    if codec is None:
        yield from _utf8_or_legacy(chunks, name, detected)
        return
    stream = chunks()
    yield from _settled(_without(stream, mark), codec, mark, name)


def _utf8_or_legacy(chunks: Chunks, name: str, detected: MutableMapping[str, str]) -> Iterator[str]:
    stream = chunks()
    only_ascii = True
    try:
        for text in _strict(stream, "utf-8", 0):
            only_ascii = only_ascii and text.isascii()
            yield text
        return
    except _Undecodable as error:
        broken = error
    codec = _legacy_codec(chunks()) if only_ascii else None  # what was yielded stands: it was UTF-8, or ASCII in both
    if codec is None:
        raise CorpusError(
            f"{name}: {broken} is not UTF-8, though other characters of it are: "
            "repair it, or say how to read it: --encoding cp1252, --encoding latin-1 …"
        )
    detected[name] = codec
    yield from _settled(itertools.chain([broken.rest], stream), codec, broken.rest_offset, name)


def _settled(chunks: Iterable[bytes], codec: str, offset: int, name: str) -> Iterator[str]:
    try:
        yield from _strict(chunks, codec, offset)
    except _Undecodable as broken:
        raise CorpusError(
            f"{name}: {broken} cannot be read as {codec}: give the right --encoding, or latin-1, which takes every byte"
        ) from None


def _strict(chunks: Iterable[bytes], codec: str, offset: int) -> Iterator[str]:
    """Decode chunks, the first of which stands at `offset` of its file (`_Undecodable` says where that fails)."""
    decoder = codecs.getincrementaldecoder(codec)()
    for chunk in itertools.chain(chunks, [b""]):  # the empty one ends the file
        held = decoder.getstate()[0]
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            rest, start = held + chunk, offset - len(held)
            raise _Undecodable(start + error.start, rest[error.start], rest, start) from None
        offset += len(chunk)
        if text:
            yield text


def _without(chunks: Iterator[bytes], mark: int) -> Iterator[bytes]:
    first = next(chunks, b"")[mark:]
    return itertools.chain([first] if first else [], chunks)


def _legacy_codec(chunks: Iterator[bytes]) -> str | None:
    """The legacy encoding of a file, None where half or more of what is not ASCII in it is sound UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    sound = broken = 0
    sample = bytearray()
    for chunk in itertools.chain(chunks, [b""]):
        text = decoder.decode(chunk, final=not chunk)
        if not text.isascii():
            decodable = text.encode("utf-8", "ignore").decode()
            broken += len(text) - len(decodable)
            sound += len(decodable) - len(decodable.encode("ascii", "ignore"))
        if len(sample) < _SAMPLE:
            sample += _telling(chunk, _SAMPLE - len(sample))
    return None if sound >= broken else choose_legacy(bytes(sample))


def _telling(chunk: bytes, size: int) -> bytes:
    """About `size` bytes from around those beyond ASCII, cut where no encoding has the middle of a character."""
    pieces: list[bytes] = []
    end = 0
    while size > 0 and (found := _BEYOND_ASCII.search(chunk, end)):
        line = chunk.rfind(b"\n", max(end, found.start() - _WINDOW), found.start())
        start = found.start() if line < 0 else line + 1
        window = chunk[start : start + _WINDOW]
        if start + _WINDOW < len(chunk):
            ascii_end = max(window.rfind(byte) for byte in (b"\n", b" ", b",", b".")) + 1
            window = window[: ascii_end or None]
        pieces.append(window)
        end = start + len(window)
        size -= len(window)
    return b"".join(pieces)


def choose_legacy(sample: bytes) -> str:
    """The likeliest encoding of bytes that are not UTF-8.

    Latin scripts scatter single letters beyond ASCII among ASCII ones; there the alphabets of languages decide, and
    cp1252 where they do not. Other scripts write whole words of them; there a statistical detector decides.
    """
    beyond = len(_BEYOND_ASCII.findall(sample))
    beside_another = sum(len(run) for run in re.findall(rb"[\x80-\xff]{2,}", sample))
    if beside_another * 2 >= beyond:
        from charset_normalizer import from_bytes  # slow to import, and seldom needed

        candidates = [*_OTHER, *_EAST_ASIAN, *_LATIN]
        best = from_bytes(sample, cp_isolation=candidates, enable_fallback=False).best()
        codec = codecs.lookup(best.encoding).name if best else "cp1252"
        if codec not in {codecs.lookup(latin).name for latin in _LATIN}:
            return codec
    scores = {codec: score for codec in _LATIN if (score := _latin_score(sample, codec)) is not None}
    scores["cp1252"] = scores.get("cp1252", -1.0) + 0.05  # by far the commonest: the others must be clearly better
    return max(scores, key=lambda codec: scores[codec])


def _latin_score(sample: bytes, codec: str) -> float | None:
    """The largest share of the decoded letters beyond ASCII that one alphabet holds, None if it cannot be decoded."""
    try:
        text = sample.decode(codec)
    except UnicodeDecodeError:
        return None
    letters = [character for character in text if character > "\x7f" and character not in _TYPOGRAPHY]
    if not letters:
        return 1.0
    return max(sum(letter in alphabet for letter in letters) for alphabet in _ALPHABETS) / len(letters)
