"""Throw-away weights: what was read has become likelier, and the model itself is as it was."""

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import CorpusError
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation
from gen.protocols import Ids
from gen.training import adapt
from gen.training.recipes import plan


def adapted(checkpoint: Checkpoint, ids: Ids, passes: int = 1) -> Checkpoint:
    running = adapt(checkpoint, ids, passes=passes)
    while True:
        try:
            next(running)
        except StopIteration as end:
            found: Checkpoint = end.value
            return found


def loss(checkpoint: Checkpoint, ids: Ids) -> float:
    model = RecurrentLanguageModel(checkpoint.model)
    model.load_weights(checkpoint.weights)
    validation = Validation(model, ids)
    list(validation.run())
    return validation.loss


def test_what_was_read_becomes_likelier_and_more_so_when_read_again(corpus: TokenCorpus) -> None:
    checkpoint = plan(corpus, steps=1, hidden=16, layers=1).checkpoint
    before = checkpoint.to_bytes()
    ids = corpus.train.read(0, 2000)
    once, twice = adapted(checkpoint, ids), adapted(checkpoint, ids, passes=2)
    assert loss(twice, ids) < loss(once, ids) < loss(checkpoint, ids) - 0.05
    assert checkpoint.to_bytes() == before
    assert once.training is None and once.provenance["adapted"]["tokens"] == 2000


def test_the_same_ids_give_the_same_weights(corpus: TokenCorpus) -> None:
    checkpoint = plan(corpus, steps=1, hidden=16, layers=1).checkpoint
    ids = corpus.train.read(0, 300)
    one, other = adapted(checkpoint, ids), adapted(checkpoint, ids)
    assert all(np.array_equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_too_little_to_read_is_refused(corpus: TokenCorpus) -> None:
    checkpoint = plan(corpus, steps=1, hidden=16, layers=1).checkpoint
    with pytest.raises(CorpusError, match="1 tokens to adapt to; two are needed"):
        adapted(checkpoint, corpus.train.read(0, 1))
