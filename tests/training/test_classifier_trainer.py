"""Classifiers learn, go on exactly where they were left, and train no more than they are asked to."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gen.checkpoint import Checkpoint, ClassifierCheckpoint
from gen.classifier import Classifier
from gen.config import Cell, ModelConfig
from gen.corpus.documents import ReadingOptions
from gen.corpus.labelled_corpus import LabelledCorpus
from gen.errors import CheckpointError, TrainingError
from gen.models.classifier import class_loss
from gen.models.initialization import initial_weights
from gen.progress import ClassifierStarted, ClassifierValidated, Finished, Notice, StepFinished
from gen.training.classifier_recipe import plan_classifier
from gen.training.classifier_trainer import ClassifierTrainer

SMALL: dict[str, Any] = {"hidden": 12, "embedding": 8, "batch_size": 8, "threads": 1, "learning_rate": 1e-2}


def write_rows(path: Path, count: int = 240, labels: str = "xy", seed: int = 0) -> Path:
    """Texts of letters; a mark somewhere in each says of which class it is."""
    draws = np.random.default_rng(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in draws.integers(0, len(labels), count):
            letters = list(draws.choice(list("abcd"), int(draws.integers(2, 14))))
            letters.insert(int(draws.integers(0, len(letters))), "PQRS"[int(number)])
            file.write(json.dumps({"text": "".join(letters), "label": labels[int(number)]}) + "\n")
    return path


@pytest.fixture
def labelled(tmp_path: Path) -> LabelledCorpus:
    return LabelledCorpus.open(write_rows(tmp_path / "rows.jsonl"), options=ReadingOptions(tokens="char"))


def language_model(corpus: LabelledCorpus) -> Checkpoint:
    """One that has learned nothing yet, with vectors of n-grams."""
    size = len(corpus.tokenizer.vocabulary)
    shape = ModelConfig(
        vocabulary_size=size, cell="gru", layers=2, hidden=12, ngrams=3, ngram_rows=32, ngram_width=4, residual=True
    )
    weights = initial_weights(shape, 1)
    weights["ngram_embedding.weight"] = np.random.default_rng(0).standard_normal((32, 4)).astype(np.float32)
    return Checkpoint(shape, corpus.tokenizer, weights, {"corpus": {"sources": ["book.txt"]}})


def finished(trainer: ClassifierTrainer) -> Finished:
    *_, last = trainer.run()
    assert isinstance(last, Finished)
    return last


def same(one: ClassifierCheckpoint, other: ClassifierCheckpoint) -> bool:
    assert one.training is not None and other.training is not None
    tensors = [(one.weights, other.weights), (one.training.tensors, other.training.tensors)]
    equal = all(a.keys() == b.keys() and all(np.array_equal(a[n], b[n]) for n in a) for a, b in tensors)
    counters = [replace(it.training, tensors={}, seconds=0.0)._to_dict() for it in (one, other) if it.training]
    return equal and counters[0] == counters[1]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("labels", ["xy", "xyz"])
def test_every_cell_learns_to_find_a_mark(tmp_path: Path, cell: Cell, labels: str) -> None:
    path = write_rows(tmp_path / "rows.jsonl", 400, labels)
    corpus = LabelledCorpus.open(path, options=ReadingOptions(tokens="char"))
    trainer = ClassifierTrainer.start(corpus, cell=cell, epochs=12.0, pooling="max", **SMALL)
    events = list(trainer.run())
    assert isinstance(events[0], ClassifierStarted) and events[0].majority < 0.75
    assert sum(isinstance(event, StepFinished) for event in events) == trainer.config.steps
    assert isinstance(events[-1], Finished)
    assert events[-1].figures["accuracy"] > 0.9
    assert trainer.best is not None
    assert trainer.best.provenance["validation"]["accuracy"] == events[-1].figures["accuracy"]


def test_the_best_model_is_that_of_the_lowest_loss_and_what_it_was_measured_to_be(labelled: LabelledCorpus) -> None:
    trainer = ClassifierTrainer.start(labelled, steps=60, validate_every=10, device="cpu", **SMALL)
    validated = [event for event in trainer.run() if isinstance(event, ClassifierValidated)]
    assert len(validated) == 6
    best = min(validated, key=lambda event: event.loss)
    assert trainer.best is not None and trainer.best.training is None
    assert trainer.best.provenance["validation"]["step"] == best.step
    part = labelled.validation
    found = Classifier(trainer.best).probabilities(part.sequences)  # in numpy
    assert -np.log(found[np.arange(len(part)), part.targets]).mean() == pytest.approx(best.loss, abs=1e-5)


@pytest.mark.parametrize("settings", [{}, {"freeze": True}, {"cell": "rnn"}], ids=["all", "frozen", "rnn"])
@pytest.mark.parametrize("leave", [1, 17, 39])
def test_going_on_gives_the_same_bits(labelled: LabelledCorpus, settings: dict[str, Any], leave: int) -> None:
    given: dict[str, Any] = {**SMALL, "steps": 40, "validate_every": 10} | settings
    whole, left = ClassifierTrainer.start(labelled, **given), ClassifierTrainer.start(labelled, **given)
    finished(whole)
    for event in left.run():
        if isinstance(event, StepFinished) and event.step == leave:
            break
    stored = left.checkpoint().to_bytes()
    assert left.best is None or leave > 10
    path = Path(labelled.provenance["sources"][0]).with_suffix(".safetensors")
    path.write_bytes(stored)
    again = ClassifierTrainer(labelled, ClassifierCheckpoint.load(path), left.best)
    finished(again)
    assert same(again.checkpoint(), whole.checkpoint())
    assert again.best is not None and whole.best is not None
    assert all(np.array_equal(again.best.weights[name], array) for name, array in whole.best.weights.items())


def test_a_frozen_encoder_stays_as_it_was_and_trains_as_if_it_were_read(labelled: LabelledCorpus) -> None:
    source = language_model(labelled)
    given: dict[str, Any] = {"source": source, "batch_size": 8, "threads": 1, "steps": 30, "dropout": 0.0,
                             "recurrent_dropout": 0.0, "precision": "fp32", "learning_rate": 1e-2,
                             "weight_decay": 0.0}  # fmt: skip
    frozen = ClassifierTrainer.start(labelled, freeze=True, **given)
    finished(frozen)
    still = ClassifierTrainer.start(labelled, encoder_rate=0.0, **given)
    finished(still)
    weights, start = frozen.checkpoint().weights, plan_classifier(labelled, **given).checkpoint.weights
    for name, array in weights.items():
        assert np.array_equal(array, start[name]) is not name.startswith("head"), name
        if name in source.weights:
            assert np.array_equal(array, source.weights[name])
        assert np.array_equal(array, still.checkpoint().weights[name])


def test_fine_tuning_changes_all_but_the_vectors_of_n_grams(labelled: LabelledCorpus) -> None:
    source = language_model(labelled)
    trainer = ClassifierTrainer.start(labelled, source=source, steps=20, batch_size=8, threads=1)
    finished(trainer)
    weights = trainer.checkpoint().weights
    changed = {
        name for name, array in source.weights.items() if name in weights and not np.array_equal(array, weights[name])
    }
    assert changed == {name for name in source.weights if name in weights} - {"ngram_embedding.weight"}


def test_the_encoder_learns_at_its_own_rate(labelled: LabelledCorpus) -> None:
    def moved(rate: float) -> dict[str, float]:
        given = {**SMALL, "steps": 1, "encoder_rate": rate, "decay": 0.0, "precision": "fp32"}
        start = plan_classifier(labelled, **given).checkpoint
        trainer = ClassifierTrainer(labelled, start)
        finished(trainer)
        after = trainer.checkpoint().weights
        return {name: float(np.abs(array - start.weights[name]).max()) for name, array in after.items()}

    slow, quick = moved(0.1), moved(1.0)
    assert quick["head.weight"] == slow["head.weight"] == pytest.approx(1e-2, rel=1e-3)  # Adam's first step
    assert slow["encoder.layers.0.bias"] == pytest.approx(1e-3, rel=1e-2)
    assert quick["encoder.layers.0.bias"] == pytest.approx(1e-2, rel=1e-2)


def test_a_loss_that_is_no_number_halves_the_rate_and_then_ends(
    labelled: LabelledCorpus, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(10_000))

    def sometimes(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        return class_loss(logits, targets) * (float("nan") if next(calls) == 7 else 1)

    monkeypatch.setattr("gen.training.classifier_trainer.class_loss", sometimes)
    trainer = ClassifierTrainer.start(labelled, steps=20, **SMALL)
    events = list(trainer.run())
    assert sum(isinstance(event, Notice) for event in events) == 1
    state = trainer.checkpoint().training
    assert state is not None and (state.rate_scale, state.rollbacks, state.step) == (0.5, 1, 20)
    monkeypatch.setattr(
        "gen.training.classifier_trainer.class_loss", lambda logits, targets: class_loss(logits, targets) * torch.nan
    )
    with pytest.raises(TrainingError, match="begin anew with --learning-rate below"):
        list(ClassifierTrainer.start(labelled, steps=20, **SMALL).run())


def test_a_finished_model_and_a_foreign_state_are_refused(labelled: LabelledCorpus) -> None:
    start = plan_classifier(labelled, steps=2, **SMALL).checkpoint
    with pytest.raises(TrainingError, match="no training state"):
        ClassifierTrainer(labelled, replace(start, training=None))
    assert start.training is not None
    foreign = replace(start.training, tensors={"optimizer.exp_avg.head.weight": np.zeros((3, 3), np.float32)})
    with pytest.raises(CheckpointError, match="does not fit the model"):
        ClassifierTrainer(labelled, replace(start, training=foreign))
