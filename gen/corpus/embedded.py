"""`@python`: the documentation topics and library source that every CPython carries. Nothing is shipped or fetched.

Left out are tests, third-party packages and files that are tables rather than text (code pages, character data, the
machine's build settings). Typographic punctuation is folded to ASCII, and a document that holds any other character
than printable ASCII, tab and newline after that is left out too: a handful of files would otherwise multiply the
alphabet of a character model. What remains has the 97 symbols of program text, or fewer.
"""

import hashlib
import os
import platform
import re
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gen.errors import CorpusError

_SKIPPED_FOLDERS = re.compile(
    r"tests?|idle_test|__pycache__|__phello__|site-packages|dist-packages|_bundled"  # not the library itself
    r"|encodings|pydoc_data|msilib|config-.*"  # tables
)
_SKIPPED_FILES = re.compile(
    r"_sysconfigdata.*|(site|user)customize\.py"  # this machine's
    r"|stringprep\.py|html/entities\.py|re/_casefix\.py"  # tables
)
_TEXT = re.compile(r"[\t\n\x20-\x7e]+")
_FOLDED = str.maketrans({"‘": "'", "’": "'", "“": '"', "”": '"', "–": "-", "—": "--", "…": "...", "\u00a0": " "})  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class EmbeddedDocument:
    """One topic or source file.

    Attributes:
        name: "topics/NAME", or the file's path below the library's folder, with slashes.
        text: printable ASCII, tabs and newlines.
    """

    name: str
    text: str

    def blocks(self) -> Iterator[str]:
        """The text, in one piece."""
        yield self.text


def documents(
    size: int | None = None, *, library: Path | None = None, topics: Mapping[str, str] | None = None
) -> list[EmbeddedDocument]:
    """All documents, topics first, each kind sorted by name: the same list for the same interpreter.

    Args:
        size: take whole documents only until they hold that many bytes together, in an order that scatters names;
            a smaller size gives a subset of a larger one.
        library: folder of source files; the running interpreter's by default.
        topics: name -> text; the running interpreter's by default.

    Raises:
        CorpusError: this Python carries neither.
    """
    library = Path(sysconfig.get_path("stdlib")) if library is None else library
    topics = _own_topics() if topics is None else topics
    found = [(f"topics/{name}", topics[name]) for name in sorted(topics)]
    found += [(name, _read(library / name)) for name in _source_files(library)]
    kept = [
        EmbeddedDocument(name, text)
        for name, text in ((n, t.translate(_FOLDED)) for n, t in found)
        if _TEXT.fullmatch(text)
    ]
    if not kept:
        raise CorpusError(
            f"@python: this Python carries neither documentation topics nor library source in {library}: "
            "give a file or folder of your own"
        )
    return kept if size is None else _subset(kept, size)


def describe(documents: Sequence[EmbeddedDocument]) -> dict[str, Any]:
    """Where the documents come from: interpreter, number, bytes, and SHA-256 over the lines "SHA-256, name" of each."""
    content = hashlib.sha256()
    for document in documents:
        content.update(f"{hashlib.sha256(document.text.encode()).hexdigest()}  {document.name}\n".encode())
    return {
        "interpreter": f"{platform.python_implementation()} {platform.python_version()}",
        "documents": len(documents),
        "bytes": sum(len(document.text) for document in documents),
        "sha256": content.hexdigest(),
    }


def _own_topics() -> Mapping[str, str]:
    try:
        from pydoc_data.topics import topics
    except ImportError:  # some distributions leave it out
        return {}
    return topics


def _source_files(library: Path) -> list[str]:
    """Paths of the source files below `library`, with slashes, sorted."""
    names = []
    for folder, below, files in os.walk(library):
        below[:] = [name for name in below if not _SKIPPED_FOLDERS.fullmatch(name)]
        names += [(Path(folder) / file).relative_to(library).as_posix() for file in files if file.endswith(".py")]
    return sorted(name for name in names if not _SKIPPED_FILES.fullmatch(name))


def _read(path: Path) -> str:
    """The text of a source file; nothing where it cannot be read, or is not UTF-8."""
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _subset(documents: list[EmbeddedDocument], size: int) -> list[EmbeddedDocument]:
    chosen = set()
    for document in sorted(documents, key=lambda document: hashlib.sha256(document.name.encode()).digest()):
        if size <= 0:
            break
        chosen.add(document.name)
        size -= len(document.text)
    return [document for document in documents if document.name in chosen]
