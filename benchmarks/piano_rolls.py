"""Polyphonic music, frame by frame, beside Chung et al. 2014: `python benchmarks/piano_rolls.py FOLDER`.

FOLDER has JSB_Chorales.mat, Nottingham.mat, MuseData.mat and Piano_midi.mat: piano rolls of Boulanger-Lewandowski et
al. 2012, each with its own training, validation and test part. A network of one layer reads a frame of 88 keys and
gives each key of the next frame a probability of its own. The figure is the negative log-likelihood in nats a frame:
summed over the keys and over every frame of a part but the first of each piece, which nothing comes before, and divided
by the number of those frames. The state is zero where a piece begins.

The sizes are those of Chung et al. (a simple RNN of 100 units, a GRU of 46, an LSTM of 36), the cells gen's own: its
GRU applies the reset gate after the product. There are two recipes, for the small sets and for the large, chosen by
the validation parts. The weights that count are a moving average; those of the best pass by the validation part are
kept, and read the test part once.
"""

import argparse
import copy
import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from statistics import mean, stdev

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from gen.config import GATES, Cell, TrainConfig
from gen.models.initialization import orthogonal
from gen.models.recurrent import RecurrentEncoder
from gen.protocols import RecurrentState
from gen.random import generator, permutation
from gen.training.device import use_threads
from gen.training.optimizers import Optimizer
from gen.training.schedule import rate_factor

KEYS = 88
SIZES: dict[Cell, int] = {"rnn": 100, "gru": 46, "lstm": 36}


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How a network is trained."""

    dropout: float  # of the keys that are read, and of the units
    noise: float  # deviation of what is added to the matrices, anew in each window
    rate: float  # of AdamW, at its peak
    muon: float  # of Muon, on the encoder's matrices; 0 leaves them to AdamW
    warmup: float = 0.02  # share of the run in which the rates rise
    decay: float = 0.7  # share of the run, at its end, in which they fall to nothing
    batch: int = 16  # pieces abreast
    window: int = 64  # frames between two cuts of the gradient
    average: float = 0.998  # share of the moving average of the weights that stays at each update
    passes: int = 60  # over the training part
    minutes: float = math.inf  # after which the rates have fallen all the same, and training ends


SMALL = Recipe(dropout=0.2, noise=0.05, rate=0.008, muon=0.0)  # for what is soon learned by heart
LARGE = Recipe(dropout=0.05, noise=0.0, rate=0.004, muon=0.01)  # for what takes long to learn


@dataclass(frozen=True)
class Music:
    """A set of pieces."""

    file: str
    paper: dict[Cell, float]  # what Chung et al. report for its test part
    recipe: Recipe


SETS = {
    "jsb": Music("JSB_Chorales.mat", {"rnn": 9.10, "gru": 8.54, "lstm": 8.67}, SMALL),
    "nottingham": Music("Nottingham.mat", {"rnn": 3.13, "gru": 3.23, "lstm": 3.20}, LARGE),
    "musedata": Music("MuseData.mat", {"rnn": 6.23, "gru": 5.99, "lstm": 6.23}, LARGE),
    "piano-midi": Music("Piano_midi.mat", {"rnn": 9.03, "gru": 8.82, "lstm": 9.03}, SMALL),
}


class RollModel(nn.Module):
    """The encoder on centred frames, and a linear layer to the log odds of each key.

    Args:
        cell: which.
        shares: the share of frames that each key sounds in (KEYS,), which an untrained model predicts.
        seed: of the weights.
    """

    centre: Tensor

    def __init__(self, cell: Cell, shares: Tensor, seed: int) -> None:
        super().__init__()
        hidden, draws = SIZES[cell], generator(seed, "piano roll")
        self.register_buffer("centre", shares)
        self.encoder = RecurrentEncoder(cell, KEYS, hidden, 1)
        self.output = nn.Linear(hidden, KEYS)
        weights = {
            "input_weight": draws.uniform(-1, 1, (GATES[cell] * hidden, KEYS)) / math.sqrt(KEYS),
            "recurrent_weight": np.concatenate([orthogonal(draws, hidden) for _ in range(GATES[cell])]),
            "bias": np.repeat([0.0, float(cell == "lstm"), 0.0, 0.0][: GATES[cell]], hidden),  # forget nothing at first
            "recurrent_bias": np.zeros(hidden),
        }
        with torch.no_grad():
            for name, parameter in self.encoder.named_parameters():
                parameter.copy_(torch.tensor(weights[name.rpartition(".")[2]]))
            self.output.weight.copy_(torch.tensor(0.1 * draws.uniform(-1, 1, (KEYS, hidden)) / math.sqrt(hidden)))
            self.output.bias.copy_(torch.logit(shares))

    def forward(
        self, frames: Tensor, state: RecurrentState[Tensor], dropout: float = 0.0
    ) -> tuple[Tensor, RecurrentState[Tensor]]:
        """Logits (T, B, KEYS) of the frames after each of `frames`, and the state after the last."""
        x = functional.dropout(frames - self.centre, dropout, self.training)
        output, state = self.encoder(x, state)
        return self.output(functional.dropout(output, dropout, self.training)), state


@dataclass(frozen=True)
class Run:
    """What became of one network; losses in nats a frame."""

    music: str
    cell: Cell
    seed: int
    training: float
    validation: float
    test: float
    test_by_piece: float
    best: int
    passes: int
    seconds: float


def main(arguments: Sequence[str]) -> int:
    """Train, measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, help="with the four .mat files; without it nothing is measured")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--cells", nargs="+", choices=SIZES, default=list(SIZES))
    parser.add_argument("--seeds", type=int, default=1, help="networks of each kind")
    parser.add_argument("--passes", type=int, default=Recipe.passes, help="over the training part")
    parser.add_argument("--minutes", type=float, default=Recipe.minutes, help="that one network may take at most")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--json", type=Path, help="file that each network's figures are added to, one line for each")
    chosen = parser.parse_args(arguments)
    use_threads(chosen.threads)
    print("| set | cell | Chung et al. | gen | spread | by piece | validation | training | best pass | seconds |")
    print("|---" * 10 + "|")
    for music in chosen.sets if chosen.folder else ():
        parts = read_rolls(chosen.folder / SETS[music].file)
        recipe = replace(SETS[music].recipe, passes=chosen.passes, minutes=chosen.minutes)
        for cell in chosen.cells:
            runs = [run(music, cell, seed, parts, recipe) for seed in range(chosen.seeds)]
            if chosen.json:
                with chosen.json.open("a", encoding="utf-8") as file:
                    file.writelines(json.dumps(asdict(it)) + "\n" for it in runs)
            print(_row(runs), flush=True)
    return 0


def _row(runs: Sequence[Run]) -> str:
    """A line of the table: means, and the standard deviation of the test figure."""
    one, test = runs[0], [it.test for it in runs]
    spread = f"{stdev(test):.3f}" if len(test) > 1 else ""
    losses = (mean(it) for it in zip(*((r.test_by_piece, r.validation, r.training) for r in runs), strict=True))
    best, passes, seconds = (mean(it) for it in zip(*((r.best, r.passes, r.seconds) for r in runs), strict=True))
    return (
        f"| {one.music} | {one.cell} {SIZES[one.cell]} | {SETS[one.music].paper[one.cell]:.2f} "
        f"| {mean(test):.3f} | {spread} | {' | '.join(f'{it:.3f}' for it in losses)} "
        f"| {best:.0f} of {passes:.0f} | {seconds:.0f} |"
    )


def read_rolls(path: Path) -> tuple[list[Tensor], list[Tensor], list[Tensor]]:
    """The training, validation and test pieces of a .mat file, each (T, KEYS) of zeros and ones."""
    try:
        matlab = import_module("scipy.io")  # needed here alone: no dependency of the project
    except ModuleNotFoundError:
        sys.exit(f"{path.name} is MATLAB's, and scipy, which reads it, is not installed: pip install scipy")
    parts = map(matlab.loadmat(str(path)).get, ("traindata", "validdata", "testdata"))
    training, validation, test = ([torch.from_numpy(piece).float() for piece in part.ravel()] for part in parts)
    return training, validation, test


def key_shares(pieces: Sequence[Tensor]) -> Tensor:
    """The share of frames that each key sounds in (KEYS,), one half of a frame added to either side."""
    frames = torch.cat(list(pieces))
    return (frames.sum(0) + 0.5) / (len(frames) + 1)


def batches(pieces: Sequence[Tensor], size: int, seed: int, number: int) -> Iterator[list[Tensor]]:
    """The pieces of pass `number`, `size` at a time, about equally long, in an order of their own."""
    draws = generator(seed, "lengths", number)
    by_length = np.argsort([len(piece) * draws.uniform(0.8, 1.25) for piece in pieces])
    groups = [by_length[start : start + size] for start in range(0, len(pieces), size)]
    for group in permutation(seed, "groups", number, size=len(groups)):
        yield [pieces[i] for i in groups[group]]


def windows(pieces: Sequence[Tensor], length: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Pieces abreast, longest first, in windows of at most `length` frames.

    Yields:
        Frames (T, B, KEYS), the frames that follow them, and which of these are of a piece (T, B) and not beyond its
        end. B falls as pieces end: go on with the state's first B rows.
    """
    pieces = sorted(pieces, key=len, reverse=True)
    rolls = nn.utils.rnn.pad_sequence(pieces)
    predicted = torch.tensor([len(piece) - 1 for piece in pieces])
    for start in range(0, len(rolls) - 1, length):
        end = min(start + length, len(rolls) - 1)
        rows = int((predicted > start).sum())
        mask = torch.arange(start, end).unsqueeze(1) < predicted[:rows]
        yield rolls[start:end, :rows], rolls[start + 1 : end + 1, :rows], mask


def losses(logits: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Nats of each row (B,), summed over keys (T, B, KEYS) and over the frames that the mask (T, B) has."""
    each = functional.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return (each.sum(2) * mask).sum(0)


@torch.no_grad()
def measure(model: RollModel, pieces: Sequence[Tensor], abreast: int = 32, length: int = 256) -> tuple[float, float]:
    """Nats a frame, all but the first of each piece: the mean of the frames, and that of the means of the pieces."""
    model.eval()
    ordered = sorted(pieces, key=len, reverse=True)
    sums = torch.zeros(len(ordered), dtype=torch.float64)
    for start in range(0, len(ordered), abreast):
        group = ordered[start : start + abreast]
        state = model.encoder.initial_state(len(group))
        for x, targets, mask in windows(group, length):
            logits, state = model(x, state.select(slice(x.size(1))))
            sums[start : start + x.size(1)] += losses(logits, targets, mask)
    frames = torch.tensor([len(piece) - 1 for piece in ordered])
    return float(sums.sum() / frames.sum()), float((sums / frames).mean())


def run(music: str, cell: Cell, seed: int, parts: Sequence[list[Tensor]], recipe: Recipe) -> Run:
    """Train a network on the first part, choose its weights by the second, and measure it on the third."""
    began = time.perf_counter()
    training, validation, test = parts
    torch.manual_seed(seed)
    model = RollModel(cell, key_shares(training), seed)
    best, lowest, kept = 0, math.inf, model
    for passes, averaged in enumerate(train(model, training, seed, recipe), 1):
        now, _ = measure(averaged, validation)
        if now < lowest:
            best, lowest, kept = passes, now, copy.deepcopy(averaged)
    seconds = time.perf_counter() - began
    read, by_heart = measure(kept, test), measure(kept, training)[0]
    return Run(music, cell, seed, by_heart, lowest, *read, best, passes, round(seconds, 1))


def train(model: RollModel, pieces: list[Tensor], seed: int, recipe: Recipe) -> Iterator[RollModel]:
    """Train a model, and give the average of its weights after each pass."""
    config = TrainConfig(
        steps=1, learning_rate=recipe.rate, matrix_learning_rate=recipe.muon, warmup=recipe.warmup, decay=recipe.decay
    )
    optimizer = Optimizer(model, config)
    averaged = copy.deepcopy(model)
    began, updates = time.perf_counter(), 0
    for number in range(recipe.passes):
        for done, group in enumerate(batches(pieces, recipe.batch, seed, number)):
            state = model.encoder.initial_state(len(group))
            for x, targets, mask in windows(group, recipe.window):
                model.train()
                read = (x, state.select(slice(x.size(1))).detach(), recipe.dropout)
                logits, state = functional_call(model, _noisy(model, recipe.noise), read)
                # each frame weighs the same, however many of the group have ended
                mean_loss = losses(logits, targets, mask).sum() / (recipe.batch * recipe.window)
                mean_loss.backward()  # type: ignore[no-untyped-call]
                optimizer.clip_gradients()
                spent = (time.perf_counter() - began) / (60 * recipe.minutes)
                progress = max(spent, (number + done * recipe.batch / len(pieces)) / recipe.passes)
                optimizer.step(rate_factor(config, progress))
                updates += 1
                share = min(recipe.average, updates / (updates + 10))  # the first weights are soon forgotten
                with torch.no_grad():
                    for average, weight in zip(averaged.parameters(), model.parameters(), strict=True):
                        average.lerp_(weight, 1 - share)
                if spent >= 1:
                    yield averaged
                    return
        yield averaged


def _noisy(model: nn.Module, deviation: float) -> dict[str, Tensor]:
    """The weights, with noise on the matrices (Graves 2011)."""
    named = model.named_parameters()
    return {name: p + deviation * torch.randn_like(p) if deviation and p.ndim == 2 else p for name, p in named}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
