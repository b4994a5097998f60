"""What every test stands on: a cache of its own, and a small text to learn."""

import os
from pathlib import Path

# before numpy and torch load: the tests' arrays are too small to share, and threads that wait for one another crawl
# wherever something else runs
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import hypothesis
import numpy as np
import pytest

from gen.corpus.token_corpus import TokenCorpus

hypothesis.settings.register_profile("gen", deadline=None)  # how long an example takes is no law
hypothesis.settings.load_profile("gen")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The cache folder is the test's, and empty."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("GEN_CACHE", str(folder))
    return folder


def babble(characters: int, seed: int = 0) -> str:
    """A text with something to learn: words of a small language, in lines."""
    draws = np.random.default_rng(seed)
    words = ["the", "sea", "and", "sand", "are", "one", "land", "under", "a", "red", "sun", "so", "we", "sail", "on"]
    lines = []
    length = 0
    while length < characters:
        line = " ".join(draws.choice(words, size=int(draws.integers(3, 9)))).capitalize() + ".\n"
        lines.append(line)
        length += len(line)
    return "".join(lines)[:characters]


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    """A text of 12,000 characters."""
    path = tmp_path / "babble.txt"
    path.write_text(babble(12_000), "utf-8")
    return path


@pytest.fixture
def corpus(text_file: Path) -> TokenCorpus:
    """The same text, opened."""
    return TokenCorpus.open(text_file)
