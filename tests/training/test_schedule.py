from hypothesis import given
from hypothesis import strategies as st

from gen.config import TrainConfig
from gen.training.schedule import rate_factor

CONFIG = TrainConfig(steps=1, warmup=0.1, decay=0.5)


def test_it_rises_stays_and_falls_to_nothing() -> None:
    assert 0 < rate_factor(CONFIG, 0.0) < 0.1
    assert rate_factor(CONFIG, 0.1) == rate_factor(CONFIG, 0.5) == 1
    assert rate_factor(CONFIG, 0.75) == 0.5
    assert rate_factor(CONFIG, 1.0) == 0


def test_without_warmup_and_decay_it_is_constant() -> None:
    flat = TrainConfig(steps=1, warmup=0.0, decay=0.0)
    assert {rate_factor(flat, p) for p in (0.0, 0.3, 1.0)} == {1.0}


@given(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_it_stays_within_nothing_and_the_peak(progress: float, warmup: float, decay: float) -> None:
    assert 0 <= rate_factor(TrainConfig(steps=1, warmup=warmup, decay=decay), progress) <= 1
