"""`gen ls`: the runs, newest first."""

from collections.abc import Mapping
from typing import Any

from gen.cli.options import RunsFolder


def ls(out: RunsFolder = None) -> None:
    """List the runs, newest first."""
    from gen.checkpoint import Checkpoint
    from gen.cli.terminal import plain, say, table, write_product
    from gen.errors import GenError
    from gen.runs import list_runs, runs_folder

    folder = runs_folder(out)
    rows = []
    for run in list_runs(folder):
        try:
            summary = Checkpoint.describe(run.file())
        except GenError as error:
            rows.append([run.name, "cannot be read", "", "", "", "", "", plain(str(error))])
            continue
        figures = summary.get("validation", {})
        rows.append(
            [
                plain(run.name),
                _read(summary["tokenizer"]),
                f"{summary['cell']} {summary['layers']} x {summary['hidden']}{_labels(summary)}",
                f"{summary['parameters']:,}",
                f"{summary.get('steps', 0):,}",
                f"{figures['nats_per_token']:.4f}" if "nats_per_token" in figures else "",
                _per_unit(figures),
                plain(", ".join(summary.get("corpus", {}).get("sources", ()))),
            ]
        )
    if not rows:
        say(f"no run in {folder}: train one with 'gen train CORPUS', or 'gen train @python'")
        return
    header = ["run", "reads", "model", "weights", "steps", "nats/token", "that is", "corpus"]
    write_product(table(header, rows, right={3, 4, 5, 6}))


def _read(tokenizer: Mapping[str, Any]) -> str:
    """What a model reads: music, text, or text in other tokens than characters."""
    from gen.cli.terminal import plain
    from gen.tokenizers import MEDIA

    kind = tokenizer["kind"]
    if kind in ("char", "midi"):
        return MEDIA[kind]
    if kind not in MEDIA:  # of a newer gen
        return plain(kind)
    name = "bpe" if tokenizer.get("algorithm") == "bpe" else kind
    return f"text, {name}" + (f":{tokenizer['symbols']}" if kind != "byte" else "")


def _labels(summary: Mapping[str, Any]) -> str:
    """Of a classifier, how many classes it tells apart."""
    return f" for {len(summary['classifier']['labels'])} classes" if "classifier" in summary else ""


def _per_unit(figures: Mapping[str, float]) -> str:
    """The loss in what the medium is measured in; of a classifier, its accuracy."""
    if "accuracy" in figures:
        return f"{figures['accuracy']:.1%} right"
    if "nats_per_note" in figures:
        return f"{figures['nats_per_note']:.2f} nats/note"
    if "bits_per_byte" in figures:
        return f"{figures['bits_per_byte']:.3f} bits/byte"
    return f"{figures['bits_per_character']:.3f} bits/char" if figures else ""
