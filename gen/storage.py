"""Where bytes meet the disk: atomic writes, checksums, locks and cache folders. Nothing else calls fsync or replace."""

import contextlib
import errno
import hashlib
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import platformdirs

from gen.errors import ConfigError, StorageError

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_HELD = (errno.EWOULDBLOCK, errno.EACCES, errno.EDEADLK)  # what flock and msvcrt say of a lock that is taken
_DEVICES = {"con", "prn", "aux", "nul", *(port + digit for port in ("com", "lpt") for digit in "123456789¹²³")}
_SIZES = ("B", "kB", "MB", "GB", "TB")
_TRAINING = "is training here: wait for it, stop it, or give this run another --name"


def human_size(size: float) -> str:
    """A size a person reads: 812 B, 1.1 MB."""
    for unit in _SIZES:
        if size < 999.5 or unit == _SIZES[-1]:
            return f"{size:.0f} {unit}" if unit == "B" or size >= 100 else f"{size:.1f} {unit}"
        size /= 1000
    raise AssertionError


def checksum(data: bytes | memoryview) -> str:
    """SHA-256, in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def cache_folder() -> Path:
    """Where what can be made again is kept: `GEN_CACHE`, or the user's cache folder. Always safe to delete."""
    given = os.environ.get("GEN_CACHE")
    return Path(given) if given else platformdirs.user_cache_path("gen")


def free_space(path: Path) -> int:
    """Bytes free on the disk that holds `path` (or the nearest folder above it that exists)."""
    for folder in (path, *path.parents):
        if folder.exists():
            return shutil.disk_usage(folder).free
    return 0


def refused(path: Path, error: OSError) -> StorageError:
    """The one line for a disk that says no."""
    try:
        free = f"; {human_size(free_space(path))} free there"
    except OSError:
        free = ""
    reason = error.strerror or type(error).__name__
    full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    advice = "free some space, or choose another folder" if full else "choose another place"
    return StorageError(f"{path}: cannot write ({reason}{free}): {advice}")


def make_folder(path: Path) -> None:
    """Create a folder and those above it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(path, error) from error


def _sync_folder(folder: Path) -> None:
    if sys.platform == "win32":  # a folder cannot be opened there; rename is durable enough
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _sync_file(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def atomic_file(path: Path) -> Iterator[IO[bytes]]:
    """A file to write that takes the place of `path` only when it is whole and on the disk.

    Raises:
        StorageError: the disk refused; `path` is the old file or, if only the last flush failed, the new one.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
        _sync_folder(path.parent)
    except OSError as error:
        raise refused(path, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def atomic_write(path: Path, data: bytes) -> None:
    """Replace the content of `path` by `data`: afterwards it is the old file or the new one, never a part."""
    with atomic_file(path) as file:
        file.write(data)


@contextlib.contextmanager
def atomic_folder(path: Path) -> Iterator[Path]:
    """A folder to fill that appears at `path` only when it is complete. If `path` appears meanwhile, that one stays."""
    make_folder(path.parent)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(4)}.partial")
    make_folder(temporary)
    try:
        yield temporary
        _sync_below(temporary, path)
        _appear(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


@contextlib.contextmanager
def resumable_folder(path: Path) -> Iterator[Path]:
    """`atomic_folder`, but one that was begun and not finished is there again, as it was left, to be gone on with.

    It is left where the process is killed or the work is interrupted; an error removes it. While a process has it,
    others that want it get a folder of their own.
    """
    temporary = path.with_name(f".{path.name}.partial")
    make_folder(temporary)
    try:
        lock = FolderLock(temporary)
    except StorageError:  # held, or refused for a reason that refuses the other one, too
        lock = None
    if lock is None or not lock.in_place:  # or its holder has just finished
        if lock is not None:
            lock.release()
        with atomic_folder(path) as own:
            yield own
        return
    try:
        yield temporary
        _sync_below(temporary, path)
        if sys.platform == "win32":  # where a folder with an open file in it cannot be renamed
            lock.release()
        if not _appear(temporary, path):
            shutil.rmtree(temporary, ignore_errors=True)
    except Exception:
        shutil.rmtree(temporary, ignore_errors=True)
        raise
    finally:
        lock.release()


def _sync_below(folder: Path, path: Path) -> None:
    """Flush all that is in a folder, which is to appear at `path`, to the disk."""
    try:
        for entry in (folder, *folder.rglob("*")):  # or a power cut could leave the name without the content
            (_sync_folder if entry.is_dir() else _sync_file)(entry)
    except OSError as error:
        if not path.is_dir():
            raise refused(path, error) from error


def _appear(folder: Path, path: Path) -> bool:
    """Give a folder its name; False if another is there already."""
    try:
        os.replace(folder, path)
        _sync_folder(path.parent)
    except OSError as error:
        if not path.is_dir():
            raise refused(path, error) from error
        return not folder.exists()
    return True


def flush(*files: IO[bytes]) -> None:
    """Send what was written to open files to the disk, one after the other."""
    for file in files:
        file.flush()
        os.fsync(file.fileno())


def sweep(folder: Path) -> None:
    """Remove what writers that were killed left half-written in `folder` (which the caller holds locked)."""
    for path in folder.glob(".*.partial"):
        with contextlib.suppress(OSError):
            path.unlink()


class FolderLock:
    """One writer for a folder, for as long as its process lives: a killed holder's lock is free at once.

    Args:
        folder: it must exist.
        busy: what the message says that the holder is doing, and what to do about it.

    Raises:
        StorageError: another process holds it; the message names that process.
    """

    def __init__(self, folder: Path, busy: str = _TRAINING) -> None:
        path = self._path = folder / ".lock"
        no_follow = getattr(os, "O_NOFOLLOW", 0)  # a link in its place must not lead the write below out of the folder
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | no_follow, 0o644)
        except OSError as error:
            raise refused(path, error) from error
        try:
            if sys.platform == "win32":
                os.lseek(self._descriptor, 1024, os.SEEK_SET)  # beyond the text, which others may read
                msvcrt.locking(self._descriptor, msvcrt.LK_NBLCK, 1)
                os.lseek(self._descriptor, 0, os.SEEK_SET)
            else:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode())
        except OSError as error:
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            holder = os.read(self._descriptor, 100).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            if error.errno not in _HELD:
                raise refused(path, error) from error
            raise StorageError(f"{folder}: process {holder} {busy}") from error

    @property
    def in_place(self) -> bool:
        """Whether the folder is where it was when it was locked, and not moved away by a holder before."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), os.stat(self._path))
        except OSError:
            return False

    def release(self) -> None:
        """Let others in. The file stays; only the lock on it counts."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> "FolderLock":
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_plain(name: str) -> bool:
    """Whether every system takes `name` as the name of an entry of a folder, and nobody's eyes are deceived by it."""
    forbidden = name.startswith((".", "-")) or name.endswith((".", " ")) or any(c in '/\\:*?"<>|' for c in name)
    device = name.partition(".")[0].rstrip().lower() in _DEVICES  # Windows opens these wherever they stand
    return bool(name) and name.isprintable() and not forbidden and not device and len(name.encode()) <= 200


def inside(folder: Path, name: str, what: str) -> Path:
    """`folder / name`, where `name` is one plain path component that cannot lead out of `folder`.

    Raises:
        ConfigError: it is not plain (as an empty, hidden, absolute or reserved name), or is a link to elsewhere.
    """
    if not is_plain(name):
        raise ConfigError(
            f'{what} {name!r}: give a plain name, without any of / \\ : * ? " < > | and control characters, that '
            "begins with neither '.' nor '-' and is none that Windows keeps for a device"
        )
    path = folder / name
    if path.is_symlink():
        raise ConfigError(f"{what} {name!r} is a link to elsewhere: give another name")
    return path
