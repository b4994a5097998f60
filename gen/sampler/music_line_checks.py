"""What a line that is given to a piece must be: each check raises a `ConfigError`, before anything is written."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError
from gen.music.events import EventTable
from gen.music.grid import STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.names import pitch_name
from gen.music.score import TRACKS, Columns, Score
from gen.tokenizers.midi_encoding import encode
from gen.tokenizers.midi_plan import pitches_of
from gen.tokenizers.midi_rules import MusicRules


def check_pitch(kind: str, pitch: int, where: str, rules: MusicRules, asked: str) -> None:
    """A note is within key and range."""
    if not rules.pitches[pitch]:
        raise ConfigError(f"{kind} has {pitch_name(pitch)} ({where}), which is outside {asked}")


def check_band(kind: str, rules: MusicRules) -> None:
    """There is somebody to play."""
    if kind == "melody" and rules.tracks < 2 and not rules.drums:
        raise ConfigError("melody is harmonised in other tracks, and there is one alone: name more instruments")
    if rules.tracks == 0 and kind != "humanise":
        raise ConfigError(f"{kind}, and nobody plays but drums: name an instrument that has pitches")


def check_grid(kind: str, score: Score, table: EventTable) -> None:
    """The notes stay what they are on the model's grid."""
    encoded = encode(score, table)
    if encoded.merged:
        raise ConfigError(
            f"{kind} has {encoded.merged} notes that fall together with others of their pitch on the model's "
            "grid: take them apart"
        )
    longest = int(table.durations[-1])
    begins, ends = (_steps(it, score, table) for it in (score.notes["start"], ends_of(score.notes)))
    for note in score.notes[~score.notes["drum"] & (ends - begins > 1.03 * longest)]:
        unit = f"{longest // STEPS_PER_BEAT} beats" if table.clock == "beats" else f"{longest // STEPS_PER_SECOND} s"
        pitch, start = pitch_name(int(note["pitch"])), float(score.seconds(np.array([note["start"]]))[0])
        raise ConfigError(f"{kind} has a {pitch} (at {_clock_of(start)}) that is longer than {unit}: cut it")


def check_end(kind: str, last: Sequence[int], tonic: int | None) -> None:
    """What is struck last is of the tonic."""
    if tonic is None:
        return
    if not last:
        raise ConfigError(f"end_on_tonic, and {kind} has nothing but drums: leave it out")
    for pitch in last:
        if pitch % 12 != tonic:
            raise ConfigError(
                f"end_on_tonic, and {kind} ends on {pitch_name(pitch)}, which is not the tonic: leave it out"
            )


def check_places(notes: Columns, home: Sequence[bool | None], rules: MusicRules, asked: str, tonic: int | None) -> None:
    """Every note of a rhythm finds a pitch that does not sound yet in its track."""
    kinds: list[tuple[bool | None, NDArray[np.bool_], str]] = [(None, rules.pitches, "")]
    if tonic is not None:
        kinds.append((False, rules.pitches & ~pitches_of(tonic), " but the tonic"))
        kinds.append((True, rules.pitches & pitches_of(tonic), " of the tonic"))
    for track in range(TRACKS):
        of_track = notes["track"] == track
        begins, ends = np.sort(notes["start"][of_track]), np.sort(ends_of(notes)[of_track])
        for kind, pitches, which in kinds:
            onsets = notes["start"][of_track & np.array([it is kind for it in home])]
            places = int(np.count_nonzero(pitches))
            ended = np.searchsorted(ends, onsets, side="right")
            before = np.searchsorted(begins, onsets, side="left") if kind else ended  # no tonic sounds there
            needed = int((np.searchsorted(begins, onsets, side="right") - before).max(initial=0))
            if needed > places:
                raise ConfigError(f"rhythm has {needed} notes at once, and {asked} leaves {places} pitches{which}")


def ends_of(notes: Columns) -> NDArray[np.int64]:
    """Ticks at which notes end."""
    ends: NDArray[np.int64] = notes["start"] + notes["duration"]
    return ends


def moment_of(tick: int, table: EventTable, score: Score) -> str:
    """When a tick of the model's grid comes."""
    if table.clock == "seconds":
        return _clock_of(tick / table.ticks / STEPS_PER_SECOND)
    return _clock_of(float(score.seconds(np.array([tick * score.resolution // table.resolution]))[0]))


def _steps(ticks: Any, score: Score, table: EventTable) -> Any:
    if table.clock == "beats":
        return ticks * (STEPS_PER_BEAT / score.resolution)
    return score.seconds(ticks) * STEPS_PER_SECOND


def _clock_of(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
