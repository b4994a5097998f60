"""Archives, opened as if a stranger had packed them: nothing outside the folder, nothing but files, nothing endless."""

import contextlib
import gzip
import hashlib
import io
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from gen.errors import CorpusError
from gen.storage import human_size, refused

_BLOCK = 1 << 18  # bytes read at a time
_TAR_OVERHEAD = 4096  # bytes of headers and padding that one member of a tar may take
_UNSAFE = frozenset('\\:*?"<>|\x7f') | frozenset(map(chr, range(32)))  # in a name: separators elsewhere, or unprintable


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpacking:
    """What is taken out of an archive, and what it may cost.

    Attributes:
        size: most bytes that are decompressed.
        members: most members that the archive may list.
        keep: patterns of the members to write (`PurePosixPath.match`, from the right); none keeps all.
        strip: leading folders cut off the members' names.
    """

    size: int = 1_000_000_000
    members: int = 100_000
    keep: tuple[str, ...] = ()
    strip: int = 0

    def target(self, name: str) -> PurePosixPath | None:
        """Where the member `name` is written, below the folder; None leaves it out."""
        path = PurePosixPath(*PurePosixPath(name).parts[self.strip :])
        wanted = path.parts and (not self.keep or any(path.match(pattern) for pattern in self.keep))
        return path if wanted else None


def unpack(archive: Path, folder: Path, what: Unpacking) -> None:
    """Write the files of a zip, tar, tar.gz or tar.xz into an empty folder. Sizes are counted, never believed.

    The caller makes it atomic, with `gen.storage.atomic_folder`.

    Raises:
        CorpusError: the archive is damaged or of another kind; or a member leads out of the folder, is no regular
            file or folder, or appears twice; or there are too many of them, or bytes; or none is wanted.
        StorageError: the disk refused.
    """
    left = what.size
    with _readable(archive):
        for name, stream in _files(archive, what):
            path = what.target(name)
            if path is not None:
                left -= _write(stream, folder / path, left, f"{archive.name}: {name!r}")
    if left == what.size:
        raise CorpusError(f"{archive.name}: holds nothing to read (of {', '.join(what.keep) or 'any kind'})")


def tree_checksum(folder: Path) -> str:
    """SHA-256 over the lines "SHA-256, two spaces, path" of a folder's files, sorted by path.

    In that folder, `find * -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum` gives the same.
    """
    tree = hashlib.sha256()
    for path in sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()):
        with open(folder / path, "rb") as file:
            tree.update(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path}\n".encode())
    return tree.hexdigest()


@contextlib.contextmanager
def _readable(archive: Path) -> Iterator[None]:
    """Whatever the decoders of the standard library raise on damaged bytes, as one error."""
    try:
        yield
    except (
        *(EOFError, OSError, OverflowError, RuntimeError, ValueError),
        *(lzma.LZMAError, struct.error, tarfile.TarError, zipfile.BadZipFile, zlib.error),
    ) as error:
        raise CorpusError(f"{archive.name}: a damaged archive ({error}): get it again") from error


def _files(archive: Path, what: Unpacking) -> Iterator[tuple[str, IO[bytes]]]:
    """The name and content of each regular file, in the archive's order; all names are checked, of folders too."""
    with open(archive, "rb") as file:
        magic = file.read(6)
        file.seek(0)
        if magic.startswith(b"PK"):
            yield from _zip_files(file, archive.name, what)
        elif magic.startswith(b"\x1f\x8b"):
            with gzip.open(file) as tar:
                yield from _tar_files(tar, archive.name, what)
        elif magic == b"\xfd7zXZ\x00":
            with lzma.open(file) as tar:
                yield from _tar_files(tar, archive.name, what)
        elif tarfile.is_tarfile(file):
            file.seek(0)
            yield from _tar_files(file, archive.name, what)
        else:
            raise CorpusError(f"{archive.name}: begins with {magic!r}; it must be a zip, tar, tar.gz or tar.xz")


def _zip_files(file: io.BufferedReader, archive: str, what: Unpacking) -> Iterator[tuple[str, IO[bytes]]]:
    with zipfile.ZipFile(file) as opened:
        infos = opened.infolist()
        _check_count(archive, len(infos), what)
        for info in infos:
            _check_name(archive, info.filename)
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise CorpusError(f"{archive}: {info.filename!r} is a link or device; only files and folders are taken")
            if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack unboundedly
                raise CorpusError(f"{archive}: {info.filename!r} is packed by method {info.compress_type}; need 0 or 8")
            if not info.is_dir():
                with opened.open(info) as stream:
                    yield info.filename, stream


def _tar_files(file: io.BufferedIOBase, archive: str, what: Unpacking) -> Iterator[tuple[str, IO[bytes]]]:
    bounded = _Bounded(file, what.size + _TAR_OVERHEAD * (what.members + 1), archive)
    with tarfile.open(fileobj=bounded, mode="r|") as opened:
        for count, member in enumerate(opened, 1):
            _check_count(archive, count, what)
            _check_name(archive, member.name)
            if member.issparse() or not (member.isreg() or member.isdir()):
                raise CorpusError(f"{archive}: {member.name!r} is a link or device; only files and folders are taken")
            stream = opened.extractfile(member)
            if stream is not None:
                yield member.name, stream


class _Bounded(io.RawIOBase):
    """A stream that ends in an error after `limit` bytes, whatever a header claims."""

    def __init__(self, file: io.BufferedIOBase, limit: int, archive: str) -> None:
        self._file = file
        self._left = limit
        self._archive = archive

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size if 0 <= size <= self._left else self._left + 1)
        self._left -= len(data)
        if self._left < 0:
            raise CorpusError(f"{self._archive}: unpacks to more than the catalogue allows: it was refused")
        return data


def _check_count(archive: str, count: int, what: Unpacking) -> None:
    if count > what.members:
        raise CorpusError(f"{archive}: {count} members or more; at most {what.members} are taken")


def _check_name(archive: str, name: str) -> None:
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or _UNSAFE.intersection(name) or len(name.encode()) > 1000:
        raise CorpusError(
            f"{archive}: the member {name!r} leads out of the folder, or is no plain name: it was refused"
        )


def _write(stream: IO[bytes], target: Path, budget: int, what: str) -> int:
    """Copy a member to a new file and return its bytes, `budget` at most."""
    written = 0
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with open(target, "xb") as file:
            while block := _read(stream, min(_BLOCK, budget - written + 1)):
                written += len(block)
                if written > budget:
                    raise CorpusError(f"{what} unpacks to more than {human_size(budget)} that are left: it was refused")
                file.write(block)
    except (FileExistsError, IsADirectoryError, NotADirectoryError) as error:
        raise CorpusError(f"{what} appears twice: the archive was refused") from error
    except OSError as error:
        raise refused(target, error) from error
    return written


def _read(stream: IO[bytes], size: int) -> bytes:
    try:
        return stream.read(size)
    except OSError as error:  # of the archive, which must not pass for a refusal of the disk written to
        raise EOFError(error) from error
