"""What the tokens of a text are to be, as users say it, and the tokenizer that comes of it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self, cast

from gen.config import require

if TYPE_CHECKING:
    from gen.tokenizers.base import TextTokenizer
    from gen.tokenizers.subword import Algorithm, SubwordTokenizer

Kind = Literal["char", "byte", "subword", "bpe", "word"]

_FORM = re.compile(r"(char|byte)|(subword|bpe|word)(?::(\d{1,9}))?")
_NEEDED = "char, byte, subword[:SIZE], bpe[:SIZE] or word[:SIZE], of 300 … 100000 symbols, 10 where they are words"
_FEWEST: Mapping[str, int] = {"subword": 300, "bpe": 300, "word": 10}  # 256 of them are bytes
_MOST = 100_000
_DEFAULT_SIZE: Mapping[str, int] = {"subword": 1000, "bpe": 1000, "word": 20_000}
_LARGE = 30_000_000  # characters
_RARE = 1e-5  # share of a corpus' characters from which on one that the model to start from lacks gets a symbol


@dataclass(frozen=True, slots=True)
class Tokens:
    """What the tokens of a text are.

    Attributes:
        kind: characters, bytes, subwords (of a unigram model, or of byte pair encoding), or words.
        size: V, at most; None where it follows from the kind.
    """

    kind: Kind
    size: int | None = None

    @classmethod
    def parse(cls, text: str) -> Self:
        """What is written as "char", "byte", "subword:1000", "bpe:8000" or "word:20000".

        Raises:
            ConfigError: it is none of these, or a size is out of range.
        """
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        require(found is not None, "tokens", text, _NEEDED)
        assert found is not None
        plain, sized, digits = found.groups()
        if plain:
            return cls(cast(Kind, plain))
        size = int(digits) if digits else _DEFAULT_SIZE[sized]
        require(_FEWEST[sized] <= size <= _MOST, "tokens", text, _NEEDED)
        return cls(cast(Kind, sized), size)


def default_tokens(size: int) -> Tokens:
    """What the tokens are where nobody says: those with which most is learned in some minutes.

    A corpus of `size` characters is read by the character while a run reads it more than once, for then subwords would
    be learned by heart; and in subwords where it is too large for that, for then what a token covers is what counts.
    """
    return Tokens("bpe", 4000) if size >= _LARGE else Tokens("char")


def fit_text(
    tokens: Tokens | None,
    symbols: Mapping[str, int],
    sample: Sequence[str],
    *,
    boundary: bool,
    known: "TextTokenizer | None" = None,
) -> "TextTokenizer":
    """The tokenizer of a corpus.

    Args:
        tokens: what its tokens are; None takes those of `known`, or what fits the size of the corpus.
        symbols: each character that occurs in it, and how often.
        sample: some of its text, to learn subwords or words from.
        boundary: whether it has several documents, which a symbol stands between.
        known: of a model to start from. Where its tokens are of the same kind, all its symbols are kept, with their
            ids but for characters; those that the corpus needs are added.

    Raises:
        TokenizerError: no tokenizer can be made of it.
    """
    if tokens is None:
        tokens = default_tokens(sum(symbols.values())) if known is None else _tokens_of(known)
    boundary = boundary or (known is not None and known.boundary is not None)
    if tokens.kind == "byte":
        from gen.tokenizers.byte import ByteTokenizer

        return ByteTokenizer(boundary=boundary)
    if tokens.kind == "char":
        return _fit_char(symbols, boundary, known)
    if tokens.kind == "word":
        from gen.tokenizers.word import WordTokenizer

        before = known.words if isinstance(known, WordTokenizer) else ()
        size = max(tokens.size or 0, len(before))
        return WordTokenizer.fit(sample, size, boundary=boundary, known=before)
    return _fit_subword(tokens, symbols, sample, boundary, known)


def _tokens_of(known: "TextTokenizer") -> Tokens:
    """The kind of tokens that a tokenizer makes; words with room for as many again."""
    kind, _, size = known.spec.partition(":")
    if kind == "word":
        return Tokens("word", min(_MOST, 2 * int(size)))
    return Tokens(cast(Kind, kind))


def _fit_char(symbols: Mapping[str, int], boundary: bool, known: "TextTokenizer | None") -> "TextTokenizer":
    from gen.tokenizers.char import CharTokenizer

    fitted = CharTokenizer(symbols, boundary=boundary)
    return CharTokenizer.union(known, fitted) if isinstance(known, CharTokenizer) else fitted


def _fit_subword(
    tokens: Tokens,
    symbols: Mapping[str, int],
    sample: Sequence[str],
    boundary: bool,
    known: "TextTokenizer | None",
) -> "SubwordTokenizer":
    """Learned pieces; or those of a known tokenizer, and what the corpus needs beyond them.

    That is learned where a size is given; otherwise it is the characters that would be spelled in bytes.
    """
    from gen.tokenizers.subword import SubwordTokenizer

    algorithm: Algorithm = "bpe" if tokens.kind == "bpe" else "unigram"
    before = known if isinstance(known, SubwordTokenizer) and known.algorithm == algorithm else None
    pieces: list[str] = []
    scores: list[float] = []
    if tokens.size is not None:
        from gen.tokenizers.subword_training import learn_apart

        pieces, scores = learn_apart(sample, tokens.size, algorithm)
    if before is None:
        return SubwordTokenizer(algorithm, pieces, scores, boundary=boundary)
    lowest = float(before.scores.min())
    if algorithm == "bpe":  # what was merged first still is
        scores = [lowest - 1 + score for score in scores]
        lowest += min(scores, default=0.0)
    often = _RARE * sum(symbols.values())
    missing = [c for c, count in symbols.items() if count >= often and c not in "\n\u2581" and c not in pieces]
    return before.with_pieces([*pieces, *missing], [*scores, *[lowest] * len(missing)], boundary=boundary)
