"""A labelled corpus: its parts, their ids, and what stays where it is when rows are added."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen.corpus.documents import ReadingOptions
from gen.corpus.labelled_corpus import LabelledCorpus, LabelledPart
from gen.errors import CorpusError, TokenizerError
from gen.music.midi_writer import midi_bytes
from gen.tokenizers import CharTokenizer, MidiTokenizer
from tests.cli.conftest import tune

CHARACTERS: dict[str, Any] = {"options": ReadingOptions(tokens="char")}


def write(path: Path, rows: Sequence[tuple[str, str]]) -> Path:
    path.write_text("".join(json.dumps({"text": text, "label": label}) + "\n" for text, label in rows), "utf-8")
    return path


def many(count: int, seed: int = 0) -> list[tuple[str, str]]:
    draws = np.random.default_rng(seed)
    return [("".join(draws.choice(list("abcde"), 12)), "xyz"[int(n)]) for n in draws.integers(0, 3, count)]


def texts(corpus: LabelledCorpus, part: LabelledPart) -> list[tuple[str, str]]:
    found = []
    for row in range(len(part)):
        ids, lengths = part.sequences.padded(np.array([row]))
        found.append((str(corpus.tokenizer.decode(ids[: lengths[0], 0])), corpus.labels[part.targets[row]]))
    return found


def test_the_parts_hold_all_rows_and_no_text_twice(tmp_path: Path) -> None:
    rows = many(600)
    rows += rows[:50]  # equal ones
    corpus = LabelledCorpus.open(write(tmp_path / "t.jsonl", rows), **CHARACTERS)
    train, validation = texts(corpus, corpus.train), texts(corpus, corpus.validation)
    assert corpus.labels == ("x", "y", "z")
    assert sorted(train + validation) == sorted(rows)
    assert not {text for text, _ in train} & {text for text, _ in validation}
    assert 0.05 < len(validation) / len(rows) < 0.16
    assert corpus.provenance["train_labels"] == {label: [it for _, it in train].count(label) for label in "xyz"}


def test_adding_rows_moves_none(tmp_path: Path) -> None:
    rows = many(400)
    before = LabelledCorpus.open(write(tmp_path / "t.jsonl", rows), **CHARACTERS)
    after = LabelledCorpus.open(write(tmp_path / "u.jsonl", rows + many(200, seed=1)), **CHARACTERS)
    assert set(texts(before, before.validation)) <= set(texts(after, after.validation))
    assert set(texts(before, before.train)) <= set(texts(after, after.train))


def test_every_class_trains_and_validates_if_it_has_two_texts(tmp_path: Path) -> None:
    classes = [(f"rare {n} {m}", f"r{n}") for n in range(40) for m in range(2)] + [
        (f"only {n}", f"o{n}") for n in range(40)
    ]
    corpus = LabelledCorpus.open(write(tmp_path / "t.jsonl", [*many(300), *classes]), **CHARACTERS)
    train, validation = corpus.provenance["train_labels"], corpus.provenance["validation_labels"]
    assert all(train[f"r{n}"] == validation[f"r{n}"] == 1 for n in range(40))
    assert all(train[f"o{n}"] == 1 for n in range(40))


def test_documents_to_validate_with_may_be_given(tmp_path: Path) -> None:
    train, other = write(tmp_path / "t.jsonl", many(50)), write(tmp_path / "v.jsonl", many(9, seed=2))
    corpus = LabelledCorpus.open(train, validation=[str(other)], **CHARACTERS)
    assert sorted(texts(corpus, corpus.train)) == sorted(many(50))
    assert sorted(texts(corpus, corpus.validation)) == sorted(many(9, seed=2))


def test_words_are_those_of_the_training_part(tmp_path: Path) -> None:
    train = write(tmp_path / "t.jsonl", [("sea sea", "x"), ("land land sea", "y")])
    other = write(tmp_path / "v.jsonl", [("foam foam foam", "x")])
    corpus = LabelledCorpus.open(train, validation=[str(other)])
    assert "foam" not in corpus.tokenizer.vocabulary and " sea" in corpus.tokenizer.vocabulary
    assert corpus.length == 100


@pytest.mark.parametrize(
    ("rows", "settings", "needle"),
    [
        ([("a", "x"), ("b", "x")], {}, "all of class 'x': two classes are needed"),
        ([], {}, "no documents: two classes are needed"),
        ([("a", "x"), ("b", "y")], {"labels": ["x", "q"]}, "its label is 'y'; the model knows x, q"),
        ([("", "x"), ("", "y")], {}, "there is no text"),
    ],
)
def test_what_cannot_be_learned_gets_one_line(
    tmp_path: Path, rows: list[tuple[str, str]], settings: dict[str, Any], needle: str
) -> None:
    path = write(tmp_path / "t.jsonl", rows)
    with pytest.raises(CorpusError) as caught:
        LabelledCorpus.open(path, validation=[str(path)], **settings)
    assert needle in str(caught.value)


def test_a_tokenizer_of_another_medium_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TokenizerError, match="the corpus is text"):
        LabelledCorpus.open(write(tmp_path / "t.jsonl", many(9)), tokenizer=MidiTokenizer("beats"))


def test_music_comes_in_folders_of_classes(tmp_path: Path) -> None:
    for label, late in (("grid", 0), ("played", 7)):
        (tmp_path / "set" / label).mkdir(parents=True)
        for number in range(12):
            (tmp_path / "set" / label / f"{number:02}.mid").write_bytes(midi_bytes(tune(number, late)).data)
    shutil.copy(tmp_path / "set" / "grid" / "00.mid", tmp_path / "set" / "grid" / "copy.mid")
    corpus = LabelledCorpus.open(tmp_path / "set", length=20)
    assert corpus.labels == ("grid", "played")
    assert len(corpus.train) + len(corpus.validation) == 24
    assert corpus.provenance["medium"] == "music"
    ids, lengths = corpus.train.sequences.padded(np.array([0, 1]))
    assert lengths.tolist() == [21, 21]  # behind the boundary
    assert (ids[0] == corpus.tokenizer.boundary).all() and (ids[1:] != corpus.tokenizer.boundary).all()


def test_unknown_characters_of_a_given_tokenizer_are_left_out(tmp_path: Path) -> None:
    rows = [("abz", "x"), ("bz", "y")]
    path = write(tmp_path / "t.jsonl", rows)
    corpus = LabelledCorpus.open(path, validation=[str(path)], tokenizer=CharTokenizer("ab"))
    assert texts(corpus, corpus.train) == [("ab", "x"), ("b", "y")]
