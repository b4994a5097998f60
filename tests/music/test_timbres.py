import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gen.music.names import INSTRUMENTS
from gen.music.timbres import RATE, TIMBRES, Timbre, hertz, tone

PIANO, MARIMBA, ORGAN, STRINGS, FLUTE = 0, 12, 16, 48, 73


def spectrum(sound: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies and amplitudes, finer than the Fourier transform of so few samples has them."""
    size = 2**18
    return np.fft.rfftfreq(size, 1 / RATE), np.abs(np.fft.rfft(sound * np.hanning(len(sound)), size))


def centroid(sound: np.ndarray) -> float:
    frequencies, amplitudes = spectrum(sound)
    return float(np.sum(frequencies * amplitudes**2) / np.sum(amplitudes**2))


def test_pitches_are_in_equal_temperament_at_440_hertz() -> None:
    assert hertz(69) == 440
    assert hertz(81) == 880
    assert hertz(60) == pytest.approx(261.6256, abs=1e-4)


@pytest.mark.parametrize("program", range(128), ids=INSTRUMENTS)
def test_every_instrument_is_in_tune(program: int) -> None:
    frequencies, amplitudes = spectrum(tone(program, 69, 90, 4410, 22050))
    near = (frequencies > 440 * 2 ** (-1 / 24)) & (frequencies < 440 * 2 ** (1 / 24))
    peak = frequencies[near][np.argmax(amplitudes[near])]
    assert abs(1200 * np.log2(peak / 440)) < 8  # cents; two voices of a chorus stand 6 to each side
    assert amplitudes[near].max() > 0.05 * amplitudes.max()


@pytest.mark.parametrize("program", [PIANO, MARIMBA, ORGAN, STRINGS, FLUTE])
def test_a_tone_is_the_same_in_one_piece_and_in_many(program: int) -> None:
    whole = tone(program, 57, 80, 0, 30_000)

    @given(st.lists(st.integers(1, 29_999), max_size=4))
    def in_pieces(cuts: list[int]) -> None:
        edges = sorted({0, *cuts, 30_000})
        pieces = [tone(program, 57, 80, a, b - a) for a, b in itertools.pairwise(edges)]
        assert np.allclose(np.concatenate(pieces), whole, atol=1e-9)

    in_pieces()


def test_a_tone_of_explicit_partials_is_their_sum(monkeypatch: pytest.MonkeyPatch) -> None:
    timbre = Timbre(partials=((1, 3), (2.5, 4)), cutoff=1e9, fall=2, octave=0.5, damping=0.4)
    monkeypatch.setattr("gen.music.timbres.TIMBRES", (*TIMBRES, timbre))
    time = np.arange(20_000) / RATE
    expected = np.zeros(len(time))
    for number, (ratio, amplitude, rate) in enumerate([(1, 0.6, 1.0), (2.5, 0.8, 1 + 0.4 * 1.5)], 1):
        phase = 2 * np.pi * (0.618034 * number**2 % 1)
        falling = 10 ** (-3 * rate * time / (2 * 0.5))  # 60 dB in two seconds at C4, in one at C5
        expected += amplitude * np.cos(2 * np.pi * hertz(72) * ratio * time + phase) * falling
    assert np.allclose(tone(128, 72, 64, 0, len(time)), expected, atol=1e-9)


@pytest.mark.parametrize("program", [PIANO, STRINGS, 24, 33, 40, 52, 56, 65, 68, 71])
@pytest.mark.parametrize("pitch", [36, 60, 84])
def test_louder_is_brighter_and_the_level_is_left_to_the_mixer(program: int, pitch: int) -> None:
    soft, loud = (tone(program, pitch, velocity, 0, 8192) for velocity in (20, 120))
    assert centroid(loud) > 1.01 * centroid(soft)
    for sound in (soft, loud):
        assert 0.1 < np.mean(sound**2) < 0.9


def test_a_piano_dies_away_and_an_organ_does_not() -> None:
    def level(program: int, second: float) -> float:
        return float(np.std(tone(program, 60, 80, round(second * RATE), 4096)))

    assert level(PIANO, 3) < 0.25 * level(PIANO, 0)
    assert level(ORGAN, 3) == pytest.approx(level(ORGAN, 0), rel=0.25)
    assert TIMBRES[PIANO].rings(36) > 2 * TIMBRES[PIANO].rings(60) > 4 * TIMBRES[PIANO].rings(96)
    assert TIMBRES[ORGAN].rings(60) == np.inf


def test_a_vibrato_sways_about_the_pitch() -> None:
    sound = tone(FLUTE, 69, 60, RATE, RATE)
    crossings = np.flatnonzero((sound[:-1] < 0) & (sound[1:] >= 0))
    exact = crossings - sound[crossings] / (sound[crossings + 1] - sound[crossings])
    cents = 1200 * np.log2(RATE / np.diff(exact) / 440)
    assert np.mean(cents) == pytest.approx(0, abs=0.5)
    assert 7 < cents.max() < 11 and -11 < cents.min() < -7


@pytest.mark.parametrize("program", range(128), ids=INSTRUMENTS)
def test_every_key_of_every_instrument_sounds_and_nothing_folds_back(program: int) -> None:
    for pitch in (0, 21, 108, 127):
        sound = tone(program, pitch, 127, 0, 2048)
        assert np.isfinite(sound).all() and 0.2 < np.std(sound) < 1.5
    frequencies, amplitudes = spectrum(tone(program, 127, 127, 0, 4096))  # G9, 12.5 kHz
    assert amplitudes[(frequencies > 2000) & (frequencies < 5000)].max() < 0.02 * amplitudes.max()
