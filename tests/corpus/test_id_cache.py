import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from gen.corpus import id_cache
from gen.corpus.id_cache import cached_ids
from gen.corpus.survey import survey
from gen.errors import CorpusError, StorageError, TokenizerError
from gen.tokenizers import CharTokenizer

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


def ids_of(folder: Path, texts: list[str], tokenizer: CharTokenizer) -> NDArray[np.integer[Any]]:
    return cached_ids(folder, documents(texts), survey(documents(texts)), tokenizer)


def entry(folder: Path) -> Path:
    (path,) = folder.iterdir()
    return path


@pytest.mark.parametrize("boundary", [True, False])
@pytest.mark.parametrize("batch", [3, 10, 1 << 20])
def test_ids_stand_for_the_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, boundary: bool, batch: int) -> None:
    monkeypatch.setattr(id_cache, "BATCH", batch)
    tokenizer = CharTokenizer.fit(TEXTS, boundary=boundary)
    expected = [np.concatenate([[0] if boundary else [], tokenizer.encode(text)]) for text in TEXTS]
    ids = ids_of(tmp_path, TEXTS, tokenizer)
    assert ids.tolist() == np.concatenate(expected).tolist()
    assert ids.dtype == np.uint8
    assert isinstance(ids, np.memmap)


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


@pytest.mark.parametrize("damage", ["flip", "cut", "extend", "no checksum", "bad checksum", "no ids"])
def test_what_is_not_intact_is_made_again(tmp_path: Path, damage: str) -> None:
    tokenizer = CharTokenizer.fit(TEXTS)
    fresh = ids_of(tmp_path, TEXTS, tokenizer).tolist()
    path = entry(tmp_path)
    ids, checksum = path / "ids.bin", path / "ids.sha256"
    data = ids.read_bytes()
    match damage:
        case "flip":
            ids.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        case "cut":
            ids.write_bytes(data[:-1])
        case "extend":
            ids.write_bytes(data + b"\0")
        case "no checksum":
            checksum.unlink()
        case "bad checksum":
            checksum.write_bytes(b"\xff")
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
    monkeypatch.setattr(id_cache, "BATCH", batch)
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

    monkeypatch.setattr(id_cache, "_encoded", full)
    with pytest.raises(StorageError, match=r"cannot write \(No space left on device; .* free there\)"):
        ids_of(tmp_path, TEXTS, CharTokenizer.fit(TEXTS))
    assert not list(tmp_path.iterdir())


def test_ids_that_vanish_at_once_end_in_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_cache, "mapped", lambda *_: None)
    with pytest.raises(StorageError, match="changed or removed as soon as it is written"):
        ids_of(tmp_path, TEXTS, CharTokenizer.fit(TEXTS))


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
