"""What a document costs: by hand, as a probability, and as `gen eval` measures it."""

import itertools
import math
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.config import CLOCKS, Clock, ModelConfig
from gen.corpus.parts import Part
from gen.corpus.token_corpus import TokenCorpus
from gen.engine import NativeEngine, NumpyEngine, instruction_sets
from gen.errors import SamplingError, TokenizerError
from gen.evaluation import Losses, measure
from gen.models.initialization import initial_weights
from gen.music.midi_writer import midi_bytes
from gen.music.score import Note, Score, Tempo, TimeSignature
from gen.sampler import MusicSampler, TextSampler
from gen.sampler import scoring as scoring_module
from gen.sampler.scoring import costs, ids_of, sections
from gen.tokenizers import CharTokenizer, MidiTokenizer
from gen.training.recipes import plan
from tests.conftest import babble
from tests.decoding.reference import Poisoned, small_engine


def sampler_of(corpus: TokenCorpus) -> TextSampler:
    return TextSampler(plan(corpus, steps=1, hidden=16, layers=1).checkpoint, precision="fp32")


def musical(clock: Clock) -> MusicSampler:
    tokenizer = MidiTokenizer(clock)
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), hidden=8, layers=1)
    return MusicSampler(Checkpoint(model, tokenizer, initial_weights(model, 0), {"corpus": {}}))


def tune() -> Score:
    """Two bars of quarters at 120 beats a minute: a note each half second."""
    notes = [Note(480 * n, 400, 60 + n % 5, 80) for n in range(8)]
    return Score.of(480, [*notes, TimeSignature(0, 4, 4), Tempo(0, 500_000)])


def test_a_cost_is_minus_the_logarithm_of_the_probability_after_all_before() -> None:
    model, ids = small_engine(), [3, 1, 4, 1, 5, 9, 2, 6]
    (found,) = costs(model, np.array(ids))
    state = model.initial_state(1)
    for place, (read, paid) in enumerate(itertools.pairwise(ids)):
        logits, state = model.step(np.array([read]), state)
        weights = [math.exp(logit) for logit in logits[0].tolist()]
        assert found[place] == pytest.approx(-math.log(weights[paid] / math.fsum(weights)), rel=1e-12)


def test_the_probabilities_of_all_texts_of_a_length_are_one() -> None:
    model = small_engine(vocabulary_size=5)
    paid = [next(costs(model, np.array([0, *ids]))).sum() for ids in itertools.product(range(5), repeat=3)]
    assert math.fsum(np.exp(np.negative(paid))) == pytest.approx(1, rel=1e-12)


def measured(checkpoint: Checkpoint, part: Part) -> Losses:
    measuring = measure(checkpoint, part)
    with pytest.raises(StopIteration) as end:
        while True:
            next(measuring)
    found: Losses = end.value.value
    return found


def test_it_agrees_with_what_eval_measures(tmp_path: Path) -> None:
    path = tmp_path / "book.txt"
    path.write_text("\n" + babble(5000), "utf-8")  # a text without documents is scored after the end of a line
    corpus = TokenCorpus.open(path)
    sampler = sampler_of(corpus)
    losses, nats = measured(sampler.checkpoint, corpus.whole), sampler.score(babble(5000))
    assert len(nats) == losses.tokens == 5000
    assert nats.mean() == pytest.approx(losses.model["nats_per_token"], rel=1e-5)


@pytest.mark.parametrize("length", [1, 7, 1000])
def test_it_is_the_same_however_it_is_cut(corpus: TokenCorpus, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    sampler = sampler_of(corpus)
    whole = sampler.score(babble(500))
    monkeypatch.setattr(scoring_module, "_TOKENS", length)
    parts = list(sampler.scoring(babble(500)))
    assert [len(part) for part in parts[:-1]] == [length] * (len(parts) - 1)
    assert np.array_equal(np.concatenate(parts), whole)


@pytest.mark.skipif(not instruction_sets(), reason="the native engine was not built")
def test_engines_agree(corpus: TokenCorpus) -> None:
    checkpoint = sampler_of(corpus).checkpoint
    ids = ids_of(checkpoint.tokenizer, babble(300))
    one, other = (
        np.concatenate(list(costs(kind(checkpoint.model, checkpoint.weights), ids)))
        for kind in (NativeEngine, NumpyEngine)
    )
    assert np.allclose(one, other, rtol=1e-4, atol=1e-5)


def test_memory_does_not_grow_with_the_length() -> None:
    model = small_engine(vocabulary_size=5)

    def most(length: int) -> int:
        ids = np.arange(length) % 5
        tracemalloc.start()
        for _ in costs(model, ids):
            pass
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    most(3000)
    assert most(12_000) < 1.2 * most(3000)


def test_nothing_costs_nothing_and_what_is_unknown_is_refused(corpus: TokenCorpus) -> None:
    sampler = sampler_of(corpus)
    assert sampler.score("").tolist() == []
    with pytest.raises(TokenizerError, match="☃"):
        sampler.score("☃")


def test_a_broken_model_is_named() -> None:
    with pytest.raises(SamplingError, match="not all finite"):
        list(costs(Poisoned(small_engine(), 4), np.array([1, 2, 4, 3])))


def test_documents_are_scored_after_a_boundary() -> None:
    tokenizer = CharTokenizer("abc", boundary=True)
    model = ModelConfig(vocabulary_size=4, layers=1, hidden=4)
    sampler = TextSampler(Checkpoint(model, tokenizer, initial_weights(model, 0), {}), precision="fp32")
    engine = NumpyEngine(model, sampler.checkpoint.weights)
    expected = np.concatenate(list(costs(engine, np.array([0, *tokenizer.encode("abca").tolist()]))))
    assert sampler.score("abca") == pytest.approx(expected, rel=1e-4)
    assert sampler.units("abca").tolist() == [1, 1, 1, 1]


# ── Music ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("clock", CLOCKS)
def test_a_score_and_its_file_cost_the_same(clock: Clock, tmp_path: Path) -> None:
    sampler, path = musical(clock), tmp_path / "tune.mid"
    path.write_bytes(midi_bytes(tune()).data)
    assert np.array_equal(sampler.score(tune()), sampler.score(path))
    assert len(sampler.units(path)) == len(sampler.score(str(path)))
    assert sampler.units(tune()).sum() == 8


def test_a_piece_agrees_with_what_eval_measures() -> None:
    sampler = musical("beats")
    ids = np.concatenate([[sampler.tokenizer.boundary], ids_of(sampler.tokenizer, tune())])
    losses = measured(sampler.checkpoint, Part(ids, np.array([[0, len(ids)]]), sampler.tokenizer))
    assert sampler.score(tune()).mean() == pytest.approx(losses.model["nats_per_token"], rel=1e-5)


def test_events_are_told_by_the_bar_or_by_the_second() -> None:
    beats, seconds = MidiTokenizer("beats"), MidiTokenizer("seconds")
    ids = ids_of(beats, tune())
    bars = sections(ids, beats.table)
    assert np.bincount(bars, beats.units[ids]).tolist() == [4, 4]
    assert bars[np.flatnonzero(ids == beats.table.bar)].tolist() == [0, 1], "a bar line is of the bar that it begins"
    ids = ids_of(seconds, tune())
    assert np.bincount(sections(ids, seconds.table), seconds.units[ids]).tolist() == [2, 2, 2, 2]
