import numpy as np
import pytest

from gen.music.drum_kit import DRUM_NAMES, damper, hit, pan
from gen.music.timbres import RATE

KICK, SNARE, CLOSED_HAT, PEDAL_HAT, OPEN_HAT, CRASH = 36, 38, 42, 44, 46, 49


def centroid(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound)) ** 2
    return float(np.sum(np.fft.rfftfreq(len(sound), 1 / RATE) * power) / np.sum(power))


def test_the_hits_of_general_midi_have_names() -> None:
    assert list(DRUM_NAMES) == list(range(35, 82))
    assert DRUM_NAMES[36] == "kick" and DRUM_NAMES[38] == "snare" and DRUM_NAMES[42] == "closed hat"
    assert DRUM_NAMES[56] == "cowbell" and DRUM_NAMES[81] == "triangle"
    assert len(set(DRUM_NAMES.values())) == len(DRUM_NAMES)


def test_every_hit_sounds_begins_at_once_and_ends_in_silence() -> None:
    sounds = [hit(pitch) for pitch in range(128)]
    for sound in sounds:
        assert np.isfinite(sound).all() and len(sound) < 3 * RATE
        assert sound[0] == sound[-1] == 0
        assert np.abs(sound[: RATE // 20]).max() > 0.5 * np.abs(sound).max() > 0.1
        assert np.abs(sound[-500:]).max() < 0.02 * np.abs(sound).max()
    named = [sounds[pitch].tobytes() for pitch in DRUM_NAMES]
    assert len(set(named)) == len(named)


def test_a_kit_sounds_like_one() -> None:
    assert centroid(hit(KICK)) < 150 < 1000 < centroid(hit(SNARE)) < 6000 < centroid(hit(CLOSED_HAT))
    toms = [centroid(hit(pitch)) for pitch in (41, 43, 45, 47, 48, 50)]
    assert toms == sorted(toms)
    assert len(hit(CLOSED_HAT)) < len(hit(OPEN_HAT)) / 4 < len(hit(CRASH)) / 4
    assert -1 <= min(map(pan, range(128))) < 0 < max(map(pan, range(128))) <= 1
    assert pan(KICK) == pan(SNARE) == 0


def test_hi_hats_share_their_damper_and_nothing_else_does() -> None:
    assert damper(CLOSED_HAT) == damper(PEDAL_HAT) == damper(OPEN_HAT)
    assert len({damper(pitch) for pitch in range(128)}) == 126


def test_hits_are_made_once_and_cannot_be_spoilt() -> None:
    assert hit(KICK) is hit(KICK)
    with pytest.raises(ValueError, match="read-only"):
        hit(KICK)[0] = 1
