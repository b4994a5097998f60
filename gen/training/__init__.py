"""Training. Importing this package alone loads no torch: planning a run needs none."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gen.training.trainer import Trainer as Trainer

__all__ = ["Trainer"]


def __getattr__(name: str) -> Any:
    if name == "Trainer":
        from gen.training.trainer import Trainer

        return Trainer
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
