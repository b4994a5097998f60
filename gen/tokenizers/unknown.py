"""What becomes of a prompt's characters, or words, that the model never saw."""

import unicodedata

from gen.config import require
from gen.tokenizers.base import TextTokenizer

_TYPOGRAPHY = {  # what typewriters had for it, where Unicode decomposes it to nothing or to less
    **dict.fromkeys("‘’‚‛′`´", "'"),  # noqa: RUF001  (what looks alike is what the table is about)
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),  # noqa: RUF001
    **dict(zip("æÆœŒøØßđĐłŁþÞðÐı", "ae AE oe OE o O ss d D l L th Th d D i".split(), strict=True)),
    **{"\u2044": "/", "\t": " ", "\u2028": "\n", "\u2029": "\n"},
}


_LISTED = 20  # of what was left out, or is unknown


def fitted(text: str, tokenizer: TextTokenizer, how: str) -> tuple[str, list[str]]:
    """A text that `tokenizer` can encode, as `replace_unknown` has it, and what is to be said of it.

    Raises:
        ConfigError: `how` is none of those that `replace_unknown` knows.
    """
    fitting, dropped = replace_unknown(text, tokenizer, how)
    notices = [f"left out, unknown to the model: {_listed(dropped)}"] if dropped else []
    lost = tokenizer.unknown(fitting) if tokenizer.unknown_ids else []
    if lost:
        symbol = tokenizer.vocabulary.symbol(tokenizer.unknown_ids[0])
        notices.append(f"words that the model never saw, read as {symbol}: {_listed(lost)}")
    return fitting, notices


def _listed(unknown: list[str]) -> str:
    more = f" and {len(unknown) - _LISTED:,} more" if len(unknown) > _LISTED else ""
    return " ".join(map(repr, unknown[:_LISTED])) + more


def replace_unknown(text: str, tokenizer: TextTokenizer, how: str) -> tuple[str, list[str]]:
    """A prompt that `tokenizer` can encode, and the characters, or words, that were dropped from it.

    Args:
        text: the prompt.
        tokenizer: what knows the model's characters or words.
        how: "error" leaves the text alone (encoding it raises, or takes unknown words for what stands for them all);
            "skip" drops what is unknown; "nearest" replaces characters by their Unicode decomposition (NFKD, without
            accents), then by the other case, then drops them; and words by the other case, then leaves them.

    Raises:
        ConfigError: `how` is none of these.
    """
    require(how in ("error", "skip", "nearest"), "unknown", how, "one of error, skip, nearest")
    unknown = set(tokenizer.unknown(text))
    if how == "error" or not unknown:
        return text, []
    if tokenizer.unknown_ids:
        return _replace_words(text, tokenizer, unknown, how)
    if how == "nearest" and any(map(unicodedata.combining, unknown)):  # an accent joins the letter before it
        text = unicodedata.normalize("NFC", text)
        unknown = set(tokenizer.unknown(text))
    known = {c: (_nearest(c, tokenizer) if how == "nearest" else "") for c in unknown}
    dropped = [c for c in dict.fromkeys(text) if known.get(c, c) == ""]
    return "".join(known.get(c, c) for c in text), dropped


def _replace_words(text: str, tokenizer: TextTokenizer, unknown: set[str], how: str) -> tuple[str, list[str]]:
    pieces = tokenizer.cut(text)
    if how == "skip":
        return "".join(piece for piece in pieces if piece.removeprefix(" ") not in unknown), sorted(unknown)
    cases = (str, str.lower, str.capitalize, str.upper)
    found = []
    for piece in pieces:
        blank, word = (" ", piece[1:]) if piece[:1] == " " and len(piece) > 1 else ("", piece)
        found.append(next((blank + case(word) for case in cases if blank + case(word) in tokenizer.vocabulary), piece))
    return "".join(found), []


def _nearest(character: str, tokenizer: TextTokenizer) -> str:
    """The first rewriting of `character` whose every character is known; "" if there is none."""
    decomposed = unicodedata.normalize("NFKD", character)
    bare = "".join(c for c in decomposed if not unicodedata.combining(c))
    plain = "".join(_TYPOGRAPHY.get(c, c) for c in bare)
    forms = unicodedata.normalize("NFKC", character), _TYPOGRAPHY.get(character, ""), decomposed, bare, plain
    for cased in (str, str.lower, str.upper):
        for form in map(cased, forms):
            if form and all(c in tokenizer.vocabulary for c in form):
                return form
    return ""
