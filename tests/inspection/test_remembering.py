"""Cells that learn to remember: small lags here, long ones among the slow tests."""

import dataclasses
import math

import numpy as np
import pytest
import torch

from gen.config import GATES, Cell
from gen.errors import ConfigError
from gen.inspection import remembering
from gen.inspection.remembering import Memory, _Network, check, remember
from gen.inspection.tasks import TASKS
from gen.random import generator
from tests.inspection.test_gradients import finish


@pytest.fixture(autouse=True)
def fewer_are_tested(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembering, "_TESTED", 400)


@pytest.mark.parametrize("cell", GATES)
def test_every_cell_learns_what_is_near(cell: Cell) -> None:
    memory, shares = finish(remember("recall", cell, 4, hidden=24, steps=400))
    assert isinstance(memory, Memory)
    assert memory.learned and not memory.at_chance and memory.steps < 400 and memory.loss < 0.5
    assert shares == [step / 400 for step in range(1, memory.steps + 1)]
    assert 0.01 < memory.gradient_before < 10


def test_gates_carry_the_gradient_where_the_simple_network_loses_it() -> None:
    before = {}
    for cell in GATES:
        for lag in (20, 100):
            memory, _ = finish(remember("adding", cell, lag, steps=1))  # type: ignore[arg-type]
            before[cell, lag] = memory.gradient_before
            assert memory.right < 0.3 and not memory.learned
    assert before["rnn", 100] < 1e-3 * before["rnn", 20]
    for gated in ("lstm", "gru"):
        assert before[gated, 100] > 0.5 * before[gated, 20] > 0.01


@pytest.mark.parametrize("task", TASKS)
def test_the_same_arguments_give_the_same_memory(task: str) -> None:
    first, again, other = (
        finish(remember(task, "gru", 6, hidden=8, steps=15, seed=seed))[0]  # type: ignore[arg-type]
        for seed in (1, 1, 2)
    )
    assert first == again and first != other
    assert set(first.to_dict()) == {field.name for field in dataclasses.fields(Memory)}


def test_the_ratio_is_that_of_gradients_by_hand() -> None:
    network = _Network(TASKS["recall"], "lstm", 3, 5, 0)
    found = remembering._gradient_ratio(network, TASKS["recall"], 3, 0)
    x, wanted = TASKS["recall"].draw(generator(0, "probe", "gradients", 3), 3, 64)
    with torch.no_grad():
        _, state = network.encoder(x[:1], network.encoder.initial_state(64))
    h, c = (array.clone().requires_grad_() for array in state.arrays)
    output, _ = network.encoder(x[1:], type(state)((h, c)))
    output.retain_grad()
    TASKS["recall"].loss(network.head(output[-1]), wanted).backward()  # type: ignore[no-untyped-call]
    assert h.grad is not None and c.grad is not None and output.grad is not None
    both = torch.cat([h.grad[0], c.grad[0]], dim=1).norm(dim=1).mean()
    assert found == pytest.approx((both / output.grad[-1].norm(dim=1).mean()).item(), rel=1e-4)


def test_weights_begin_as_they_are_said_to() -> None:
    for cell, gates in GATES.items():
        network = _Network(TASKS["adding"], cell, 300, 16, 5)  # type: ignore[arg-type]
        named = network.encoder.named_parameters()
        weights = {name.rpartition(".")[2]: weight.detach().numpy() for name, weight in named}
        for gate in weights["recurrent_weight"].reshape(gates, 16, 16):
            np.testing.assert_allclose(gate @ gate.T, np.eye(16), atol=1e-5)
        assert np.abs(weights["input_weight"]).max() <= 0.3 * math.sqrt(3 / 2)
        bias = weights["bias"].reshape(gates, 16)
        if cell == "rnn":
            assert not bias.any()
            continue
        times = np.exp(bias[1])  # what a gate of 1 - 1 / T keeps half of, it keeps for about T steps
        assert times.min() >= 1 and times.max() <= 299 and times.max() > 100
        assert np.array_equal(bias[0], -bias[1]) == (cell == "lstm") and not bias[2:].any()


def test_luck_is_not_taken_for_memory() -> None:
    memory: Memory = finish(remember("recall", "rnn", 3, hidden=4, steps=1))[0]

    def of(right: float) -> Memory:
        return dataclasses.replace(memory, right=right)

    assert of(0.125).at_chance and of(0.17).at_chance and not of(0.18).at_chance
    assert of(0.995).learned and not of(0.99).learned


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"task": "copying"}, "task is 'copying'; it must be one of recall, adding"),
        ({"cell": "transformer"}, "cell is 'transformer'; it must be one of rnn, lstm, gru"),
        ({"lag": 1}, "lag is 1; it must be in 2"),
        ({"hidden": 0}, "hidden is 0"),
        ({"steps": 0}, "steps is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_what_cannot_be_is_refused(changed: dict[str, object], message: str) -> None:
    arguments = {"task": "recall", "cell": "rnn", "lag": 5, "hidden": 8, "steps": 5, "seed": 0} | changed
    with pytest.raises(ConfigError, match=message):
        check(**arguments)  # type: ignore[arg-type]
    if changed.keys() <= {"lag", "hidden", "steps", "seed"}:  # types of the others are checked before
        with pytest.raises(ConfigError, match=message):
            finish(remember(**arguments))  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.parametrize(("task", "lag", "most"), [("adding", 50, 0.2), ("recall", 200, 0.3)])
def test_gated_cells_are_right_where_the_simple_network_is_lost(task: str, lag: int, most: float) -> None:
    found = {cell: finish(remember(task, cell, lag))[0] for cell in GATES}  # type: ignore[arg-type]
    assert found["lstm"].learned and found["gru"].learned
    assert found["rnn"].right < most
    assert found["rnn"].gradient_before < 0.1 * found["lstm"].gradient_before
