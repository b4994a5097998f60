"""Words as tokens: the commonest ones, with the blank before them, and an honest "unknown" for all others.

A text is cut into words (letters of any script, with apostrophes and hyphens inside), single ideographs, single signs
and single white space characters; a word or sign takes the blank before it along. So every text comes back but for its
unknown words.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import chain
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.errors import CheckpointError, TokenizerError
from gen.tokenizers.base import Vocabulary
from gen.tokenizers.pieces import DOCUMENT, MAX_SIZE, PieceTokenizer, utf8

_UNKNOWN = ("<unk>", " <unk>")  # without and with a blank before it
_SPECIAL = (DOCUMENT, *_UNKNOWN)
_FEWEST = 2  # occurrences of a word that gets an id: what comes once teaches what "unknown" is
_SIGNS = (  # of ASCII, of Latin-1, and Unicode's blocks of them
    r"!-/:-@\[-`{-~"
    r"\u00a0-\u00a9\u00ab-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7"
    r"\u2000-\u206f\u2190-\u2bff\u3000-\u303f\uff00-\uff0f"
)
_IDEOGRAPHS = r"\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_LETTER = rf"[^\s{_SIGNS}{_IDEOGRAPHS}]"
_TOKENS = re.compile(rf" ?{_LETTER}+(?:['’-]{_LETTER}+)*| ?\S|\s")  # noqa: RUF001  (a typographic apostrophe is meant)


class WordTokenizer(PieceTokenizer):
    """One id for each word that it knows, with or without a blank before it; the rest are "<unk>" and " <unk>".

    Args:
        words: the symbols behind the special ones, each once.
        boundary: whether id 0 is a document boundary.
        unknown_size: characters and bytes that an unknown word has in the mean, as a corpus has them.

    Raises:
        TokenizerError: a word is empty, occurs twice, is a special symbol or holds half of a surrogate pair.
    """

    unknown_ids = (1, 2)

    def __init__(
        self, words: Iterable[str], *, boundary: bool = False, unknown_size: tuple[float, float] = (1.0, 1.0)
    ) -> None:
        symbols = [*_SPECIAL, *words]
        if "" in symbols or not len(_SPECIAL) < len(symbols) <= MAX_SIZE:
            raise TokenizerError(f"{len(symbols)} symbols; 4 … {MAX_SIZE} are needed, and none of them empty")
        pieces = [b"", *map(utf8, symbols[1:])]
        super().__init__(Vocabulary(symbols), pieces, 0 if boundary else None)
        self.spec = f"word:{len(symbols)}"
        self.unknown_size = unknown_size
        self.units[[*self.unknown_ids]] = unknown_size[0] + np.arange(2)
        self.bytes[[*self.unknown_ids]] = unknown_size[1] + np.arange(2)
        self._ids = {symbol: id for id, symbol in enumerate(symbols) if id >= len(_SPECIAL)}

    @classmethod
    def fit(cls, sample: Iterable[str], size: int, *, boundary: bool = False, known: Iterable[str] = ()) -> Self:
        """The tokenizer of the words that come at least twice in `sample`, `size` symbols at most, commonest first.

        Args:
            sample: pieces of text.
            size: V; three of them are special.
            boundary: as in the class.
            known: words that it has anyway, and first.
        """
        counts = Counter(chain.from_iterable(map(_TOKENS.findall, sample)))
        words = dict.fromkeys(["\n", " ", *known])
        ranked = sorted(counts.items(), key=lambda it: (-it[1], it[0]))
        for word, count in ranked:
            if len(words) + len(_SPECIAL) >= size:
                break
            if (count >= _FEWEST or len(word.lstrip(" ")) == 1) and word not in _SPECIAL:
                words[word] = None
        lost = [(word.removeprefix(" "), count) for word, count in ranked if word not in words]
        total = sum(count for _, count in lost)
        if not total:
            return cls(words, boundary=boundary)
        characters = sum(len(word) * count for word, count in lost) / total
        size_in_bytes = sum(len(utf8(word)) * count for word, count in lost) / total
        return cls(words, boundary=boundary, unknown_size=(round(characters, 3), round(size_in_bytes, 3)))

    @property
    def words(self) -> list[str]:
        """Its symbols without the special ones."""
        return list(self.vocabulary)[len(_SPECIAL) :]

    @property
    def start(self) -> int:
        return 0 if self.boundary is not None else self._ids.get("\n", len(_SPECIAL))

    def encode(self, document: str) -> NDArray[np.integer[Any]]:
        ids, lost = self._ids, self.unknown_ids
        found = [ids.get(word) or lost[word[0] == " "] for word in _TOKENS.findall(document)]
        return np.array(found, self._dtype)

    def cut(self, text: str) -> list[str]:
        """What of `text` each of its ids stands for."""
        return _TOKENS.findall(text)

    def unknown(self, text: str) -> list[str]:
        """The words of `text` that it has no ids for, each once, in order of appearance."""
        words = dict.fromkeys(_TOKENS.findall(text))
        return list(dict.fromkeys(word.removeprefix(" ") for word in words if word not in self._ids))

    def to_dict(self) -> dict[str, Any]:
        return {
            "kind": "word",
            "words": self.words,
            "boundary": self.boundary is not None,
            "unknown_size": list(self.unknown_size),
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Raises: CheckpointError: the values are not those of a word tokenizer."""
        words, boundary, size = values.get("words"), values.get("boundary"), values.get("unknown_size")
        listed = isinstance(words, list) and all(isinstance(word, str) for word in words)
        sizes = isinstance(size, list) and len(size) == 2 and all(type(it) is float and 0 < it < 1e6 for it in size)
        if not listed or not sizes or not isinstance(boundary, bool):
            raise CheckpointError("its word tokenizer lacks words, boundary or sizes: the file was not written by gen")
        try:
            return cls(words, boundary=boundary, unknown_size=(size[0], size[1]))  # type: ignore[arg-type,index]
        except TokenizerError as error:
            raise CheckpointError(f"its tokenizer is broken: {error}") from error
