"""What a classifier is beside its encoder, and how it is trained."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from gen.config.checks import Settings, is_number, is_whole, require
from gen.config.model import GATES, ModelConfig
from gen.config.train import MAX_STEPS, Precision

Pooling = Literal["last", "mean", "max", "all"]
Keep = Literal["first", "last"]

_MOST_LABELS = 10_000


@dataclass(frozen=True, kw_only=True)
class ClassifierConfig(Settings):
    """What stands on an encoder's outputs, and what of a document it reads. The encoder's shape is a `ModelConfig`.

    Attributes:
        labels: names of the classes. Of two, one number is computed, and its sigmoid is the second's probability; of
            more, one number each, and their softmax.
        embedding: E, width of the tokens' vectors; None makes it H.
        pooling: which outputs of the last layer become features: that after the last token, the mean or the maximum of
            all, or these three side by side.
        length: N, tokens of a document that are read at most.
        keep: which of them, of a longer one: the first or the last.
    """

    labels: tuple[str, ...]
    embedding: int | None = None
    pooling: Pooling = "last"
    length: int = 100
    keep: Keep = "first"

    def to_dict(self) -> dict[str, Any]:
        """The settings as JSON values."""
        return asdict(self) | {"labels": list(self.labels)}

    def __post_init__(self) -> None:
        labels = self.labels
        listed = isinstance(labels, tuple | list) and all(isinstance(label, str) and label for label in labels)
        needed = f"2 … {_MOST_LABELS:,} different names"
        require(listed and 2 <= len(labels) <= _MOST_LABELS and len({*labels}) == len(labels), "labels", labels, needed)
        object.__setattr__(self, "labels", tuple(labels))  # JSON has lists
        if self.embedding is not None:
            sound = is_whole(self.embedding) and 1 <= self.embedding <= 2**16
            require(sound, "embedding", self.embedding, f"a whole number in 1 … {2**16}")
        for name, kind in (("pooling", Pooling), ("keep", Keep)):
            value = getattr(self, name)
            known = isinstance(value, str) and value in get_args(kind)
            require(known, name, value, f"one of {', '.join(get_args(kind))}")
        sound = is_whole(self.length) and 1 <= self.length <= 2**20
        require(sound, "length", self.length, f"a whole number in 1 … {2**20}")

    @property
    def outputs(self) -> int:
        """How many numbers the head computes."""
        return 1 if len(self.labels) == 2 else len(self.labels)

    def inputs(self, model: ModelConfig) -> int:
        """E, for an encoder of this shape."""
        return model.hidden if self.embedding is None else self.embedding

    def features(self, model: ModelConfig) -> int:
        """F, the numbers that the head reads."""
        return model.hidden * (3 if self.pooling == "all" else 1)

    def parameter_shapes(self, model: ModelConfig) -> dict[str, tuple[int, ...]]:
        """Name -> shape of every weight of the classifier with such an encoder, in canonical order."""
        shapes = {name: shape for name, shape in model.parameter_shapes().items() if not name.startswith("output.")}
        inputs = self.inputs(model)
        shapes["embedding.weight"] = (model.vocabulary_size, inputs)
        shapes["encoder.layers.0.input_weight"] = (GATES[model.cell] * model.hidden, inputs)
        return shapes | {"head.weight": (self.outputs, self.features(model)), "head.bias": (self.outputs,)}

    def check(self, model: ModelConfig) -> None:
        """Refuse an encoder that the embedding does not fit (`ConfigError`): what is added up must be of one width."""
        added = model.first_residual == 0 or model.ngrams > 1
        fitting = self.inputs(model) == model.hidden or not added
        require(fitting, "embedding", self.embedding, f"{model.hidden}, as wide as the layers that it is added to")


@dataclass(frozen=True, kw_only=True)
class ClassifyConfig(Settings):
    """How a classifier is trained.

    Attributes:
        steps: optimizer steps to take; the schedule is annealed over them.
        batch_size: B, documents in a step.
        learning_rate: peak rate of AdamW (Loshchilov & Hutter 2019), which is Adam without decay.
        encoder_rate: what it is multiplied by for the embedding and the encoder.
        freeze: train the head alone.
        weight_decay: AdamW's decoupled decay.
        clip: largest global norm of the gradient.
        warmup: share of the steps in which the rate rises.
        decay: share of the steps, at their end, in which the rate falls linearly to 0.
        dropout: probability of dropping a unit of the embedding, between layers and before the head, for the whole
            sequence.
        recurrent_dropout: the same of h_{t-1} in the recurrent product (Gal & Ghahramani 2016).
        validate_every: steps between validations; 0 validates at the end only.
        seed: of the weights, the order of the documents and dropout.
        precision: "fp32", "bf16", or "auto" until the machine is known.
        device: torch device, or "auto" until the machine is known.
        threads: of the processor, for tensor work; results are bit-equal for the same number.
    """

    steps: int
    batch_size: int = 32
    learning_rate: float = 1e-3
    encoder_rate: float = 1.0
    freeze: bool = False
    weight_decay: float = 0.0
    clip: float = 1.0
    warmup: float = 0.0
    decay: float = 0.5
    dropout: float = 0.2
    recurrent_dropout: float = 0.2
    validate_every: int = 500
    seed: int = 0
    precision: Precision = "auto"
    device: str = "auto"
    threads: int = 1

    def __post_init__(self) -> None:
        whole = {
            "steps": (1, MAX_STEPS),
            "batch_size": (1, 2**20),
            "validate_every": (0, MAX_STEPS),
            "seed": (0, 2**63 - 1),
            "threads": (1, 4096),
        }
        for name, (low, high) in whole.items():
            value = getattr(self, name)
            require(is_whole(value) and low <= value <= high, name, value, f"a whole number in {low} … {high}")
        largest: Mapping[str, float] = {"encoder_rate": 1, "weight_decay": 10, "warmup": 1, "decay": 1}
        for name, most in largest.items():
            value = getattr(self, name)
            require(is_number(value) and 0 <= value <= most, name, value, f"a number in 0 … {most}")
        rate = self.learning_rate
        require(is_number(rate) and 0 < rate <= 10, "learning_rate", rate, "a number above 0, 10 at most")
        require(is_number(self.clip) and self.clip > 0, "clip", self.clip, "a number above 0")
        for name in ("dropout", "recurrent_dropout"):
            value = getattr(self, name)
            require(is_number(value) and 0 <= value < 1, name, value, "a number in [0, 1)")
        require(isinstance(self.freeze, bool), "freeze", self.freeze, "true or false")
        require(self.precision in ("auto", "fp32", "bf16"), "precision", self.precision, "auto, fp32 or bf16")
        require(isinstance(self.device, str), "device", self.device, "the name of a torch device, or auto")
