"""A small network of one cell that learns a task of memory at one lag, from its beginning.

All cells have the same width, budget, optimizer, clipping and sequences, and each a rate that suited it no worse than
the others tried. Recurrent matrices are orthogonal, and inputs small, so that the gradient of the simple network comes
back as far as it can. Cells with gates have biases that let them remember for as long as the lag (Tallec & Ollivier
2018, "Can recurrent neural networks warp time?"); the simple network has no gate that could be set so, which is what
the probe is about. How far that one comes depends on the seed, and it may tell some symbols apart at a lag beyond one
at which it fails.
"""

import copy
import math
from collections.abc import Generator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gen.config import GATES, Cell, require
from gen.inspection.gradients import carried_gradients
from gen.inspection.tasks import TASKS, Task, TaskName
from gen.models.initialization import orthogonal
from gen.models.recurrent import RecurrentEncoder
from gen.progress import Probing
from gen.random import MAX_SEED, generator

LAGS = (10, 20, 50, 100, 200, 500)
HIDDEN, STEPS = 32, 800
MAX_LAG = 10_000
NEAR_CHANCE = 0.05
"""Share of the sequences by which what is right may exceed chance, and still be called chance."""

_RATES: dict[Cell, float] = {"rnn": 0.003, "lstm": 0.02, "gru": 0.02}  # of 0.003, 0.01 and 0.02: benchmarks/LOG.md
_INPUTS = 0.3  # standard deviation of what a one-hot input adds to a unit, times the root of their number
_BATCH = 32
_CLIP = 1.0
_WARM_UP = 20  # steps
_SURE, _ENOUGH = 20, 0.998  # as much right in so many batches, and there is nothing more to learn
_TESTED = 2000  # fresh sequences, in batches of:
_AT_A_TIME = 200
_FOLLOWED = 64  # sequences whose gradients are followed back


@dataclass(frozen=True, slots=True)
class Memory:
    """How well one cell learned one task at one lag.

    Attributes:
        task: "recall" or "adding".
        cell: "rnn", "lstm" or "gru".
        lag: steps from the first input to the answer.
        steps: of training that were taken; fewer than allowed where all was right before.
        right: share of fresh sequences that is answered right.
        chance: what it would be without memory.
        loss: on these sequences: nats (recall) or mean square of the error (adding).
        gradient_before: ||d loss / d state_{t-k}|| / ||d loss / d h_t|| for k = lag, before training; the state is h,
            of an LSTM h and c together; means over sequences.
        gradient_after: the same after training.
    """

    task: TaskName
    cell: Cell
    lag: int
    steps: int
    right: float
    chance: float
    loss: float
    gradient_before: float
    gradient_after: float

    @property
    def learned(self) -> bool:
        """More than 99 % are right."""
        return self.right > 0.99

    @property
    def at_chance(self) -> bool:
        """No more are right than `NEAR_CHANCE` above what no memory at all would have."""
        return self.right <= self.chance + NEAR_CHANCE

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return asdict(self)


class _Network(nn.Module):
    """One layer of a cell, and a linear answer from its last state."""

    def __init__(self, task: Task, cell: Cell, lag: int, hidden: int, seed: int) -> None:
        super().__init__()
        self.encoder = RecurrentEncoder(cell, task.inputs, hidden, 1)
        self.head = nn.Linear(hidden, task.outputs)
        for name, parameter in self.named_parameters():
            draws = generator(seed, "probe", "init", name)
            array = np.zeros(tuple(parameter.shape))
            if name.endswith("recurrent_weight"):
                array = np.concatenate([orthogonal(draws, hidden) for _ in range(GATES[cell])])
            elif name.endswith("weight"):
                scale = _INPUTS if name.startswith("encoder") else 1.0
                array = scale * draws.uniform(-1, 1, array.shape) * math.sqrt(3 / array.shape[1])
            elif name == "encoder.layers.0.bias" and cell != "rnn":
                remembered = np.log(draws.uniform(1, max(2, lag - 1), hidden))
                array[hidden : 2 * hidden] = remembered  # the LSTM's forget gate, and the GRU's z
                if cell == "lstm":
                    array[:hidden] = -remembered  # its input gate
            parameter.data = torch.from_numpy(array.astype(np.float32))

    def forward(self, x: Tensor) -> Tensor:
        """Answers (B, O) to sequences (T, B, I)."""
        output, _ = self.encoder(x, self.encoder.initial_state(x.shape[1]))
        return self.head(output[-1])  # type: ignore[no-any-return]


def remember(
    task: TaskName, cell: Cell, lag: int, *, hidden: int = HIDDEN, steps: int = STEPS, seed: int = 0
) -> Generator[Probing, None, Memory]:
    """Train a network, test it on fresh sequences, and follow its gradients back; yields progress.

    The result is a function of the arguments, on one machine and with one number of threads.

    Args:
        task: "recall" or "adding", of `gen.inspection.tasks`.
        cell: "rnn", "lstm" or "gru".
        lag: steps from the first input to the answer.
        hidden: H, its units.
        steps: of training, at most; the rate falls to 0 over the second half of them.
        seed: of weights and sequences.

    Raises:
        ConfigError: a value is out of range.
    """
    check(task, cell, lag, hidden=hidden, steps=steps, seed=seed)
    given = TASKS[task]
    network = _Network(given, cell, lag, hidden, seed)
    before = _gradient_ratio(network, given, lag, seed)
    taken = yield from _train(network, given, cell, lag, steps, seed)
    right, loss = _test(network, given, lag, seed)
    after = _gradient_ratio(network, given, lag, seed)
    return Memory(task, cell, lag, taken, right, given.chance, loss, before, after)


def check(task: str, cell: str, lag: int, *, hidden: int, steps: int, seed: int) -> None:
    """Refuse what `remember` cannot be called with (`ConfigError`)."""
    require(task in TASKS, "task", task, f"one of {', '.join(TASKS)}")
    require(cell in _RATES, "cell", cell, f"one of {', '.join(_RATES)}")
    require(2 <= lag <= MAX_LAG, "lag", lag, f"in 2 … {MAX_LAG:,}")
    require(1 <= hidden <= 1024, "hidden", hidden, "in 1 … 1,024")
    require(1 <= steps <= 10**6, "steps", steps, "in 1 … 1,000,000")
    require(0 <= seed <= MAX_SEED, "seed", seed, f"in 0 … {MAX_SEED}")


def _train(network: _Network, task: Task, cell: Cell, lag: int, steps: int, seed: int) -> Generator[Probing, None, int]:
    """Learn until it is right or the budget is used up; return the steps that it took."""
    weights = list(network.parameters())
    optimizer = torch.optim.Adam(weights, betas=(0.9, 0.99))
    recent: list[float] = []
    for step in range(steps):
        x, wanted = task.draw(generator(seed, "probe", "train", lag, step), lag, _BATCH)
        answers = network(x)
        task.loss(answers, wanted).backward()  # type: ignore[no-untyped-call]
        recent = [*recent[1 - _SURE :], task.right(answers, wanted).float().mean().item()]
        factor = min(1.0, (step + 1) / _WARM_UP, 2 * (1 - step / steps))
        for group in optimizer.param_groups:
            group["lr"] = _RATES[cell] * factor
        if torch.nn.utils.clip_grad_norm_(weights, _CLIP).isfinite():  # what has exploded teaches nothing
            optimizer.step()
        optimizer.zero_grad()
        yield Probing((step + 1) / steps)
        if len(recent) == _SURE and sum(recent) >= _ENOUGH * _SURE:
            return step + 1
    return steps


@torch.no_grad()
def _test(network: _Network, task: Task, lag: int, seed: int) -> tuple[float, float]:
    """Share of fresh sequences that is answered right, and the loss on them."""
    right, loss = 0, 0.0
    for batch in range(_TESTED // _AT_A_TIME):
        x, wanted = task.draw(generator(seed, "probe", "test", lag, batch), lag, _AT_A_TIME)
        answers = network(x)
        right += int(task.right(answers, wanted).sum())
        loss += task.loss(answers, wanted).item() * _AT_A_TIME
    return right / _TESTED, loss / _TESTED


def _gradient_ratio(network: _Network, task: Task, lag: int, seed: int) -> float:
    """The gradient that reaches the state after the first input, to that of the last state; in double precision."""
    exact = copy.deepcopy(network).double()
    x, wanted = task.draw(generator(seed, "probe", "gradients", lag), lag, _FOLLOWED)
    if wanted.is_floating_point():
        wanted = wanted.double()
    state = exact.encoder.initial_state(_FOLLOWED)
    last, carried = carried_gradients(
        exact.encoder, x.double(), state, lambda output: task.loss(exact.head(output), wanted)
    )
    first = carried[-1].square().sum((0, 1)).sqrt()  # over h and c
    return float(first.mean() / last.norm(dim=-1).mean())
