"""`gen doctor`: what is installed here, or what a corpus is like and whether it is enough."""

import json
from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gen.cli.options import RunsFolder, with_default

if TYPE_CHECKING:
    from gen.corpus.documents import ReadingOptions
    from gen.corpus.examination import Examination
    from gen.corpus.findings import Findings
    from gen.corpus.observation import Passage
    from gen.training.recipes import Resolved

_FREQUENT = 10  # symbols that are listed
_RARE = 20
_QUOTED = 160  # characters of a repeated passage
_SPOKEN = {" ": "space", "\n": "newline", "\t": "tab", "'": '"\'"'}


def doctor(
    corpus: Annotated[
        list[str] | None,
        typer.Argument(
            help="Files, folders, '-' for stdin, or @names: examine this corpus in place of the installation.",
            show_default=False,
        ),
    ] = None,
    *,
    encoding: Annotated[str | None, typer.Option(help=with_default("Of all files.", "found out for each"))] = None,
    keep_line_ends: Annotated[
        bool, typer.Option("--keep-line-ends", help="Look at CR and CR LF, too, not only LF.")
    ] = False,
    column: Annotated[str | None, typer.Option(help=with_default("Of tables, what to read.", "text"))] = None,
    medium: Annotated[str | None, typer.Option(help=with_default("text or music.", "told by the files"))] = None,
    clock: Annotated[str | None, typer.Option(help=with_default("Of music: seconds or beats.", "what fits"))] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Stop at a MIDI file that cannot be read.")] = False,
    files: Annotated[bool, typer.Option("--files", help="Of music, every file, however many.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    out: RunsFolder = None,
) -> None:
    """Examine the installation, or a corpus: what is in it, and whether that is enough to learn from."""
    from gen.cli.report import report, screen_width
    from gen.cli.terminal import write_product
    from gen.corpus.documents import ReadingOptions

    if corpus:
        given: dict[str, Any] = {"medium": medium, "clock": clock}
        options = ReadingOptions(
            encoding=encoding, keep_line_ends=keep_line_ends, column=column, strict=strict, **given
        )
        facts, rows = _corpus(corpus, options, every_file=files)
    else:
        facts, rows = _installation(out)
    write_product(json.dumps(facts) + "\n" if as_json else report(rows, screen_width()))


def _installation(out: str | None) -> tuple[dict[str, Any], list[list[str]]]:
    from gen.cli.installation import examine_installation
    from gen.cli.terminal import plain
    from gen.runs import runs_folder

    facts, rows = {}, []
    for check in examine_installation(runs_folder(out)):
        facts[check.name] = {"found": check.found, "advice": check.advice or None}
        advice = f"\n{plain(check.advice)}" if check.advice else ""
        rows.append(["note" if check.advice else "ok", check.name, plain(check.found) + advice])
    return facts, rows


def _corpus(
    sources: list[str], options: "ReadingOptions", *, every_file: bool
) -> tuple[dict[str, Any], list[list[str]]]:
    from gen.cli.fetching import fetch_named
    from gen.corpus.documents import find_documents
    from gen.corpus.examination import examine
    from gen.corpus.medium import medium_of
    from gen.training.recipes import recommend

    fetch_named(sources)
    if (options.medium or medium_of(sources)) == "music":
        return _music(sources, options, every_file=every_file)
    found = examine(find_documents(sources, options))
    usable = found.verdict not in ("nothing", "too little")
    settings = recommend(*_tokens(found)) if usable else None
    return found.to_dict() | _suggested(settings), _rows(found, settings, options.encoding)


def _tokens(found: "Examination") -> tuple[int, int]:
    """How many tokens there are to train on, and of how many kinds, as training cuts them."""
    from gen.tokenizers.fitting import default_tokens, fit_text

    if default_tokens(found.survey.characters).kind == "char":
        return found.train_tokens, found.vocabulary_size
    seen = found.survey
    tokenizer = fit_text(None, seen.symbols, seen.sample, boundary=seen.documents > 1)
    share = sum(len(tokenizer.encode(text)) for text in seen.sample) / max(1, sum(map(len, seen.sample)))
    return round(found.train_tokens * share), len(tokenizer.vocabulary)


def _music(
    sources: list[str], options: "ReadingOptions", *, every_file: bool
) -> tuple[dict[str, Any], list[list[str]]]:
    from gen.cli.doctor_music import music_rows
    from gen.cli.reading import shown_reading
    from gen.corpus.music_examination import examine_music
    from gen.training.recipes import recommend

    found = shown_reading(examine_music(sources, options))
    usable = found.verdict not in ("nothing", "too little")
    vocabulary_size = len(found.corpus.tokenizer.vocabulary)
    settings = recommend(found.train_tokens, vocabulary_size, found.clock) if usable else None
    return found.to_dict() | _suggested(settings), music_rows(found, settings, every_file=every_file)


def _rows(found: "Examination", settings: "Resolved | None", encoding: str | None) -> list[list[str]]:
    """The examination for a person, with the settings that are suggested and the encoding that was given."""
    from gen.cli.terminal import plain
    from gen.storage import human_size

    seen, lines, beginning, copies = found.survey, found.lines, found.beginning, found.copies
    rows = [["corpus", ", ".join(map(plain, found.sources))]]
    if found.findings.files:
        rows.append(["read", _files(found.findings, encoding)])
    rows.append(["size", f"{_count(seen.characters, 'character')}, {human_size(seen.bytes)}"])
    if seen.documents > 1:
        like = f" ({plain(' is '.join(copies.example))})" if copies.example else ""
        copied = f"; {_count(copies.documents, 'copy', 'copies')} of others{like}" if copies.documents else ""
        rows.append(["documents", f"{seen.documents:,}, {seen.characters // seen.documents:,} characters each{copied}"])
    if seen.characters:
        rows += [
            ["lines", f"{lines.number:,}; median {_count(lines.median, 'character')}, longest {lines.longest:,}"],
            ["symbols", _symbols(found, rare=settings is not None)],
            ["repetition", f"xz needs {beginning.bits_per_character:.3g} bits a character{_of_the_first(found)}"],
            ["twice", _passage(beginning.passage, named=seen.documents > 1)],
        ]
    if settings is not None:
        rows.append(["suggested", suggestion(settings)])
    rows += [["note", plain(note)] for note in found.notes()]
    return [*rows, ["verdict", found.judgement()]]


def _files(findings: "Findings", encoding: str | None) -> str:
    """How many were read, in which encodings, and how many were not."""
    detected = Counter(findings.encodings.values())
    others = findings.files - detected.total()
    encodings = ([(encoding or "UTF-8", others)] if others > 0 else []) + detected.most_common()
    if len(encodings) == 1:
        listed = f" in {encodings[0][0]}"
    else:
        listed = ": " + ", ".join(f"{count:,} in {name}" for name, count in encodings)
    left_out = sum(count for count, _ in findings.left_out.values())
    return _count(findings.files, "file") + listed + (f"; {left_out:,} left out" if left_out else "")


def _symbols(found: "Examination", *, rare: bool) -> str:
    """How many, the frequent ones with their share, and the rare ones with their number."""
    symbols = found.survey.symbols
    frequent = sorted(symbols.items(), key=lambda item: -item[1])[:_FREQUENT]
    shares = ", ".join(f"{_named(symbol)} {count / found.survey.characters:.1%}" for symbol, count in frequent)
    text = f"{len(symbols):,}; {'the most frequent: ' if len(symbols) > _FREQUENT else ''}{shares}"
    if not rare or not found.rare:
        return text
    listed = ", ".join(f"{_named(symbol)} {count}" for symbol, count in list(found.rare.items())[:_RARE])
    more = f" and {len(found.rare) - _RARE:,} more" if len(found.rare) > _RARE else ""
    return f"{text}\n{len(found.rare):,} too rare to be learned: {listed}{more}"


def _named(symbol: str) -> str:
    """A symbol as a person can tell it from others."""
    import unicodedata

    if symbol in _SPOKEN:
        return _SPOKEN[symbol]
    alone = symbol.isprintable() and not unicodedata.category(symbol).startswith("M")  # marks sit on what is before
    return f"'{symbol}'" if alone else f"U+{ord(symbol):04X}"


def _of_the_first(found: "Examination") -> str:
    whole = found.beginning.characters == found.survey.characters
    return "" if whole else f" of the first {found.beginning.characters:,}"


def _passage(passage: "Passage | None", *, named: bool) -> str:
    """The longest repeated passage, its places (with the documents' names, if need be) and its words."""
    from gen.cli.terminal import plain

    if passage is None:
        return "no character occurs twice"
    first, second = (
        f"line {place.line:,} (character {place.offset:,}){f' of {plain(place.document)}' if named else ''}"
        for place in passage.places
    )
    quoted = plain(passage.text[:_QUOTED]) + ("…" if passage.length > _QUOTED else "")
    return f"{_count(passage.length, 'character')}, the longest such passage: {first} and {second}\n“{quoted}”"


def _suggested(settings: "Resolved | None") -> dict[str, Any]:
    return {"suggested": settings and {"model": settings.model.to_dict(), "train": settings.train.to_dict()}}


def suggestion(settings: "Resolved") -> str:
    """What `gen train` would take, nothing being given."""
    model, train = settings.model, settings.train
    return (
        f"{model.cell} {model.layers} x {model.hidden}, {model.parameters:,} weights, dropout {train.dropout:g}, batch "
        f"{train.batch_size} x {train.sequence_length}, {train.minutes:g} minutes: what 'gen train' takes by itself"
    )


def _count(number: int, one: str, many: str = "") -> str:
    return f"{number:,} {one if number == 1 else many or one + 's'}"
