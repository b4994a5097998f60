"""The sampling engine for the processor: the same step as the torch models, without torch."""

from gen.engine.numpy_engine import NumpyEngine

__all__ = ["NumpyEngine"]
