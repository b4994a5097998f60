"""What a sampler of text promises, whatever its tokens are: characters are counted, and none comes in halves."""

import json

import numpy as np
import pytest

from gen.checkpoint import Checkpoint
from gen.config import ModelConfig, SamplingConfig
from gen.models.initialization import initial_weights
from gen.sampler import TextSampler
from gen.tokenizers.fitting import Tokens, fit_text

TEXT = "Der Bär isst gern süße Früchte, und die Möwe fängt Fische.\nWer hätte das gedacht?\n" * 4
KINDS = ["char", "byte", "subword:330", "bpe:330", "word:300"]
HOT = SamplingConfig(temperature=1.0)


@pytest.fixture(params=KINDS)
def sampler(request: pytest.FixtureRequest) -> TextSampler:
    symbols = {symbol: TEXT.count(symbol) for symbol in sorted(set(TEXT))}
    tokenizer = fit_text(Tokens.parse(request.param), symbols, [TEXT], boundary=False)
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), hidden=8, layers=1)
    weights = initial_weights(model, 3)
    counts = np.bincount(tokenizer.encode(TEXT), minlength=model.vocabulary_size)
    weights["output.bias"] = np.log(counts + 0.05).astype(
        np.float32
    )  # it writes what the text has, and some of all else
    return TextSampler(Checkpoint(model, tokenizer, weights, {}))


def test_characters_are_counted_whatever_the_tokens(sampler: TextSampler) -> None:
    for n in (1, 2, 7, 60):
        sample = sampler.sample("Der ", n=n, seed=n, config=HOT)
        assert len(sample.text) == n
        assert sample.finish == "length"
        longer = sampler.sample("Der ", n=3 * n, seed=n, config=HOT)
        assert longer.text.startswith(sample.text)
        assert longer.tokens >= sample.tokens


def test_tokens_are_those_that_the_text_needed(sampler: TextSampler) -> None:
    sample = sampler.sample("Der ", n=40, seed=2, config=HOT)
    bounded = sampler.sample("Der ", n=40, max_tokens=sample.tokens, seed=2, config=HOT)
    assert bounded.text == sample.text
    assert len(sampler.sample("Der ", n=40, max_tokens=sample.tokens - 1, seed=2, config=HOT).text) < 40


def test_streamed_is_whole_and_has_no_half_characters(sampler: TextSampler) -> None:
    pieces = list(sampler.stream("Der ", n=200, seed=5, config=HOT))
    assert "".join(pieces) == sampler.sample("Der ", n=200, seed=5, config=HOT).text
    tokens = sampler.sample("Der ", n=None, max_tokens=90, seed=5, config=HOT)
    assert tokens.tokens == 90
    whole = sampler.sample("Der ", n=None, max_tokens=400, seed=5, config=HOT).text
    assert whole.startswith(tokens.text)


def test_a_stop_string_is_found_within_and_across_tokens(sampler: TextSampler) -> None:
    whole = sampler.sample(n=400, seed=7, config=HOT).text
    for begin, size in ((30, 1), (50, 2), (90, 3), (120, 5)):
        stop = whole[begin : begin + size]
        sample = sampler.sample(n=400, seed=7, stop=[stop], config=HOT)
        assert sample.text == whole[: whole.index(stop)]
        assert sample.finish == "stop"


def test_a_state_goes_on_from_between_the_bytes_of_a_character(sampler: TextSampler) -> None:
    whole = sampler.sample(n=120, seed=9, config=HOT).text
    stream = sampler.stream(n=120, seed=9, config=HOT)
    came = ""
    for piece in stream:
        came += piece
        state = json.loads(json.dumps(sampler.state(stream)))
        assert came + "".join(sampler.from_state(state)) == whole
        if len(came) > 30:
            break


def test_streams_beside_others_are_what_they_are_alone(sampler: TextSampler) -> None:
    streams = sampler.streams("Der ", streams=range(3), n=50, seed=1, config=HOT)
    assert ["".join(it) for it in streams] == [
        sampler.sample("Der ", stream=k, n=50, seed=1, config=HOT).text for k in range(3)
    ]


def test_a_beam_counts_characters_and_stops(sampler: TextSampler) -> None:
    beam = sampler.beam("Der ", width=3, n=30, ignore_end=True)
    text = "".join(beam)
    best = beam.hypotheses()[0].sample
    assert (len(text), best.text, best.finish) == (30, text, "length")
    stop = text[10:12]
    stopped = sampler.beam("Der ", width=1, n=30, stop=[stop])
    assert "".join(stopped) == sampler.sample("Der ", n=30, stop=[stop], config=SamplingConfig(temperature=0)).text
    assert stopped.finish == stopped.hypotheses()[0].sample.finish == "stop"


def test_what_is_scored_adds_up(sampler: TextSampler) -> None:
    text = "Die Möwe fängt süße Fische.\n"
    assert sampler.units(text).sum() == len(text)
    assert sampler.score(text).shape == sampler.units(text).shape


def test_what_the_model_has_no_word_for_is_never_written() -> None:
    tokenizer = fit_text(Tokens.parse("word:300"), {}, [TEXT], boundary=False)
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), hidden=8, layers=1)
    weights = initial_weights(model, 3)
    weights["output.bias"][list(tokenizer.unknown_ids)] = 20.0
    sampler = TextSampler(Checkpoint(model, tokenizer, weights, {}))
    assert "<unk>" not in sampler.sample("Der ", n=300, seed=1).text
    assert "<unk>" not in "".join(sampler.beam("Der ", n=100))
    asked = sampler.config(logit_bias={"<unk>": 0.0})
    assert "<unk>" in sampler.sample("Der ", n=300, seed=1, config=asked).text
