"""The learning rate over a run: a short rise, a plateau, a straight fall to zero at the end of the budget."""

from gen.config import ClassifyConfig, TrainConfig

_FLOOR = 0.05  # where the rise begins, so that the first step already learns


def rate_factor(config: TrainConfig | ClassifyConfig, progress: float) -> float:
    """What the peak rates are multiplied by when the share `progress` (0 … 1) of the budget is used."""
    rise = _FLOOR + (1 - _FLOOR) * progress / config.warmup if config.warmup else 1.0
    fall = (1 - progress) / config.decay if config.decay else 1.0
    return max(0.0, min(1.0, rise, fall))
