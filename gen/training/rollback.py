"""Where a loss or a weight is not finite: a trainer goes back a little, and on with half the learning rate."""

from dataclasses import replace
from typing import TypeVar

from torch import nn

from gen.checkpoint import ClassifyingState, TrainingState
from gen.errors import TrainingError
from gen.progress import Notice

SNAPSHOT_STEPS = 50
"""Steps between two copies of the state, to go back to and to write."""
_MAX_ROLLBACKS = 3

StateT = TypeVar("StateT", TrainingState, ClassifyingState)


def is_finite(model: nn.Module) -> bool:
    """Whether all weights are finite numbers."""
    return all(bool(parameter.isfinite().all()) for parameter in model.parameters())


def rolled_back(saved: StateT | None, at: StateT) -> tuple[StateT, Notice]:
    """The state to go on from, and what is to be said of it.

    Args:
        saved: of the last snapshot.
        at: where the trainer stands, which is of no use.

    Raises:
        TrainingError: it went back too often already.
    """
    assert saved is not None
    rollbacks, scale = at.rollbacks + 1, at.rate_scale / 2
    if rollbacks > _MAX_ROLLBACKS:
        raise TrainingError(
            f"loss or weights are not finite after step {at.step}, though the rate was halved {_MAX_ROLLBACKS} times: "
            f"begin anew with --learning-rate below {at.config.learning_rate * scale:.2g}"
        )
    said = (
        f"loss or weights are not finite after step {at.step}: back to step {saved.step}, with half the learning rate"
    )
    return replace(saved, rollbacks=rollbacks, rate_scale=scale), Notice(said)
