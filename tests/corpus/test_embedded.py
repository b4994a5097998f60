import hashlib
import string
import sys
from pathlib import Path

import pytest

from gen.corpus.embedded import EmbeddedDocument, describe, documents
from gen.errors import CorpusError


@pytest.fixture(scope="module")
def own() -> list[EmbeddedDocument]:
    return documents()


@pytest.fixture
def library(tmp_path: Path) -> Path:
    folder = tmp_path / "library"
    for name in ("zebra.py", "apple.py", "json/decoder.py", "re/_parser.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"# {name}\n\tpass\n")
    return folder


def names(library: Path) -> list[str]:
    return [document.name for document in documents(library=library, topics={})]


def test_this_python_carries_more_than_five_megabytes(own: list[EmbeddedDocument]) -> None:
    assert describe(own)["bytes"] > 5_000_000
    assert {"topics/for", "argparse.py", "json/decoder.py"} <= {document.name for document in own}


def test_the_alphabet_is_that_of_program_text(own: list[EmbeddedDocument]) -> None:
    symbols = {symbol for document in own for symbol in document.text}
    assert symbols <= set(string.printable) - set("\r\v\f")
    assert len(symbols) > 90


def test_nothing_of_this_machine_is_in_it(own: list[EmbeddedDocument]) -> None:
    assert not [document.name for document in own if sys.prefix in document.text or sys.base_prefix in document.name]
    parts = {part for document in own for part in document.name.split("/")}
    assert not parts & {"test", "tests", "site-packages", "dist-packages", "__pycache__", "encodings", "pydoc_data"}


def test_two_readings_are_equal_and_each_can_be_repeated(own: list[EmbeddedDocument]) -> None:
    again = documents()
    assert again == own
    assert describe(again) == describe(own)
    assert [*own[0].blocks()] == [*own[0].blocks()] == [own[0].text]
    assert len({document.name for document in own}) == len(own)


def test_topics_come_first_and_each_kind_is_sorted(library: Path) -> None:
    found = documents(library=library, topics={"while": "loops", "assert": "checks"})
    assert [document.name for document in found] == [
        *("topics/assert", "topics/while", "apple.py", "json/decoder.py", "re/_parser.py", "zebra.py")
    ]
    assert found[0].text == "checks" and found[2].text == "# apple.py\n\tpass\n"


@pytest.mark.parametrize(
    "name",
    [
        *("test/test_os.py", "json/tests/x.py", "idlelib/idle_test/x.py", "site-packages/numpy/core.py"),
        *("dist-packages/apt.py", "ensurepip/_bundled/pip.py", "encodings/cp437.py", "pydoc_data/topics.py"),
        *("_sysconfigdata__linux.py", "sitecustomize.py", "config-3.11/x.py", "html/entities.py", "stringprep.py"),
        *("__pycache__/apple.py", "apple.txt", "lib2to3/Grammar.pickle"),
    ],
)
def test_what_is_no_library_text_is_left_out(name: str, library: Path) -> None:
    before = names(library)
    (library / name).parent.mkdir(parents=True, exist_ok=True)
    (library / name).write_text("x = 1\n")
    assert names(library) == before


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"plain\n", "plain\n"),
        ("# ‘a’ “b” – — …\u00a0c\n".encode(), "# 'a' \"b\" - -- ... c\n"),  # noqa: RUF001
        (b"crlf\r\n", "crlf\n"),
        ("# é\n".encode(), None),
        (b"# \xe9 latin-1\n", None),
        (b"form\x0cfeed\n", None),
        (b"", None),
    ],
)
def test_documents_are_plain_or_left_out(data: bytes, text: str | None, library: Path) -> None:
    (library / "new.py").write_bytes(data)
    found = {document.name: document.text for document in documents(library=library, topics={})}
    assert found.get("new.py") == text


def test_links_out_of_the_library_are_not_followed(library: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "private.py").write_text("secret = 1\n")
    before = names(library)
    (library / "linked").symlink_to(tmp_path / "elsewhere", target_is_directory=True)
    assert names(library) == before


def test_a_size_takes_whole_documents_until_it_is_reached(own: list[EmbeddedDocument]) -> None:
    small, large = documents(100_000), documents(1_000_000)
    assert 100_000 <= describe(small)["bytes"] < 400_000
    assert 1_000_000 <= describe(large)["bytes"] < 1_300_000
    assert set(small) < set(large) < set(own)
    assert large == [document for document in own if document in set(large)]  # in the same order
    assert documents(10**12) == own


def test_a_python_without_topics_or_without_source_gives_what_it_has(
    monkeypatch: pytest.MonkeyPatch, library: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "pydoc_data.topics", None)
    assert [document.name for document in documents(library=library)] == names(library)
    assert [document.name for document in documents(library=tmp_path / "none", topics={"a": "b"})] == ["topics/a"]
    with pytest.raises(CorpusError, match="carries neither"):
        documents(library=tmp_path / "none")


def test_the_checksum_follows_names_and_content(library: Path) -> None:
    first = describe(documents(library=library, topics={}))
    lines = [f"{hashlib.sha256((library / name).read_bytes()).hexdigest()}  {name}\n" for name in names(library)]
    assert first["sha256"] == hashlib.sha256("".join(lines).encode()).hexdigest()
    assert first["documents"] == 4
    (library / "apple.py").rename(library / "pear.py")
    assert describe(documents(library=library, topics={}))["sha256"] != first["sha256"]
    assert first["interpreter"].split()[1] == ".".join(map(str, sys.version_info[:3]))
