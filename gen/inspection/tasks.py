"""Two tasks that cannot be done without remembering: what stands at the beginning is asked for at the end.

The lag is the number of steps from the first input to the answer, which is given after the last.
"""

from typing import Literal, Protocol, runtime_checkable

import numpy as np
import torch
from jaxtyping import Bool, Float, Shaped
from torch import Tensor
from torch.nn import functional

TaskName = Literal["recall", "adding"]


@runtime_checkable
class Task(Protocol):
    """A supply of sequences, and what counts as right.

    Attributes:
        inputs: I, numbers that are read at each step.
        outputs: O, numbers that are answered after the last.
        chance: share of the sequences that is right where nothing is remembered.
    """

    inputs: int
    outputs: int
    chance: float

    def draw(self, draws: np.random.Generator, lag: int, size: int) -> tuple[Tensor, Tensor]:
        """Sequences (lag + 1, B, I) and what they ask for (B,), for B = `size`."""

    def loss(self, answers: Float[Tensor, "B O"], wanted: Shaped[Tensor, " B"]) -> Float[Tensor, ""]:
        """What training makes small: the mean over the sequences."""

    def right(self, answers: Float[Tensor, "B O"], wanted: Shaped[Tensor, " B"]) -> Bool[Tensor, " B"]:
        """Which of the answers are right."""


class DelayedRecall:
    """Name the symbol that came first, after `lag` - 1 others of the same alphabet.

    Inputs are the K symbols, one-hot, a mark that the first of them alone has, and the cue, which comes last and alone.
    As the symbols between are like the one to keep, a network has to shut them out: what they leave behind in a state
    looks like a memory. The loss is the cross-entropy, in nats.
    """

    symbols = 8
    inputs = symbols + 2
    outputs = symbols
    chance = 1 / symbols

    def draw(self, draws: np.random.Generator, lag: int, size: int) -> tuple[Tensor, Tensor]:  # noqa: D102
        drawn = draws.integers(0, self.symbols, (lag, size))
        x = np.zeros((lag + 1, size, self.inputs), np.float32)
        x[:-1, :, : self.symbols] = np.eye(self.symbols, dtype=np.float32)[drawn]
        x[0, :, self.symbols] = 1
        x[-1, :, self.symbols + 1] = 1
        return torch.from_numpy(x), torch.from_numpy(drawn[0])

    def loss(self, answers: Tensor, wanted: Tensor) -> Tensor:  # noqa: D102
        return functional.cross_entropy(answers, wanted)

    def right(self, answers: Tensor, wanted: Tensor) -> Tensor:  # noqa: D102
        return answers.argmax(1) == wanted


class Adding:
    """The adding problem (Hochreiter & Schmidhuber 1997): add up two numbers that are marked among many.

    At each step there are a value, uniform in [0, 1), and a mark, 1 at two steps and else 0: one in the first tenth of
    the sequence, the other after it in the first half, as there. The loss is the mean square of the error; who always
    answers 1, the mean, has 1/6 (0.1667). Right is an answer that is off by less than 0.04 of the range of the sum, as
    it is there, where the sum is scaled to 0 … 1: by less than 0.08.
    """

    inputs = 2
    outputs = 1
    tolerance = 0.08
    chance = 2 * tolerance - tolerance**2  # the sum's density is a triangle over 0 … 2, and 1 is answered

    def draw(self, draws: np.random.Generator, lag: int, size: int) -> tuple[Tensor, Tensor]:  # noqa: D102
        values = draws.random((lag + 1, size), np.float32)
        tenth = max(1, lag // 10)
        half = max(tenth + 1, lag // 2)
        rows = np.arange(size)
        marks = np.zeros_like(values)
        marks[draws.integers(0, tenth, size), rows] = 1
        marks[draws.integers(tenth, half, size), rows] = 1
        return torch.from_numpy(np.stack([values, marks], -1)), torch.from_numpy((values * marks).sum(0))

    def loss(self, answers: Tensor, wanted: Tensor) -> Tensor:  # noqa: D102
        return functional.mse_loss(answers[:, 0], wanted)

    def right(self, answers: Tensor, wanted: Tensor) -> Tensor:  # noqa: D102
        return (answers[:, 0] - wanted).abs() < self.tolerance


TASKS: dict[TaskName, Task] = {"recall": DelayedRecall(), "adding": Adding()}
