"""`gen doctor` of music, for a person."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gen.corpus.music_examination import MusicExamination
    from gen.corpus.piece import PieceFacts
    from gen.training.recipes import Resolved

_LISTED = 20  # files up to which each is shown without being asked for
_NAMED = 6  # instruments, tempi or time signatures that are listed


def music_rows(found: "MusicExamination", settings: "Resolved | None", *, every_file: bool) -> list[list[str]]:
    """The examination, with the settings that are suggested; of all files one by one, if they are few or asked for."""
    from gen.cli.doctor import suggestion
    from gen.cli.terminal import plain

    corpus = found.corpus
    rows = [["corpus", ", ".join(map(plain, found.sources))], ["read", _files(found)]]
    if corpus.names:
        pieces = len(corpus.names)
        length = f"{corpus.seconds / 60:.1f} minutes" if corpus.seconds < 3600 else f"{corpus.seconds / 3600:.2f} hours"
        rows += [
            [
                "size",
                f"{pieces:,} {'piece' if pieces == 1 else 'pieces'}, {corpus.notes:,} notes; {length}, "
                f"{corpus.seconds / pieces:,.0f} s a piece",
            ],
            ["grid", f"{found.on_grid:.1%} of the onsets on the grid of 1/24 beat: cut by {found.clock}"],
            ["tokens", _tokens(found)],
            ["tracks", _most(Counter(facts.tracks for facts in corpus.facts), "track", "tracks")],
            ["instruments", _instruments(found)],
            ["tempi", _tempi(corpus.facts)],
            ["metre", _most(Counter(facts.time_signature for facts in corpus.facts))],
        ]
    if corpus.names and (every_file or len(corpus.names) <= _LISTED):
        pairs = zip(corpus.names, corpus.facts, strict=True)
        rows += [["file", f"{plain(name)}\n{_piece(facts, found)}"] for name, facts in pairs]
    if settings is not None:
        rows.append(["suggested", suggestion(settings)])
    rows += [["note", plain(note)] for note in corpus.notices()]
    return [*rows, ["verdict", found.judgement()]]


def _files(found: "MusicExamination") -> str:
    corpus = found.corpus
    left_out = sum(count for count, _ in corpus.findings.left_out.values())
    salvaged = sum(bool(facts.warnings) for facts in corpus.facts)
    parts = [f"{corpus.findings.files:,} of {corpus.findings.files + left_out:,} files"]
    parts += [f"{salvaged:,} of them mended"] if salvaged else []
    copies = len(corpus.copies)
    parts += [f"{copies:,} {'copy' if copies == 1 else 'copies'} of others"] if copies else []
    return ", ".join(parts)


def _tokens(found: "MusicExamination") -> str:
    tokens = int(found.corpus.ids.lengths.sum())
    return (
        f"{tokens:,}, {tokens / max(1, found.corpus.notes):.2f} a note; {found.merged:,} notes merged, "
        f"{found.shortened:,} shortened"
    )


def _instruments(found: "MusicExamination") -> str:
    from gen.music.names import DRUMS, INSTRUMENTS

    pieces = Counter({INSTRUMENTS[program]: count for program, count in found.programs.items()})
    drums = sum(facts.hits > 0 for facts in found.corpus.facts)
    if drums:
        pieces[DRUMS] = drums
    return _most(pieces)


def _tempi(facts: "Sequence[PieceFacts]") -> str:
    tempi = sorted(piece.bpm for piece in facts)
    median = tempi[len(tempi) // 2]
    several = sum(piece.tempi > 1 for piece in facts)
    spread = f"{tempi[0]:g} to {tempi[-1]:g}, median {median:g}" if tempi[0] != tempi[-1] else f"{median:g}"
    return f"{spread} beats a minute" + (f"; {several:,} pieces change theirs" if several else "")


def _most(counts: "Counter[str] | Counter[int]", one: str = "", many: str = "") -> str:
    """The most frequent, with their number of pieces."""
    listed = [
        f"{value}{f' {one if value == 1 else many}' if one else ''} in {count:,}"
        for value, count in counts.most_common(_NAMED)
    ]
    more = f" and {len(counts) - _NAMED:,} others" if len(counts) > _NAMED else ""
    return (", ".join(listed) or "none") + more


def _piece(facts: "PieceFacts", found: "MusicExamination") -> str:
    from gen.cli.terminal import plain
    from gen.music.names import DRUMS, INSTRUMENTS

    band = [INSTRUMENTS[program] for program in facts.programs] + [DRUMS] * (facts.hits > 0)
    parts = [
        f"{facts.notes:,} notes, {facts.seconds:,.0f} s, {facts.tokens[found.clock]:,} tokens",
        f"{facts.on_grid / facts.notes:.0%} on the grid, {facts.time_signature} at {facts.bpm:g}",
        f"{facts.tracks} {'track' if facts.tracks == 1 else 'tracks'}: {', '.join(band)}",
    ]
    parts += [f"{facts.merged[found.clock]:,} merged"] if facts.merged[found.clock] else []
    parts += [f"{facts.shortened[found.clock]:,} shortened"] if facts.shortened[found.clock] else []
    return "; ".join(parts + [f"mended: {plain(warning)}" for warning in facts.warnings])
