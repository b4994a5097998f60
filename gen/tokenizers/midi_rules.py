"""What is asked of a piece of music, beyond being one: silence, pitches, instruments, tempo, an end."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from gen.config import require
from gen.music.events import TIME_SIGNATURES, EventTable
from gen.music.grid import INSTANTS, STEPS_PER_BEAT, STEPS_PER_SECOND
from gen.music.score import TRACKS
from gen.tokenizers.midi import MidiTokenizer

DEFAULT_SILENCE = 5.0
"""Seconds without a sounding note, at most, where nobody says otherwise."""
_LONGEST_SILENCE = 86_400.0  # seconds
_EVERY_PITCH = np.ones(128, np.bool_)


def met(provenance: Mapping[str, Any]) -> dict[str, Any]:
    """The rules that keep a model to the instruments, drums and number of tracks of the corpus that it learned."""
    corpus = provenance.get("corpus")
    record: Mapping[str, Any] = corpus if isinstance(corpus, dict) else {}  # which anyone may have written
    programs, tracks = record.get("programs"), record.get("tracks")
    return {
        "known": frozenset(it for it in programs if isinstance(it, int)) if isinstance(programs, list) else None,
        "most_tracks": tracks if isinstance(tracks, int) and 1 <= tracks <= TRACKS else TRACKS,
        "drums": record.get("drums") is not False,
    }


class NoteGuard(Protocol):
    """What may be struck after what has been, drums apart: a value, as a grammar is."""

    def allowed(self, track: int, step: int) -> NDArray[np.bool_]:
        """The pitches of a track that may be struck at a step, given all notes so far, (128,)."""

    def after(self, track: int, pitch: int, step: int) -> "NoteGuard":
        """The guard when one has been struck."""


@dataclass(frozen=True, eq=False)
class MusicRules:
    """What is asked of a piece, beyond being one.

    Attributes:
        table: of the ids.
        silence: steps without a sounding note, at most.
        pitches: those that notes may have, (128,).
        programs: the instrument of each track that there may be; None leaves both to the model.
        known: programs that the model has met; None is all. It chooses among these; of `programs`, it is told these,
            and writes for the others unaware.
        most_tracks: how many tracks the model may choose.
        drums: hits are allowed.
        bpm: beats a minute from beginning to end (by beats only); None leaves it to the model.
        meter: number among `TIME_SIGNATURES` of the one from beginning to end (by beats only); None leaves it to the
            model.
        endless: the piece does not end by itself.
        seconds: how long it is at most; None is no bound.
        bars: how many it has at most, after the one that it begins in if it begins within one (by beats only); None is
            no bound.

    Raises:
        ConfigError: they leave nothing to write.
    """

    table: EventTable
    silence: int
    pitches: NDArray[np.bool_] = field(default_factory=lambda: _EVERY_PITCH)
    programs: tuple[int, ...] | None = None
    known: frozenset[int] | None = None
    most_tracks: int = TRACKS
    drums: bool = True
    bpm: float | None = None
    meter: int | None = None
    endless: bool = False
    seconds: float | None = None
    bars: int | None = None

    def __post_init__(self) -> None:
        require(bool(self.pitches.any()), "range", "empty in this key", "wide enough to hold one of its notes")
        require(self.silence >= 1, "max_silence", self.silence, "at least one step of the clock")
        require(self.tracks > 0 or self.drums, "instruments", "empty", "one at least")
        require(self.tracks <= TRACKS, "instruments", f"{self.tracks} and drums", f"{TRACKS} at most, and drums")

    @classmethod
    def of(cls, tokenizer: MidiTokenizer, *, max_silence: float = DEFAULT_SILENCE, **given: Any) -> Self:
        """The rules for pieces of `tokenizer`.

        Args:
            tokenizer: theirs.
            max_silence: seconds without a sounding note, at most; by beats, a second is taken for two beats.
            given: attributes.

        Raises:
            ConfigError: they leave nothing to write.
        """
        require(max_silence > 0, "max_silence", max_silence, "seconds above 0")
        per_second = STEPS_PER_SECOND if tokenizer.clock == "seconds" else 2 * STEPS_PER_BEAT
        return cls(tokenizer.table, max(1, round(min(max_silence, _LONGEST_SILENCE) * per_second)), **given)

    @property
    def tracks(self) -> int:
        """How many tracks there may be."""
        return self.most_tracks if self.programs is None else len(self.programs)

    @cached_property
    def instants(self) -> int | None:
        """The seconds, in `INSTANTS` of one."""
        return None if self.seconds is None else max(1, round(self.seconds * INSTANTS))

    @cached_property
    def choice(self) -> NDArray[np.bool_]:
        """The programs that the model may choose, (128,)."""
        return np.array([self.known is None or program in self.known for program in range(128)])

    def metres(self, step: int) -> NDArray[np.bool_]:
        """Which of the `TIME_SIGNATURES` may be said at a bar line."""
        if self.meter is None:
            return np.ones(len(TIME_SIGNATURES), np.bool_)
        metres: NDArray[np.bool_] = (np.arange(len(TIME_SIGNATURES)) == self.meter) & (step == 0)
        return metres
