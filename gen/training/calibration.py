"""How far to believe the table of n-grams, once training is over.

What a table says of a text that it was trained on is right more often than elsewhere, so a network that was trained
along with it trusts it too much: by a factor, as a temperature is (Guo et al. 2017), which a text never seen tells.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gen.models.language_model import RecurrentLanguageModel
from gen.models.validation import Validation

_FACTORS = (1.0, 0.85, 0.7)


def calibrate(model: RecurrentLanguageModel, ids: NDArray[np.integer[Any]], *, rows: int, tokens: int) -> float:
    """Scale a model's table of n-grams by the factor that gives the lowest loss; return it (1 without a table).

    Args:
        model: its table is changed.
        ids: what the model was not trained on.
        rows: of a `Validation`.
        tokens: of a `Validation`.
    """
    if model.ngram_embedding is None:
        return 1.0
    table = model.ngram_embedding.weight
    learned = table.detach().clone()
    losses = {}
    with torch.no_grad():
        for factor in _FACTORS:
            table.copy_(learned * factor)
            validation = Validation(model, ids, rows=rows, tokens=tokens)
            for _ in validation.run():
                pass
            losses[factor] = validation.loss
        best = min(_FACTORS, key=losses.__getitem__)
        table.copy_(learned * best)
    return best
