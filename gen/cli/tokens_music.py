"""`gen tokens` of music: its events, a line for each moment, and how many there are of each kind."""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gen.corpus.documents import ReadingOptions
    from gen.tokenizers import MidiTokenizer

_STYLES = {
    "PITCH": "black on color(157)",
    "DRUM": "black on color(157)",
    "DURATION": "black on color(223)",
    "VELOCITY": "black on color(189)",
    "TIME_SHIFT": "black on color(153)",
    "BAR": "black on color(153)",
}


def cut_music(
    source: str, options: "ReadingOptions", tokenizer: "MidiTokenizer | None", shown: int
) -> tuple[dict[str, Any], Callable[[], None]]:
    """What is to be said of music in JSON, and what shows it."""
    from gen.cli.reading import open_corpus

    corpus = open_corpus([source], options, tokenizer=tokenizer)
    part, found = corpus.whole, corpus.tokenizer
    ids = part.read(0, min(shown, part.size))
    kinds: Counter[str] = Counter()
    for symbol, count in zip(found.vocabulary, part.counts.tolist(), strict=True):
        kinds[symbol.split()[0]] += count
    notes = round(part.extent.units)
    facts = {
        "tokens": f"midi, by {corpus.provenance['clock']}",
        "symbols": len(found.vocabulary),
        "symbols_used": int((part.counts > 0).sum()),
        "pieces": corpus.provenance["documents"],
        "notes": notes,
        "seconds": part.extent.seconds,
        "count": part.size,
        "tokens_per_note": part.size / max(1, notes),
        "kinds": {kind: count for kind, count in kinds.most_common() if count},
        "ids": ids.tolist(),
        "events": [found.vocabulary.symbol(int(id)) for id in ids],
    }
    return facts, lambda: _show(facts)


def _show(facts: dict[str, Any]) -> None:
    from gen.cli.heat import screen, write
    from gen.cli.report import report, screen_width
    from gen.cli.terminal import say, write_product

    width, console = screen_width(), screen()
    rows = _rows(facts)
    if width is None:
        pairs = zip(facts["ids"], facts["events"], strict=True)
        write_product("".join(f"{id}\t{event}\n" for id, event in pairs))
        for name, told in rows:
            say(f"{name}: {told}")
        return
    from rich.text import Text

    for moment in _moments(facts["events"]):
        line = Text(" ").join(Text(f" {event} ", _STYLES.get(event.split()[0], "dim")) for event in moment)
        if console is None:
            write_product(" ".join(moment) + "\n")
        else:
            write(console, line.append("\n"))
    write_product(("\n" if facts["events"] else "") + report(rows, width))


def _moments(events: list[str]) -> Iterator[list[str]]:
    """Events that stand together: up to the next in which time passes, or a bar or a piece begins."""
    begins = [place for place, event in enumerate(events) if event.split()[0] in ("TIME_SHIFT", "BAR", "BOS")]
    for begin, end in zip([0, *begins], [*begins, len(events)], strict=True):
        if begin < end:
            yield list(islice(events, begin, end))


def _rows(facts: dict[str, Any]) -> list[list[str]]:
    count, pieces = facts["count"], facts["pieces"]
    kinds = ", ".join(f"{kind} {number / count:.1%}" for kind, number in facts["kinds"].items())
    return [
        ["tokens", f"{facts['tokens']}: {facts['symbols']:,} symbols, {facts['symbols_used']:,} of them in use"],
        ["music", f"{pieces:,} piece{'s' * (pieces != 1)}, {facts['notes']:,} notes, {facts['seconds']:,.0f} s"],
        ["cut into", f"{count:,} tokens: {facts['tokens_per_note']:.2f} a note"],
        ["kinds", kinds],
    ]
