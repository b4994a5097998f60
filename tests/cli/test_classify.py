"""`gen classify`: a run from rows to classes, going on after a stop, and one line for every mistake."""

import csv
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen.checkpoint import Checkpoint, ClassifierCheckpoint
from gen.cli import run
from tests.cli.conftest import Gen, process, write_tunes
from tests.training.test_classifier_trainer import write_rows

SMALL = ["--tokens", "char", "--hidden", "12", "--batch-size", "16", "--threads", "1", "--learning-rate", "0.02"]


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "runs"
    monkeypatch.setenv("GEN_CHECKPOINTS", str(folder))
    return folder


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", 300)


@pytest.fixture(scope="session")
def classified(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of runs with one classifier, `marks`."""
    folder = tmp_path_factory.mktemp("classified")
    path = write_rows(folder / "rows.jsonl", 300)
    given = ["--epochs", "12", "--pooling", "max", "--name", "marks", "--out", str(folder / "runs"), *SMALL]
    assert run(["classify", "train", str(path), *given]) == 0
    return folder / "runs"


def log(folder: Path) -> list[dict[str, Any]]:
    timings = {"seconds", "tokens_per_second"}
    lines = (folder / "metrics.jsonl").read_text("utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k not in timings} for line in lines]


# ── Training ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_run_leaves_its_four_files(gen: Gen, runs: Path, rows: Path) -> None:
    result = gen("classify", "train", str(rows), "--epochs", "2", *SMALL)
    assert result.code == 0 and result.out == b""
    left = sorted(path.name for path in (runs / "rows").iterdir() if not path.name.startswith("."))
    assert left == ["README.md", "metrics.jsonl", "model.safetensors", "resume.safetensors"]
    events = log(runs / "rows")
    assert [it["event"] for it in events].count("validation") == 2 and events[-1]["event"] == "finished"
    card = (runs / "rows" / "README.md").read_text("utf-8")
    assert "gen classify predict rows" in card and f"accuracy {events[-1]['figures']['accuracy']:.4f}" in card
    assert "2 classes: " in result.err and "validation accuracy" in result.err
    model = ClassifierCheckpoint.load(runs / "rows" / "model.safetensors")
    assert model.training is None and model.provenance["settings_from"]["model.hidden"] == "flag --hidden"


@pytest.mark.parametrize("request_to_stop", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_stopped_run_goes_on_to_the_same_bits(runs: Path, rows: Path, request_to_stop: signal.Signals) -> None:
    given = ["classify", "train", str(rows), "--steps", "1500", "--freeze", "--cell", "rnn", *SMALL]
    assert run([*given, "--name", "whole"]) == 0
    child = process(*given, "--name", "stopped")
    metrics = runs / "stopped" / "metrics.jsonl"
    for _ in range(2_000):
        if metrics.exists() and metrics.read_text("utf-8").count("\n") > 20:
            break
        time.sleep(0.01)
    child.send_signal(request_to_stop)
    child.communicate()
    assert child.returncode == (-signal.SIGKILL if request_to_stop == signal.SIGKILL else 128 + request_to_stop)
    stopped = ClassifierCheckpoint.load(runs / "stopped" / "resume.safetensors").training
    assert stopped is not None and stopped.step < 1500
    assert run(["classify", "train", "--resume", "stopped"]) == 0
    assert log(runs / "stopped") == log(runs / "whole")
    one, other = (ClassifierCheckpoint.load(runs / name / "resume.safetensors") for name in ("whole", "stopped"))
    assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_a_finished_run_is_lengthened_by_steps(gen: Gen, runs: Path, rows: Path) -> None:
    assert gen("classify", "train", str(rows), "--steps", "5", *SMALL).code == 0
    assert gen("classify", "train", "--resume", "--steps", "9").code == 0
    state = ClassifierCheckpoint.load(runs / "rows" / "resume.safetensors").training
    assert state is not None and state.step == 9


def test_rows_that_changed_are_not_gone_on_with(gen: Gen, runs: Path, rows: Path) -> None:
    assert gen("classify", "train", str(rows), "--steps", "5", *SMALL).code == 0
    rows.write_text(rows.read_text("utf-8").replace('"x"', '"y"', 1), "utf-8")
    result = gen("classify", "train", "--resume", "rows", "--steps", "9")
    assert result.code == 3 and "has changed since rows began" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        ([], 2, "no corpus: name a table"),
        (["nowhere.csv"], 3, "nowhere.csv: there is no such file"),
        (["ROWS", "--text", "review"], 3, "there is no column 'review'. Found: text, label; name one with --text"),
        (["ROWS", "--label", "class"], 3, "there is no column 'class'"),
        (["ROWS", "--cell", "mlp"], 2, "cell is 'mlp'"),
        (["ROWS", "--recurrent-dropout", "1"], 2, "recurrent_dropout is 1.0"),
        (["ROWS", "--pooling", "sum"], 2, "pooling is 'sum'"),
        (["ROWS", "--keep", "middle"], 2, "keep is 'middle'"),
        (["ROWS", "--length", "0"], 2, "length is 0"),
        (["ROWS", "--tokens", "letters"], 2, "tokens is 'letters'"),
        (["ROWS", "--steps", "1", "--epochs", "1"], 2, "steps and epochs are given"),
        (["ROWS", "--from", "nothing"], 2, "no run 'nothing'"),
        (["ROWS", "--device", "cuda:99"], 2, "device 'cuda:99' cannot be used here"),
        (["ROWS", "-S", "sampling.top_p=0.5"], 2, "sampling.top_p is of no use here"),
        (["--resume"], 2, "no classifier in"),
        (["--resume", "x", "--hidden", "8"], 2, "--resume goes on with what is on record"),
    ],
)
def test_mistakes_get_one_line_and_leave_no_run(
    gen: Gen, runs: Path, rows: Path, arguments: list[str], code: int, needle: str
) -> None:
    result = gen("classify", "train", *[str(rows) if word == "ROWS" else word for word in arguments])
    errors = [line for line in result.err.splitlines() if line.startswith("gen: error: ")]
    assert (result.code, result.out, len(errors)) == (code, b"", 1), result.err
    assert needle in errors[0]
    assert not runs.exists() or not list(runs.iterdir())


# ── From a language model ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("freeze", [False, True])
def test_an_encoder_comes_from_a_language_model(gen: Gen, tmp_path: Path, trained: Path, freeze: bool) -> None:
    rows = tmp_path / "lines.csv"
    with rows.open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["text", "label"])
        table.writerows(
            [
                [f"{'The sea' if n % 2 else 'A red sun'} and land {'so ' * n}.", "odd" if n % 2 else "even"]
                for n in range(60)
            ]
        )
    flags = ["--from", "tiny", "--steps", "9", "--threads", "1", *(["--freeze"] if freeze else [])]
    result = gen("classify", "train", str(rows), *flags)
    assert result.code == 0, result.err
    folder = Path(os.environ["GEN_CHECKPOINTS"])
    language = Checkpoint.load(folder / "tiny" / "model.safetensors")
    model = ClassifierCheckpoint.load(folder / "lines" / "resume.safetensors")
    assert model.model == language.model and model.tokenizer.to_dict() == language.tokenizer.to_dict()
    kept = [np.array_equal(model.weights[name], language.weights[name]) for name in model.weights if "encoder" in name]
    assert all(kept) if freeze else not any(kept)
    assert "leave --tokens out" in gen("classify", "train", str(rows), *flags, "--tokens", "char").err
    assert "a classifier, which" in gen("classify", "train", str(rows), "--from", "lines").err


# ── Asking ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def ask(classified: Path, *arguments: str, stdin: bytes = b"") -> list[str]:
    command = [sys.executable, "-m", "gen", "classify", "predict", "marks", *arguments, "--out", str(classified)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode().splitlines()


def test_lines_of_stdin_get_a_class_and_a_probability_each(classified: Path) -> None:
    lines = ask(classified, stdin="abPcd\nabQcd\r\n\nPab€\n".encode())
    named = [line.split("\t") for line in lines]
    assert [label for label, _ in named][:2] == ["x", "y"] and named[3][0] == "x"
    assert all(0.5 <= float(probability) <= 1 for _, probability in named)
    entries = [json.loads(line) for line in ask(classified, "--json", stdin=b"abPcd\nabQcd\n")]
    assert [it["name"] for it in entries] == ["standard input:1", "standard input:2"]
    for entry, (label, probability) in zip(entries, named, strict=False):
        assert entry["label"] == label and f"{entry['probability']:.4f}" == probability
        assert sum(entry["probabilities"].values()) == pytest.approx(1, abs=1e-5)


def test_every_form_of_the_same_documents_gets_the_same_classes(gen: Gen, classified: Path, tmp_path: Path) -> None:
    texts = ["abPcd", "Qa", "dcPb", "aQ"]
    (tmp_path / "t.txt").write_text("".join(text + "\n" for text in texts))
    (tmp_path / "t.csv").write_text("other,text\n" + "".join(f"1,{text}\n" for text in texts))
    (tmp_path / "t.jsonl").write_text("".join(json.dumps({"words": text}) + "\n" for text in texts))
    (tmp_path / "folder").mkdir()
    for number, text in enumerate(texts):
        (tmp_path / "folder" / f"{number}.txt").write_text(text)

    def labels(*arguments: str) -> list[list[str]]:
        result = gen("classify", "predict", str(classified / "marks" / "model.safetensors"), *arguments)
        assert result.code == 0, result.err
        return list(csv.reader(io.StringIO(result.out.decode()), delimiter="\t"))

    expected = labels(str(tmp_path / "t.txt"))
    assert [label for label, _ in expected] == ["x", "y", "x", "y"]
    assert labels(str(tmp_path / "t.csv")) == labels(str(tmp_path / "t.jsonl"), "--text", "words") == expected
    in_files = labels(str(tmp_path / "folder"))
    assert [row[1:] for row in in_files] == expected
    assert [Path(row[0]).name for row in in_files] == ["0.txt", "1.txt", "2.txt", "3.txt"]
    assert len(labels(str(tmp_path / "t.txt"), "--whole")) == 1


def test_asking_loads_no_torch(classified: Path) -> None:
    script = f"""
import sys
from gen.cli import run
code = run(["classify", "predict", "marks", "--out", {str(classified)!r}])
print("torch" in sys.modules, code, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", script], input=b"abP\n", capture_output=True, timeout=60)
    assert done.stderr.decode().split() == ["False", "0"]


@pytest.mark.parametrize(
    ("arguments", "code", "needle"),
    [
        (["marks", "nowhere.csv"], 3, "nowhere.csv: there is no such file"),
        (["marks", "nowhere"], 3, "nowhere: cannot read the text"),
        (["marks", "a.mid"], 3, "a.mid is music, and this classifier reads text"),
        (["marks", "a.txt", "--text", "t"], 2, "a.txt is no table"),
        (["marks", "a.txt", "--encoding", "klingon"], 2, "klingon"),
        (["mark"], 2, "did you mean marks?"),
    ],
)
def test_what_cannot_be_asked_gets_one_line(
    gen: Gen, classified: Path, arguments: list[str], code: int, needle: str
) -> None:
    result = gen("classify", "predict", *arguments, "--out", str(classified))
    assert (result.code, result.out) == (code, b"")
    assert needle in result.err and result.err.count("gen: error: ") == 1


def test_the_other_commands_refuse_a_classifier_and_this_one_a_language_model(gen: Gen, classified: Path) -> None:
    model = str(classified / "marks" / "model.safetensors")
    for command in (["sample", model], ["eval", model], ["score", __file__, "--run", model]):
        result = gen(*command)
        assert result.code == 2 and result.err.count("a classifier, which names classes and writes nothing") == 1, (
            command
        )
    for command in (["predict", "tiny"], ["eval", "tiny"]):
        result = gen("classify", *command)
        assert result.code == 2 and "a language model, which writes and names no classes" in result.err


def test_classifiers_are_listed_shown_and_their_settings_too(gen: Gen, classified: Path) -> None:
    listed = gen("ls", "--out", str(classified)).out.decode()
    assert "lstm 1 x 12 for 2 classes" in listed and "% right" in listed
    shown = json.loads(gen("show", "marks", "--json", "--out", str(classified)).out)
    assert shown["classifier"]["labels"] == ["x", "y"] and 0.9 < shown["validation"]["accuracy"] <= 1
    assert "accuracy" in gen("show", "--out", str(classified)).out.decode()
    settings = json.loads(gen("config", "show", "--run", "marks", "--json", "--out", str(classified)).out)
    assert settings["classifier.pooling"] == {"value": "max", "from": "flag --pooling"}
    assert settings["model.hidden"]["value"] == 12 and "train.steps" not in settings
    assert "no run that writes" in gen("sample", "--out", str(classified)).err


# ── Measuring ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_validation_part_measures_as_it_did(gen: Gen, classified: Path) -> None:
    result = gen("classify", "eval", "marks", "--json", "--out", str(classified))
    assert result.code == 0, result.err
    found = json.loads(result.out)
    recorded = ClassifierCheckpoint.load(classified / "marks" / "model.safetensors").provenance["validation"]
    assert found["accuracy"] == recorded["accuracy"] and found["loss"] == pytest.approx(recorded["loss"], abs=1e-5)
    assert np.trace(found["confusion"]) == round(found["accuracy"] * found["documents"])
    report = gen("classify", "eval", "marks", "--out", str(classified)).out.decode()
    for needle in ("macro F1", "always the commonest class", "true \\ named", "confidence from", "expected error"):
        assert needle in report


def test_labelled_documents_measure_too(gen: Gen, classified: Path, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("t,l\nabP,x\nabQ,y\nQ,x\n")
    arguments = ["classify", "eval", "marks", str(tmp_path / "t.csv"), "--out", str(classified)]
    found = json.loads(gen(*arguments, "--text", "t", "--label", "l", "--json").out)
    assert found["confusion"] == [[1, 1], [0, 1]] and found["documents"] == 3
    (tmp_path / "t.csv").write_text("text,label\nabP,q\n")
    result = gen(*arguments)
    assert result.code == 3 and "its label is 'q'; the model knows x, y" in result.err
    assert (
        "--text and --label are for documents"
        in gen("classify", "eval", "marks", "--text", "t", "--out", str(classified)).err
    )


# ── Music ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_music_is_told_apart(gen: Gen, runs: Path, tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    for label, late in (("grid", 0), ("played", 7)):
        write_tunes(tmp_path / "set" / label, 14, late)
    small = ["--hidden", "12", "--length", "60", "--steps", "40", "--threads", "1", "--learning-rate", "0.02"]
    assert gen("classify", "train", str(tmp_path / "set"), "--pooling", "mean", *small).code == 0
    result = gen("classify", "predict", "set", str(tmp_path / "set"))
    rows = [line.split("\t") for line in result.out.decode().splitlines()]
    assert len(rows) == 28
    assert np.mean([Path(name).parent.name == label for name, label, _ in rows]) > 0.9
    one = gen("classify", "predict", "set", str(tmp_path / "set" / "grid" / "00.mid"))
    assert one.out.decode().split("\t")[1] == "grid"
    assert json.loads(gen("classify", "eval", "set", "--json").out)["documents"] >= 2
    assert "is no MIDI file" in gen("classify", "predict", "set", __file__).err


# ── Settings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_flags_of_train_are_those_of_its_settings(gen: Gen, rows: Path) -> None:
    help_text = gen("classify", "train", "--help").out.decode()
    given = {
        "epochs": "classify.epochs", "steps": "classify.steps", "batch-size": "classify.batch_size",
        "learning-rate": "classify.learning_rate", "dropout": "classify.dropout", "threads": "classify.threads",
        "recurrent-dropout": "classify.recurrent_dropout", "seed": "classify.seed", "length": "classifier.length",
        "keep": "classifier.keep", "embedding": "classifier.embedding", "pooling": "classifier.pooling",
        "cell": "model.cell", "layers": "model.layers", "hidden": "model.hidden", "tokens": "corpus.tokens",
        "medium": "corpus.medium", "encoding": "corpus.encoding",
    }  # fmt: skip
    for flag, key in given.items():  # each is taken up: a value that cannot be is refused in its name
        assert f"--{flag}" in help_text
        result = gen("classify", "train", str(rows), f"--{flag}", "-1")
        assert result.code == 2 and f"flag --{flag}: {key}" in result.err


def test_settings_of_a_file_are_taken_and_written_again(gen: Gen, runs: Path, rows: Path, tmp_path: Path) -> None:
    settings = tmp_path / "run.toml"
    settings.write_text(
        '[model]\nhidden = 12\ncell = "rnn"\n[classify]\nepochs = 0.5\nthreads = 1\n[corpus]\ntokens = "char"\n'
    )
    assert gen("classify", "train", str(rows), "--config", str(settings), "--name", "one").code == 0
    settings.write_bytes(gen("config", "show", "--run", "one", "--toml").out)
    assert gen("classify", "train", str(rows), "--config", str(settings), "--tokens", "char", "--name", "two").code == 0
    one, two = (ClassifierCheckpoint.load(runs / name / "model.safetensors") for name in ("one", "two"))
    assert one.model == two.model and one.model.cell == "rnn" and one.classifier == two.classifier
    assert one.provenance["train"] == two.provenance["train"]
    assert all(np.array_equal(one.weights[name], two.weights[name]) for name in one.weights)
