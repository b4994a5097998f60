"""Files that are damaged, that were never models, or that were made to do harm."""

import copy
import hashlib
import io
import json
import math
import os
import pickle
import random
import subprocess
import sys
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gen.checkpoint import Checkpoint, TrainingState
from gen.config import ModelConfig, TrainConfig
from gen.errors import CheckpointError
from gen.tokenizers import CharTokenizer

GOLDEN = Path(__file__).parent / "data" / "checkpoint-v1.safetensors"


def ramp(shape: tuple[int, ...]) -> np.ndarray:
    return np.linspace(-1, 1, math.prod(shape), dtype="<f4").reshape(shape)


def tiny(*, training: bool = False) -> bytes:
    """The smallest model there is, or a state of its training."""
    model = ModelConfig(vocabulary_size=1, cell="rnn", layers=1, hidden=1)
    weights = {name: ramp(shape) for name, shape in model.parameter_shapes().items()}
    state = TrainingState(TrainConfig(steps=9, learning_rate=1e-5), tensors={"state.0": ramp((2,))})
    return Checkpoint(model, CharTokenizer("é"), weights, {"loss": 1e-5}, state if training else None).to_bytes()


def refusal(data: bytes, folder: Path) -> str:
    """What is said of a file; it must be refused, by name."""
    path = folder / "hostile.safetensors"
    path.unlink(missing_ok=True)  # some disks are slow to overwrite
    path.write_bytes(data)
    with pytest.raises(CheckpointError) as caught:
        Checkpoint.load(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message) < len(str(path)) + 600
    return message.removeprefix(f"{path}: ")


# ── Damage ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class Damaged:
    """One file, damaged in place and mended again: thousands of times a second."""

    def __init__(self, data: bytes, path: Path) -> None:
        self.data = data
        self._path = path
        path.write_bytes(data)
        Checkpoint.load(path)

    def is_refused_with(self, position: int, byte: int) -> bool:
        with open(self._path, "r+b", buffering=0) as file:
            file.seek(position)
            file.write(bytes([byte]))
            try:
                Checkpoint.load(self._path)
            except CheckpointError:
                return True
            finally:
                file.seek(position)
                file.write(self.data[position : position + 1])
        return False


@pytest.mark.parametrize("training", [False, True])
def test_any_flipped_bit_is_noticed(training: bool, tmp_path: Path) -> None:
    damaged = Damaged(tiny(training=training), tmp_path / "model")
    bits = range(8) if not training else [0, 5]  # 5: e and E, the other case of a hexadecimal digit
    missed = [
        (position, bit)
        for position, byte in enumerate(damaged.data)
        for bit in bits
        if not damaged.is_refused_with(position, byte ^ 1 << bit)
    ]
    assert missed == []


@pytest.mark.slow
def test_any_changed_byte_is_noticed(tmp_path: Path) -> None:
    damaged = Damaged(GOLDEN.read_bytes(), tmp_path / "model")
    for position, byte in enumerate(damaged.data):
        for value in {0, 9, 10, 13, 32, 48, 255, *(byte ^ 1 << bit for bit in range(8))} - {byte}:
            assert damaged.is_refused_with(position, value), (position, value)


def test_a_flipped_bit_in_the_weights_is_told_with_both_checksums(tmp_path: Path) -> None:
    data = bytearray(GOLDEN.read_bytes())
    data[-1] ^= 0x80
    message = refusal(bytes(data), tmp_path)
    recorded = "07466fa19e8e2538f58b75471a00d75b37d901b460f681040bae3d5006f5e7a7"
    assert f", recorded {recorded}: it is damaged, take another copy" in message
    found = message.split()[1].rstrip(",")
    assert len(found) == 64
    assert found != recorded


def test_truncation_at_any_point_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(GOLDEN.read_bytes())
    for length in range(path.stat().st_size - 1, -1, -1):
        os.truncate(path, length)
        with pytest.raises(CheckpointError):
            Checkpoint.load(path)


@pytest.mark.parametrize("extra", [b"\0", b" ", b"\n", b"}", b"\0" * 8, b"\0" * 4096, tiny()], ids=len)
def test_extra_bytes_are_noticed(extra: bytes, tmp_path: Path) -> None:
    assert "bytes of tensors; its header calls for" in refusal(tiny() + extra, tmp_path)
    assert refusal(extra + tiny(), tmp_path)


@pytest.mark.parametrize("size", [0, 1, 7, 8, 9, 10, 4096])
@pytest.mark.parametrize("byte", [b"\0", b"\xff", b"{"])
def test_empty_and_uniform_files_are_refused(size: int, byte: bytes, tmp_path: Path) -> None:
    assert refusal(byte * size, tmp_path)


# ── Forgery: everything below has a checksum that fits, unless it says otherwise ─────────────────────────────────────


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


class Forgery:
    """A sound file taken apart, so that a test can change any of it and seal it again.

    Attributes:
        fields: the description.
        tensors: name -> array.
        header: changes of the finished header, made after the checksum.
        tail: bytes after the last tensor.
    """

    def __init__(self, data: bytes) -> None:
        length = int.from_bytes(data[:8], "little")
        header = json.loads(data[8 : 8 + length])
        self.fields = json.loads(header.pop("__metadata__")["gen"])
        self.tensors: dict[str, np.ndarray] = {}
        for name, entry in header.items():
            start, stop = (8 + length + offset for offset in entry["data_offsets"])
            dtype = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}[entry["dtype"]]
            self.tensors[name] = np.frombuffer(data[start:stop], dtype).reshape(entry["shape"]).copy()
        self.header: Callable[[dict[str, Any]], object] = lambda header: None
        self.tail = b""

    def checksum(self) -> str:
        """As the format's description has it."""
        digest = hashlib.sha256(canonical({k: v for k, v in self.fields.items() if k != "checksum"}).encode())
        for name, array in sorted(self.tensors.items()):
            digest.update(canonical([name, array.dtype.str, array.shape]).encode() + array.tobytes())
        return digest.hexdigest()

    def seal(self, *, checksum: str | None = None) -> bytes:
        if isinstance(self.fields, dict):
            self.fields["checksum"] = checksum or self.checksum()
        header: dict[str, Any] = {"__metadata__": {"gen": canonical(self.fields)}}
        data = b""
        for name, array in self.tensors.items():
            dtype = {"f4": "F32", "f8": "F64", "i8": "I64"}.get(array.dtype.str[1:], array.dtype.name.upper())
            offsets = [len(data), len(data) + array.nbytes]
            header[name] = {"dtype": dtype, "shape": list(array.shape), "data_offsets": offsets}
            data += array.tobytes()
        self.header(header)
        return framed(json.dumps(header).encode()) + data + self.tail


def framed(header: bytes) -> bytes:
    return len(header).to_bytes(8, "little") + header


def test_a_file_taken_apart_and_sealed_again_loads(tmp_path: Path) -> None:
    forgery = Forgery(GOLDEN.read_bytes())
    assert forgery.checksum() == forgery.fields["checksum"]
    (tmp_path / "model").write_bytes(forgery.seal())
    loaded = Checkpoint.load(tmp_path / "model")
    assert loaded.to_bytes() == Checkpoint.load(GOLDEN).to_bytes()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers_are_refused_wherever_they_are(value: float, tmp_path: Path) -> None:
    for name, array in Forgery(tiny(training=True)).tensors.items():
        for place in range(array.size):
            forgery = Forgery(tiny(training=True))
            forgery.tensors[name].flat[place] = value
            assert refusal(forgery.seal(), tmp_path).startswith(f"{name} holds NaN or infinite values: ")


def sparse(size: int) -> Callable[[Path], None]:
    """A file that claims, and has, a header of `size` bytes, of which the disk holds only the first few."""

    def write(path: Path) -> None:
        with open(path, "wb") as file:
            file.write((size - 8).to_bytes(8, "little") + b'{"__metadata__":{"gen":"')
            file.truncate(size)

    return write


def stuffed(inside: Callable[[int], str]) -> Callable[[Path], None]:
    """The longest header that is read, full of what `inside` makes of the space left."""

    def write(path: Path) -> None:
        path.write_bytes(framed(inside(8 * 2**20).encode()) + b"\0" * 100)

    return write


def raw(data: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        path.write_bytes(data)

    return write


def forged(change: Callable[[Forgery], object], *, training: bool = False) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        forgery = Forgery(tiny(training=training))
        change(forgery)
        path.write_bytes(forgery.seal())

    return write


def header(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    return forged(lambda forgery: setattr(forgery, "header", change))


def model(**settings: Any) -> Callable[[Path], None]:
    return forged(lambda forgery: forgery.fields["model"].update(settings))


def tensor(name: str, array: np.ndarray | None) -> Callable[[Path], None]:
    def change(forgery: Forgery) -> None:
        forgery.tensors.pop(name, None)
        if array is not None:
            forgery.tensors[name] = array

    return forged(change)


def duplicated(path: Path) -> None:
    data = tiny()
    length = int.from_bytes(data[:8], "little")
    text = data[8 : 8 + length].rstrip()
    twice = text[:-1] + b',"output.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
    path.write_bytes(framed(twice) + data[8 + length :])


def truthful_giant(path: Path) -> None:
    """A hole in the disk that a model of 12 GB would just fill, but for its last byte."""
    forgery = Forgery(tiny())
    forgery.fields["model"]["hidden"] = 2**14
    shapes = ModelConfig(vocabulary_size=1, cell="rnn", layers=1, hidden=2**14).parameter_shapes()
    position = 0

    def claim(header: dict[str, Any]) -> None:
        nonlocal position
        for name, shape in shapes.items():
            size = 4 * math.prod(shape)
            header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [position, position + size]}
            position += size

    forgery.header = claim
    data = forgery.seal()
    length = int.from_bytes(data[:8], "little")
    path.write_bytes(data[: 8 + length])
    with open(path, "r+b") as file:
        file.truncate(8 + length + position - 1)


HOSTILE: dict[str, tuple[Callable[[Path], None], str]] = {
    "header of 2^63": (raw((2**63).to_bytes(8, "little") + b"{}"), "10 bytes that"),
    "header of 2^64 - 1": (raw(b"\xff" * 8 + b"{}"), "10 bytes that are no"),
    "header of 200 MB": (sparse(200 * 10**6), "its header is 199999992 bytes long; at most 8388608 are read"),
    "header of 1 TB": (sparse(10**12), "bytes long; at most 8388608 are read"),
    "header of lists": (
        stuffed(lambda n: '{"a":[' + "[]," * ((n - 10) // 3) + "0]}"),
        "values; at most 131072 are read",
    ),
    "header of objects": (stuffed(lambda n: '{"a":[' + "{}," * ((n - 10) // 3) + "0]}"), "values; at most 131072"),
    "header of numbers": (stuffed(lambda n: '{"a":[' + "1.5," * ((n - 10) // 4) + "0]}"), "values; at most 131072"),
    "header of names": (
        stuffed(lambda n: "{" + "".join(f'"{i:06x}":0,' for i in range((n - 10) // 11)) + '"a":0}'),
        "values; at most 131072 are read",
    ),
    "header of escaped lists": (
        stuffed(lambda n: '{"__metadata__":{"gen":"[' + "\\u005b\\u005d\\u002c" * ((n - 40) // 18) + '0]"}}'),
        "values; at most 131072 are read",
    ),
    "header of depth": (stuffed(lambda n: "[" * 100_000), "cannot be understood|values|not a JSON object"),
    "header of one name": (stuffed(lambda n: '{"' + "a" * (n - 6) + '":0}'), "not a model that gen wrote"),
    "header of one number": (stuffed(lambda n: '{"a":' + "9" * (n - 6) + "}"), "cannot be understood"),
    "header of blanks": (stuffed(lambda n: " " * n), "cannot be understood"),
    "header in UTF-16": (raw(framed("{}".encode("utf-16"))), "cannot be understood"),
    "header of a list": (raw(framed(b"[1]")), "not a JSON object"),
    "axes without end": (
        header(lambda h: h["output.bias"].update(shape=[2**47] * 100_000)),
        "which gen does not write",
    ),
    "overlap": (header(lambda h: h["output.bias"].update(data_offsets=[0, 4])), r"its place is \["),
    "overlap of all": (
        header(lambda h: [e.update(data_offsets=[0, 4]) for n, e in h.items() if n != "__metadata__"]),
        r"its place is \[",
    ),
    "hole": (
        header(lambda h: h["output.bias"].update(data_offsets=[o + 4 for o in h["output.bias"]["data_offsets"]])),
        r"its place is \[",
    ),
    "backwards": (header(lambda h: h["output.bias"]["data_offsets"].reverse()), r"its place is \["),
    "offsets below zero": (header(lambda h: h["output.bias"].update(data_offsets=[-4, 0])), r"its place is \["),
    "offsets of 2^64": (header(lambda h: h["output.bias"].update(data_offsets=[2**64, 2**64 + 4])), "its place is"),
    "three offsets": (header(lambda h: h["output.bias"]["data_offsets"].append(9)), "its place is"),
    "size beyond the file": (header(lambda h: h["output.bias"].update(shape=[2**47])), "its place is"),
    "wrong shape": (
        tensor("output.bias", ramp((2,))),
        r"output.bias is float32 \(2,\); its settings call for .* \(1,\)",
    ),
    "one axis more": (tensor("output.bias", ramp((1, 1))), r"output.bias is float32 \(1, 1\)"),
    "shape of 1.0": (header(lambda h: h["output.bias"].update(shape=[1.0])), "which gen does not write"),
    "shape of true": (header(lambda h: h["output.bias"].update(shape=[True])), "which gen does not write"),
    "shape below zero": (header(lambda h: h["output.bias"].update(shape=[-1])), "which gen does not write"),
    "wrong type": (tensor("output.bias", np.zeros(1, "<f8")), r"output.bias is float64 \(1,\)"),
    "unknown type": (header(lambda h: h["output.bias"].update(dtype="F8_E5M2")), "F8_E5M2"),
    "half floats": (tensor("output.bias", np.zeros(1, "<f2")), "FLOAT16"),
    "unexpected": (tensor("evil", ramp((1,))), r"tensor 'evil' \(float32\) does not belong to a 1-layer rnn"),
    "unexpected, at length": (tensor("evil" * 10**5, ramp((1,))), "tensor 'evilevilevil"),
    "training without a state": (tensor("training.x", ramp((1,))), r"tensor 'training.x' \(float32\) does not belong"),
    "a layer too many": (tensor("encoder.layers.1.bias", ramp((1,))), "does not belong to a 1-layer rnn"),
    "missing": (tensor("output.bias", None), "lacks output.bias of its 1-layer rnn"),
    "nothing there": (
        forged(lambda forgery: forgery.tensors.clear()),
        "lacks embedding.weight, encoder.layers.0.input",
    ),
    "duplicate": (duplicated, "'output.bias' stands twice in its header"),
    "hidden of 10^9": (model(hidden=10**9), "hidden is 1000000000; it must be a whole number in 1 … 65536"),
    "largest hidden": (model(hidden=2**16), r"its settings call for float32 \(1, 65536\)"),
    "largest of all": (model(hidden=2**16, layers=64, cell="lstm", vocabulary_size=2**24), "lacks encoder.layers.1"),
    "hidden below zero": (model(hidden=-1), "hidden is -1"),
    "unknown cell": (model(cell="mamba"), "cell is 'mamba'; it must be one of rnn, lstm, gru"),
    "unknown setting": (model(attention=True), "setting is 'attention'"),
    "a giant that lacks a byte": (truthful_giant, "its header calls for"),
    "no settings": (forged(lambda forgery: forgery.fields.pop("model")), "cannot be understood"),
    "no checksum": (
        header(lambda h: h["__metadata__"].update(gen=h["__metadata__"]["gen"][:-1])),
        "cannot be understood",
    ),
    "newer format": (
        forged(lambda forgery: forgery.fields.update(format=2)),
        "format 2; this gen reads 1: install a newer",
    ),
    "other metadata": (header(lambda h: h["__metadata__"].update(pt="x")), "not as gen writes it"),
    "another's file": (header(lambda h: h.pop("__metadata__")), "not a model that gen wrote"),
    "metadata of a list": (header(lambda h: h.update(__metadata__=[])), "not a model that gen wrote"),
    "metadata not canonical": (
        header(lambda h: h["__metadata__"].update(gen=h["__metadata__"]["gen"].replace("1e-05", "1E-05"))),
        "not as gen writes it",
    ),
    "description not an object": (forged(lambda forgery: setattr(forgery, "fields", [])), "not a JSON object"),
    "provenance not an object": (forged(lambda forgery: forgery.fields.update(provenance=[])), "its provenance"),
    "tokenizer not an object": (forged(lambda forgery: forgery.fields.update(tokenizer=[])), "tokenizer kind None"),
    "tokenizer of the future": (
        forged(lambda forgery: forgery.fields["tokenizer"].update(kind="x")),
        "kind 'x' is not",
    ),
    "one symbol too many": (
        forged(lambda forgery: forgery.fields["tokenizer"].update(symbols="ab")),
        "2 symbols for a model of 1",
    ),
    "one symbol twice": (forged(lambda forgery: forgery.fields["tokenizer"].update(symbols="aa")), "its tokenizer is"),
    "training not an object": (forged(lambda forgery: forgery.fields.update(training=[])), "cannot be understood"),
    "training settings unsound": (
        forged(lambda forgery: forgery.fields["training"]["config"].update(minutes=10**400, steps=None), training=True),
        "minutes is 1000",
    ),
}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("step", -1),
        ("step", "3"),
        ("step", None),
        ("step", 1.5),
        ("step", True),
        ("seconds", []),
        ("best_loss", -0.5),
        ("best_loss", "low"),
        ("best_step", None),
        ("validated_step", 0.5),
        ("rate_scale", None),
        ("rollbacks", {}),
    ],
)
def test_a_state_of_training_that_cannot_be_is_refused(name: str, value: object, tmp_path: Path) -> None:
    forgery = Forgery(tiny(training=True))
    forgery.fields["training"][name] = value
    assert f"({name} is {value!r}; it must be a number, 0 or more)" in refusal(forgery.seal(), tmp_path)


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_is_refused_in_no_time_and_no_space(case: str, tmp_path: Path) -> None:
    write, reason = HOSTILE[case]
    path = tmp_path / "hostile.safetensors"
    write(path)
    began = time.perf_counter()
    with pytest.raises(CheckpointError, match=reason) as caught:
        Checkpoint.load(path)
    assert time.perf_counter() - began < 1
    assert str(caught.value).startswith(f"{path}: ")
    assert len(str(caught.value)) < len(str(path)) + 600
    del caught
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError):
            Checkpoint.load(path)
        assert tracemalloc.get_traced_memory()[1] < 50e6
    finally:
        tracemalloc.stop()


def test_a_wrong_checksum_is_refused(tmp_path: Path) -> None:
    message = refusal(Forgery(tiny()).seal(checksum="0" * 64), tmp_path)
    assert f"checksum {Forgery(tiny()).checksum()}, recorded {'0' * 64}: it is damaged" in message


# ── Pickles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Bomb:
    """Writes a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.write_text, (self._path, "boom")


def zipped(bomb: bytes) -> bytes:
    """How torch.save wraps a pickle."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", bomb)
    return buffer.getvalue()


def in_numpy(bomb: Bomb) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, np.array([bomb], dtype=object), allow_pickle=True)
    return buffer.getvalue()


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_in_disguise_is_refused_and_nothing_in_it_runs(protocol: int, tmp_path: Path) -> None:
    crater = tmp_path / "crater"
    bomb = pickle.dumps(Bomb(crater), protocol)
    for data in (bomb, zipped(bomb), in_numpy(Bomb(crater)), framed(bomb), framed(b"{}") + bomb):
        refusal(data, tmp_path)
        with pytest.raises(CheckpointError):
            Checkpoint.describe(tmp_path / "hostile.safetensors")
    assert not crater.exists()
    pickle.loads(bomb)
    assert crater.exists()  # it was live


LOADER = """
import sys
def forbid(event, arguments):
    if event in ("pickle.find_class", "marshal.loads", "compile", "exec") and ready:
        print(event, arguments)
ready = False
sys.addaudithook(forbid)
import pickle, _pickle
for module in (pickle, _pickle):
    for name in ("load", "loads", "Unpickler"):
        setattr(module, name, lambda *_, **__: print("unpickling"))
from gen.checkpoint import Checkpoint
from gen.errors import CheckpointError
Checkpoint.load(sys.argv[1])
ready = True  # all that is imported late has been imported
Checkpoint.load(sys.argv[1])
try:
    Checkpoint.load(sys.argv[2])
except CheckpointError:
    pass
else:
    print("loaded")
print(*{"torch", "typer", "rich", "dill", "cloudpickle", "shelve"} & set(sys.modules))
"""


def test_loading_imports_no_torch_and_calls_nothing_that_could_run_code(tmp_path: Path) -> None:
    (tmp_path / "bomb").write_bytes(pickle.dumps(Bomb(tmp_path / "crater")))
    command = [sys.executable, "-c", LOADER, str(GOLDEN), str(tmp_path / "bomb")]
    ran = subprocess.run(command, capture_output=True, text=True)
    assert (ran.stdout.strip(), ran.stderr) == ("", "")


# ── Fuzzing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

STRANGE: list[Any] = [None, True, -1, 0, 1, 2**63, 10**400, 1.5, 1e308, "", "x", "\0", "\ud800", [], [0], {}, {"a": 1}]


def noise(draw: random.Random) -> bytes:
    """Random bytes, with or without a header that is one."""
    body = draw.randbytes(draw.randrange(300))
    match draw.randrange(3):
        case 0:
            return body
        case 1:
            return framed(body)
        case _:
            return framed(canonical({draw.choice("ab"): draw.choice(STRANGE) for _ in range(3)}).encode()) + body


def mangled(draw: random.Random, data: bytes) -> bytes:
    """A sound file in which pieces are overwritten, removed, doubled or moved."""
    for _ in range(draw.randint(1, 3)):
        start = draw.randrange(len(data) + 1)
        stop = min(len(data), start + draw.choice([1, 2, 8, 100]))
        piece = draw.choice([b"", draw.randbytes(stop - start), data[start:stop] * 2, b"0", b'"', b"9" * 30])
        place = draw.choice([start, start, draw.randrange(len(data) + 1)])
        data = data[:start] + data[stop:] if place != start else data[:start] + piece + data[stop:]
        if place != start:
            data = data[:place] + piece + data[place:]
    return data


def disfigured(draw: random.Random, value: Any) -> Any:
    """A JSON value in which one place holds something strange, or is missing."""
    if not isinstance(value, (dict, list)) or not value or draw.random() < 0.1:
        return draw.choice(STRANGE)
    value = copy.copy(value)
    key = draw.choice(list(value) if isinstance(value, dict) else range(len(value)))
    if draw.random() < 0.1:
        del value[key]
    else:
        value[key] = disfigured(draw, value[key])
    return value


def forged_at_random(draw: random.Random, data: bytes) -> bytes:
    """A file whose description or header holds something strange, under a checksum that fits."""
    forgery = Forgery(data)
    if draw.random() < 0.5:
        forgery.fields = disfigured(draw, forgery.fields)
    else:
        name = draw.choice(list(forgery.tensors))

        def change(header: dict[str, Any]) -> None:
            header[name] = disfigured(draw, header[name])

        forgery.header = change
    return forgery.seal()


def fuzz(rounds: int, folder: Path) -> tuple[int, int]:
    """Load `rounds` files of each kind; how many were refused, and how many were sound after all."""
    draw = random.Random(7)
    sound = [tiny(), tiny(training=True), GOLDEN.read_bytes()]
    path = folder / "fuzz"
    refused = loaded = 0
    for _ in range(rounds):
        data = draw.choice(sound)
        for content in (noise(draw), mangled(draw, data), forged_at_random(draw, data)):
            path.unlink(missing_ok=True)
            path.write_bytes(content)
            try:
                Checkpoint.describe(path)
            except CheckpointError:
                pass
            try:
                checkpoint = Checkpoint.load(path)
            except CheckpointError:
                refused += 1
            else:
                loaded += 1
                path.write_bytes(checkpoint.to_bytes())
                assert Checkpoint.load(path).to_bytes() == checkpoint.to_bytes()
    return refused, loaded


def test_whatever_the_file_the_error_is_typed(tmp_path: Path) -> None:
    refused, loaded = fuzz(250, tmp_path)
    assert refused > 600
    assert loaded > 10  # some changes, of a provenance for example, are a user's right


@pytest.mark.slow
def test_whatever_the_file_the_error_is_typed_a_hundred_thousand_times(tmp_path: Path) -> None:
    assert sum(fuzz(33_334, tmp_path)) > 100_000
