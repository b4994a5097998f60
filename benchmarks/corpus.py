"""How fast text becomes ids, and ids become chunks: `python benchmarks/corpus.py [PATH]`.

Four tables, each of one run: encoding by family of tokenizer, in MB of UTF-8 a second of one core; a corpus opened,
the first time and from the cache; subwords by one process and by several; training from a map whose pages are not in
memory against training from an array, in turns.
"""

import argparse
import mmap
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.corpus.documents import ReadingOptions, find_documents
from gen.corpus.embedded import documents as python_library
from gen.corpus.id_cache import caching_ids
from gen.corpus.parts import Part
from gen.corpus.survey import survey
from gen.corpus.token_corpus import TokenCorpus
from gen.progress import StepFinished, result_of
from gen.tokenizers import MidiTokenizer, from_dict
from gen.tokenizers.fitting import Tokens, fit_text
from gen.training.trainer import Trainer

_SPECS = ("byte", "char", "word:20000", "subword:1000", "bpe:1000")
_ENCODED = 8_000_000  # characters that are encoded, a million at a time
_SHARED = 40_000_000  # bytes that processes share
_STEPS = 120  # of training in each turn
_LETTERS: dict[str, str | int | None] = {"e": "é", "a": "ä", "o": "ö"}
_GREEK: dict[str, str | int | None] = dict(zip("abcdefghiklmnopqrstuvwxyz", "αβψδεφγηικλμνοπωρστθυχξςζ", strict=True))


def main(arguments: Sequence[str]) -> int:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("path", nargs="?", type=Path, help="a text file; by default Python's own library")
    given = parser.parse_args(arguments).path
    with tempfile.TemporaryDirectory() as folder:
        path = given or _library(Path(folder) / "library.txt")
        with open(path, encoding="utf-8") as file:
            beginning = file.read(_ENCODED)
        _encoding(beginning)
        _opening(path, Path(folder) / "cache")
        _sharing(path, Path(folder))
        _training(path, Path(folder) / "cache")
    return 0


def _library(path: Path) -> Path:
    """A file that needs no download."""
    with open(path, "w", encoding="utf-8") as file:
        for document in python_library(None):
            file.writelines(document.blocks())
    return path


def _encoding(text: str) -> None:
    texts = {
        "as it is": text,
        "é, ä, ö": text.translate(str.maketrans(_LETTERS)),
        "with ’": text.replace("'", "’"),  # noqa: RUF001  (meant)
        "in Greek letters": text.lower().translate(str.maketrans(_GREEK)),
    }
    print(f"encoding {len(text) / 1e6:.1f} M characters, MB a second of one core (processor's time, best of five)")
    print(f"{'':14}" + "".join(f"{name:>18}" for name in texts))
    for spec in _SPECS:
        speeds = []
        for variant in texts.values():
            blocks = [variant[start : start + (1 << 20)] for start in range(0, len(variant), 1 << 20)]
            symbols = dict.fromkeys(sorted(set(variant)), 1)
            tokenizer = fit_text(Tokens.parse(spec), symbols, blocks[:2], boundary=False)
            seconds = []
            for _ in range(5):
                fresh = from_dict(tokenizer.to_dict())  # which remembers no word
                assert not isinstance(fresh, MidiTokenizer)
                began = time.process_time()
                for block in blocks:
                    fresh.encode(block)
                seconds.append(time.process_time() - began)
            speeds.append(len(variant.encode()) / 1e6 / min(seconds))
        print(f"{spec:14}" + "".join(f"{speed:>18,.0f}" for speed in speeds))


def _opening(path: Path, cache: Path) -> None:
    size = path.stat().st_size / 1e6
    seconds = min(_timed(lambda: survey(find_documents([path]))) for _ in range(3))
    print(f"\nopening {size:,.0f} MB of characters (wall): looked at alone {size / seconds:,.0f} MB/s", end="")
    for how in ("first", "from the cache"):
        seconds = _timed(lambda: TokenCorpus.open(path, cache=cache))
        print(f", {how} {seconds:.2f} s = {size / seconds:,.0f} MB/s", end="")
    print()


def _sharing(path: Path, folder: Path) -> None:
    part = folder / "part.txt"
    with open(path, "rb") as whole:
        part.write_bytes(whole.read(_SHARED).decode("utf-8", "ignore").encode())
    found = survey(find_documents([part]))
    tokenizer = fit_text(Tokens.parse("subword:1000"), found.symbols, found.sample, boundary=False)
    print(f"\nsubwords of {found.bytes / 1e6:.0f} MB by processes (wall, in turns; 0 is this one)")
    speeds: dict[int, list[float]] = {0: [], 1: [], 2: []}
    for turn in range(3):
        for workers in speeds:
            work = caching_ids(folder / f"{turn} {workers}", find_documents([part]), found, tokenizer, workers=workers)
            speeds[workers].append(found.bytes / 1e6 / _timed(lambda work=work: result_of(work)))  # type: ignore[misc]
    print(", ".join(f"{workers}: {statistics.median(them):.1f} MB/s" for workers, them in speeds.items()))


def _training(path: Path, cache: Path) -> None:
    print(f"\ntraining, lstm 1 x 128, {_STEPS} steps a turn, in turns (wall)")
    took: dict[str, list[float]] = {"array": [], "map": []}
    first: dict[str, list[float]] = {"array": [], "map": []}
    for _ in range(4):
        for how in took:
            corpus = TokenCorpus.open(path, cache=cache, options=ReadingOptions(tokens="char"))
            ids = corpus.train.ids
            if how == "array":
                corpus.train = Part(np.array(ids), corpus.train.extents, corpus.tokenizer)
            trainer = Trainer.start(corpus, steps=_STEPS, hidden=128, layers=1, threads=1)
            if how == "map":
                _forget(ids)
            events = trainer.run()
            seconds = [time.perf_counter()]
            for event in events:
                if isinstance(event, StepFinished):
                    seconds.append(time.perf_counter())
                elif len(seconds) == 1:
                    seconds[0] = time.perf_counter()
                elif len(seconds) > _STEPS // 2:
                    break  # the validation at the end is no training
            steps = np.diff(seconds)
            first[how].append(steps[0])
            took[how].append(float(np.sum(steps[1:])) / (len(steps) - 1))
    for how in took:
        print(
            f"{how}: {1000 * statistics.median(took[how]):.2f} ms a step, "
            f"the first {1000 * statistics.median(first[how]):.0f} ms"
        )
    ratios = [a / b for a, b in zip(took["map"], took["array"], strict=True)]
    print(f"map / array: {statistics.median(ratios):.3f} ({', '.join(f'{ratio:.3f}' for ratio in ratios)})")


def _forget(ids: NDArray[np.integer[Any]]) -> None:
    """Have the system drop the pages of a map, where it can be asked to."""
    base: object = ids
    while isinstance(base, np.memmap) and not isinstance(base.base, mmap.mmap):
        base = base.base
    if isinstance(base, np.memmap) and isinstance(base.base, mmap.mmap) and hasattr(os, "posix_fadvise"):
        base.base.madvise(mmap.MADV_DONTNEED)
        with open(str(base.filename), "rb") as file:
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
