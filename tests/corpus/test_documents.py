import io
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from gen.corpus import catalog
from gen.corpus.documents import Document, ReadingOptions, find_documents
from gen.errors import ConfigError, CorpusError

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def texts(documents: Iterable[Document]) -> list[str]:
    return ["".join(document.blocks()) for document in documents]


def names(folder: Path, documents: Iterable[Document]) -> list[str]:
    return [os.path.relpath(document.name, folder) for document in documents]


def write(path: Path, content: str | bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def test_sources_are_read_in_order_each_file_once(tmp_path: Path) -> None:
    a, b = write(tmp_path / "a.txt", "a"), write(tmp_path / "b.txt", "b")
    os.link(b, tmp_path / "c.txt")
    assert texts(find_documents([b, a, str(b), tmp_path])) == ["b", "a"]


def test_a_folder_is_read_to_its_depths_by_name_without_what_is_hidden(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "b/.git/x.txt", ".hidden.txt", "a.txt", "c/d/e/f", "empty/.keep"):
        write(tmp_path / name, name)
    assert names(tmp_path, find_documents([tmp_path])) == ["a.txt", "b/1.txt", "b/2.txt", "c/d/e/f"]


def test_links_that_lead_in_circles_or_nowhere_end(tmp_path: Path) -> None:
    folder = tmp_path / "corpus"
    write(folder / "a" / "text.txt", "text")
    write(tmp_path / "elsewhere" / "other.txt", "other")
    (folder / "a" / "up").symlink_to(folder)
    (folder / "b").symlink_to(folder / "a")
    (folder / "c").symlink_to(folder / "a" / "text.txt")
    (folder / "d").symlink_to(tmp_path / "elsewhere")
    (folder / "self").symlink_to("self")
    (folder / "gone").symlink_to("nothing")
    documents = find_documents([folder])
    assert texts(documents) == ["text", "other"]
    assert documents.findings.left_out_text().startswith("2 files left out: ")


def test_documents_can_be_read_again(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "a")
    write(tmp_path / "b.jsonl", '{"text": "b"}\n{"text": "c"}')
    write(tmp_path / "c.png", PNG)
    documents = find_documents([tmp_path])
    assert texts(documents) == texts(documents) == ["a", "b", "c"]
    assert documents.findings.notices() == (f"1 file left out: {tmp_path}/c.png (a PNG image)",)


@pytest.mark.skipif(os.name == "nt", reason="paths are short there")
def test_a_folder_may_be_deeper_than_python_may_recurse(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    depth = sys.getrecursionlimit() + 10
    write(tmp_path / "a.txt", "shallow")
    for _ in range(depth):
        os.mkdir("d")
        os.chdir("d")
    Path("a.txt").write_text("deep", "utf-8")
    os.chdir(tmp_path)
    try:
        assert texts(find_documents(["."])) == ["shallow", "deep"]
    finally:
        subprocess.run(["rm", "-r", "d"], check=True)  # shutil.rmtree would recurse


def test_a_pattern_that_no_shell_expanded_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("b.txt", "a.txt", "c.md", "sub/d.txt", "[x].txt"):
        write(tmp_path / name, name)
    assert texts(find_documents(["*.txt"])) == ["[x].txt", "a.txt", "b.txt"]
    assert texts(find_documents(["**/*.txt"])) == ["[x].txt", "a.txt", "b.txt", "sub/d.txt"]
    assert texts(find_documents(["[x].txt"])) == ["[x].txt"]
    assert find_documents(["*.txt"]).sources == (str(tmp_path / "*.txt"),)


def test_standard_input_is_kept_so_that_it_can_be_read_twice(monkeypatch: pytest.MonkeyPatch, own_cache: Path) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO("Größe\r\n".encode() * 1_000_000)))
    documents = find_documents(["-", "-"])
    assert texts(documents) == texts(documents) == ["Größe\n" * 1_000_000]
    assert documents.sources == ("-",)
    assert not any(path.is_file() for path in own_cache.rglob("*.txt"))


def test_a_closed_standard_input_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CorpusError, match="standard input is closed"):
        find_documents(["-"])


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names there")
def test_a_pipe_is_read_like_standard_input(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=("text",))
    writer.start()
    documents = find_documents([pipe])
    writer.join()
    assert texts(documents) == texts(documents) == ["text"]


@dataclass
class Named:
    name: str

    def blocks(self) -> Iterator[str]:
        yield self.name


def test_a_named_corpus_comes_from_the_catalogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog, "open_corpus", lambda name: [Named(f"{name} 1"), Named(f"{name} 2")])
    documents = find_documents([write(tmp_path / "a.txt", "a"), "@name"])
    assert texts(documents) == ["a", "@name 1", "@name 2"]
    assert documents.sources == (str(tmp_path / "a.txt"), "@name")


def test_a_folder_leaves_out_what_is_not_text_and_says_so(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "a")
    write(tmp_path / "b.png", PNG)
    write(tmp_path / "c.mid", b"MThd\0\0\0\6")
    write(tmp_path / "d.mid", b"MThd\0\0\0\6")
    write(tmp_path / "e.csv", "x,y\n1,2\n")
    write(tmp_path / "f.jsonl", "[1]\n")
    documents = find_documents([tmp_path])
    assert texts(documents) == ["a"]
    (notice,) = documents.findings.notices()
    assert notice.startswith(f"5 files left out: {tmp_path}/c.mid and 1 more (MIDI, which is music)")
    assert "b.png (a PNG image)" in notice
    assert "e.csv (which column holds the text? Found: x, y; name one with --column)" in notice


def test_reasons_beyond_the_fourth_are_only_counted(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "a")
    for number in range(7):
        write(tmp_path / f"{number}.csv", f"x{number},y\n1,2\n")
    documents = find_documents([tmp_path])
    texts(documents)
    assert documents.findings.left_out_text().endswith(", 3 for other reasons")


def test_a_table_that_breaks_off_in_the_middle_is_not_left_out(tmp_path: Path) -> None:
    write(tmp_path / "a.jsonl", '{"text": "a"}\nbroken\n')
    with pytest.raises(CorpusError, match=r"a\.jsonl:2: not JSON"):
        texts(find_documents([tmp_path]))


def test_what_was_named_is_never_left_out(tmp_path: Path) -> None:
    for name, content in (("a.png", PNG), ("b.mid", b"MThd"), ("c.csv", b"x,y\n1,2\n")):
        path = write(tmp_path / name, content)
        with pytest.raises(CorpusError, match=name.replace(".", r"\.")):
            texts(find_documents([path]))


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "there is no text in this folder: it has no files but hidden ones"),
        ({".hidden": b"text"}, "it has no files but hidden ones"),
        ({"a.png": PNG, "b.png": PNG}, r"2 files left out: .*a\.png and 1 more \(a PNG image\)"),
    ],
)
def test_a_folder_without_text_is_an_error(tmp_path: Path, files: dict[str, bytes], message: str) -> None:
    folder = tmp_path / "corpus"
    folder.mkdir()
    for name, content in files.items():
        write(folder / name, content)
    with pytest.raises(CorpusError, match=message):
        texts(find_documents([folder]))


def test_a_folder_whose_files_were_all_named_before_is_fine(tmp_path: Path) -> None:
    path = write(tmp_path / "corpus" / "a.txt", "a")
    assert texts(find_documents([path, path.parent])) == ["a"]


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("corpsu.txt", r"corpsu\.txt: there is no such file or folder: did you mean corpus\.txt\?"),
        ("CORPUS.TXT", r"did you mean corpus\.txt\?"),
        ("foldre/a.txt", "did you mean folder"),
        ("folder/b.txt", r"did you mean folder/a\.txt\?"),
        ("corpus.txt/x", "there is no such file or folder"),
        ("xyz", "give a file, a folder, a pattern, '-' for standard input, or an @name"),
        ("*.md", "there is no such file or folder"),
        ("", "there is no such file or folder"),
        ("a\0b", r"'a\\x00b': cannot be read"),
        ("\x1b[31mred", r"'\\x1b\[31mred': there is no such"),
        ("x" * 5000, "cannot be read"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "corpus.txt", "text")
    write(tmp_path / "folder" / "a.txt", "text")
    with pytest.raises(CorpusError, match=message):
        find_documents([source])


def test_no_source_at_all_is_an_error() -> None:
    with pytest.raises(CorpusError, match="no corpus named"):
        find_documents([])


def test_a_device_is_no_corpus() -> None:
    with pytest.raises(CorpusError, match="neither a file nor a folder"):
        find_documents([os.devnull])


def test_a_socket_in_a_folder_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # a socket's path must be short
    write(tmp_path / "a.txt", "a")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("s")
        documents = find_documents([tmp_path])
        assert texts(documents) == ["a"]
    assert "s (not a regular file)" in documents.findings.left_out_text()


@pytest.mark.skipif(os.name == "nt" or os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_what_may_not_be_read_is_said(tmp_path: Path) -> None:
    secret = write(tmp_path / "folder" / "a.txt", "a")
    secret.chmod(0)
    with pytest.raises(CorpusError, match="Permission denied"):
        texts(find_documents([secret]))
    secret.parent.chmod(0)
    try:
        with pytest.raises(CorpusError, match="Permission denied"):
            texts(find_documents([secret.parent]))
    finally:
        secret.parent.chmod(0o700)


def test_a_folder_that_may_not_be_listed_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: str) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(CorpusError, match=r"cannot be read \(Permission denied\)"):
        texts(find_documents([tmp_path]))


def test_a_file_that_is_gone_when_it_is_read_is_an_error(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "a")
    documents = find_documents([path])
    path.unlink()
    with pytest.raises(CorpusError, match=r"a\.txt: cannot be read"):
        texts(documents)


def test_names_that_could_disturb_a_terminal_are_escaped(tmp_path: Path) -> None:
    write(tmp_path / "a\x1b[31m.txt", "a")
    (document,) = find_documents([tmp_path])
    assert "\x1b" not in document.name
    assert "a\\x1b[31m.txt" in document.name


def test_what_was_detected_is_told(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", "naïve café\n".encode("cp1252") * 20)
    write(tmp_path / "b.txt", "naïve café\n".encode("cp1252") * 20)
    write(tmp_path / "c.txt", "naïve café\n".encode("utf-16"))
    write(tmp_path / "d.txt", "naïve café\n".encode("utf-8-sig"))
    documents = find_documents([tmp_path])
    assert set("".join(texts(documents))) == set("naïve café\n")
    assert documents.findings.notices() == (
        f"{tmp_path}/a.txt and 1 more: read as cp1252, which was detected; --encoding sets another",
        f"{tmp_path}/c.txt: read as utf-16-le, which was detected; --encoding sets another",
    )


def test_a_named_encoding_is_not_told_as_detected(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "Привет".encode("koi8-r"))
    documents = find_documents([path], ReadingOptions(encoding="koi8-r"))
    assert texts(documents) == ["Привет"]
    assert documents.findings.notices() == ()


def test_options_survive_as_json_and_refuse_unknown_encodings() -> None:
    options = ReadingOptions(encoding="cp1252", keep_line_ends=True, column="body")
    assert ReadingOptions(**options.to_dict()) == options
    with pytest.raises(ConfigError, match="did you mean"):
        ReadingOptions(encoding="utf8-8")
