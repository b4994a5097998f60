"""Training. Importing this package alone loads no torch: planning a run needs none."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gen.training.adaptation import adapt as adapt
    from gen.training.classifier_trainer import ClassifierTrainer as ClassifierTrainer
    from gen.training.trainer import Trainer as Trainer

__all__ = ["ClassifierTrainer", "Trainer", "adapt"]

_MODULES = {"ClassifierTrainer": "classifier_trainer", "Trainer": "trainer", "adapt": "adaptation"}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return getattr(import_module(f"gen.training.{_MODULES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
