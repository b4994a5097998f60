"""`gen train`: runs and their names, going on after every kind of stop, and what is refused."""

import json
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from tests.cli.conftest import SMALL, Gen, process


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs, where commands look for them."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("GEN_CHECKPOINTS", str(folder))
    return folder


def weights(path: Path) -> dict[str, np.ndarray]:
    return dict(Checkpoint.load(path).weights)


def equal(one: Path, other: Path) -> bool:
    """Weights, optimizer memory and recurrent state of two state files, bit for bit."""
    a, b = Checkpoint.load(one), Checkpoint.load(other)
    assert a.training is not None and b.training is not None
    assert a.training.step == b.training.step
    tensors = [(a.weights, b.weights), (a.training.tensors, b.training.tensors)]
    return all(x.keys() == y.keys() and all(np.array_equal(x[k], y[k]) for k in x) for x, y in tensors)


def log(run: Path) -> list[dict[str, object]]:
    """The log, without what a clock wrote."""
    timings = {"seconds", "tokens_per_second"}
    lines = (run / "metrics.jsonl").read_text("utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in timings} for line in lines]


def test_a_run_leaves_its_four_files(gen: Gen, runs: Path, text_file: Path) -> None:
    assert gen("train", str(text_file), "--steps", "12", *SMALL).code == 0
    left = sorted(path.name for path in (runs / "babble").iterdir() if not path.name.startswith("."))
    assert left == ["README.md", "metrics.jsonl", "model.safetensors", "resume.safetensors"]
    kinds = [entry["event"] for entry in log(runs / "babble")]
    assert kinds.count("validation") == 2 and kinds[-1] == "finished"
    model = Checkpoint.load(runs / "babble" / "model.safetensors")
    assert model.training is None
    assert "babble.txt" in (runs / "babble" / "README.md").read_text("utf-8")


def test_default_names_never_overwrite(gen: Gen, runs: Path, text_file: Path) -> None:
    for _ in range(3):
        assert gen("train", str(text_file), "--steps", "1", *SMALL).code == 0
    assert sorted(path.name for path in runs.iterdir()) == ["babble", "babble-2", "babble-3"]


def test_an_explicit_name_is_never_given_twice(gen: Gen, runs: Path, text_file: Path) -> None:
    assert gen("train", str(text_file), "--steps", "1", "--name", "mine", *SMALL).code == 0
    before = (runs / "mine" / "model.safetensors").read_bytes()
    result = gen("train", str(text_file), "--steps", "1", "--name", "mine", *SMALL)
    assert result.code == 2
    assert "gen train --resume mine" in result.err
    assert (runs / "mine" / "model.safetensors").read_bytes() == before


@pytest.mark.parametrize("name", ["../x", "/tmp/x", "a/b", "..", ".hidden", "a\0b", "", "-x", "a\nb", "con:"])
def test_names_that_lead_elsewhere_are_refused(gen: Gen, runs: Path, text_file: Path, name: str) -> None:
    result = gen("train", str(text_file), "--steps", "1", f"--name={name}", *SMALL)
    assert result.code == 2
    assert not runs.exists() or not list(runs.iterdir())
    assert not (runs.parent / "x").exists()


def test_a_link_out_of_the_folder_is_not_followed(gen: Gen, runs: Path, text_file: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    runs.mkdir()
    (runs / "link").symlink_to(elsewhere)
    assert gen("train", str(text_file), "--steps", "1", "--name", "link", *SMALL).code == 2
    assert not list(elsewhere.iterdir())


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        ([], 2, "no corpus"),
        (["nowhere.txt"], 3, "nowhere.txt: there is no such file"),
        (["CORPUS", "--cell", "mlp"], 2, "cell is 'mlp'; it must be one of rnn, lstm, gru"),
        (["CORPUS", "--layers", "0"], 2, "layers is 0"),
        (["CORPUS", "--dropout", "1"], 2, "dropout is 1.0"),
        (["CORPUS", "--steps", "0"], 2, "steps is 0"),
        (["CORPUS", "--learning-rate", "0"], 2, "learning_rate is 0.0; it must be a number above 0"),
        (["CORPUS", "--minutes", "-1"], 2, "minutes is -1"),
        (["CORPUS", "--minutes", "nan"], 2, "minutes is nan"),
        (["CORPUS", "--epochs", "0"], 2, "epochs is 0"),
        (["CORPUS", "--steps", "1", "--epochs", "1"], 2, "steps and epochs are given"),
        (["CORPUS", "--batch-size", "4096"], 3, "batch_size 4096 x sequence_length"),
        (["CORPUS", "--init-from", "nothing"], 2, "no run"),
        (["CORPUS", "--steps", "1", "--device", "cuda:99"], 2, "device 'cuda:99' cannot be used here"),
        (["--resume"], 2, "no run in"),
        (["--resume", "x", "--hidden", "8"], 2, "--resume goes on with what is on record"),
        (["--resume", "x", "y"], 2, "2 are named"),
    ],
)
def test_mistakes_get_one_line_and_leave_no_run(
    gen: Gen, runs: Path, text_file: Path, arguments: list[str], code: int, needle: str
) -> None:
    result = gen("train", *[str(text_file) if word == "CORPUS" else word for word in arguments])
    errors = [line for line in result.err.splitlines() if line.startswith("gen: error: ")]
    assert result.code == code
    assert len(errors) == 1 and needle in errors[0]
    assert result.out == b""
    assert not runs.exists() or not list(runs.iterdir())


def test_a_finished_run_can_be_lengthened(gen: Gen, runs: Path, text_file: Path) -> None:
    gen("train", str(text_file), "--steps", "10", *SMALL)
    assert "has used up its budget" in gen("train", "--resume").err
    assert gen("train", "--resume", "babble", "--steps", "20").code == 0
    state = Checkpoint.load(runs / "babble" / "resume.safetensors").training
    assert state is not None and state.step == 20


def test_a_corpus_that_has_changed_is_noticed(gen: Gen, runs: Path, text_file: Path) -> None:
    gen("train", str(text_file), "--steps", "10", *SMALL)
    text_file.write_text(text_file.read_text("utf-8").replace("sea", "ase", 1), "utf-8")
    result = gen("train", "--resume", "babble", "--steps", "20")
    assert result.code == 3
    assert "has changed since babble began" in result.err


def test_init_from_keeps_what_is_known_and_learns_new_symbols(gen: Gen, runs: Path, text_file: Path) -> None:
    gen("train", str(text_file), "--steps", "150", *SMALL)
    other = text_file.with_name("other.txt")
    other.write_text(text_file.read_text("utf-8").replace("sea", "sêa"), "utf-8")
    assert gen("train", str(other), "--steps", "1", "--init-from", "babble").code == 0
    model = Checkpoint.load(runs / "other" / "model.safetensors")
    assert model.model.hidden == 24
    assert "ê" in model.tokenizer.vocabulary and "e" in model.tokenizer.vocabulary
    first = log(runs / "other")[0]
    assert isinstance(first["loss"], float) and first["loss"] < 2.4, "it begins with what was learned, not with chance"
    assert gen("train", str(other), "--steps", "1", "--init-from", "babble", "--hidden", "8").code == 2


def interrupted(arguments: Sequence[str], number: int) -> tuple[int, str, float]:
    """Send a signal to a training that is under way; return its code, stderr and the seconds it took to end."""
    child = process("train", *arguments)
    assert child.stderr is not None
    seen = b""
    while b"step 1 " not in seen:
        line = child.stderr.readline()
        assert line, seen.decode()
        seen += line
    began = time.monotonic()
    child.send_signal(number)
    _, rest = child.communicate(timeout=60)
    return child.returncode, (seen + rest).decode(), time.monotonic() - began


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_stop_saves_and_says_how_to_go_on(gen: Gen, runs: Path, text_file: Path, number: int, code: int) -> None:
    whole = [str(text_file), "--steps", "150", "--name", "whole", *SMALL]
    assert gen("train", *whole).code == 0
    returned, told, _ = interrupted([str(text_file), "--steps", "150", "--name", "part", *SMALL], number)
    assert returned == code, told
    assert "gen train --resume part" in told and "Traceback" not in told
    assert gen("train", "--resume", "part").code == 0
    assert equal(runs / "whole" / "resume.safetensors", runs / "part" / "resume.safetensors")
    assert log(runs / "whole") == log(runs / "part")


def killed_until_done(arguments: Sequence[str], name: str, moments: Sequence[float]) -> None:
    """Train, killed (SIGKILL) after each of `moments` seconds, and then to the end."""
    command = [*arguments, "--name", name]
    for moment in moments:
        child = process("train", *command)
        time.sleep(moment)
        child.kill()
        child.communicate()
        if (Path(os.environ["GEN_CHECKPOINTS"]) / name / "resume.safetensors").exists():
            command = ["--resume", name]
    child = process("train", *command)
    _, told = child.communicate()
    assert child.returncode == 0, told.decode()


def test_a_kill_at_any_moment_loses_nothing(gen: Gen, runs: Path, text_file: Path) -> None:
    arguments = [str(text_file), "--steps", "400", *SMALL]
    assert gen("train", *arguments, "--name", "whole").code == 0
    killed_until_done(arguments, "part", [0.8, 5.0])
    for file in ("resume.safetensors", "model.safetensors"):
        ours, theirs = weights(runs / "whole" / file), weights(runs / "part" / file)
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    assert equal(runs / "whole" / "resume.safetensors", runs / "part" / "resume.safetensors")
    assert log(runs / "whole") == log(runs / "part")


@pytest.mark.slow
@pytest.mark.parametrize("cell", ["lstm", "gru", "rnn"])
def test_ten_kills_at_random_moments_lose_nothing(gen: Gen, runs: Path, text_file: Path, cell: str) -> None:
    arguments = [str(text_file), "--epochs", "40", "--cell", cell, *SMALL]
    assert gen("train", *arguments, "--name", "whole").code == 0
    moments = [0.7, *np.random.default_rng(len(cell)).uniform(0.2, 8.0, 9)]
    killed_until_done(arguments, "part", moments)
    assert equal(runs / "whole" / "resume.safetensors", runs / "part" / "resume.safetensors")
    assert log(runs / "whole") == log(runs / "part")


def test_two_trainings_cannot_share_a_run(gen: Gen, runs: Path, text_file: Path) -> None:
    first = process("train", str(text_file), "--steps", "100000", "--name", "one", *SMALL)
    lock = runs / "one" / "resume.safetensors"
    while not lock.exists():
        assert first.poll() is None
        time.sleep(0.05)
    result = gen("train", "--resume", "one")
    assert result.code == 1
    assert f"process {first.pid} is training here" in result.err
    first.kill()
    first.communicate()
    assert gen("train", "--resume", "one", "--steps", "3").code == 0, "a killed holder's lock is free"


def test_a_damaged_state_is_refused_and_the_intact_model_named(gen: Gen, runs: Path, text_file: Path) -> None:
    gen("train", str(text_file), "--steps", "5", *SMALL)
    state = runs / "babble" / "resume.safetensors"
    data = bytearray(state.read_bytes())
    data[-100] ^= 1
    state.write_bytes(data)
    result = gen("train", "--resume", "babble", "--steps", "9")
    assert result.code == 4
    assert "checksum" in result.err and "--init-from babble" in result.err


def test_stdin_is_a_corpus(runs: Path, text_file: Path) -> None:
    with text_file.open("rb") as file:
        child = process("train", "-", "--steps", "3", *SMALL, stdin=file)
        _, told = child.communicate()
    assert child.returncode == 0, told.decode()
    assert (runs / "corpus" / "model.safetensors").exists()


def test_a_run_from_stdin_says_how_to_go_on(gen: Gen, runs: Path, text_file: Path) -> None:
    with text_file.open("rb") as file:
        process("train", "-", "--steps", "3", "--name", "piped", *SMALL, stdin=file).communicate()
    refused = process("train", "--resume", "piped", "--steps", "5")
    _, told = refused.communicate()
    assert refused.returncode == 3
    assert "gen train --resume piped < FILE" in told.decode()
    other = text_file.with_name("other.txt")
    other.write_text("Ångström " * 400, "utf-8")
    with other.open("rb") as file:
        _, told = process("train", "--resume", "piped", "--steps", "5", stdin=file).communicate()
    assert "has changed since piped began" in told.decode()
    with text_file.open("rb") as file:
        again = process("train", "--resume", "piped", "--steps", "5", stdin=file)
        _, told = again.communicate()
    assert again.returncode == 0, told.decode()


def test_a_warm_start_from_stdin_reads_it_once(gen: Gen, runs: Path, text_file: Path) -> None:
    gen("train", str(text_file), "--steps", "2", *SMALL)
    other = text_file.with_name("other.txt")
    other.write_text("Ångström under the sea. " * 100, "utf-8")
    commands = (["-", "--name", "warm", "--init-from", "babble", "--steps", "2"], ["--resume", "warm", "--steps", "4"])
    for command in commands:
        with other.open("rb") as file:
            child = process("train", *command, stdin=file)
            _, told = child.communicate()
        assert child.returncode == 0, told.decode()


def test_a_name_with_a_space_is_quoted_where_it_is_suggested(gen: Gen, runs: Path, text_file: Path) -> None:
    assert "gen sample 'a b'" in gen("train", str(text_file), "--steps", "1", "--name", "a b", *SMALL).err


def test_a_folder_that_cannot_be_written_is_refused_before_training(
    gen: Gen, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    result = gen("train", str(text_file), "--steps", "1", "--out", str(blocked / "runs"), *SMALL)
    assert result.code == 1
    assert str(blocked) in result.err


def test_a_disk_too_small_is_refused_with_the_size_needed(
    gen: Gen, runs: Path, text_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gen.runs.free_space", lambda path: 1000)
    result = gen("train", str(text_file), "--steps", "1", *SMALL)
    assert result.code == 1
    assert "needs" in result.err and "1.0 kB are free" in result.err


def test_no_escape_codes_without_a_terminal(runs: Path, text_file: Path) -> None:
    trainer = process("train", str(text_file), "--steps", "3", *SMALL, env=os.environ | {"TERM": "xterm-256color"})
    out, err = trainer.communicate()
    assert trainer.returncode == 0
    assert out == b"" and b"\x1b" not in err
