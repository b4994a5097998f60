import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from numpy.typing import NDArray

from gen.corpus import id_cache, units
from gen.corpus.id_cache import caching_ids
from gen.corpus.survey import Survey, survey
from gen.corpus.tokenising import Tokenising
from gen.errors import CorpusError, StorageError, TokenizerError
from gen.progress import result_of
from gen.storage import FolderLock
from gen.tokenizers import ByteTokenizer, CharTokenizer, TextTokenizer
from gen.tokenizers.fitting import Tokens, fit_text

TEXTS = ["naïve\n", "日本語" * 30, "plain"]


@dataclass
class Text:
    name: str
    text: str
    reads: list[str] = field(default_factory=list)

    def blocks(self) -> Iterator[str]:
        self.reads.append(self.name)
        for start in range(0, len(self.text), 4):
            yield self.text[start : start + 4]


def documents(texts: list[str]) -> list[Text]:
    return [Text(f"document {number}", text) for number, text in enumerate(texts)]


def cached_ids(
    folder: Path, documents: list[Text], found: Survey, tokenizer: TextTokenizer, workers: int | None = None
) -> NDArray[np.integer[Any]]:
    return result_of(caching_ids(folder, documents, found, tokenizer, workers=workers)).ids


def ids_of(
    folder: Path, texts: list[str], tokenizer: TextTokenizer, workers: int | None = None
) -> NDArray[np.integer[Any]]:
    return cached_ids(folder, documents(texts), survey(documents(texts)), tokenizer, workers)


def entry(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("boundary", [True, False])
@pytest.mark.parametrize("batch", [3, 10, 1 << 20])
def test_ids_stand_for_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boundary: bool, batch: int) -> None:
    monkeypatch.setattr(units, "UNIT", batch)
    tokenizer = CharTokenizer.fit(TEXTS, boundary=boundary)
    expected = [np.concatenate([[0] if boundary else [], tokenizer.encode(text)]) for text in TEXTS]
    ids = ids_of(tmp_path, TEXTS, tokenizer)
    assert ids.tolist() == np.concatenate(expected).tolist()
    assert ids.dtype == np.uint8
    assert isinstance(ids.base, np.memmap)


def test_more_symbols_take_a_larger_dtype(tmp_path: Path) -> None:
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 300)))
    ids = ids_of(tmp_path, [text], CharTokenizer.fit([text]))
    assert ids.dtype == np.uint16
    assert ids.tolist() == list(range(300))


def test_the_same_text_is_written_once(tmp_path: Path) -> None:
    tokenizer = CharTokenizer.fit(TEXTS)
    found = survey(documents(TEXTS))
    fresh = cached_ids(tmp_path, documents(TEXTS), found, tokenizer)
    again = documents(TEXTS)
    assert cached_ids(tmp_path, again, found, tokenizer).tolist() == fresh.tolist()
    assert not any(document.reads for document in again)


def test_another_text_or_tokenizer_has_ids_of_its_own(tmp_path: Path) -> None:
    ids_of(tmp_path, ["ab"], CharTokenizer("ab"))
    assert ids_of(tmp_path, ["ba"], CharTokenizer("ab")).tolist() == [1, 0]
    assert ids_of(tmp_path, ["ab"], CharTokenizer("xab")).tolist() == [1, 2]
    assert ids_of(tmp_path, ["ab"], CharTokenizer("ab", boundary=True)).tolist() == [0, 1, 2]
    assert len(list(tmp_path.iterdir())) == 4


@pytest.mark.parametrize("damage", ["flip", "cut", "extend", "no journal", "bad journal", "no ids"])
def test_what_is_not_intact_is_made_again(tmp_path: Path, damage: str) -> None:
    tokenizer = CharTokenizer.fit(TEXTS)
    fresh = ids_of(tmp_path, TEXTS, tokenizer).tolist()
    path = entry(tmp_path)
    ids, journal = path / "ids.bin", path / "units.txt"
    data = ids.read_bytes()
    match damage:
        case "flip":
            ids.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        case "cut":
            ids.write_bytes(data[:-1])
        case "extend":
            ids.write_bytes(data + b"\0")
        case "no journal":
            journal.unlink()
        case "bad journal":
            journal.write_bytes(b"\xff")
        case "no ids":
            ids.unlink()
    assert ids_of(tmp_path, TEXTS, tokenizer).tolist() == fresh
    assert (entry(tmp_path) / "ids.bin").read_bytes() == data


def test_a_corpus_that_changes_while_it_is_read_is_an_error(tmp_path: Path) -> None:
    found = survey(documents(["abab"]))
    with pytest.raises(CorpusError, match="changed while it was being read"):
        cached_ids(tmp_path, documents(["baba"]), found, CharTokenizer("ab"))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("batch", [1, 1 << 20])
def test_characters_that_a_tokenizer_lacks_name_their_document(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(units, "UNIT", batch)
    with pytest.raises(TokenizerError, match=r"document 1: 1 characters? .*'c' \(U\+0063\)"):
        ids_of(tmp_path, ["ab", "acb", "d"], CharTokenizer("ab"))
    assert not list(tmp_path.iterdir())


def test_what_killed_writers_left_goes_when_it_is_old(tmp_path: Path) -> None:
    for name in (".old.1-a.partial", ".new.1-b.partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ids.bin").write_bytes(b"abc")
    long_ago = time.time() - 100_000
    os.utime(tmp_path / ".old.1-a.partial" / "ids.bin", (long_ago, long_ago))
    os.utime(tmp_path / ".old.1-a.partial", (long_ago, long_ago))
    ids_of(tmp_path, TEXTS, CharTokenizer.fit(TEXTS))
    assert not (tmp_path / ".old.1-a.partial").exists()
    assert (tmp_path / ".new.1-b.partial").exists()


def test_a_folder_that_cannot_be_written_to_is_said_in_a_line(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file", "utf-8")
    with pytest.raises(StorageError, match=r"cannot write .*: choose another place"):
        ids_of(tmp_path / "cache" / "corpora", TEXTS, CharTokenizer.fit(TEXTS))


def test_a_full_disk_is_said_in_a_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(id_cache, "_write", full)
    with pytest.raises(StorageError, match=r"cannot write \(No space left on device; .* free there\)"):
        ids_of(tmp_path, TEXTS, CharTokenizer.fit(TEXTS))
    assert not list(tmp_path.iterdir())


def test_ids_that_vanish_at_once_end_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_cache, "open_ids", lambda *_: None)
    with pytest.raises(StorageError, match="changed or removed as soon as it is written"):
        ids_of(tmp_path, TEXTS, CharTokenizer.fit(TEXTS))


LINES = [f"line {number} of a text that goes on and on\n" for number in range(400)]
MANY = ["".join(LINES[start : start + 90]) for start in range(0, 400, 90)] + ["short", "x" * 600, "日本\n" * 40]


def tokenizers() -> dict[str, TextTokenizer]:
    symbols = dict.fromkeys(sorted(set("".join(MANY))), 1)
    specs = ("char", "byte", "subword:330", "bpe:330", "word:300")
    return {spec: fit_text(Tokens.parse(spec), symbols, MANY, boundary=True) for spec in specs}


@pytest.mark.parametrize("spec", ["char", "byte", "subword:330", "bpe:330", "word:300"])
def test_ids_are_the_same_however_the_work_is_cut_and_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec: str
) -> None:
    tokenizer = tokenizers()[spec]
    whole = np.concatenate([np.append([tokenizer.boundary or 0], tokenizer.encode(text)) for text in MANY])
    lengths = [1 + len(tokenizer.encode(text)) for text in MANY]
    for size, workers in ((1 << 20, 0), (2000, 0), (300, 0), (700, 1), (700, 2), (300, 3)):
        monkeypatch.setattr(units, "UNIT", size)
        folder = tmp_path / f"{size} {workers}"
        found = result_of(caching_ids(folder, documents(MANY), survey(documents(MANY)), tokenizer, workers=workers))
        assert found.ids.tolist() == whole.tolist()
        assert found.lengths.tolist() == lengths


@pytest.mark.parametrize("workers", [0, 2])
def test_what_was_broken_off_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr(units, "UNIT", 200)
    tokenizer = tokenizers()["word:300"]
    found = survey(documents(MANY))
    whole = cached_ids(tmp_path / "whole", documents(MANY), found, tokenizer)
    number = len(list(units.units(documents(MANY))))
    for stop in (1, 3, 10):
        folder = tmp_path / f"{stop}"
        work = caching_ids(folder, documents(MANY), found, tokenizer, workers=workers)
        for _ in range(stop):
            next(work)
        work.close()  # as Ctrl-C does
        (partial,) = folder.glob(".*.partial")
        with monkeypatch.context() as patch:
            encoded = Mock(wraps=Tokenising.submit, autospec=True)
            patch.setattr(Tokenising, "submit", lambda *given, encoded=encoded: encoded(*given))
            assert cached_ids(folder, documents(MANY), found, tokenizer).tolist() == whole.tolist()
        assert encoded.call_count == number - stop
        assert not partial.exists()


def test_a_corpus_that_has_changed_does_not_go_on_with_what_another_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "UNIT", 200)
    tokenizer = ByteTokenizer()
    found = survey(documents(MANY))
    meanwhile = [MANY[0], MANY[1].replace("line 99", "LINE 99"), *MANY[2:]]
    work = caching_ids(tmp_path, documents(meanwhile), found, tokenizer)  # changed while it is read, and killed
    for _ in range(60):
        next(work)
    work.close()
    assert cached_ids(tmp_path, documents(MANY), found, tokenizer).tobytes() == "".join(MANY).encode()
    ids_of(tmp_path, meanwhile, tokenizer)
    assert len(list(tmp_path.iterdir())) == 2


def test_two_writers_at_once_do_not_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "UNIT", 200)
    tokenizer = ByteTokenizer()
    found = survey(documents(MANY))
    first = caching_ids(tmp_path, documents(MANY), found, tokenizer)
    for _ in range(5):
        next(first)
    second = caching_ids(tmp_path, documents(MANY), found, tokenizer)
    for _ in range(3):
        next(second)
    assert len(list(tmp_path.glob(".*.partial"))) == 2
    assert result_of(first).ids.tobytes() == result_of(second).ids.tobytes() == "".join(MANY).encode()
    assert len(list(tmp_path.iterdir())) == 1


def test_what_a_killed_process_left_of_the_same_ids_is_never_too_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(units, "UNIT", 200)
    work = caching_ids(tmp_path, documents(MANY), survey(documents(MANY)), ByteTokenizer())
    next(work)
    work.close()
    (partial,) = tmp_path.glob(".*.partial")
    for path in (*partial.iterdir(), partial):
        os.utime(path, (1, 1))
    with FolderLock(partial):  # so that it is not taken over
        ids_of(tmp_path, MANY, ByteTokenizer())
    assert partial.exists()


def test_progress_is_told_in_bytes_and_reaches_all_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(units, "UNIT", 500)
    found = survey(documents(MANY))
    done = list(caching_ids(tmp_path, documents(MANY), found, ByteTokenizer()))
    assert done == sorted(done)
    assert done[-1] == found.bytes
    assert len(done) > 10
    assert list(caching_ids(tmp_path, documents(MANY), found, ByteTokenizer())) == []


def test_processes_that_write_the_same_ids_at_once_agree(tmp_path: Path) -> None:
    text = tmp_path / "corpus.txt"
    text.write_text("To be, or not to be.\n" * 100_000, "utf-8")
    script = (
        "import sys; from pathlib import Path; from gen.corpus.token_corpus import TokenCorpus\n"
        "corpus = TokenCorpus.open(sys.argv[1], cache=Path(sys.argv[2]))\n"
        "print(corpus.train.size, int(corpus.train.counts @ range(1, 1 + len(corpus.tokenizer.vocabulary))))"
    )
    command = [sys.executable, "-c", script, str(text), str(tmp_path / "cache")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    outputs = {process.communicate()[0] for process in running}
    assert [process.returncode for process in running] == [0, 0, 0]
    assert len(outputs) == 1
    assert [path.name for path in (tmp_path / "cache" / "corpora").glob(".*")] == []


@pytest.mark.slow
def test_killed_in_the_middle_of_fifty_megabytes_it_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "corpus.txt"
    draws = np.random.default_rng(0)
    with open(path, "w", encoding="utf-8") as file:
        for _ in range(50):
            words = ["".join(map(chr, draws.integers(97, 123, draws.integers(2, 9)))) for _ in range(18_000)]
            file.write("".join(f"{' '.join(words[start : start + 9])}.\n" for start in range(0, len(words), 9)) * 10)
    script = (
        "import sys; from pathlib import Path; from gen.corpus.token_corpus import TokenCorpus\n"
        "from gen.corpus.documents import ReadingOptions\n"
        "options = ReadingOptions(tokens='word:5000')\n"
        "for event in TokenCorpus.opening(sys.argv[1], options=options, cache=Path(sys.argv[2])):\n"
        "    print(event.phase, event.done, flush=True)"
    )
    assert path.stat().st_size > 50_000_000

    def run(cache: str, kill_at: float) -> list[str]:
        command = [sys.executable, "-c", script, str(path), str(tmp_path / cache)]
        lines = []
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                lines.append(line)
                phase, done = line.split()
                if phase == "tokenising" and int(done) > kill_at:
                    process.kill()
                    break
        assert process.returncode == (0 if kill_at == np.inf else -signal.SIGKILL)
        return lines

    run("whole", np.inf)
    for share in (0.2, 0.5, 0.8):
        run("killed", share * path.stat().st_size)
    lines = run("killed", np.inf)
    assert sum(line.startswith("tokenising") for line in lines) > 40
    whole, killed = (
        {path.name: path.read_bytes() for path in (tmp_path / cache / "corpora").glob("*/*") if path.name != ".lock"}
        for cache in ("whole", "killed")
    )
    assert whole == killed
