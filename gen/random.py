"""Every random draw of gen, as a function of a seed and a path.

Philox (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3") is a counter-based generator: draw
number n of a stream is computed from (key, n) alone. So a draw depends neither on the order of work nor on how
much was drawn before, and nothing has to be saved to go on exactly. Only raw Philox output is used where a result
must be the same for ever: NumPy keeps that stream stable across versions (NEP 19).
"""

import hashlib
import secrets

import numpy as np
from numpy.typing import NDArray

MAX_SEED = 2**63 - 1
_BLOCK = 256  # draws are fetched in multiples of it; one of the four that one Philox counter yields


def fresh_seed() -> int:
    """A seed nobody chose, short enough to retype."""
    return secrets.randbelow(2**31)


def philox(seed: int, *path: str | int, counter: int = 0) -> np.random.Philox:
    """The bit generator for `path` under `seed`, from 256-bit block `counter` on (four 64-bit draws a block)."""
    name = tuple(part if isinstance(part, str) else int(part) for part in (seed, *path))  # NumPy's have another repr
    key = hashlib.blake2b(repr(name).encode(), digest_size=16).digest()
    return np.random.Philox(key=int.from_bytes(key, "little"), counter=counter)


def generator(seed: int, *path: str | int) -> np.random.Generator:
    """A NumPy generator for `path` under `seed` (for draws whose exact values are stored, such as weights)."""
    return np.random.Generator(philox(seed, *path))


def permutation(seed: int, *path: str | int, size: int) -> NDArray[np.int64]:
    """A permutation of `range(size)`, the same for ever."""
    return np.argsort(philox(seed, *path).random_raw(size), kind="stable")


class Draws:
    """The uniform draws in [0, 1) of one sampled stream, one for each position.

    Args:
        seed: the seed the user sees.
        stream: which of the streams under that seed (sample k of a batch is stream k).
    """

    def __init__(self, seed: int, stream: int = 0) -> None:
        self._seed = seed
        self._stream = stream
        self._start = 0
        self._fetched: NDArray[np.float64] = np.empty(0)  # the draws from `_start` on

    def at(self, position: int) -> float:
        """The draw for token number `position`; any order, any number of times."""
        return float(self.block(position, 1)[0])

    def block(self, start: int, count: int) -> NDArray[np.float64]:
        """The draws for tokens number `start` … `start + count - 1`, not to be written to."""
        offset = start - self._start
        if offset < 0 or offset + count > len(self._fetched):
            offset = start % _BLOCK
            size = -(-(offset + count) // _BLOCK) * _BLOCK
            raw = philox(self._seed, "sample", self._stream, counter=(start - offset) // 4).random_raw(size)
            self._fetched = (raw >> np.uint64(11)) * np.float64(2.0**-53)
            self._fetched.setflags(write=False)
            self._start = start - offset
        return self._fetched[offset : offset + count]
