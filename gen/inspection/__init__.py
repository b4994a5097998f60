"""What a network remembers: small ones on tasks of memory, and a trained one on the text that it reads."""

from gen.inspection.context import ContextLosses, context_losses
from gen.inspection.gradients import GradientReach, gradient_reach
from gen.inspection.remembering import LAGS, Memory, remember

__all__ = ["LAGS", "ContextLosses", "GradientReach", "Memory", "context_losses", "gradient_reach", "remember"]
