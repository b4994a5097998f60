"""The facade: one seed, one text, through every door, alone, beside others and from many threads."""

import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gen.checkpoint import Checkpoint
from gen.config import ModelConfig, SamplingConfig
from gen.corpus.token_corpus import TokenCorpus
from gen.decoding import sample_tokens
from gen.engine import NumpyEngine
from gen.errors import ConfigError, TokenizerError
from gen.models.initialization import initial_weights
from gen.random import Draws
from gen.sampler import TextSampler
from gen.tokenizers import CharTokenizer, TextTokenizer
from gen.training.recipes import plan
from tests.decoding.reference import Model, Stepped


@pytest.fixture(params=["steps", "blocks"])
def engine(request: pytest.FixtureRequest) -> Callable[[TextSampler], TextSampler]:
    """Makes a sampler draw its ids one by one, or many at a time."""

    def driven(sampler: TextSampler) -> TextSampler:
        model = NumpyEngine(sampler.checkpoint.model, sampler.checkpoint.weights)
        return with_engine(sampler, model if request.param == "steps" else Stepped(model))

    return driven


def with_engine(sampler: TextSampler, model: Model) -> TextSampler:
    sampler._engine = model  # type: ignore[assignment]
    return sampler


@pytest.fixture
def sampler(corpus: TokenCorpus, engine: Callable[[TextSampler], TextSampler]) -> TextSampler:
    return engine(TextSampler(plan(corpus, steps=1, hidden=16, layers=1).checkpoint))


@pytest.fixture
def shelf(tmp_path: Path, engine: Callable[[TextSampler], TextSampler]) -> TextSampler:
    """A model of many documents, whose vocabulary has a boundary."""
    for number in range(3):
        (tmp_path / f"{number}.txt").write_text("short and sweet " * 20, "utf-8")
    return engine(TextSampler(plan(TokenCorpus.open(tmp_path), steps=1, hidden=8, layers=1).checkpoint))


def test_streamed_is_whole(sampler: TextSampler) -> None:
    stream = sampler.stream("The ", seed=1, n=300)
    pieces = list(stream)
    assert len(pieces) > 5
    sample = sampler.sample("The ", seed=1, n=300)
    assert "".join(pieces) == sample.text
    assert (stream.finish, stream.tokens) == (sample.finish, sample.tokens) == ("length", 300)


def test_threads_sharing_a_sampler_write_what_one_writes(sampler: TextSampler) -> None:
    alone = [sampler.sample(seed=3, stream=k, n=60).text for k in range(8)]
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda k: sampler.sample(seed=3, stream=k, n=60).text, range(8)))
    assert together == alone
    assert len(set(alone)) == 8


def test_interleaved_streams_do_not_disturb_each_other(sampler: TextSampler) -> None:
    streams = {seed: sampler.stream(seed=seed, n=50) for seed in (1, 2)}
    texts = {1: "", 2: ""}
    while any(streams[seed].finish is None for seed in streams):
        for seed in streams:
            texts[seed] += next(streams[seed], "")
    assert texts == {seed: sampler.sample(seed=seed, n=50).text for seed in streams}


def test_streams_together_are_those_alone(sampler: TextSampler) -> None:
    together = sampler.streams("The ", streams=(3, 0, 7), seed=5, n=90, stop=["q"])
    texts = ["".join(stream) for stream in reversed(together)][::-1]
    alone = [sampler.sample("The ", stream=k, seed=5, n=90, stop=["q"]) for k in (3, 0, 7)]
    assert texts == [sample.text for sample in alone]
    for stream, sample in zip(together, alone, strict=True):
        assert (stream.prompt, stream.seed, stream.stream) == (sample.prompt, sample.seed, sample.stream)
        assert (stream.tokens, stream.finish) == (sample.tokens, sample.finish)


def test_streams_together_have_one_fresh_seed(sampler: TextSampler) -> None:
    one, other = sampler.streams(streams=range(2), n=40)
    assert one.seed == other.seed
    assert "".join(other) == sampler.sample(n=40, seed=one.seed, stream=1).text
    assert sampler.streams(streams=()) == []


def test_a_fresh_seed_is_told_and_reproduces(sampler: TextSampler) -> None:
    sample = sampler.sample(n=40)
    assert sampler.sample(n=40, seed=sample.seed).text == sample.text


def test_a_longer_piece_begins_with_the_shorter(sampler: TextSampler) -> None:
    assert sampler.sample(seed=5, n=200).text.startswith(sampler.sample(seed=5, n=70).text)


@pytest.mark.parametrize("stops", [("\n",), ("e",), ("th", "s"), ("xyzzy",), ("",)])
def test_a_stop_string_never_shows_and_nothing_before_it_is_lost(sampler: TextSampler, stops: tuple[str, ...]) -> None:
    whole = sampler.sample(seed=4, n=400).text
    stopped = sampler.sample(seed=4, n=400, stop=stops)
    found = [at for stop in stops if stop and (at := whole.find(stop)) >= 0]
    assert stopped.text == (whole[: min(found)] if found else whole)
    assert stopped.finish == ("stop" if found else "length")


def test_max_tokens_counts_ids(sampler: TextSampler) -> None:
    assert sampler.sample(n=None, max_tokens=33, seed=1).tokens == 33


def test_a_document_ends_where_the_model_ends_it(shelf: TextSampler) -> None:
    always = SamplingConfig(logit_bias=((0, 4.0),))
    ended = shelf.sample(n=500, seed=1, config=always)
    assert ended.finish == "end" and 0 < len(ended.text) < 500
    going_on = shelf.sample(n=500, seed=1, config=always, ignore_end=True)
    assert going_on.finish == "length" and len(going_on.text) == 500
    assert going_on.text.startswith(ended.text)


@pytest.fixture(scope="module")
def letters() -> TextSampler:
    """A model of four letters and a boundary, which writes anything."""
    tokenizer = CharTokenizer("\nabc", boundary=True)
    model = ModelConfig(vocabulary_size=5, layers=1, hidden=4)
    weights = initial_weights(model, 0)
    return TextSampler(Checkpoint(model, tokenizer, weights, {"corpus": {"sources": ["letters.txt"]}}))


def cut(
    ids: Iterator[int],
    tokenizer: TextTokenizer,
    n: int | None,
    max_tokens: int | None,
    stops: Sequence[str],
    ignore_end: bool,
) -> tuple[str, int, str]:
    """The oracle: text, ids and end, id by id."""
    text, tokens, finish = "", 0, ""
    while not finish:
        token = next(ids)
        tokens += 1
        if token == tokenizer.boundary:
            finish = "end" if text and not ignore_end else ""
        else:
            text += tokenizer.decode([token])
            if found := [stop for stop in stops if text.endswith(stop)]:
                text, finish = text[: -max(map(len, found))], "stop"
        if not finish and tokens == max_tokens:
            finish = "length"
        held = max((k for stop in stops for k in range(1, len(stop)) if text.endswith(stop[:k])), default=0)
        if n is not None and len(text) - (0 if finish else held) >= n:
            finish = "length"
    return text[:n], tokens, finish


@settings(derandomize=True, deadline=None, max_examples=300)
@given(
    seed=st.integers(0, 2**31),
    n=st.none() | st.integers(1, 80),
    max_tokens=st.none() | st.integers(1, 80),
    stop=st.lists(st.text("abc", min_size=1, max_size=3), max_size=4),
    ignore_end=st.booleans(),
    often=st.sampled_from([-3.0, 0.0, 2.0]),
)
@example(seed=0, n=80, max_tokens=None, stop=["a", "ab", "ca"], ignore_end=False, often=-3.0)
def test_what_ends_a_text_ends_it_at_the_same_id_whatever_the_blocks(
    letters: TextSampler, seed: int, n: int | None, max_tokens: int | None, stop: list[str], ignore_end: bool,
    often: float,
) -> None:  # fmt: skip
    if n is None and max_tokens is None:
        n = 80
    config = SamplingConfig(logit_bias=((0, often),))
    model = NumpyEngine(letters.checkpoint.model, letters.checkpoint.weights)
    ids = sample_tokens(model, [0], config=config, draws=Draws(seed))
    expected = cut(ids, letters.tokenizer, n, max_tokens, stop, ignore_end)
    for engine in (model, Stepped(model)):
        sample = with_engine(letters, engine).sample(
            n=n, max_tokens=max_tokens, stop=stop, ignore_end=ignore_end, seed=seed, config=config
        )
        assert (sample.text, sample.tokens, sample.finish) == expected


def test_a_text_that_has_ended_or_is_held_no_more_is_drawn_no_more(
    letters: TextSampler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gen.decoding.streams._LONGEST", 1)
    model = Stepped(NumpyEngine(letters.checkpoint.model, letters.checkpoint.weights))
    texts = with_engine(letters, model).streams(streams=range(4), seed=3, n=None, stop=["cab"], ignore_end=True)
    next(texts[0])
    del texts[2]
    drawn = []
    for text in sorted(texts, key=lambda text: letters.sample(seed=3, stream=text.stream, n=None, stop=["cab"]).tokens):
        model.blocks.clear()
        assert "".join(text) and text.finish == "stop"
        drawn.append({rows for rows, _ in model.blocks})
    assert drawn == [{3}, {2}, {1}]


def test_mistakes_are_typed(sampler: TextSampler) -> None:
    with pytest.raises(TokenizerError, match="☃"):
        sampler.sample("☃")
    wrong: list[dict[str, Any]] = [{"n": 0}, {"max_tokens": -1}, {"seed": -1}, {"seed": 2**63}, {"stream": -1}]
    for values in wrong:
        with pytest.raises(ConfigError):
            sampler.sample(**values)


def test_it_loads_from_a_file_and_from_a_run(sampler: TextSampler, tmp_path: Path) -> None:
    sampler.checkpoint.save(tmp_path / "model.safetensors")
    for path in (tmp_path, tmp_path / "model.safetensors"):
        loaded = TextSampler.load(path)
        assert loaded.sample(seed=1, n=50).text == sampler.sample(seed=1, n=50).text
    assert isinstance(loaded.checkpoint, Checkpoint)


def test_a_sampler_loads_neither_torch_nor_a_midi_library() -> None:
    script = "import sys, gen.sampler; print({'torch', 'symusic', 'mido', 'pretty_midi'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert run.stdout == "set()\n"
