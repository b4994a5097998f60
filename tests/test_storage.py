import errno
import os
import random
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen import storage
from gen.errors import ConfigError, StorageError
from gen.storage import (
    FolderLock,
    atomic_file,
    atomic_folder,
    atomic_write,
    cache_folder,
    checksum,
    free_space,
    human_size,
    inside,
    make_folder,
    resumable_folder,
    sweep,
)

Made = Callable[[Path], AbstractContextManager[Path]]

OLD, NEW = b"old" * 1000, b"new" * 100_000
on_posix = pytest.mark.skipif(sys.platform == "win32", reason="the calls and signals of POSIX")
each_refusal = pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS])


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# ── A disk that refuses ──────────────────────────────────────────────────────────────────────────────────────────────


class FailingDisk:
    """Counts the calls that can meet a full or broken disk, and lets the n-th fail."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n: int, code: int) -> None:
        self._n = n
        self._code = code
        self.calls = 0
        for name in ("open", "fsync", "replace", "ftruncate", "write", "mkdir"):
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))
        monkeypatch.setattr(storage, "open", self._open, raising=False)

    def _counted(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*arguments: Any, **options: Any) -> Any:
            self.count()
            return function(*arguments, **options)

        return counted

    def _open(self, path: Path, mode: str) -> IO[bytes]:
        self.count()
        file = open(path, mode)
        for name in ("write", "flush"):
            setattr(file, name, self._counted(getattr(file, name)))
        return file

    def count(self) -> None:
        self.calls += 1
        if self.calls == self._n:
            raise OSError(self._code, os.strerror(self._code))


def refusals(monkeypatch: pytest.MonkeyPatch, code: int) -> Iterator[tuple[FailingDisk, pytest.MonkeyPatch]]:
    """A disk that fails at its first call, one that fails at its second … until the work gets by without a failure."""
    for n in range(1, 100):
        with monkeypatch.context() as patch:
            disk = FailingDisk(patch, n, code)
            yield disk, patch
        if disk.calls < n:
            assert n > 3, "the disk was hardly used"
            return
    raise AssertionError("the work never ends")


@each_refusal
def test_whenever_the_disk_refuses_a_file_is_the_old_one_or_the_new_one(
    code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.safetensors"
    outcomes = []
    for _disk, patch in refusals(monkeypatch, code):
        path.write_bytes(OLD)
        error = None
        try:
            atomic_write(path, NEW)
        except StorageError as caught:
            error = str(caught)
        patch.undo()
        outcomes.append(path.read_bytes() == NEW)
        assert contents(tmp_path) == {"model.safetensors": NEW if outcomes[-1] else OLD}
        if error is not None:
            assert error.startswith(f"{path}: cannot write ({os.strerror(code)}; ")
            assert " free there): " in error
        else:
            assert outcomes[-1]
    assert outcomes == sorted(outcomes)  # from some call on it is the new file: never a part, never back to the old
    assert outcomes.count(False) >= 5  # open, write, flush, fsync, replace


@pytest.mark.parametrize("made", [atomic_folder, resumable_folder])
@each_refusal
def test_whenever_the_disk_refuses_a_folder_is_whole_or_not_there(
    code: int, made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {"a": b"1", "deep/b": b"2" * 100_000}
    path = tmp_path / "cache" / "entry"
    failures = 0
    for _disk, patch in refusals(monkeypatch, code):
        error = None
        try:
            with made(path) as folder:
                (folder / "deep").mkdir()
                for name, data in files.items():
                    (folder / name).write_bytes(data)
        except (StorageError, OSError) as caught:
            error = caught
        patch.undo()
        assert error is None or not isinstance(error, StorageError) or str(path.parent) in str(error)
        whole = {f"cache/entry/{name}": data for name, data in files.items()}
        found = {name: data for name, data in contents(tmp_path).items() if not name.endswith(".lock")}
        assert found in ({}, whole)
        if error is None:
            assert found == whole
        failures += error is not None
        for left in sorted(tmp_path.rglob("*"), reverse=True):
            left.rmdir() if left.is_dir() else left.unlink()
    assert failures >= 6


@on_posix
@each_refusal
def test_a_lock_that_the_disk_refuses_is_no_lock(code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for disk, patch in refusals(monkeypatch, code):
        try:
            with FolderLock(tmp_path):
                assert disk.calls >= 3  # open, truncate, write
        except StorageError as error:
            assert f"{tmp_path / '.lock'}: cannot write ({os.strerror(code)}" in str(error)
        patch.undo()
        FolderLock(tmp_path).release()  # nobody holds it


@on_posix
def test_a_real_limit_on_file_sizes_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(OLD)
    script = (
        "import resource, signal, sys; from pathlib import Path; from gen.storage import atomic_write\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (9000, 9000))\n"
        "atomic_write(Path(sys.argv[1]), b'x' * 300_000)"
    )
    ended = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True)
    assert f"StorageError: {path}: cannot write (File too large; " in ended.stderr
    assert contents(tmp_path) == {"model": OLD}


def test_no_free_space_is_named_where_none_can_be_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(_path: Path) -> None:
        raise OSError(errno.ENOSYS, "not here")

    monkeypatch.setattr("shutil.disk_usage", unknown)
    with pytest.raises(StorageError, match=r"cannot write \(No such file or directory\): "):
        atomic_write(tmp_path / "missing" / "file", NEW)


# ── Files and folders that appear at once ────────────────────────────────────────────────────────────────────────────


@settings(derandomize=True, deadline=None, max_examples=30)
@given(pieces=st.lists(st.binary(max_size=50)))
def test_what_is_written_is_what_is_read(tmp_path_factory: pytest.TempPathFactory, pieces: list[bytes]) -> None:
    path = tmp_path_factory.mktemp("written") / "file"
    with atomic_file(path) as file:
        for piece in pieces:
            file.write(piece)
        assert not path.exists()
    assert path.read_bytes() == b"".join(pieces)


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, GeneratorExit])
def test_a_writer_that_gives_up_leaves_the_old_file(tmp_path: Path, failure: type[BaseException]) -> None:
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(failure), atomic_file(tmp_path / "file") as file:
        file.write(NEW)
        raise failure
    with pytest.raises(failure), atomic_folder(tmp_path / "folder") as folder:
        (folder / "part").write_bytes(NEW)
        raise failure
    assert contents(tmp_path) == {"file": OLD}
    assert not (tmp_path / "folder").exists()


@on_posix
def test_a_file_in_the_place_of_a_link_leaves_the_link_s_target_alone(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(OLD)
    (tmp_path / "link").symlink_to(tmp_path / "target")
    atomic_write(tmp_path / "link", NEW)
    assert (tmp_path / "target").read_bytes() == OLD
    assert (tmp_path / "link").read_bytes() == NEW


@on_posix
def test_new_files_have_the_permissions_that_the_user_s_mask_leaves(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        atomic_write(tmp_path / "file", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "file").stat().st_mode) == 0o640


def test_the_content_is_on_the_disk_before_the_name_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)

        def noted(*arguments: Any, real: Callable[..., Any] = real, name: str = name) -> None:
            kind = name
            if name == "fsync":
                kind += " folder" if stat.S_ISDIR(os.fstat(arguments[0]).st_mode) else " file"
            done.append(kind)
            real(*arguments)

        monkeypatch.setattr(os, name, noted)
    on_folders = [] if sys.platform == "win32" else ["fsync folder"]
    atomic_write(tmp_path / "file", NEW)
    assert done == ["fsync file", "replace", *on_folders]
    done.clear()
    with atomic_folder(tmp_path / "folder") as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "a").write_bytes(NEW)
    assert done == [*on_folders, *on_folders, "fsync file", "replace", *on_folders]


def test_a_folder_that_appeared_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "entry"
    with atomic_folder(path) as mine:
        (mine / "a").write_bytes(b"mine")
        with atomic_folder(path) as theirs:
            (theirs / "a").write_bytes(b"theirs")
    assert contents(tmp_path) == {"entry/a": b"theirs"}


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, GeneratorExit])
def test_a_folder_that_was_begun_is_gone_on_with(tmp_path: Path, interruption: type[BaseException]) -> None:
    path = tmp_path / "entry"
    with pytest.raises(interruption), resumable_folder(path) as folder:
        (folder / "a").write_bytes(OLD)
        raise interruption
    assert not path.exists()
    with resumable_folder(path) as folder:
        assert (folder / "a").read_bytes() == OLD
        (folder / "b").write_bytes(NEW)
        assert not path.exists()
    assert contents(path) == {".lock": f"{os.getpid()}\n".encode(), "a": OLD, "b": NEW}
    assert [entry.name for entry in tmp_path.iterdir()] == ["entry"]


def test_a_folder_that_ends_in_an_error_is_gone(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="broken"), resumable_folder(tmp_path / "entry") as folder:
        (folder / "a").write_bytes(OLD)
        raise ValueError("broken")
    assert not list(tmp_path.iterdir())


def test_a_folder_that_another_works_on_is_left_to_it(tmp_path: Path) -> None:
    path = tmp_path / "entry"
    with resumable_folder(path) as theirs:
        (theirs / "a").write_bytes(b"theirs")
        with resumable_folder(path) as mine:
            assert mine != theirs
            (mine / "a").write_bytes(b"mine")
        assert contents(path) == {"a": b"mine"}
    assert contents(tmp_path) == {"entry/a": b"mine"}


def test_a_lock_on_a_folder_that_was_moved_away_counts_for_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between opening the lock's file and taking the lock, its holder finishes and gives the folder its name."""
    path = tmp_path / "entry"
    lock = FolderLock

    class Late(FolderLock):
        def __init__(self, folder: Path) -> None:
            super().__init__(folder)
            (folder / "a").write_bytes(b"theirs")
            os.replace(folder, path)

    monkeypatch.setattr(storage, "FolderLock", Late)
    with resumable_folder(path) as folder:
        assert not list(folder.iterdir())
        (folder / "a").write_bytes(b"mine")
    assert (path / "a").read_bytes() == b"theirs"
    lock(path).release()
    assert [entry.name for entry in tmp_path.iterdir()] == ["entry"]


def test_a_file_where_a_folder_should_be_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(OLD)
    with pytest.raises(StorageError, match="cannot write"):
        make_folder(tmp_path / "file")
    with pytest.raises(StorageError, match="cannot write"):
        make_folder(tmp_path / "file" / "below")
    with pytest.raises(StorageError, match="cannot write"), atomic_folder(tmp_path / "file"):
        pass
    assert contents(tmp_path) == {"file": OLD}


WRITER = """
import sys
from itertools import cycle
from pathlib import Path
from gen.storage import atomic_write
path = Path(sys.argv[1])
for letter in cycle(b"ab"):
    atomic_write(path, bytes([letter]) * 3_000_000)
    print(flush=True)
"""


@on_posix
def test_a_writer_killed_at_any_moment_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    moments = random.Random(0)
    for _ in range(4):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            writer.stdout.readline()
            time.sleep(moments.random() * 0.05)
            writer.kill()
            writer.stdout.read()
        data = path.read_bytes()
        assert data in (b"a" * 3_000_000, b"b" * 3_000_000)
    sweep(tmp_path)
    assert list(contents(tmp_path)) == ["file"]


def test_sweeping_removes_half_written_files_and_nothing_else(tmp_path: Path) -> None:
    for name in (".model.safetensors.77-0f.partial", "model.safetensors", ".lock", "a.partial", "sub/.b.1-2.partial"):
        make_folder((tmp_path / name).parent)
        (tmp_path / name).write_bytes(b"")
    sweep(tmp_path)
    assert set(contents(tmp_path)) == {"model.safetensors", ".lock", "a.partial", "sub/.b.1-2.partial"}
    sweep(tmp_path / "missing")


# ── Locks ────────────────────────────────────────────────────────────────────────────────────────────────────────────

HOLDER = """
import sys
from pathlib import Path
from gen.storage import FolderLock
lock = FolderLock(Path(sys.argv[1]))
print(flush=True)
sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that holds the lock on `folder`."""
    command = [sys.executable, "-c", HOLDER, str(folder)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


def test_a_second_writer_is_refused_and_told_who_is_at_work(tmp_path: Path) -> None:
    with another_process(tmp_path) as holder:
        began = time.monotonic()
        with pytest.raises(StorageError) as caught:
            FolderLock(tmp_path)
        assert time.monotonic() - began < 1
        assert str(caught.value) == (
            f"{tmp_path}: process {holder.pid} is training here: wait for it, stop it, or give this run another --name"
        )
        with pytest.raises(StorageError, match=rf"process {holder.pid} is downloading"):
            FolderLock(tmp_path, busy="is downloading")


@on_posix
def test_a_killed_holder_s_lock_is_free_at_once(tmp_path: Path) -> None:
    with another_process(tmp_path) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with FolderLock(tmp_path):
            assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"


def test_a_released_lock_can_be_taken_again(tmp_path: Path) -> None:
    with FolderLock(tmp_path), pytest.raises(StorageError, match=f"process {os.getpid()} is"):
        FolderLock(tmp_path)
    with FolderLock(tmp_path):
        pass
    with pytest.raises(ValueError, match="in the body"), FolderLock(tmp_path):
        raise ValueError("in the body")
    FolderLock(tmp_path).release()


def test_a_refused_lock_leaks_no_descriptor(tmp_path: Path) -> None:
    with FolderLock(tmp_path):
        taken = [os.open(os.devnull, os.O_RDONLY)]
        for _ in range(20):
            with pytest.raises(StorageError):
                FolderLock(tmp_path)
        taken.append(os.open(os.devnull, os.O_RDONLY))
        for descriptor in taken:
            os.close(descriptor)
    assert taken[1] == taken[0] + 1


@on_posix
def test_a_link_in_the_place_of_the_lock_leads_nowhere(tmp_path: Path) -> None:
    (tmp_path / "precious").write_bytes(OLD)
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(StorageError, match="cannot write"):
        FolderLock(tmp_path / "run")
    assert (tmp_path / "precious").read_bytes() == OLD


@on_posix
def test_a_file_system_without_locks_is_not_taken_for_a_holder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", unsupported)
    with pytest.raises(StorageError, match=r"cannot write \(No locks available"):
        FolderLock(tmp_path)


def test_a_folder_that_is_not_there_cannot_be_locked(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        FolderLock(tmp_path / "missing")


# ── Names ────────────────────────────────────────────────────────────────────────────────────────────────────────────

HOSTILE_NAMES = [
    "",
    ".",
    "..",
    "../../x",
    "..\\x",
    "a/b",
    "a\\b",
    "/etc/passwd",
    "C:",
    "c:\\x",
    "\\\\server\\share",
    ".hidden",
    "-rf",
    "a\0b",
    "a\nb",
    "a\x1b[31m",
    "a\x7f",
    "a\u202etxt",
    "a\udcff",
    "a*",
    "a?",
    'a"',
    "a<b",
    "a|b",
    "stream:ads",
    "dot.",
    "space ",
    "con",
    "NUL",
    "nul.txt",
    "Com1",
    "lpt9.tar.gz",
    "COM¹",
    "aux .x",
    "x" * 201,
    "é" * 101,
]


@pytest.mark.parametrize("name", HOSTILE_NAMES, ids=ascii)
def test_a_name_that_could_lead_elsewhere_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="run name") as caught:
        inside(tmp_path, name, "run name")
    assert repr(name) in str(caught.value)
    assert "\0" not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["a", "shakespeare-2", "_x", "a.b", "Tolstoi 1869", "日本語", "é" * 100, "contra", "com10", "null"]
)
def test_a_plain_name_is_taken(name: str, tmp_path: Path) -> None:
    path = inside(tmp_path, name, "run name")
    path.mkdir()
    assert [entry.name for entry in tmp_path.iterdir()] == [name]


@settings(derandomize=True, deadline=None, max_examples=300)
@given(name=st.text(st.characters() | st.sampled_from("./\\:\0~ \n"), max_size=12))
def test_no_name_leads_out_of_the_folder(name: str) -> None:
    folder = Path("runs").absolute()
    try:
        path = inside(folder, name, "run name")
    except ConfigError:
        return
    assert Path(os.path.normpath(path)).parent == folder
    assert path.name == name


@on_posix
@pytest.mark.parametrize("target", ["..", "missing", "other"])
def test_a_link_out_of_the_folder_is_refused(target: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(target)
    with pytest.raises(ConfigError, match="'link' is a link to elsewhere"):
        inside(tmp_path, "link", "run name")


# ── Small things ─────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("size", "shown"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_345, "12.3 kB"),
        (123_456, "123 kB"),
        (999_499, "999 kB"),
        (999_500, "1.0 MB"),
        (1_115_394, "1.1 MB"),
        (5e9, "5.0 GB"),
        (3.2e15, "3200 TB"),
    ],
)
def test_sizes_as_a_person_reads_them(size: float, shown: str) -> None:
    assert human_size(size) == shown


def test_the_checksum_is_sha_256() -> None:
    abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, appendix B.1
    assert checksum(b"abc") == checksum(memoryview(b"abc")) == abc


def test_the_cache_is_where_the_user_says_or_where_caches_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("GEN_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    for unset in ("", None):
        if unset is None:
            monkeypatch.delenv("GEN_CACHE")
        else:
            monkeypatch.setenv("GEN_CACHE", unset)
        assert cache_folder().is_absolute()
        assert "gen" in cache_folder().parts


def test_free_space_is_that_of_the_nearest_folder(tmp_path: Path) -> None:
    free = shutil.disk_usage(tmp_path).free
    assert abs(free_space(tmp_path / "not" / "yet" / "there") - free) < 1e9
    assert free_space(Path("not-yet-there")) > 0
