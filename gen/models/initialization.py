"""Initial weights, drawn in numpy: a function of the shape and the seed alone, and free of torch.

Gate matrices are orthogonal one by one (Saxe et al. 2014), so a gate's product keeps the length of the state; the
LSTM's forget bias is 1 (Jozefowicz et al. 2015), so it remembers until it has learned what to forget.
"""

import numpy as np
from numpy.typing import NDArray

from gen.config import GATES, ClassifierConfig, ModelConfig
from gen.random import generator

EMBEDDING_SCALE = 0.1


def orthogonal(draws: np.random.Generator, rows: int, columns: int | None = None) -> NDArray[np.float32]:
    """A random orthogonal matrix, uniform over the group (Mezzadri 2007), or the first columns or rows of one."""
    columns = rows if columns is None else columns
    q, r = np.linalg.qr(draws.standard_normal((max(rows, columns), min(rows, columns))))
    rotation: NDArray[np.float64] = q * np.sign(np.diagonal(r))  # without the signs it would not be uniform
    return (rotation if rows >= columns else rotation.T).astype(np.float32)


def initial_weights(
    config: ModelConfig, seed: int, classifier: ClassifierConfig | None = None
) -> dict[str, NDArray[np.float32]]:
    """Name -> array for every entry of `config.parameter_shapes()`, or of `classifier.parameter_shapes(config)`."""
    weights = {}
    hidden = config.hidden
    shapes = config.parameter_shapes() if classifier is None else classifier.parameter_shapes(config)
    for name, shape in shapes.items():
        draws = generator(seed, "init", name)
        kind = name.rsplit(".", 1)[1]
        if name.startswith("encoder") and kind in ("input_weight", "recurrent_weight"):
            array = np.concatenate([orthogonal(draws, hidden, shape[1]) for _ in range(GATES[config.cell])])
        elif name == "embedding.weight":
            array = EMBEDDING_SCALE * draws.standard_normal(shape)  # where it is tied, an output's scale learns less
        elif name == "ngram_embedding.weight":
            array = np.zeros(shape)  # an n-gram that was never seen adds nothing
        elif name in ("output.weight", "head.weight"):
            array = draws.uniform(-1, 1, shape) / np.sqrt(shape[1])
        else:
            array = np.zeros(shape)
            if config.cell == "lstm" and kind == "bias" and name.startswith("encoder"):
                array[hidden : 2 * hidden] = 1.0
        weights[name] = array.astype(np.float32)
    return weights
