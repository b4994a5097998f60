"""Music as sound, with nothing but numpy: a score to 16-bit stereo at 44.1 kHz.

It is rendered block after block, so memory does not grow with its length. How loud the whole may be is estimated
beforehand, from how many voices sound together; what still goes beyond is bent softly. One score, one file.
"""

import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gen.errors import ConfigError
from gen.music import drum_kit
from gen.music.noise import band_noise
from gen.music.score import Columns, Score
from gen.music.timbres import RATE, tone
from gen.music.voices import voices
from gen.storage import atomic_file

LONGEST = 2 * 3600
"""Seconds of a score that are rendered at most."""
MOST_SOUNDING = 1_000_000
"""Seconds that its voices may sound, added up."""

_TRANSFORM = 2**18  # samples of the Fourier transform with which a block and the room are folded
_ROOM = 2**16  # samples of the room's echo
_BLOCK = _TRANSFORM - _ROOM
_ECHOES = ((180.0, 1400.0, 1.2, 0.24), (1400.0, 7000.0, 0.7, 0.14))  # hertz from and to, seconds to -60 dB, gain
_ECHO_DELAY = 0.014  # seconds until it begins
_FADE = 400  # samples in which a voice ends, whatever is left of it
_CREST = 4.6  # how far the peaks of many tones are above the root of their mean square
_FRAME = 882  # samples that the estimate of loudness takes together
_SUSTAINED = 0.15  # share of its length for which a ringing tone counts as loud as at its onset
_LOUDEST_GAIN = 0.9
_KNEE = 0.75  # amplitude up to which the output is left as it is


def write_wav(score: Score, path: Path) -> None:
    """Write a score as a WAV file: 16-bit PCM, stereo, 44.1 kHz; with a second and a half of echo at its end.

    Raises:
        ConfigError: it is too long (see `synthesize`).
        StorageError: the disk refused.
    """
    found, length = _checked(score)
    with atomic_file(path) as file, wave.open(file, "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.setnframes(length)
        for block in _blocks(found, length):
            sound.writeframesraw(block.tobytes())


def synthesize(score: Score) -> Iterator[NDArray[np.int16]]:
    """The sound of a score in blocks of a few seconds, each (samples, 2), left and right.

    Raises:
        ConfigError: it lasts over `LONGEST` seconds, or its voices sound for more than `MOST_SOUNDING` together.
    """
    return _blocks(*_checked(score))


def _checked(score: Score) -> tuple[Columns, int]:
    """The voices of a score, and the samples it takes."""
    seconds = score.seconds_long
    if seconds > LONGEST:
        raise ConfigError(
            f"the music is {seconds / 3600:,.1f} h long; a WAV takes {LONGEST // 3600} h at most: cut it, or check its "
            "tempo"
        )
    found = voices(score)
    sounding = float(np.sum(found["end"] - found["start"])) / RATE
    if sounding > MOST_SOUNDING:
        raise ConfigError(
            f"the notes sound for {sounding / 3600:,.0f} h together; {MOST_SOUNDING / 3600:.0f} h are the most that is "
            "rendered: cut the music, or check its pedals"
        )
    return found, int(found["end"].max(initial=0)) + _ROOM


def _blocks(found: Columns, length: int) -> Iterator[NDArray[np.int16]]:
    gain = _gain(found)
    room = np.fft.rfft(_room(), _TRANSFORM)
    echo = np.zeros((2, _TRANSFORM))
    sounding: Columns = found[:0]
    following = 0
    for begin in range(0, length, _BLOCK):
        until = int(np.searchsorted(found["start"], begin + _BLOCK))
        sounding = np.concatenate([sounding[sounding["end"] > begin], found[following:until]])
        following = until
        dry = np.zeros((2, _BLOCK))
        for voice in sounding:
            _add(voice, begin, dry)
        echo[:, :-_BLOCK] = echo[:, _BLOCK:]
        echo[:, -_BLOCK:] = 0
        echo += np.fft.irfft(np.fft.rfft(dry.mean(axis=0), _TRANSFORM) * room)
        mixed = _limited(gain * (dry + echo[:, :_BLOCK]))[:, : length - begin]
        yield np.rint(32767 * mixed.T).astype("<i2")


def _add(voice: np.void, begin: int, mix: NDArray[np.float64]) -> None:
    """Add what a voice sounds in the block (2, samples) that begins at a sample."""
    start, lifted, end, attack, release, pitch, velocity, program, drum, gain, pan = voice.item()
    first, last = max(start, begin), min(end, begin + mix.shape[1])
    if last <= first:
        return
    if drum:
        sound = drum_kit.hit(pitch)[first - start : last - start].copy()
    else:
        sound = tone(program, pitch, velocity, first - start, last - first)
        if first - start < attack:
            x = np.arange(first - start, min(last - start, int(attack) + 1)) / attack
            sound[: len(x)] *= np.minimum(x * x * (3 - 2 * x), 1)
    if last > lifted:
        tail = np.arange(max(lifted, first), last)
        sound[-len(tail) :] *= np.exp((lifted - tail) / release)
    if last > end - _FADE:
        tail = np.arange(max(end - _FADE, first), last)
        sound[-len(tail) :] *= (end - tail) / _FADE
    angle = (pan + 1) * np.pi / 4
    mix[0, first - begin : last - begin] += gain * np.cos(angle) * sound
    mix[1, first - begin : last - begin] += gain * np.sin(angle) * sound


def _gain(found: Columns) -> float:
    """What the sum of all voices is multiplied by, so that its peaks come near to full scale."""
    loud = found["start"] + np.minimum(
        found["lifted"] - found["start"], np.maximum(_SUSTAINED * (found["end"] - found["start"]), _FRAME)
    )
    frames = np.zeros(int(found["end"].max(initial=0)) // _FRAME + 3)
    power = found["gain"] ** 2 / 2
    np.add.at(frames, found["start"] // _FRAME, power)
    np.add.at(frames, (loud // _FRAME + 1).astype(np.int64), -power)
    loudest = _CREST * np.sqrt(max(float(np.cumsum(frames).max()), 0))
    return float(min(_LOUDEST_GAIN, 1 / max(loudest, 1e-3)))


def _limited(sound: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bent above the knee so that it stays within -1 … 1; the slope is continuous."""
    high = np.abs(sound) > _KNEE
    beyond = (np.abs(sound[high]) - _KNEE) / (1 - _KNEE)
    sound[high] = np.sign(sound[high]) * (_KNEE + (1 - _KNEE) * np.tanh(beyond))
    return sound


def _room() -> NDArray[np.float64]:
    """The echo of a small hall, (2, `_ROOM`): bands of noise that die away, the higher the faster."""
    time = np.arange(_ROOM) / RATE
    echo = np.zeros((2, _ROOM))
    for low, high, fall, gain in _ECHOES:
        for side in range(2):
            band = band_noise(_ROOM, low, high, RATE, "room", int(low), side) * np.exp(time * (-np.log(1000.0) / fall))
            band[time < _ECHO_DELAY] = 0
            # its energy is spread over the band, where the mean square of its gain is to be `gain` squared
            echo[side] += gain * np.sqrt((high - low) / (RATE / 2) / np.sum(band**2)) * band
    echo[:, -_FADE:] *= np.linspace(1, 0, _FADE)
    return echo
