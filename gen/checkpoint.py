"""One file that is a whole model: weights, settings, tokenizer and provenance (`gen.model_file` has its bytes).

Saving what was loaded gives the same bytes. Nothing on the load path can run code from the file, and sizes are compared
with the settings before anything is allocated. A file is that of a language model, `Checkpoint`, unless its description
says that it is that of a classifier, `ClassifierCheckpoint`; neither takes the other's.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import IO, TYPE_CHECKING, Any, ClassVar, Generic, Literal, Self, TypeVar

import numpy as np

from gen import model_file, tokenizers
from gen.config import ClassifierConfig, ClassifyConfig, ModelConfig, TrainConfig, require
from gen.errors import CheckpointError, ConfigError
from gen.model_file import TRAINING, Shapes, Tensors, typed_errors
from gen.storage import atomic_write

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

Task = Literal["language model", "classifier"]
"""What a model is for."""

ConfigT = TypeVar("ConfigT", TrainConfig, ClassifyConfig)
StateT = TypeVar("StateT", bound="_State[Any]")


@dataclass(frozen=True, eq=False)
class _State(Generic[ConfigT]):
    """Where a training run stands: with the corpus, all that it needs to go on exactly.

    The data's position, the learning rate and dropout are functions of (config, step), so the step is enough.

    Attributes:
        config: the resolved settings.
        step: optimizer steps taken.
        seconds: trained so far.
        best_loss: lowest validation loss so far, in nats per token (of a classifier, per document); None before the
            first validation.
        best_step: the step that it was reached at.
        validated_step: the step of the last validation; None before the first.
        rate_scale: learning rates are multiplied by it (halved whenever the loss became non-finite).
        rollbacks: how often that happened.
        tensors: optimizer moments and the recurrent state.
    """

    config: ConfigT
    step: int = 0
    seconds: float = 0.0
    best_loss: float | None = None
    best_step: int = 0
    validated_step: int | None = None
    rate_scale: float = 1.0
    rollbacks: int = 0
    tensors: Tensors = field(default_factory=dict)

    _settings: ClassVar[type[TrainConfig] | type[ClassifyConfig]]

    def _to_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in _STATE_FIELDS}
        return values | {"config": self.config.to_dict()}

    @classmethod
    def _from_dict(cls, values: Mapping[str, Any], tensors: Tensors) -> Self:
        config: Any = cls._settings.from_dict(values["config"])
        for name, kinds in _STATE_FIELDS.items():
            value = values[name]
            require(type(value) in kinds and (value is None or value >= 0), name, value, "a number, 0 or more")
        return cls(config=config, tensors=tensors, **{name: values[name] for name in _STATE_FIELDS})


_STATE_FIELDS: Mapping[str, tuple[type, ...]] = {
    "step": (int,),
    "seconds": (int, float),
    "best_loss": (int, float, NoneType),
    "best_step": (int,),
    "validated_step": (int, NoneType),
    "rate_scale": (int, float),
    "rollbacks": (int,),
}


@dataclass(frozen=True, eq=False)
class TrainingState(_State[TrainConfig]):
    """Where the training of a language model stands."""

    _settings = TrainConfig


@dataclass(frozen=True, eq=False)
class ClassifyingState(_State[ClassifyConfig]):
    """Where the training of a classifier stands."""

    _settings = ClassifyConfig


@dataclass(frozen=True, eq=False)
class _ModelFile(Generic[StateT]):
    """A model and all that is needed to use it, or to train it on.

    Attributes:
        model: the shape of its encoder and, of a language model, of its output.
        tokenizer: made for its corpus.
        weights: name -> float32 array, the names and shapes that the settings call for.
        provenance: where it comes from (corpus, seed, versions, validation figures), as JSON values.
        training: in `resume.safetensors`, where the run stands; None in a finished model.
    """

    model: ModelConfig
    tokenizer: "AnyTokenizer"
    weights: Tensors
    provenance: Mapping[str, Any]
    training: StateT | None = None

    task: ClassVar[Task]
    _state: ClassVar[type[_State[Any]]]

    @classmethod
    def _settings(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The settings in a description, by the names of the attributes."""
        return {"model": ModelConfig.from_dict(fields["model"])}

    @staticmethod
    def _shapes(settings: Mapping[str, Any]) -> Shapes:
        """The weights that settings call for."""
        model: ModelConfig = settings["model"]
        return model.parameter_shapes()

    def _own_settings(self) -> dict[str, Any]:
        return {"model": self.model}

    def to_bytes(self) -> bytes:
        """The file's content: the same bytes for the same checkpoint.

        Raises:
            CheckpointError: it is one that `load` would refuse.
        """
        tensors = dict(self.weights)
        if self.training is not None:
            tensors |= {TRAINING + name: array for name, array in self.training.tensors.items()}
        tensors = {name: np.asarray(array, order="C") for name, array in tensors.items()}
        layout = {name: (array.dtype, array.shape) for name, array in tensors.items()}
        settings = self._own_settings()
        model_file.check_layout(
            self._shapes(settings), layout, self._called(self.model), training=self.training is not None
        )
        model_file.check_finite(tensors)
        fields = {name: value.to_dict() for name, value in settings.items()} | {
            "provenance": dict(self.provenance),
            "tokenizer": self.tokenizer.to_dict(),
            "training": None if self.training is None else self.training._to_dict(),
        }
        return model_file.pack(fields, tensors)

    def save(self, path: str | Path) -> None:
        """Write the file atomically.

        Raises:
            CheckpointError: it is one that `load` would refuse.
            StorageError: the disk refused; what stood there still stands.
        """
        atomic_write(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read and verify a file.

        Raises:
            ConfigError: there is no such file, or it is a model for something else.
            CheckpointError: it is damaged, hostile, not a model of gen, or holds NaN or infinite weights.
        """
        path = Path(path)
        with typed_errors(path), open(path, "rb") as file:
            header, size = model_file.read_header(file)
            fields = model_file.description(header)
            task = _task_of(fields)
            if task == cls.task:
                return cls._read(file, fields, model_file.tensor_layout(header, size))
        raise ConfigError(f"{path}: {_REFUSALS[task]}")

    @classmethod
    def _read(cls, file: IO[bytes], fields: Mapping[str, Any], layout: model_file.Layout) -> Self:
        settings = cls._settings(fields)
        model: ModelConfig = settings["model"]
        shapes = cls._shapes(settings)
        model_file.check_layout(shapes, layout, cls._called(model), training=fields["training"] is not None)
        tensors = model_file.read_tensors(file, layout, fields)
        tokenizer = tokenizers.from_dict(fields["tokenizer"])
        if len(tokenizer.vocabulary) != model.vocabulary_size:
            raise CheckpointError(f"{len(tokenizer.vocabulary)} symbols for a model of {model.vocabulary_size}")
        if not isinstance(fields["provenance"], dict):
            raise CheckpointError("its provenance is not a JSON object: take another copy")
        training: Any = None
        if fields["training"] is not None:
            extra = {n.removeprefix(TRAINING): t for n, t in tensors.items() if n.startswith(TRAINING)}
            training = cls._state._from_dict(fields["training"], extra)
        return cls(
            **settings,
            tokenizer=tokenizer,
            weights={name: tensors[name] for name in shapes},
            provenance=fields["provenance"],
            training=training,
        )

    @classmethod
    def _called(cls, model: ModelConfig) -> str:
        return f"{model.layers}-layer {model.cell}"

    def summary(self) -> dict[str, Any]:
        """What is on record, without the tensors, as JSON values."""
        settings = {name: value.to_dict() for name, value in self._own_settings().items()}
        return _summary({**settings, "tokenizer": self.tokenizer.to_dict(), "provenance": self.provenance})

    @staticmethod
    def describe(path: str | Path) -> dict[str, Any]:
        """The `summary` of a file, whatever it is for, from its header alone: quick, and unverified."""
        path = Path(path)
        with typed_errors(path), open(path, "rb") as file:
            return _summary(model_file.description(model_file.read_header(file)[0]))


@dataclass(frozen=True, eq=False)
class Checkpoint(_ModelFile[TrainingState]):
    """A language model and all that is needed to use it, or to train it on."""

    task = "language model"
    _state = TrainingState


@dataclass(frozen=True, eq=False)
class ClassifierCheckpoint(_ModelFile[ClassifyingState]):
    """A classifier and all that is needed to use it, or to train it on.

    Attributes:
        classifier: its labels, its head, and what of a document it reads.
    """

    classifier: ClassifierConfig = field(kw_only=True)

    task = "classifier"
    _state = ClassifyingState

    @classmethod
    def _settings(cls, fields: Mapping[str, Any]) -> dict[str, Any]:
        settings = super()._settings(fields) | {"classifier": ClassifierConfig.from_dict(fields["classifier"])}
        settings["classifier"].check(settings["model"])
        return settings

    @staticmethod
    def _shapes(settings: Mapping[str, Any]) -> Shapes:
        classifier: ClassifierConfig = settings["classifier"]
        return classifier.parameter_shapes(settings["model"])

    def _own_settings(self) -> dict[str, Any]:
        return super()._own_settings() | {"classifier": self.classifier}


_FILES: Mapping[Task, type[Checkpoint] | type[ClassifierCheckpoint]] = {
    "language model": Checkpoint,
    "classifier": ClassifierCheckpoint,
}
_REFUSALS: Mapping[Task, str] = {
    "language model": "a language model, which writes and names no classes: train a classifier from it with "
    "'gen classify train FILE --from RUN'",
    "classifier": "a classifier, which names classes and writes nothing: ask it with 'gen classify predict RUN FILE'",
}


def load_any(path: str | Path) -> Checkpoint | ClassifierCheckpoint:
    """Read and verify a file, whatever it is for; the errors are those of `Checkpoint.load`."""
    return _FILES[task_of(path)].load(path)


def task_of(path: str | Path) -> Task:
    """What a file is for, from its header alone.

    Raises:
        ConfigError: there is no such file.
        CheckpointError: it cannot be understood.
    """
    path = Path(path)
    with typed_errors(path), open(path, "rb") as file:
        return _task_of(model_file.description(model_file.read_header(file)[0]))


def _task_of(fields: Mapping[str, Any]) -> Task:
    return "classifier" if "classifier" in fields else "language model"


def _summary(fields: Mapping[str, Any]) -> dict[str, Any]:
    task = _task_of(fields)
    settings = _FILES[task]._settings(fields)
    model: ModelConfig = settings["model"]
    shapes = _FILES[task]._shapes(settings)
    recorded = fields["tokenizer"]
    tokenizer = {"kind": str(recorded["kind"]), "symbols": model.vocabulary_size}
    if "algorithm" in recorded:
        tokenizer["algorithm"] = str(recorded["algorithm"])
    about = {**model.to_dict(), "parameters": sum(map(math.prod, shapes.values())), "tokenizer": tokenizer}
    if task == "classifier":
        about = {"classifier": settings["classifier"].to_dict(), **about}
    return {**about, **fields["provenance"]}
