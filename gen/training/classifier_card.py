"""The README that a classifier's run writes beside its model."""

from typing import Any

from gen.checkpoint import ClassifierCheckpoint
from gen.training.model_card import plain_source

_LISTED = 50  # labels


def classifier_card(name: str, checkpoint: ClassifierCheckpoint) -> str:
    """Markdown that says what the model tells apart, what it learned from, how well, and how to use it."""
    model, classifier, provenance = checkpoint.model, checkpoint.classifier, checkpoint.provenance
    corpus: dict[str, Any] = provenance["corpus"]
    figures: dict[str, Any] = provenance["validation"]
    train: dict[str, Any] = provenance["train"]
    trained, held_out = corpus["train_labels"], corpus["validation_labels"]
    labels = "\n".join(
        f"| {plain_source(label)} | {trained[label]:,} | {held_out[label]:,} |" for label in classifier.labels[:_LISTED]
    )
    more = f"\n| and {len(classifier.labels) - _LISTED:,} more | | |" if len(classifier.labels) > _LISTED else ""
    source = "a language model's, " + ("frozen" if train["freeze"] else "trained on") if "from" in provenance else "new"
    parameters = sum(array.size for array in checkpoint.weights.values())
    versions = ", ".join(f"{name} {version}" for name, version in provenance["versions"].items())
    return f"""# {name}

A {model.cell} classifier of {checkpoint.tokenizer.medium}: {model.layers} layers of {model.hidden} over
{len(checkpoint.tokenizer.vocabulary):,} symbols, {parameters:,} weights. Written by `gen`.

    gen classify predict {name} FILE

| | |
|---|---|
| learned from | {", ".join(plain_source(source) for source in corpus["sources"])} |
| documents | {corpus["train_documents"]:,} to train on, {corpus["validation_documents"]:,} to validate |
| corpus checksum | `{corpus["checksum"]}` |
| reads | the {classifier.keep} {classifier.length:,} tokens of a document; {classifier.pooling} state |
| encoder | {source} |
| validation | accuracy {figures["accuracy"]:.4f}, macro F1 {figures["macro_f1"]:.4f}, {figures["loss"]:.4f} nats |
| always the commonest class | accuracy {figures["majority"]:.4f} |
| calibration | expected error {figures["calibration_error"]:.4f} |
| steps | {provenance["steps"]:,} of {train["batch_size"]} documents; the model is that of step {figures["step"]:,} |
| dropout | {train["dropout"]:g}, recurrent {train["recurrent_dropout"]:g} |
| seed | {provenance["seed"]} |
| versions | {versions} |

| class | to train on | to validate |
|---|---|---|
{labels}{more}

The model was chosen by the validation part, so its figures there are a little better than elsewhere.
`model.safetensors` is complete: weights, settings, tokenizer and this provenance. It holds no code.
"""
