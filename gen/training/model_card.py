"""The README that a run writes beside its model."""

from typing import Any

from gen.checkpoint import Checkpoint
from gen.engine import LOSS_CHANGE


def model_card(name: str, checkpoint: Checkpoint) -> str:
    """Markdown that says what the model is, what it learned from, how well, and how to use it."""
    model, provenance = checkpoint.model, checkpoint.provenance
    corpus: dict[str, Any] = provenance["corpus"]
    figures: dict[str, Any] = provenance["validation"]
    baseline: dict[str, Any] = provenance["baseline"]
    train: dict[str, Any] = provenance["train"]
    symbols = len(checkpoint.tokenizer.vocabulary)
    music = checkpoint.tokenizer.medium == "music"
    use = "-o tune.mid -o tune.wav" if music else '--prompt "..." --temp 0.8'
    size = (
        f"{corpus['notes']:,} notes, {corpus['seconds'] / 3600:.1f} hours"
        if music
        else f"{corpus['characters']:,} characters"
    )
    losses = ", ".join(
        f"{value:.4f} {name.replace('_per_', ' a ').replace('_', ' ')}"
        for name, value in figures.items()
        if "_per_" in name
    )
    residual = ", residual" if model.residual else ""
    tied = ", tied" if model.tied else ""
    ngrams = f", n-grams up to {model.ngrams}" if model.ngrams > 1 else ""
    change = provenance.get(LOSS_CHANGE)
    int8 = "not measured" if change is None else f"{change:+.4f} nats a token"
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return f"""# {name}

A {model.cell} language model of {checkpoint.tokenizer.medium} over {symbols} symbols: {model.layers} layers of
{model.hidden}{residual}{tied}{ngrams}, {model.parameters:,} weights. Written by `gen`.

    gen sample {name} {use}

| | |
|---|---|
| learned from | {", ".join(plain_source(source) for source in corpus["sources"])} |
| corpus | {size} |
| corpus checksum | `{corpus["checksum"]}` |
| validation | {losses} |
| protocol | {figures["protocol"]}, over {figures["tokens"]:,} tokens |
| the same in int8 | {int8} |
| {baseline["model"]} | {baseline["nats_per_token"]:.4f} nats a token |
| steps | {provenance["steps"]:,}; the model is that of step {figures["step"]:,} |
| batch, chunk | {train["batch_size"]} x {train["sequence_length"]} |
| seed | {provenance["seed"]} |
| versions | {versions} |

`model.safetensors` is complete: weights, settings, tokenizer and this provenance. It holds no code.
"""


def plain_source(source: str) -> str:
    """A path that cannot break the table or style the page."""
    return "".join(c if c.isprintable() and c not in "|`<>[]*\\" else "?" for c in source)
