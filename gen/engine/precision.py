"""What int8 costs a model, and whether it is worth it."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gen.config import ModelConfig
from gen.engine.native_engine import EnginePrecision, NativeEngine, instruction_sets

LOSS_CHANGE = "int8_loss_change"
"""The name in a model's provenance of what `int8_loss_change` found."""
_TOLERATED = 0.003  # nats per token
_STREAMS = 32
_MOST = 32_768  # ids that are read …
_LEAST = 4_096
_WORK = 6e10  # … or as many as take this many products, in between
_LOGITS = 2**22  # that are held at once


def int8_loss_change(config: ModelConfig, weights: Mapping[str, NDArray[Any]], ids: NDArray[np.integer[Any]]) -> float:
    """By how many nats per token the loss is higher in int8 than in fp32.

    Args:
        config: the model's shape.
        weights: as `NativeEngine` takes them.
        ids: a text that the model was not trained on; of a long one its beginning is read, in parallel streams.

    Raises:
        ImportError: the native engine was not built.
    """
    reading = min(len(ids), _MOST, max(_LEAST, int(_WORK / config.parameters)))
    streams = min(_STREAMS, reading // 2)
    if not streams:
        return 0.0
    rows = np.asarray(ids[: reading // streams * streams], np.int64).reshape(streams, -1)
    plain, quantized = (_loss(NativeEngine(config, weights, it), rows) for it in ("fp32", "int8"))
    return quantized - plain


def default_precision(provenance: Mapping[str, Any]) -> EnginePrecision:
    """int8 where a model's record says that its loss hardly changes; fp32 otherwise, and without the native engine."""
    change = provenance.get(LOSS_CHANGE)
    sound = isinstance(change, int | float) and change < _TOLERATED
    return "int8" if sound and instruction_sets() else "fp32"


def _loss(engine: NativeEngine, rows: NDArray[np.int64]) -> float:
    """Nats per token, of all but the first of each row."""
    streams, length = rows.shape
    state = engine.initial_state(streams)
    span = max(1, _LOGITS // (streams * engine.vocabulary_size))
    total = 0.0
    for start in range(0, length - 1, span):
        read = rows[:, start : min(start + span, length - 1)]
        logits, state = engine.logits(read, state)
        wanted = rows[:, start + 1 : start + 1 + read.shape[1]]
        top = logits.max(-1)
        total += float((np.log(np.exp(logits - top[..., None]).sum(-1, dtype=np.float64)) + top).sum())
        total -= float(np.take_along_axis(logits, wanted[..., None], -1).sum(dtype=np.float64))
    return total / float(streams * (length - 1))
