"""How far a run is, and when it validates: by the step where steps bound it, by the clock where minutes do."""

from gen.config import TrainConfig
from gen.training.clock import Clock

_FINAL_SHARE = 0.1  # of the minutes that the last pass may take
_MARGIN = 1.15  # for the quick validation before it, and a busy machine
_VALIDATION_SHARE = 0.03  # of the minutes that validations on the way may take
_INTERVAL = 0.1  # of the minutes between two of them, at least
_INTERIM_TOKENS = 2**15  # that a validation on the way reads at most
_SMALLEST_PASS = 2**13  # tokens that the last pass may read however short the run


class Budget:
    """What a run may use up.

    Args:
        config: with steps or minutes.
        clock: of the run.
    """

    def __init__(self, config: TrainConfig, clock: Clock) -> None:
        self._config = config
        self._clock = clock
        self._total = 60 * config.minutes if config.minutes is not None else 0.0
        self._reserve = 0.0
        self._interval = _INTERVAL
        self._next = _INTERVAL

    def progress(self, step: int) -> float:
        """Share used before the last pass, 0 … 1."""
        if self._config.steps is not None:
            return min(1.0, step / self._config.steps)
        return min(1.0, self._clock.seconds() / (self._total - self._reserve))

    def reserve(self, tokens: int, seconds_per_token: float) -> int:
        """Keep time for the last pass over `tokens`; return how many of them it may read."""
        config = self._config
        if config.steps is not None:
            trained = config.steps * config.batch_size * config.sequence_length
            return min(tokens, max(_SMALLEST_PASS, trained // 4))
        allowed = min(tokens, max(2, int(_FINAL_SHARE * self._total / seconds_per_token)))
        self._reserve = min(0.5 * self._total, _MARGIN * allowed * seconds_per_token)
        return allowed

    def interim(self, tokens: int) -> int:
        """How many of `tokens` a validation on the way reads: few against what is trained on between two of them."""
        config = self._config
        most = _INTERIM_TOKENS
        if config.steps is not None:
            trained = (config.validate_every or config.steps) * config.batch_size * config.sequence_length
            most = min(most, max(_SMALLEST_PASS // 4, trained // 8))
        return min(tokens, most)

    def validation_due(self, step: int) -> bool:
        """Whether to validate after `step` steps, if that was not done yet."""
        if self._config.steps is not None:
            every = self._config.validate_every
            return step >= self._config.steps or (step > 0 and every > 0 and step % every == 0)
        return self.progress(step) >= min(1.0, self._next)

    def validated(self, step: int, seconds: float) -> None:
        """A validation took `seconds`: by the clock, the next comes when it costs little enough."""
        if self._config.minutes is not None:
            self._interval = max(_INTERVAL, seconds / self._total / _VALIDATION_SHARE)
            self._next = self.progress(step) + self._interval
