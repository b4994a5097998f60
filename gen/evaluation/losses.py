"""The loss of a model on a part of a corpus, beside those of models that only count."""

from collections.abc import Generator
from dataclasses import dataclass
from typing import Any

from gen.checkpoint import Checkpoint
from gen.config import Medium
from gen.corpus.parts import Part
from gen.errors import CorpusError
from gen.metrics.ngram import BOUNDED_TRAIN, BOUNDED_VALIDATION, witten_bell
from gen.metrics.units import figures
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation
from gen.progress import Validating

_ORDERS: dict[Medium, dict[str, int]] = {
    "text": {"unigram": 1, "bigram": 2, "5-gram": 5},
    "music": {"unigram": 1, "bigram": 2},
}


@dataclass(frozen=True, slots=True)
class Losses:
    """What was measured.

    Attributes:
        model: the model's loss, in the units of `gen.metrics.units.figures`.
        baselines: name -> the same of a Witten-Bell n-gram model, counted on what the model was trained with.
        protocol: how the model was measured.
        tokens: on how many tokens.
        units: how many characters or notes these stand for.
    """

    model: dict[str, float]
    baselines: dict[str, dict[str, float]]
    protocol: str
    tokens: int
    units: int

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "model": self.model,
            "baselines": self.baselines,
            "protocol": self.protocol,
            "tokens": self.tokens,
            "units": self.units,
        }


def measure(checkpoint: Checkpoint, part: Part, train: Part | None = None) -> Generator[Validating, None, Losses]:
    """One stateful pass over `part`, in fp32; yields progress.

    Args:
        checkpoint: the model.
        part: what to measure on, of ids of the model's tokenizer.
        train: what the model learned from, for the baselines; None leaves them out.

    Raises:
        CorpusError: there are fewer than two tokens.
    """
    if part.size < 2:
        raise CorpusError(f"{part.size} tokens to measure on; two are needed at least: give a longer corpus")
    model = RecurrentLanguageModel(checkpoint.model)
    model.load_weights(checkpoint.weights)
    ids = part.read(0, part.size)
    validation = Validation(model, ids)
    for done in validation.run():
        yield Validating(done)
    tokenizer = checkpoint.tokenizer

    def in_units(nats: float) -> dict[str, float]:
        return figures(nats, unit=tokenizer.unit, tokens=part.size, units=part.units, seconds=part.seconds)

    baselines = {}
    if train is not None:
        counted = train.read(max(0, train.size - BOUNDED_TRAIN), train.size)
        for name, order in _ORDERS[tokenizer.medium].items():
            nats = witten_bell(counted, ids[:BOUNDED_VALIDATION], checkpoint.model.vocabulary_size, order)
            baselines[name] = in_units(nats)
    return Losses(in_units(validation.loss), baselines, "one stateful pass, fp32", validation.tokens, part.units)
