import hashlib
import io
import os
import socket
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import replace
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gen.corpus.download import Patience, Remote, _Redirects, download
from gen.errors import CorpusError, StorageError
from gen.progress import Downloading

DATA = bytes(range(256)) * 1200
SHA = hashlib.sha256(DATA).hexdigest()
IMPATIENT = Patience(timeout=0.3, attempts=6, redirects=3)

Answer = Callable[["Handler"], None]


class Handler(BaseHTTPRequestHandler):
    """Gives the next of the site's answers, and the last one again and again."""

    site: "Site"

    def do_GET(self) -> None:
        self.site.requests.append(dict(self.headers))
        answers = self.site.answers
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def reply(self, status: int, headers: dict[str, Any], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, str(value))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


class Site(ThreadingHTTPServer):
    """A server on this machine that misbehaves as told."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), type("Bound", (Handler,), {"site": self}))
        self.requests: list[dict[str, str]] = []
        self.answers: list[Answer] = [whole()]

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # a client that leaves

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/corpus"


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with Site() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def whole() -> Answer:
    """The file in one piece, by a server that has never heard of Range."""
    return lambda handler: handler.reply(200, {"Content-Length": len(DATA)}, DATA)


def ranged(data: bytes = DATA, until: int | None = None, headers: dict[str, str] | None = None) -> Answer:
    """The file, or what is asked of it, by a proper server whose cable is cut at byte `until`."""

    def answer(handler: Handler) -> None:
        head: dict[str, Any] = {"ETag": '"v1"', **(headers or {})}
        start = int(handler.headers.get("Range", "bytes=0-")[6:-1])
        if not start or handler.headers["If-Range"] not in head.values():
            handler.reply(200, {**head, "Content-Length": len(data)}, data[:until])
        elif start >= len(data):
            handler.reply(416, head)
        else:
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            handler.reply(206, {**head, "Content-Length": len(data) - start, "Content-Range": span}, data[start:until])

    return answer


def redirect(target: str, code: int = 302) -> Answer:
    return lambda handler: handler.reply(code, {"Location": target, "Content-Length": 0})


def stall(data: bytes) -> Answer:
    def answer(handler: Handler) -> None:
        handler.reply(200, {"Content-Length": len(DATA), "ETag": '"v1"'}, data)
        handler.wfile.flush()
        time.sleep(1)

    return answer


def exact(site: Site, **changes: Any) -> Remote:
    return replace(Remote(name="@test", url=site.url, size=len(DATA), sha256=SHA), **changes)


def unsure(site: Site) -> Remote:
    return Remote(name="@test", url=site.url, size=len(DATA) - 50)


def get(remote: Remote, path: Path, patience: Patience = IMPATIENT) -> list[Downloading]:
    return list(download(remote, path, patience))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "download"


def test_a_file_arrives_with_progress(site: Site, path: Path) -> None:
    events = get(exact(site), path)
    assert path.read_bytes() == DATA
    assert events[-1] == Downloading("@test", len(DATA), len(DATA))
    received = [event.received for event in events]
    assert received == sorted(set(received)) and len(received) > 1


@pytest.mark.parametrize("make", [exact, unsure])
def test_a_length_need_not_be_declared(make: Callable[[Site], Remote], site: Site, path: Path) -> None:
    site.answers = [lambda handler: handler.reply(200, {}, DATA)]
    get(make(site), path)
    assert path.read_bytes() == DATA


def test_chunked_transfer_is_read(site: Site, path: Path) -> None:
    def answer(handler: Handler) -> None:
        handler.protocol_version = "HTTP/1.1"
        pieces = [DATA[i : i + 10_000] for i in range(0, len(DATA), 10_000)]
        body = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"
        handler.reply(200, {"Transfer-Encoding": "chunked"}, body)

    site.answers = [answer]
    get(unsure(site), path)
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("make", [exact, unsure])
def test_a_broken_connection_is_gone_on_with(make: Callable[[Site], Remote], site: Site, path: Path) -> None:
    site.answers = [ranged(until=1000), ranged(until=200_000), ranged()]
    get(make(site), path)
    assert path.read_bytes() == DATA
    assert [request.get("Range") for request in site.requests] == [None, "bytes=1000-", "bytes=200000-"]
    assert site.requests[1]["If-Range"] == '"v1"'


def test_the_next_command_goes_on_where_the_last_one_gave_up(site: Site, path: Path) -> None:
    site.answers = [ranged(until=100_000)]
    with pytest.raises(CorpusError, match=r"broke off after 100 kB of 307 kB \(.+\): run the same command again"):
        get(exact(site), path)
    site.requests.clear()
    site.answers = [ranged()]
    get(exact(site), path)
    assert [request.get("Range") for request in site.requests] == ["bytes=100000-"]
    assert path.read_bytes() == DATA


def test_a_reader_that_walks_away_leaves_a_part_to_go_on_with(site: Site, path: Path) -> None:
    site.answers = [ranged()]
    events = download(exact(site), path, IMPATIENT)
    received = next(events).received
    events.close()
    assert path.read_bytes() == DATA[:received]
    get(exact(site), path)
    assert site.requests[-1]["Range"] == f"bytes={received}-"
    assert path.read_bytes() == DATA


@pytest.mark.parametrize("headers", [{"ETag": 'W/"v1"'}, {"ETag": ""}])
def test_without_a_strong_validator_a_part_is_not_gone_on_with(headers: dict[str, str], site: Site, path: Path) -> None:
    site.answers = [ranged(until=1000, headers=headers), ranged(headers=headers)]
    get(exact(site), path)
    assert [request.get("Range") for request in site.requests] == [None, None]
    assert path.read_bytes() == DATA


def test_a_date_is_a_validator_too(site: Site, path: Path) -> None:
    date = {"ETag": 'W/"v1"', "Last-Modified": "Sat, 01 Jan 2022 00:00:00 GMT"}
    site.answers = [ranged(until=1000, headers=date), ranged(headers=date)]
    get(exact(site), path)
    assert site.requests[1]["If-Range"] == date["Last-Modified"]
    assert path.read_bytes() == DATA


def test_a_server_that_ignores_range_starts_over(site: Site, path: Path) -> None:
    site.answers = [ranged(until=1000), whole()]
    get(exact(site), path)
    assert path.read_bytes() == DATA


def test_a_file_that_changed_meanwhile_starts_over(site: Site, path: Path) -> None:
    site.answers = [ranged(bytes(len(DATA)), until=1000, headers={"ETag": '"v0"'}), ranged()]
    get(exact(site), path)
    assert path.read_bytes() == DATA


def test_a_part_longer_than_the_file_starts_over(site: Site, path: Path) -> None:
    path.write_bytes(bytes(len(DATA)))
    path.with_name("download.validator").write_text('"v1"')
    site.answers = [ranged()]
    get(unsure(site), path)
    assert path.read_bytes() == DATA


def test_an_answer_with_another_part_than_asked_for_starts_over(site: Site, path: Path) -> None:
    wrong = {"Content-Range": f"bytes 5-{len(DATA) - 1}/{len(DATA)}", "Content-Length": len(DATA) - 5}
    site.answers = [ranged(until=1000), lambda handler: handler.reply(206, wrong, DATA[5:]), ranged()]
    get(exact(site), path)
    assert path.read_bytes() == DATA


def test_what_arrived_whole_but_unchecked_is_checked_without_the_network(site: Site, path: Path) -> None:
    path.write_bytes(DATA)
    assert get(exact(site), path) == []
    assert site.requests == []


@pytest.mark.parametrize("length", [10, len(DATA) - 1])
def test_a_declared_length_that_is_too_short_is_an_error(length: int, site: Site, path: Path) -> None:
    site.answers = [lambda handler: handler.reply(200, {"Content-Length": length}, DATA)]
    with pytest.raises(CorpusError, match=r"broke off after .* of 307 kB"):
        get(exact(site), path)
    assert path.stat().st_size == length


@pytest.mark.parametrize("make", [exact, unsure])
@pytest.mark.parametrize("keeps_open", [False, True])
def test_a_declared_length_that_is_too_long_hangs_nothing(
    make: Callable[[Site], Remote], keeps_open: bool, site: Site, path: Path
) -> None:
    def answer(handler: Handler) -> None:
        handler.reply(200, {"Content-Length": 2 * len(DATA)}, DATA)
        handler.wfile.flush()
        time.sleep(0.6 if keeps_open else 0)

    site.answers = [answer]
    if make is exact:
        get(exact(site), path)
        assert path.read_bytes() == DATA
    else:
        with pytest.raises(CorpusError, match="broke off"):
            get(unsure(site), path)


@pytest.mark.parametrize("length", [None, 10**12])
def test_an_endless_file_is_cut_off(length: int | None, site: Site, path: Path) -> None:
    def answer(handler: Handler) -> None:
        handler.reply(200, {"Content-Length": length} if length else {})
        while True:  # until the client leaves
            handler.wfile.write(DATA)

    site.answers = [answer]
    remote = unsure(site)
    largest = 0
    with pytest.raises(CorpusError, match="sends more than 614 kB where about 307 kB are due; they were deleted"):
        for event in download(remote, path, IMPATIENT):
            largest = max(largest, event.received, path.stat().st_size)
    assert largest <= remote.limit + 1
    assert not path.exists()
    endless = exact(site, sha256="0" * 64)
    with pytest.raises(CorpusError, match="SHA-256"):
        get(endless, path)


def test_wrong_bytes_are_deleted_and_both_checksums_named(site: Site, path: Path) -> None:
    wrong = bytes(len(DATA))
    site.answers = [ranged(wrong)]
    with pytest.raises(CorpusError) as caught:
        get(exact(site), path)
    message = str(caught.value)
    assert SHA in message and hashlib.sha256(wrong).hexdigest() in message and "\n" not in message
    assert not list(path.parent.iterdir())


def test_a_part_with_wrong_bytes_does_not_stay_for_ever(site: Site, path: Path) -> None:
    path.write_bytes(b"rotten")
    path.with_name("download.validator").write_text('"v1"')
    site.answers = [ranged()]
    with pytest.raises(CorpusError, match="SHA-256"):
        get(exact(site), path)
    get(exact(site), path)
    assert path.read_bytes() == DATA


def test_a_stalled_connection_is_given_up_and_gone_on_with(site: Site, path: Path) -> None:
    site.answers = [stall(DATA[:1000]), ranged()]
    get(exact(site), path)
    assert path.read_bytes() == DATA
    assert site.requests[1]["Range"] == "bytes=1000-"


def test_a_server_that_says_nothing_is_given_up(site: Site, path: Path) -> None:
    site.answers = [lambda handler: time.sleep(0.6)]
    with pytest.raises(CorpusError, match=r"not in the cache and the network cannot be reached \(.*timed out\)"):
        get(exact(site), path)


def test_offline_is_one_plain_line(path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/x"
        remote = Remote(name="@test", url=url, size=10, sha256=SHA)
        with pytest.raises(CorpusError) as caught:
            get(remote, path)
    assert str(caught.value) == (
        "@test is not in the cache and the network cannot be reached ([Errno 111] Connection refused): "
        f"try again later, download it yourself from {url} and give its path, or use @python"
    )


def test_connections_that_each_bring_a_little_end_too(site: Site, path: Path) -> None:
    site.answers = [ranged(until=1000 * (i + 1)) for i in range(20)]
    with pytest.raises(CorpusError, match=r"broke off after 6\.0 kB"):
        get(exact(site), path)
    assert len(site.requests) == IMPATIENT.attempts


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_redirects_are_followed(code: int, site: Site, path: Path) -> None:
    site.answers = [redirect("/moved", code), redirect(site.url, code), ranged()]
    get(exact(site), path)
    assert path.read_bytes() == DATA


def test_a_redirected_download_is_gone_on_with(site: Site, path: Path) -> None:
    site.answers = [redirect("/moved"), ranged(until=1000), redirect("/moved"), ranged()]
    get(exact(site), path)
    assert path.read_bytes() == DATA
    assert site.requests[-1]["Range"] == "bytes=1000-"


def test_a_redirect_loop_ends(site: Site, path: Path) -> None:
    site.answers = [redirect("/corpus")]
    with pytest.raises(CorpusError, match="redirects again and again"):
        get(exact(site), path)
    assert len(site.requests) == IMPATIENT.redirects + 1


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x", "data:text/plain,x", "javascript:x"])
def test_redirects_away_from_http_are_refused(target: str, site: Site, path: Path) -> None:
    site.answers = [redirect(target)]
    with pytest.raises(CorpusError) as caught:
        get(exact(site), path)
    assert target.split(":")[0] in str(caught.value)
    assert not path.exists()


def test_a_redirect_from_https_down_to_http_is_refused(site: Site) -> None:
    redirects = _Redirects(exact(site), 5)
    request = urllib.request.Request("https://example.org/corpus")
    with pytest.raises(CorpusError, match="only https, or http from the start"):
        redirects.redirect_request(request, io.BytesIO(), 302, "Found", HTTPMessage(), "http://example.org/corpus")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "ftp://example.org/x", "data:,x"])
def test_other_addresses_are_refused(url: str, path: Path) -> None:
    with pytest.raises(CorpusError, match="the catalogue leads to"):
        get(Remote(name="@test", url=url, size=10), path)
    assert not path.exists()


@pytest.mark.parametrize("target", ["http://[::1", "http://\x7f/", "//"])
def test_a_redirect_to_nonsense_is_an_error(target: str, site: Site, path: Path) -> None:
    site.answers = [redirect(target)]
    with pytest.raises(CorpusError):
        get(exact(site), path)


@pytest.mark.parametrize("code", [204, 304, 403, 404, 429, 500, 503])
def test_a_refusal_is_told_with_its_code_and_a_part_is_kept(code: int, site: Site, path: Path) -> None:
    path.write_bytes(DATA[:1000])
    path.with_name("download.validator").write_text('"v1"')
    site.answers = [lambda handler: handler.reply(code, {})]
    with pytest.raises(CorpusError, match=f"answers {code} .*try again later"):
        get(exact(site), path)
    assert path.stat().st_size == 1000


def test_what_a_server_says_reaches_no_terminal_raw(site: Site, path: Path) -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(b"HTTP/1.0 404 \x1b[31mgone\x1b[0m\r\n\r\n")

    site.answers = [answer]
    with pytest.raises(CorpusError) as caught:
        get(exact(site), path)
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("garbage", [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200, bytes(70_000)])
def test_an_answer_that_is_no_http_is_an_error(garbage: bytes, site: Site, path: Path) -> None:
    def answer(handler: Handler) -> None:
        handler.wfile.write(garbage)

    site.answers = [answer]
    with pytest.raises(CorpusError, match="cannot be reached") as caught:
        get(exact(site), path)
    assert str(caught.value).isprintable()


def test_a_full_disk_is_a_storage_error(site: Site, tmp_path: Path) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    path = tmp_path / "download"
    path.symlink_to("/dev/full")
    with pytest.raises(StorageError, match="No space left on device"):
        get(exact(site), path)
