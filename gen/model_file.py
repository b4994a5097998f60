"""The bytes of a model file: a safetensors file whose metadata has one key, `gen`, with the model's description.

The description is canonical JSON (safetensors writes several keys in random order). Its `checksum` covers the tensors'
names, shapes and bytes and every other field. Nothing here can run code from a file, and nothing is allocated before
its size has been believed.
"""

import hashlib
import io
import json
import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import numpy as np
import safetensors.numpy
from numpy.typing import NDArray

from gen.errors import CheckpointError, ConfigError, GenError

FORMAT = 1
TRAINING = "training."
"""What the names of tensors begin with that only training needs."""
_MAX_HEADER = 8 * 2**20  # bytes; a vocabulary of 32,000 subwords takes about one of these eight MiB
_MAX_VALUES = 2**17  # in the header: each may take a hundred bytes of memory
_MAX_AXES = 8
_MAX_MESSAGE = 400  # characters of what a hostile file can make a message say
DTYPES: Mapping[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8"), "I64": np.dtype("<i8")}
"""Those of tensors, by the names that safetensors has for them."""

Tensors = Mapping[str, NDArray[Any]]
Shapes = Mapping[str, tuple[int, ...]]
Layout = Mapping[str, tuple[np.dtype[Any], tuple[int, ...]]]


@contextmanager
def typed_errors(path: Path) -> Iterator[None]:
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


def canonical(values: Any) -> str:
    """JSON of one spelling."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def tensor_checksum(fields: Mapping[str, Any], tensors: Tensors) -> str:
    """SHA-256 over every field but the checksum, and every tensor's name, dtype, shape and bytes, in name order."""
    digest = hashlib.sha256(canonical({k: v for k, v in fields.items() if k != "checksum"}).encode())
    for name in sorted(tensors):
        array = tensors[name]
        digest.update(canonical([name, array.dtype.str, array.shape]).encode())
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


def read_header(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """The safetensors header, read only if its length is believable, and how many bytes follow it."""
    size = file.seek(0, 2)
    file.seek(0)
    length = int.from_bytes(file.read(8), "little")
    if size < 10 or length > size - 8:
        raise CheckpointError(f"{size} bytes that are no safetensors file, or only a part of one: take another copy")
    if length > _MAX_HEADER:
        raise CheckpointError(f"its header is {length} bytes long; at most {_MAX_HEADER} are read")
    return _parse(file.read(length).decode("utf-8")), size - 8 - length


def description(header: dict[str, Any]) -> dict[str, Any]:
    """The description of the model, which is taken out of the header."""
    metadata = header.pop("__metadata__", None)
    if not isinstance(metadata, dict) or not isinstance(metadata.get("gen"), str):
        raise CheckpointError("a safetensors file, but not a model that gen wrote: train one with 'gen train'")
    fields = _parse(metadata["gen"])
    if fields["format"] != FORMAT:
        raise CheckpointError(f"format {fields['format']!r}; this gen reads {FORMAT}: install a newer gen")
    if metadata != {"gen": canonical(fields)}:  # the checksum covers values; 1e-5 and 1E-5 are the same one
        raise CheckpointError("its description is not as gen writes it: it is damaged, take another copy")
    return fields


def tensor_layout(header: Mapping[str, Any], size: int) -> Layout:
    """Each tensor's dtype and shape, in the file's order, if they fill the `size` bytes after the header exactly."""
    layout = {}
    position = 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        dtype, shape = entry["dtype"], tuple(entry["shape"])
        sound = len(shape) <= _MAX_AXES and all(type(n) is int and 0 <= n < 2**48 for n in shape)
        if dtype not in DTYPES or not sound:
            raise CheckpointError(f"{name} is {dtype} {shape[:_MAX_AXES]}, which gen does not write")
        stop = position + math.prod(shape) * DTYPES[dtype].itemsize
        if entry["data_offsets"] != [position, stop]:
            raise CheckpointError(f"{name} is at bytes {entry['data_offsets']}; its place is {[position, stop]}")
        layout[name] = (DTYPES[dtype], shape)
        position = stop
    if position != size:
        raise CheckpointError(f"{size} bytes of tensors; its header calls for {position}: take another copy")
    return layout


def check_layout(expected: Shapes, layout: Layout, what: str, *, training: bool) -> None:
    """Compare the tensors with what the settings call for, before any is read.

    Args:
        expected: the weights' shapes.
        layout: what the file holds.
        what: a model of these settings is called.
        training: whether there may be tensors of training, too.
    """
    missing = [name for name in expected if name not in layout]
    if missing:
        raise CheckpointError(f"lacks {', '.join(missing[:3])} of its {what}")
    for name, (dtype, shape) in layout.items():
        if name in expected:
            if dtype != DTYPES["F32"] or shape != expected[name]:
                raise CheckpointError(f"{name} is {dtype} {shape}; its settings call for float32 {expected[name]}")
        elif not training or not name.startswith(TRAINING) or dtype not in DTYPES.values():
            raise CheckpointError(f"tensor {name!r} ({dtype}) does not belong to a {what}")


def check_finite(tensors: Tensors) -> None:
    """Refuse NaN and infinity (`CheckpointError`)."""
    for name, array in tensors.items():
        if not np.isfinite(array).all():
            raise CheckpointError(f"{name} holds NaN or infinite values: train again with a lower learning rate")


def pack(fields: Mapping[str, Any], tensors: Tensors) -> bytes:
    """A file's content: the same bytes for the same description and tensors.

    Raises:
        CheckpointError: it is one that `read_header` would refuse.
    """
    fields = {**fields, "format": FORMAT}
    fields["checksum"] = tensor_checksum(fields, tensors)
    data = safetensors.numpy.save(dict(tensors), metadata={"gen": canonical(fields)})
    read_header(io.BytesIO(data))
    return data


def read_tensors(file: IO[bytes], layout: Layout, fields: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """The tensors that follow the header, read-only, if they and the description are what was written.

    Raises:
        CheckpointError: the checksum says that they are not, or a number is not finite.
    """
    tensors = {
        name: np.fromfile(file, dtype, math.prod(shape)).reshape(shape) for name, (dtype, shape) in layout.items()
    }
    found = tensor_checksum(fields, tensors)
    if found != fields["checksum"]:
        raise CheckpointError(f"checksum {found}, recorded {fields['checksum']}: it is damaged, take another copy")
    check_finite(tensors)
    for array in tensors.values():
        array.setflags(write=False)
    return tensors
