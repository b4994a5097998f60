"""Training. Importing this package alone loads no torch: planning a run needs none."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gen.training.adaptation import adapt as adapt
    from gen.training.trainer import Trainer as Trainer

__all__ = ["Trainer", "adapt"]


def __getattr__(name: str) -> Any:
    if name == "Trainer":
        from gen.training.trainer import Trainer

        return Trainer
    if name == "adapt":
        from gen.training.adaptation import adapt

        return adapt
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
