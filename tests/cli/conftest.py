"""A small trained run, made once, and `gen` as a function and as a process."""

import hashlib
import os
import pty
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from gen.cli import run
from gen.corpus import catalog
from gen.corpus.catalog import PYTHON, CatalogEntry
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Pedal, Score, Tempo
from gen.storage import human_size
from tests.conftest import babble

SMALL = ["--hidden", "24", "--layers", "2", "--threads", "1"]
STEPS = ["--steps", "12", *SMALL]


@dataclass
class Result:
    """What a command left: exit code, bytes on stdout, text on stderr."""

    code: int
    out: bytes
    err: str


Gen = Callable[..., Result]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with one run, `tiny`."""
    folder = tmp_path_factory.mktemp("trained")
    text = folder / "babble.txt"
    text.write_text(babble(12_000), "utf-8")
    before = os.environ.get("GEN_CACHE")
    os.environ["GEN_CACHE"] = str(folder / "cache")
    code = run(["train", str(text), "--steps", "60", "--name", "tiny", "--out", str(folder / "runs"), *SMALL])
    if before is not None:
        os.environ["GEN_CACHE"] = before
    assert code == 0
    return folder / "runs"


@pytest.fixture
def gen(
    capfdbinary: pytest.CaptureFixture[bytes], trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Gen:
    """Run a command in this process, in a world of the test's own where `tiny` is the one run there is."""
    folder = tmp_path / "trained"
    shutil.copytree(trained, folder)
    monkeypatch.setenv("GEN_CHECKPOINTS", str(folder))

    def call(*arguments: str) -> Result:
        capfdbinary.readouterr()
        code = run(list(arguments))
        captured = capfdbinary.readouterr()
        return Result(code, captured.out, captured.err.decode())

    return call


def tune(number: int, late: int = 0) -> Score:
    """A tune over a bass, in two tracks; a performer is late."""
    notes = [Note(240 * n + late * (n % 3), 220, 60 + (7 * n * (number + 1)) % 17, 80, 0, 73) for n in range(48)]
    notes += [Note(960 * n, 900, 36 + (5 * n + number) % 12, 70, 1, 0) for n in range(12)]
    pedals = [Pedal(960 * n + 480 * (n % 2), 1, n % 2 == 0) for n in range(8)] if late else []
    return Score.of(480, [*notes, *pedals, Tempo(0, 500_000)])


def write_tunes(folder: Path, count: int, late: int = 0) -> Path:
    folder.mkdir()
    for number in range(count):
        (folder / f"{number:02}.mid").write_bytes(midi_bytes(tune(number, late)).data)
    return folder


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model by beats and one by seconds, of pieces that stand beside them."""
    folder = tmp_path_factory.mktemp("music")
    before = os.environ.get("GEN_CACHE")
    os.environ["GEN_CACHE"] = str(folder / "cache")
    for name, late in (("grid", 0), ("played", 7)):
        sources = write_tunes(folder / f"{name}-midi", 14, late)
        assert run(["train", str(sources), "--name", name, "--out", str(folder / "runs"), *STEPS]) == 0
    if before is not None:
        os.environ["GEN_CACHE"] = before
    return folder


@pytest.fixture
def music(gen: Gen, models: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Gen:
    """`gen` where these two models are the runs there are, in a folder of the test's own."""
    monkeypatch.setenv("GEN_CHECKPOINTS", str(models / "runs"))
    monkeypatch.chdir(tmp_path)
    return gen


def process(*arguments: str, **options: object) -> "subprocess.Popen[bytes]":
    """`gen` in a process of its own."""
    defaults: dict[str, object] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    command = [sys.executable, "-m", "gen", *arguments]
    return subprocess.Popen(command, **(defaults | options))  # type: ignore[call-overload,no-any-return]


def on_a_terminal(*arguments: str, environment: Mapping[str, str] | None = None) -> bytes:
    """What a command writes to stdout when that is a terminal, with stderr elsewhere."""
    ours, theirs = pty.openpty()
    child = process(*arguments, stdout=theirs, stderr=subprocess.DEVNULL, env=environment)
    os.close(theirs)
    written = b""
    while True:
        try:
            piece = os.read(ours, 4096)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        written += piece
    os.close(ours)
    assert child.wait() == 0
    return written.replace(b"\r\n", b"\n")  # the terminal's own translation


class Shelf:
    """A server on this machine with one text, which is in the catalogue as @tale.

    Attributes:
        ranges: what was asked for, request by request; empty for all of it.
        breaks_after: bytes after which it ends the connection.
    """

    def __init__(self) -> None:
        self.data = babble(60_000).encode()
        self.size = human_size(len(self.data))
        self.ranges: list[str] = []
        self.breaks_after: int | None = None
        shelf = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                shelf.ranges.append(self.headers.get("Range", ""))
                start = int(shelf.ranges[-1].removeprefix("bytes=").removesuffix("-") or 0)
                self.send_response(206 if start else 200)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(shelf.data) - 1}/{len(shelf.data)}")
                self.send_header("Content-Length", str(len(shelf.data) - start))
                self.send_header("ETag", '"one"')
                self.end_headers()
                self.wfile.write(shelf.data[start : shelf.breaks_after])

            def log_request(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.entry = CatalogEntry(
            name="tale",
            title="a tale",
            medium="text",
            licence="none",
            homepage="https://example.org",
            url=f"http://127.0.0.1:{self.server.server_port}/tale.txt",
            size=len(self.data),
            sha256=hashlib.sha256(self.data).hexdigest(),
        )


@pytest.fixture
def shelf(monkeypatch: pytest.MonkeyPatch) -> Iterator[Shelf]:
    """A catalogue of @python and @tale, which a server on this machine has."""
    shelf = Shelf()
    monkeypatch.setattr(catalog, "entries", lambda: (PYTHON, shelf.entry))
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with shelf.server:
        thread = threading.Thread(target=shelf.server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield shelf
        shelf.server.shutdown()
        thread.join()
