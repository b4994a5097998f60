"""`gen config show`, and settings on their way from files, variables, -S and flags into runs and samples."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.main import get_command

from gen.checkpoint import Checkpoint
from gen.cli.app import app_for
from gen.cli.options import spelled
from gen.settings import SETTINGS, from_file, values
from tests.cli.conftest import Gen

SMALL = "model.hidden=24", "model.layers=1", "train.threads=1"


@pytest.fixture
def runs(tmp_path: Path, gen: Gen, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder of runs, where commands look for them."""
    folder = tmp_path / "runs"
    monkeypatch.setenv("GEN_CHECKPOINTS", str(folder))
    return folder


def assigned(*assignments: str) -> list[str]:
    return [word for assignment in assignments for word in ("-S", assignment)]


def file(folder: Path, content: str) -> str:
    path = folder / "run.toml"
    path.write_text(content, "utf-8")
    return str(path)


def shown(gen: Gen, *arguments: str) -> dict[str, tuple[Any, str]]:
    """Setting -> value and origin, as `gen config show` tells them."""
    result = gen("config", "show", "--json", *arguments)
    assert result.code == 0, result.err
    return {key: (told["value"], told["from"]) for key, told in json.loads(result.out).items()}


# ── gen config show ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_every_setting_is_shown_with_where_it_comes_from(
    gen: Gen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, "[model]\ncell = 'gru'\nhidden = 1\n[train]\nclip = 1\n[sampling]\ntop_k = 5\n")
    monkeypatch.setenv("GEN_MODEL_HIDDEN", "2")
    monkeypatch.setenv("GEN_TRAIN_CLIP", "2")
    told = shown(gen, "--config", path, "-S", "train.clip=3")
    assert list(told) == list(SETTINGS)
    assert told["model.cell"] == ("gru", f"file {path}")
    assert told["model.hidden"] == (2, "environment GEN_MODEL_HIDDEN")
    assert told["train.clip"] == (3.0, "-S")
    assert told["sampling.top_k"] == (5, f"file {path}")
    assert told["train.decay"] == (0.6, "default")
    assert told["model.layers"] == (None, "chosen by the recipe from corpus and budget")


def test_the_table_says_the_same_in_columns(gen: Gen) -> None:
    result = gen("config", "show", "-S", "model.cell=gru", "-S", "sampling.logit_bias={'\\n' = -inf}")
    lines = result.out.decode().splitlines()
    assert result.code == 0 and result.err == ""
    assert [line.split()[0] for line in lines] == ["setting", *SETTINGS]
    start = lines[0].index("from")
    assert {line[:start].split()[0]: line[start:] for line in lines}["model.cell"] == "-S"
    assert all(line[start - 2 : start] == "  " for line in lines)
    assert '{"\\\\n" = -inf}  ' in lines[-1], "the symbol stands between single quotes, so it is a backslash and an n"


def test_what_is_shown_for_a_corpus_is_what_training_then_takes(gen: Gen, runs: Path, text_file: Path) -> None:
    given = assigned(*SMALL, "train.epochs=0.5", "corpus.keep_line_ends=true")
    before = shown(gen, *given, str(text_file))
    assert gen("train", str(text_file), *given).code == 0
    after = shown(gen, "--run", "babble")
    machine = {key: after.pop(key) for key in ("train.device", "train.precision")}
    assert {key: before[key] for key in after} == after
    assert before["train.steps"][1].startswith("recipe: 0.5 epochs of ")
    elsewhere = {key for key in SETTINGS if key.startswith(("sampling.", "classif"))}
    assert set(before) - set(after) - set(machine) == {"train.epochs", *elsewhere}
    assert machine["train.device"][0] != "auto" and machine["train.device"][1] == "the machine"


def test_the_settings_of_a_run_written_as_toml_make_the_same_run_again(
    gen: Gen, runs: Path, text_file: Path, tmp_path: Path
) -> None:
    assert gen("train", str(text_file), "--epochs", "0.5", "--cell", "gru", *assigned(*SMALL)).code == 0
    written = gen("config", "show", "--run", "babble", "--toml").out.decode()
    assert 'cell = "gru"  # flag --cell' in written and "# clip = 1.0  # default" in written
    assert gen("train", str(text_file), "--config", file(tmp_path, written), "--name", "again").code == 0
    one, other = (Checkpoint.load(runs / name / "model.safetensors") for name in ("babble", "again"))
    assert one.provenance["train"] == other.provenance["train"]
    assert one.model == other.model
    assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_toml_holds_what_was_given_and_leaves_defaults_to_the_reader(gen: Gen, text_file: Path, tmp_path: Path) -> None:
    given = assigned(*SMALL, "train.epochs=2", 'corpus.column="#1\\n"', "sampling.logit_bias={e = -inf}")
    bare = gen("config", "show", "--toml", *given).out.decode()
    assert {key: it.value for key, it in from_file(file(tmp_path, bare)).items()} == {
        "model.hidden": 24, "model.layers": 1, "train.threads": 1, "train.epochs": 2.0, "corpus.column": "#1\n",
        "sampling.logit_bias": {"e": float("-inf")},
    }  # fmt: skip
    listed = [line.removeprefix("# ").split(" =")[0] for line in bare.splitlines() if " =" in line]
    assert listed == [setting.name for setting in SETTINGS.values()]
    full = from_file(file(tmp_path, gen("config", "show", "--toml", *given, str(text_file)).out.decode()))
    assert "train.steps" in full and "train.epochs" not in full, "one budget, so that it can be read back"


def test_a_run_that_others_wrote_is_shown_as_far_as_it_goes(gen: Gen, trained: Path, tmp_path: Path) -> None:
    model = Checkpoint.load(trained / "tiny" / "model.safetensors")
    path = tmp_path / "strange.safetensors"
    for record in ({}, {"settings_from": 3, "train": [], "corpus": {"options": "x"}}):
        Checkpoint(model.model, model.tokenizer, model.weights, record).save(path)
        told = shown(gen, "--run", str(path))
        assert told["model.hidden"] == (24, "on record")
        assert {key.partition(".")[0] for key in told} == {"model"}


def test_origins_follow_what_lengthens_a_run(gen: Gen, runs: Path, text_file: Path) -> None:
    assert gen("train", str(text_file), *assigned(*SMALL, "train.steps=2")).code == 0
    assert shown(gen, "--run", "babble")["train.steps"] == (2, "-S")
    assert gen("train", "--resume", "--steps", "3").code == 0
    assert shown(gen, "--run", "babble")["train.steps"] == (3, "flag --steps")
    assert shown(gen, "--run", "babble", "--last")["train.steps"] == (3, "flag --steps")


@pytest.mark.parametrize(
    ("arguments", "needle"),
    [
        ([], "Missing command"),
        (["show", "--json", "--toml"], "--json and --toml are both given"),
        (["show", "--run", "tiny", "-S", "model.hidden=3"], "--run shows what is on record"),
        (["show", "--run", "tiny", "corpus.txt"], "--run shows what is on record"),
        (["show", "--run", "tinny"], "did you mean tiny?"),
        (["show", "--config", "nowhere.toml"], "nowhere.toml: cannot read the settings"),
        (["show", "-S", "train.minutes=1", "-S", "train.steps=2"], "minutes and steps are given"),
        (["show", "-S", "model.hiden=3"], "did you mean model.hidden?"),
        (["show", "-S", "\x1b[31m=3"], "\\x1b[31m"),
    ],
)
def test_mistakes_get_one_line(gen: Gen, arguments: list[str], needle: str) -> None:
    result = gen("config", *arguments)
    assert result.code == 2 and result.out == b""
    assert result.err.startswith("gen: error: ") and result.err.count("\n") == 1
    assert needle in result.err


# ── gen train ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_training_takes_from_each_source_what_it_alone_says(
    gen: Gen, runs: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file(tmp_path, "[model]\nlayers = 1\nhidden = 8\n[train]\nminutes = 9\nseed = 1\nclip = 0.25\n")
    monkeypatch.setenv("GEN_TRAIN_SEED", "2")
    monkeypatch.setenv("GEN_MODEL_HIDDEN", "9")
    arguments = ["--config", path, "-S", "model.hidden=10", "-S", "train.threads=1", "--hidden", "11", "--steps", "1"]
    assert gen("train", str(text_file), *arguments).code == 0
    model = Checkpoint.load(runs / "babble" / "model.safetensors")
    assert (model.model.layers, model.model.hidden) == (1, 11)
    train = model.provenance["train"]
    assert (train["seed"], train["clip"], train["steps"], train["minutes"]) == (2, 0.25, 1, None)
    origins = model.provenance["settings_from"]
    assert origins["model.hidden"] == "flag --hidden" and origins["train.seed"] == "environment GEN_TRAIN_SEED"
    assert origins["train.clip"] == f"file {path}" and origins["train.threads"] == "-S"
    assert origins["train.dropout"].startswith("recipe: ") and "train.minutes" not in origins


def test_a_warm_start_says_where_its_shape_is_from(gen: Gen, runs: Path, text_file: Path) -> None:
    assert gen("train", str(text_file), "--steps", "1", *assigned(*SMALL)).code == 0
    assert gen("train", str(text_file), "--steps", "1", "--init-from", "babble", "--name", "warm").code == 0
    assert shown(gen, "--run", "warm")["model.hidden"] == (24, "recipe: that of the model to start from")


def test_how_a_corpus_is_read_can_be_set(gen: Gen, runs: Path, tmp_path: Path) -> None:
    table = tmp_path / "table.csv"
    table.write_bytes(
        ("id,verse\n" + "".join(f'{i},"Caf\u00e9 {i}\r\nund mehr"\n' for i in range(200))).encode("cp437")
    )
    arguments = ["--steps", "1", "--keep-line-ends", "--column", "verse", "-S", "corpus.encoding=cp437"]
    assert gen("train", str(table), *arguments, *assigned(*SMALL)).code == 0
    model = Checkpoint.load(runs / "table" / "model.safetensors")
    assert {"\r", "é"} <= set(model.tokenizer.vocabulary) and "," not in model.tokenizer.vocabulary
    assert model.provenance["corpus"]["options"] == {
        "encoding": "cp437", "keep_line_ends": True, "column": "verse", "medium": None, "clock": None, "strict": False,
    }  # fmt: skip
    assert shown(gen, "--run", "table")["corpus.column"] == ("verse", "flag --column")
    assert gen("train", "--resume", "table", "--steps", "2").code == 0, "it is read again as it was"


def test_a_resumed_run_ignores_the_environment_and_refuses_the_rest(
    gen: Gen, runs: Path, text_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert gen("train", str(text_file), "--steps", "2", *assigned(*SMALL)).code == 0
    state = runs / "babble" / "resume.safetensors"
    before = state.read_bytes()
    for refused in (
        ["--config", file(tmp_path, "")], assigned("train.minutes=5"), assigned("train.clip=2"), ["--epochs", "3"],
        ["--encoding", "utf-8"], ["--keep-line-ends"], ["--column", "text"],
    ):  # fmt: skip
        result = gen("train", "--resume", "babble", *refused)
        assert result.code == 2 and "--resume goes on with what is on record" in result.err
    assert gen("train", "--resume", "babble", "--steps", "0").code == 2
    assert state.read_bytes() == before
    monkeypatch.setenv("GEN_TRAIN_CLIP", "0.5")
    monkeypatch.setenv("GEN_MODEL_HIDDEN", "nonsense")
    monkeypatch.setenv("GEN_TRAIN_MINUTES", "9")
    assert gen("train", "--resume", "babble", "--steps", "3").code == 0
    training = Checkpoint.load(state).training
    assert training is not None and training.step == 3
    assert training.config.clip == 1.0 and training.config.minutes is None


@pytest.mark.parametrize(
    ("command", "assignment", "needle"),
    [
        (
            "train",
            "sampling.top_p=0.9",
            "-S: sampling.top_p is of no use here: this command takes model, train, corpus",
        ),
        ("sample", "model.hidden=3", "-S: model.hidden is of no use here: this command takes sampling settings"),
        ("train", "model.hidden=0", "-S: model.hidden is 0; it must be"),
        ("sample", "sampling.top_p=0", "-S: sampling.top_p is 0; it must be"),
    ],
)
def test_an_assignment_is_never_ignored(gen: Gen, command: str, assignment: str, needle: str) -> None:
    result = gen(command, "-S", assignment)
    assert result.code == 2 and needle in result.err


# ── gen sample ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_sampling_settings_write_the_same_from_every_source(
    gen: Gen, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = ["sample", "-n", "60", "--seed", "3"]
    wanted = gen(*start, "--temp", "1.5", "--typical", "0.8", "--logit-bias", r"\n=-inf").out
    assert wanted != gen(*start).out
    path = file(tmp_path, '[sampling]\ntemperature = 1.5\ntypical_p = 0.8\nlogit_bias = {"\\n" = -inf}\n')
    assert gen(*start, "--config", path).out == wanted
    bias = 'sampling.logit_bias={"\\n" = -inf}'
    assert gen(*start, *assigned("sampling.temperature=1.5", "sampling.typical_p=0.8", bias)).out == wanted
    monkeypatch.setenv("GEN_SAMPLING_TEMPERATURE", "1.5")
    monkeypatch.setenv("GEN_SAMPLING_TYPICAL_P", "0.8")
    monkeypatch.setenv("GEN_SAMPLING_LOGIT_BIAS", '{"\\n" = -inf}')
    assert gen(*start).out == wanted
    defaults = ["--temp", "0.8", "--typical", "1"]
    monkeypatch.setenv("GEN_SAMPLING_LOGIT_BIAS", "")
    assert gen(*start, *defaults).out == gen(*start, *assigned("sampling.temperature=0.8", "sampling.typical_p=1")).out


def test_a_bias_for_an_unknown_symbol_is_told(gen: Gen) -> None:
    result = gen("sample", "-S", "sampling.logit_bias={'☃' = 1}")
    assert result.code == 3 and "'☃' is not among the" in result.err


# ── The flags ────────────────────────────────────────────────────────────────────────────────────────────────────────


def options(command: str) -> dict[str, Any]:
    """Long name of an option -> the option."""
    group: Any = get_command(app_for([]))
    return {name: it for it in group.commands[command].params for name in it.opts if name.startswith("--")}


def test_every_sampling_setting_has_its_flag_and_its_default_in_the_help() -> None:
    flags = options("sample")
    for key, setting in SETTINGS.items():
        if setting.section == "sampling":
            flag = flags[spelled(key)]
            assert flag.default is None, "what a file says would not show through"
            if key == "sampling.logit_bias":
                continue
            in_words = {"sampling.temperature_end": "the temperature", "sampling.dry_sequence_breakers": r"\n : "}
            assert rf"\[default: {in_words.get(key, setting.default)}" in flag.help


def test_the_flags_of_train_are_those_of_its_settings(gen: Gen, text_file: Path) -> None:
    flags = options("train")
    sections = ("model.", "train.", "corpus.")
    named = {spelled(key): key for key in SETTINGS if key.startswith(sections) and spelled(key) in flags}
    assert {"--minutes", "--epochs", "--steps", "--hidden", "--encoding", "--column"} <= named.keys()
    anything_goes = {"--keep-line-ends", "--column", "--device", "--strict"}
    for flag in named.keys() - anything_goes:  # each is taken up: a value that cannot be is refused in its name
        result = gen("train", str(text_file), flag, "-1")
        assert result.code == 2 and f"flag {flag}: {named[flag]}" in result.err


def test_help_names_the_defaults(gen: Gen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERMINAL_WIDTH", "200")
    monkeypatch.setenv("COLUMNS", "200")
    told = gen("sample", "--help").out.decode()
    for default in ("0.8; music: 0.95", "500", "checkpoints", "the newest run"):
        assert f"[default: {default}]" in told
    panels = gen("train", "--help").out.decode()
    assert all(f"─ {name} ─" in panels for name in ("Budget", "Model", "Training", "Corpus", "Run", "Settings"))


def test_values_given_reach_no_other_section(gen: Gen, tmp_path: Path) -> None:
    path = file(tmp_path, "[train]\nsteps = 1\n[sampling]\ntop_k = 1\n")
    assert values(from_file(path), "sampling") == {"top_k": 1}
    assert gen("sample", "-n", "5", "--config", path).code == 0, "one file serves both commands"
