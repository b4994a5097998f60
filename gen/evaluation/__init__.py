"""How good a model is, on what it never saw."""

from gen.evaluation.losses import Losses, measure

__all__ = ["Losses", "measure"]
