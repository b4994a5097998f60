import hashlib
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gen.corpus import catalog, embedded
from gen.corpus.archives import Unpacking
from gen.corpus.catalog import (
    EMBEDDED,
    PYTHON,
    CatalogEntry,
    Excerpt,
    describe,
    entries,
    fetch,
    find,
    local_path,
    open_corpus,
)
from gen.errors import CorpusError, StorageError
from gen.progress import Downloading

TEXT = "First Citizen:\nBefore we proceed any further, hear me speak.\n" * 5000


class Site:
    """A server of the files in a folder, and what was asked of it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.folder = folder
        self.asked: list[str] = []
        site = self

        class Handler(SimpleHTTPRequestHandler):
            def __init__(self, *args: Any) -> None:
                super().__init__(*args, directory=str(folder))

            def log_request(self, *_: Any) -> None:
                site.asked.append(self.path)

            def log_error(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)

    def entry(self, name: str, data: bytes, **fields: Any) -> CatalogEntry:
        """Offers `data` and returns the catalogue entry for it."""
        (self.folder / name).write_bytes(data)
        url = f"http://127.0.0.1:{self.server.server_port}/{name}"
        entry = CatalogEntry(name=name, title="T", medium="text", licence="L", homepage="H", url=url, size=len(data))
        return replace(entry, **{"sha256": hashlib.sha256(data).hexdigest()} | fields)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "cache"
    monkeypatch.setenv("GEN_CACHE", str(folder))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    return folder


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site(tmp_path / "site")
    with site.server:
        thread = threading.Thread(target=site.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield site
        site.server.shutdown()
        thread.join()


def listed(monkeypatch: pytest.MonkeyPatch, *more: CatalogEntry) -> None:
    monkeypatch.setattr(catalog, "entries", lambda: (PYTHON, *more))


def zipped(files: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return packed.getvalue()


def tarred(files: dict[str, bytes], level: int) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz", compresslevel=level) as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return packed.getvalue()


def tree(files: dict[str, bytes]) -> str:
    lines = "".join(f"{hashlib.sha256(files[name]).hexdigest()}  {name}\n" for name in sorted(files))
    return hashlib.sha256(lines.encode()).hexdigest()


# ── The catalogue itself ─────────────────────────────────────────────────────────────────────────────────────────────


def test_the_catalogue_holds_what_was_promised() -> None:
    names = [entry.name for entry in entries()]
    assert names[0] == "python" and len(set(names)) == len(names)
    assert {"shakespeare", "enwik8", "text8", "pop909", "maestro", "js-fakes"} <= set(names)
    media = {entry.name: entry.medium for entry in entries()}
    assert media["enwik8"] == "text" and media["maestro"] == "music"


@pytest.mark.parametrize("entry", entries()[len(EMBEDDED) :], ids=lambda entry: entry.name)
def test_an_entry_can_be_fetched_and_checked(entry: CatalogEntry) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.name)
    assert entry.title and entry.licence and entry.homepage.startswith("https://")
    assert entry.url.startswith("https://") and entry.size > 0
    assert entry.medium in ("text", "music")
    checksums = [known for known in (entry.sha256, entry.tree_sha256) if known]
    assert len(checksums) == 1 and re.fullmatch(r"[0-9a-f]{64}", checksums[0])
    assert (entry.archive is not None) == entry.url.endswith((".zip", ".tar.gz"))
    assert entry.archive or entry.sha256
    if "github" in entry.url:  # where branches move
        assert re.search(r"/[0-9a-f]{40}[/.]", entry.url)


def test_tiny_shakespeare_is_the_one_everyone_measures_on() -> None:
    entry = find("@shakespeare")
    assert entry.size == 1_115_394
    assert entry.sha256 == "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed"


def test_a_wheel_has_the_catalogue_inside_gen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gen" / "_corpora").mkdir(parents=True)
    table = 'name="x"\ntitle="t"\nmedium="text"\nlicence="l"\nhomepage="h"\nurl="https://e/x"\nsize=1\nsha256="0"'
    (tmp_path / "gen" / "_corpora" / "catalog.toml").write_text(f"[[corpus]]\n{table}\n")
    monkeypatch.setattr(catalog, "_GEN", tmp_path / "gen")
    assert [entry.name for entry in entries.__wrapped__()] == ["python", "tunes", "composer", "x"]


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("name", ["@enwik8", "enwik8"])
def test_a_corpus_is_found_with_and_without_its_sign(name: str) -> None:
    assert find(name).name == "enwik8"


@pytest.mark.parametrize(
    ("typed", "meant"), [("@enwik9", "enwik8"), ("@Shakespear", "shakespeare"), ("@pop-909", "pop909")]
)
def test_an_unknown_name_is_told_the_nearest(typed: str, meant: str) -> None:
    with pytest.raises(CorpusError, match=rf"'{typed}' is not in the catalogue, .*: did you mean @{meant}\?$"):
        find(typed)


@pytest.mark.parametrize("name", ["@", "@zzzzzz", "@../../etc/passwd", "@\x1b[31m", "@py\nthon"])
def test_an_unknown_name_is_told_all_there_are_on_one_safe_line(name: str) -> None:
    with pytest.raises(CorpusError, match=r"which holds @python, @tunes, @composer, @shakespeare, ") as caught:
        open_corpus(name)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("size", ["", "0", "-1", "1e6", "5 m", "kB", "nan", "0.0001kB", "9" * 13, "٣"])
def test_a_size_that_is_none_is_refused(size: str) -> None:
    with pytest.raises(CorpusError, match="must be a size, as in @python:500kB"):
        find(f"@python:{size}")


def test_only_python_can_be_taken_in_part() -> None:
    with pytest.raises(CorpusError, match="@text8 is followed by '1MB'; only @python"):
        open_corpus("@text8:1MB")


@pytest.mark.parametrize("size", ["200kB", "0.2MB", "200000", "200 KB", "200000b"])
def test_a_size_may_be_written_in_several_ways(size: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int | None] = []
    monkeypatch.setattr(embedded, "documents", asked.append)
    open_corpus(f"@python:{size}")
    assert asked == [200_000]


def test_python_opens_as_documents() -> None:
    documents = list(open_corpus("@python:200kB"))
    total = sum(len(block) for document in documents for block in document.blocks())
    assert total == describe("@python:200kB")["bytes"] >= 200_000
    assert len({document.name for document in documents}) == len(documents)


# ── Fetching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_text_is_fetched_once_and_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = site.entry("play", TEXT.encode())
    listed(monkeypatch, entry)
    assert not entry.cached and not entry.embedded
    events = list(fetch(entry))
    assert events[-1] == Downloading("@play", len(TEXT), len(TEXT))
    assert entry.cached
    assert list(fetch(entry)) == []
    [document] = open_corpus("@play")
    assert "".join(document.blocks()) == "".join(document.blocks()) == TEXT
    assert site.asked == ["/play"]
    assert local_path("@play").name == "play.txt"


def test_an_excerpt_leaves_the_publishers_words_out(site: Site) -> None:
    around = "The Publisher's Book\r\n\r\n", "\r\n\r\nEnd of the Publisher's Book\r\nIt was licensed.\r\n"
    book = "It was niño.\r\nIt is.\r\n".join(around)
    excerpt = Excerpt(encoding="latin-1", first="It was", end="End of")
    entry = site.entry("book", book.encode("latin-1"), excerpt=excerpt)
    for _ in fetch(entry):
        pass
    assert (entry.folder / "book.txt").read_bytes() == "It was niño.\nIt is.\n".encode()


def test_an_archive_with_a_single_text_is_that_text(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = site.entry("wiki", zipped({"wiki": TEXT.encode()}), archive=Unpacking(size=len(TEXT), members=1))
    listed(monkeypatch, entry)
    [document] = open_corpus("@wiki")
    assert "".join(document.blocks()) == TEXT


def test_music_is_a_folder_of_files(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"set-v1/2004/a.midi": b"MThd1", "set-v1/2006/b.midi": b"MThd2", "set-v1/LICENSE": b"free"}
    archive = Unpacking(keep=("*.midi",), strip=1)
    entry = site.entry("set", zipped(files), medium="music", archive=archive)
    listed(monkeypatch, entry)
    folder = local_path("@set")
    assert sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.*")) == ["2004/a.midi", "2006/b.midi"]


def test_an_archive_made_anew_is_known_by_what_it_holds(site: Site) -> None:
    files = {"repo-1a2b/midi/1.mid": b"one" * 999, "repo-1a2b/midi/0.mid": b"zero", "repo-1a2b/README": b"read me"}
    wanted = {"midi/0.mid": b"zero", "midi/1.mid": b"one" * 999}
    what = Unpacking(keep=("midi/*.mid",), strip=1)
    first = site.entry("repo", tarred(files, 1), archive=what, sha256=None, tree_sha256=tree(wanted))
    assert list(fetch(first)) and first.cached
    again = replace(first, archive=replace(what, members=50))  # another entry, so it is fetched again
    (site.folder / "repo").write_bytes(tarred(dict(reversed(files.items())), 9))
    assert list(fetch(again)) and again.cached and again.folder != first.folder


def test_an_archive_that_holds_something_else_is_refused_and_fetched_anew(site: Site) -> None:
    good, bad = {"a.mid": b"good"}, {"a.mid": b"evil"}
    entry = site.entry("repo", tarred(bad, 9), archive=Unpacking(), sha256=None, tree_sha256=tree(good))
    with pytest.raises(CorpusError) as caught:
        list(fetch(entry))
    assert tree(good) in str(caught.value) and tree(bad) in str(caught.value)
    assert not entry.cached
    (site.folder / "repo").write_bytes(tarred(good, 9))
    assert list(fetch(entry)) and entry.cached


def test_an_archive_that_leads_out_leaves_nothing_behind(site: Site, cache: Path) -> None:
    entry = site.entry("evil", zipped({"good.txt": b"good", "../../evil.txt": b"evil"}), archive=Unpacking())
    with pytest.raises(CorpusError, match="leads out of the folder"):
        list(fetch(entry))
    assert not entry.cached
    assert {path.name for path in cache.rglob("*") if path.is_file()} == {".lock"}


def test_a_change_of_the_entry_is_another_place_in_the_cache() -> None:
    entry = entries()[1]
    others = [replace(entry, sha256="0"), replace(entry, archive=Unpacking()), replace(entry, name="other")]
    assert len({other.folder for other in (entry, *others)}) == 4
    assert replace(entry, title="another").folder == entry.folder


def test_two_at_once_do_not_disturb_each_other(site: Site) -> None:
    entry = site.entry("play", TEXT.encode())
    first = fetch(entry)
    next(first)
    with pytest.raises(StorageError, match=r"process \d+ is fetching @play: wait for it"):
        list(fetch(entry))
    assert list(first) and entry.cached
    assert list(fetch(entry)) == []


def test_a_fetch_that_was_left_in_the_middle_can_be_taken_up_again(site: Site) -> None:
    entry = site.entry("play", TEXT.encode())
    left = fetch(entry)
    next(left)
    left.close()
    assert not entry.cached
    assert list(fetch(entry))[-1].received == len(TEXT)
    assert entry.cached


def test_what_a_killed_process_left_half_unpacked_is_removed(site: Site) -> None:
    entry = site.entry("play", TEXT.encode())
    half = entry.folder.with_name(f".{entry.folder.name}.123-abcd.partial")
    half.mkdir(parents=True)
    (half / "play.txt").write_text("half")
    assert list(fetch(entry)) and entry.cached
    assert not half.exists()


def test_a_disk_too_small_is_told_before_anything_is_fetched(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = site.entry("wiki", zipped({"wiki": TEXT.encode()}), archive=Unpacking(size=10**9))
    monkeypatch.setattr(catalog, "free_space", lambda path: 10**6)
    with pytest.raises(StorageError, match=r"1\.0 MB free; @wiki needs 1\.0 GB"):
        list(fetch(entry))
    assert site.asked == []


def test_a_cache_that_cannot_be_made_is_a_storage_error(cache: Path, site: Site) -> None:
    cache.write_text("a file where the folder should be")
    with pytest.raises(StorageError, match="cannot write"):
        list(fetch(site.entry("play", b"text")))


def test_offline_names_the_address_and_the_way_out(site: Site) -> None:
    entry = site.entry("play", TEXT.encode())
    site.server.shutdown()
    site.server.server_close()
    with pytest.raises(CorpusError, match="@play is not in the cache and the network cannot be reached") as caught:
        list(fetch(entry))
    assert entry.url in str(caught.value) and "@python" in str(caught.value) and "\n" not in str(caught.value)


def test_python_needs_no_fetching() -> None:
    assert PYTHON.embedded and not PYTHON.cached
    assert list(fetch(PYTHON)) == []
    with pytest.raises(CorpusError, match="no files of its own"):
        local_path("@python")


# ── Provenance ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_provenance_names_source_and_checksum() -> None:
    known = describe("@enwik8")
    assert known == {
        "name": "@enwik8",
        "licence": "CC BY-SA 3.0 and GFDL",
        "homepage": "https://mattmahoney.net/dc/textdata.html",
        "url": "https://mattmahoney.net/dc/enwik8.zip",
        "sha256": "547994d9980ebed1288380d652999f38a14fe291a6247c157c3d33d4932534bc",
    }
    assert "tree_sha256" in describe("pop909") and "sha256" not in describe("pop909")


def test_provenance_of_python_names_the_interpreter() -> None:
    known = describe("@python:200kB")
    assert known["name"] == "@python:200kB"
    assert re.fullmatch(r"\w+ \d+\.\d+\.\S+", known["interpreter"])
    assert re.fullmatch(r"[0-9a-f]{64}", known["sha256"])
