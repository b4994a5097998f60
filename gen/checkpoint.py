"""One file that is a whole model: a safetensors file with weights, settings, tokenizer and provenance.

The metadata has one key, `gen`: canonical JSON (safetensors writes several keys in random order), so saving what was
loaded gives the same bytes. Its `checksum` covers the tensors' names, shapes and bytes and every other field. Nothing
on the load path can run code from the file, and sizes are compared with the settings before anything is allocated.
"""

import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import NoneType
from typing import IO, TYPE_CHECKING, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from gen import tokenizers
from gen.config import ModelConfig, TrainConfig, require
from gen.errors import CheckpointError, ConfigError, GenError
from gen.storage import atomic_write

if TYPE_CHECKING:
    from gen.tokenizers import AnyTokenizer

FORMAT = 1
_MAX_HEADER = 8 * 2**20  # bytes; a vocabulary of 32,000 subwords takes about one of these eight MiB
_MAX_VALUES = 2**17  # in the header: each may take a hundred bytes of memory
_MAX_AXES = 8
_MAX_MESSAGE = 400  # characters of what a hostile file can make a message say
_TRAINING = "training."
_DTYPES: Mapping[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}

Tensors = Mapping[str, NDArray[Any]]
_Layout = Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]


@dataclass(frozen=True, eq=False)
class TrainingState:
    """Where a training run stands: with the corpus, all that it needs to go on exactly.

    The data's position, the learning rate and dropout are functions of (config, step), so the step is enough.

    Attributes:
        config: the resolved settings.
        step: optimizer steps taken.
        seconds: trained so far.
        best_loss: lowest validation loss so far, in nats per token; None before the first validation.
        best_step: the step that it was reached at.
        validated_step: the step of the last validation; None before the first.
        rate_scale: learning rates are multiplied by it (halved whenever the loss became non-finite).
        rollbacks: how often that happened.
        tensors: optimizer moments and the recurrent state.
    """

    config: TrainConfig
    step: int = 0
    seconds: float = 0.0
    best_loss: float | None = None
    best_step: int = 0
    validated_step: int | None = None
    rate_scale: float = 1.0
    rollbacks: int = 0
    tensors: Tensors = field(default_factory=dict)

    def _to_dict(self) -> dict[str, Any]:
        values = {name: getattr(self, name) for name in _TRAINING_FIELDS}
        return values | {"config": self.config.to_dict()}

    @staticmethod
    def _from_dict(values: Mapping[str, Any], tensors: Tensors) -> "TrainingState":
        config = TrainConfig.from_dict(values["config"])
        for name, kinds in _TRAINING_FIELDS.items():
            value = values[name]
            require(type(value) in kinds and (value is None or value >= 0), name, value, "a number, 0 or more")
        return TrainingState(config=config, tensors=tensors, **{name: values[name] for name in _TRAINING_FIELDS})


_TRAINING_FIELDS: Mapping[str, tuple[type, ...]] = {
    "step": (int,),
    "seconds": (int, float),
    "best_loss": (int, float, NoneType),
    "best_step": (int,),
    "validated_step": (int, NoneType),
    "rate_scale": (int, float),
    "rollbacks": (int,),
}


@dataclass(frozen=True, eq=False)
class Checkpoint:
    """A model and all that is needed to use it, or to train it on.

    Attributes:
        model: its shape.
        tokenizer: made for its corpus.
        weights: name -> float32 array, the names and shapes of `model.parameter_shapes()`.
        provenance: where it comes from (corpus, seed, versions, validation figures), as JSON values.
        training: in `resume.safetensors`, where the run stands; None in a finished model.
    """

    model: ModelConfig
    tokenizer: "AnyTokenizer"
    weights: Tensors
    provenance: Mapping[str, Any]
    training: TrainingState | None = None

    def to_bytes(self) -> bytes:
        """The file's content: the same bytes for the same checkpoint.

        Raises:
            CheckpointError: it is one that `load` would refuse.
        """
        tensors = dict(self.weights)
        if self.training is not None:
            tensors |= {_TRAINING + name: array for name, array in self.training.tensors.items()}
        tensors = {name: np.asarray(array, order="C") for name, array in tensors.items()}
        layout = {name: (array.dtype, array.shape) for name, array in tensors.items()}
        _check_layout(self.model, layout, training=self.training is not None)
        _check_finite(tensors)
        fields: dict[str, Any] = {
            "format": FORMAT,
            "model": self.model.to_dict(),
            "provenance": dict(self.provenance),
            "tokenizer": self.tokenizer.to_dict(),
            "training": None if self.training is None else self.training._to_dict(),
        }
        fields["checksum"] = _checksum(fields, tensors)
        data = safetensors.numpy.save(tensors, metadata={"gen": _canonical(fields)})
        _header(io.BytesIO(data))
        return data

    def save(self, path: str | Path) -> None:
        """Write the file atomically.

        Raises:
            CheckpointError: it is one that `load` would refuse.
            StorageError: the disk refused; what stood there still stands.
        """
        atomic_write(Path(path), self.to_bytes())

    @classmethod
    def load(cls, path: str | Path) -> "Checkpoint":
        """Read and verify a file.

        Raises:
            ConfigError: there is no such file.
            CheckpointError: it is damaged, hostile, not a model of gen, or holds NaN or infinite weights.
        """
        path = Path(path)
        with _typed_errors(path), open(path, "rb") as file:
            return _load(file)

    def summary(self) -> dict[str, Any]:
        """What is on record, without the tensors, as JSON values."""
        return _summary(self.model, self.tokenizer.to_dict(), self.provenance)

    @classmethod
    def describe(cls, path: str | Path) -> dict[str, Any]:
        """The `summary` of a file from its header alone: quick, and unverified."""
        path = Path(path)
        with _typed_errors(path), open(path, "rb") as file:
            fields = _fields(_header(file)[0])
            return _summary(ModelConfig.from_dict(fields["model"]), fields["tokenizer"], fields["provenance"])


def _summary(model: ModelConfig, tokenizer: Mapping[str, Any], provenance: Mapping[str, Any]) -> dict[str, Any]:
    symbols = {"kind": tokenizer["kind"], "symbols": model.vocabulary_size}
    return {**model.to_dict(), "parameters": model.parameters, "tokenizer": symbols, **provenance}


@contextmanager
def _typed_errors(path: Path) -> Iterator[None]:
    """Whatever a file can make fail, as one line with its name."""
    try:
        yield
    except CheckpointError as error:
        raise CheckpointError(f"{path}: {str(error)[:_MAX_MESSAGE]}") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot read it ({error.strerror or error}): give a model file or a run") from error
    except GenError as error:
        reason = str(error)[:_MAX_MESSAGE]
        raise CheckpointError(f"{path}: not a sound model file ({reason}): take another copy") from error
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        kind = type(error).__name__
        raise CheckpointError(f"{path}: its description cannot be understood ({kind}): take another copy") from error


def _canonical(values: Any) -> str:
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _checksum(fields: Mapping[str, Any], tensors: Tensors) -> str:
    """SHA-256 over every field but the checksum, and every tensor's name, dtype, shape and bytes, in name order."""
    digest = hashlib.sha256(_canonical({k: v for k, v in fields.items() if k != "checksum"}).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(_canonical([name, array.dtype.str, array.shape]).encode())
        digest.update(array.data)
    return digest.hexdigest()


def _unique(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for name, value in pairs:
        if name in result:
            raise CheckpointError(f"{name!r} stands twice in its header: take another copy")
        result[name] = value
    return result


def _parse(text: str) -> dict[str, Any]:
    """A JSON object, if it has few enough values to fit in memory and no name twice."""
    values = sum(map(text.count, "[{,:"))
    if values > _MAX_VALUES:
        raise CheckpointError(f"its description has about {values} values; at most {_MAX_VALUES} are read")
    parsed = json.loads(text, object_pairs_hook=_unique)
    if not isinstance(parsed, dict) or not text.rstrip(" ").endswith("}"):  # padding is of blanks, not of any space
        raise CheckpointError("its description is not a JSON object: take another copy")
    return parsed


def _header(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """The safetensors header, read only if its length is believable, and how many bytes follow it."""
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size < 10 or length > size - 8:
        raise CheckpointError(f"{size} bytes that are no safetensors file, or only a part of one: take another copy")
    if length > _MAX_HEADER:
        raise CheckpointError(f"its header is {length} bytes long; at most {_MAX_HEADER} are read")
    return _parse(file.read(length).decode("utf-8")), size - 8 - length


def _fields(header: dict[str, Any]) -> dict[str, Any]:
    """The description of the model, which is taken out of the header."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("gen"), str):
        raise CheckpointError("a safetensors file, but not a model that gen wrote: train one with 'gen train'")
    fields = _parse(metadata["gen"])
    if fields["format"] != FORMAT:
        raise CheckpointError(f"format {fields['format']!r}; this gen reads {FORMAT}: install a newer gen")
    if metadata != {"gen": _canonical(fields)}:  # the checksum covers values; 1e-5 and 1E-5 are the same one
        raise CheckpointError("its description is not as gen writes it: it is damaged, take another copy")
    return fields


def _layout(header: Mapping[str, Any], size: int) -> _Layout:
    """Each tensor's dtype and shape, in the file's order, if they fill the `size` bytes after the header exactly."""
    layout = {}
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape = entry["dtype"], tuple(entry["shape"])
        sound = len(shape) <= _MAX_AXES and all(type(n) is int and 0 <= n < 2**48 for n in shape)
        if dtype not in _DTYPES or not sound:
            raise CheckpointError(f"{name} is {dtype} {shape[:_MAX_AXES]}, which gen does not write")
        stop = position + math.prod(shape) * _DTYPES[dtype].itemsize
        if entry["data_offsets"] != [position, stop]:
            raise CheckpointError(f"{name} is at bytes {entry['data_offsets']}; its place is {[position, stop]}")
        layout[name] = (_DTYPES[dtype], shape)
        position = stop
    if position != size:
        raise CheckpointError(f"{size} bytes of tensors; its header calls for {position}: take another copy")
    return layout


def _check_layout(model: ModelConfig, layout: _Layout, *, training: bool) -> None:
    """Compare the tensors with what the settings call for, before any is read."""
    expected = model.parameter_shapes()
    missing = [name for name in expected if name not in layout]
    if missing:
        raise CheckpointError(f"lacks {', '.join(missing[:3])} of its {model.layers}-layer {model.cell}")
    for name, (dtype, shape) in layout.items():
        if name in expected:
            if dtype != _DTYPES["F32"] or shape != expected[name]:
                raise CheckpointError(f"{name} is {dtype} {shape}; its settings call for float32 {expected[name]}")
        elif not training or not name.startswith(_TRAINING) or dtype not in _DTYPES.values():
            raise CheckpointError(f"tensor {name!r} ({dtype}) does not belong to a {model.layers}-layer {model.cell}")


def _check_finite(tensors: Tensors) -> None:
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise CheckpointError(f"{name} holds NaN or infinite values: train again with a lower learning rate")


def _load(file: IO[bytes]) -> Checkpoint:
    header, size = _header(file)
    fields = _fields(header)
    model = ModelConfig.from_dict(fields["model"])
    layout = _layout(header, size)
    _check_layout(model, layout, training=fields["training"] is not None)
    tensors = {
        name: np.fromfile(file, dtype, math.prod(shape)).reshape(shape) for name, (dtype, shape) in layout.items()
    }
    found = _checksum(fields, tensors)
    if found != fields["checksum"]:
        raise CheckpointError(f"checksum {found}, recorded {fields['checksum']}: it is damaged, take another copy")
    _check_finite(tensors)
    for array in tensors.values():
        array.setflags(write=False)
    tokenizer = tokenizers.from_dict(fields["tokenizer"])
    if len(tokenizer.vocabulary) != model.vocabulary_size:
        raise CheckpointError(f"{len(tokenizer.vocabulary)} symbols for a model of {model.vocabulary_size}")
    if not isinstance(fields["provenance"], dict):
        raise CheckpointError("its provenance is not a JSON object: take another copy")
    training = None
    if fields["training"] is not None:
        extra = {n.removeprefix(_TRAINING): t for n, t in tensors.items() if n.startswith(_TRAINING)}
        training = TrainingState._from_dict(fields["training"], extra)
    weights = {name: tensors[name] for name in model.parameter_shapes()}
    return Checkpoint(model, tokenizer, weights, fields["provenance"], training)
