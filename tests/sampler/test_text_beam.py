"""Beams of text and the best of several, through the facade."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gen.checkpoint import Checkpoint
from gen.config import ModelConfig, SamplingConfig
from gen.corpus.token_corpus import TokenCorpus
from gen.decoding.beam_config import BEAM_KINDS
from gen.decoding.likelihood import log_likelihoods
from gen.errors import ConfigError, TokenizerError
from gen.models.initialization import initial_weights
from gen.sampler import TextSampler
from gen.tokenizers import ByteTokenizer
from gen.training.recipes import plan


@pytest.fixture
def sampler(corpus: TokenCorpus) -> TextSampler:
    return TextSampler(plan(corpus, steps=1, hidden=16, layers=1).checkpoint)


@pytest.fixture
def shelf(tmp_path: Path) -> TextSampler:
    """A model of many documents, whose vocabulary has a boundary."""
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("short and sweet " * 20, "utf-8")
    return TextSampler(plan(TokenCorpus.open(tmp_path), steps=1, hidden=8, layers=1).checkpoint)


@pytest.mark.parametrize("kind", BEAM_KINDS)
def test_streamed_is_whole_and_the_same_for_a_seed(sampler: TextSampler, kind: Any) -> None:
    beam = sampler.beam("The ", n=80, width=4, kind=kind, seed=3, lag=None if kind == "diverse" else 10)
    pieces = list(beam)
    texts = [found.sample.text for found in beam.hypotheses()]
    assert "".join(pieces) == texts[0] and len(texts[0]) == 80
    assert (beam.finish, beam.tokens, beam.seed) == ("length", 80, 3)
    again = sampler.beam("The ", n=80, width=4, kind=kind, seed=3, lag=None if kind == "diverse" else 10)
    assert [found.sample.text for found in again.hypotheses()] == texts
    assert "".join(again) == texts[0]
    assert len(pieces) > (3 if kind != "diverse" else 0)
    assert bool(beam.settled) == (kind != "diverse")


def test_the_rest_still_streams_when_the_end_was_asked_for(sampler: TextSampler) -> None:
    beam = sampler.beam(n=60, width=3, lag=5)
    first = next(beam)
    whole = beam.hypotheses()[0].sample.text
    assert first + "".join(beam) == whole


def test_the_best_scores_as_the_model_finds_it_and_above_greedy(sampler: TextSampler) -> None:
    best = sampler.beam("The sea", n=40, width=6).hypotheses()[0]
    greedy = sampler.sample("The sea", n=40, config=SamplingConfig(temperature=0.0)).text
    prompt = sampler._prompt("The sea")
    ids = [sampler.tokenizer.encode(text).tolist() for text in (best.sample.text, greedy)]
    mine, others = log_likelihoods(sampler._engine, prompt, ids)
    assert best.log_probability == pytest.approx(mine, abs=1e-3) and mine >= others - 1e-3
    assert best.score == pytest.approx(mine / 40, abs=1e-4)
    total = sampler.beam("The sea", n=40, width=6, length_penalty=0).hypotheses()[0]
    assert total.score == total.log_probability


@pytest.mark.parametrize("stop", [["e"], ["th", "s"], ["zz"], [""]])
def test_a_stop_string_ends_a_hypothesis_and_is_left_out(sampler: TextSampler, stop: list[str]) -> None:
    beam = sampler.beam(n=30, width=4, stop=stop, seed=1, kind="stochastic")
    text, found = "".join(beam), beam.hypotheses()
    assert text == found[0].sample.text and beam.finish == found[0].sample.finish
    assert beam.tokens == found[0].sample.tokens
    for it in found:
        assert not any(one and one in it.sample.text for one in stop)
        assert (it.sample.finish == "stop") == (len(it.sample.text) < 30)


def test_what_may_have_become_a_stop_string_is_written_in_the_end(sampler: TextSampler) -> None:
    text = "".join(sampler.beam(n=20, width=2))
    held = sampler.beam(n=20, width=2, stop=[text[-3:] + "\n" + text[:9]])
    assert "".join(held) == text and held.finish == "length"


def test_documents_end_where_the_model_ends_them(shelf: TextSampler) -> None:
    often = SamplingConfig(temperature=1.0, logit_bias=((0, 4.0),))
    ended = shelf.beam(n=50, width=4, config=often)
    text = "".join(ended)
    assert 0 < len(text) < 50 and ended.finish == "end"
    assert ended.hypotheses()[0].sample.text == text
    assert all(it.sample.text for it in ended.hypotheses())
    going_on = shelf.beam(n=50, width=4, config=often, ignore_end=True)
    assert len("".join(going_on)) == 50 and going_on.finish == "length"


def test_threads_sharing_a_sampler_find_what_one_finds(sampler: TextSampler) -> None:
    def find(k: int) -> list[str]:
        beam = sampler.beam(n=30, width=3, kind="stochastic", seed=1, stream=k)
        return [it.sample.text for it in beam.hypotheses()]

    alone = [find(k) for k in range(6)]
    with ThreadPoolExecutor(6) as pool:
        assert list(pool.map(find, range(6))) == alone
    assert len({texts[0] for texts in alone}) == 6


# ── The best of several ──────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("rank", ["mean", "likelihood"])
def test_the_best_of_several_are_their_streams_in_order(shelf: TextSampler, rank: Any) -> None:
    warm = SamplingConfig(temperature=1.3, logit_bias=((0, 2.0),))
    found = shelf.best_of("short", count=6, rank=rank, seed=2, n=60, config=warm)
    assert sorted(it.sample.stream for it in found) == list(range(6))
    assert len({it.sample.tokens for it in found}) > 1
    for it in found:
        assert it.sample == shelf.sample("short", seed=2, stream=it.sample.stream, n=60, config=warm)
        ids = shelf.tokenizer.encode(it.sample.text).tolist() + [0] * (it.sample.finish == "end")
        (nats,) = log_likelihoods(shelf._engine, shelf._prompt("short"), [ids])
        assert it.log_probability == pytest.approx(nats, abs=1e-4)
        assert it.score == pytest.approx(nats / len(ids) if rank == "mean" else nats, abs=1e-4)
    assert [it.score for it in found] == sorted((it.score for it in found), reverse=True)


def test_a_text_that_stops_at_once_is_the_worst_by_its_mean(sampler: TextSampler) -> None:
    symbols = [symbol for symbol in map(sampler.tokenizer.vocabulary.symbol, range(20)) if symbol != "t"]
    found = sampler.best_of(count=30, seed=1, n=5, stop=symbols)
    assert found[0].score > found[-1].score == float("-inf") and found[-1].sample.text == ""


def test_mistakes_are_typed(sampler: TextSampler) -> None:
    with pytest.raises(TokenizerError, match="☃"):
        sampler.beam("☃")
    wrong: list[dict[str, Any]] = [
        {"n": 0}, {"max_tokens": -1}, {"seed": -1}, {"stream": -1}, {"width": 0}, {"kind": "wide"},
        {"length_penalty": -1.0}, {"lag": 0}, {"no_repeat_ngram": -1}, {"config": SamplingConfig(temperature=0.0)},
    ]  # fmt: skip
    for values in wrong:
        with pytest.raises(ConfigError):
            sampler.beam(**values)
    for values in ({"count": 0}, {"rank": "statistics"}, {"rank": "best"}, {"n": 0}):
        with pytest.raises(ConfigError):
            sampler.best_of(**values)


def test_a_text_at_its_end_before_its_last_byte_is_certain_leaves_the_rest_to_be_found() -> None:
    tokenizer = ByteTokenizer(boundary=True)
    model = ModelConfig(vocabulary_size=256, layers=1, hidden=8)
    sampler = TextSampler(Checkpoint(model, tokenizer, initial_weights(model, 1), {}))
    beam = sampler.beam("a", width=3, n=1)
    written = "".join(beam)
    assert written == beam.hypotheses()[0].sample.text and len(written) == 1
