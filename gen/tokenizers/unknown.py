"""What becomes of a prompt's characters that the model never saw."""

import unicodedata

from gen.config import require
from gen.tokenizers.char import CharTokenizer

_TYPOGRAPHY = {  # what typewriters had for it, where Unicode decomposes it to nothing or to less
    **dict.fromkeys("‘’‚‛′`´", "'"),  # noqa: RUF001  (what looks alike is what the table is about)
    **dict.fromkeys("“”„‟″«»", '"'),
    **dict.fromkeys("‐‑‒–—―−", "-"),  # noqa: RUF001
    **dict(zip("æÆœŒøØßđĐłŁþÞðÐı", "ae AE oe OE o O ss d D l L th Th d D i".split(), strict=True)),
    **{"\u2044": "/", "\t": " ", "\u2028": "\n", "\u2029": "\n"},
}


def replace_unknown(text: str, tokenizer: CharTokenizer, how: str) -> tuple[str, list[str]]:
    """A prompt that `tokenizer` can encode, and the characters that were dropped from it.

    Args:
        text: the prompt.
        tokenizer: what knows the model's characters.
        how: "error" leaves the text alone (encoding it raises); "skip" drops unknown characters; "nearest" replaces
            them by their Unicode decomposition (NFKD, without accents), then by the other case, then drops them.

    Raises:
        ConfigError: `how` is none of these.
    """
    require(how in ("error", "skip", "nearest"), "unknown", how, "one of error, skip, nearest")
    unknown = set(tokenizer.unknown(text))
    if how == "error" or not unknown:
        return text, []
    if how == "nearest" and any(map(unicodedata.combining, unknown)):  # an accent joins the letter before it
        text = unicodedata.normalize("NFC", text)
        unknown = set(tokenizer.unknown(text))
    known = {c: (_nearest(c, tokenizer) if how == "nearest" else "") for c in unknown}
    dropped = [c for c in dict.fromkeys(text) if known.get(c, c) == ""]
    return "".join(known.get(c, c) for c in text), dropped


def _nearest(character: str, tokenizer: CharTokenizer) -> str:
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
