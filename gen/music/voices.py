"""What sounds when: the voices of a score, as a player's hands and feet make them.

A tone sounds until its key is up and the sustain pedal of its track is up, too, or until the same key is struck again.
"""

import numpy as np
from numpy.typing import NDArray

from gen.music import drum_kit
from gen.music.score import Columns, Score
from gen.music.timbres import RATE, TIMBRES

VOICE = np.dtype(
    [
        ("start", "<i8"),
        ("lifted", "<i8"),
        ("end", "<i8"),
        ("attack", "<f8"),
        ("release", "<f8"),
        ("pitch", "<i2"),
        ("velocity", "<i2"),
        ("program", "<i2"),
        ("drum", "?"),
        ("gain", "<f8"),
        ("pan", "<f8"),
    ]
)
"""One voice: the samples at which it starts, is let go and has ended; samples of its attack, and of its release to 1/e;
what it plays; the amplitude of its loudness, and its place from -1 (left) to 1 (right)."""

_LOUDNESS = 1.7  # exponent of the amplitude by velocity
_SHORTEST_ATTACK = 0.008  # seconds, where half of a short note's length is less than its timbre's attack
_CHOKED = 0.02  # seconds of release of a hit that another one ends
_TO_SILENCE = 6.9  # time constants of a release until it is 60 dB down
_STAGE = (0.0, -0.4, 0.4, -0.22, 0.22, -0.55, 0.55, -0.1, 0.1)  # where the parts stand
_KEYBOARD = 0.25  # half of a keyboard's width on that stage
_BASS = 45  # pitches below stand in the middle
_ATTACK = np.array([timbre.attack for timbre in TIMBRES])
_RELEASE = np.array([timbre.release for timbre in TIMBRES])
_LEVEL = np.array([timbre.level for timbre in TIMBRES])
_RINGS = np.array([[timbre.rings(pitch) for pitch in range(128)] for timbre in TIMBRES])
_DAMPERS = np.array([drum_kit.damper(pitch) for pitch in range(128)])
_DRUM_PANS = np.array([drum_kit.pan(pitch) for pitch in range(128)])


def voices(score: Score) -> Columns:
    """The voices of a score, of dtype `VOICE`, by their start."""
    notes = score.notes
    drums = notes["drum"]
    found = np.zeros(len(notes), VOICE)
    for name in ("pitch", "velocity", "program", "drum"):
        found[name] = notes[name]
    found["start"] = np.rint(RATE * score.seconds(notes["start"]))
    found["lifted"] = np.maximum(np.rint(RATE * score.seconds(_released(score))), found["start"] + 1)
    lengths = np.rint(RATE * np.minimum(_RINGS[notes["program"], notes["pitch"]], 1e9))
    for pitch in np.unique(notes["pitch"][drums]):
        lengths[drums & (notes["pitch"] == pitch)] = len(drum_kit.hit(int(pitch)))
    found["lifted"][drums] = (found["start"] + lengths)[drums]
    _strike_again(found, notes)
    held = (found["lifted"] - found["start"]) / RATE
    found["attack"] = RATE * np.minimum(_ATTACK[notes["program"]], np.maximum(held / 2, _SHORTEST_ATTACK))
    found["release"] = RATE * np.where(drums, _CHOKED, _RELEASE[notes["program"]])
    found["end"] = np.minimum(found["lifted"] + _TO_SILENCE * found["release"], found["start"] + lengths)
    found["gain"] = (notes["velocity"] / 127) ** _LOUDNESS * np.where(drums, 1, _LEVEL[notes["program"]])
    _place(found, notes)
    return found[found["lifted"] > found["start"]]


def _released(score: Score) -> NDArray[np.int64]:
    """The ticks at which notes end; of those that a pedal holds, when it comes up."""
    ends: NDArray[np.int64] = score.notes["start"] + score.notes["duration"]
    for track in np.unique(score.pedals["track"]):
        pedals = score.pedals[score.pedals["track"] == track]
        lifts = np.append(pedals["time"][~pedals["down"]], score.end)
        mine = np.flatnonzero((score.notes["track"] == track) & ~score.notes["drum"])
        # a pedal that moves in the tick in which a note ends is too late to hold it, and in time to let it go
        before = np.searchsorted(pedals["time"], ends[mine], side="left") - 1
        held = mine[(before >= 0) & pedals["down"][before]]
        ends[held] = lifts[np.searchsorted(lifts[:-1], ends[held], side="left")]
    return ends


def _strike_again(found: Columns, notes: Columns) -> None:
    """End voices where the same key, or drum, is struck again; of strokes in one instant only the last is left."""
    tones = (notes["track"].astype(np.int64) * 128 + notes["program"]) * 128 + notes["pitch"]
    keys = np.where(notes["drum"], -1 - _DAMPERS[notes["pitch"]], tones)
    order = np.lexsort((found["start"], keys))
    same = keys[order][1:] == keys[order][:-1]
    earlier, later = order[:-1][same], order[1:][same]
    found["lifted"][earlier] = np.minimum(found["lifted"][earlier], found["start"][later])


def _place(found: Columns, notes: Columns) -> None:
    """Put each part in its place on the stage, and each hit where it is in the kit."""
    names = np.where(notes["drum"], -1, notes["track"].astype(np.int64) * 128 + notes["program"])
    parts = np.searchsorted(np.unique(names[~notes["drum"]]), names)
    keyboard = _KEYBOARD * np.clip((notes["pitch"] - 64) / 44, -1, 1)
    place = np.take(_STAGE, parts % len(_STAGE)) + keyboard
    place[notes["pitch"] < _BASS] = 0
    found["pan"] = np.where(notes["drum"], _DRUM_PANS[notes["pitch"]], place)
