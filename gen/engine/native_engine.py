"""The sampling engine in C: the numpy engine's step with the weights packed for the processor, in fp32 or int8.

A row's logits have the same bits at every batch size, length of a call and number of threads; in int8 on every
machine, too. Weights in int8 have a scale for each output, inputs one for each row (its largest magnitude), and sums
are exact; the first layer's product with the embedding stays in fp32 where it is a table.
"""

import math
from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gen.config import ModelConfig, available_threads
from gen.engine.numpy_engine import zeros
from gen.engine.threads import Threads
from gen.protocols import Choice, Ids, RecurrentState

try:
    from gen.engine import _native
except ImportError:  # it was built where there was no compiler
    _native = None  # type: ignore[assignment]

Array = NDArray[Any]
EnginePrecision = Literal["fp32", "int8"]

_CELLS = ("rnn", "lstm", "gru")  # as engine.h numbers them


def instruction_sets() -> tuple[str, ...]:
    """Those that this machine can run, best first; none where the engine was not built."""
    return () if _native is None else tuple(_native.kernels())


def read_speed(size: int, *, seconds: float = 0.3) -> float:
    """Bytes a second of a loop that does nothing but read `size` bytes, again and again.

    Args:
        size: of what is read, which lies as the weights do.
        seconds: to measure for, with as many threads as make it fastest.
    """
    choices = {1, available_threads()}
    return max(_native.read_speed(size, seconds / len(choices), threads) for threads in choices)


class NativeEngine:
    """A `LanguageModel` and a `BlockModel` over numpy arrays. Immutable, safe to share between threads.

    Args:
        config: the model's shape.
        weights: named arrays as in `config.parameter_shapes()`.
        precision: of the weights.
        instructions: one of `instruction_sets()`; None takes the best.
        threads: that share the work; None takes as many as are quickest.

    Raises:
        ImportError: the engine was not built: `instruction_sets()` is empty.
        ValueError: the machine has no such instructions.
    """

    def __init__(
        self,
        config: ModelConfig,
        weights: Mapping[str, Array],
        precision: EnginePrecision = "fp32",
        *,
        instructions: str | None = None,
        threads: int | None = None,
    ) -> None:
        if _native is None:
            raise ImportError("gen.engine._native was not built")
        self.config = config
        self.precision: EnginePrecision = precision
        self.instructions = instructions or instruction_sets()[0]
        self._threads = threads
        self._quickest = Threads(available_threads())
        names = [*config.parameter_shapes()]
        if config.tied:  # read a second time, where the output's weight would stand
            names.insert(-1, config.output_weight)
        self._model = _native.Model(
            self.instructions,
            _CELLS.index(config.cell),
            precision == "int8",
            config.layers,
            config.hidden,
            config.vocabulary_size,
            config.ngrams,
            config.ngram_rows,
            min(config.ngram_width, config.hidden),
            config.layers if config.first_residual is None else config.first_residual,
            tuple(np.ascontiguousarray(weights[name], np.float32) for name in names),
        )

    @property
    def name(self) -> str:
        """What a seed reproduces for: int8 on every machine, fp32 on all with instructions for fused products."""
        return f"native {self.precision}" + (
            " plain" if self.precision == "fp32" and self.instructions == "plain" else ""
        )

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return self.config.vocabulary_size

    @property
    def weight_bytes(self) -> int:
        """That the processor reads for an id."""
        return self._model.weight_bytes

    def initial_state(self, batch: int) -> RecurrentState[Array]:
        """Zeros, (L, B, H), and with n-grams (N - 1, B)."""
        return zeros(self.config, batch)

    def step(self, ids: Ids, state: RecurrentState[Array]) -> tuple[Array, RecurrentState[Array]]:
        """Read one id a row (B,); return logits (B, V) and the new state."""
        return self.prefill(ids[:, None], state)

    def prefill(self, ids: Ids, state: RecurrentState[Array]) -> tuple[Array, RecurrentState[Array]]:
        """Read T ids a row (B, T); return the logits after the last (B, V) and the new state."""
        logits = np.empty((len(ids), self.vocabulary_size), np.float32)
        return logits, self._read(ids, state, logits)

    def logits(self, ids: Ids, state: RecurrentState[Array]) -> tuple[Array, RecurrentState[Array]]:
        """Read T ids a row (B, T); return the logits after each (B, T, V) and the new state."""
        logits = np.empty((*ids.shape, self.vocabulary_size), np.float32)
        return logits, self._read(ids, state, logits)

    def _read(self, ids: Ids, state: RecurrentState[Array], logits: Array) -> RecurrentState[Array]:
        new = state.map(_copied)
        read = np.ascontiguousarray(ids, np.int64)
        batch, length = read.shape
        with self._quickest.of(("read", batch, length > 1), length, read.size * self.weight_bytes) as quickest:
            threads = self._threads or quickest
            self._model.read(read, batch, length, *self._buffers(new), logits, logits.ndim == 3, threads)
        return new

    def sample_block(
        self,
        ids: Ids,
        state: RecurrentState[Array],
        draws: NDArray[np.float64],
        choice: Choice,
        counts: NDArray[np.int32] | None = None,
        recent: NDArray[np.int32] | None = None,
    ) -> tuple[NDArray[np.int64], RecurrentState[Array]]:
        """Read one id a row, choose the next, read that, and so on: see `gen.protocols.BlockModel`."""
        batch, count = draws.shape
        new = state.map(_copied)
        chosen = np.empty((batch, count), np.int64)
        numbers = (
            choice.repeat,
            choice.presence,
            choice.frequency,
            choice.top_k,
            choice.top_p,
            math.log(choice.min_p) if choice.min_p > 0 else -math.inf,
            choice.temperature,
        )
        with self._quickest.of(("sample", batch), count, count * batch * self.weight_bytes) as quickest:
            done = self._model.sample(
                np.ascontiguousarray(ids, np.int64),
                batch,
                count,
                *self._buffers(new),
                np.ascontiguousarray(draws),
                choice.bias,
                numbers,
                None if counts is None else np.array(counts, np.int32, order="C"),
                None if recent is None else np.ascontiguousarray(recent, np.int32),
                0 if recent is None else recent.shape[1],
                chosen,
                self._threads or quickest,
            )
        if done == count:
            return chosen, new
        if not done:
            return chosen[:, :0], state
        return self.sample_block(ids, state, draws[:, :done], choice, counts, recent)  # short of the step that failed

    def _buffers(self, state: RecurrentState[Array]) -> tuple[Array, Array | None, Array | None]:
        """h, c and the context, None for what the model has not."""
        arrays = state.arrays
        context = arrays[-1] if self.config.ngrams > 1 else None
        return arrays[0], arrays[1] if self.config.cell == "lstm" else None, context


def _copied(array: Array) -> Array:
    """For the caller alone, row after row: what was selected from another state may lie otherwise."""
    return np.array(array, order="C")
