"""The settings of a classifier: chosen where nobody says, taken over from a language model, refused in a clash."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen.corpus.documents import ReadingOptions
from gen.corpus.labelled_corpus import LabelledCorpus
from gen.errors import ConfigError
from gen.training.classifier_recipe import check_classifier_settings, plan_classifier
from tests.training.test_classifier_trainer import language_model, write_rows


@pytest.fixture
def labelled(tmp_path: Path) -> LabelledCorpus:
    return LabelledCorpus.open(write_rows(tmp_path / "rows.jsonl"), options=ReadingOptions(tokens="char"), length=9)


def test_what_is_given_stands_and_the_rest_is_chosen_and_told(labelled: LabelledCorpus) -> None:
    planned = plan_classifier(labelled, hidden=20, epochs=2.5, batch_size=10)
    start = planned.checkpoint
    assert start.training is not None
    assert (start.model.hidden, start.model.cell, start.training.config.batch_size) == (20, "lstm", 10)
    assert start.training.config.steps == np.ceil(2.5 * np.ceil(len(labelled.train) / 10))
    assert (start.classifier.labels, start.classifier.length) == (("x", "y"), 9)
    assert not {"hidden", "batch_size"} & {choice.name for choice in planned.choices}
    assert {"cell", "pooling", "steps", "threads"} <= {choice.name for choice in planned.choices}
    assert {name: array.shape for name, array in start.weights.items()} == start.classifier.parameter_shapes(
        start.model
    )


def test_the_same_seed_draws_the_same_weights(labelled: LabelledCorpus) -> None:
    one, again, other = (plan_classifier(labelled, seed=seed).checkpoint.weights for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], again[name]) for name in one)
    assert not np.array_equal(one["head.weight"], other["head.weight"])


def test_an_encoder_is_taken_over_whole(labelled: LabelledCorpus) -> None:
    source = language_model(labelled)
    start = plan_classifier(labelled, source=source).checkpoint
    assert start.model == source.model and start.tokenizer is source.tokenizer
    for name, array in source.weights.items():
        assert name.startswith("output.") or np.array_equal(start.weights[name], array)
    assert start.provenance["from"] == source.provenance
    assert start.training is not None and start.training.config.encoder_rate < 1


@pytest.mark.parametrize(
    ("given", "needle"),
    [
        ({"hidden": 5}, "hidden is 5, but the language model has 12"),
        ({"cell": "rnn"}, "cell is 'rnn', but the language model has 'gru'"),
        ({"embedding": 5}, "embedding is 5; with --from it is the language model's"),
    ],
)
def test_a_shape_other_than_the_language_models_is_refused(
    labelled: LabelledCorpus, given: dict[str, Any], needle: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_classifier(labelled, source=language_model(labelled), **given)
    assert needle in str(caught.value)


@pytest.mark.parametrize(
    ("given", "needle"),
    [
        ({"ngrams": 3}, "ngrams is 3; only the encoder of a language model has them"),
        ({"steps": 3, "epochs": 1.0}, "steps and epochs are given"),
        ({"hiden": 3}, "setting is 'hiden'"),
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"pooling": "sum"}, "pooling is 'sum'"),
        ({"epochs": 0.0}, "epochs is 0.0"),
    ],
)
def test_what_cannot_be_is_refused(labelled: LabelledCorpus, given: dict[str, Any], needle: str) -> None:
    with pytest.raises(ConfigError) as caught:
        plan_classifier(labelled, **given)
    assert needle in str(caught.value)
    if "ngrams" not in given:
        with pytest.raises(ConfigError):
            check_classifier_settings(given)
