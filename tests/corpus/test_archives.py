import gzip
import hashlib
import io
import subprocess
import tarfile
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen.corpus.archives import Unpacking, tree_checksum, unpack
from gen.errors import CorpusError, StorageError

FILES = {"top/a/one.mid": b"one" * 1000, "top/a/deep/two.mid": b"two", "top/three.txt": b"", "top/é.txt": b"accent"}


Members = Iterable[tuple[str, bytes]]


def make_zip(path: Path, files: Members) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.mkdir("top")
        for name, data in files:
            archive.writestr(name, data)
    return path


def make_tar(path: Path, files: Members) -> Path:
    mode = {".gz": "w:gz", ".xz": "w:xz"}.get(path.suffix, "w")
    with tarfile.open(path, mode) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("top")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in files:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


KINDS: dict[str, Callable[[Path, Members], Path]] = {
    "a.zip": make_zip,
    "a.tar": make_tar,
    "a.tar.gz": make_tar,
    "a.tar.xz": make_tar,
}
every_kind = pytest.mark.parametrize("kind", KINDS)


def make(folder: Path, kind: str, files: dict[str, bytes]) -> Path:
    return KINDS[kind](folder / kind, files.items())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


@every_kind
def test_everything_comes_out_as_it_went_in(kind: str, tmp_path: Path, out: Path) -> None:
    unpack(make(tmp_path, kind, FILES), out, Unpacking())
    assert contents(out) == FILES


@every_kind
def test_patterns_choose_members_and_leading_folders_are_cut(kind: str, tmp_path: Path, out: Path) -> None:
    archive = make(tmp_path, kind, FILES)
    unpack(archive, out, Unpacking(keep=("a/*.mid", "*.txt"), strip=1))
    assert set(contents(out)) == {"a/one.mid", "three.txt", "é.txt"}
    with pytest.raises(CorpusError, match=r"holds nothing to read \(of \*\.wav\)"):
        unpack(archive, out, Unpacking(keep=("*.wav",)))


@every_kind
@pytest.mark.parametrize(
    "name",
    ["../evil.txt", "/evil.txt", "top/../../evil.txt", "top\\..\\evil.txt", "C:/evil.txt", "a\x1b[31m", "a" * 1001],
)
def test_a_member_that_leads_out_is_refused(kind: str, name: str, tmp_path: Path, out: Path) -> None:
    archive = make(tmp_path, kind, {"top/good.txt": b"good", name: b"evil"})
    with pytest.raises(CorpusError, match="leads out of the folder"):
        unpack(archive, out, Unpacking())
    outside = [path for path in tmp_path.rglob("*") if "evil" in path.name]
    assert not outside


@pytest.mark.parametrize(
    "kind",
    [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE, tarfile.GNUTYPE_SPARSE],
)
def test_links_and_devices_in_a_tar_are_refused(kind: bytes, tmp_path: Path, out: Path) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        info = tarfile.TarInfo("link")
        info.type, info.linkname = kind, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(CorpusError, match="link or device"):
        unpack(tmp_path / "a.tar", out, Unpacking())
    assert not list(out.iterdir())


def test_links_in_a_zip_are_refused(tmp_path: Path, out: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(CorpusError, match="'link' is a link or device"):
        unpack(tmp_path / "a.zip", out, Unpacking())


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_packing_methods_that_expand_without_bound_are_refused(method: int, tmp_path: Path, out: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w", method) as archive:
        archive.writestr("zeros", bytes(10_000))
    with pytest.raises(CorpusError, match=f"packed by method {method}"):
        unpack(tmp_path / "a.zip", out, Unpacking())


@every_kind
def test_the_size_is_bounded_over_all_members(kind: str, tmp_path: Path, out: Path) -> None:
    archive = make(tmp_path, kind, {f"top/{i}": bytes(100_000) for i in range(10)})
    unpack(archive, out, Unpacking(size=1_000_000, members=11))
    for path in out.rglob("*"):
        if path.is_file():
            path.unlink()
    with pytest.raises(CorpusError, match="unpacks to more than"):
        unpack(archive, out, Unpacking(size=999_999, members=11))
    assert sum(len(data) for data in contents(out).values()) <= 999_999


@every_kind
def test_the_number_of_members_is_bounded(kind: str, tmp_path: Path, out: Path) -> None:
    archive = make(tmp_path, kind, FILES)
    with pytest.raises(CorpusError, match=r"members or more; at most 4 are taken"):
        unpack(archive, out, Unpacking(members=4))


def test_a_zip_that_lies_about_a_size_is_refused(tmp_path: Path, out: Path) -> None:
    path = make_zip(tmp_path / "a.zip", [("bomb", bytes(1_000_000))])
    data = path.read_bytes()
    path.write_bytes(data.replace((1_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")))
    with pytest.raises(CorpusError, match="damaged archive"):
        unpack(path, out, Unpacking())
    assert all(len(data) <= 10 for data in contents(out).values())


def test_what_is_skipped_in_a_tar_is_counted_too(tmp_path: Path, out: Path) -> None:
    archive = make_tar(tmp_path / "a.tar.gz", [("top/zeros.bin", bytes(5_000_000)), ("top/good.txt", b"good")])
    with pytest.raises(CorpusError, match="more than the catalogue allows"):
        unpack(archive, out, Unpacking(size=1_000_000, members=3, keep=("*.txt",)))


def test_a_tar_header_that_claims_gigabytes_reads_no_further_than_the_bound(tmp_path: Path, out: Path) -> None:
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 8 * 10**9
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(20_000_000)))
    with pytest.raises(CorpusError, match="more than the catalogue allows"):
        unpack(path, out, Unpacking(size=1_000_000, members=3))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@every_kind
@pytest.mark.parametrize("second", ["top/a", "top/a/b"])
def test_a_name_that_appears_twice_is_refused(kind: str, second: str, tmp_path: Path, out: Path) -> None:
    twice = [("top/a", b"1"), (second, b"2")]
    with pytest.raises(CorpusError, match="appears twice"):
        unpack(KINDS[kind](tmp_path / kind, twice), out, Unpacking())
    assert contents(out) == {"top/a": b"1"}


@pytest.mark.parametrize("data", [b"", b"<html>not found</html>", bytes(1000), b"PK", b"\x1f\x8b", b"\xfd7zXZ\x00"])
def test_what_is_no_archive_is_refused(data: bytes, tmp_path: Path, out: Path) -> None:
    (tmp_path / "a").write_bytes(data)
    with pytest.raises(CorpusError, match=r"^a: (begins with|a damaged archive|holds nothing)"):
        unpack(tmp_path / "a", out, Unpacking())


def test_an_encrypted_zip_is_refused(tmp_path: Path, out: Path) -> None:
    path = make_zip(tmp_path / "a.zip", [("secret", b"s")])
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.rindex(mark) + offset
        data[at] |= 1
    path.write_bytes(data)
    with pytest.raises(CorpusError, match=r"damaged archive \(.*encrypted"):
        unpack(path, out, Unpacking())


def test_a_disk_that_refuses_is_not_called_a_damaged_archive(tmp_path: Path, out: Path) -> None:
    archive = make_tar(tmp_path / "a.tar", [("top/" + "n" * 300, b"a name too long for the disk")])
    with pytest.raises(StorageError, match="cannot write"):
        unpack(archive, out, Unpacking())


@settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(kind=st.sampled_from(sorted(KINDS)), data=st.data())
def test_damage_anywhere_is_a_corpus_error_or_harmless(kind: str, data: st.DataObject, tmp_path: Path) -> None:
    original = tmp_path / kind
    if not original.exists():
        make(tmp_path, kind, FILES)
    damaged = bytearray(original.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    del damaged[data.draw(st.integers(1, len(damaged))) :]
    path = tmp_path / "damaged"
    path.write_bytes(damaged)
    folder = tmp_path / hashlib.sha256(damaged).hexdigest()[:16]
    folder.mkdir(exist_ok=True)
    try:
        unpack(path, folder, Unpacking(size=100_000, members=100))
    except CorpusError:
        pass
    assert sum(len(content) for content in contents(folder).values()) <= 100_000


def test_the_tree_checksum_is_that_of_sha256sum(out: Path) -> None:
    for name, data in FILES.items():
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    lines = "".join(f"{hashlib.sha256(FILES[name]).hexdigest()}  {name}\n" for name in sorted(FILES))
    assert tree_checksum(out) == hashlib.sha256(lines.encode()).hexdigest()
    command = "find * -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum"
    shell = subprocess.run(command, shell=True, cwd=out, capture_output=True, text=True, check=True)
    assert shell.stdout.split()[0] == tree_checksum(out)


def test_the_tree_checksum_sees_a_moved_and_a_changed_file(out: Path) -> None:
    (out / "a").write_bytes(b"1")
    before = tree_checksum(out)
    (out / "a").rename(out / "b")
    moved = tree_checksum(out)
    (out / "b").write_bytes(b"2")
    assert len({before, moved, tree_checksum(out)}) == 3
