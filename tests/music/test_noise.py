import numpy as np
import pytest

from gen.music.noise import band_noise, white_noise


def test_noise_is_uniform_and_each_path_has_its_own() -> None:
    noise = white_noise(50_000, "a", 1)
    assert np.array_equal(noise, white_noise(50_000, "a", 1))
    assert not np.array_equal(noise, white_noise(50_000, "a", 2))
    assert -1 <= noise.min() < -0.999 and 0.999 < noise.max() < 1
    assert np.mean(noise) == pytest.approx(0, abs=0.01) and np.var(noise) == pytest.approx(1 / 3, abs=0.01)
    assert abs(np.corrcoef(noise[1:], noise[:-1])[0, 1]) < 0.02


def test_a_band_of_noise_is_where_it_should_be() -> None:
    noise = band_noise(44_100, 1000, 4000, 44_100, "band")
    power = np.abs(np.fft.rfft(noise)) ** 2  # by hertz
    assert np.mean(noise**2) == pytest.approx(1)
    assert np.mean(noise) == pytest.approx(0, abs=1e-12)
    inside = power[1500:3000].mean()
    assert power[1000 - 50 : 1000 + 50].mean() == pytest.approx(inside / 2, rel=0.3)
    assert power[4000 - 50 : 4000 + 50].mean() == pytest.approx(inside / 2, rel=0.3)
    assert power[:250].mean() < 1e-3 * inside and power[16_000:].mean() < 1e-3 * inside
