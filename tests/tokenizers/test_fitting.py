# ruff: noqa: RUF001  (Greek is meant)
"""What `--tokens` says, and what a model to start from brings along."""

import pytest

from gen.errors import ConfigError, TokenizerError
from gen.tokenizers import ByteTokenizer, CharTokenizer, SubwordTokenizer, TextTokenizer, WordTokenizer
from gen.tokenizers.fitting import Tokens, default_tokens, fit_text

ENGLISH = "the cat sat on the mat and the dog sat on the log\n" * 20
GREEK = "η γάτα κάθισε στο χαλί και ο σκύλος κάθισε στο χαλί\n" * 20


def fit(tokens: str | None, text: str, *, boundary: bool = False, known: TextTokenizer | None = None) -> TextTokenizer:
    symbols = {symbol: text.count(symbol) for symbol in sorted(set(text))}
    parsed = None if tokens is None else Tokens.parse(tokens)
    return fit_text(parsed, symbols, [text], boundary=boundary, known=known)


@pytest.mark.parametrize(
    ("text", "kind", "size"),
    [
        ("char", "char", None),
        ("byte", "byte", None),
        ("subword", "subword", 1000),
        ("bpe:300", "bpe", 300),
        ("word", "word", 20_000),
        ("word:100000", "word", 100_000),
    ],
)
def test_tokens_are_read(text: str, kind: str, size: int | None) -> None:
    assert Tokens.parse(text) == Tokens(kind, size)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "chars",
        "char:5",
        "byte:256",
        "subword:",
        "subword:299",
        "subword:100001",
        "bpe:-1",
        "word:9",
        "word:1e4",
        "Word",
        7,
    ],
)
def test_what_is_none_of_them_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^tokens is .*; it must be char, byte, subword\[:SIZE\]"):
        Tokens.parse(text)


@pytest.mark.parametrize("tokens", ["char", "byte", "subword:300", "bpe:300", "word:300"])
def test_a_tokenizer_says_what_its_tokens_are(tokens: str) -> None:
    made = fit(tokens, ENGLISH)
    kind, _, size = made.spec.partition(":")
    assert kind == tokens.partition(":")[0]
    assert size in ("", str(len(made.vocabulary)))


def test_a_large_corpus_is_read_in_subwords_and_a_small_one_by_the_character() -> None:
    assert fit(None, ENGLISH).spec == "char"
    assert default_tokens(1_115_394) == Tokens("char")
    assert default_tokens(100_000_000) == Tokens("bpe", 4000)
    large = fit_text(None, {"a": 2**25, " ": 2**20}, ["a aa aaa aaaa"] * 20, boundary=False)
    assert large.spec.startswith("bpe:")


def test_no_more_symbols_than_were_asked_for() -> None:
    for tokens in ("subword:320", "bpe:320", "word:300"):
        assert len(fit(tokens, ENGLISH + GREEK).vocabulary) <= int(tokens.partition(":")[2])


def test_learning_is_the_same_each_time() -> None:
    for tokens in ("subword:300", "bpe:300"):
        assert fit(tokens, ENGLISH + GREEK).to_dict() == fit(tokens, ENGLISH + GREEK).to_dict()


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(TokenizerError, match="nothing but line ends"):
        fit("subword:300", "\n\n\n")


def test_words_that_come_once_teach_what_unknown_is() -> None:
    tokenizer = fit("word:300", ENGLISH + "hapax legomenon, x\n")
    assert isinstance(tokenizer, WordTokenizer)
    assert set(tokenizer.unknown("the hapax legomenon, x")) == {"hapax", "legomenon"}
    assert tokenizer.unknown_size == (7.0, 7.0)  # of 5 and 9 letters


def test_an_alphabet_too_large_for_the_vocabulary_is_spelled_in_bytes() -> None:
    many = "".join(map(chr, range(0x4E00, 0x4E00 + 2000))) + "的的的的" * 100
    tokenizer = fit("subword:300", many)
    assert len(tokenizer.vocabulary) <= 300
    assert tokenizer.decode(tokenizer.encode(many)) == many
    assert len(tokenizer.encode("的")) == 1


class TestFromAModel:
    """`known` is the tokenizer of a model to start from."""

    def test_characters_of_both_are_known(self) -> None:
        grown = fit(None, GREEK, known=CharTokenizer.fit([ENGLISH]))
        assert set(grown.vocabulary) == set(ENGLISH + GREEK)

    def test_bytes_stay_and_a_boundary_is_kept(self) -> None:
        grown = fit(None, GREEK, known=ByteTokenizer(boundary=True))
        assert isinstance(grown, ByteTokenizer)
        assert grown.boundary == 255

    @pytest.mark.parametrize("kind", ["subword", "bpe"])
    def test_subwords_keep_their_ids_and_get_the_characters_that_lack(self, kind: str) -> None:
        known = fit(f"{kind}:300", ENGLISH)
        grown = fit(None, GREEK, known=known)
        assert list(grown.vocabulary)[: len(known.vocabulary)] == list(known.vocabulary)
        assert set(list(grown.vocabulary)[len(known.vocabulary) :]) == set(GREEK) - set(ENGLISH)
        assert grown.encode(ENGLISH).tolist() == known.encode(ENGLISH).tolist()
        assert len(grown.encode(GREEK)) < len(known.encode(GREEK))
        assert grown.decode(grown.encode(GREEK)) == GREEK

    @pytest.mark.parametrize("kind", ["subword", "bpe"])
    def test_a_size_lets_them_learn_pieces_of_the_new_corpus(self, kind: str) -> None:
        known = fit(f"{kind}:300", ENGLISH)
        grown = fit(f"{kind}:330", GREEK, known=known)
        assert isinstance(grown, SubwordTokenizer)
        assert list(grown.vocabulary)[: len(known.vocabulary)] == list(known.vocabulary)
        assert len(grown.encode(GREEK)) < len(fit(None, GREEK, known=known).encode(GREEK))
        assert grown.encode(ENGLISH).tolist() == known.encode(ENGLISH).tolist()

    def test_words_keep_their_ids_and_get_more(self) -> None:
        known = fit("word:300", ENGLISH)
        grown = fit("word:300", GREEK, known=known)
        assert list(grown.vocabulary)[: len(known.vocabulary)] == list(known.vocabulary)
        assert " γάτα" in grown.vocabulary

    def test_other_tokens_start_anew(self) -> None:
        assert fit("bpe:300", ENGLISH, known=CharTokenizer.fit([GREEK])) is not None
        anew = fit("bpe:300", ENGLISH, known=fit("subword:300", ENGLISH))
        assert anew.vocabulary == fit("bpe:300", ENGLISH).vocabulary
