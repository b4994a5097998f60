"""The shape of a recurrent language model."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from gen.config.checks import Settings, is_whole, require

Cell = Literal["rnn", "lstm", "gru"]

GATES: Mapping[str, int] = {"rnn": 1, "lstm": 4, "gru": 3}
"""Gates of each cell; rows of a weight matrix stand gate by gate: LSTM i f g o, GRU r z n."""


@dataclass(frozen=True, kw_only=True)
class ModelConfig(Settings):
    """The shape of a recurrent language model.

    Attributes:
        vocabulary_size: V, number of token ids.
        cell: "rnn" (Elman 1990), "lstm" (Hochreiter & Schmidhuber 1997; Gers 2000) or "gru" (Cho 2014, reset-after).
        layers: L, stacked layers.
        hidden: H, units in the embedding and in each layer.
        residual: add each layer's input to its output, from the second layer on, with n-grams from the first.
        ngrams: N, the longest n-gram whose vector is added to a token's own; 1 adds none.
        ngram_rows: of the table that n-grams are hashed into.
        ngram_width: of its vectors, which are added to the first units of the embedding; H where that is less.
        tied: the embedding is the output's weight, too (Press & Wolf 2017; Inan 2017): one matrix of V rows, not two.
    """

    vocabulary_size: int
    cell: Cell = "lstm"
    layers: int = 2
    hidden: int = 256
    residual: bool = False
    ngrams: int = 1
    ngram_rows: int = 2**15
    ngram_width: int = 64
    tied: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The shape as JSON values, without what is off and came later: a file is what an earlier gen wrote."""
        left_out = () if self.ngrams > 1 else ("ngrams", "ngram_rows", "ngram_width")
        left_out = left_out if self.tied else (*left_out, "tied")
        return {name: value for name, value in asdict(self).items() if name not in left_out}

    def __post_init__(self) -> None:
        known = isinstance(self.cell, str) and self.cell in GATES  # JSON and TOML have lists, which cannot be looked up
        require(known, "cell", self.cell, "one of rnn, lstm, gru")
        whole = {
            "vocabulary_size": (1, 2**24),
            "layers": (1, 64),
            "hidden": (1, 2**16),
            "ngrams": (1, 8),
            "ngram_rows": (1, 2**24),
            "ngram_width": (1, 2**16),
        }
        for name, (low, high) in whole.items():
            value = getattr(self, name)
            require(is_whole(value) and low <= value <= high, name, value, f"a whole number in {low} … {high}")
        for name in ("residual", "tied"):
            require(isinstance(getattr(self, name), bool), name, getattr(self, name), "true or false")

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every weight, in canonical order. Needs no memory, so it can be checked first."""
        V, H, G = self.vocabulary_size, self.hidden, GATES[self.cell]
        shapes: dict[str, tuple[int, ...]] = {"embedding.weight": (V, H)}
        if self.ngrams > 1:
            shapes["ngram_embedding.weight"] = (self.ngram_rows, min(self.ngram_width, H))
        for layer in range(self.layers):
            prefix = f"encoder.layers.{layer}"
            shapes[f"{prefix}.input_weight"] = (G * H, H)
            shapes[f"{prefix}.recurrent_weight"] = (G * H, H)
            shapes[f"{prefix}.bias"] = (G * H,)
            if self.cell == "gru":  # the candidate's recurrent bias stands inside the reset gate's product
                shapes[f"{prefix}.recurrent_bias"] = (H,)
        if not self.tied:
            shapes["output.weight"] = (V, H)
        shapes["output.bias"] = (V,)
        return shapes

    @property
    def output_weight(self) -> str:
        """The name of what the output multiplies by, (V, H)."""
        return "embedding.weight" if self.tied else "output.weight"

    @property
    def first_residual(self) -> int | None:
        """The first residual layer, counted from 0: what n-grams say of the next token goes past all layers."""
        if not self.residual:
            return None
        return 0 if self.ngrams > 1 else 1

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return sum(math.prod(shape) for shape in self.parameter_shapes().values())
