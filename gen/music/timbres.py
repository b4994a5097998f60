"""The sounds of the instruments: each tone a sum of partials that ring on or die away.

A partial is a sinusoid whose amplitude falls exponentially, so its samples are the powers of one complex number. Those
of a block are an outer product, coarse steps by fine ones, and a whole tone with all its partials is one product of
two matrices. That needs no recordings, and is fast enough to make every tone anew, for its own velocity.
"""

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

RATE = 44_100
"""Samples a second."""
CONCERT_A = 440.0
"""Hertz of pitch 69, A4."""

_FINE = 256  # samples of a fine step
_HIGHEST = 0.4 * RATE  # partials above it are left out; at half the rate they would fold back
_MOST = 40  # harmonics of one tone
_FAINTEST = 3e-3  # amplitude beside the strongest below which a partial is left out
_KNOCK = ((95.0, 1.0), (150.0, 0.8), (230.0, 0.6), (370.0, 0.35))  # hertz and amplitudes of a hammer's thump
_KNOCK_FALL = 0.12  # seconds
_GOLDEN = 0.618034  # phases of many partials that its multiples give do not heap up
_SIXTY_DECIBELS = float(np.log(1000.0))
_VIBRATO_PERIOD = 8200  # samples; 5.4 hertz
_VIBRATO_DELAY = 15_000  # samples until it is full
_MARGIN = 24  # samples that a vibrato may look aside
_SWAYING = np.sin(np.arange(_VIBRATO_PERIOD) * (2 * np.pi / _VIBRATO_PERIOD)) * (_VIBRATO_PERIOD / (2 * np.pi))


@dataclass(frozen=True, slots=True)
class Timbre:
    """What makes an instrument sound as it does.

    Attributes:
        slope: the partial of number k has amplitude k ** -slope.
        partials: frequency ratio and amplitude of each, where they are not the harmonics.
        even: factor of the even harmonics (a clarinet has few).
        pluck: where a string is struck or plucked, as a share of its length, which silences some harmonics; 0: nowhere.
        stiffness: of a string, which widens its harmonics: k becomes k * sqrt(1 + stiffness * k**2) (Fletcher 1964).
        cutoff: hertz above the pitch where partials weaken at velocity 64; 40 velocities more double it.
        formants: hertz, width in hertz and gain of the bands that a body or mouth favours.
        fall: seconds in which middle C falls by 60 dB; 0: it sounds for as long as it is held.
        octave: factor of `fall` for every octave up.
        damping: how much faster higher partials fall: number k in fall / (1 + damping * (k - 1)).
        attack: seconds until it is at full strength.
        release: seconds in which it falls to 1/e after the key comes up.
        chorus: cents between the two strings, reeds or pipes that each partial comes from; 0: it comes from one.
        second: amplitude of the second of them, as a share of both.
        prompt: how much faster the first falls (of a piano: Weinreich 1977).
        vibrato: cents to each side.
        knock: amplitude of the thump of a hammer.
        level: loudness among the others.
    """

    slope: float = 1.0
    partials: tuple[tuple[float, float], ...] = ()
    even: float = 1.0
    pluck: float = 0.0
    stiffness: float = 0.0
    cutoff: float = 3000.0
    formants: tuple[tuple[float, float, float], ...] = ()
    fall: float = 0.0
    octave: float = 0.62
    damping: float = 0.15
    attack: float = 0.002
    release: float = 0.05
    chorus: float = 0.0
    second: float = 0.3
    prompt: float = 1.0
    vibrato: float = 0.0
    knock: float = 0.0
    level: float = 1.0

    def rings(self, pitch: int) -> float:
        """Seconds until a tone has died away by itself; infinite for one that is held."""
        return self.fall * self.octave ** ((pitch - 60) / 12) if self.fall else np.inf


_PIANO = Timbre(
    slope=0.9, pluck=0.125, stiffness=4e-4, cutoff=1500, fall=10, octave=0.68, damping=0.12, release=0.07, chorus=0.7,
    prompt=3, knock=0.12, level=0.78,
)  # fmt: skip
_ELECTRIC_PIANO = Timbre(
    partials=((1, 1), (2, 0.25), (3, 0.1), (4, 0.12), (7.1, 0.1), (14.2, 0.05)), cutoff=2600, fall=8, damping=0.5,
    release=0.08, chorus=1.5, level=0.95,
)  # fmt: skip
_HARPSICHORD = Timbre(slope=0.55, pluck=0.11, stiffness=8e-5, cutoff=6000, fall=5, release=0.05, chorus=1, level=0.7)
_GUITAR = Timbre(slope=1.1, pluck=0.2, stiffness=5e-5, cutoff=1900, fall=5, damping=0.2, release=0.09, knock=0.04)
_DRIVEN = Timbre(slope=0.7, cutoff=2400, fall=25, damping=0.02, attack=0.006, release=0.06, chorus=5, level=0.7)
_BASS = Timbre(slope=1.2, pluck=0.3, stiffness=6e-5, cutoff=700, fall=4.5, damping=0.3, release=0.06, level=1.2)
_BELL = Timbre(
    partials=((1, 1), (2.76, 0.45), (5.4, 0.22), (8.93, 0.08)), cutoff=9000, fall=4, octave=0.75, damping=0.4,
    release=0.6, level=0.7,
)  # fmt: skip
_MALLET = Timbre(partials=((1, 1), (3.95, 0.3), (9.3, 0.1)), cutoff=3500, fall=1.6, damping=1, release=0.25, knock=0.1)
_TUBULAR = Timbre(
    partials=((0.5, 0.35), (1, 1), (1.51, 0.6), (2.07, 0.6), (2.71, 0.35), (3.42, 0.2), (4.2, 0.1)), cutoff=5000,
    fall=7, damping=0.3, release=0.9, chorus=1.5, level=0.7,
)  # fmt: skip
_ORGAN = Timbre(
    partials=((1, 1), (2, 0.7), (3, 0.45), (4, 0.35), (6, 0.2), (8, 0.22)), cutoff=9000, attack=0.012, release=0.03,
    chorus=2, level=0.6,
)  # fmt: skip
_CHURCH = replace(
    _ORGAN, partials=((1, 1), (2, 0.8), (3, 0.3), (4, 0.6), (6, 0.25), (8, 0.35), (12, 0.1), (16, 0.12)), attack=0.05,
    release=0.12, chorus=4,
)  # fmt: skip
_FREE_REED = Timbre(slope=0.8, even=0.8, cutoff=2600, attack=0.03, release=0.05, chorus=8, level=0.55)
_BOWED = Timbre(
    slope=0.95, cutoff=2200, formants=((500, 350, 0.8), (1200, 500, 0.6), (2700, 900, 0.7)), attack=0.06, release=0.09,
    vibrato=11, level=0.7,
)  # fmt: skip
_STRINGS = Timbre(slope=1.0, cutoff=2000, attack=0.11, release=0.18, chorus=11, vibrato=5, level=0.65)
_VOICE = Timbre(
    slope=1.0, cutoff=2600, formants=((650, 200, 1), (1100, 250, 0.7), (2700, 500, 0.35)), attack=0.1, release=0.14,
    chorus=8, vibrato=13, level=0.7,
)  # fmt: skip
_BRASS = Timbre(
    slope=0.75, cutoff=1300, formants=((1100, 1100, 1), (400, 500, 0.5)), attack=0.035, release=0.06, chorus=3,
    vibrato=4, level=0.7,
)  # fmt: skip
_MUTED_BRASS = replace(_BRASS, slope=0.5, formants=((1700, 600, 1), (3200, 800, 0.4)), level=0.5)
_HORN = replace(_BRASS, slope=1.1, cutoff=800, attack=0.05, release=0.09)
_SAX = Timbre(
    slope=0.9, cutoff=1700, formants=((800, 500, 1), (1800, 700, 0.5)), attack=0.025, release=0.06, vibrato=9, level=0.7
)
_OBOE = Timbre(
    slope=0.4, cutoff=2600, formants=((1050, 450, 1), (2800, 700, 0.35)), attack=0.025, release=0.06, vibrato=7,
    level=0.6,
)  # fmt: skip
_BASSOON = replace(_OBOE, formants=((480, 200, 1), (1150, 350, 0.4)), vibrato=5)
_CLARINET = Timbre(slope=0.9, even=0.1, cutoff=1900, attack=0.03, release=0.06, level=0.75)
_FLUTE = Timbre(
    partials=((1, 1), (2, 0.32), (3, 0.12), (4, 0.05), (5, 0.02)), cutoff=3500, attack=0.045, release=0.08, vibrato=9,
    level=0.8,
)  # fmt: skip
_SQUARE = Timbre(slope=1.0, even=0.02, cutoff=4000, attack=0.006, release=0.04, vibrato=4, level=0.6)
_SAW = Timbre(slope=1.0, cutoff=4500, attack=0.006, release=0.05, chorus=9, level=0.6)
_PAD = Timbre(slope=1.3, cutoff=1500, attack=0.3, release=0.45, chorus=13, vibrato=3, level=0.6)
_PLUCKED = Timbre(slope=0.7, pluck=0.1, stiffness=4e-5, cutoff=3200, fall=2.6, damping=0.12, release=0.12, level=0.85)
_STEEL_DRUM = Timbre(
    partials=((1, 1), (2, 0.6), (3, 0.25), (4.1, 0.12)), cutoff=4000, fall=2.2, damping=0.4, release=0.3, chorus=3
)
_SKIN = Timbre(
    partials=((1, 1), (1.5, 0.5), (1.98, 0.35), (2.44, 0.2)), cutoff=1500, fall=1.6, damping=1.5, release=0.4,
    knock=0.3, level=1.2,
)  # fmt: skip
_BLOCK = replace(_MALLET, partials=((1, 1), (2.6, 0.5)), fall=0.35, octave=0.8, knock=0.2, level=1.5)

_FROM: dict[int, Timbre] = {
    0: _PIANO, 1: replace(_PIANO, cutoff=2600), 2: _PIANO, 3: replace(_PIANO, chorus=14), 4: _ELECTRIC_PIANO,
    6: _HARPSICHORD, 8: _BELL, 11: replace(_MALLET, fall=6, release=0.12), 12: _MALLET,
    13: replace(_MALLET, fall=0.8, level=1.3), 14: _TUBULAR, 15: _PLUCKED, 16: _ORGAN, 19: _CHURCH, 20: _FREE_REED,
    24: _GUITAR, 25: replace(_GUITAR, slope=0.9, cutoff=3000), 26: _GUITAR,
    28: replace(_GUITAR, fall=1.2, level=1.3), 29: _DRIVEN, 31: _PLUCKED, 32: _BASS, 35: replace(_BASS, attack=0.02),
    36: _BASS, 38: replace(_BASS, slope=0.9, cutoff=1100, fall=9), 40: _BOWED, 44: _STRINGS,
    45: replace(_PLUCKED, fall=0.9, cutoff=1800), 46: replace(_GUITAR, fall=6), 47: replace(_SKIN, fall=2.5),
    48: _STRINGS, 52: _VOICE, 55: replace(_BRASS, attack=0.01, fall=2.5, damping=0.1, level=1.2), 56: _BRASS,
    58: replace(_HORN, cutoff=650), 59: _MUTED_BRASS, 60: _HORN, 61: _BRASS, 64: _SAX, 68: _OBOE, 70: _BASSOON,
    71: _CLARINET, 72: _FLUTE, 80: _SQUARE, 81: _SAW, 82: _FLUTE, 84: _SAW, 85: _VOICE, 86: _SAW, 88: _PAD, 91: _VOICE,
    92: _PAD, 98: _BELL, 99: _PAD, 104: _PLUCKED, 108: _MALLET, 109: _FREE_REED, 110: _BOWED, 111: _OBOE, 112: _BELL,
    113: replace(_BELL, fall=0.9, level=1.2), 114: _STEEL_DRUM, 115: _BLOCK, 116: _SKIN, 119: _PAD,
}  # fmt: skip
TIMBRES: tuple[Timbre, ...] = tuple(_FROM[max(first for first in _FROM if first <= program)] for program in range(128))
"""The timbre of each program of General MIDI."""


def hertz(pitch: int) -> float:
    """The frequency of a pitch, in equal temperament."""
    return float(CONCERT_A * 2.0 ** ((pitch - 69) / 12))


@dataclass(frozen=True, slots=True)
class _Partials:
    """Those of one tone, P in number: hertz, amplitudes before the velocity has its say, phases, and their powers."""

    frequencies: NDArray[np.float64]
    amplitudes: NDArray[np.float64]
    phases: NDArray[np.complex128]
    exponents: NDArray[np.complex128]  # logarithm of what each is multiplied by from sample to sample
    fine: NDArray[np.float64]  # (2 P, _FINE): real and negated imaginary parts of the powers 0 … _FINE - 1


def _bright(timbre: Timbre, pitch: int, frequencies: NDArray[np.float64], velocity: int) -> NDArray[np.float64]:
    """What is left of each partial's amplitude at a velocity."""
    cutoff = hertz(pitch) + timbre.cutoff * 2 ** ((velocity - 64) / 40)
    return 1 / (1 + (frequencies / cutoff) ** 2)


@lru_cache(maxsize=256)
def _partials(program: int, pitch: int) -> _Partials:
    timbre = TIMBRES[program]
    frequency = hertz(pitch)
    if timbre.partials:
        ratios, amplitudes = np.array(timbre.partials).T
    else:
        k = np.arange(1.0, _MOST + 1)
        ratios = k * np.sqrt((1 + timbre.stiffness * k**2) / (1 + timbre.stiffness))
        amplitudes = k**-timbre.slope * np.where(k % 2, 1.0, timbre.even)
        if timbre.pluck:
            amplitudes *= np.abs(np.sin(np.pi * k * timbre.pluck))
    frequencies = frequency * ratios
    if timbre.formants:
        amplitudes = amplitudes * (
            0.08 + sum(gain * np.exp(-(((frequencies - at) / width) ** 2)) for at, width, gain in timbre.formants)
        )
    loudest = amplitudes * _bright(timbre, pitch, frequencies, 127)
    heard = (frequencies < _HIGHEST) & (loudest > _FAINTEST * loudest.max())
    frequencies, amplitudes = frequencies[heard], amplitudes[heard]
    turns = _GOLDEN * np.arange(1, len(frequencies) + 1) ** 2
    rates = np.zeros(len(frequencies))
    if timbre.fall:
        rates += _SIXTY_DECIBELS / timbre.rings(pitch) * (1 + timbre.damping * (frequencies / frequency - 1).clip(0))
    if timbre.chorus:
        ratio = 2 ** (timbre.chorus / 2400)
        frequencies = np.concatenate([frequencies / ratio, frequencies * ratio])
        rates = np.concatenate([timbre.prompt * rates, rates])
        amplitudes = np.concatenate([(1 - timbre.second) * amplitudes, timbre.second * amplitudes])
        turns = np.tile(turns, 2)
    if timbre.knock:
        at, strength = np.array(_KNOCK).T
        frequencies = np.concatenate([frequencies, at])
        rates = np.concatenate([rates, np.full(len(at), _SIXTY_DECIBELS / _KNOCK_FALL)])
        amplitudes = np.concatenate([amplitudes, strength * timbre.knock * amplitudes.max()])
        turns = np.concatenate([turns, np.full(len(at), 0.25)])
    exponents = (2j * np.pi * frequencies - rates) / RATE
    powers = np.exp(exponents[:, None] * np.arange(_FINE))
    fine = np.stack([powers.real, -powers.imag], axis=1).reshape(-1, _FINE)
    return _Partials(frequencies, amplitudes, np.exp(2j * np.pi * turns), exponents, fine)


def tone(program: int, pitch: int, velocity: int, begin: int, count: int) -> NDArray[np.float64]:
    """Samples of a tone whose key is held, before its attack and release; its mean square at onset is about a half.

    Args:
        program: of General MIDI.
        pitch: 0 … 127.
        velocity: 1 … 127; it says how bright the tone is, not how loud.
        begin: the first sample, counted from the onset.
        count: how many.

    Returns:
        (count,)
    """
    cents = TIMBRES[program].vibrato
    if not cents:
        return _steady(program, pitch, velocity, begin, count)
    still = _steady(program, pitch, velocity, begin - _MARGIN, count + 2 * _MARGIN)
    places = np.resize(np.roll(_SWAYING, -(begin + 1093 * pitch) % len(_SWAYING)), count)
    places *= cents * np.log(2) / 1200
    swelling = places[: max(0, _VIBRATO_DELAY - begin)]
    swelling *= np.arange(begin, begin + len(swelling)) / _VIBRATO_DELAY
    places += np.arange(_MARGIN, _MARGIN + count)
    left = places.astype(np.int64)
    places -= left
    nearest = still.take(left)
    swayed = still.take(left + 1)
    swayed -= nearest
    swayed *= places
    swayed += nearest
    return swayed


def _steady(program: int, pitch: int, velocity: int, begin: int, count: int) -> NDArray[np.float64]:
    partials = _partials(program, pitch)
    amplitudes = partials.amplitudes * _bright(TIMBRES[program], pitch, partials.frequencies, velocity)
    amplitudes /= np.sqrt(np.sum(amplitudes**2))
    coarse = np.empty((-(-count // _FINE), len(amplitudes)), np.complex128)
    coarse[0] = amplitudes * partials.phases * np.exp(partials.exponents * begin)
    coarse[1:] = np.exp(partials.exponents * _FINE)
    np.multiply.accumulate(coarse, out=coarse)
    return (coarse.view(np.float64) @ partials.fine).reshape(-1)[:count]
