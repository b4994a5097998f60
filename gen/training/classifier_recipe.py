"""From a labelled corpus to the settings of a classifier: every choice static, shown, and free to be made by the user.

Nothing here imports torch, so the state at step 0 is on the disk a moment after the command was given.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from gen.checkpoint import Checkpoint, ClassifierCheckpoint, ClassifyingState
from gen.config import ClassifierConfig, ClassifyConfig, ModelConfig, available_threads, check_epochs, require
from gen.corpus.labelled_corpus import LabelledCorpus
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.training.recipes import Choice

_EPOCHS = 5.0
_FEWEST_STEPS = 300  # that a small corpus is read over and over for
_FROZEN_STEPS = 2000  # of a head alone, which costs next to nothing
_MODEL = [field.name for field in fields(ModelConfig) if field.name != "vocabulary_size"]
_HEAD = [field.name for field in fields(ClassifierConfig) if field.name != "labels"]
_TRAIN = [field.name for field in fields(ClassifyConfig)]


@dataclass(frozen=True, slots=True, eq=False)
class ClassifierPlan:
    """A run before its first step.

    Attributes:
        checkpoint: initial weights and the training state at step 0.
        choices: what was chosen.
    """

    checkpoint: ClassifierCheckpoint
    choices: tuple[Choice, ...]


def plan_classifier(
    corpus: LabelledCorpus, *, epochs: float | None = None, source: Checkpoint | None = None, **given: Any
) -> ClassifierPlan:
    """Complete the settings for `corpus` and draw the initial weights.

    Args:
        corpus: what will be learned; its tokenizer, labels and length become the model's.
        epochs: a budget in passes over the training part, in place of `steps`.
        source: a language model whose embedding and encoder are taken over; the corpus has its tokenizer.
        given: settings of `ModelConfig`, `ClassifierConfig` and `ClassifyConfig` that are not to be chosen.

    Raises:
        ConfigError: an unknown setting, a value out of range, both budgets, or a shape other than the source's.
    """
    check_classifier_settings({**given, "epochs": epochs})
    settings = {name: value for name, value in given.items() if value is not None}
    choices: list[Choice] = []

    def choose(name: str, value: Any, reason: str) -> None:
        if name not in settings:
            settings[name] = value
            choices.append(Choice(name, value, reason))

    if source is None:
        choose("cell", "lstm", "the usual one")
        choose("layers", 1, "one is enough for most")
        choose("hidden", 128, "a common size")
        if settings.setdefault("ngrams", 1) > 1:
            raise ConfigError(f"ngrams is {settings['ngrams']}; only the encoder of a language model has them (--from)")
        choose("pooling", "last", "the state after the last token")
    else:
        for name in _MODEL:
            value = getattr(source.model, name)
            if settings.setdefault(name, value) != value:
                raise ConfigError(f"{name} is {settings[name]!r}, but the language model has {value!r}: leave it out")
        if settings.get("embedding") is not None:
            raise ConfigError(
                f"embedding is {settings['embedding']}; with --from it is the language model's: leave it out"
            )
        choose("pooling", "mean", "tells most with few documents")
        choose("encoder_rate", 0.1, "what was learned before is changed with care")
    frozen = bool(settings.get("freeze"))
    choose("threads", available_threads(), "processors of this machine")
    choose("batch_size", 32, "a common size")
    one = -(-len(corpus.train) // settings["batch_size"])
    if epochs is not None:
        choose("steps", max(1, math.ceil(epochs * one)), f"{epochs:g} epochs of {one} steps")
    else:
        least = _FROZEN_STEPS if frozen else _FEWEST_STEPS
        steps = max(round(_EPOCHS * one), least)
        choose("steps", steps, f"{steps / one:.3g} epochs of {one} steps")
    if frozen:
        choose("learning_rate", 1e-2, "a head alone bears it")
        choose("weight_decay", 0.1, "few documents are soon known by heart")
    choose("validate_every", max(one, math.ceil(settings["steps"] / 20)), "after an epoch, or a twentieth of the run")
    settings |= {"length": corpus.length, "keep": corpus.keep}
    model = ModelConfig(vocabulary_size=len(corpus.tokenizer.vocabulary), **_only(_MODEL, settings))
    classifier = ClassifierConfig(labels=corpus.labels, **_only(_HEAD, settings))
    classifier.check(model)
    train = ClassifyConfig(**_only(_TRAIN, settings))
    weights = initial_weights(model, train.seed, classifier)
    provenance: dict[str, Any] = {"corpus": corpus.provenance, "seed": train.seed}
    if source is not None:
        weights |= {name: array for name, array in source.weights.items() if name in weights}
        provenance["from"] = dict(source.provenance)
    checkpoint = ClassifierCheckpoint(
        model, corpus.tokenizer, weights, provenance, ClassifyingState(train), classifier=classifier
    )
    return ClassifierPlan(checkpoint, tuple(choices))


def check_classifier_settings(given: Mapping[str, Any]) -> None:
    """Refuse settings that no corpus could make right, before one is read (`ConfigError`).

    Args:
        given: settings of `ModelConfig`, `ClassifierConfig` and `ClassifyConfig`, and epochs. None is not given.
    """
    settings = {name: value for name, value in given.items() if value is not None}
    known = sorted({*_MODEL, *_HEAD, *_TRAIN, "epochs"})
    for name in settings:
        require(name in known, "setting", name, f"one of {', '.join(known)}")
    if "epochs" in settings:
        if "steps" in settings:
            raise ConfigError("steps and epochs are given; one of them bounds a run")
        check_epochs(settings["epochs"])
    ModelConfig(vocabulary_size=1, **_only(_MODEL, settings))
    ClassifierConfig(labels=("a", "b"), **_only(_HEAD, settings))
    ClassifyConfig(**{"steps": 1} | _only(_TRAIN, settings))


def _only(names: list[str], settings: Mapping[str, Any]) -> dict[str, Any]:
    return {name: settings[name] for name in names if name in settings}
