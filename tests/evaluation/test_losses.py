"""The loss beside those of models that count: all by the same measure, on the same tokens."""

import lzma

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.corpus.parts import Part
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import CorpusError
from gen.evaluation import Losses, measure
from gen.metrics.ngram import witten_bell
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation, cold_loss
from gen.progress import Validating
from gen.training.recipes import plan


def measured(checkpoint: Checkpoint, part: Part, train: Part | None = None, *, dynamic: bool = False) -> Losses:
    measuring = measure(checkpoint, part, train, dynamic=dynamic)
    while True:
        try:
            assert isinstance(next(measuring), Validating)
        except StopIteration as end:
            found: Losses = end.value
            return found


def test_it_is_one_stateful_pass_beside_counts_of_the_training_part(corpus: TokenCorpus) -> None:
    checkpoint = plan(corpus, steps=1, hidden=16, layers=1).checkpoint
    losses = measured(checkpoint, corpus.validation, corpus.train)
    ids = corpus.validation.read(0, corpus.validation.size)
    model = RecurrentLanguageModel(checkpoint.model)
    model.load_weights(checkpoint.weights)
    validation = Validation(model, ids)
    list(validation.run())
    assert losses.model["nats_per_token"] == pytest.approx(validation.loss, rel=1e-9)
    assert losses.model["bits_per_character"] == pytest.approx(validation.loss / np.log(2), rel=1e-9)
    assert (losses.tokens, losses.units) == (len(ids) - 1, len(ids))
    train, size = corpus.train.read(0, corpus.train.size), checkpoint.model.vocabulary_size
    for name, order in (("unigram", 1), ("bigram", 2), ("5-gram", 5)):
        assert losses.baselines[name]["nats_per_token"] == witten_bell(train, ids, size, order)
    text = corpus.tokenizer.decode(ids)
    assert isinstance(text, str)
    packed = 8 * len(lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)) / len(text)
    assert losses.baselines["xz"]["bits_per_character"] == pytest.approx(packed)
    assert measured(checkpoint, corpus.validation).baselines == {"xz": losses.baselines["xz"]}


def test_cold_windows_and_dynamic_evaluation_stand_beside_it(corpus: TokenCorpus) -> None:
    checkpoint = plan(corpus, steps=1, hidden=16, layers=1).checkpoint
    losses = measured(checkpoint, corpus.validation, dynamic=True)
    model = RecurrentLanguageModel(checkpoint.model)
    model.load_weights(checkpoint.weights)
    cold = cold_loss(model, corpus.validation.read(0, corpus.validation.size), 256)
    with pytest.raises(StopIteration) as end:
        while True:
            next(cold)
    assert losses.cold["nats_per_token"] == end.value.value
    assert losses.dynamic is not None
    assert (
        losses.dynamic["nats_per_token"] < losses.model["nats_per_token"] - 0.05
    )  # an untrained model has all to learn
    assert set(losses.to_dict()) == {"model", "cold_windows_of_256", "dynamic", "baselines", "tokens", "units"}
    assert measured(checkpoint, corpus.validation).dynamic is None


def test_nothing_to_measure_on_is_refused(corpus: TokenCorpus) -> None:
    checkpoint = plan(corpus, steps=1, hidden=16, layers=1).checkpoint
    part = Part(corpus.train.ids, np.array([[0, 1]]), corpus.train._tokenizer)
    with pytest.raises(CorpusError, match="1 tokens to measure on; two are needed"):
        measured(checkpoint, part)
