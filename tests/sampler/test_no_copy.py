"""A model that only copies, kept from it: by sampling, by beams, behind a prompt."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.config import ModelConfig
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.novelty import NoCopy
from gen.protocols import RecurrentState
from gen.sampler import TextSampler
from gen.tokenizers import CharTokenizer
from tests.novelty.test_no_copy import Found, copies

ALPHABET = "\nabcdefgh"
DOCUMENT = ALPHABET[1:] * 20


class Copying:
    """After each letter, nearly always the next one of the alphabet."""

    vocabulary_size = len(ALPHABET)

    def initial_state(self, batch: int) -> RecurrentState[Any]:
        return RecurrentState((np.zeros((1, batch, 1)),))

    def step(self, ids: Any, state: RecurrentState[Any]) -> tuple[Any, RecurrentState[Any]]:
        logits = np.zeros((len(ids), self.vocabulary_size))
        logits[np.arange(len(ids)), ids % (self.vocabulary_size - 1) + 1] = 9.0
        return logits, state

    def prefill(self, ids: Any, state: RecurrentState[Any]) -> tuple[Any, RecurrentState[Any]]:
        return self.step(ids[:, -1], state)


@pytest.fixture
def sampler() -> TextSampler:
    tokenizer = CharTokenizer(ALPHABET)
    config = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), layers=1, hidden=4)
    made = TextSampler(
        Checkpoint(model=config, weights=initial_weights(config, seed=0), tokenizer=tokenizer, provenance={})
    )
    made._engine = cast(Any, Copying())
    return made


def guard(sampler: TextSampler, length: int, documents: Sequence[str] = (DOCUMENT,)) -> NoCopy:
    return NoCopy.of(Found(documents), sampler.tokenizer, length)


@pytest.mark.parametrize("prompt", ["", "abcdefghabc", "hhh"])
def test_no_run_is_written_in_any_way(sampler: TextSampler, prompt: str) -> None:
    assert copies([DOCUMENT], sampler.sample(prompt, n=200, seed=1).text.encode(), 100)
    no_copy = guard(sampler, 12)
    texts = [sampler.sample(prompt, n=200, seed=1, no_copy=no_copy).text]
    texts += ["".join(stream) for stream in sampler.streams(prompt, streams=range(3), n=99, seed=1, no_copy=no_copy)]
    texts += ["".join(sampler.beam(prompt, width=3, n=60, no_copy=no_copy))]
    texts += [found.sample.text for found in sampler.best_of(prompt, count=2, n=60, seed=1, no_copy=no_copy)]
    for text in texts:
        whole = (prompt[-11:] + text).encode()
        assert not copies([DOCUMENT], whole, 12)
        assert copies([DOCUMENT], whole, 11), "it goes as far as it may"


def test_such_a_stream_has_no_state(sampler: TextSampler) -> None:
    with pytest.raises(ConfigError, match="no state to go on from: take a stream without no_copy"):
        sampler.state(sampler.stream(n=5, no_copy=guard(sampler, 12)))
