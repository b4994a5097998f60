"""What is known of one piece of a corpus when it has been read, and its ids by either clock."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gen.config import CLOCKS, Clock
from gen.music.events import event_table
from gen.music.grid import onsets_on_grid
from gen.music.score import DEFAULT_TEMPO, DEFAULT_TIME_SIGNATURE, Score
from gen.music.statistics import Statistics
from gen.tokenizers.midi_encoding import encode


@dataclass(frozen=True, slots=True)
class PieceFacts:
    """What a person wants to know of a piece.

    Attributes:
        notes: of all tracks, hits included.
        hits: of drums.
        on_grid: onsets on the grid of beats.
        seconds: how long it is.
        tracks: melodic ones.
        programs: of these, each once.
        bpm: its first tempo.
        tempi: how many are written in it.
        time_signature: the first.
        warnings: what its reader mended.
        tokens: ids by each clock.
        merged: notes left out by each clock, for beginning with another of their track and pitch.
        shortened: notes cut by each clock, since another of their track and pitch begins.
        statistics: by each clock, as `gen.music.statistics.Statistics` has them.
    """

    notes: int
    hits: int
    on_grid: int
    seconds: float
    tracks: int
    programs: list[int]
    bpm: float
    tempi: int
    time_signature: str
    warnings: list[str]
    tokens: dict[str, int]
    merged: dict[str, int]
    shortened: dict[str, int]
    statistics: dict[str, dict[str, Any]]

    def to_dict(self) -> dict[str, Any]:
        """The facts as JSON values; `PieceFacts(**values)` makes them again."""
        return asdict(self)

    @classmethod
    def of(cls, score: Score, warnings: Sequence[str]) -> "tuple[Self, dict[Clock, NDArray[np.uint16]]]":
        """The facts of a score, and its ids by each clock (`TokenizerError`: it is too long)."""
        encoded = {clock: encode(score, event_table(clock)) for clock in CLOCKS}
        melodic = score.notes[~score.notes["drum"]]
        tempi, signatures = score.tempi.tolist(), score.time_signatures.tolist()
        _, numerator, denominator = signatures[0] if signatures else (0, *DEFAULT_TIME_SIGNATURE)
        facts = cls(
            notes=len(score.notes),
            hits=len(score.notes) - len(melodic),
            on_grid=onsets_on_grid(score),
            seconds=round(score.seconds_long, 3),
            tracks=len(np.unique(melodic["track"])),
            programs=np.unique(melodic["program"]).tolist(),
            bpm=round(60e6 / (tempi[0][1] if tempi else DEFAULT_TEMPO), 2),
            tempi=len(tempi),
            time_signature=f"{numerator}/{denominator}",
            warnings=list(warnings),
            tokens={clock: len(it.ids) for clock, it in encoded.items()},
            merged={clock: it.merged for clock, it in encoded.items()},
            shortened={clock: it.shortened for clock, it in encoded.items()},
            statistics={clock: Statistics.of(score, clock).to_dict() for clock in CLOCKS},
        )
        return facts, {clock: it.ids for clock, it in encoded.items()}
