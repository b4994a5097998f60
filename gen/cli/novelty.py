"""`gen novelty`: what of a text or a piece of music is copied from what a model learned."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from gen.cli.options import LastState, OneFile, RunOfMedium, RunsFolder, with_default
from gen.errors import ConfigError, InputError

if TYPE_CHECKING:
    from gen.novelty import Copy, MusicRate, MusicReceipt, Passage, Rate, Receipt

_SHOWN = 300  # characters of a run


def novelty(
    file: OneFile,
    *,
    run: RunOfMedium = None,
    corpus: Annotated[
        str | None,
        typer.Option(help=with_default("What the model learned from.", "where it was"), metavar="PATH"),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help=with_default("Of a text.", "found out"))] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
    last: LastState = False,
    out: RunsFolder = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")] = False,
) -> None:
    """Show what of a file stands in what a model learned from: how much, how long, and where.

    Beside it stands the same of the validation part, which nobody copied: that much is shared by chance and by habit.
    """
    from gen.cli.learned import novelty_of
    from gen.cli.report import report, screen_width
    from gen.cli.score import model_for, read_score
    from gen.cli.terminal import write_product
    from gen.novelty import MusicReceipt

    _, checkpoint = model_for(file, run, out, last=last)
    medium = checkpoint.tokenizer.medium
    if medium == "music" and encoding is not None:
        raise ConfigError(f"--encoding is {encoding!r}; it is of no use to music: leave it out")
    document = read_score(file, quiet=quiet) if medium == "music" else _text(file, encoding, quiet=quiet)
    receipt = novelty_of(checkpoint, corpus).receipt(document)  # type: ignore[arg-type]  # they are of one medium
    if as_json:
        write_product(json.dumps({"file": file} | asdict(receipt), ensure_ascii=False) + "\n")
        return
    rows = _music_rows(receipt) if isinstance(receipt, MusicReceipt) else _rows(receipt)
    write_product(report(rows, screen_width()))


def _text(file: str, encoding: str | None, *, quiet: bool) -> str:
    from gen.cli.terminal import read_text, say

    text, notices = read_text(file, encoding, what="text")
    for notice in () if quiet else notices:
        say(notice)
    if not text:
        raise InputError(f"{file}: there is no text in it")
    return text


def _rows(receipt: "Receipt") -> list[list[str]]:
    from gen.cli.terminal import plain

    rows = [["copied", _told(receipt.rate)]]
    if receipt.unseen is not None:
        rows.append(["unseen text", _told(receipt.unseen)])
    for copy in receipt.copies:
        rows += [[f"{len(copy.text):,} characters", f"at {copy.at:,}, from {_place(copy)}"]]
        cut = copy.text if len(copy.text) <= _SHOWN else copy.text[: _SHOWN - 1] + "…"
        rows += [["", "| " + line] for line in plain(cut, keep_newlines=True).split("\n")]
    return rows


def _told(rate: "Rate | MusicRate") -> str:
    from gen.novelty import LONG, LONG_PASSAGE, Rate

    if isinstance(rate, Rate):
        what = f"{rate.characters:,} characters in runs of {LONG}"
    else:
        what = f"{rate.notes:,} notes in passages of {LONG_PASSAGE}"
    return f"{_share(rate.share)} of {what} or more; the longest has {rate.longest:,}"


def _share(value: float) -> str:
    """A share in percent, and not 0 where it is something."""
    return f"{value:.1%}" if value == 0 or value >= 0.001 else "< 0.1%"


def _place(copy: "Copy") -> str:
    """Where in the corpus a run stands."""
    from gen.cli.terminal import plain

    return f"{plain(copy.source)}, line {copy.line:,}, character {copy.offset:,}"


def _music_rows(receipt: "MusicReceipt") -> list[list[str]]:
    rows = [["shared", _told(receipt.rate)]]
    if receipt.unseen is not None:
        rows.append(["unseen pieces", _told(receipt.unseen)])
    return rows + [[f"{passage.notes} notes", _passage(passage)] for passage in receipt.passages]


def _passage(passage: "Passage") -> str:
    """Where a passage is, here and there."""
    from gen.cli.terminal import plain

    here = f"{_time(passage.begin)} to {_time(passage.end)}{_track(passage.track)}"
    there = f"{_time(passage.source_begin)} to {_time(passage.source_end)}{_track(passage.source_track)}"
    moved = abs(passage.semitones)
    key = "" if not moved else f", {moved} semitone{'s'[: moved > 1]} {'higher' if passage.semitones > 0 else 'lower'}"
    return f"{here}: {plain(passage.source)}, {there}{key}"


def _time(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02}"


def _track(track: int) -> str:
    return ", tracks together" if track < 0 else f", track {track}"


def receipt_lines(receipt: "Receipt | MusicReceipt") -> list[str]:
    """What is said of a sample."""
    from gen.novelty import LONG, LONG_PASSAGE, MusicReceipt

    rate, unseen = receipt.rate, receipt.unseen
    if isinstance(receipt, MusicReceipt):
        what, long, others = "notes", LONG_PASSAGE, "pieces"
        places = [_passage(it) for it in receipt.passages]
    else:
        what, long, others = "characters", LONG, "text"
        places = [_place(it) for it in receipt.copies]
    known = "" if unseen is None else f" (of unseen {others}: {_share(unseen.share)}, longest {unseen.longest})"
    lines = [f"copied: {_share(rate.share)} in runs of {long} {what} or more, longest {rate.longest:,}{known}"]
    if rate.longest >= long:
        lines.append(f"the longest is from {places[0]}")
    return lines
