"""What is chosen for a corpus and a budget, and that a given setting is never touched."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen.config import Clock
from gen.corpus.token_corpus import TokenCorpus
from gen.errors import ConfigError, CorpusError
from gen.training.recipes import choosable, plan, recommend
from tests.conftest import babble


def opened(folder: Path, characters: int) -> TokenCorpus:
    path = folder / f"{characters}.txt"
    path.write_text(babble(characters), "utf-8")
    return TokenCorpus.open(path)


def test_the_same_command_makes_the_same_plan(corpus: TokenCorpus) -> None:
    one, other = plan(corpus, minutes=1), plan(corpus, minutes=1)
    assert one.choices == other.choices
    assert one.checkpoint.to_bytes() == other.checkpoint.to_bytes()


def test_every_choice_is_told_and_nothing_else(corpus: TokenCorpus) -> None:
    told = {choice.name: choice.value for choice in plan(corpus, steps=7, hidden=40).choices}
    checkpoint = plan(corpus, steps=7, hidden=40).checkpoint
    assert checkpoint.training is not None
    settled = asdict(checkpoint.model) | asdict(checkpoint.training.config)
    assert all(settled[name] == value for name, value in told.items())
    assert "hidden" not in told and "steps" not in told
    assert {"threads", "cell", "layers", "batch_size", "sequence_length", "dropout", "residual"} <= told.keys()


@pytest.mark.parametrize("given", [{}, {"minutes": 1.0}, {"steps": 3, "hidden": 8}, {"epochs": 1e6}, {"threads": 1}])
def test_what_will_be_chosen_is_known_without_the_corpus(corpus: TokenCorpus, given: dict[str, Any]) -> None:
    assert choosable(given) == [choice.name for choice in plan(corpus, **given).choices]


@pytest.mark.parametrize(
    ("name", "value"),
    [("cell", "gru"), ("layers", 1), ("hidden", 17), ("dropout", 0.0), ("batch_size", 3), ("sequence_length", 11)],
)
def test_what_is_given_is_taken(corpus: TokenCorpus, name: str, value: Any) -> None:
    planned = plan(corpus, steps=1, **{name: value})
    assert planned.checkpoint.training is not None
    settled = planned.checkpoint.model.to_dict() | planned.checkpoint.training.config.to_dict()
    assert settled[name] == value
    assert name not in {choice.name for choice in planned.choices}


def test_epochs_become_steps(corpus: TokenCorpus) -> None:
    planned = plan(corpus, epochs=2.5, batch_size=4, sequence_length=10)
    assert planned.checkpoint.training is not None
    assert planned.checkpoint.training.config.steps == round(2.5 * ((corpus.train.size - 1) // 40))


def test_batch_and_chunk_shrink_with_the_corpus_and_say_so(tmp_path: Path) -> None:
    for characters in (200, 500, 3000, 20_000, 200_000):
        planned = plan(opened(tmp_path, characters), steps=1)
        assert planned.checkpoint.training is not None
        config = planned.checkpoint.training.config
        assert config.batch_size * config.sequence_length < 0.9 * characters
        reasons = " ".join(choice.reason for choice in planned.choices)
        assert ("made small" in reasons) == (characters < 20_000)


def test_more_time_makes_a_larger_model(tmp_path: Path) -> None:
    corpus = opened(tmp_path, 300_000)
    sizes = [plan(corpus, minutes=m, threads=2).checkpoint.model.parameters for m in (0.1, 1, 10)]
    assert sizes == sorted(sizes) and sizes[0] < sizes[-1]


def test_reasons_are_for_people(corpus: TokenCorpus) -> None:
    reasons = {choice.name: choice.reason for choice in plan(corpus, steps=200_000, layers=1, ngrams=1).choices}
    assert "e+" not in reasons["dropout"] and "," in reasons["dropout"]
    assert reasons["residual"] == "one layer has none below"


def test_a_small_corpus_makes_a_small_model(tmp_path: Path) -> None:
    small, large = opened(tmp_path, 2000), opened(tmp_path, 1_000_000)
    smaller, larger = (plan(each, steps=1).checkpoint.model for each in (small, large))
    assert smaller.hidden < larger.hidden and smaller.ngram_rows < larger.ngram_rows


@pytest.mark.parametrize(
    "settings",
    [
        {"steps": 1, "minutes": 1.0},
        {"steps": 1, "epochs": 1.0},
        {"epochs": 0.0},
        {"epochs": float("inf")},
        {"hiden": 3, "steps": 1},
        {"steps": 1, "hidden": 0},
        {"steps": 1, "cell": "transformer"},
    ],
)
def test_settings_that_cannot_be_are_refused(corpus: TokenCorpus, settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        plan(corpus, **settings)


def test_a_batch_larger_than_the_corpus_is_refused_while_planning(corpus: TokenCorpus) -> None:
    with pytest.raises(CorpusError, match="lower one of them"):
        plan(corpus, minutes=1, batch_size=10_000)


def test_a_warm_start_takes_over_shape_and_shared_rows(corpus: TokenCorpus, tmp_path: Path) -> None:
    source = plan(corpus, steps=1, hidden=20, layers=1, cell="gru").checkpoint
    path = tmp_path / "other.txt"
    path.write_text(babble(2000).replace("sea", "sêa"), "utf-8")
    other = TokenCorpus.open(path)
    begun = plan(other, steps=1, init_from=source, seed=5).checkpoint
    assert begun.model.cell == "gru" and begun.model.hidden == 20
    known, new = source.tokenizer.vocabulary, begun.tokenizer.vocabulary
    for symbol in new:
        ours = begun.weights["embedding.weight"][new.id(symbol)]
        if symbol in known:
            assert np.array_equal(ours, source.weights["embedding.weight"][known.id(symbol)])
    fresh = plan(other, steps=1, seed=5, hidden=20, layers=1, cell="gru").checkpoint
    row = new.id("ê")
    assert np.array_equal(begun.weights["output.weight"][row], fresh.weights["output.weight"][row])
    name = "encoder.layers.0.recurrent_weight"
    assert np.array_equal(begun.weights[name], source.weights[name])
    with pytest.raises(ConfigError, match="leave it out"):
        plan(other, steps=1, init_from=source, hidden=21)


def test_a_warm_start_from_tied_weights_is_tied_too(corpus: TokenCorpus, tmp_path: Path) -> None:
    source = plan(corpus, steps=1, hidden=20, layers=1, tied=True).checkpoint
    path = tmp_path / "other.txt"
    path.write_text(babble(2000).replace("sea", "sêa"), "utf-8")
    begun = plan(TokenCorpus.open(path), steps=1, init_from=source).checkpoint
    assert begun.model.tied and "output.weight" not in begun.weights
    ours, theirs = (it.weights["embedding.weight"][it.tokenizer.vocabulary.id("s")] for it in (begun, source))
    assert np.array_equal(ours, theirs)
    with pytest.raises(ConfigError, match="tied is False, but the model to start from has True"):
        plan(corpus, steps=1, init_from=source, tied=False)


def test_music_is_varied_where_its_pieces_come_again() -> None:
    def chosen(tokens: int, clock: Clock) -> dict[str, object]:
        return {choice.name: choice.value for choice in recommend(tokens, 700, clock).choices}

    small, large = chosen(100_000, "seconds"), chosen(10**9, "seconds")
    assert (small["transpose"], small["stretch"]) == (5, 0.05) and (large["transpose"], large["stretch"]) == (0, 0.0)
    by_beats = chosen(100_000, "beats")
    assert by_beats["transpose"] == 5 and "stretch" not in by_beats, "on a grid of beats, times are what they are"
    assert not {"transpose", "stretch"} & {choice.name for choice in recommend(100_000, 65).choices}


@pytest.mark.parametrize(("vocabulary_size", "tied"), [(65, False), (8_000, False), (16_000, True), (32_000, True)])
def test_of_many_symbols_one_matrix_serves_both_ends(vocabulary_size: int, tied: bool) -> None:
    resolved = recommend(10**6, vocabulary_size)
    assert resolved.model.tied is tied
    assert [choice.value for choice in resolved.choices if choice.name == "tied"] == [tied]


def test_ngrams_bring_their_settings_and_without_them_there_are_none() -> None:
    chosen = {choice.name for choice in recommend(10**6, 65).choices}
    theirs = {"ngram_rows", "ngram_width", "ngram_dropout", "ngram_learning_rate"}
    assert {"ngrams", *theirs} <= chosen
    assert set(choosable({"ngrams": 1})) == chosen - {"ngrams", *theirs}


def test_a_warm_start_keeps_the_ngrams_of_the_same_alphabet_alone(corpus: TokenCorpus, tmp_path: Path) -> None:
    source = plan(corpus, steps=1, hidden=16).checkpoint
    learned = {**source.weights, "ngram_embedding.weight": source.weights["ngram_embedding.weight"] + 1}
    source = replace(source, weights=learned, training=None)
    same = plan(corpus, steps=1, init_from=source).checkpoint
    assert (same.weights["ngram_embedding.weight"] == 1).all()
    wider = tmp_path / "wider.txt"
    wider.write_text(babble(5_000) + "é", "utf-8")
    longer = plan(TokenCorpus.open(wider, known=source.tokenizer), steps=1, init_from=source).checkpoint
    assert (longer.weights["ngram_embedding.weight"] == 1).all(), "what was known has kept its ids"
    wider.write_text("\t" + babble(5_000), "utf-8")
    other = plan(TokenCorpus.open(wider), steps=1, init_from=source).checkpoint
    assert not other.weights["ngram_embedding.weight"].any(), "their rows are found by ids, and ids have moved"
    plain = plan(corpus, steps=1, hidden=16, ngrams=1).checkpoint
    assert plan(corpus, steps=1, init_from=replace(plain, training=None)).checkpoint.model.ngrams == 1
