"""What int8 costs, and where it is the default."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from gen.config import ModelConfig
from gen.engine import LOSS_CHANGE, NativeEngine, default_precision, engine_for, instruction_sets, int8_loss_change
from gen.engine import precision as module
from gen.errors import ConfigError

needs_native = pytest.mark.skipif(not instruction_sets(), reason="the native engine was not built")


def random_weights(config: ModelConfig) -> dict[str, np.ndarray]:
    draws = np.random.default_rng(0)
    return {name: draws.normal(0, 0.4, shape).astype(np.float32) for name, shape in config.parameter_shapes().items()}


@needs_native
@pytest.mark.parametrize("logits", [2**22, 40 * 32])  # all at once, and a step at a time
def test_the_change_is_the_difference_of_the_losses(monkeypatch: pytest.MonkeyPatch, logits: int) -> None:
    monkeypatch.setattr(module, "_LOGITS", logits)
    config = ModelConfig(vocabulary_size=40, layers=2, hidden=32)
    weights, ids = random_weights(config), np.random.default_rng(1).integers(40, size=1_000)
    losses = []
    for kind in ("fp32", "int8"):
        engine = NativeEngine(config, weights, kind)
        rows = ids[: 32 * 31].reshape(32, 31)
        found, _ = engine.logits(rows[:, :-1], engine.initial_state(32))
        flat = torch.from_numpy(found.reshape(-1, 40)).double()
        losses.append(functional.cross_entropy(flat, torch.from_numpy(rows[:, 1:].reshape(-1))).item())
    assert int8_loss_change(config, weights, ids) == pytest.approx(losses[1] - losses[0], abs=1e-6)


@needs_native
@pytest.mark.parametrize("size", [0, 1, 2, 3, 65])
def test_a_little_text_is_enough(size: int) -> None:
    config = ModelConfig(vocabulary_size=5, hidden=4)
    assert abs(int8_loss_change(config, random_weights(config), np.zeros(size, np.int64))) < 1


@pytest.mark.parametrize(
    ("record", "expected"),
    [({}, "fp32"), ({LOSS_CHANGE: 0.0029}, "int8"), ({LOSS_CHANGE: -0.01}, "int8"), ({LOSS_CHANGE: 0.003}, "fp32")]
    + [({LOSS_CHANGE: it}, "fp32") for it in (None, "0.001", float("nan"))],
)
@needs_native
def test_int8_is_the_default_where_it_is_known_to_cost_nothing(record: dict[str, object], expected: str) -> None:
    assert default_precision(record) == expected


def test_without_the_native_engine_numpy_does_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    from gen import engine

    monkeypatch.setattr(engine, "instruction_sets", lambda: ())
    monkeypatch.setattr(module, "instruction_sets", lambda: ())
    config = ModelConfig(vocabulary_size=5, hidden=4)
    assert engine_for(config, random_weights(config)).name == "numpy fp32"
    assert default_precision({LOSS_CHANGE: 0.0}) == "fp32"
    with pytest.raises(ConfigError, match="precision is int8, which the native engine has"):
        engine_for(config, random_weights(config), "int8")


def test_another_precision_is_refused() -> None:
    config = ModelConfig(vocabulary_size=5, hidden=4)
    with pytest.raises(ConfigError, match="precision is 'int4'; it must be fp32 or int8"):
        engine_for(config, random_weights(config), "int4")
