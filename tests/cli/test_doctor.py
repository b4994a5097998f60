"""`gen doctor`: a report whatever it is shown, harmless to the terminal, and true."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gen.cli import run
from gen.corpus.token_corpus import TokenCorpus
from gen.engine import instruction_sets
from gen.training.recipes import resolve
from tests.cli.conftest import Gen, Shelf, process
from tests.conftest import babble

ROOT = Path(__file__).parents[2]
ANY = settings(derandomize=True, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def rows(out: bytes) -> dict[str, str]:
    """A report as label -> text, continued lines joined."""
    found: dict[str, str] = {}
    label = ""
    for line in out.decode().splitlines():
        head, _, text = line.partition(" ")
        if head:
            label, line = head, text
        found[label] = f"{found.get(label, '')} {line.strip()}".strip()
    return found


def test_the_installation_is_examined(gen: Gen, own_cache: Path) -> None:
    result = gen("doctor")
    assert (result.code, result.err) == (0, "")
    lines = result.out.decode().splitlines()
    assert all(line.startswith(("ok  ", "note", "    ")) for line in lines)
    facts = json.loads(gen("doctor", "--json").out)
    assert facts["gen"]["found"].startswith("0.") and facts["gen"]["advice"] is None
    assert str(own_cache) in facts["cache"]["found"]
    assert facts["sampling"]["found"].startswith("native int8 and fp32, " if instruction_sets() else "numpy fp32")
    assert not own_cache.exists()


def test_the_runs_are_looked_for_where_they_are(gen: Gen, tmp_path: Path) -> None:
    assert str(tmp_path / "trained") in json.loads(gen("doctor", "--json").out)["runs"]["found"]
    elsewhere = json.loads(gen("doctor", "--json", "--out", str(tmp_path / "runs")).out)
    assert "not made yet" in elsewhere["runs"]["found"]


def test_a_corpus_is_examined(gen: Gen, text_file: Path, own_cache: Path) -> None:
    result = gen("doctor", str(text_file))
    assert (result.code, result.err) == (0, "")
    found = rows(result.out)
    assert list(found) == ["corpus", "read", "size", "lines", "symbols", "repetition", "twice", "suggested", "verdict"]
    assert found["corpus"] == str(text_file)
    assert found["read"] == "1 file in UTF-8"
    assert found["size"] == "12,000 characters, 12.0 kB"
    assert found["verdict"].startswith("too little to learn much: 12,000 characters")
    assert not own_cache.exists(), "it leaves nothing behind"


def test_suggested_is_what_training_chooses(gen: Gen, text_file: Path) -> None:
    facts = json.loads(gen("doctor", str(text_file), "--json").out)
    chosen = resolve(TokenCorpus.open(text_file))
    assert facts["suggested"] == {"model": chosen.model.to_dict(), "train": chosen.train.to_dict()}
    shown = rows(gen("doctor", str(text_file)).out)["suggested"]
    assert f"{chosen.model.cell} {chosen.model.layers} x {chosen.model.hidden}, " in shown
    assert f"{chosen.model.parameters:,} weights" in shown


def test_a_repeated_passage_is_shown_with_its_places(gen: Gen, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    passage = "Call me \x1b[31mIshmael\u202e.\r\nSome years"
    path.write_bytes(f"1{passage}2\n\n3{passage}4{babble(300, seed=1)}".encode())
    shown = rows(gen("doctor", str(path)).out)["twice"]
    length = len(passage) - 1  # its line end is one character
    place = len(passage) + 4
    assert (
        f"{length} characters, the longest such passage: line 1 (character 1) and line 4 (character {place})" in shown
    )
    assert shown.endswith(r"“Call me \x1b[31mIshmael\u202e.\nSome years”")
    assert json.loads(gen("doctor", str(path), "--json").out)["longest_repeat"]["characters"] == length


def test_a_folder_tells_files_encodings_and_copies(gen: Gen, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for name in ("a.txt", "b.txt"):
        (folder / name).write_text(babble(600), "utf-8")
    (folder / "c.txt").write_bytes("Größe und Straße, schön\n".encode("cp1252") * 30)
    (folder / "d.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"\0" * 50)
    found = rows(gen("doctor", str(folder)).out)
    assert found["read"] == "3 files: 2 in UTF-8, 1 in cp1252; 1 left out"
    assert found["documents"] == f"3, 640 characters each; 1 copy of others ({folder}/b.txt is {folder}/a.txt)"
    assert f"1 file left out: {folder}/d.png (a PNG image)" in found["note"]
    assert f"of {folder}/a.txt and line 1 (character 0) of {folder}/b.txt" in found["twice"]


def test_symbols_are_told_apart(gen: Gen, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("ab " * 100 + "\n\t'e\u0301漢\u200b\x07\u00a0" + babble(500), "utf-8")
    shown = rows(gen("doctor", str(path)).out)["symbols"]
    for name in ("space", "newline", "tab", '"\'" 1', "U+0301 1", "'漢' 1", "U+200B 1", "U+0007 1", "U+00A0 1"):
        assert name in shown


def test_how_to_read_it_can_be_told(gen: Gen, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes("Größe\r\n".encode("latin-1") * 50)
    told = gen("doctor", str(path), "--encoding", "latin-1", "--keep-line-ends")
    assert rows(told.out)["read"] == "1 file in latin-1"
    assert "U+000D" in rows(told.out)["symbols"]
    table = tmp_path / "a.csv"
    table.write_text("id,body\n" + "".join(f"{n},row {n} of the table\n" for n in range(50)))
    assert gen("doctor", str(table)).code == 3
    assert rows(gen("doctor", str(table), "--column", "body").out)["documents"].startswith("50, ")


ODD = {
    "empty": b"",
    "one character": b"x",
    "one symbol": b"a" * 50_000,
    "one endless line": babble(200_000).replace("\n", " ").encode(),
    "only newlines": b"\n" * 5_000,
    "NUL here and there": babble(4_000).replace("sea", "\0").encode(),
    "escape sequences": b"\x1b]0;title\x07\x1b[2J\x9b31m" * 3 + babble(3_000).encode(),
    "astral and combining": "🎼e\u0301\u200d\u202e\u05d0\u05d1".encode() * 300,
    "every code point": "".join(chr(point) for point in range(32, 0xD800)).encode(),
    "UTF-16": ("\ufeff" + babble(3_000)).encode("utf-16-le"),
    "markup": b"[bold]red[/bold] [link=x]" * 200,
}


@pytest.mark.parametrize("kind", ODD)
def test_odd_corpora_get_a_report(gen: Gen, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "odd.txt"
    path.write_bytes(ODD[kind])
    result = gen("doctor", str(path))
    assert result.code == 0
    assert result.err == ""
    assert rows(result.out)["verdict"]
    assert not any(control in result.out.decode() for control in ("\x1b", "\0", "\x07", "\r", "\x9b", "\u202e"))


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (["nowhere.txt"], 3, "there is no such file or folder"),
        (["{}/binary.txt"], 3, "binary data"),
        (["{}/binary.mid"], 3, "no piece can be read"),
        (["{}/hollow"], 3, "there is no text in this folder"),
        (["@nothing"], 3, "is not in the catalogue"),
        (["a\x1b[2J\0b"], 3, r"\x1b[2J"),
        (["{}/binary.txt", "--encoding", "klingon"], 2, "encoding 'klingon' is not known"),
        (["--pat", "x"], 2, "--pat"),
    ],
)
def test_mistakes_get_one_line_and_a_code(
    gen: Gen, tmp_path: Path, arguments: list[str], code: int, needle: str
) -> None:
    (tmp_path / "hollow").mkdir()
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 20)
    (tmp_path / "binary.mid").write_bytes(b"MThd\x00\x00\x00\x06" + bytes(20))
    result = gen("doctor", *(argument.replace("{}", str(tmp_path)) for argument in arguments))
    assert result.code == code
    assert result.out == b""
    assert result.err.startswith("gen: error: ") and result.err.count("\n") == 1
    assert needle in result.err and "\x1b" not in result.err


def test_names_of_files_are_harmless(gen: Gen, tmp_path: Path) -> None:
    folder = tmp_path / "evil\x1b[31m"
    folder.mkdir()
    for name in ("a\x1b[2J\n.txt", "b\u202e.txt"):
        (folder / name).write_text(babble(500), "utf-8")
    os.symlink(".", folder / "again")
    for arguments in (["doctor"], ["doctor", "--json"]):
        result = gen(*arguments, str(folder))
        assert result.code == 0
        assert b"\x1b" not in result.out and "\u202e" not in result.out.decode()


def test_standard_input_and_names_are_corpora(gen: Gen, shelf: Shelf, text_file: Path) -> None:
    with text_file.open("rb") as file:
        piped, _ = process("doctor", "-", "--json", stdin=file).communicate()
    facts = json.loads(piped)
    assert facts["characters"] == 12_000 and facts["suggested"]
    told = gen("doctor", "@tale", "--json")
    assert json.loads(told.out)["characters"] == 60_000
    assert "@tale: fetching" in told.err


@given(st.binary(max_size=400) | st.binary(min_size=1, max_size=20).map(lambda data: data * 40))
@ANY
def test_any_bytes_get_a_report_or_one_line(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes], data: bytes
) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(data)
    code = run(["doctor", str(path)])
    out, err = capfdbinary.readouterr()
    assert (code, bool(out), err.count(b"\n")) in ((0, True, 0), (3, False, 1))
    assert not any(ord(character) < 32 or 127 <= ord(character) < 160 for character in out.decode().replace("\n", ""))


def test_a_corpus_is_examined_without_torch(tmp_path: Path, text_file: Path) -> None:
    script = f"import sys, gen.cli; gen.cli.run(['doctor', {str(text_file)!r}]); print('loaded:', *sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert b"torch" not in done.stdout.rpartition(b"loaded:")[2].split()
