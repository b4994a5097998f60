"""What a run leaves, killed before or after any of its writes, and gone on from what is then on the disk."""

import itertools
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import StorageError
from gen.progress import Event, Finished
from gen.runs import Run
from gen.training.model_card import model_card
from gen.training.recipes import plan
from gen.training.recorder import load_best, record
from gen.training.trainer import Trainer

SETTINGS: dict[str, Any] = {
    "steps": 40, "validate_every": 8, "hidden": 12, "layers": 1, "batch_size": 4, "sequence_length": 16, "threads": 1
}  # fmt: skip


class Killed(BaseException):
    """The end of the process."""


@pytest.fixture(autouse=True)
def save_often(monkeypatch: pytest.MonkeyPatch) -> None:
    """Write every snapshot, and take one every five steps."""
    monkeypatch.setattr("gen.training.trainer.SNAPSHOT_STEPS", 5)
    monkeypatch.setattr("gen.training.recorder._LOST_SHARE", 0.0)
    monkeypatch.setattr("gen.training.recorder._SAVE_SHARE", float("inf"))


def begun(corpus: TokenCorpus, path: Path) -> Run:
    run = Run(path)
    path.mkdir()
    run.begin(plan(corpus, **SETTINGS).checkpoint)
    return run


def go_on(corpus: TokenCorpus, run: Run) -> Iterator[Event]:
    return record(Trainer(corpus, run.resume(), load_best(run, Checkpoint)), run, model_card)


def left(run: Run) -> tuple[list[dict[str, Any]], dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Log without timings, weights of the best model, and the whole last state."""
    log = [json.loads(line) for line in run.metrics_path.read_text("utf-8").splitlines()]
    state = run.resume()
    assert state.training is not None
    return (
        [{k: v for k, v in entry.items() if k not in ("seconds", "tokens_per_second")} for entry in log],
        dict(run.checkpoint().weights),
        {**state.weights, **state.training.tensors},
    )


def assert_same(one: Run, other: Run) -> None:
    ours, theirs = left(one), left(other)
    assert ours[0] == theirs[0]
    for a, b in ((ours[1], theirs[1]), (ours[2], theirs[2])):
        assert a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_write_loses_nothing(
    corpus: TokenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    whole = begun(corpus, tmp_path / "whole")
    writes = 0
    original = os.replace

    def counted(source: Any, target: Any) -> None:
        nonlocal writes
        writes += 1
        original(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", counted)
        list(go_on(corpus, whole))
    assert writes > 15

    for fatal in range(1, writes + 1):
        run = begun(corpus, tmp_path / f"{moment}-{fatal}")
        calls = itertools.count(1)

        def fatally(source: Any, target: Any, calls: Iterator[int] = calls, fatal: int = fatal) -> None:
            end = next(calls) == fatal
            if end and moment == "before":
                raise Killed
            original(source, target)
            if end:
                raise Killed

        with monkeypatch.context() as patch, pytest.raises(Killed):
            patch.setattr(os, "replace", fatally)
            list(go_on(corpus, run))
        list(go_on(corpus, run))
        assert_same(whole, run)


def test_a_torn_line_of_the_log_is_cut(corpus: TokenCorpus, tmp_path: Path) -> None:
    whole, torn = begun(corpus, tmp_path / "whole"), begun(corpus, tmp_path / "torn")
    list(go_on(corpus, whole))
    events = go_on(corpus, torn)
    for event in events:
        if getattr(event, "step", 0) == 22:
            break
    events.close()  # type: ignore[attr-defined]
    with torn.metrics_path.open("a") as log:
        log.write('{"event": "step", "step": 2')
    list(go_on(corpus, torn))
    assert_same(whole, torn)


def test_a_finished_run_says_how_well_it_does(corpus: TokenCorpus, tmp_path: Path) -> None:
    run = begun(corpus, tmp_path / "run")
    *_, last = go_on(corpus, run)
    assert isinstance(last, Finished)
    card = run.card_path.read_text("utf-8")
    assert f"{last.loss:.4f} nats a token" in card
    assert "one stateful pass" in card and "babble.txt" in card
    assert run.checkpoint().training is None
    assert Checkpoint.load(run.resume_path).training is not None


def test_a_disk_that_fills_up_is_one_line_and_the_last_state_stands(
    corpus: TokenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = begun(corpus, tmp_path / "run")
    calls = itertools.count(1)
    original = os.fsync

    def full(descriptor: int) -> None:
        if next(calls) > 12:
            raise OSError(28, "No space left on device")
        original(descriptor)

    with monkeypatch.context() as patch, pytest.raises(StorageError, match="No space left on device"):
        patch.setattr(os, "fsync", full)
        list(go_on(corpus, run))
    whole = begun(corpus, tmp_path / "whole")
    list(go_on(corpus, whole))
    list(go_on(corpus, run))
    assert_same(whole, run)
