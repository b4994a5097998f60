# ruff: noqa: RUF001  (many scripts have letters that look alike)
import gzip
import json
import os
import shutil
import subprocess
import sys
import tempfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

import gen
from gen.corpus import catalog, embedded
from gen.corpus.documents import ReadingOptions, find_documents
from gen.corpus.token_corpus import MINIMUM, TokenCorpus
from gen.errors import CorpusError, GenError, StorageError, TokenizerError
from gen.progress import ReadingText
from gen.tokenizers import CharTokenizer

SCRIPTS = {
    "Latin": "Zażółć gęślą jaźń – “naïve” Größe, ﬁn. ",
    "Greek": "Ὅταν ὁ ἥλιος δύει, ἡ θάλασσα γίνεται χρυσή. ",
    "Cyrillic": "Все счастливые семьи похожи друг на друга; їжак. ",
    "Hebrew": "בְּרֵאשִׁית בָּרָא אֱלֹהִים \u202bאת השמים\u202c. ",
    "Arabic": "كَانَ يَا مَا كَانَ فِي قَدِيمِ الزَّمَان\u200f. ",
    "Devanagari": "सभी मनुष्यों को गौरव और अधिकारों के मामले में\u200d। ",
    "Thai": "กาลครั้งหนึ่งนานมาแล้ว ",
    "Han and Kana": "吾輩は猫である。名前はまだ無い。𠮷野家　",
    "Hangul": "나는 오늘 아침에 일찍 일어나서 각 ",
    "Emoji": "👩‍👩‍👧‍👦 🏳️‍🌈 🎼 é e\u0301 \U0010ffff\ufeff\u2028 ",
}


def text_of(corpus: TokenCorpus) -> str:
    """The text of a corpus of one document, from its ids."""
    parts = (corpus.train, corpus.validation)
    return "".join(decoded(corpus, part.read(0, part.size)) for part in parts)


def decoded(corpus: TokenCorpus, ids: NDArray[np.integer[Any]]) -> str:
    text = corpus.tokenizer.decode(ids)
    assert isinstance(text, str)
    return text


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_a_text_is_split_where_the_field_splits_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", ("To be, or not to be.\n" * 60_000)[:1_115_394])
    corpus = gen.TokenCorpus.open(path)
    assert (corpus.train.size, corpus.validation.size) == (1_003_854, 111_540)
    assert (corpus.train.extent.units, corpus.validation.extent.units) == (1_003_854, 111_540)
    assert corpus.train.ids.dtype == np.uint8
    assert corpus.tokenizer.boundary is None
    assert corpus.notices == ()


def test_ten_scripts_come_back_as_they_were(tmp_path: Path) -> None:
    text = "".join(SCRIPTS.values()) * 3
    for encoding in ("utf-8", "utf-8-sig", "utf-16", "utf-32"):
        corpus = TokenCorpus.open(write(tmp_path / "a.txt", text.encode(encoding)))
        assert text_of(corpus) == text
    (tmp_path / "folder").mkdir()
    for name, script in SCRIPTS.items():
        write(tmp_path / "folder" / f"{name}.txt", script * 9)
    folder = TokenCorpus.open(tmp_path / "folder")
    ids = folder.train.ids
    texts = [
        decoded(folder, ids[begin:end]) for part in (folder.train, folder.validation) for begin, end in part.extents
    ]
    assert folder.provenance["documents"] == len(SCRIPTS)
    if folder.provenance["split"] == "hash":
        assert sorted(texts) == sorted(script * 9 for script in SCRIPTS.values())
    else:
        heads, tails = texts[: len(SCRIPTS)], texts[len(SCRIPTS) :]
        assert sorted(a + b for a, b in zip(heads, tails, strict=True)) == sorted(s * 9 for s in SCRIPTS.values())


def test_documents_stand_apart(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(40):
        write(folder / f"{number}.txt", f"document {number} " * (number % 3 + 1))
    write(folder / "empty.txt", "")
    corpus = TokenCorpus.open(folder)
    assert corpus.tokenizer.boundary == 0
    extents = np.concatenate([corpus.train.extents, corpus.validation.extents])
    assert corpus.provenance["documents"] == 40
    assert np.count_nonzero(corpus.train.ids == 0) == 40
    if corpus.provenance["split"] == "hash":
        assert (corpus.train.ids[extents[:, 0]] == 0).all()
    assert corpus.train.size + corpus.validation.size == len(corpus.train.ids)
    assert corpus.train.extent.units + corpus.validation.extent.units == corpus.provenance["characters"]


def test_adding_a_file_moves_no_other_to_the_other_side(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for number in range(100):
        write(folder / f"{number}.txt", f"This is document {number:03}.")

    def held_out() -> set[str]:
        corpus = TokenCorpus.open(folder)
        assert corpus.provenance["split"] == "hash"
        part = corpus.validation
        return {decoded(corpus, part.ids[begin:end]) for begin, end in part.extents}

    before = held_out()
    write(folder / "050b.txt", "This is document one of another kind.")
    assert held_out() - before <= {"This is document one of another kind."}
    assert before <= held_out()


def test_provenance_says_what_it_is_and_nothing_of_when(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "Größe\r\n" * 50)
    before = TokenCorpus.open([path], options=ReadingOptions(column="body"))
    os.utime(path, (1, 1))
    shutil.rmtree(tmp_path / "cache")
    after = TokenCorpus.open(str(path), options=ReadingOptions(column="body"))
    assert before.provenance == after.provenance == json.loads(json.dumps(after.provenance))
    assert before.provenance == {
        "sources": [str(path)],
        "medium": "text",
        "options": {
            "encoding": None,
            "keep_line_ends": False,
            "column": "body",
            "medium": None,
            "clock": None,
            "strict": False,
        },
        "checksum": before.provenance["checksum"],
        "documents": 1,
        "characters": 300,
        "bytes": 400,
        "split": "tail",
        "train_tokens": 270,
        "validation_tokens": 30,
    }


def test_a_corpus_of_the_catalogue_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "describe", lambda name: {"name": name, "licence": "free"})
    monkeypatch.setattr(catalog, "open_corpus", lambda _: embedded.documents(3000))
    corpus = TokenCorpus.open("@some", options=ReadingOptions(medium="text"))
    assert corpus.provenance["sources"] == ["@some"]
    assert corpus.provenance["catalog"] == {"@some": {"name": "@some", "licence": "free"}}


def test_a_changed_file_is_noticed(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "abcd" * 100)
    before = TokenCorpus.open(path)
    status = path.stat()
    write(path, "abdc" * 100)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    after = TokenCorpus.open(path)
    assert after.provenance["checksum"] != before.provenance["checksum"]
    assert text_of(after) == "abdc" * 100
    assert text_of(before) == "abcd" * 100  # what is mapped stays as it was


@pytest.mark.parametrize("suffix", ["", ".gz"])
def test_progress_is_told_as_text_is_read(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "texts").mkdir()
    texts = ["To be, or not to be.\n" * 150_000, "naïve\r\n" * 2000]
    for number, text in enumerate(texts):
        data = text.encode()
        write(tmp_path / "texts" / f"{number}.txt{suffix}", gzip.compress(data) if suffix else data)
    events = list(TokenCorpus.opening(tmp_path / "texts"))
    assert all(isinstance(event, ReadingText) for event in events)
    told = [(event.phase, event.done, event.total) for event in events if isinstance(event, ReadingText)]
    on_disk = sum(path.stat().st_size for path in (tmp_path / "texts").iterdir())
    as_text = sum(len(text.replace("\r", "").encode()) for text in texts)
    assert {(phase, total) for phase, _, total in told} == {("reading", on_disk), ("tokenising", as_text)}
    for phase, total in (("reading", on_disk), ("tokenising", as_text)):
        done = [d for p, d, _ in told if p == phase]
        assert done == sorted(done) and len(done) > 2 and done[-1] == total
    assert [event.phase for event in TokenCorpus.opening(tmp_path / "texts") if isinstance(event, ReadingText)] == [
        phase for phase, _, _ in told if phase == "reading"
    ]


def test_progress_without_files_is_told_without_a_total(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "open_corpus", lambda _: embedded.documents(3000))
    first = next(iter(TokenCorpus.opening("@some", options=ReadingOptions(medium="text"))))
    assert isinstance(first, ReadingText)
    assert first.done >= 3000 and first.total is None


def test_options_reach_the_text(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", ("id,body\r\n" + '1,"привет\r\n"\r\n' * 50).encode("cp1251"))
    options = ReadingOptions(encoding="cp1251", keep_line_ends=True, column="body")
    corpus = TokenCorpus.open(path, options=options)
    assert set(corpus.tokenizer.vocabulary) == {"<|document|>", *"привет\r\n"}
    assert corpus.provenance["documents"] == 50


def test_a_tokenizer_given_is_used_and_must_know_every_character(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "abc" * 100)
    tokenizer = CharTokenizer("abcdef", boundary=True)
    corpus = TokenCorpus.open(path, tokenizer=tokenizer)
    assert corpus.tokenizer is tokenizer
    assert corpus.train.read(0, 4).tolist() == [0, 1, 2, 3]
    assert corpus.provenance["train_tokens"] == int(301 * 0.9)
    with pytest.raises(TokenizerError, match=r"a\.txt: 1 characters? that the model never saw: 'c'"):
        TokenCorpus.open(path, tokenizer=CharTokenizer("ab"))


@pytest.mark.parametrize("content", ["", "a", "a" * (MINIMUM - 1), "ü" * (MINIMUM - 1)])
def test_too_little_text_is_refused_with_the_minimum(tmp_path: Path, content: str) -> None:
    path = write(tmp_path / "a\x1b.txt", content)
    with pytest.raises(CorpusError, match=rf"a\\x1b\.txt': {len(content)} characters of text; {MINIMUM} are needed"):
        TokenCorpus.open(path)


def test_just_enough_of_one_symbol_is_a_corpus(tmp_path: Path) -> None:
    corpus = TokenCorpus.open(write(tmp_path / "a.txt", "a" * MINIMUM))
    assert len(corpus.tokenizer.vocabulary) == 1
    assert (corpus.train.size, corpus.validation.size) == (180, 20)


@pytest.mark.parametrize("rows", [["a"] * 300, ["a", "b" * 299], ["ab\n"] * 70, [str(n) for n in range(300)]])
def test_odd_corpora_leave_something_on_both_sides(tmp_path: Path, rows: list[str]) -> None:
    path = write(tmp_path / "a.jsonl", "\n".join(json.dumps({"text": row}) for row in rows))
    corpus = TokenCorpus.open(path)
    assert corpus.provenance["documents"] == len(rows)
    assert corpus.validation.size >= MINIMUM * 0.02
    assert corpus.train.extent.units > corpus.validation.extent.units > 0


def test_notices_tell_of_encodings_controls_and_what_was_left_out(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    write(folder / "a.txt", ("naïve\0 text, quite a lot of it\n" * 20).encode("cp1252"))
    write(folder / "b.mid", "MThd")
    options = ReadingOptions(medium="text")
    encoding, left_out, controls = TokenCorpus.open(folder, options=options).notices
    assert "a.txt: read as cp1252" in encoding
    assert "1 file left out" in left_out
    assert controls == "control characters in the text: 20 x U+0000"
    assert TokenCorpus.open(folder, options=options).notices == (encoding, left_out, controls)


def test_a_cache_that_cannot_be_written_to_is_an_error_in_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEN_CACHE", str(write(tmp_path / "file", "")))
    with pytest.raises(StorageError, match="cannot write"):
        TokenCorpus.open(write(tmp_path / "a.txt", "a" * 300))


def test_reading_plain_text_loads_nothing_that_it_does_not_need(tmp_path: Path) -> None:
    script = (
        "import sys; from gen.corpus.token_corpus import TokenCorpus; TokenCorpus.open(sys.argv[1])\n"
        "print({'torch', 'charset_normalizer', 'zstandard', 'urllib.request'} & set(sys.modules))"
    )
    path = write(tmp_path / "a.txt", "Größe " * 100)
    run = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"


def test_memory_does_not_grow_with_the_corpus(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "To be, or not to be, that is.\n" * 1_500_000)
    tracemalloc.start()
    try:
        corpus = TokenCorpus.open(path)
        assert corpus.validation.extent.units == 4_500_000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < path.stat().st_size * 0.8


def test_one_endless_line_is_a_corpus(tmp_path: Path) -> None:
    corpus = TokenCorpus.open(write(tmp_path / "a.txt", "to be or not " * (50_000_000 // 13)))
    assert corpus.tokenizer.vocabulary.symbol(0) == "<|document|>", "so large a corpus is read in subwords"
    assert corpus.train.extent.units + corpus.validation.extent.units == 50_000_000 // 13 * 13


@pytest.mark.slow
@pytest.mark.parametrize("tokens", ["char", "word:1000"])
def test_training_on_a_gigabyte_takes_no_more_memory_than_on_a_megabyte(tmp_path: Path, tokens: str) -> None:
    script = (
        "import sys; from pathlib import Path; from gen.corpus.token_corpus import TokenCorpus\n"
        "from gen.corpus.documents import ReadingOptions; from gen.training.trainer import Trainer\n"
        "import threading, time; peak = 0\n"
        "def anonymous(): return int(Path('/proc/self/status').read_text().split('RssAnon:')[1].split()[0])\n"
        "def watch():\n"
        "    global peak\n"
        "    while True: peak = max(peak, anonymous()); time.sleep(0.01)\n"
        "threading.Thread(target=watch, daemon=True).start()\n"
        "corpus = TokenCorpus.open(sys.argv[1], options=ReadingOptions(tokens=sys.argv[2]))\n"
        "for _ in Trainer.start(corpus, steps=2, hidden=16, layers=1, threads=1).run(): pass\n"
        "print(peak)"
    )
    peaks = []
    for size in (1_000_000, 1_000_000_000 if tokens == "char" else 200_000_000):
        path = tmp_path / f"{size}.txt"
        lines = "".join(f"To be, or not to be, that {'is' * (number % 3)} {number}\n" for number in range(30_000))
        with open(path, "w", encoding="utf-8") as file:
            while file.tell() < size:
                file.write(lines)
        run = subprocess.run([sys.executable, "-c", script, path, tokens], capture_output=True, text=True, check=True)
        peaks.append(int(run.stdout))
    assert peaks[1] - peaks[0] < 200_000  # kB


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-32", "cp1252", "latin-1", "cp1251", "cp932", "gb18030"]
FRAGMENTS = [
    "some words ",
    "a",
    "\r",
    "\n",
    '"',
    ",",
    "naïve ",
    "еж ",
    "日本",
    "🎼",
    "\0",
    "\x1b[1m",
    "\u2028",
    '{"text": "x"}\n',
]


@st.composite
def contents(draw: st.DrawFn) -> bytes:
    """Bytes of a file: anything at all, or a text in one encoding or two, perhaps with a flaw."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.binary()) * draw(st.sampled_from([1, 300]))
    pieces = []
    for _ in range(draw(st.sampled_from([1, 1, 1, 2]))):
        text = "".join(draw(st.lists(st.one_of(st.sampled_from(FRAGMENTS), st.text(max_size=5)), min_size=1)))
        pieces.append((text * 300).encode(draw(st.sampled_from(ENCODINGS)), "ignore"))
    data = b"".join(pieces)
    if draw(st.booleans()):
        return data
    place = draw(st.integers(0, len(data)))
    return data[:place] + draw(st.binary(max_size=3)) + data[place:]


PACKED: dict[str, Callable[[bytes], bytes]] = {
    ".txt": bytes,
    ".csv": bytes,
    ".jsonl": bytes,
    ".gz": bytes,
    ".txt.gz": gzip.compress,
    ".txt.zst": zstandard.ZstdCompressor().compress,
}


def opens_losslessly_or_refuses(data: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder) / f"a{suffix}", PACKED[suffix](data))
        try:
            corpus = TokenCorpus.open(path, cache=Path(folder) / "cache")
        except GenError as error:
            assert str(path) in str(error)
            return
        expected = ["".join(document.blocks()) for document in find_documents([path])]
        assert corpus.tokenizer.decode(corpus.train.ids) == "".join(expected)
        assert corpus.train.size + corpus.validation.size == len(corpus.train.ids)
        if suffix.startswith(".txt") and not any("read as" in notice for notice in corpus.notices):
            text = data.decode("utf-8-sig")
            assert expected == [text.replace("\r\n", "\n").replace("\r", "\n")]


@given(data=contents(), suffix=st.sampled_from(list(PACKED)))
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_bytes_are_a_corpus_or_an_error_in_words(data: bytes, suffix: str) -> None:
    opens_losslessly_or_refuses(data, suffix)


@pytest.mark.slow
@given(data=contents(), suffix=st.sampled_from(list(PACKED)))
@settings(derandomize=True, deadline=None, max_examples=10_000)
def test_ten_thousand_times_any_bytes(data: bytes, suffix: str) -> None:
    opens_losslessly_or_refuses(data, suffix)
