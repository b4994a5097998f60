"""The classifier as its users have it: documents in, probabilities out, in order, a block at a time."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from gen.checkpoint import Checkpoint, ClassifierCheckpoint
from gen.classifier import Classifier
from gen.config import ClassifierConfig, ModelConfig
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.tokenizers import CharTokenizer


def make(labels: tuple[str, ...] = ("a", "b", "c"), length: int = 5) -> ClassifierCheckpoint:
    model = ModelConfig(vocabulary_size=4, layers=2, hidden=5)
    classifier = ClassifierConfig(labels=labels, length=length, pooling="all")
    weights = initial_weights(model, 1, classifier)
    return ClassifierCheckpoint(model, CharTokenizer("abc\n"), weights, {"seed": 1}, classifier=classifier)


DOCUMENTS = ["abc", "", "b", "cab" * 9, "abc", "xyz", "aab"]


def test_order_is_kept_and_neighbours_change_nothing() -> None:
    classifier = Classifier(make())
    alone = [next(classifier.classify([document])) for document in DOCUMENTS]
    for block in (1, 2, 100):
        together = list(classifier.classify(DOCUMENTS, block=block))
        assert len(together) == len(DOCUMENTS)
        assert np.abs(np.array(together) - alone).max() < 1e-6
    assert np.allclose(np.sum(alone, axis=1), 1)
    assert len({tuple(found.round(6)) for found in alone}) == 5  # "abc" twice, and nothing known in "" and "xyz"


def test_no_more_than_a_block_is_read_ahead() -> None:
    read = 0

    def documents() -> Iterator[str]:
        nonlocal read
        for document in DOCUMENTS:
            read += 1
            yield document

    found = Classifier(make()).classify(documents(), block=3)
    next(found)
    assert read == 3


def test_what_is_behind_its_length_is_not_read() -> None:
    classifier = Classifier(make(length=2))
    first, second, third = classifier.classify(["abc", "abb", "bbc"])
    assert np.array_equal(first, second) and not np.array_equal(first, third)


def test_a_file_is_opened_and_a_language_model_refused(tmp_path: Path) -> None:
    make(("no", "yes")).save(tmp_path / "c.safetensors")
    assert Classifier.open(tmp_path / "c.safetensors").labels == ("no", "yes")
    model = ModelConfig(vocabulary_size=4, layers=1, hidden=5)
    Checkpoint(model, CharTokenizer("abc\n"), initial_weights(model, 0), {}).save(tmp_path / "m.safetensors")
    with pytest.raises(ConfigError, match=r"m.safetensors: a language model, .*gen classify train FILE --from"):
        Classifier.open(tmp_path / "m.safetensors")
