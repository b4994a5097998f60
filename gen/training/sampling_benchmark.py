"""How fast this installation samples: our engines beside a plain PyTorch loop of the same network, in turns.

All draw ids at temperature 0.8 from an LSTM with the same weights, for some streams side by side: ours through
`gen.decoding`, as `gen sample` does; PyTorch through `nn.LSTM`, `softmax` and `multinomial`, as it comes and without
oneDNN, which packs an LSTM's weights anew at every call, with one thread or all, whichever is faster. All take turns,
so that a machine busy with other things slows all of them, and medians are compared. What is read of the weights is
held against a loop that only reads as many bytes.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gen.checkpoint import Checkpoint
from gen.config import ModelConfig, SamplingConfig, available_threads
from gen.decoding import sample_streams
from gen.engine import EnginePrecision, NativeEngine, NumpyEngine, instruction_sets, read_speed
from gen.models.initialization import initial_weights
from gen.random import Draws
from gen.tokenizers import CharTokenizer

VOCABULARY, TEMPERATURE = 65, 0.8
_SECONDS = 0.3  # that a turn takes

Writer = Iterator[int]
"""Writes on for all streams, and yields how many ids it wrote."""


@dataclass(frozen=True, slots=True)
class SamplingRow:
    """The speed of one engine at one shape.

    Attributes:
        layers: L.
        hidden: H.
        batch: B, streams side by side.
        engine: its name.
        tokens_per_second: of all streams together.
    """

    layers: int
    hidden: int
    batch: int
    engine: str
    tokens_per_second: int

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Bandwidth:
    """What one stream reads of its weights, beside a loop that only reads.

    Attributes:
        layers: L.
        hidden: H.
        engine: its name.
        bytes: of the weights that an id needs.
        used: bytes/s that the engine reads.
        limit: bytes/s of the loop, with as many threads as make it fastest.
        share: used to limit.
    """

    layers: int
    hidden: int
    engine: str
    bytes: int
    used: int
    limit: int
    share: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class FirstCharacter:
    """How long it takes until something can be read.

    Attributes:
        sample: seconds from the start of `gen sample` to its first character.
        torch: seconds that `python -c 'import torch'` takes.
        ratio: of the two.
    """

    sample: float
    torch: float
    ratio: float

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return asdict(self)


def bench_sampling(
    shapes: Iterable[tuple[int, int]], batches: Iterable[int] = (1, 8, 64), *, rounds: int = 5
) -> Iterator[SamplingRow | Bandwidth]:
    """Measure, and yield a row for each shape, batch and engine; after those of batch 1 what the native ones read.

    Args:
        shapes: layers and hidden of each.
        batches: B of each.
        rounds: in which each takes its turn.
    """
    threads, batches = torch.get_num_threads(), tuple(batches)
    try:
        for layers, hidden in shapes:
            yield from _bench(layers, hidden, batches, rounds)
    finally:  # they are the whole process's
        torch.set_num_threads(threads)
        torch.backends.mkldnn.set_flags(True)  # type: ignore[no-untyped-call]


def _bench(layers: int, hidden: int, batches: tuple[int, ...], rounds: int) -> Iterator[SamplingRow | Bandwidth]:
    """Of one shape."""
    config = ModelConfig(vocabulary_size=VOCABULARY, layers=layers, hidden=hidden)
    weights = initial_weights(config, seed=0)
    native = {}
    precisions: tuple[EnginePrecision, ...] = ("int8", "fp32")
    if instruction_sets():
        native = {f"native-{it}": NativeEngine(config, weights, it) for it in precisions}
    for batch in batches:
        writers = {name: _ours(engine, batch) for name, engine in native.items()}
        writers["numpy"] = _ours(NumpyEngine(config, weights), batch)
        writers |= _torch_writers(config, weights, batch)
        turns: dict[str, Callable[[], float]] = {name: _turn(writer) for name, writer in writers.items()}
        if batch == 1:
            turns |= {f"{name} limit": _reading(engine.weight_bytes) for name, engine in native.items()}
        found = _in_turns(turns, rounds)
        yield from (SamplingRow(layers, hidden, batch, name, round(found[name])) for name in writers)
        for name, engine in native.items() if batch == 1 else ():
            used, limit = found[name] * engine.weight_bytes, found[f"{name} limit"]
            yield Bandwidth(layers, hidden, name, engine.weight_bytes, round(used), round(limit), used / limit)


def _in_turns(turns: dict[str, Callable[[], float]], rounds: int) -> dict[str, float]:
    """The medians of what each gives, after a turn that does not count."""
    found: dict[str, list[float]] = {name: [] for name in turns}
    for number in range(rounds + 1):
        for name, turn in turns.items():
            speed = turn()
            if number:
                found[name].append(speed)
    return {name: median(speeds) for name, speeds in found.items()}


def _turn(writer: Writer) -> Callable[[], float]:
    """Ids a second."""

    def turn() -> float:
        count, began = 0, time.perf_counter()
        while (spent := time.perf_counter() - began) < _SECONDS:
            count += next(writer)
        return count / spent

    return turn


def _reading(size: int) -> Callable[[], float]:
    """Bytes a second."""
    return lambda: read_speed(size, seconds=_SECONDS)


def _ours(engine: NativeEngine | NumpyEngine, batch: int) -> Writer:
    config = SamplingConfig(temperature=TEMPERATURE)
    streams = sample_streams(engine, [[0]] * batch, config=config, draws=[Draws(0, k) for k in range(batch)])
    while True:
        ids = streams[0].take()
        for stream in streams[1:]:
            for _ in islice(stream, len(ids)):
                pass
        yield len(ids) * batch


def _torch_writers(config: ModelConfig, weights: dict[str, NDArray[np.float32]], batch: int) -> dict[str, Writer]:
    """Each with the number of threads that makes it faster."""
    found = {}
    for name, onednn in (("torch", True), ("torch-no-onednn", False)):
        choices = {threads: _torch(config, weights, batch, onednn, threads) for threads in {1, available_threads()}}
        speeds = {threads: max(_turn(writer)() for _ in range(2)) for threads, writer in choices.items()}
        found[name] = choices[max(speeds, key=speeds.__getitem__)]
    return found


def _torch(
    config: ModelConfig, weights: dict[str, NDArray[np.float32]], batch: int, onednn: bool, threads: int
) -> Writer:
    """The loop that one writes first."""
    tensors = {name: torch.from_numpy(array) for name, array in weights.items()}
    embedding = nn.Embedding(config.vocabulary_size, config.hidden)
    embedding.load_state_dict({"weight": tensors["embedding.weight"]})
    lstm = nn.LSTM(config.hidden, config.hidden, config.layers)
    output = nn.Linear(config.hidden, config.vocabulary_size)
    output.load_state_dict({"weight": tensors[config.output_weight], "bias": tensors["output.bias"]})
    for layer in range(config.layers):
        for name, ours in (("weight_ih", "input_weight"), ("weight_hh", "recurrent_weight"), ("bias_ih", "bias")):
            getattr(lstm, f"{name}_l{layer}").data.copy_(tensors[f"encoder.layers.{layer}.{ours}"])
        getattr(lstm, f"bias_hh_l{layer}").data.zero_()
    ids, state = torch.zeros(1, batch, dtype=torch.long), None
    while True:
        # of the whole process: others take turns
        torch.backends.mkldnn.set_flags(onednn)  # type: ignore[no-untyped-call]
        if torch.get_num_threads() != threads:
            torch.set_num_threads(threads)
        with torch.no_grad():
            hidden, state = lstm(embedding(ids), state)
            ids = torch.multinomial((output(hidden[0]) / TEMPERATURE).softmax(-1), 1).T
        yield batch


def first_character(*, rounds: int = 5) -> FirstCharacter:
    """Medians of two processes, which take turns: `gen sample` of a 2 x 256 LSTM, and what only loads PyTorch.

    Args:
        rounds: of both.
    """
    tokenizer = CharTokenizer(map(chr, range(33, 33 + VOCABULARY)))
    config = ModelConfig(vocabulary_size=len(tokenizer.vocabulary), layers=2, hidden=256)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.safetensors"
        Checkpoint(config, tokenizer, initial_weights(config, seed=0), {}).save(path)
        sampling = ["-m", "gen", "sample", str(path), "-n", "1000000", "--ignore-end", "-q"]
        found: dict[str, list[float]] = {"sample": [], "torch": []}
        for _ in range(rounds):
            found["sample"].append(_first_byte(sampling))
            found["torch"].append(_first_byte(["-c", "import torch; print(0)"]))
    sample, loading = median(found["sample"]), median(found["torch"])
    return FirstCharacter(sample, loading, sample / loading)


def _first_byte(arguments: list[str]) -> float:
    """Seconds until Python, called like this, writes something."""
    began = time.perf_counter()
    with subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, stdin=subprocess.DEVNULL) as process:
        assert process.stdout
        process.stdout.read(1)
        spent = time.perf_counter() - began
        process.kill()
    return spent
