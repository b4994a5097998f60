import gzip
import io
import itertools
import random
import tracemalloc
from collections.abc import Generator
from functools import partial
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.corpus.findings import Findings
from gen.corpus.readers import (
    BLOCK,
    FileDocument,
    NotText,
    Spool,
    TextDocument,
    file_chunks,
    inner_suffix,
    shown,
    whole_line_ends,
)
from gen.errors import CorpusError, StorageError

TEXT = "Größe und 日本, line after line.\n" * 3000
COMPRESS = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


def document(path: Path, *, encoding: str | None = None, keep_line_ends: bool = False) -> FileDocument:
    chunks = partial(file_chunks, str(path))
    return FileDocument(str(path), chunks, encoding=encoding, keep_line_ends=keep_line_ends, findings=Findings())


def text_of(path: Path) -> str:
    return "".join(document(path).blocks())


@given(text=st.text(alphabet="a\r\n"), cuts=st.lists(st.integers(0, 20)), keep=st.booleans())
@settings(derandomize=True, deadline=None)
def test_line_ends_are_the_same_however_a_text_is_cut(text: str, cuts: list[int], keep: bool) -> None:
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    blocks = list(whole_line_ends([text[a:b] for a, b in itertools.pairwise(places)], keep=keep))
    assert "".join(blocks) == (text if keep else text.replace("\r\n", "\n").replace("\r", "\n"))
    assert not any(a.endswith("\r") and b.startswith("\n") for a, b in itertools.pairwise(blocks))


def test_other_line_separators_are_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("a\u2028b\u2029c\x85d\x0be\x0cf\r\n".encode())
    assert text_of(path) == "a\u2028b\u2029c\x85d\x0be\x0cf\n"
    assert "".join(document(path, keep_line_ends=True).blocks()).endswith("f\r\n")


def test_a_large_file_comes_in_bounded_blocks_that_join_to_it(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = ("日本\r\n" * 100 + "é" * 99) * 4000
    path.write_text(text, "utf-8", newline="")
    read = document(path)
    assert "".join(read.blocks()) == "".join(read.blocks()) == text.replace("\r\n", "\n")
    assert max(map(len, read.blocks())) <= BLOCK


def test_what_is_text_already_comes_in_bounded_blocks_too() -> None:
    text = "ab\r\n" * BLOCK
    blocks = list(TextDocument("a:1", text, keep_line_ends=False).blocks())
    assert "".join(blocks) == "ab\n" * BLOCK
    assert max(map(len, blocks)) <= BLOCK


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_is_its_content(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a.txt{suffix.upper()}"
    parts = [TEXT[:1000], "", TEXT[1000:]]
    path.write_bytes(b"".join(COMPRESS[suffix](part.encode()) for part in parts) + bytes(600))  # as tape drives pad
    assert text_of(path) == TEXT


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_cut_anywhere_is_refused(tmp_path: Path, suffix: str) -> None:
    whole = COMPRESS[suffix](random.Random(1).randbytes(300).hex().encode())
    path = tmp_path / f"a{suffix}"
    for size in range(1, len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(CorpusError, match=r"a\.(gz|zst): its compressed data is damaged"):
            text_of(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_compressed_file_with_a_flipped_bit_is_refused_or_unharmed(tmp_path: Path, suffix: str) -> None:
    text = random.Random(1).randbytes(300).hex()
    compressor = zstandard.ZstdCompressor(write_checksum=True)
    whole = gzip.compress(text.encode()) if suffix == ".gz" else compressor.compress(text.encode())
    path = tmp_path / f"a{suffix}"
    for place in range(0, 8 * len(whole), 23):
        damaged = bytearray(whole)
        damaged[place // 8] ^= 1 << place % 8
        path.write_bytes(damaged)
        try:
            assert text_of(path) == text  # bits that say nothing about the content: names, dates
        except CorpusError as error:
            assert "a" + suffix in str(error)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_what_follows_a_compressed_stream_must_be_one(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(COMPRESS[suffix](b"text") + b"garbage that is no stream")
    with pytest.raises(CorpusError, match="damaged"):
        text_of(path)


@pytest.mark.parametrize("suffix", COMPRESS)
def test_a_bomb_takes_no_memory(tmp_path: Path, suffix: str) -> None:
    size = 200_000_000
    path = tmp_path / f"a{suffix}"
    if suffix == ".gz":
        one = gzip.compress(b"a" * (size // 20))
        path.write_bytes(one * 20)
    else:
        path.write_bytes(zstandard.ZstdCompressor(level=1).compress(b"a" * size))
    assert path.stat().st_size < size / 500
    read = document(path)
    tracemalloc.start()
    try:
        assert sum(map(len, read.blocks())) == size
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("path", "suffix"),
    [
        ("a.txt", ".txt"),
        ("a.CSV.gz", ".csv"),
        ("x/a.jsonl.zst", ".jsonl"),
        ("a.gz", ""),
        ("b.d/a", ""),
        ("a.tar.gz", ".tar"),
    ],
)
def test_the_suffix_within_that_of_compression_tells_the_format(path: str, suffix: str) -> None:
    assert inner_suffix(path) == suffix


@pytest.mark.parametrize("name", ["a.mid", "a.MIDI", "a.mid.gz"])
def test_midi_is_refused_in_the_users_words(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"MThd\0\0\0\6")
    with pytest.raises(NotText, match="MIDI, which is music"):
        document(path)


def test_midi_under_another_name_is_refused_too(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"MThd\0\0\0\6\0\1")
    with pytest.raises(NotText, match="MIDI, which is music"):
        document(path)


def test_a_file_that_fails_while_it_is_read_is_named(tmp_path: Path) -> None:
    def failing() -> Generator[bytes, None, None]:
        yield b"text"
        raise OSError(5, "Input/output error")

    read = FileDocument("a.txt", failing, encoding=None, keep_line_ends=False, findings=Findings())
    with pytest.raises(CorpusError, match=r"a\.txt: cannot be read \(Input/output error\)"):
        list(read.blocks())


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotText, match=r"a\.txt: cannot be read \(No such file"):
        document(tmp_path / "a.txt")


def test_a_spool_can_be_read_again_and_twice_at_once(tmp_path: Path) -> None:
    data = random.Random(1).randbytes(5 * BLOCK // 2)
    spool = Spool(io.BytesIO(data), tmp_path / "new" / "folder")
    pairs = list(zip(spool.chunks(), spool.chunks(), strict=True))
    assert b"".join(a for a, _ in pairs) == b"".join(b for _, b in pairs) == data
    assert len(pairs) == 3


def test_a_spool_needs_a_folder_that_can_be_written_to(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        Spool(io.BytesIO(b"text"), tmp_path / "file" / "folder")


@pytest.mark.parametrize(
    ("name", "printed"),
    [
        ("Größe 日本.txt", "Größe 日本.txt"),
        ("a\x1b[31m.txt", r"'a\x1b[31m.txt'"),
        ("a\nb", r"'a\nb'"),
        ("a\u202eb", r"'a\u202eb'"),
        ("a\udcffb", r"'a\udcffb'"),
    ],
)
def test_names_never_reach_a_terminal_raw(name: str, printed: str) -> None:
    assert shown(name) == printed
