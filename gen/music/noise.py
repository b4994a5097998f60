"""Noise for drums and echoes, the same for ever."""

import numpy as np
from numpy.typing import NDArray

from gen.random import philox


def white_noise(count: int, *path: str | int) -> NDArray[np.float64]:
    """Noise of a path's own: (count,), uniform in -1 … 1."""
    raw = philox(0, "noise", *path).random_raw(count)
    return (raw >> np.uint64(11)).astype(np.float64) * 2.0**-52 - 1


def band_noise(count: int, low: float, high: float, rate: float, *path: str | int) -> NDArray[np.float64]:
    """Noise between two frequencies, with soft edges (Butterworth's of third order): (count,), its mean square 1.

    Args:
        count: of samples, two or more.
        low: in hertz.
        high: in hertz.
        rate: samples a second.
        path: each has a noise of its own.
    """
    spectrum = np.fft.rfft(white_noise(count, *path))
    frequencies = np.fft.rfftfreq(count, 1 / rate)[1:]
    spectrum[1:] /= np.sqrt(1 + (low / frequencies) ** 6) * np.sqrt(1 + (frequencies / high) ** 6)
    spectrum[0] = 0
    noise = np.fft.irfft(spectrum, count)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))
