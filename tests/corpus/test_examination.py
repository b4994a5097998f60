"""What a corpus is said to be like: against the text itself, and against what training makes of it."""

import io
import json
import os
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen.corpus.documents import find_documents
from gen.corpus.examination import Examination, examine
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import CorpusError
from tests.conftest import babble


def examined(path: Path) -> Examination:
    return examine(find_documents([path]))


def noise(size: int, symbols: int = 60, seed: int = 0) -> str:
    return "".join(map(chr, np.random.default_rng(seed).integers(33, 33 + symbols, size)))


def written(folder: Path, texts: dict[str, str]) -> Path:
    folder.mkdir()
    for name, text in texts.items():
        (folder / name).write_text(text, "utf-8")
    return folder


def test_figures_are_those_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    text = "Größe 日本 🎼\n\nund\n" * 30 + noise(900)
    path.write_text(text, "utf-8")
    facts = examined(path).to_dict()
    assert facts["characters"] == len(text)
    assert facts["bytes"] == len(text.encode())
    assert facts["symbols"] == Counter(text)
    assert facts["lines"] == {"number": 91, "median": 3, "longest": 900}
    assert facts["documents"] == facts["files"] == 1
    assert facts["sources"] == [str(path)]
    assert json.loads(json.dumps(facts)) == facts


@pytest.mark.parametrize("documents", [1, 2, 60])
def test_tokens_are_those_of_the_opened_corpus(tmp_path: Path, documents: int) -> None:
    texts = {f"{number}.txt": babble(300 + number, seed=number) for number in range(documents)}
    folder = written(tmp_path / "folder", texts)
    found, corpus = examined(folder), TokenCorpus.open(folder)
    assert (found.train_tokens, found.validation_tokens) == (corpus.train.size, corpus.validation.size)
    assert found.vocabulary_size == len(corpus.tokenizer.vocabulary)
    assert found.survey.checksum == corpus.provenance["checksum"]


def test_copies_of_documents_are_counted_and_named(tmp_path: Path) -> None:
    texts = {"a.txt": noise(900), "b.txt": noise(500, seed=1), "c.txt": noise(900), "d.txt": noise(900), "e.txt": ""}
    found = examined(written(tmp_path / "folder", texts))
    assert (found.copies.documents, found.copies.characters) == (2, 1800)
    assert found.copies.example == (str(tmp_path / "folder" / "c.txt"), str(tmp_path / "folder" / "a.txt"))
    assert any("56% of the text" in note for note in found.notes())
    assert "1,400 characters without the copies" in found.judgement()
    passage = found.beginning.passage
    assert passage is not None and passage.length == 900


def test_what_was_left_out_is_told_with_its_reason(tmp_path: Path) -> None:
    folder = written(tmp_path / "folder", {"a.txt": noise(500)})
    (folder / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    (folder / "c.txt").write_bytes("Größe und Straße, schön\n".encode("cp1252") * 30)
    facts = examined(folder).to_dict()
    assert facts["files"] == 2
    assert facts["left_out"] == [{"reason": "a PNG image", "files": 1, "first": str(folder / "b.png")}]
    assert facts["encodings"] == {"cp1252": 1}
    assert any("c.txt: read as cp1252" in note for note in facts["notes"])


def test_characters_that_nobody_sees_are_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(noise(900) + "\t\r\n\f a\u200bb\u200bc\x1b\ufffdéü日", "utf-8")
    (note,) = examined(path).notes()
    assert "1 x U+001B, 2 x U+200B zero width space, 1 x U+FFFD replacement character" in note
    path.write_text(noise(900) + "".join(map(chr, range(0x200B, 0x2010))) + "".join(map(chr, range(0x202A, 0x202F))))
    assert "and 4 other kinds" in examined(path).notes()[0]


@pytest.mark.parametrize(
    ("text", "verdict", "words"),
    [
        ("", "nothing", "there is no text in it"),
        ("aaaa" * 30_000, "nothing", "all characters are the same"),
        (noise(199), "too little", "199 characters; 200 are needed at least, and 100,000 to learn much from"),
        (noise(200), "little", "too little to learn much: 200 characters; 100,000 at least are needed"),
        (noise(99_999), "little", "99,999 characters"),
        (noise(100_000), "enough", "enough for short experiments: 100,000 characters"),
        (noise(1_000_000), "plenty", "plenty: 1,000,000 characters"),
        ("Never again. " * 9_000, "repetitive", "the same again and again"),
    ],
    ids=["empty", "one symbol", "199", "200", "99,999", "100,000", "1,000,000", "repetitive"],
)
def test_the_verdict_says_whether_it_is_enough(tmp_path: Path, text: str, verdict: str, words: str) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text)
    found = examined(path)
    assert found.verdict == verdict
    assert words in found.judgement()


def test_copies_do_not_make_it_enough(tmp_path: Path) -> None:
    text = noise(60_000)
    assert examined(written(tmp_path / "copies", {"a.txt": text, "b.txt": text})).verdict == "little"
    different = {"a.txt": text, "b.txt": noise(60_000, seed=1)}
    assert examined(written(tmp_path / "different", different)).verdict == "enough"


def test_a_chapter_that_stands_in_it_twice_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    chapter = noise(1000)
    path.write_text(chapter + noise(5000, seed=1) + chapter)
    assert any(note.startswith("a passage of 1,000 characters stands in it twice") for note in examined(path).notes())
    path.write_text(chapter + noise(5000, seed=1) + chapter[:-1])
    assert examined(path).notes() == ()


def test_rare_symbols_come_rarest_first(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("a" * 10 + "b" * 9 + "c" * 2 + "d")
    assert list(examined(path).rare.items()) == [("d", 1), ("c", 2), ("b", 9)]


def test_standard_input_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = noise(5000)
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    found = examine(find_documents(["-"]))
    assert found.survey.characters == 5000
    assert found.sources == ("-",)


def test_many_small_files_and_links_in_circles(tmp_path: Path) -> None:
    folder = written(tmp_path / "folder", {f"{number}.txt": f"tale {number} of many" for number in range(2000)})
    os.symlink(".", folder / "again")
    os.symlink("nowhere", folder / "broken")
    found = examined(folder)
    assert found.survey.documents == found.findings.files == 2000
    assert found.copies.documents == 0
    assert sum(count for count, _ in found.findings.left_out.values()) == 1


@given(st.binary(max_size=600) | st.binary(min_size=1, max_size=20).map(lambda data: data * 50))
@settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_bytes_are_examined_or_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    try:
        found = examined(path)
    except CorpusError as error:
        assert "a.txt" in str(error)
    else:
        assert found.judgement() and json.dumps(found.to_dict())
        assert found.train_tokens + found.validation_tokens == found.survey.characters
