"""`gen score`: costs for a person in colours, for a program as plain columns or arrays, and totals that agree."""

import json
import math
import os
import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.config import ModelConfig
from gen.models.initialization import initial_weights
from gen.music.midi_writer import midi_bytes
from gen.sampler import TextSampler
from gen.tokenizers import CharTokenizer
from tests.cli.conftest import Gen, on_a_terminal, process, tune

TEXT = "The sea and sand.\nA red sun so we sail.\n"
COLOURS = {"TERM": "xterm-256color", "NO_COLOR": "", "COLORTERM": ""}


@pytest.fixture
def text(tmp_path: Path) -> str:
    path = tmp_path / "text.txt"
    path.write_text(TEXT, "utf-8")
    return str(path)


def test_a_program_gets_columns(gen: Gen, text: str, trained: Path) -> None:
    result = gen("score", text)
    header, *rows = [line.split("\t") for line in result.out.decode().splitlines()]
    assert header == ["nats", "symbol"]
    assert [symbol for _, symbol in rows] == [r"\n" if c == "\n" else c for c in TEXT]
    nats = TextSampler.load(trained / "tiny", precision="fp32").score(TEXT)
    assert [float(cost) for cost, _ in rows] == pytest.approx(nats.tolist(), abs=1e-4)
    assert f"total: {nats.sum():.1f} nats for {len(TEXT)} characters" in result.err
    assert f"{nats.mean():.4f} nats/token, {nats.mean() / math.log(2):.3f} bits/character" in result.err
    assert f"{math.exp(nats.mean()):.3f} perplexity/token" in result.err
    assert gen("score", text, "--quiet").err == ""


def test_json_holds_arrays_and_totals(gen: Gen, text: str, trained: Path) -> None:
    found = json.loads(gen("score", text, "--json", "--run", "tiny").out)
    nats = TextSampler.load(trained / "tiny", precision="fp32").score(TEXT)
    assert found["nats"] == nats.tolist() and "".join(found["symbols"]) == TEXT and found["units"] == [1] * len(TEXT)
    assert (found["tokens"], found["characters"], found["run"], found["medium"]) == (
        len(TEXT),
        len(TEXT),
        "tiny",
        "text",
    )
    assert found["total_nats"] == pytest.approx(nats.sum())
    assert found["bits_per_byte"] == pytest.approx(nats.mean() / math.log(2))
    assert found["perplexity_per_token"] == pytest.approx(math.exp(nats.mean()))
    assert found["perplexity_per_word"] == pytest.approx(math.exp(nats.sum() / len(TEXT.split())))


def test_stdin_and_files_are_told_alike(gen: Gen, text: str, trained: Path) -> None:
    piped = process("score", "-", "--run", str(trained / "tiny"), stdin=subprocess.PIPE)
    out, _ = piped.communicate(TEXT.encode())
    assert out == gen("score", text).out and piped.returncode == 0


def test_unknown_characters_are_an_error_or_left_out_or_replaced(gen: Gen, tmp_path: Path) -> None:
    path = tmp_path / "odd.txt"
    path.write_text("Thé☃ sea", "utf-8")
    refused = gen("score", str(path))
    assert refused.code == 3 and refused.out == b"" and "2 characters that the model never saw: 'é'" in refused.err
    skipped, nearest = gen("score", str(path), "--unknown", "skip"), gen("score", str(path), "--unknown", "nearest")
    assert [line[-1:] for line in skipped.out.decode().splitlines()[1:]] == list("Th sea")
    assert "left out, unknown to the model: 'é' '☃'" in skipped.err
    assert [line[-1:] for line in nearest.out.decode().splitlines()[1:]] == list("The sea")


@pytest.mark.parametrize("columns", ["40", "80"])
def test_a_terminal_gets_the_text_in_colours_and_the_totals(trained: Path, text: str, columns: str) -> None:
    environment = os.environ | COLOURS | {"COLUMNS": columns}
    shown = on_a_terminal("score", text, "--run", str(trained / "tiny"), environment=environment).decode()
    bare = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert bare.replace("↵", "").startswith(TEXT)
    assert "\x1b[" in shown and not set(re.findall(r"\x1b\[[0-9;]*([A-Za-z])", shown)) - {"m"}
    assert re.search(r"\x1b\[[0-9;]+m[^\x1b]", shown[: shown.index("p ")]), "some character stands out"
    assert f"nats for {len(TEXT)} characters" in bare
    assert max(map(len, bare.split("\n")[3:])) <= int(columns)


@pytest.mark.parametrize("setting", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_without_colours_each_line_has_its_mean(trained: Path, text: str, setting: dict[str, str]) -> None:
    environment = os.environ | COLOURS | setting
    shown = on_a_terminal("score", text, "--run", str(trained / "tiny"), environment=environment).decode()
    assert "\x1b" not in shown
    nats = TextSampler.load(trained / "tiny", precision="fp32").score(TEXT)
    assert f"{nats[:18].mean():5.2f}  The sea and sand.\n{nats[18:].mean():5.2f}  A red sun" in shown


def test_a_pipe_gets_no_colours_even_if_they_are_forced(gen: Gen, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    result = gen("score", text)
    assert b"\x1b" not in result.out and result.out.startswith(b"nats\tsymbol\n")


@pytest.mark.parametrize("surrounding", [{}, {"NO_COLOR": "1"}])
def test_control_characters_do_not_reach_the_terminal(tmp_path: Path, surrounding: dict[str, str]) -> None:
    content = "and sand " * 20 + "The \x1b]0;sea\x07\u202e"
    tokenizer = CharTokenizer(sorted(set(content)))
    shape = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), layers=1, hidden=4)
    model, path = tmp_path / "odd.safetensors", tmp_path / "odd.txt"
    Checkpoint(shape, tokenizer, initial_weights(shape, 0), {}).save(model)
    path.write_text(content, "utf-8")
    environment = os.environ | COLOURS | surrounding
    shown = on_a_terminal("score", str(path), "--run", str(model), environment=environment).decode()
    bare = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert r"The \x1b]0;sea\x07\u202e" in bare and not {"\x1b", "\x07", "\u202e"} & set(bare)


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (["nowhere.txt"], 3, "nowhere.txt: cannot read the text (No such file or directory)"),
        (["nowhere.mid"], 2, "no run that writes music"),
        (["nowhere.mid", "--run", "tiny"], 2, "nowhere.mid is music; tiny writes text: name another run with --run"),
        (["TEXT", "--precision", "fp64"], 2, "precision is 'fp64'; it must be fp32 or int8"),
        (["TEXT", "--run", "tinny"], 2, "did you mean tiny?"),
        (["TEXT", "--unknown", "guess"], 2, "unknown is 'guess'; it must be one of error, skip, nearest"),
        (["EMPTY"], 3, "there is no text in it"),
        ([], 2, "FILE"),
    ],
)
def test_mistakes_get_one_line_and_a_code(
    gen: Gen, text: str, tmp_path: Path, arguments: list[str], code: int, needle: str
) -> None:
    (tmp_path / "empty.txt").touch()
    places = {"TEXT": text, "EMPTY": str(tmp_path / "empty.txt")}
    result = gen("score", *(places.get(argument, argument) for argument in arguments))
    assert result.code == code and result.out == b""
    assert result.err.startswith("gen: error: ") and result.err.count("\n") == 1 and needle in result.err


# ── Music ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("run", "unit"), [("grid", "bar"), ("played", "second")])
def test_music_is_told_by_the_bar_or_by_the_second(music: Gen, tmp_path: Path, run: str, unit: str) -> None:
    (tmp_path / "tune.mid").write_bytes(midi_bytes(tune(3)).data)
    found = json.loads(music("score", "tune.mid", "--run", run, "--json").out)
    sections = found[f"{unit}s"]
    assert sum(it["notes"] for it in sections) == found["notes"] == 60
    assert sum(it["nats"] for it in sections) == pytest.approx(found["total_nats"])
    assert sum(it["events"] for it in sections) == found["tokens"] == len(found["symbols"])
    assert found["nats_per_note"] == pytest.approx(found["total_nats"] / 60)
    result = music("score", "tune.mid", "--run", run)
    header, *rows = [line.split("\t") for line in result.out.decode().splitlines()]
    assert header == [unit, "events", "notes", "nats"]
    assert [int(row[0]) for row in rows] == [it[unit] for it in sections]
    assert "nats/note" in result.err and "for 60 notes" in result.err
    environment = os.environ | COLOURS | {"COLUMNS": "40"}
    shown = on_a_terminal("score", "tune.mid", "--run", run, environment=environment).decode()
    lines = re.sub(r"\x1b\[[0-9;]*m", "", shown).split("\n")
    assert all(len(line) <= 40 for line in lines)
    assert np.max([line.count("▇") for line in lines]) > 3 and "\x1b[" in shown


def test_music_may_come_from_stdin(music: Gen, models: Path) -> None:
    piped = process("score", "-", "--run", str(models / "runs" / "grid"), stdin=subprocess.PIPE)
    out, _ = piped.communicate(midi_bytes(tune(3)).data)
    assert piped.returncode == 0 and out.startswith(b"bar\tevents\tnotes\tnats\n1\t")
    refused = music("score", "x.mid", "--unknown", "skip")
    assert refused.code == 2 and "--unknown is 'skip'; it is of no use to music" in refused.err
