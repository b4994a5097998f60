"""The sampling engine for the processor: the same step as the torch models, without torch.

`NumpyEngine` is the reference, and does the work where the native engine could not be built; `NativeEngine` is the one
in C.
"""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from gen.config import ModelConfig
from gen.engine.native_engine import EnginePrecision, NativeEngine, instruction_sets, read_speed
from gen.engine.numpy_engine import NumpyEngine
from gen.engine.precision import LOSS_CHANGE, default_precision, int8_loss_change
from gen.errors import ConfigError

__all__ = [
    "LOSS_CHANGE",
    "EnginePrecision",
    "NativeEngine",
    "NumpyEngine",
    "default_precision",
    "engine_for",
    "instruction_sets",
    "int8_loss_change",
    "read_speed",
]


def engine_for(
    config: ModelConfig, weights: Mapping[str, NDArray[Any]], precision: str = "fp32"
) -> NativeEngine | NumpyEngine:
    """The quickest engine that this installation has.

    Args:
        config: the model's shape.
        weights: named arrays as in `config.parameter_shapes()`.
        precision: of the weights, fp32 or int8.

    Raises:
        ConfigError: `precision` is neither, or int8 where the native engine is missing.
    """
    if precision not in ("fp32", "int8"):
        raise ConfigError(f"precision is {precision!r}; it must be fp32 or int8")
    if instruction_sets():
        return NativeEngine(config, weights, "int8" if precision == "int8" else "fp32")
    if precision == "int8":
        raise ConfigError(
            "precision is int8, which the native engine has, and this installation has none ('gen doctor' tells why): "
            "take fp32"
        )
    return NumpyEngine(config, weights)
