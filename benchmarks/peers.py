"""Training beside its peers: a small GPT for the same time, and the sizes of torch-rnn beside a plain loop.

    python benchmarks/peers.py                                # torch-rnn's grid alone
    python benchmarks/peers.py tinyshakespeare.txt            # and the GPT's 2,000 steps: how fast is this machine?
    python benchmarks/peers.py tinyshakespeare.txt --minutes 3 --seeds 3

The GPT has the hyper-parameters that nanoGPT publishes for tiny Shakespeare on a processor: 4 layers, 4 heads, 128
wide, 64 characters of context, batch 12, no dropout, AdamW (0.9, 0.99; decay 0.1 on matrices), rate 1e-3 falling by a
cosine to 1e-4 after 100 steps, gradients clipped at 1, fp32; 20 batches of either part are read every 250 steps. The
model is that of Radford et al. 2019 (norm first, GELU, learned positions, tied embedding), and the code our own. Both
train on the first nine tenths and are measured on the last: nats a character, the GPT in cold windows of 64, ours in
those, in cold windows of 256, and in one stateful pass. torch-rnn's grid is batch and chunk of 50, 1 to 3 layers of 64
to 512 units.
"""

import argparse
import json
import math
import time
from pathlib import Path
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from gen.config import Cell, available_threads
from gen.corpus.token_corpus import TokenCorpus
from gen.evaluation.losses import WINDOW
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation, cold_loss
from gen.training.benchmark import bench
from gen.training.device import use_threads
from gen.training.trainer import Trainer

CONTEXT, BATCH, LAYERS, HEADS, WIDTH = 64, 12, 4, 4, 128
STEPS, WARMUP, PEAK, FLOOR, DECAY = 2_000, 100, 1e-3, 1e-4, 0.1
EVALUATE, EVALUATED = 250, 20
CELLS: tuple[Cell, ...] = ("lstm", "rnn")  # those that torch-rnn has
GRID = [(cell, layers, hidden) for cell in CELLS for layers in (1, 2, 3) for hidden in (64, 128, 256, 512)]


class Block(nn.Module):
    """Attention and a perceptron, each added to what it read."""

    def __init__(self) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(WIDTH, bias=False) for _ in range(2))
        self.attend, self.project = nn.Linear(WIDTH, 3 * WIDTH, bias=False), nn.Linear(WIDTH, WIDTH, bias=False)
        self.widen, self.narrow = nn.Linear(WIDTH, 4 * WIDTH, bias=False), nn.Linear(4 * WIDTH, WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Vectors (B, T, WIDTH) to vectors."""
        batch, length, _ = x.shape
        heads = self.attend(self.norms[0](x)).view(batch, length, 3, HEADS, WIDTH // HEADS).permute(2, 0, 3, 1, 4)
        query, key, value = heads
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.project(mixed.transpose(1, 2).reshape(batch, length, WIDTH))
        widened: Tensor = functional.gelu(self.widen(self.norms[1](x)))
        return x + self.narrow(widened)  # type: ignore[no-any-return]


class GPT(nn.Module):
    """The stack, with tied embeddings."""

    def __init__(self, vocabulary: int) -> None:
        super().__init__()
        self.tokens, self.positions = nn.Embedding(vocabulary, WIDTH), nn.Embedding(CONTEXT, WIDTH)
        self.blocks = nn.Sequential(*(Block() for _ in range(LAYERS)))
        self.norm = nn.LayerNorm(WIDTH, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.ndim == 2:
                last = name.endswith(("project.weight", "narrow.weight"))
                nn.init.normal_(parameter, std=0.02 / math.sqrt(2 * LAYERS) if last else 0.02)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits (B, T, V) for ids (B, T)."""
        x = self.tokens(ids) + self.positions(torch.arange(ids.size(1)))
        return self.norm(self.blocks(x)) @ self.tokens.weight.T  # type: ignore[no-any-return]


def loss_of(model: GPT, ids: Tensor) -> Tensor:
    """Nats a character over windows (B, CONTEXT + 1)."""
    return functional.cross_entropy(model(ids[:, :-1]).flatten(0, 1), ids[:, 1:].flatten())


def train(ids: Tensor, held_out: Tensor, minutes: float | None, seed: int) -> dict[str, Any]:
    """Train for the recipe's steps, or with its schedule over `minutes`; return the figures."""
    torch.manual_seed(seed)
    model = GPT(int(torch.cat([ids, held_out]).max()) + 1)
    matrices = [p for p in model.parameters() if p.ndim == 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": DECAY}, {"params": vectors, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=PEAK, betas=(0.9, 0.99))
    window = torch.arange(CONTEXT + 1)

    def batch(part: Tensor) -> Tensor:
        return part[torch.randint(len(part) - CONTEXT, (BATCH, 1)) + window]

    began, step, progress = time.perf_counter(), 0, 0.0
    while progress < 1:
        if step % EVALUATE == 0:
            with torch.no_grad():
                for part in (ids, held_out):
                    sum(loss_of(model, batch(part)).item() for _ in range(EVALUATED))
        rate = FLOOR + (PEAK - FLOOR) * (1 + math.cos(math.pi * progress)) / 2
        for group in optimizer.param_groups:
            group["lr"] = min(rate, PEAK * (step + 1) / WARMUP)
        loss_of(model, batch(ids)).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        progress = step / STEPS if minutes is None else (time.perf_counter() - began) / (60 * minutes)
    seconds = time.perf_counter() - began
    starts = torch.arange(0, len(held_out) - CONTEXT, CONTEXT)[:, None]
    with torch.no_grad():
        losses = [loss_of(model, held_out[rows + window]) * len(rows) for rows in torch.split(starts, 64)]
    return {"model": "GPT", "steps": step, "seconds": round(seconds, 1), "cold_64": float(sum(losses)) / len(starts)}


def train_ours(path: Path, minutes: float, seed: int) -> dict[str, Any]:
    """Our trainer with its own recipe, for the same time."""
    trainer = Trainer.start(TokenCorpus.open(path), minutes=minutes, seed=seed)
    for _ in trainer.run():
        pass
    assert trainer.best is not None
    model = RecurrentLanguageModel(trainer.best.model)
    model.load_weights(trainer.best.weights)
    ids = trainer._corpus.validation.read(0, trainer._corpus.validation.size)
    exact = Validation(model, ids)
    for _ in exact.run():
        pass
    return {
        "model": f"{model.config.cell} {model.config.layers} x {model.config.hidden}",
        "steps": trainer.step,
        "stateful": exact.loss,
        **{f"cold_{window}": _cold(model, ids, window) for window in (CONTEXT, WINDOW)},
    }


def _cold(model: RecurrentLanguageModel, ids: NDArray[Any], window: int) -> float:
    running = cold_loss(model, ids, window)
    while True:
        try:
            next(running)
        except StopIteration as end:
            return float(end.value)


def _compare(path: Path, minutes: float | None, seeds: int) -> None:
    text = path.read_text(encoding="utf-8")
    alphabet = {character: i for i, character in enumerate(sorted(set(text)))}
    ids = torch.tensor([alphabet[character] for character in text])
    cut = int(0.9 * len(ids))
    for seed in range(seeds):
        print(json.dumps({"minutes": minutes, "seed": seed} | train(ids[:cut], ids[cut:], minutes, seed)), flush=True)
        if minutes is not None:
            print(json.dumps({"minutes": minutes, "seed": seed} | train_ours(path, minutes, seed)), flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("path", type=Path, nargs="?")
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--seeds", type=int, default=1)
    arguments = parser.parse_args()
    use_threads(available_threads())
    if arguments.path is not None:
        _compare(arguments.path, arguments.minutes, arguments.seeds)
    else:
        for row in bench(GRID, batch=50, length=50, rounds=5):
            print(json.dumps(row.to_dict()), flush=True)
