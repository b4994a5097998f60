"""Constraints through the facade: sampled, searched, ranked, saved and gone on with."""

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gen.checkpoint import Checkpoint
from gen.config import ModelConfig, SamplingConfig, TextConstraints
from gen.decoding.beam_config import BEAM_KINDS
from gen.engine import NumpyEngine
from gen.errors import ConfigError
from gen.models.initialization import initial_weights
from gen.sampler import TextSampler
from gen.tokenizers import ByteTokenizer, CharTokenizer, SubwordTokenizer, TextTokenizer, WordTokenizer
from tests.constraints.strategies import constraints, fits, texts
from tests.decoding.reference import Stepped

_PIECES = ["a", "b", "ab", "ba b", "é", "aé", " a"]


def sampler_of(tokenizer: TextTokenizer) -> TextSampler:
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), layers=1, hidden=8)
    return TextSampler(Checkpoint(model, tokenizer, initial_weights(model, 1), {}))


_SAMPLERS = {
    "char": sampler_of(CharTokenizer("\n abcéÉ")),
    "documents": sampler_of(CharTokenizer("\n abcéÉ", boundary=True)),
    "byte": sampler_of(ByteTokenizer(boundary=True)),
    "subword": sampler_of(SubwordTokenizer("unigram", _PIECES, [-1.0] * len(_PIECES), boundary=True)),
    "word": sampler_of(WordTokenizer(["\n", " ", "a", "ab", " b", " é", "aab"], boundary=True)),
}
prompts = st.sampled_from(["", "a", "ab\nb", "b a"])
lengths = st.integers(1, 25)


@settings(max_examples=150)
@given(
    held=constraints(),
    name=st.sampled_from(list(_SAMPLERS)),
    prompt=prompts,
    n=lengths,
    tokens=st.none() | st.integers(1, 40),
    ignore_end=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_every_sample_is_as_it_has_to_be(
    held: TextConstraints, name: str, prompt: str, n: int, tokens: int | None, ignore_end: bool, seed: int
) -> None:
    sampler = _SAMPLERS[name]
    try:
        streams = sampler.streams(
            prompt, streams=range(2), n=n, max_tokens=tokens, ignore_end=ignore_end, seed=seed, constraints=held
        )
    except ConfigError:
        return  # whether it is impossible is what tests/constraints show
    for stream in streams:
        text = "".join(stream)
        assert fits(text, held, prompt) and len(text) <= n
        assert stream.finish in {"length", "complete", "end"} - ({"end"} if ignore_end else set())
        assert stream.tokens <= (tokens or 4 * n)
        if stream.finish == "complete":
            assert len(text) < n and stream.tokens < (tokens or math.inf)


@settings(max_examples=60)
@given(
    held=constraints(),
    name=st.sampled_from(list(_SAMPLERS)),
    prompt=prompts,
    n=st.integers(1, 12),
    kind=st.sampled_from(BEAM_KINDS),
    no_repeat=st.sampled_from([0, 0, 3]),
    lag=st.sampled_from([None, 3]),
    seed=st.integers(0, 2**32),
)
def test_every_hypothesis_is_as_it_has_to_be(
    held: TextConstraints, name: str, prompt: str, n: int, kind: Any, no_repeat: int, lag: int | None, seed: int
) -> None:
    sampler = _SAMPLERS[name]
    try:
        beam = sampler.beam(
            prompt,
            width=3,
            kind=kind,
            n=n,
            seed=seed,
            no_repeat_ngram=no_repeat,
            constraints=held,
            lag=None if kind == "diverse" else lag,
        )
    except ConfigError:
        return
    text = "".join(beam)
    found = beam.hypotheses()
    assert text == found[0].sample.text and beam.finish == found[0].sample.finish
    for it in found:
        assert fits(it.sample.text, held, prompt) and len(it.sample.text) <= n
        assert it.sample.finish in ("length", "complete", "end")


def test_the_best_of_several_are_as_they_have_to_be() -> None:
    held = TextConstraints(regex=r"[ab]+ [ab]+\n", must_include=("bab",))
    found = _SAMPLERS["subword"].best_of("a", count=5, n=30, seed=1, constraints=held)
    assert len(found) == 5 and all(fits(it.sample.text, held, "a") for it in found)
    assert {it.sample.finish for it in found} <= {"complete", "length"}


def test_probabilities_are_those_of_what_can_finish_among_themselves() -> None:
    """By brute force: of all texts that fit, at each step those that begin with what is there."""
    sampler, n = _SAMPLERS["char"], 5
    held = TextConstraints(regex="(a|bc|é[^a]b|c{3})+", ban=("caa",), allowed_characters="a-cé")
    fitting = [text for text in texts("abcé", n) if fits(text, held)]
    symbols = list(sampler.tokenizer.vocabulary)
    expected = {}

    def write(text: str, nats: float, last: int, state: Any) -> None:
        following = {it[len(text)] for it in fitting if it.startswith(text) and it != text}
        if not following:
            expected[text] = nats
            return
        logits, state = sampler._engine.step(np.array([last]), state)
        weights = np.exp(logits[0].astype(float)) * [symbol in following for symbol in symbols]
        for symbol in following:
            id = symbols.index(symbol)
            write(text + symbol, nats + math.log(weights[id] / weights.sum()), id, state)

    write("", 0.0, sampler.tokenizer.start, sampler._engine.initial_state(1))
    found = sampler.beam(n=n, width=len(expected) + 9, constraints=held).hypotheses()
    assert {it.sample.text: it.log_probability for it in found} == pytest.approx(expected, abs=1e-4)
    assert sum(map(math.exp, expected.values())) == pytest.approx(1)
    drawn = {sampler.sample(n=n, seed=1, stream=stream, constraints=held).text for stream in range(100)}
    assert len(drawn) > 15 and drawn <= expected.keys()


def test_what_may_come_is_drawn_as_without_the_rest() -> None:
    """A constraint that always lets all come changes nothing."""
    sampler = _SAMPLERS["char"]
    free = TextConstraints(line_length=100)
    assert sampler.sample(n=60, seed=3, constraints=free).text == sampler.sample(n=60, seed=3).text
    for n in range(1, 60):
        held, loose = (sampler.sample(n=n, seed=3, stop=["bbc", "aéa", "cÉ"], constraints=it) for it in (free, None))
        assert held == loose
    assert sampler.sample(n=60, seed=3, constraints=TextConstraints()).text == sampler.sample(n=60, seed=3).text


def test_a_stream_goes_on_from_where_it_was_left() -> None:
    sampler = _SAMPLERS["subword"]
    held = TextConstraints(regex="(ab?é?)+ b", must_include=("aba",), ban=("é b",), allowed_characters="a-z é")
    whole = sampler.stream("a", n=30, seed=5, constraints=held)
    text = "".join(whole)
    begun = sampler.stream("a", n=30, seed=5, constraints=held)
    head = next(begun)
    saved = json.loads(json.dumps(sampler.state(begun)))
    assert head + "".join(sampler.from_state(saved)) == text
    ended = sampler.from_state(json.loads(json.dumps(sampler.state(whole))))
    assert list(ended) == [] and ended.finish == whole.finish
    saved["position"] = 10_000
    assert list(sampler.from_state(saved)) == []
    saved["settings"]["constraints"]["regex"] = "("
    with pytest.raises(ConfigError, match="regex"):
        sampler.from_state(saved)


@pytest.mark.parametrize("held", [TextConstraints(regex="a+b"), TextConstraints(must_include=("b",))])
def test_a_stop_string_does_not_end_what_has_to_be_whole(held: TextConstraints) -> None:
    for write in (_SAMPLERS["char"].stream, _SAMPLERS["char"].beam):
        with pytest.raises(ConfigError, match="stop is 'b'"):
            write(constraints=held, stop=["b"])
    stopped = _SAMPLERS["char"].sample(n=500, seed=1, stop=["bc"], constraints=TextConstraints(ban=("a",)))
    assert stopped.finish == "stop" and "a" not in stopped.text


def test_ids_that_are_banned_leave_no_dead_end() -> None:
    sampler = _SAMPLERS["char"]
    banned = SamplingConfig(logit_bias=((sampler.tokenizer.vocabulary.id("b"), -math.inf),))
    for seed in range(20):
        text = sampler.sample(n=4, seed=seed, config=banned, constraints=TextConstraints(regex="(a|cb?)*(b|é)")).text
        assert text.endswith("é") and "b" not in text
    with pytest.raises(ConfigError, match="cannot write 'b'"):
        sampler.sample(config=banned, constraints=TextConstraints(must_include=("ab",)))


@pytest.mark.parametrize("name", ["char", "documents", "word"])
@pytest.mark.parametrize(
    "held",
    [
        TextConstraints(must_include=("abc", "éa")),
        TextConstraints(line_length=7),
        TextConstraints(ban=("ab", "cc"), line_length=30),
        TextConstraints(regex=r"([abc é]+\n)+", ban=("aa",)),
    ],
)
def test_a_block_of_ids_is_what_comes_one_by_one(name: str, held: TextConstraints) -> None:
    checkpoint = _SAMPLERS[name].checkpoint
    model = NumpyEngine(checkpoint.model, checkpoint.weights)
    texts = []
    for engine in (model, Stepped(model)):
        sampler = TextSampler(checkpoint)
        sampler._engine = engine  # type: ignore[assignment]
        try:
            samples = [sampler.sample(n=60, seed=seed, constraints=held) for seed in range(3)]
        except ConfigError:
            assert name == "word"
            return
        texts.append([(it.text, it.tokens, it.finish) for it in samples])
    assert texts[0] == texts[1] and all(fits(text, held) for text, _, _ in texts[0])


def test_a_seed_gives_one_text_alone_and_beside_others() -> None:
    held = TextConstraints(must_include=("abc",), line_length=9)
    sampler = _SAMPLERS["char"]
    together = ["".join(it) for it in sampler.streams(streams=range(3), n=40, seed=2, constraints=held)]
    assert together == [sampler.sample(n=40, seed=2, stream=k, constraints=held).text for k in range(3)]
    assert len(set(together)) == 3
