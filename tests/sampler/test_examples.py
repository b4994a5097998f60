"""The examples in the docstrings run, and say what comes out."""

import doctest
import json
import math
import pkgutil
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

import gen.decoding
import gen.novelty
import gen.sampler
from gen.checkpoint import Checkpoint
from gen.config import ModelConfig
from gen.corpus.token_corpus import TokenCorpus
from gen.models.initialization import initial_weights
from gen.music.score import Note, Score, Tempo, TimeSignature
from gen.sampler import MusicSampler, Sampler, TextSampler
from gen.tokenizers import CharTokenizer, MidiTokenizer
from tests.conftest import babble


def examples() -> Iterator[doctest.DocTest]:
    finder = doctest.DocTestFinder(exclude_empty=True)
    for room in (gen.sampler, gen.decoding, gen.novelty):
        for module in pkgutil.iter_modules(room.__path__, f"{room.__name__}."):
            found = finder.find(import_module(module.name))
            yield from (example for example in found if example.examples)


def small(tokenizer: CharTokenizer | MidiTokenizer) -> Checkpoint:
    model = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), hidden=8, layers=1)
    return Checkpoint(model, tokenizer, initial_weights(model, 0), {"corpus": {}})


@pytest.mark.parametrize("example", list(examples()), ids=lambda example: example.name)
def test_an_example_gives_what_it_says(
    example: doctest.DocTest, corpus: TokenCorpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text, music = TextSampler(small(CharTokenizer.fit([babble(2000)]))), MusicSampler(small(MidiTokenizer("beats")))
    text.checkpoint.save(tmp_path / "model.safetensors")
    tune = Score.of(
        480, [*(Note(480 * n, 400, 60 + n % 5, 80) for n in range(8)), TimeSignature(0, 4, 4), Tempo(0, 5 * 10**5)]
    )
    example.globs = {
        "Sampler": Sampler, "TextSampler": TextSampler, "MusicSampler": MusicSampler, "gen": gen, "json": json,
        "math": math, "text": text, "music": music, "tune": tune, "corpus": corpus,
        "TextNovelty": gen.novelty.TextNovelty,
    }  # fmt: skip
    written: list[str] = []
    outcome = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=written.append)
    assert outcome.failed == 0, "".join(written)
    assert not any(doctest.SKIP in line.options for line in example.examples)


def test_there_are_examples() -> None:
    names = {example.name.rpartition(".")[2] for example in examples()}
    assert {"Sampler", "config", "score", "units", "state", "from_state", "TextNovelty"} <= names
