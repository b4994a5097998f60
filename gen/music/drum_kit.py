"""The drum kit of General MIDI: what its hits are called, and how each sounds."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gen.music.noise import band_noise
from gen.music.timbres import RATE

_NAMES = """low kick, kick, rim, snare, clap, snare 2, floor tom, closed hat, floor tom 2, pedal hat, low tom, open hat,
    mid tom, mid tom 2, crash, high tom, ride, china, ride bell, tambourine, splash, cowbell, crash 2, vibraslap,
    ride 2, high bongo, low bongo, muted conga, high conga, low conga, high timbale, low timbale, high agogo,
    low agogo, cabasa, maracas, whistle, long whistle, guiro, long guiro, claves, high block, low block, muted cuica,
    cuica, muted triangle, triangle"""
DRUM_NAMES: dict[int, str] = dict(enumerate((name.strip() for name in _NAMES.split(",")), 35))
"""What the hits 35 … 81 are called, briefly."""


@dataclass(frozen=True, slots=True)
class _Hit:
    """How a hit sounds: a skin whose pitch drops, a metal's partials, and filtered noise, each dying away.

    Attributes:
        skin: hertz of the skin at the end and at the stroke, seconds in which it falls by 60 dB, and amplitude.
        metal: hertz of each partial; `ring`, seconds in which they fall by 60 dB, and amplitude.
        noise: hertz from and to, seconds in which it falls by 60 dB, and amplitude.
        bursts: how often the noise begins anew, a hundredth of a second apart (hands, or a rattle).
        level: loudness among the others.
        pan: where in the kit it stands, -1 (left) … 1 (right).
    """

    skin: tuple[float, float, float, float] = (0, 0, 0, 0)
    metal: tuple[float, ...] = ()
    ring: tuple[float, float] = (0, 0)
    noise: tuple[float, float, float, float] = (0, 0, 0, 0)
    bursts: int = 1
    level: float = 1.0
    pan: float = 0.0


_CYMBAL = (317.0, 465.0, 613.0, 822.0, 1141.0, 1510.0, 2119.0, 2790.0, 3563.0, 4511.0, 5923.0, 7411.0)
_HAT = (3240.0, 4180.0, 5270.0, 6830.0, 8110.0, 9470.0)


def _tom(hertz: float, pan: float) -> _Hit:
    return _Hit((hertz, hertz * 1.7, 0.25 + 45 / hertz, 1), noise=(300, 3000, 0.09, 0.25), level=0.85, pan=pan)


def _hand(hertz: float, seconds: float = 0.35) -> _Hit:
    return _Hit((hertz, hertz * 1.15, seconds, 1), noise=(600, 5000, 0.05, 0.3), level=0.6, pan=0.3)


def _struck(*hertz: float, seconds: float) -> _Hit:
    return _Hit(metal=hertz, ring=(seconds, 1), noise=(1500, 8000, 0.02, 0.2), level=0.45, pan=0.35)


def _shaken(low: float, seconds: float, bursts: int = 1) -> _Hit:
    return _Hit(noise=(low, 13000, seconds, 1), bursts=bursts, level=0.35, pan=-0.35)


def _cymbal(seconds: float, low: float, metal: float, pan: float, level: float = 0.5) -> _Hit:
    return _Hit(metal=_CYMBAL, ring=(seconds, metal), noise=(low, 15000, 0.8 * seconds, 1), level=level, pan=pan)


def _hat(seconds: float, level: float = 0.42) -> _Hit:
    return _Hit(metal=_HAT, ring=(seconds, 0.35), noise=(6500, 16000, seconds, 1), level=level, pan=-0.3)


_SNARE = _Hit((185, 300, 0.22, 0.7), noise=(900, 11000, 0.24, 0.9), level=0.9)
_HITS: dict[int, _Hit] = {
    35: _Hit((44, 130, 0.6, 1), noise=(300, 3500, 0.02, 0.15), level=1.2),
    36: _Hit((52, 190, 0.5, 1), noise=(800, 5000, 0.02, 0.2), level=1.2),
    37: _Hit(metal=(820, 1690, 2480), ring=(0.07, 1), noise=(1500, 8000, 0.03, 0.5), level=0.6),
    38: _SNARE, 39: _Hit(noise=(800, 6000, 0.3, 1), bursts=3, level=0.7, pan=0.15),
    40: _Hit((230, 330, 0.16, 0.6), noise=(1300, 12000, 0.18, 0.9), level=0.85),
    41: _tom(75, 0.4), 43: _tom(90, 0.3), 45: _tom(110, 0.1), 47: _tom(135, -0.1), 48: _tom(160, -0.2),
    50: _tom(190, -0.3), 42: _hat(0.11), 44: _hat(0.15, 0.32), 46: _hat(0.9),
    49: _cymbal(2.6, 3000, 0.25, -0.4), 57: _cymbal(2.3, 3600, 0.25, 0.4), 55: _cymbal(1.2, 4500, 0.2, -0.2),
    52: _cymbal(2.0, 2200, 0.3, 0.45), 51: _cymbal(1.8, 6000, 0.5, 0.35, 0.33), 59: _cymbal(1.7, 6500, 0.5, 0.4, 0.33),
    53: _Hit(metal=(1120, 1890, 2930, 4460), ring=(1.6, 0.8), noise=(6000, 14000, 0.3, 0.3), level=0.4, pan=0.35),
    54: _shaken(6000, 0.22, 2), 56: _struck(562, 845, seconds=0.3), 58: _shaken(1800, 0.5, 12),
    60: _hand(410, 0.2), 61: _hand(300, 0.25), 62: _hand(330, 0.12), 63: _hand(290), 64: _hand(205, 0.45),
    65: _hand(360, 0.4), 66: _hand(250, 0.45), 67: _struck(920, 2380, seconds=0.35),
    68: _struck(690, 1790, seconds=0.4), 69: _shaken(5500, 0.12), 70: _shaken(4500, 0.07),
    71: _struck(2350, 2440, seconds=0.25), 72: _struck(2180, 2270, seconds=0.6), 73: _shaken(2500, 0.08, 4),
    74: _shaken(2500, 0.1, 14), 75: _struck(2480, seconds=0.12), 76: _struck(1150, 2900, seconds=0.1),
    77: _struck(840, 2100, seconds=0.12), 78: _hand(520, 0.15), 79: _hand(440, 0.4),
    80: _struck(4100, 5630, 9210, seconds=0.25), 81: _struck(4100, 5630, 9210, seconds=1.8),
}  # fmt: skip
_OTHER = _Hit(metal=(1300, 2750), ring=(0.09, 0.7), noise=(1200, 7000, 0.07, 0.6), level=0.45)
_HATS = (42, 44, 46)
_BURST = RATE // 100  # samples from one burst of noise to the next
_ATTACK = 32  # samples
_FADE = 220
_PEAK = 1.6  # of a hit of level 1, where a tone's mean square is a half


def damper(pitch: int) -> int:
    """A number of what is struck: hits of the same number end one another, and all hi-hats share theirs."""
    return _HATS[0] if pitch in _HATS else pitch


def pan(pitch: int) -> float:
    """Where in the kit a hit sounds, -1 (left) … 1 (right)."""
    return _HITS.get(pitch, _OTHER).pan


@cache
def hit(pitch: int) -> NDArray[np.float64]:
    """Samples of a hit at full velocity, to its end; it cannot be written to."""
    kind = _HITS.get(pitch, _OTHER)
    low, high, noise_fall, noise_level = kind.noise
    last, first, skin_fall, skin_level = kind.skin
    ring, ring_level = kind.ring
    count = int(RATE * (max(skin_fall, ring, noise_fall) + 0.02)) + (kind.bursts - 1) * _BURST
    time = np.arange(count) / RATE
    sound = np.zeros(count)
    if skin_level:
        dive = 0.018  # seconds in which the skin comes 1/e nearer to its last pitch
        phase = last * time + (first - last) * dive * (1 - np.exp(-time / dive))
        sound += skin_level * np.sin(2 * np.pi * phase) * _falling(time, skin_fall)
    if ring_level:
        turns = np.outer(kind.metal, time) + 0.37 * np.arange(len(kind.metal))[:, None]
        sound += ring_level * np.sqrt(2 / len(kind.metal)) * np.sin(2 * np.pi * turns).sum(0) * _falling(time, ring)
    if noise_level:
        burst = np.minimum(np.arange(count) // _BURST, kind.bursts - 1)
        hiss = band_noise(count, low, high, RATE, "hit", pitch)
        sound += 0.5 * noise_level * hiss * _falling(time - burst * _BURST / RATE, noise_fall)
    sound[:_ATTACK] *= np.linspace(0, 1, _ATTACK)
    sound[-_FADE:] *= np.linspace(1, 0, _FADE)
    sound *= _PEAK * kind.level / np.abs(sound).max()
    sound.setflags(write=False)
    return sound


def _falling(time: NDArray[np.float64], seconds: float) -> NDArray[np.float64]:
    return np.asarray(np.exp(time * (-np.log(1000.0) / seconds)))
