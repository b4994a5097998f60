"""Where a piece has to get: what a plan leaves of that which the grammar of music allows."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from gen.music.events import TEMPO_BINS

if TYPE_CHECKING:
    from gen.tokenizers.midi_state import MusicState

FOREVER = 1 << 40  # steps
_ANY_HIT = np.ones(128, np.bool_)
_ANY_TEMPO = np.ones(TEMPO_BINS, np.bool_)


def pitches_of(pitch_class: int) -> NDArray[np.bool_]:
    """Which pitches are of a class, (128,)."""
    pitches = np.zeros(128, np.bool_)
    pitches[pitch_class::12] = True
    return pitches


class Plan:
    """What is still to come in a piece: a value, asked at every step. This one asks for nothing.

    A plan looks ahead: what it forbids is what would leave it nothing to allow later. In an instant it answers alike
    until a note or a hit has come, so whatever begins a note can be finished.
    """

    @property
    def last(self) -> int | None:
        """The step at which the piece ends, where that is known already and no wish for a length says it."""
        return None

    @property
    def whole(self) -> bool:
        """It says all of what happens when: as much time passes as there is `room`."""
        return False

    def notes(self, at: "MusicState", strikable: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which of the `strikable` pitches of each track may be struck now, (16, 128)."""
        return strikable

    def hits(self, at: "MusicState") -> NDArray[np.bool_]:
        """Which drums may be hit now, (128,)."""
        return _ANY_HIT

    def lengths(self, at: "MusicState") -> NDArray[np.bool_]:
        """How long the note of the running track and pitch may be, (D,) of the table's durations."""
        return np.ones(len(at.rules.table.durations), np.bool_)

    def room(self, at: "MusicState") -> int:
        """How many steps may pass at most."""
        return FOREVER

    def tempi(self, at: "MusicState") -> NDArray[np.bool_]:
        """Which tempi may come, (64,)."""
        return _ANY_TEMPO

    def may_end(self, at: "MusicState") -> bool:
        """Whether the piece may end by itself."""
        return True

    def after(self, before: "MusicState", id: int, now: "MusicState") -> "Plan":
        """The plan when `id` has led from one state to another."""
        return self
