"""`gen tokens`: what a text or a piece is cut into, for a person in colours, for a program in columns."""

import json
import os
from pathlib import Path

import pytest

from gen.tokenizers.fitting import Tokens, fit_text
from tests.cli.conftest import SMALL, Gen, on_a_terminal, write_tunes

TEXT = "Die Möwe fängt süße Fische,\n  und der Bär isst sie.\n" * 3
COLOURS = {"TERM": "xterm-256color", "NO_COLOR": "", "COLORTERM": ""}


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, "utf-8")
    return str(path)


@pytest.mark.parametrize("tokens", ["char", "byte", "subword:320", "bpe:320", "word:300"])
def test_json_holds_the_cut_and_the_counts(gen: Gen, text: str, tokens: str) -> None:
    found = json.loads(gen("tokens", text, "--tokens", tokens, "--json", "-n", "1000").out)
    symbols = {symbol: TEXT.count(symbol) for symbol in sorted(set(TEXT))}
    tokenizer = fit_text(Tokens.parse(tokens), symbols, [TEXT], boundary=False)
    assert "".join(found["pieces"]) == TEXT
    assert found["ids"] == tokenizer.encode(TEXT).tolist()
    assert (found["count"], found["characters"], found["bytes"]) == (len(found["ids"]), len(TEXT), len(TEXT.encode()))
    assert found["tokens_per_character"] == pytest.approx(found["count"] / len(TEXT))
    assert found["symbols_used"] == len(set(found["ids"]))


def test_what_words_lose_is_listed_and_counted(gen: Gen, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    path.write_text(TEXT + "Nur einmal einmal hier.\n", "utf-8")
    result = gen("tokens", str(path), "--tokens", "word:100")
    assert "lost: 2 unknown words" in result.err
    assert "Nur 1" in result.err and "hier 1" in result.err and "einmal" not in result.err.split("lost:")[1]


def test_a_program_gets_a_line_for_each_token(gen: Gen, text: str) -> None:
    rows = [line.split("\t") for line in gen("tokens", text, "--tokens", "byte", "-n", "6").out.decode().splitlines()]
    assert rows[:5] == [[str(ord(c)), c, c] for c in "Die M"]
    assert rows[5] == ["195", "<0xC3>", "ö"]


def test_a_terminal_gets_colours_or_marks(gen: Gen, text: str) -> None:
    shown = on_a_terminal("tokens", text, "--tokens", "word:300", environment=os.environ | COLOURS).decode()
    assert "\x1b[" in shown and "characters a token" in shown
    plain = on_a_terminal("tokens", text, "--tokens", "word:300", environment=os.environ | COLOURS | {"NO_COLOR": "1"})
    assert "Die│ Möwe│ fängt│ süße│ Fische│,│↵" in plain.decode()


def test_a_run_cuts_as_its_model_does(gen: Gen, trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "known.txt"
    path.write_text("The sea.\n", "utf-8")
    found = json.loads(gen("tokens", str(path), "--run", "tiny", "--json").out)
    assert found["tokens"] == "char" and found["pieces"] == list("The sea.\n")
    refused = gen("tokens", str(path), "--run", "tiny", "--tokens", "byte")
    assert refused.code == 2 and "--run has tokens of its own" in refused.err


def test_music_is_shown_moment_by_moment(gen: Gen, tmp_path: Path) -> None:
    folder = write_tunes(tmp_path / "tunes", 3)
    found = json.loads(gen("tokens", str(folder), "--json", "-n", "40").out)
    assert found["events"][0] == "BOS" and len(found["ids"]) == 40
    assert found["pieces"] == 3 and found["notes"] == 3 * 60
    assert found["tokens_per_note"] == pytest.approx(found["count"] / 180)
    assert sum(found["kinds"].values()) == found["count"]
    shown = on_a_terminal("tokens", str(folder), environment=os.environ | COLOURS | {"NO_COLOR": "1"}).decode()
    assert "TIME_SHIFT" in shown and "a note" in shown


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--tokens", "words"], "tokens is 'words'; it must be char, byte"),
        (["--clock", "beats"], "--clock is 'beats'; it is of no use to text"),
        (["-n", "-1"], "--show is -1"),
    ],
)
def test_mistakes_are_one_line(gen: Gen, text: str, arguments: list[str], said: str) -> None:
    result = gen("tokens", text, *arguments)
    assert result.code == 2 and said in result.err and result.err.count("\n") == 1


@pytest.mark.parametrize("tokens", ["byte", "subword:300", "bpe:300", "word:100"])
def test_a_model_of_any_tokens_trains_writes_and_is_measured(gen: Gen, tmp_path: Path, tokens: str) -> None:
    path = tmp_path / "text.txt"
    path.write_text("".join(f"Die Möwe {k} fängt süße Fische,\n  und der Bär {k % 7} isst sie.\n" for k in range(150)))
    out = ["--out", str(tmp_path / "runs")]
    trained = gen("train", str(path), "--tokens", tokens, "--steps", "12", "--name", "it", *SMALL, *out)
    assert trained.code == 0, trained.err
    assert "bits/byte" in trained.err and "perplexity/word" in trained.err
    record = json.loads(gen("show", "it", "--json", *out).out)
    found = record["validation"]
    assert record["tokenizer"]["kind"] == ("subword" if tokens == "bpe:300" else tokens.partition(":")[0])
    assert found["bits_per_byte"] < found["bits_per_character"] < 3 * found["bits_per_byte"]
    assert ("unknown_per_token" in found) == (tokens == "word:100")
    listed = gen("ls", *out).out.decode()
    assert f"{found['bits_per_byte']:.3f} bits/byte" in listed
    assert f"text, {tokens.partition(':')[0]}" in listed
    card = (tmp_path / "runs" / "it" / "README.md").read_text("utf-8")
    assert f"{found['bits_per_byte']:.4f} bits a byte" in card
    assert "bits/byte" in gen("eval", "it", *out).out.decode()
    written = gen("sample", "it", "-n", "50", "--seed", "1", "--prompt", "Die ", *out)
    assert written.code == 0 and len(written.out.decode()) == 50 and "<unk>" not in written.out.decode()
    grown = gen("train", str(path), "--init-from", str(tmp_path / "runs" / "it"), "--steps", "1", "--name", "on", *out)
    assert grown.code == 0, grown.err
