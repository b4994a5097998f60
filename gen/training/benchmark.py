"""How fast this installation trains: our trainer beside a plain PyTorch loop of the same model, in turns.

The plain loop is what a tutorial has: `nn.Embedding`, `nn.LSTM`, `nn.GRU` or `nn.RNN`, `nn.Linear` and AdamW, in fp32.
The trainer runs the same shape with AdamW alone, too, and as it is by default, with Muon. All take turns, so that a
machine busy with other things slows all of them, and medians are compared.
"""

import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from gen.config import GATES, Cell
from gen.corpus.token_corpus import TokenCorpus
from gen.training.trainer import Trainer

BATCH, LENGTH, VOCABULARY = 64, 64, 65
_SIZE = 2048  # side of the matrices that the peak is measured with
_WARM_UP = 2


@dataclass(frozen=True, slots=True)
class Row:
    """The speed of one shape.

    Attributes:
        cell: of the network.
        layers: L.
        hidden: H.
        precision: that the trainer chose.
        plain: tokens/s of the plain loop.
        ours: tokens/s of the trainer with AdamW.
        ours_with_muon: tokens/s of the trainer with Muon.
        ratio: ours to plain.
        share_of_peak: of the machine's matrix products in that precision, that `ours` makes use of.
    """

    cell: Cell
    layers: int
    hidden: int
    precision: str
    plain: int
    ours: int
    ours_with_muon: int
    ratio: float
    share_of_peak: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def bench(
    shapes: Iterable[tuple[Cell, int, int]], *, batch: int = BATCH, length: int = LENGTH, rounds: int = 5
) -> Iterator[Row]:
    """Measure, and yield a row for each shape.

    Args:
        shapes: cell, layers and hidden of each.
        batch: B.
        length: T.
        rounds: in which each takes a step.
    """
    with tempfile.TemporaryDirectory() as folder:
        corpus = _corpus(Path(folder))
        for cell, layers, hidden in shapes:
            yield _row(corpus, cell, layers, hidden, batch, length, rounds)


def _row(corpus: TokenCorpus, cell: Cell, layers: int, hidden: int, batch: int, length: int, rounds: int) -> Row:
    def trainer(matrix_learning_rate: float) -> Trainer:
        return Trainer.start(
            corpus,
            steps=10**6,
            cell=cell,
            layers=layers,
            hidden=hidden,
            residual=False,
            ngrams=1,
            dropout=0.0,
            batch_size=batch,
            sequence_length=length,
            matrix_learning_rate=matrix_learning_rate,
        )

    ours, with_muon = trainer(0.0), trainer(0.02)
    precision = ours.config.precision
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    matrix = torch.randn(_SIZE, _SIZE).to(dtype)
    steps: dict[str, Callable[[], Any]] = {
        "plain": _plain_loop(cell, layers, hidden, batch, length),
        "ours": ours._train_step,
        "with_muon": with_muon._train_step,
        "peak": lambda: matrix @ matrix,
    }
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for _ in range(_WARM_UP + rounds):
        for name, step in steps.items():
            began = time.perf_counter()
            step()
            seconds[name].append(time.perf_counter() - began)
    took = {name: median(times[_WARM_UP:]) for name, times in seconds.items()}
    tokens = batch * length
    # forwards and two products as large backwards, of two operations a weight and token
    operations = 6 * tokens * 2 * GATES[cell] * layers * hidden**2
    return Row(
        cell=cell,
        layers=layers,
        hidden=hidden,
        precision=precision,
        plain=round(tokens / took["plain"]),
        ours=round(tokens / took["ours"]),
        ours_with_muon=round(tokens / took["with_muon"]),
        ratio=round(took["plain"] / took["ours"], 3),
        share_of_peak=round(operations / took["ours"] / (2 * _SIZE**3 / took["peak"]), 3),
    )


def _corpus(folder: Path) -> TokenCorpus:
    """A text of random characters: what is in it makes no difference to the speed."""
    points = np.random.default_rng(0).integers(VOCABULARY, size=200_000) + ord("0")
    path = folder / "random.txt"
    path.write_text(points.astype(np.uint8).tobytes().decode("ascii"), "ascii")
    return TokenCorpus.open(path)


def _plain_loop(cell: Cell, layers: int, hidden: int, batch: int, length: int) -> Callable[[], None]:
    """A step of the loop that one writes first."""
    embedding, output = nn.Embedding(VOCABULARY, hidden), nn.Linear(hidden, VOCABULARY)
    network = getattr(nn, cell.upper())(hidden, hidden, layers)
    optimizer = torch.optim.AdamW([*embedding.parameters(), *network.parameters(), *output.parameters()])
    ids = torch.randint(VOCABULARY, (length + 1, batch))
    state: Any = None

    def step() -> None:
        nonlocal state
        optimizer.zero_grad()
        hidden_states, state = network(embedding(ids[:-1]), state)
        loss = functional.cross_entropy(output(hidden_states).flatten(0, 1), ids[1:].flatten())
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        state = tuple(array.detach() for array in state) if isinstance(state, tuple) else state.detach()

    return step
