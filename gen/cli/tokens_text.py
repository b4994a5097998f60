"""`gen tokens` of text: its beginning, each token in another colour, and what all of it comes to."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from gen.corpus.documents import Documents, ReadingOptions
    from gen.corpus.survey import Survey
    from gen.tokenizers import TextTokenizer

# each has a background of its own, so that of the terminal does not matter
_STYLES = ("black on color(153)", "black on color(223)", "black on color(157)")
_UNKNOWN = "bold color(231) on color(160)"
_MARK = "│"  # between tokens, where there are no colours
_FREQUENT = 12
_LOST = 12

Cut = list[tuple[int, str]]
"""Ids, and what of the text they stand for."""


def cut_text(
    source: str, options: "ReadingOptions", tokenizer: "TextTokenizer | None", shown: int
) -> tuple[dict[str, Any], Callable[[], None]]:
    """What is to be said of a text in JSON, and what shows it."""
    from gen.cli.fetching import fetch_named
    from gen.corpus.documents import find_documents
    from gen.corpus.survey import survey
    from gen.errors import CorpusError
    from gen.tokenizers.fitting import Tokens, fit_text

    fetch_named([source])
    documents = find_documents([source], options)
    found = survey(documents)
    if not found.characters:
        raise CorpusError(f"{source}: there is no text in it")
    if tokenizer is None:
        tokens = None if options.tokens is None else Tokens.parse(options.tokens)
        tokenizer = fit_text(tokens, found.symbols, found.sample, boundary=found.documents > 1)
    facts = _facts(tokenizer, found)
    cut = list(islice(_cut(tokenizer, documents), shown))
    facts |= {"ids": [id for id, _ in cut], "pieces": [piece for _, piece in cut]}
    return facts, lambda: _show(tokenizer, facts, cut)


def _cut(tokenizer: "TextTokenizer", documents: "Documents") -> Iterator[tuple[int, str]]:
    """The tokens of all documents, one after the other."""
    for document in documents:
        if tokenizer.boundary is not None:
            yield tokenizer.boundary, ""
        for block in document.blocks():
            for line in block.splitlines(keepends=True):
                yield from zip(tokenizer.encode(line).tolist(), tokenizer.cut(line), strict=True)


def _facts(tokenizer: "TextTokenizer", found: "Survey") -> dict[str, Any]:
    """Counts over the sample of a corpus, which is all of it where it is small."""
    counts = np.zeros(len(tokenizer.vocabulary), np.int64)
    lost: Counter[str] = Counter()
    for text in found.sample:
        ids = tokenizer.encode(text)
        counts += np.bincount(ids, minlength=len(counts))
        if tokenizer.unknown_ids:
            places = np.flatnonzero(np.isin(ids, tokenizer.unknown_ids)).tolist()
            pieces = tokenizer.cut(text)
            lost.update(pieces[place].removeprefix(" ") for place in places)
    tokens, characters = int(counts.sum()), sum(map(len, found.sample))
    words = sum(len(text.split()) for text in found.sample)
    order = np.argsort(-counts, kind="stable")[:_FREQUENT]
    return {
        "tokens": tokenizer.spec,
        "symbols": len(tokenizer.vocabulary),
        "symbols_used": int((counts > 0).sum()),
        "corpus_characters": found.characters,
        "characters": characters,
        "bytes": sum(len(text.encode()) for text in found.sample),
        "words": words,
        "count": tokens,
        "characters_per_token": characters / max(1, tokens),
        "tokens_per_character": tokens / max(1, characters),
        "tokens_per_word": tokens / max(1, words),
        "frequent": {tokenizer.vocabulary.symbol(int(id)): int(counts[id]) for id in order if counts[id]},
        "unknown": int(counts[list(tokenizer.unknown_ids)].sum()),
        "lost": dict(lost.most_common()),
    }


def _show(tokenizer: "TextTokenizer", facts: dict[str, Any], cut: Cut) -> None:
    from gen.cli.heat import screen
    from gen.cli.report import report, screen_width
    from gen.cli.terminal import plain, say, write_product

    width, console = screen_width(), screen()
    rows = _rows(facts)
    if width is None:
        write_product("".join(f"{id}\t{plain(tokenizer.vocabulary.symbol(id))}\t{plain(piece)}\n" for id, piece in cut))
        for name, told in rows:
            say(f"{name}: {told}")
        return
    gap = "" if not cut else "\n" if cut[-1][1] == "\n" else "\n\n"
    if console is None:
        write_product(_marked(cut) + gap)
    elif cut:
        from rich.text import Text

        from gen.cli.heat import write

        text = Text()
        for piece, style in _coloured(cut, tokenizer.unknown_ids):
            text.append(piece, style)
        write(console, text.append(gap))
    write_product(report(rows, width))


def _whole(cut: Cut) -> Iterator[tuple[int, str]]:
    """Tokens with text of their own: of a character in bytes, the first has all of it."""
    return ((id, piece) for id, piece in cut if piece)


def _marked(cut: Cut) -> str:
    from gen.cli.terminal import plain

    shown = ("↵\n" if piece == "\n" else plain(piece) + _MARK for _, piece in _whole(cut))
    return "".join(shown).removesuffix(_MARK)


def _coloured(cut: Cut, unknown: Sequence[int]) -> Iterator[tuple[str, str]]:
    from gen.cli.terminal import plain

    styles = cycle(_STYLES)
    for id, piece in _whole(cut):
        style = _UNKNOWN if id in unknown else next(styles)
        if piece == "\n":
            yield "↵", style
            yield "\n", ""
        else:
            yield plain(piece), style


def _rows(facts: dict[str, Any]) -> list[list[str]]:
    from gen.cli.terminal import plain
    from gen.storage import human_size

    part = "" if facts["characters"] == facts["corpus_characters"] else f", of {facts['corpus_characters']:,} in all"
    count = facts["count"]
    frequent = ", ".join(f"{plain(repr(symbol))} {n / count:.1%}" for symbol, n in facts["frequent"].items())
    rows = [
        ["tokens", f"{facts['tokens']}: {facts['symbols']:,} symbols, {facts['symbols_used']:,} of them in use"],
        ["text", f"{facts['characters']:,} characters{part}, {human_size(facts['bytes'])}, {facts['words']:,} words"],
        [
            "cut into",
            f"{count:,} tokens: {facts['characters_per_token']:.2f} characters a token, "
            f"{facts['tokens_per_character']:.3f} tokens a character, {facts['tokens_per_word']:.2f} a word",
        ],
        ["frequent", frequent],
    ]
    if facts["unknown"]:
        lost = facts["lost"]
        listed = ", ".join(f"{plain(word)} {n:,}" for word, n in list(lost.items())[:_LOST])
        more = f" and {len(lost) - _LOST:,} more" if len(lost) > _LOST else ""
        rows.append(["lost", f"{facts['unknown']:,} unknown words, {facts['unknown'] / count:.1%}: {listed}{more}"])
    return rows
