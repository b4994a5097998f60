"""`gen ls`, `gen show` and bare `gen`: what is there, and what to do next."""

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import Gen


def test_show_json_has_the_promised_keys(gen: Gen) -> None:
    record = json.loads(gen("show", "tiny", "--json").out)
    assert record["cell"] == "lstm" and record["layers"] == 2 and record["hidden"] == 24
    assert record["parameters"] > 0 and record["steps"] == 60 and record["tokens_per_second"] > 0
    assert set(record["validation"]) >= {"nats_per_token", "bits_per_character", "protocol"}


def test_show_is_readable_and_complete(gen: Gen) -> None:
    told = gen("show", "tiny").out.decode()
    names = {line.split()[0] for line in told.splitlines()}
    assert {"cell", "train.batch_size", "corpus.checksum", "validation.nats_per_token", "versions.torch"} <= names


def test_show_last_is_the_state(gen: Gen) -> None:
    assert json.loads(gen("show", "--last", "--json").out)["file"].endswith("resume.safetensors")


def test_ls_lists_runs_and_survives_a_broken_one(gen: Gen, trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs"
    shutil.copytree(trained, folder)
    (folder / "broken").mkdir()
    (folder / "broken" / "model.safetensors").write_bytes(b"no model at all")
    result = gen("ls", "--out", str(folder))
    assert result.code == 0
    lines = result.out.decode().splitlines()
    assert lines[0].split()[0] == "run"
    assert sorted(line.split()[0] for line in lines[1:]) == ["broken", "tiny"]
    assert "lstm 2 x 24" in result.out.decode()


def test_an_empty_place_says_how_to_begin(gen: Gen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEN_CHECKPOINTS", str(tmp_path / "none"))
    assert "gen train" in gen("ls").err
    bare = gen()
    assert bare.code == 0 and bare.out == b"" and "gen train @python" in bare.err
    assert gen("sample").code == 2


def test_bare_gen_names_the_newest_run(gen: Gen) -> None:
    assert "gen sample tiny" in gen().err


def test_version_and_help_are_the_product(gen: Gen) -> None:
    assert gen("--version").out.startswith(b"gen ")
    assert b"train" in gen("--help").out


def test_an_unknown_command_is_met_with_a_suggestion(gen: Gen) -> None:
    result = gen("trian")
    assert result.code == 2 and "train" in result.err and "Traceback" not in result.err
