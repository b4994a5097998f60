"""`gen novelty`, and what `gen sample` says of copies: found, counted, kept from, or one line that says why not."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from gen.checkpoint import Checkpoint
from gen.cli.learned import SMALL
from tests.cli.conftest import Gen


def learned(trained: Path) -> str:
    text = (trained.parent / "babble.txt").read_text("utf-8")
    return text[: int(len(text) * 0.9)]


@pytest.fixture
def copied(trained: Path, tmp_path: Path) -> Path:
    """A text with a run of 90 characters from line 3 on of what was learned."""
    path = tmp_path / "mine.txt"
    path.write_text("0123456789" + learned(trained)[400:490] + "0123456789", "utf-8")
    return path


def test_a_copy_is_shown_with_its_place(gen: Gen, trained: Path, copied: Path) -> None:
    result = gen("novelty", str(copied))
    shown = result.out.decode()
    text = learned(trained)
    assert result.code == 0
    assert "81.8% of 110 characters in runs of 30 or more; the longest has 90" in shown
    line = text[:400].count("\n") + 1
    assert f"at 10, from {trained.parent / 'babble.txt'}, line {line}, character 400" in shown
    assert all("| " + row in shown for row in text[400:490].split("\n") if row)
    assert "unseen text" in shown


def test_as_json_it_is_the_same(gen: Gen, trained: Path, copied: Path) -> None:
    told = json.loads(gen("novelty", str(copied), "--run", "tiny", "--json").out)
    assert told["rate"] == {"characters": 110, "longest": 90, "share": 90 / 110}
    assert told["copies"][0]["text"] == learned(trained)[400:490]
    assert told["copies"][0]["offset"] == 400 and told["copies"][0]["at"] == 10
    assert 0 < told["unseen"]["characters"] <= 1200


def test_a_sample_ends_with_a_receipt(gen: Gen, trained: Path) -> None:
    result = gen("sample", "tiny", "-n", "80", "--seed", "1")
    text, receipt = result.out.decode(), result.err.splitlines()[-1]
    longest = max(n for n in range(81) if any(text[at : at + n] in learned(trained) for at in range(81 - n)))
    assert receipt.startswith("copied: ") and f"longest {longest} (of unseen text: " in receipt
    several = gen("sample", "tiny", "-n", "80", "--seed", "1", "--samples", "2").err
    assert "sample 1: copied: " in several and "sample 2: copied: " in several
    for silent in ("--no-novelty", "-q"):
        assert "copied" not in gen("sample", "tiny", "-n", "80", silent).err


@pytest.mark.parametrize("search", [[], ["--beam", "3"], ["--best-of", "3"], ["--samples", "3"]])
def test_no_copy_keeps_runs_out(gen: Gen, trained: Path, search: list[str]) -> None:
    result = gen("sample", "tiny", "-n", "200", "--seed", "1", "--no-copy", "6", "--temp", "0.3", *search)
    text = learned(trained)
    for sample in result.out.decode().split("\n\n\n"):
        assert not any(sample[at : at + 6] in text for at in range(len(sample) - 5))
    assert "longest 5 (" in result.err


def test_what_is_no_length_or_cannot_be_kept_is_one_line(gen: Gen) -> None:
    result = gen("sample", "tiny", "--no-copy", "3")
    assert (result.code, result.out) == (2, b"")
    assert result.err == "gen: error: no_copy is 3; it must be 4 or more characters\n"


def test_without_the_corpus_it_says_how_to_name_it(
    gen: Gen, trained: Path, copied: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEN_CACHE", str(tmp_path / "new"))
    source = trained.parent / "babble.txt"
    moved = tmp_path / "moved.txt"
    source.rename(moved)
    try:
        result = gen("novelty", str(copied))
        assert (result.code, result.out) == (3, b"")
        assert result.err.startswith("gen: error: corpus not available: ")
        assert result.err.endswith(": say where it is, --corpus PATH\n") and result.err.count("\n") == 1
        sampled = gen("sample", "tiny", "-n", "20")
        assert sampled.code == 0
        assert "copied: corpus not available: " in sampled.err and "--corpus PATH" in sampled.err
        assert gen("sample", "tiny", "-n", "20", "--no-copy", "9").code == 3
        found = gen("novelty", str(copied), "--corpus", str(moved))
        assert found.code == 0 and str(moved) in found.out.decode()
    finally:
        moved.rename(source)


@pytest.mark.parametrize(
    "record",
    [
        None,
        {"sources": 5, "options": {}, "checksum": "x", "bytes": "many"},
        {"sources": ["@nothing"], "options": {}, "checksum": 3, "bytes": 10},
        {"sources": ["/nowhere"], "options": {"such": 1}, "checksum": None, "bytes": -1},
    ],
)
def test_whatever_a_model_says_of_its_corpus_a_sample_is_a_sample(
    gen: Gen, trained: Path, tmp_path: Path, record: object
) -> None:
    checkpoint = Checkpoint.load(trained / "tiny" / "model.safetensors")
    replace(checkpoint, provenance={"corpus": record}).save(tmp_path / "odd.safetensors")
    result = gen("sample", str(tmp_path / "odd.safetensors"), "-n", "20")
    assert (result.code, len(result.out)) == (0, 20)
    assert "copied: " in result.err and "Traceback" not in result.err
    assert gen("novelty", __file__, "--run", str(tmp_path / "odd.safetensors")).code == 3


def test_once_made_the_index_needs_no_corpus(gen: Gen, trained: Path, copied: Path) -> None:
    before = gen("novelty", str(copied)).out
    source = trained.parent / "babble.txt"
    moved = source.rename(source.with_suffix(".moved"))
    try:
        assert gen("novelty", str(copied)).out == before
    finally:
        moved.rename(source)


def test_what_is_large_is_not_looked_up_unasked(gen: Gen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEN_CACHE", str(tmp_path / "new"))
    monkeypatch.setitem(SMALL, "bytes", 100)
    assert "copied: not looked up, which would take a while: --novelty" in gen("sample", "tiny", "-n", "9").err
    assert "longest" in gen("sample", "tiny", "-n", "9", "--novelty").err
    assert "longest" in gen("sample", "tiny", "-n", "9").err, "it is in the cache by now"


def test_a_file_of_another_medium_or_without_text_is_refused(gen: Gen, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    assert "there is no text in it" in gen("novelty", str(tmp_path / "empty.txt")).err
    (tmp_path / "tune.mid").write_bytes(b"MThd")
    assert "is music; tiny writes text" in gen("novelty", str(tmp_path / "tune.mid"), "--run", "tiny").err
