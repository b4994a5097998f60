"""Tokens a second that the numpy engine samples at batch 1, beside a plain loop over `torch.nn.LSTM`.

    python benchmarks/sample.py --layers 2 --hidden 256

All compute the same logits from the same weights, one id a call; drawing the next id is left out. They take turns, so
that a machine busy with other things slows all, and the medians are compared. torch runs without gradients, as it comes
and without oneDNN, which packs an LSTM's weights anew at every call; numpy runs on one thread, as the command line has
it.
"""

import argparse
import os
import platform
import time
from collections.abc import Iterator
from itertools import cycle, islice
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gen.config import ModelConfig
from gen.engine import NumpyEngine
from gen.models.initialization import initial_weights

TOKENS = 100  # different ids, read again and again


def read_with_engine(config: ModelConfig, ids: NDArray[np.int64]) -> Iterator[NDArray[np.float32]]:
    """The engine's logits after one id after another, without end."""
    engine = NumpyEngine(config, initial_weights(config, seed=0))
    state = engine.initial_state(1)
    for token in cycle(np.split(ids, len(ids))):
        logits, state = engine.step(token, state)
        yield logits[0]


def read_with_torch(config: ModelConfig, ids: NDArray[np.int64], onednn: bool) -> Iterator[NDArray[np.float32]]:
    """The same from torch's own modules."""
    weights = {name: torch.from_numpy(array) for name, array in initial_weights(config, seed=0).items()}
    embedding = nn.Embedding(config.vocabulary_size, config.hidden)
    embedding.load_state_dict({"weight": weights["embedding.weight"]})
    lstm = nn.LSTM(config.hidden, config.hidden, config.layers)
    output = nn.Linear(config.hidden, config.vocabulary_size)
    output.load_state_dict({"weight": weights["output.weight"], "bias": weights["output.bias"]})
    for layer in range(config.layers):
        for name, ours in (("weight_ih", "input_weight"), ("weight_hh", "recurrent_weight"), ("bias_ih", "bias")):
            getattr(lstm, f"{name}_l{layer}").data.copy_(weights[f"encoder.layers.{layer}.{ours}"])
        getattr(lstm, f"bias_hh_l{layer}").data.zero_()
    state = None
    for token in cycle(torch.from_numpy(ids).view(-1, 1, 1)):
        torch.backends.mkldnn.set_flags(onednn)  # type: ignore[no-untyped-call]  # for the whole process: others take turns
        with torch.no_grad():
            hidden, state = lstm(embedding(token), state)
            logits = output(hidden)
        yield logits[0, 0].numpy()


def tokens_per_second(reader: Iterator[NDArray[np.float32]], seconds: float) -> float:
    """How many ids `reader` reads a second, measured for `seconds`."""
    count = 0
    began = time.perf_counter()
    while (spent := time.perf_counter() - began) < seconds:
        next(reader)
        count += 1
    return count / spent


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description="Sampling speed at batch 1: the numpy engine beside torch.nn.LSTM.")
    parser.add_argument("--layers", type=int, default=2)
    parser.add_argument("--hidden", type=int, default=256)
    parser.add_argument("--vocabulary", type=int, default=65)
    parser.add_argument("--turns", type=int, default=5, help="of each, alternating")
    parser.add_argument("--seconds", type=float, default=1.0, help="that a turn takes")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="of torch (default: its choice)")
    given = parser.parse_args()
    torch.set_num_threads(given.threads)

    config = ModelConfig(vocabulary_size=given.vocabulary, layers=given.layers, hidden=given.hidden)
    ids = np.random.default_rng(0).integers(config.vocabulary_size, size=TOKENS)
    readers = {
        "gen, numpy engine": read_with_engine(config, ids),
        "torch.nn.LSTM loop": read_with_torch(config, ids, onednn=True),
        "  without oneDNN": read_with_torch(config, ids, onednn=False),
    }
    for ours, *theirs in islice(zip(*readers.values(), strict=True), TOKENS):
        assert all(np.abs(ours - logits).max() < 1e-4 for logits in theirs), "they do not compute the same"
    speeds: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(given.turns):
        for name, reader in readers.items():
            speeds[name].append(tokens_per_second(reader, given.seconds))

    print(
        f"LSTM {given.layers} x {given.hidden}, {given.vocabulary} symbols, batch 1, fp32: {given.turns} turns of each"
    )
    print(f"{platform.machine()}, numpy {np.__version__}, torch {torch.__version__} with {given.threads} threads\n")
    print(f"{'tokens/s':20}{'median':>10}{'slowest':>10}{'fastest':>10}{'gen is':>10}")
    engine_speed = median(speeds["gen, numpy engine"])
    for name, found in speeds.items():
        row = f"{name:20}{median(found):10,.0f}{min(found):10,.0f}{max(found):10,.0f}"
        print(f"{row}{engine_speed / median(found):9.2f}x")


if __name__ == "__main__":
    main()
