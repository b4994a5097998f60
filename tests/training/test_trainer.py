"""The training loop: it learns, it goes on exactly, it recovers, and nothing it shows changes what it does."""

import itertools
import math
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch

from gen.checkpoint import Checkpoint
from gen.corpus.token_corpus import TokenCorpus
from gen.engine import LOSS_CHANGE, instruction_sets, int8_loss_change
from gen.errors import CheckpointError, ConfigError, CorpusError, TrainingError
from gen.progress import Event, Finished, Notice, Sampled, Started, StepFinished, Validated
from gen.sampler import TextSampler
from gen.training.device import choose_precision
from gen.training.optimizers import Optimizer
from gen.training.recipes import plan
from gen.training.trainer import Trainer

E = TypeVar("E", bound=Event)

SMALL: dict[str, Any] = {"hidden": 24, "layers": 2, "batch_size": 4, "sequence_length": 16, "threads": 1}


def same(one: Checkpoint, other: Checkpoint) -> bool:
    """Whether weights, optimizer memory and recurrent state are equal to the last bit."""
    assert one.training is not None and other.training is not None
    pairs = [(one.weights, other.weights), (one.training.tensors, other.training.tensors)]
    return all(a.keys() == b.keys() and all(np.array_equal(a[k], b[k]) for k in a) for a, b in pairs)


def of_kind(events: list[Event], kind: type[E]) -> list[E]:
    return [event for event in events if isinstance(event, kind)]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_every_cell_learns(corpus: TokenCorpus, cell: str) -> None:
    trainer = Trainer.start(corpus, steps=300, cell=cell, **SMALL)
    events = list(trainer.run())
    (finished,) = of_kind(events, Finished)
    uniform = math.log(len(corpus.tokenizer.vocabulary))
    assert finished.loss < 0.5 * uniform  # the words have 15 beginnings and few surprises after them
    assert finished.step == trainer.step == 300
    assert trainer.best is not None
    figures = trainer.best.provenance["validation"]
    assert figures["nats_per_token"] == finished.loss
    assert figures["bits_per_character"] == pytest.approx(finished.loss / math.log(2))


def test_events_come_in_order_and_are_complete(corpus: TokenCorpus) -> None:
    events = list(Trainer.start(corpus, steps=20, validate_every=2, **SMALL).run())
    assert isinstance(events[0], Started)
    assert isinstance(events[-1], Finished)
    assert [event.step for event in of_kind(events, StepFinished)] == list(range(1, 21))
    assert [event.step for event in of_kind(events, Validated)] == list(range(2, 21, 2))
    assert all(len(event.text) > 100 for event in of_kind(events, Sampled))
    assert of_kind(events, StepFinished)[-1].progress == 1


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("precision", sorted({"fp32", choose_precision("auto", "cpu")}))
@pytest.mark.parametrize(("matrix_learning_rate", "tied"), [(0.02, False), (0.0, False), (0.02, True)])
def test_a_run_goes_on_exactly_from_any_step(
    corpus: TokenCorpus, tmp_path: Path, cell: str, precision: str, matrix_learning_rate: float, tied: bool
) -> None:
    settings = SMALL | {
        "precision": precision,
        "dropout": 0.2,
        "matrix_learning_rate": matrix_learning_rate,
        "tied": tied,
    }
    whole = Trainer.start(corpus, steps=24, cell=cell, **settings)
    losses = {e.step: e.loss for e in whole.run() if isinstance(e, StepFinished)}

    first = Trainer.start(corpus, steps=24, cell=cell, **settings)
    for event in first.run():
        if isinstance(event, StepFinished) and event.step == 13:
            break
    path = tmp_path / "resume.safetensors"
    first.checkpoint().save(path)

    second = Trainer(corpus, Checkpoint.load(path), first.best)
    assert second.step == 13
    rest = {e.step: e.loss for e in second.run() if isinstance(e, StepFinished)}
    assert rest == {step: loss for step, loss in losses.items() if step > 13}
    assert same(whole.checkpoint(), second.checkpoint())
    assert whole.best is not None and second.best is not None
    assert whole.best.provenance["validation"] == second.best.provenance["validation"]


def test_a_run_crosses_epochs_exactly(corpus: TokenCorpus) -> None:
    settings = SMALL | {"batch_size": 16, "sequence_length": 64}  # ten chunks an epoch
    whole = Trainer.start(corpus, steps=25, **settings)
    list(whole.run())
    part = Trainer.start(corpus, steps=25, **settings)
    for event in part.run():
        if isinstance(event, StepFinished) and event.step == 20:
            break
    resumed = Trainer(corpus, part.checkpoint(), part.best)
    list(resumed.run())
    assert same(whole.checkpoint(), resumed.checkpoint())


def test_validation_and_previews_change_nothing(corpus: TokenCorpus) -> None:
    often = Trainer.start(corpus, steps=12, validate_every=1, dropout=0.3, **SMALL)
    never = Trainer.start(corpus, steps=12, validate_every=0, dropout=0.3, **SMALL)
    list(often.run())
    list(never.run())
    ours, theirs = often.checkpoint(), never.checkpoint()
    assert all(np.array_equal(ours.weights[name], theirs.weights[name]) for name in ours.weights)


def test_the_seed_decides(corpus: TokenCorpus) -> None:
    def trained(seed: int) -> Checkpoint:
        trainer = Trainer.start(corpus, steps=5, seed=seed, dropout=0.3, **SMALL)
        list(trainer.run())
        return trainer.checkpoint()

    assert same(trained(1), trained(1))
    assert not same(trained(1), trained(2))


def test_a_state_can_be_left_in_the_middle_of_a_validation(corpus: TokenCorpus) -> None:
    whole = Trainer.start(corpus, steps=8, **SMALL)
    list(whole.run())
    part = Trainer.start(corpus, steps=8, **SMALL)
    events = part.run()
    next(event for event in events if type(event).__name__ == "Validating")
    events.close()  # type: ignore[attr-defined]
    resumed = Trainer(corpus, part.checkpoint(), part.best)
    seen = list(resumed.run())
    assert same(whole.checkpoint(), resumed.checkpoint())
    assert of_kind(seen, Validated)[0].step == part.step, "the validation that was left is made up for"


def poison(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, bad: set[int]) -> None:
    """Make the loss of the calls whose numbers are in `bad` non-finite."""
    calls = itertools.count()
    original = torch.nn.functional.cross_entropy

    def cross_entropy(*args: Any, **kwargs: Any) -> torch.Tensor:
        loss = original(*args, **kwargs)
        return loss * math.nan if loss.requires_grad and next(calls) in bad else loss

    monkeypatch.setattr(torch.nn.functional, "cross_entropy", cross_entropy)


def test_a_loss_that_is_not_finite_rolls_back_and_lowers_the_rate(
    corpus: TokenCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = Trainer.start(corpus, steps=10, **SMALL)
    poison(trainer, monkeypatch, {4})
    events = list(trainer.run())
    (notice,) = of_kind(events, Notice)
    assert "after step 4" in notice.message and "back to step 0" in notice.message
    steps = [event.step for event in of_kind(events, StepFinished)]
    assert steps == [1, 2, 3, 4, *range(1, 11)]
    rates = [event.learning_rate for event in of_kind(events, StepFinished)]
    assert rates[4] == pytest.approx(rates[0] / 2)
    assert all(np.isfinite(array).all() for array in trainer.checkpoint().weights.values())


def test_weights_that_are_not_finite_are_never_kept(corpus: TokenCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer.start(corpus, steps=60, validate_every=0, **SMALL)
    original, calls = Optimizer.step, itertools.count(1)

    def step(self: Optimizer, factor: float) -> None:
        original(self, factor)
        if next(calls) == 50:  # the last before a snapshot
            with torch.no_grad():
                trainer._model.output.bias[0] = math.inf

    monkeypatch.setattr(Optimizer, "step", step)
    events = list(trainer.run())
    (notice,) = of_kind(events, Notice)
    assert "after step 50: back to step 0" in notice.message
    assert isinstance(events[-1], Finished)


@pytest.mark.parametrize("name", ["optimizer.momentum.nothing", "optimizer.momentum.output.bias", "state.0"])
def test_a_state_that_does_not_fit_is_refused(corpus: TokenCorpus, name: str) -> None:
    trainer = Trainer.start(corpus, steps=5, **SMALL)
    list(trainer.run())
    saved = trainer.checkpoint()
    assert saved.training is not None
    tensors = dict(saved.training.tensors) | {name: np.zeros((3, 5), np.float32)}
    with pytest.raises(CheckpointError, match="does not fit"):
        Trainer(corpus, replace(saved, training=replace(saved.training, tensors=tensors)))


def test_it_gives_up_after_three_times_with_the_hint(corpus: TokenCorpus, monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = Trainer.start(corpus, steps=10, **SMALL)
    poison(trainer, monkeypatch, set(range(2, 1000)))
    with pytest.raises(TrainingError, match="--learning-rate"):
        list(trainer.run())


def test_minutes_bound_a_run_and_anneal_it(corpus: TokenCorpus) -> None:
    trainer = Trainer.start(corpus, minutes=0.03, **SMALL)
    events = list(trainer.run())
    steps = of_kind(events, StepFinished)
    assert steps[-1].learning_rate < 0.2 * max(step.learning_rate for step in steps)
    (finished,) = of_kind(events, Finished)
    assert finished.seconds < 10  # 1.8 are given; a busy machine may take longer over the last pass
    state = trainer.checkpoint().training
    assert state is not None and state.seconds > 1


def test_minutes_go_on_with_the_time_that_remains(corpus: TokenCorpus) -> None:
    trainer = Trainer.start(corpus, minutes=10, **SMALL)
    next(event for event in trainer.run() if isinstance(event, StepFinished))
    saved = trainer.checkpoint()
    assert saved.training is not None
    late = replace(saved, training=replace(saved.training, seconds=599.0))
    seen = list(Trainer(corpus, late, trainer.best).run())
    assert of_kind(seen, Finished)
    assert of_kind(seen, StepFinished)[0].progress > 0.99


def test_a_trained_model_samples_what_the_preview_showed(corpus: TokenCorpus) -> None:
    trainer = Trainer.start(corpus, steps=10, validate_every=0, **SMALL)
    events = list(trainer.run())
    (sampled,) = of_kind(events, Sampled)
    sample = TextSampler(trainer.checkpoint()).sample(n=160, seed=0, stream=10)
    assert sample.text == sampled.text


@pytest.mark.skipif(not instruction_sets(), reason="the native engine was not built")
def test_a_finished_model_knows_what_int8_costs_it(corpus: TokenCorpus) -> None:
    trainer = Trainer.start(corpus, steps=60, **SMALL)
    list(trainer.run())
    best = trainer.best
    assert best is not None
    ids = corpus.validation.read(0, corpus.validation.size)
    change = int8_loss_change(best.model, best.weights, ids)
    assert best.provenance[LOSS_CHANGE] == pytest.approx(change, abs=1e-6)
    assert 0 < abs(change) < 0.05
    assert TextSampler(best).engine == ("native int8" if change < 0.003 else "native fp32")


def test_many_documents_train_too(tmp_path: Path) -> None:
    for number in range(40):
        (tmp_path / f"{number:02}.txt").write_text(f"Document number {number} is short. " * (1 + number % 5), "utf-8")
    corpus = TokenCorpus.open(tmp_path)
    trainer = Trainer.start(corpus, steps=6, hidden=16)
    assert of_kind(list(trainer.run()), Finished)
    assert trainer.best is not None
    figures = trainer.best.provenance["validation"]
    assert figures["bits_per_character"] > figures["nats_per_token"] / math.log(2), (
        "boundaries cost nats, and no character"
    )


def test_one_symbol_and_the_smallest_corpus_train(tmp_path: Path) -> None:
    for text in ("a" * 200, "ab" * 100):
        (tmp_path / "tiny.txt").write_text(text, "utf-8")
        corpus = TokenCorpus.open(tmp_path / "tiny.txt")
        trainer = Trainer.start(corpus, steps=3)
        events = list(trainer.run())
        assert isinstance(events[-1], Finished)


def test_a_batch_that_does_not_fit_is_refused_with_the_figures(corpus: TokenCorpus) -> None:
    with pytest.raises(CorpusError, match="batch_size 512 x sequence_length 64 needs 32769"):
        Trainer.start(corpus, steps=1, batch_size=512, sequence_length=64)


def test_an_unknown_device_is_refused(corpus: TokenCorpus) -> None:
    with pytest.raises(ConfigError, match="no-such-device"):
        Trainer.start(corpus, steps=1, device="no-such-device")


def test_a_finished_model_is_no_state_to_go_on_from(corpus: TokenCorpus) -> None:
    finished = replace(plan(corpus, steps=1).checkpoint, training=None)
    with pytest.raises(TrainingError, match="--init-from"):
        Trainer(corpus, finished)
