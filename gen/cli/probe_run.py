"""`gen probe RUN`: how far back a trained model looks, on text or music that it did not learn from."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen.cli.charts import Axis, Chart, Curve
from gen.cli.reading import open_corpus, own_corpus, shown_share
from gen.cli.terminal import plain, say

if TYPE_CHECKING:
    from gen.checkpoint import Checkpoint
    from gen.inspection import ContextLosses, GradientReach
    from gen.protocols import Ids

_CHARACTERS, _SECONDS = 12_000, 900.0  # that a model writes, where there is nothing else to read
_MARGIN = 0.01  # nats a token that are no loss worth the name
_SIGNS = "1234567890"


def probe_run(model_file: Path, corpus: str | None, seed: int | None) -> tuple[dict[str, Any], str, list[Chart]]:
    """Measure a model, and return what was found: as JSON values, as lines, as charts.

    Args:
        model_file: of any run.
        corpus: what to measure on, in place of the validation part of its own.
        seed: of what it writes where there is neither.
    """
    from gen.checkpoint import Checkpoint
    from gen.config import available_threads, require
    from gen.inspection import context_losses, gradient_reach
    from gen.models.language_model import RecurrentLanguageModel
    from gen.random import MAX_SEED
    from gen.runs import name_of
    from gen.training.device import use_threads

    seed = 0 if seed is None else seed
    require(0 <= seed <= MAX_SEED, "seed", seed, f"in 0 … {MAX_SEED}")
    checkpoint = Checkpoint.load(model_file)
    ids, measured_on, baselines = _text(checkpoint, corpus, seed)
    say(f"measured on {measured_on}", "dim")
    use_threads(available_threads())
    model = RecurrentLanguageModel(checkpoint.model)
    model.load_weights(checkpoint.weights)
    reach = shown_share("gradients", gradient_reach(model, ids))
    contexts = shown_share("contexts", context_losses(model, ids))
    name = plain(name_of(model_file))
    facts = {
        "run": name_of(model_file),
        "measured_on": measured_on,
        "gradients": reach.to_dict(),
        "contexts": contexts.to_dict(),
        "baselines": baselines,
    }
    return (
        facts,
        _report(reach, contexts, baselines),
        [_reach_chart(reach, name), _context_chart(contexts, baselines, name)],
    )


def _text(checkpoint: "Checkpoint", corpus: str | None, seed: int) -> "tuple[Ids, str, dict[str, float]]":
    """Ids to read, what they are, and what models that only count would make of them, if the run's corpus is here."""
    from gen.corpus.documents import ReadingOptions
    from gen.metrics.ngram import BOUNDED_TRAIN, BOUNDED_VALIDATION, witten_bell

    medium = checkpoint.tokenizer.medium
    if corpus is not None:
        part = open_corpus([corpus], ReadingOptions(medium=medium), tokenizer=checkpoint.tokenizer).whole
        return part.read(0, part.size), f"{plain(corpus)}, {part.size:,} tokens", {}
    own = own_corpus(checkpoint)
    if own is None:
        ids = _written(checkpoint, seed)
        return ids, f"{len(ids):,} tokens that the model wrote itself, at temperature 1, seed {seed}", {}
    ids = own.validation.read(0, own.validation.size)
    counted = own.train.read(max(0, own.train.size - BOUNDED_TRAIN), own.train.size)
    orders = {"unigram": 1, "bigram": 2} if medium == "music" else {"unigram": 1, "5-gram": 5}
    size = checkpoint.model.vocabulary_size
    baselines = {name: witten_bell(counted, ids[:BOUNDED_VALIDATION], size, order) for name, order in orders.items()}
    return ids, f"the validation part of its corpus, {len(ids):,} tokens", baselines


def _written(checkpoint: "Checkpoint", seed: int) -> "Ids":
    """What the model writes by itself."""
    from gen.config import SamplingConfig
    from gen.sampler import MusicSampler, Sampler, TextSampler

    sampler: Sampler = Sampler.of(checkpoint, precision="fp32")
    plainly = SamplingConfig(temperature=1.0)
    if isinstance(sampler, TextSampler):
        text = sampler.sample(n=_CHARACTERS, seed=seed, config=plainly, ignore_end=True).text
        return sampler.tokenizer.encode(text)
    assert isinstance(sampler, MusicSampler)
    return sampler.tokenizer.encode(sampler.sample(seconds=_SECONDS, seed=seed, config=plainly).score)


def _report(reach: "GradientReach", contexts: "ContextLosses", baselines: dict[str, float]) -> str:
    """What it comes to, in words and a table."""
    from gen.cli.terminal import table

    rows = [[f"{n:,}", f"{loss:.3f}", f"{contexts.errors[n]:.3f}"] for n, loss in contexts.losses.items()]
    lines = table(["context", "nats/token", "±"], rows, right={0, 1, 2})
    used = contexts.used(_MARGIN)
    longest = max(contexts.losses)
    told = [f"past the last {used:,} tokens, context is worth less than {_MARGIN} nats a token"]
    if used >= longest:
        told = [f"it makes use of all {longest:,} tokens, the longest context measured"]
    for part, norms in reach.norms.items():
        faded = next((k for k, norm in enumerate(norms, 1) if norm < norms[0] / 100), None)
        fades = f"from {faded} tokens back on" if faded else f"nowhere in {len(norms)} tokens"
        told.append(f"gradient of {part}: less than 1% of that one token back {fades}")
    told += [f"{name}: {loss:.3f} nats/token" for name, loss in baselines.items()]
    return lines + "".join(f"{line}\n" for line in told)


def _reach_chart(reach: "GradientReach", name: str) -> Chart:
    """The norms of gradients against the tokens that they were carried back."""
    curves = []
    layers = sum(part.startswith("h") for part in reach.norms)
    for sign, (part, norms) in zip(_cycled(len(reach.norms)), reach.norms.items(), strict=True):
        points = [(float(k), norm) for k, norm in enumerate(norms, 1)]
        if part == f"h{layers}":
            points.insert(0, (0.0, reach.last))
        curves.append(Curve(part, points, sign))
    shown = [y for curve in curves for _, y in curve.points if y > 0]
    high, low = max(shown, default=1.0), min(shown, default=0.1)
    low = max(low, high * 1e-12)
    return Chart(
        f"{name}: norm of d loss of a token / d state before",
        Axis("tokens back", 0, max(len(norms) for norms in reach.norms.values())),
        Axis("nats", low / 2, high * 2, log=True, digits="g"),
        curves,
    )


def _cycled(count: int) -> Sequence[str]:
    return [_SIGNS[number % len(_SIGNS)] for number in range(count)]


def _context_chart(contexts: "ContextLosses", baselines: dict[str, float], name: str) -> Chart:
    """The loss against the length of context."""
    points = [(float(n), loss) for n, loss in contexts.losses.items()]
    values = [*contexts.losses.values(), *baselines.values()]
    room = 0.05 * (max(values) - min(values)) or 0.1
    return Chart(
        f"{name}: loss when it has read the last tokens only",
        Axis("tokens of context", 1, max(2, max(contexts.losses)), log=True, ticks=list(contexts.losses)),
        Axis("nats a token", min(values) - room, max(values) + room, digits=".2f"),
        [Curve("model", points, "o")],
        [(f"{kind} {loss:.3f}", loss) for kind, loss in baselines.items()],
    )
