"""The facade: one seed, one text, through every door, alone, beside others and from many threads."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gen.checkpoint import Checkpoint
from gen.config import SamplingConfig
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import ConfigError, TokenizerError
from gen.sampler import TextSampler
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


def test_streamed_is_whole(sampler: TextSampler) -> None:
    stream = sampler.stream("The ", seed=1, n=300)
    pieces = list(stream)
    assert len(pieces) > 10
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
    one, other = sampler.stream(seed=1, n=50), sampler.stream(seed=2, n=50)
    mixed = [next(one) + next(other) for _ in range(50)]
    assert "".join(m[0] for m in mixed) == sampler.sample(seed=1, n=50).text
    assert "".join(m[1] for m in mixed) == sampler.sample(seed=2, n=50).text


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


def test_mistakes_are_typed(sampler: TextSampler) -> None:
    with pytest.raises(TokenizerError, match="☃"):
        sampler.sample("☃")
    wrong: list[dict[str, Any]] = [{"n": 0}, {"max_tokens": -1}, {"seed": -1}, {"seed": 2**63}, {"stream": -1}]
    for settings in wrong:
        with pytest.raises(ConfigError):
            sampler.sample(**settings)


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
