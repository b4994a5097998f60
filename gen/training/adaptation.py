"""Throw-away weights: a model that has just read a text or a piece, and writes a little more like it."""

from collections.abc import Generator
from dataclasses import replace

import numpy as np

from gen.checkpoint import Checkpoint
from gen.engine import LOSS_CHANGE
from gen.errors import CorpusError
from gen.models.dynamic import DynamicEvaluation
from gen.models.language_model import RecurrentLanguageModel
from gen.progress import Validating
from gen.protocols import Ids


def adapt(checkpoint: Checkpoint, ids: Ids, *, passes: int = 1) -> Generator[Validating, None, Checkpoint]:
    """A copy of a model that went on learning while it read: dynamic evaluation (Krause et al. 2018), to be kept.

    The same ids give the same weights; the model that is handed in stays as it was.

    Args:
        checkpoint: the model.
        ids: what to read, (N,), by the model's tokenizer.
        passes: how often.

    Yields:
        how much is read.

    Raises:
        CorpusError: there are fewer than two ids.
    """
    if len(ids) < 2:
        raise CorpusError(f"{len(ids)} tokens to adapt to; two are needed at least: give a longer file")
    model = RecurrentLanguageModel(checkpoint.model)
    model.load_weights(checkpoint.weights)
    learning = DynamicEvaluation(model, np.asarray(ids))
    for number in range(passes):
        for share in learning.run():
            yield Validating((number + share) / passes)
    adapted = {"tokens": len(ids), "passes": passes, "nats_per_token": learning.loss}
    measured_before = {name: value for name, value in checkpoint.provenance.items() if name != LOSS_CHANGE}
    provenance = {**measured_before, "adapted": adapted}
    return replace(checkpoint, weights=model.weights(), provenance=provenance, training=None)
