"""`gen corpora`: what the catalogue says, without fetching anything unless told to."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gen.corpus.catalog import entries
from tests.cli.conftest import Gen, Shelf

ROOT = Path(__file__).parents[2]


def test_each_name_has_a_line_with_its_facts(gen: Gen) -> None:
    result = gen("corpora")
    assert result.code == 0 and result.err == ""
    header, *lines = result.out.decode().splitlines()
    assert header.split()[:3] == ["name", "medium", "size"]
    assert len(lines) == len(entries())
    for line, entry in zip(lines, entries(), strict=True):
        assert line.split()[:2] == [f"@{entry.name}", entry.medium]
        assert all(fact in line for fact in (entry.title, entry.licence, entry.homepage))
    assert "  built in  " in lines[0]
    assert "  58.4 MB   " in lines[-1]


def test_json_has_a_line_for_each(gen: Gen) -> None:
    facts = [json.loads(line) for line in gen("corpora", "--json").out.splitlines()]
    assert [fact["name"] for fact in facts] == [f"@{entry.name}" for entry in entries()]
    assert facts[0]["embedded"] and facts[0]["url"] is None and facts[0]["folder"] is None
    known = {fact["name"]: fact for fact in facts}
    assert known["@enwik8"]["size"] == 36_445_475
    assert not known["@enwik8"]["cached"]
    assert known["@enwik8"]["sha256"] and known["@pop909"]["tree_sha256"]


@pytest.mark.parametrize("name", [f"@{entry.name}" for entry in entries()])
def test_one_is_shown_in_full(gen: Gen, name: str, own_cache: Path) -> None:
    rows = dict(line.split(maxsplit=1) for line in gen("corpora", name).out.decode().splitlines())
    (entry,) = (entry for entry in entries() if f"@{entry.name}" == name)
    assert (rows["name"], rows["what"], rows["licence"]) == (name, entry.title, entry.licence)
    if not entry.embedded:
        assert rows["address"] == entry.url
        assert (entry.sha256 or entry.tree_sha256 or "?") in rows["checksum"]
        assert f"{entry.size:,} bytes" in rows["size"]
    assert rows["use"] == f"gen train {name}"
    assert not own_cache.exists(), "nothing is fetched, nothing is written"


def test_a_fetched_one_is_said_to_be_there(gen: Gen, shelf: Shelf) -> None:
    assert "cached" not in gen("corpora").out.decode()
    shown = gen("corpora", "@tale").out.decode()
    assert shelf.ranges == [] and "not there; 'gen corpora @tale --fetch' gets it" in shown
    fetched = gen("corpora", "tale", "--fetch", "--json")
    assert json.loads(fetched.out)["cached"]
    assert Path(json.loads(fetched.out)["folder"], "tale.txt").read_bytes() == shelf.data
    assert f"{shelf.size}, cached" in gen("corpora").out.decode()
    assert str(shelf.entry.folder) in gen("corpora", "@tale").out.decode()


def test_what_is_built_in_needs_no_fetching(gen: Gen, own_cache: Path) -> None:
    result = gen("corpora", "@python", "--fetch")
    assert result.code == 0
    assert "there is nothing to fetch" in result.err
    assert not own_cache.exists()


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (["--fetch"], 2, "--fetch needs a name"),
        (["@shakespear"], 3, "did you mean @shakespeare?"),
        (["@\x1b[2Jx"], 3, r"\x1b[2Jx"),
        (["@enwik8:1MB"], 3, "only @python and @composer have a size"),
        (["@a", "@b"], 2, "unexpected extra argument"),
    ],
)
def test_mistakes_get_one_line_and_a_code(gen: Gen, arguments: list[str], code: int, needle: str) -> None:
    result = gen("corpora", *arguments)
    assert result.code == code
    assert result.out == b""
    assert result.err.startswith("gen: error: ") and result.err.count("\n") == 1
    assert needle in result.err and "\x1b" not in result.err


def test_nothing_heavy_is_loaded_for_it(tmp_path: Path) -> None:
    script = "import sys, gen.cli; gen.cli.run(['corpora']); print('loaded:', *sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, env=environment, capture_output=True, check=True
    )
    assert not {b"torch", b"numpy"} & set(done.stdout.rpartition(b"loaded:")[2].split())
