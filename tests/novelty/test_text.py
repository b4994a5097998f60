"""What of a text is copied, and from where: planted copies, and all substrings."""

import re
from pathlib import Path

import pytest

from gen.corpus.documents import ReadingOptions
from gen.corpus.token_corpus import TokenCorpus
from gen.novelty.text import LONG, TextNovelty
from gen.novelty.training_text import halves
from gen.random import philox

WORDS = [f"{a}{b}{c}" for a in "bdfgk" for b in "aeiouéö" for c in ("n", "rt", "ß", "mm")]


def prose(seed: int, words: int) -> str:
    """Text that hardly repeats itself, in lines of nine words."""
    chosen = [WORDS[number % len(WORDS)] for number in philox(seed, "sample", 0).random_raw(words).tolist()]
    return "\n".join(" ".join(chosen[start : start + 9]) for start in range(0, words, 9)) + "\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "texts"
    made.mkdir()
    for number in range(12):
        (made / f"{number:02}.txt").write_text(prose(number, 400), "utf-8")
    (made / "empty.txt").write_text("", "utf-8")
    return made


TOKENS = ["char", "byte", "subword:300", "word:100"]


@pytest.mark.parametrize("tokens", TOKENS)
@pytest.mark.parametrize("documents", [1, 12])
def test_what_is_learned_from_is_what_the_ids_say(folder: Path, tmp_path: Path, tokens: str, documents: int) -> None:
    sources = [str(folder)] if documents > 1 else [str(folder / "03.txt")]
    corpus = TokenCorpus.open(sources, options=ReadingOptions(tokens=tokens), cache=tmp_path)
    found = list(halves(corpus, corpus.tokenizer))  # type: ignore[arg-type]
    for half in found:
        assert (half.training + half.validation).decode() == prose(int(Path(half.name).stem), 400)
    assert len(found) == documents
    learned = str(corpus.tokenizer.decode(corpus.train.read(0, corpus.train.size))).rstrip("\ufffd")
    expected = b"".join(half.training for half in found).decode()
    assert re.fullmatch(re.escape(learned).replace("<unk>", r"\S+"), expected)


@pytest.mark.parametrize("tokens", TOKENS)
def test_planted_copies_are_found_where_they_are(folder: Path, tmp_path: Path, tokens: str) -> None:
    corpus = TokenCorpus.open(str(folder), options=ReadingOptions(tokens=tokens), cache=tmp_path)
    novelty = TextNovelty.open(corpus, cache=tmp_path)
    kept = [half for half in halves(corpus, corpus.tokenizer) if len(half.training) > 900]  # type: ignore[arg-type]
    first, second = kept[0], kept[-1]
    copied, other = first.training.decode()[300:421], second.training.decode()[710:760]
    text = f"{prose(77, 20)}#{copied}#{prose(78, 20)}#{other}#{prose(79, 30)}"
    receipt = novelty.receipt(text)
    assert receipt.rate.longest == 121
    assert receipt.rate.characters == len(text)
    assert receipt.rate.share == pytest.approx((121 + 50) / len(text))
    found = {copy.text: copy for copy in receipt.copies}
    for run, half, at in ((copied, first, 300), (other, second, 710)):
        copy = found[run]
        assert copy.source == half.name
        assert copy.offset == at
        assert copy.line == half.training.decode()[:at].count("\n") + 1
        assert text[copy.at :].startswith(run)


def test_new_text_has_no_long_run_and_its_longest_is_told(folder: Path, tmp_path: Path) -> None:
    corpus = TokenCorpus.open(str(folder / "01.txt"), cache=tmp_path)
    novelty = TextNovelty.open(corpus, cache=tmp_path)
    (half,) = halves(corpus, corpus.tokenizer)  # type: ignore[arg-type]
    learned, text = half.training.decode(), prose(99, 200)
    receipt = novelty.receipt(text)
    lengths = range(1, LONG + 1)
    shared = [n for n in lengths if any(text[at : at + n] in learned for at in range(len(text) - n + 1))]
    assert receipt.rate.longest == max(shared) < LONG
    assert receipt.rate.share == 0
    assert receipt.copies[0].text in learned
    assert receipt.unseen is not None
    assert receipt.unseen.characters == len(half.validation.decode())


def test_the_index_is_made_once(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = TokenCorpus.open(str(folder), cache=tmp_path)
    first = TextNovelty.open(corpus, cache=tmp_path).receipt(prose(1, 50))
    monkeypatch.setattr("gen.novelty.text._write", None)
    assert TextNovelty.open(corpus, cache=tmp_path).receipt(prose(1, 50)) == first


def test_a_damaged_index_is_made_again(folder: Path, tmp_path: Path) -> None:
    corpus = TokenCorpus.open(str(folder), cache=tmp_path)
    first = TextNovelty.open(corpus, cache=tmp_path).receipt(prose(1, 50))
    for path in (tmp_path / "novelty").glob("*/*.order"):
        path.write_bytes(path.read_bytes()[:-4])
    assert TextNovelty.open(corpus, cache=tmp_path).receipt(prose(1, 50)) == first
