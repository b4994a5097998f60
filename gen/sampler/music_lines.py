"""Lines that are given to a piece: a melody to harmonise, pitches without rhythm, rhythm without pitches, or all."""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from gen.errors import ConfigError
from gen.music.events import TIME_SIGNATURES, EventTable
from gen.music.names import INSTRUMENTS, parse_pitch
from gen.music.score import DEFAULT_TEMPO, DEFAULT_TIME_SIGNATURE, Columns, Score
from gen.sampler.music_line_checks import (
    check_band,
    check_end,
    check_grid,
    check_pitch,
    check_places,
    ends_of,
    moment_of,
)
from gen.tokenizers import MidiTokenizer
from gen.tokenizers.midi_rules import MusicRules
from gen.tokenizers.midi_script import DRUMS, Cue, Script

Music = Score | str | os.PathLike[str]
_FILE = re.compile(r"(.+\.midi?)(?::(\d+))?", re.IGNORECASE)  # and the number of a track of it
_FIRST = 8  # tracks that a complaint names


@dataclass(frozen=True, slots=True)
class Line:
    """What is given of a piece.

    Attributes:
        kind: how: melody, pitches, rhythm or humanise.
        music: a score, or the path of a MIDI file, with ":2" behind it for its second track alone; of `pitches`, their
            names, too.
    """

    kind: str
    music: Music | Sequence[str]

    @classmethod
    def among(cls, given: Mapping[str, Music | Sequence[str] | None], beside: Mapping[str, Any]) -> "Line | None":
        """The one that is given, if one is.

        Args:
            given: all that may be, by their kinds.
            beside: what it cannot be had with, by name.

        Raises:
            ConfigError: there are several, or it is not alone.
        """
        lines = [cls(kind, music) for kind, music in given.items() if music is not None]
        if len(lines) > 1:
            raise ConfigError(f"{' and '.join(it.kind for it in lines)} are given; take one of them")
        others = [name for name, value in beside.items() if value not in (None, False)]
        if lines and others:
            verb = "do" if len(others) > 1 else "does"
            raise ConfigError(
                f"{', '.join(others)} {verb} not go with {lines[0].kind}, which says where the piece begins and ends: "
                "leave one of them out"
            )
        return lines[0] if lines else None

    def script(
        self,
        tokenizer: MidiTokenizer,
        rules: MusicRules,
        learned: Mapping[str, Any],
        read: Callable[[Music], Score],
        *,
        asked: str,
        tonic: int | None = None,
    ) -> tuple[MusicRules, Script]:
        """The rules with what the line says of instruments, tempo and metre, and what is to come.

        Args:
            tokenizer: of the model.
            rules: what else is asked of the piece.
            learned: what the model has met.
            read: what gives the score of a file.
            asked: how the key and the range are called in complaints.
            tonic: pitch class of what is struck last, drums apart; None is any.

        Raises:
            ConfigError: a note is out of key, range or grid, there is nobody to play it, or it does not end on the
                tonic.
            MidiError: the file cannot be read.
        """
        names = _names(self.music) if self.kind == "pitches" else None
        if names is not None:
            cues = tuple(Cue(0, None, pitch, None) for pitch in names)
            for number, pitch in enumerate(names):
                check_pitch(self.kind, pitch, f"number {number + 1}", rules, asked)
            check_band(self.kind, rules)
            check_end(self.kind, names[-1:], tonic)
            return replace(rules, endless=True), Script(cues, True, None, tonic)
        assert isinstance(self.music, Score | str | os.PathLike)
        path, wanted = _track_of_file(self.music)
        score = self._chosen(read(path), wanted)
        table = rules.table
        check_grid(self.kind, score, table)
        notes = tokenizer.decode(tokenizer.encode(score)).notes
        rules = replace(rules, endless=True, **(_metre(score, rules) if self.kind != "pitches" else {}))
        if self.kind in ("rhythm", "humanise"):
            rules = self._played(rules, notes, learned)
        check_band(self.kind, rules)
        tones = notes[~notes["drum"]]
        if self.kind == "rhythm":
            home = _home(notes, tonic)
            check_places(notes, home, rules, asked, tonic)
        else:
            home = [None] * len(notes)
            for note in tones:
                check_pitch(
                    self.kind, int(note["pitch"]), f"at {moment_of(int(note['start']), table, score)}", rules, asked
                )
            last = tones[-1:] if self.kind == "pitches" else tones[tones["start"] == tones["start"].max(initial=0)]
            check_end(self.kind, last["pitch"].tolist(), tonic)
        cues = tuple(_cue(note, table, self.kind, its) for note, its in zip(notes, home, strict=True))
        ends = (notes["start"] + notes["duration"]) // table.ticks
        end = None if self.kind == "pitches" else int(ends.max())
        return rules, Script(cues, self.kind in ("melody", "pitches"), end, tonic)

    def _chosen(self, score: Score, number: int | None) -> Score:
        """What of the score is given, with its tracks as they will be: all, or one of those that are no drums."""
        if number is None and self.kind in ("melody", "pitches"):
            number = 1
        notes = score.notes if self.kind == "humanise" and number is None else score.notes[~score.notes["drum"]]
        if not len(notes):
            raise ConfigError(f"{self.kind} has no notes: give a file that has")
        notes = notes.copy()
        if number is not None:
            notes = notes[notes["track"] == self._track(notes, number)]
            notes["track"] = 0
        notes = notes[np.lexsort((-notes["duration"], notes["pitch"], notes["track"], notes["drum"], notes["start"]))]
        names = notes[["start", "drum", "track", "pitch"]]
        notes = notes[np.append(True, names[1:] != names[:-1])]  # what is struck twice at once is one note
        return Score(score.resolution, notes, tempi=score.tempi, time_signatures=score.time_signatures)

    def _played(self, rules: MusicRules, notes: Columns, learned: Mapping[str, Any]) -> MusicRules:
        """The rules, with the instruments of the notes where no others are asked for."""
        drums = bool(notes["drum"].any())
        if drums and not learned["drums"]:
            raise ConfigError(f"{self.kind} has drums, which this model never met: take them out")
        tones = notes[~notes["drum"]]
        programs = [0] * (1 + int(tones["track"].max(initial=-1)))
        for note in tones[::-1]:
            programs[note["track"]] = int(note["program"])
        if rules.programs is not None:
            if len(rules.programs) < len(programs):
                raise ConfigError(f"{self.kind} has {len(programs)} tracks, and instruments names fewer: name as many")
            return replace(rules, drums=drums)
        return replace(rules, programs=tuple(programs), drums=drums)

    def _track(self, notes: Columns, number: int) -> int:
        """The track of notes that is meant by a number, from 1 on."""
        tracks, firsts, counts = np.unique(notes["track"], return_index=True, return_counts=True)
        if 1 <= number <= len(tracks):
            return int(tracks[number - 1])
        known = [
            f"{it + 1} ({INSTRUMENTS[program]}, {count:,} notes)"
            for it, (program, count) in enumerate(zip(notes["program"][firsts], counts, strict=True))
        ]
        more = ["…"] if len(known) > _FIRST else []
        raise ConfigError(f"{self.kind} has no track {number}; take one of {', '.join([*known[:_FIRST], *more])}")


def _names(music: Music | Sequence[str]) -> list[int] | None:
    """Pitches that are named one by one, if they are."""
    if isinstance(music, Score | os.PathLike):
        return None
    if isinstance(music, str):
        if os.path.exists(music) or _FILE.fullmatch(music):
            return None
        music = music.replace(",", " ").split()
    if not music:
        raise ConfigError("pitches is empty: name some, such as C4 E4 G4")
    return [parse_pitch(name) for name in music]


def _track_of_file(music: Music) -> tuple[Music, int | None]:
    """What to read, and the number of the track that is named behind it."""
    if isinstance(music, Score):
        return music, None
    named = _FILE.fullmatch(os.fspath(music))
    return (music, None) if named is None or not named[2] or os.path.exists(music) else (named[1], int(named[2]))


def _metre(score: Score, rules: MusicRules) -> dict[str, Any]:
    """The metre and the tempo that a score begins with, where no others are asked for (by beats)."""
    if rules.table.clock != "beats":
        return {}
    found: dict[str, Any] = {}
    if rules.bpm is None:
        tempi = score.tempi["microseconds"].tolist()
        found["bpm"] = 60e6 / (tempi[0] if tempi else DEFAULT_TEMPO)
    if rules.meter is None:
        signatures = [(n, d) for _, n, d in score.time_signatures.tolist()]
        first = signatures[0] if signatures and signatures[0] in TIME_SIGNATURES else DEFAULT_TIME_SIGNATURE
        found["meter"] = TIME_SIGNATURES.index(first)
    return found


def _home(notes: Columns, tonic: int | None) -> list[bool | None]:
    """Which notes of a rhythm are of the tonic, those that are struck last, and which are not: those that sound then.

    Of notes that are struck together in a track all are, or none is, as they come in the order of their pitches.
    """
    if tonic is None:
        return [None] * len(notes)
    last = notes["start"].max()
    held = {
        (start, track) for start, track in notes[["start", "track"]][ends_of(notes) > last].tolist() if start < last
    }
    return [
        True if start == last else False if (start, track) in held else None
        for start, track in notes[["start", "track"]].tolist()
    ]


def _cue(note: np.void, table: EventTable, kind: str, home: bool | None) -> Cue:
    start, steps = int(note["start"]) // table.ticks, int(note["duration"]) // table.ticks
    pitch, length = int(note["pitch"]), int(np.searchsorted(table.durations, steps))
    if note["drum"]:
        return Cue(DRUMS, start, pitch, None)
    if kind == "pitches":
        return Cue(0, None, pitch, None)
    return Cue(int(note["track"]), start, None if kind == "rhythm" else pitch, length, home)
