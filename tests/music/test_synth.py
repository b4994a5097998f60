import hashlib
import itertools
import tracemalloc
import wave
from pathlib import Path

import numpy as np
import pytest

from gen.errors import ConfigError, StorageError
from gen.music.score import MAX_TICK, NOTE, Note, Pedal, Piece, Score, Tempo
from gen.music.synth import synthesize, write_wav
from gen.music.timbres import RATE, hertz

PIANO, ORGAN, STRINGS, CLARINET, FLUTE = 0, 16, 48, 71, 73


def score(*pieces: Piece) -> Score:
    """Of 500 ticks a beat at 120 beats a minute: a tick is a millisecond."""
    return Score.of(500, pieces)


def sound(*pieces: Piece) -> np.ndarray:
    """Both sides added up, (samples,), full scale at 1."""
    return np.asarray(stereo(*pieces).sum(axis=1) / 2)


def stereo(*pieces: Piece) -> np.ndarray:
    return np.concatenate(list(synthesize(score(*pieces)))) / 32767


def level(samples: np.ndarray, begin: float, end: float) -> float:
    """Root of the mean square between two seconds."""
    return float(np.sqrt(np.mean(samples[round(begin * RATE) : round(end * RATE)] ** 2)))


def onset(samples: np.ndarray) -> float:
    """The second at which something is to be heard."""
    return int(np.argmax(np.abs(samples) > 0.02 * np.abs(samples).max())) / RATE


def test_a_file_is_pcm_of_16_bits_at_44100_hertz_in_stereo(tmp_path: Path) -> None:
    music = score(Note(0, 500, 60, 90))
    write_wav(music, tmp_path / "x.wav")
    with wave.open(str(tmp_path / "x.wav"), "rb") as file:
        assert file.getparams()[:4] == (2, 2, 44100, file.getnframes())
        frames = file.readframes(file.getnframes())
    blocks = list(synthesize(music))
    assert frames == b"".join(block.tobytes() for block in blocks)
    assert all(block.dtype == np.int16 and block.shape[1] == 2 for block in blocks)
    assert (tmp_path / "x.wav").stat().st_size == 44 + len(frames)
    assert [path.name for path in tmp_path.glob("*x.wav*")] == ["x.wav"]


def test_one_score_is_one_file(tmp_path: Path) -> None:
    pieces = [Note(k * 70, 60, 40 + k, 70 + k, k % 3, (0, 48, 73)[k % 3]) for k in range(40)]
    hits = [Note(k * 100, 1, 35 + k, 100, drum=True) for k in range(30)]
    write_wav(score(*pieces, *hits), tmp_path / "one.wav")
    write_wav(score(*hits[::-1], *pieces[::-1]), tmp_path / "two.wav")
    one, two = ((tmp_path / name).read_bytes() for name in ("one.wav", "two.wav"))
    assert hashlib.sha256(one).digest() == hashlib.sha256(two).digest()


@pytest.mark.parametrize("program", [PIANO, ORGAN, STRINGS, FLUTE])
@pytest.mark.parametrize("pitch", [45, 69, 84])
def test_the_pitch_is_right(program: int, pitch: int) -> None:
    samples = sound(Note(0, 2000, pitch, 90, 0, program))[RATE // 4 : 2 * RATE]
    amplitudes = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2**19))
    frequencies = np.fft.rfftfreq(2**19, 1 / RATE)
    near = np.abs(np.log2(frequencies[1:] / hertz(pitch))) < 1 / 24
    peak = frequencies[1:][near][np.argmax(amplitudes[1:][near])]
    assert abs(1200 * np.log2(peak / hertz(pitch))) < 7  # cents
    assert amplitudes[1:][near].max() > 0.2 * amplitudes.max()


def test_notes_begin_when_the_tempo_says() -> None:
    assert onset(sound(Note(1000, 500, 60, 90))) == pytest.approx(1.0, abs=0.01)
    assert onset(sound(Tempo(0, 1_000_000), Note(1000, 500, 60, 90))) == pytest.approx(2.0, abs=0.01)
    assert onset(sound(Tempo(500, 250_000), Note(1000, 500, 60, 90))) == pytest.approx(0.75, abs=0.01)


def test_a_note_across_blocks_sounds_as_if_there_were_none() -> None:
    samples = sound(Note(0, 12_000, 69, 90, 0, CLARINET))
    steady = samples[RATE : 12 * RATE]
    envelope = [level(steady, second, second + 0.25) for second in np.arange(0, 10.5, 0.25)]
    assert min(envelope) > 0.9 * max(envelope)
    assert np.abs(np.diff(steady, 2)).max() < 3 * np.percentile(np.abs(np.diff(steady, 2)), 99)


@pytest.mark.parametrize("program", [ORGAN, FLUTE, STRINGS])
def test_notes_begin_and_end_without_a_click(program: int) -> None:
    samples = sound(Note(300, 400, 57, 100, 0, program), Note(900, 30, 57, 100, 0, program))
    steepest = np.abs(np.diff(samples, 2))
    inside = steepest[round(0.5 * RATE) : round(0.65 * RATE)].max()
    assert steepest.max() < 2 * inside


def test_the_pedal_lets_notes_ring() -> None:
    notes = (Note(0, 200, 60, 90), Note(3000, 200, 72, 90))
    dry = sound(*notes)
    pedalled = sound(*notes, Pedal(100, 0, True), Pedal(2000, 0, False))
    assert level(pedalled, 1.5, 2) > 30 * level(dry, 1.5, 2)
    assert level(pedalled, 2.8, 3) < 0.05 * level(pedalled, 1.5, 2)


def test_louder_notes_are_louder() -> None:
    samples = sound(*(Note(2000 * k, 500, 60, velocity) for k, velocity in enumerate((20, 60, 100, 127))))
    levels = [level(samples, 2 * k, 2 * k + 0.5) for k in range(4)]
    assert levels == sorted(levels) and 10 < levels[3] / levels[0] < 50
    assert 0.2 < np.abs(samples).max() <= 1


def test_many_voices_do_not_clip_and_few_are_not_faint() -> None:
    crowd = stereo(*(Note(10 * k, 3000, pitch, 127, k, 4 * k) for k in range(16) for pitch in range(24, 108, 3)))
    assert np.abs(crowd).max() < 1
    assert np.mean(np.abs(crowd) > 0.95) < 1e-3
    assert 0.3 < np.abs(crowd).max() and level(crowd, 0.2, 2) > 0.05
    assert 0.1 < np.abs(stereo(Note(0, 500, 60, 64))).max() < 1


def test_parts_stand_apart_and_the_mix_is_balanced() -> None:
    both = stereo(*(Note(0, 1000, pitch, 90, track, ORGAN) for track in range(3) for pitch in (52, 60, 64, 69, 74)))
    left, right = level(both[:, 0], 0, 1), level(both[:, 1], 0, 1)
    assert left == pytest.approx(right, rel=0.2)
    assert np.corrcoef(both[:RATE].T)[0, 1] < 0.95
    second = [stereo(Note(0, 1000, 60, 90, 0, ORGAN), Note(2000, 900, 60, 90, 1, ORGAN))[2 * RATE :, k] for k in (0, 1)]
    assert level(second[0], 0, 0.9) > 1.2 * level(second[1], 0, 0.9)


def test_drums_are_drums_whatever_their_pitch() -> None:
    kick = sound(Note(0, 1, 36, 110, drum=True))
    hat = sound(Note(0, 1, 42, 110, drum=True))
    assert np.mean(np.abs(np.diff(np.sign(kick[:4000]))) > 0) < 0.02 < np.mean(np.abs(np.diff(np.sign(hat[:4000]))) > 0)
    assert level(hat, 0.3, 0.5) < 0.1 * level(hat, 0, 0.05)


def test_the_end_dies_away() -> None:
    samples = sound(Note(0, 1000, 60, 110, 0, ORGAN))
    assert 2.4 < len(samples) / RATE < 3
    levels = [level(samples, at, at + 0.1) for at in np.arange(1, 2.3, 0.2)]
    assert all(later < earlier for earlier, later in itertools.pairwise(levels))
    assert np.abs(samples[-100:]).max() < 3e-4


def test_nothing_is_a_moment_of_silence(tmp_path: Path) -> None:
    write_wav(Score(480), tmp_path / "nothing.wav")
    with wave.open(str(tmp_path / "nothing.wav"), "rb") as file:
        assert 0 < file.getnframes() < 2 * RATE
        assert not any(file.readframes(file.getnframes()))


def test_memory_does_not_grow_with_length() -> None:
    music = score(*(Note(1000 * k, 900, 40 + k % 40, 80, 0, STRINGS) for k in range(150)))
    for _ in synthesize(score(Note(0, 900, 40, 80, 0, STRINGS))):  # what is made once
        pass
    tracemalloc.start()
    samples = sum(len(block) for block in synthesize(music))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert samples > 150 * RATE
    assert peak < 64e6  # as numbers of 64 bits the whole would take 106 MB


def test_absurd_lengths_are_refused_before_a_sample_is_made(tmp_path: Path) -> None:
    (tmp_path / "x.wav").write_bytes(b"old")
    late = Score.of(1, [Tempo(0, 2**24 - 1), Note(MAX_TICK, 1, 60, 64)])
    with pytest.raises(ConfigError, match=r"10,007,998\.6 h long; a WAV takes 2 h at most"):
        write_wav(late, tmp_path / "x.wav")
    crowd = np.zeros(16 * 128, NOTE)
    crowd["duration"], crowd["velocity"], crowd["program"] = 7_000_000, 64, ORGAN
    crowd["pitch"], crowd["track"] = np.tile(np.arange(128), 16), np.repeat(np.arange(16), 128)
    with pytest.raises(ConfigError, match="3,982 h together"):
        synthesize(Score(500, crowd))
    assert (tmp_path / "x.wav").read_bytes() == b"old"


def test_a_disk_that_refuses_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot write"):
        write_wav(score(Note(0, 100, 60, 64)), tmp_path / "missing" / "x.wav")
