"""`gen probe`: tasks learned in small, and a run of each medium measured; in words, as JSON and as SVG."""

import functools
import json
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from gen import inspection
from gen.cli.probe_tasks import _charts, _report
from gen.inspection import Memory
from tests.cli.conftest import Gen

SMALL = ["--lags", "9,3", "--hidden", "6", "--steps", "4"]
SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(autouse=True)
def fewer_are_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen.inspection.remembering._TESTED", 200)


@pytest.fixture
def at_few_places(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs are measured as ever, but at fewer places of their text."""
    reach = functools.partial(inspection.gradient_reach, back=30, positions=8)
    contexts = functools.partial(inspection.context_losses, targets=256)
    monkeypatch.setattr("gen.inspection.gradient_reach", reach)
    monkeypatch.setattr("gen.inspection.context_losses", contexts)


def test_each_cell_learns_each_task_at_each_lag(gen: Gen, tmp_path: Path) -> None:
    target = tmp_path / "new" / "memory.svg"
    told = gen("probe", *SMALL, "--seed", "5", "--json", "-o", str(target))
    assert told.code == 0
    found = json.loads(told.out)
    assert (found["hidden"], found["steps"], found["seed"]) == (6, 4, 5)
    wanted = [(task, lag, cell) for task in ("recall", "adding") for lag in (3, 9) for cell in ("rnn", "lstm", "gru")]
    assert [(it["task"], it["lag"], it["cell"]) for it in found["probes"]] == wanted
    assert all(it["steps"] == 4 and it["gradient_before"] > 0 for it in found["probes"])
    for task, lag, cell in wanted:
        assert f"{task}, lag {lag}, {cell}: " in told.err
    root = ElementTree.parse(target).getroot()
    assert len(list(root.iter(f"{SVG}polyline"))) == 6 * 3
    again = json.loads(gen("probe", *SMALL, "--seed", "5", "--json").out)
    assert again["probes"] == found["probes"]


def test_charts_and_a_table_tell_of_it_on_any_screen(gen: Gen, monkeypatch: pytest.MonkeyPatch) -> None:
    for columns in (40, 80):
        monkeypatch.setenv("COLUMNS", str(columns))
        told = gen("probe", *SMALL, "--task", "recall", "--cells", "gru,rnn")
        assert told.code == 0
        lines = told.out.decode().splitlines()
        assert max(map(len, lines)) <= columns
        assert sum("against lag" in line for line in lines) == 3
        assert any("- - chance 12.5%" in line for line in lines)
        header = next(i for i, line in enumerate(lines) if line.split() == "lag cell right loss before after".split())
        assert [line.split()[:2] for line in lines[header + 1 : header + 5]] == [
            ["3", "gru"], ["3", "rnn"], ["9", "gru"], ["9", "rnn"],
        ]  # fmt: skip


def test_what_it_shows_is_said() -> None:
    def memory(cell: str, lag: int, right: float, gradient: float) -> Memory:
        return Memory("adding", cell, lag, 9, right, 0.1536, 0.1, gradient, gradient)  # type: ignore[arg-type]

    memories = [
        memory(cell, lag, right, gradient)
        for lag in (10, 50, 500)
        for cell, right, gradient in [
            ("rnn", 1.0 if lag == 10 else 0.17, 0.5**lag),
            ("lstm", 0.999, 0.3),
            ("gru", 0.98 if lag == 50 else 1.0, 0.3),
        ]
    ]
    said = _report(memories).splitlines()[-2:]
    assert said[0] == "lag 50: lstm right (> 99%), rnn at chance (15.4%, or up to 5 points above)"
    assert said[1] == "lag 500: lstm and gru right (> 99%), rnn at chance (15.4%, or up to 5 points above)"
    right, before, _ = _charts(memories)
    assert dict(right.curves[0].points) == {10: 1.0, 50: 0.17, 500: 0.17}
    assert dict(before.curves[0].points) == {10: 0.5**10, 50: 1e-12, 500: 1e-12}  # no picture is made of nothing
    assert before.y.low == 1e-12 and before.y.high == 1


def test_a_single_lag_and_a_gradient_that_explodes_have_charts_too() -> None:
    one = Memory("recall", "rnn", 50, 9, 0.5, 0.125, 0.1, 0.5, 3e7)
    right, _, after = _charts([one])
    assert right.x.low < 50 < right.x.high
    assert after.y.high == 1e8


def test_a_run_is_measured_on_what_it_did_not_learn_from(gen: Gen, tmp_path: Path) -> None:
    target = tmp_path / "tiny.svg"
    told = gen("probe", "tiny", "--json", "-o", str(target))
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert found["run"] == "tiny" and found["measured_on"].startswith("the validation part of its corpus, 1,2")
    assert [it["tokens"] for it in found["contexts"]["contexts"]] == [2**power for power in range(10)]
    losses = [it["nats_per_token"] for it in found["contexts"]["contexts"]]
    assert losses[0] > losses[-1] and found["baselines"]["5-gram"] < found["baselines"]["unigram"]
    norms = found["gradients"]["from_1_on"]
    assert set(norms) == {"h1", "h2", "c1", "c2"} and {len(values) for values in norms.values()} == {200}
    assert norms["h2"][0] > norms["h2"][50] and found["gradients"]["last_layer_at_0"] > 0
    texts = {text.text for text in ElementTree.parse(target).getroot().iter(f"{SVG}text")}
    assert {"h1", "c2", "tokens back", "tokens of context", "nats a token"} <= texts


@pytest.mark.usefixtures("at_few_places")
def test_a_run_is_told_of_in_charts_and_a_table(gen: Gen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    told = gen("probe", "tiny")
    lines = told.out.decode().splitlines()
    assert max(map(len, lines)) <= 80
    for wanted in ("against tokens back", "against tokens of context", "gradient of c1", "5-gram: ", "context "):
        assert any(wanted in line for line in lines), wanted


@pytest.mark.usefixtures("at_few_places")
def test_another_text_can_be_given(gen: Gen, text_file: Path) -> None:
    told = gen("probe", "tiny", "--text", str(text_file), "--json")
    assert told.code == 0
    found = json.loads(told.out)
    assert found["measured_on"] == f"{text_file}, 12,000 tokens" and found["baselines"] == {}
    assert len(found["contexts"]["contexts"]) == 11 and found["contexts"]["targets"] == 256


@pytest.mark.usefixtures("at_few_places")
def test_without_its_corpus_a_model_reads_what_it_writes(gen: Gen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gen.cli.probe_run._CHARACTERS", 700)
    monkeypatch.setattr("gen.cli.probe_run.own_corpus", lambda checkpoint: None)
    told = gen("probe", "tiny", "--seed", "3", "--json")
    assert told.code == 0
    assert json.loads(told.out)["measured_on"] == ("700 tokens that the model wrote itself, at temperature 1, seed 3")
    assert "wrote itself" in told.err


@pytest.mark.parametrize("own", [True, False])
@pytest.mark.usefixtures("at_few_places")
def test_music_is_measured_like_text(own: bool, music: Gen, monkeypatch: pytest.MonkeyPatch) -> None:
    if not own:
        monkeypatch.setattr("gen.cli.probe_run._SECONDS", 20.0)
        monkeypatch.setattr("gen.cli.probe_run.own_corpus", lambda checkpoint: None)
    told = music("probe", "grid", "--json")
    assert told.code == 0, told.err
    found = json.loads(told.out)
    assert set(found["baselines"]) == ({"unigram", "bigram"} if own else set())
    assert found["contexts"]["targets"] > 50


def test_a_folder_is_no_file_to_draw_into(gen: Gen, tmp_path: Path) -> None:
    folder = tmp_path / "charts.svg"
    folder.mkdir()
    told = gen("probe", "tiny", "-o", str(folder))
    assert told.code == 2 and "charts.svg is a folder: give the name of a file in it" in told.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--lags", "ten"], 2, "lags is 'ten'; it must be numbers in 2 … 10,000, with commas between them"),
        (["--lags", ","], 2, "lags is ','"),
        (["--lags", "10,1"], 2, "lag is 1; it must be in 2 … 10,000"),
        (["--cells", "rnn,transformer"], 2, "cell is 'transformer'; it must be one of rnn, lstm, gru"),
        (["--cells", " "], 2, "cells is ' '"),
        (["--task", "copying"], 2, "task is 'copying'; it must be one of recall, adding, both"),
        (["--hidden", "0"], 2, "hidden is 0"),
        (["--steps", "0"], 2, "steps is 0"),
        (["--seed", "-1"], 2, "seed is -1"),
        (["--text", "x.txt"], 2, "--text is of use to a run only: name one, too"),
        (["--last"], 2, "--last is of use to a run only"),
        (["-o", "x.png"], 2, "x.png: charts are drawn as SVG: name a file that ends with .svg"),
        (["tiny", "--lags", "10", "--hidden", "8"], 2, "--lags, --hidden: of no use to a run"),
        (["tony"], 2, "no run 'tony'"),
        (["tiny", "--text", "not-there.txt"], 3, "not-there.txt"),
        (["tiny", "--seed", "-1"], 2, "seed is -1"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_line(arguments: list[str], code: int, said: str, gen: Gen) -> None:
    told = gen("probe", *arguments)
    assert told.code == code and told.out == b""
    last = told.err.splitlines()[-1]
    assert last.startswith("gen: error: ") and said in last
