"""`gen bench`: how fast this installation is, beside what it is to be compared with, in one run."""

import json
from typing import Annotated

import typer

from gen.config import Cell

_LAYERS = 2
_BATCHES = (1, 8, 64)

commands = typer.Typer(help="Measure this installation.", no_args_is_help=True)


@commands.callback()
def bench() -> None:
    """Measure this installation."""


@commands.command("train")
def train(
    *,
    cell: Annotated[
        list[str] | None, typer.Option(help="rnn, lstm or gru; repeatable. Default: all.", show_default=False)
    ] = None,
    hidden: Annotated[
        list[int] | None,
        typer.Option(help="Units of a layer; repeatable. Default: 256 and 512.", show_default=False),
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each takes its turn.")] = 5,
    threads: Annotated[int | None, typer.Option(help="Threads. Default: a processor each.", show_default=False)] = None,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Training: our trainer beside a plain PyTorch loop of the same model, and the share of the machine's peak."""
    from gen.cli.terminal import say, table, write_product
    from gen.config import GATES, ModelConfig, available_threads, require

    require(rounds >= 1, "rounds", rounds, "1 or more")
    sizes = tuple(hidden or (256, 512))
    cells: tuple[Cell, ...] = tuple(cell or GATES)  # type: ignore[arg-type]
    for each in cells:
        for size in sizes:
            ModelConfig(vocabulary_size=1, cell=each, hidden=size)  # complains of what cannot be
    require(threads is None or threads >= 1, "threads", threads, "1 or more")
    from gen.training.benchmark import BATCH, LENGTH, bench
    from gen.training.device import use_threads

    use_threads(threads or available_threads())

    say(f"batch {BATCH} x {LENGTH}, in turns, medians of {rounds}: it takes a minute or two", "dim")
    rows = []
    for row in bench([(each, _LAYERS, size) for size in sizes for each in cells], rounds=rounds):
        rows.append(row)
        say(f"{row.cell} {row.layers} x {row.hidden}: {row.ratio:.2f} times the plain loop", "dim")
    if as_json:
        write_product(json.dumps({"rows": [row.to_dict() for row in rows]}) + "\n")
        return
    header = ["model", "precision", "plain tokens/s", "gen tokens/s", "ratio", "with Muon", "of peak"]
    body = [
        [
            f"{row.cell} {row.layers} x {row.hidden}",
            row.precision,
            f"{row.plain:,.0f}",
            f"{row.ours:,.0f}",
            f"{row.ratio:.2f}",
            f"{row.ours_with_muon:,.0f}",
            f"{row.share_of_peak:.0%}",
        ]
        for row in rows
    ]
    write_product(table(header, body, right={2, 3, 4, 5, 6}))


@commands.command("sample")
def sample(
    *,
    hidden: Annotated[
        list[int] | None,
        typer.Option(help="Units of a layer; repeatable. Default: 256 and 512.", show_default=False),
    ] = None,
    layers: Annotated[int, typer.Option(help="Layers.")] = _LAYERS,
    batch: Annotated[
        list[int] | None,
        typer.Option(help="Streams side by side; repeatable. Default: 1, 8 and 64.", show_default=False),
    ] = None,
    rounds: Annotated[int, typer.Option(help="How often each takes its turn.")] = 5,
    as_json: Annotated[bool, typer.Option("--json", help="As one JSON object.")] = False,
) -> None:
    """Sampling: our engines beside plain PyTorch, and what they read of the weights beside what can be read."""
    from gen.cli.terminal import say, table, write_product
    from gen.config import ModelConfig, require

    require(rounds >= 1, "rounds", rounds, "1 or more")
    sizes, batches = hidden or [256, 512], batch or list(_BATCHES)
    for size in sizes:
        ModelConfig(vocabulary_size=1, layers=layers, hidden=size)  # complains of what cannot be
    for number in batches:
        require(1 <= number <= 4096, "batch", number, "in 1 … 4096")
    from gen.training.sampling_benchmark import Bandwidth, SamplingRow, bench_sampling, first_character

    say(f"in turns, medians of {rounds}: it takes a minute or two", "dim")
    rows: list[SamplingRow] = []
    bandwidth: list[Bandwidth] = []
    for found in bench_sampling([(layers, size) for size in sizes], batches, rounds=rounds):
        if isinstance(found, Bandwidth):
            bandwidth.append(found)
            continue
        rows.append(found)
        shape = f"lstm {found.layers} x {found.hidden}, {found.batch} streams"
        say(f"{shape}: {found.engine} {found.tokens_per_second:,} tokens/s", "dim")
    first = first_character(rounds=2 * rounds + 1)  # a process may meet the machine at its fast or at its slow
    if as_json:
        facts = {"rows": [row.to_dict() for row in rows], "bandwidth": [it.to_dict() for it in bandwidth]}
        write_product(json.dumps(facts | {"first_character": first.to_dict()}) + "\n")
        return
    best = {
        (row.hidden, row.batch): max(
            it.tokens_per_second
            for it in rows
            if (it.hidden, it.batch) == (row.hidden, row.batch) and it.engine.startswith("torch")
        )
        for row in rows
    }
    body = [
        [
            f"lstm {row.layers} x {row.hidden}",
            str(row.batch),
            row.engine,
            f"{row.tokens_per_second:,}",
            f"{row.tokens_per_second / best[row.hidden, row.batch]:.2f}",
        ]
        for row in rows
    ]
    write_product(table(["model", "streams", "engine", "tokens/s", "to torch's best"], body, right={1, 3, 4}))
    reads = [
        [
            f"lstm {it.layers} x {it.hidden}",
            it.engine,
            f"{it.bytes / 1e6:.2f} MB",
            f"{it.used / 1e9:.0f} GB/s",
            f"{it.limit / 1e9:.0f} GB/s",
            f"{it.share:.0%}",
        ]
        for it in bandwidth
    ]
    if reads:
        header = ["model", "one stream", "weights", "reads", "can be read", "share"]
        write_product("\n" + table(header, reads, right={2, 3, 4, 5}))
    write_product(f"\nfirst character after {first.sample:.2f} s; 'import torch' takes {first.torch:.2f} s\n")
