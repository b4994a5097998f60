"""The loss of a model on a part of a corpus, beside those of models that only count."""

import lzma
import math
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from gen.checkpoint import Checkpoint
from gen.config import Medium
from gen.corpus.parts import Part
from gen.errors import CorpusError
from gen.metrics.ngram import BOUNDED_TRAIN, BOUNDED_VALIDATION, witten_bell
from gen.metrics.units import figures
from gen.models.dynamic import DynamicEvaluation
from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation, cold_loss
from gen.progress import Validating
from gen.tokenizers import MidiTokenizer

_T = TypeVar("_T")
WINDOW = 256
"""Tokens of a cold window: the context of nanoGPT's larger recipe, to compare with it."""

_ORDERS: dict[Medium, dict[str, int]] = {
    "text": {"unigram": 1, "bigram": 2, "5-gram": 5},
    "music": {"unigram": 1, "bigram": 2},
}


@dataclass(frozen=True, slots=True)
class Losses:
    """What was measured, all in the units of `gen.metrics.units.figures`.

    Attributes:
        model: the loss of one stateful pass.
        cold: that of windows of `WINDOW` tokens, each read from the zero state.
        dynamic: that of a pass on which the weights go on learning; None where it was not asked for.
        baselines: name -> that of what only counts: Witten-Bell n-gram models of the training part, and xz of the text.
        tokens: on how many tokens the model was measured.
        units: how many characters or notes these stand for.
    """

    model: dict[str, float]
    cold: dict[str, float]
    dynamic: dict[str, float] | None
    baselines: dict[str, dict[str, float]]
    tokens: int
    units: int

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON values."""
        return {
            "model": self.model,
            f"cold_windows_of_{WINDOW}": self.cold,
            "dynamic": self.dynamic,
            "baselines": self.baselines,
            "tokens": self.tokens,
            "units": self.units,
        }


def measure(
    checkpoint: Checkpoint, part: Part, train: Part | None = None, *, dynamic: bool = False
) -> Generator[Validating, None, Losses]:
    """Measure a model on `part`, in fp32; yields progress.

    Args:
        checkpoint: the model.
        part: what to measure on, of ids of the model's tokenizer.
        train: what the model learned from, for the n-grams; None leaves them out.
        dynamic: measure it learning on, too.

    Raises:
        CorpusError: there are fewer than two tokens.
    """
    if part.size < 2:
        raise CorpusError(f"{part.size} tokens to measure on; two are needed at least: give a longer corpus")
    model = RecurrentLanguageModel(checkpoint.model)
    model.load_weights(checkpoint.weights)
    ids = part.read(0, part.size)
    passes = 3 if dynamic else 2
    validation = Validation(model, ids)
    yield from _progress(validation.run(), 0, passes)
    cold: float = yield from _progress(cold_loss(model, ids, WINDOW), 1, passes)
    learning = None
    if dynamic:
        learning = DynamicEvaluation(model, ids)
        yield from _progress(learning.run(), 2, passes)
    tokenizer = checkpoint.tokenizer

    def in_units(nats: float) -> dict[str, float]:
        return figures(nats, part.extent)

    baselines = {}
    if train is not None:
        counted = train.read(max(0, train.size - BOUNDED_TRAIN), train.size)
        for name, order in _ORDERS[tokenizer.medium].items():
            nats = witten_bell(counted, ids[:BOUNDED_VALIDATION], checkpoint.model.vocabulary_size, order)
            baselines[name] = in_units(nats)
    if not isinstance(tokenizer, MidiTokenizer):
        baselines["xz"] = in_units(_xz(tokenizer.decode(ids)) / part.size)
    return Losses(
        in_units(validation.loss),
        in_units(cold),
        None if learning is None else in_units(learning.loss),
        baselines,
        validation.tokens,
        round(part.extent.units),
    )


def _progress(
    running: Generator[float, None, _T] | Iterator[float], number: int, passes: int
) -> Generator[Validating, None, _T]:
    """The shares of pass `number` of several as shares of all of them, and what the pass returns."""
    while True:
        try:
            yield Validating((number + next(running)) / passes)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def _xz(text: str) -> float:
    """Nats that a text takes when xz has compressed it as well as it can."""
    packed = lzma.compress(text.encode("utf-8", "surrogatepass"), preset=9 | lzma.PRESET_EXTREME)
    return 8 * len(packed) * math.log(2)
