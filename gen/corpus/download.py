"""One file from the network: resumed where it broke off, never longer than it should be, checked before it is used."""

import contextlib
import hashlib
import http.client
import re
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from gen.errors import CorpusError
from gen.progress import Downloading
from gen.storage import human_size, refused

_BLOCK = 1 << 16  # bytes read at a time
_SHOWN = 200  # characters that an error quotes of what a server says


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    """A file elsewhere.

    Attributes:
        name: what messages and progress call it, as "@enwik8".
        url: http or https.
        size: bytes; exact where `sha256` is given, about right where it is not.
        sha256: of its bytes, in hexadecimal; None where they may change while what they unpack to does not.
    """

    name: str
    url: str
    size: int
    sha256: str | None = None

    @property
    def limit(self) -> int:
        """Most bytes that are accepted."""
        return self.size if self.sha256 else 2 * self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How much a download puts up with.

    Attributes:
        timeout: seconds without a byte.
        attempts: connections in all; one that brings nothing new is the last.
        redirects: in a row.
    """

    timeout: float = 30.0
    attempts: int = 20
    redirects: int = 5


def download(remote: Remote, path: Path, patience: Patience | None = None) -> Generator[Downloading, None, None]:
    """Bring a file to `path`, going on from the part that is there; afterwards it is whole, with the right checksum.

    The caller holds a lock on the folder. A file `.validator` beside `path` says which version a part belongs to.

    Raises:
        CorpusError: no network, or the server does not send the file; a part is kept for the next attempt. Or the
            bytes have another checksum, or are too many; then they are deleted.
        StorageError: the disk refused.
    """
    patience = patience or Patience()
    for attempt in range(1, patience.attempts + 1):
        before = _size(path)
        if remote.sha256 and before >= remote.size:  # whole already, the process ended before it was used
            break
        try:
            response = _open(remote, path, patience)
            with response:
                yield from _receive(remote, path, response)
            break
        except _BrokenOffError as error:
            after = _size(path)
            if after == before or attempt == patience.attempts:
                raise CorpusError(_broken_off(remote, after, str(error))) from error
    if remote.sha256:
        _verify(remote, path, remote.sha256)


def discard(path: Path) -> None:
    """Delete a downloaded file, or its part."""
    with _disk(path):
        path.unlink(missing_ok=True)
        _validator(path).unlink(missing_ok=True)


class _BrokenOffError(Exception):
    """The connection failed or ended early; another one may go on from there."""


def _open(remote: Remote, path: Path, patience: Patience) -> http.client.HTTPResponse:
    """The answer to a request for what is missing, or for all of it where the part's version is not known."""
    request = urllib.request.Request(remote.url, headers={"User-Agent": "gen", "Accept-Encoding": "identity"})
    have = _size(path)
    version = _validator(path).read_text("ascii", "ignore") if have and _validator(path).exists() else ""
    if version:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", version)
    try:
        with _network():
            response: http.client.HTTPResponse = _opener(remote, patience).open(request, timeout=patience.timeout)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416 and version:  # the part is longer than what the server has
            discard(path)
            raise _BrokenOffError("the file there has changed") from error
        raise CorpusError(_refusal(remote, error.code, error.reason)) from error
    if response.status not in (200, 206):
        response.close()
        raise CorpusError(_refusal(remote, response.status, response.reason))
    resumed = re.match(rf"bytes {have}-\d+/", response.headers.get("Content-Range", ""))
    if response.status == 206 and not (version and resumed):
        response.close()
        discard(path)
        raise _BrokenOffError("the server sends another part than was asked for")
    return response


def _receive(remote: Remote, path: Path, response: http.client.HTTPResponse) -> Iterator[Downloading]:
    """Write an answer to `path`: behind the part that is there, or in its place."""
    received = _size(path) if response.status == 206 else 0
    length = response.headers.get("Content-Length", "")
    end = received + int(length) if length.isdecimal() else None
    total = remote.size if remote.sha256 or end is None else end
    stop = min(remote.limit + (remote.sha256 is None), end or remote.limit + 1)
    with _disk(path), open(path, "ab" if received else "wb") as file:
        if not received:  # only now, when no part of another version is left
            _remember(response.headers, path)
        while received < stop and (block := _read(response, min(_BLOCK, stop - received))):
            file.write(block)
            received += len(block)
            yield Downloading(remote.name, received, total)
    if received > remote.limit:
        discard(path)
        found = f"{remote.url} sends more than {human_size(remote.limit)} where about {human_size(remote.size)} are due"
        raise CorpusError(f"{remote.name}: {found}; they were deleted: {_otherwise()}")
    if received < (remote.size if remote.sha256 else end or 0):
        raise _BrokenOffError("the server ended it early")


def _read(response: http.client.HTTPResponse, size: int) -> bytes:
    with _network():
        return response.read1(size)  # `read` would lose what came before a time-out


def _remember(headers: http.client.HTTPMessage, path: Path) -> None:
    """Keep what tells this version of the file from others (RFC 9110, 8.8); without it no part is gone on from."""
    tag = headers.get("ETag", "")
    version = tag if tag and not tag.startswith("W/") else headers.get("Last-Modified", "")
    _validator(path).write_text(version if version.isprintable() else "", "ascii", "ignore")


def _validator(path: Path) -> Path:
    return path.with_name(path.name + ".validator")


def _verify(remote: Remote, path: Path, wanted: str) -> None:
    with _disk(path), open(path, "rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != wanted:
        discard(path)
        raise CorpusError(
            f"{remote.name}: {remote.url} sends bytes with SHA-256 {found} where the catalogue says {wanted}; "
            f"they were deleted: {_otherwise()}"
        )


def _refusal(remote: Remote, code: int, reason: str) -> str:
    return f"{remote.name}: {remote.url} answers {code} ({_printable(reason)}): {_otherwise()}"


def _otherwise(url: str = "elsewhere") -> str:
    return f"try again later, download it yourself from {url} and give its path, or use @python"


def _broken_off(remote: Remote, received: int, reason: str) -> str:
    if not received:
        found = f"{remote.name} is not in the cache and the network cannot be reached ({reason})"
        return f"{found}: {_otherwise(remote.url)}"
    found = f"broke off after {human_size(received)} of {human_size(remote.size)} ({reason})"
    return f"{remote.name}: the connection {found}: run the same command again to go on from there"


def _printable(reason: object) -> str:
    """What a server or the system said, on one line and free of control characters."""
    text = "".join(c if c.isprintable() else " " for c in str(reason)[:_SHOWN])
    return " ".join(text.split()) or type(reason).__name__


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextlib.contextmanager
def _network() -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError:  # an answer, if not the one hoped for
        raise
    except (OSError, ValueError, http.client.HTTPException) as error:  # of sockets, TLS, addresses, headers, chunks
        raise _BrokenOffError(_printable(getattr(error, "reason", error))) from error


@contextlib.contextmanager
def _disk(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise refused(path, error) from error


def _opener(remote: Remote, patience: Patience) -> urllib.request.OpenerDirector:
    """Speaks http and https only (the default opener reads file: and ftp: too)."""
    _check_scheme(remote, remote.url)
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        _Redirects(remote, patience.redirects),
    ):
        opener.add_handler(handler)
    return opener


def _check_scheme(remote: Remote, url: str, before: str = "") -> None:
    scheme = urlsplit(url).scheme
    if scheme not in ("http", "https") or (scheme == "http" and urlsplit(before).scheme == "https"):
        found = f"{before or 'the catalogue'} leads to {_printable(url)}"
        raise CorpusError(f"{remote.name}: {found}; only https, or http from the start, is followed: {_otherwise()}")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a bounded number of redirects, and none that leads away from http or from https down to it."""

    max_repeats = max_redirections = 1 << 30  # `_left` counts instead: the base class complains in three lines

    def __init__(self, remote: Remote, most: int) -> None:
        self._remote = remote
        self._left = most

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        """The request to go on with."""
        fp.close()  # the base class would read the page to its end, wherever that is
        _check_scheme(self._remote, newurl, req.full_url)
        self._left -= 1
        if self._left < 0:
            raise CorpusError(f"{self._remote.name}: {self._remote.url} redirects again and again: {_otherwise()}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)
