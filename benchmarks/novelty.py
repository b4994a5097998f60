"""What it costs to know what is copied, and to copy nothing.

`python benchmarks/novelty.py CORPUS`: the index of a corpus is made, in a process of its own: seconds, memory, size;
then it is searched, beside looking through the text. `--model FILE`, of a model that learned it, adds samples with and
without `no_copy`, in turns: ids a second, copied runs as a set of all runs of the corpus counts them, and with `--judge
FILE`, a model of another text, what the samples cost that one. Medians over the rounds. A corpus of music needs a
model; of it, ids a second and the longest passages are told.
"""

import argparse
import math
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from multiprocessing import get_context
from pathlib import Path

from gen.corpus.token_corpus import TokenCorpus
from gen.novelty import LONG, LONG_PASSAGE, MusicNovelty, TextNovelty
from gen.novelty.suffixes import SuffixIndex
from gen.novelty.training_text import halves
from gen.random import philox
from gen.sampler import MusicSampler, Sampler, TextSampler

_QUERIES = 2_000
_LOOKED_THROUGH = 20  # of them


def main(arguments: Sequence[str]) -> int:
    """Print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus")
    parser.add_argument("--model", type=Path, help="that learned the corpus")
    parser.add_argument("--judge", type=Path, help="a model that learned another text")
    parser.add_argument("--length", type=int, help=f"of a run: {LONG} characters, {LONG_PASSAGE} notes")
    parser.add_argument("--characters", type=int, default=10_000, help="of a sample; ids of music")
    parser.add_argument("--rounds", type=int, default=5)
    given = parser.parse_args(arguments)
    sampler = None if given.model is None else Sampler.load(given.model)
    given.length = given.length or (LONG_PASSAGE if isinstance(sampler, MusicSampler) else LONG)
    corpus = TokenCorpus.open(given.corpus, tokenizer=None if sampler is None else sampler.tokenizer)
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(sampler, MusicSampler):
            _sample_music(sampler, MusicNovelty.open(corpus, cache=Path(folder)), given)
            return 0
        with get_context("spawn").Pool(1) as pool:
            seconds, memory = pool.apply(_made, (given.corpus, sampler and given.model, Path(folder)))
        size = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.suffix in (".text", ".order"))
        novelty = TextNovelty.open(corpus, cache=Path(folder))
        print(f"made in {seconds:.1f} s and {memory / 1e9:.2f} GB of memory, {size / 1e6:,.1f} MB on disk")
        texts = [half.training.decode() for half in halves(corpus, corpus.tokenizer)]  # type: ignore[arg-type]
        _search(next((Path(folder) / "novelty").iterdir()), "\n".join(texts).encode())
        if isinstance(sampler, TextSampler):
            _sample(sampler, novelty, texts, given)
    return 0


def _made(source: str, model: Path | None, folder: Path) -> tuple[float, float]:
    """Seconds and bytes that the index takes beyond an open corpus."""
    corpus = TokenCorpus.open(source, tokenizer=None if model is None else TextSampler.load(model).tokenizer)
    began = time.perf_counter()
    TextNovelty.open(corpus, cache=folder)
    return time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024.0


def _search(folder: Path, text: bytes) -> None:
    """Searches for parts of the text, half of them with another byte in the middle, beside looking through it."""
    index = SuffixIndex.open(folder)
    places = (philox(1, "sample", 0).random_raw(_QUERIES) % (len(text) - 40)).tolist()
    parts = [
        text[at : at + 20] + (text[at + 20 : at + 21] if at % 2 else b"\0") + text[at + 21 : at + 40] for at in places
    ]
    began = time.perf_counter()
    found = [index.longest_suffix(part) for part in parts]
    ours = (time.perf_counter() - began) / len(parts)
    began = time.perf_counter()
    for part, length in zip(parts[:_LOOKED_THROUGH], found, strict=False):
        assert (text.find(part) >= 0) == (length == len(part))
    theirs = (time.perf_counter() - began) / _LOOKED_THROUGH
    print(f"a search takes {ours * 1e6:.1f} us, a look through the text {theirs * 1e6:,.1f} us: {theirs / ours:,.0f} x")


def _sample(sampler: TextSampler, novelty: TextNovelty, texts: list[str], given: argparse.Namespace) -> None:
    judge = None if given.judge is None else TextSampler.load(given.judge)
    runs = {text[at : at + given.length] for text in texts for at in range(len(text) - given.length + 1)}
    guard = novelty.no_copy(given.length)
    figures: dict[bool, list[tuple[float, float, float, float]]] = {False: [], True: []}
    for number in range(given.rounds + 1):
        for kept in (False, True):
            began = time.perf_counter()
            sample = sampler.sample("", n=given.characters, seed=number, no_copy=guard if kept else None)
            rate = sample.tokens / (time.perf_counter() - began)
            text = sample.text
            copied = sum(text[at : at + given.length] in runs for at in range(len(text) - given.length + 1))
            longest = novelty.receipt(text).rate.longest
            if number:  # the first finds out how many threads are quickest
                figures[kept].append((rate, longest, copied, _bits(judge, text)))
    for kept, rows in figures.items():
        rate, longest, copied, bits = map(statistics.median, zip(*rows, strict=True))
        told = f"no_copy {given.length}" if kept else "freely"
        most = max(row[1] for row in rows)
        print(
            f"{told}: {rate:,.0f} ids/s, longest run {longest:,.0f} (at most {most:,.0f}), "
            f"{copied:,.0f} copied runs of {given.length}, {bits:.3f} bits/character of the judge"
        )
    _tell_cost([row[0] for row in figures[False]], [row[0] for row in figures[True]])
    if judge is not None:
        ratios = [kept[3] / without[3] for without, kept in zip(figures[False], figures[True], strict=True)]
        print(f"to the judge they cost {statistics.median(ratios):.3f} of what the others do")


def _sample_music(sampler: MusicSampler, novelty: MusicNovelty, given: argparse.Namespace) -> None:
    guard = novelty.no_copy(given.length)
    rates: dict[bool, list[float]] = {False: [], True: []}
    passages: dict[bool, list[int]] = {False: [], True: []}
    for number in range(given.rounds):
        for kept in (False, True):
            began = time.perf_counter()
            sample = sampler.sample(
                seed=number, max_tokens=given.characters, ignore_end=True, no_copy=guard if kept else None
            )
            rates[kept].append(sample.tokens / (time.perf_counter() - began))
            passages[kept].append(novelty.receipt(sample.score).rate.longest)
    for kept, found in passages.items():
        print(
            f"{f'no_copy {given.length}' if kept else 'freely'}: {statistics.median(rates[kept]):,.0f} ids/s, longest "
            f"passage {statistics.median(found):,.0f} notes (at most {max(found):,})"
        )
    _tell_cost(rates[False], rates[True])


def _tell_cost(freely: Sequence[float], kept: Sequence[float]) -> None:
    ratio = statistics.median(one / other for one, other in zip(freely, kept, strict=True))
    print(f"cost: {1 - 1 / ratio:.0%} of the ids/s")


def _bits(judge: TextSampler | None, text: str) -> float:
    """What a text costs the judge, in bits a character; characters that it never saw are left out."""
    if judge is None:
        return math.nan
    lost = set(judge.tokenizer.unknown(text))
    known = "".join(character for character in text if character not in lost)
    return float(judge.score(known).sum()) / math.log(2) / len(known)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
