"""The checkpoint as its users know it; `test_checkpoint_hostile.py` has the files that no friend wrote."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gen.checkpoint import Checkpoint, TrainingState
from gen.config import Cell, ModelConfig, TrainConfig
from gen.errors import CheckpointError, ConfigError, StorageError
from gen.model_file import Tensors
from gen.tokenizers import CharTokenizer

GOLDEN = Path(__file__).parent / "data" / "checkpoint-v1.safetensors"


def ramp(shape: tuple[int, ...], dtype: str = "<f4") -> NDArray[Any]:
    """Sixteenths from -1/2 to 1/2, over and over: numbers that every machine holds exactly."""
    count = int(np.prod(shape))
    return ((np.arange(count) % 17 - 8) / 16).astype(dtype).reshape(shape)


def golden() -> Checkpoint:
    """What `tests/data/checkpoint-v1.safetensors` was made from, by `golden().save(GOLDEN)`; no default left open."""
    model = ModelConfig(vocabulary_size=4, cell="gru", layers=2, hidden=3, residual=True)
    moments = {
        "optimizer.exp_avg.embedding.weight": ramp((4, 3), "<f8"),
        "optimizer.step.embedding.weight": np.asarray(7, "<i8"),
        "state.0": ramp((2, 1, 3)),
    }
    training = TrainingState(
        TrainConfig(
            steps=10,
            batch_size=1,
            sequence_length=64,
            learning_rate=1e-3,
            matrix_learning_rate=0.02,
            weight_decay=0.0,
            clip=1.0,
            warmup=0.02,
            decay=0.6,
            dropout=0.0,
            validate_every=500,
            seed=2**63 - 1,
            precision="fp32",
            device="cpu",
            threads=1,
        ),
        step=7,
        seconds=1.5,
        best_loss=1.25,
        best_step=5,
        validated_step=5,
        rate_scale=0.5,
        rollbacks=1,
        tensors=moments,
    )
    return Checkpoint(
        model,
        CharTokenizer("\né😀", boundary=True),
        {name: ramp(shape) for name, shape in model.parameter_shapes().items()},
        {"corpus": {"sources": ["\u2028é.txt"], "checksum": "00ff"}, "seed": 2**63 - 1, "loss": 1e-5, "note": None},
        training,
    )


def make(
    *, cell: Cell = "lstm", layers: int = 1, hidden: int = 2, training: bool = False, fill: float | None = None
) -> Checkpoint:
    model = ModelConfig(vocabulary_size=3, cell=cell, layers=layers, hidden=hidden)
    weights = {
        name: ramp(shape) if fill is None else np.full(shape, fill, "<f4")
        for name, shape in model.parameter_shapes().items()
    }
    state = TrainingState(TrainConfig(steps=9), step=3, tensors={"state.0": ramp((1, 1, hidden))}) if training else None
    return Checkpoint(model, CharTokenizer("ab\n"), weights, {"seed": 7}, state)


def same_tensors(one: Tensors, other: Tensors) -> bool:
    return one.keys() == other.keys() and all(
        one[name].dtype == other[name].dtype
        and one[name].shape == other[name].shape
        and one[name].tobytes() == other[name].tobytes()
        for name in one
    )


def same(one: Checkpoint, other: Checkpoint) -> bool:
    """Everything is equal, weights bit by bit."""
    if (one.training is None) != (other.training is None):
        return False
    if one.training is not None and other.training is not None:
        if replace(one.training, tensors={})._to_dict() != replace(other.training, tensors={})._to_dict():
            return False
        if not same_tensors(one.training.tensors, other.training.tensors):
            return False
    return (
        (one.model, one.tokenizer.to_dict(), one.provenance)
        == (other.model, other.tokenizer.to_dict(), other.provenance)
    ) and same_tensors(one.weights, other.weights)


# ── The law: save, load, save ────────────────────────────────────────────────────────────────────────────────────────

finite = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | finite | texts,
    lambda values: st.lists(values, max_size=3) | st.dictionaries(texts, values, max_size=3),
    max_leaves=6,
)


@st.composite
def tensors(draw: st.DrawFn, shape: tuple[int, ...], dtype: str) -> NDArray[Any]:
    values = (
        st.integers(-(2**63), 2**63 - 1)
        if dtype == "<i8"
        else st.floats(width=32, allow_nan=False, allow_infinity=False)
    )
    few = draw(st.lists(values, min_size=1, max_size=5))
    return np.resize(np.array(few, dtype), shape)


@st.composite
def trainings(draw: st.DrawFn) -> TrainingState:
    names = st.text("abc.é_0", min_size=1, max_size=6)
    shapes = st.lists(st.integers(0, 3), max_size=3).map(tuple)
    arrays = st.tuples(shapes, st.sampled_from(["<f4", "<f8", "<i8"])).flatmap(lambda known: tensors(*known))
    count = st.integers(0, 2**40)
    return TrainingState(
        TrainConfig(minutes=draw(st.floats(0.001, 1e9)), learning_rate=draw(st.floats(1e-9, 10))),
        step=draw(count),
        seconds=draw(st.floats(0, 1e9)),
        best_loss=draw(st.none() | st.floats(0, 1e9)),
        best_step=draw(count),
        validated_step=draw(st.none() | count),
        rate_scale=draw(st.floats(0, 1)),
        rollbacks=draw(st.integers(0, 3)),
        tensors=draw(st.dictionaries(names, arrays, max_size=3)),
    )


@st.composite
def checkpoints(draw: st.DrawFn) -> Checkpoint:
    characters = draw(st.sets(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=5))
    tokenizer = CharTokenizer(sorted(characters), boundary=draw(st.booleans()))
    model = ModelConfig(
        vocabulary_size=len(tokenizer.vocabulary),
        cell=draw(st.sampled_from(["rnn", "lstm", "gru"])),
        layers=draw(st.integers(1, 3)),
        hidden=draw(st.integers(1, 4)),
        residual=draw(st.booleans()),
        tied=draw(st.booleans()),
    )
    weights = {name: draw(tensors(shape, "<f4")) for name, shape in model.parameter_shapes().items()}
    provenance = draw(st.dictionaries(texts, json_values, max_size=4))
    return Checkpoint(model, tokenizer, weights, provenance, draw(st.none() | trainings()))


@settings(derandomize=True, deadline=None, max_examples=50)
@given(checkpoint=checkpoints())
def test_save_load_save_gives_the_same_checkpoint_and_the_same_bytes(
    checkpoint: Checkpoint, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "law.safetensors"
    checkpoint.save(path)
    loaded = Checkpoint.load(path)
    assert same(loaded, checkpoint)
    assert loaded.to_bytes() == path.read_bytes()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("layers", [1, 7, 8, 64])
def test_models_of_every_depth_load(cell: Cell, layers: int, tmp_path: Path) -> None:
    checkpoint = make(cell=cell, layers=layers, hidden=1)
    checkpoint.save(tmp_path / "model")
    assert same(Checkpoint.load(tmp_path / "model"), checkpoint)


def backwards(mapping: Mapping[str, Any]) -> dict[str, Any]:
    return dict(reversed(list(mapping.items())))


def test_the_order_in_which_things_were_put_together_does_not_show() -> None:
    one = golden()
    assert one.training is not None
    other = Checkpoint(
        one.model,
        one.tokenizer,
        backwards(one.weights),
        backwards(one.provenance),
        replace(one.training, tensors=backwards(one.training.tensors)),
    )
    assert other.to_bytes() == one.to_bytes()


def test_memory_layout_does_not_show() -> None:
    one = make()
    fortran = replace(one, weights={name: np.asfortranarray(array) for name, array in one.weights.items()})
    doubled = {name: np.repeat(array, 2, axis=-1) for name, array in one.weights.items()}
    strided = replace(one, weights={name: array[..., ::2] for name, array in doubled.items()})
    assert one.to_bytes() == fortran.to_bytes() == strided.to_bytes()


def test_every_process_writes_the_same_bytes() -> None:
    script = (
        "import sys, hashlib; from gen.checkpoint import Checkpoint\n"
        "print(hashlib.sha256(Checkpoint.load(sys.argv[1]).to_bytes()).hexdigest())"
    )
    found = {hashlib.sha256(golden().to_bytes()).hexdigest()}
    for seed in ("1", "2"):
        command = [sys.executable, "-c", script, str(GOLDEN)]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        found.add(subprocess.run(command, capture_output=True, text=True, env=environment, check=True).stdout.strip())
    assert len(found) == 1


def test_the_file_is_safetensors_to_others_too(tmp_path: Path) -> None:
    import safetensors.numpy

    checkpoint = make()
    checkpoint.save(tmp_path / "model.safetensors")
    others = safetensors.numpy.load_file(tmp_path / "model.safetensors")
    assert same_tensors(others, checkpoint.weights)


def test_what_was_loaded_cannot_be_changed(tmp_path: Path) -> None:
    golden().save(tmp_path / "model")
    loaded = Checkpoint.load(tmp_path / "model")
    assert loaded.training is not None
    for array in (*loaded.weights.values(), *loaded.training.tensors.values()):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0


# ── Files that were written must load for ever ───────────────────────────────────────────────────────────────────────


def test_the_golden_file_of_format_1_loads_for_ever() -> None:
    digest = "37a9251a23b09ac283f654e9e94f50aa626fe51bc511cf5daeec8b55407d2205"
    assert hashlib.sha256(GOLDEN.read_bytes()).hexdigest() == digest, "the file itself has changed: restore it"
    assert same(Checkpoint.load(GOLDEN), golden())


def test_the_checksum_of_format_1_is_what_it_was() -> None:
    data = GOLDEN.read_bytes()
    length = int.from_bytes(data[:8], "little")
    fields = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["gen"])
    assert fields["format"] == 1
    assert fields["checksum"] == "07466fa19e8e2538f58b75471a00d75b37d901b460f681040bae3d5006f5e7a7"
    saved = golden().to_bytes()
    assert fields["checksum"].encode() in saved


# ── Reading and writing files ────────────────────────────────────────────────────────────────────────────────────────


def test_the_summary_is_the_same_with_and_without_the_tensors(tmp_path: Path) -> None:
    checkpoint = golden()
    checkpoint.save(tmp_path / "model")
    summary = Checkpoint.describe(tmp_path / "model")
    assert summary == checkpoint.summary() == Checkpoint.load(tmp_path / "model").summary()
    assert summary["cell"] == "gru"
    assert summary["parameters"] == checkpoint.model.parameters
    assert summary["tokenizer"] == {"kind": "char", "symbols": 4}
    assert summary["seed"] == 2**63 - 1
    json.dumps(summary, allow_nan=False)


def test_a_description_needs_the_header_only(tmp_path: Path) -> None:
    data = bytearray(make().to_bytes())
    data[-1] ^= 1
    (tmp_path / "damaged").write_bytes(data)
    assert Checkpoint.describe(tmp_path / "damaged") == make().summary()
    (tmp_path / "damaged").write_bytes(data[:100])
    with pytest.raises(CheckpointError, match=r"damaged: 100 bytes"):
        Checkpoint.describe(tmp_path / "damaged")


@pytest.mark.parametrize("read", [Checkpoint.load, Checkpoint.describe])
def test_what_is_no_file_is_a_usage_error(read: Any, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing: cannot read it \(No such file or directory\): give a model file"):
        read(tmp_path / "missing")
    with pytest.raises(ConfigError, match="cannot read it"):
        read(tmp_path)
    with pytest.raises(ConfigError, match="cannot read it"):
        read(str(tmp_path / ("x" * 300)))


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC])
def test_a_disk_that_refuses_leaves_the_old_checkpoint(
    call: str, code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model"
    make().save(path)

    def refuse(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, call, refuse)
    with pytest.raises(StorageError, match=rf"model: cannot write \({os.strerror(code)}; .* free there\)"):
        make(cell="gru").save(path)
    monkeypatch.undo()
    assert same(Checkpoint.load(path), make())
    assert os.listdir(tmp_path) == ["model"]


def test_a_file_that_is_replaced_while_it_is_read_is_the_old_or_the_new_one(tmp_path: Path) -> None:
    path = tmp_path / "resume"
    versions = [make(hidden=64, fill=value).to_bytes() for value in (0.0, 1.0)]
    path.write_bytes(versions[0])
    done = threading.Event()

    def write() -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            (tmp_path / "new").write_bytes(versions[turn % 2])
            os.replace(tmp_path / "new", path)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(150):
            assert Checkpoint.load(path).to_bytes() in versions
    finally:
        done.set()
        writer.join()


def test_loading_takes_little_more_memory_than_the_weights(tmp_path: Path) -> None:
    checkpoint = make(hidden=512)
    checkpoint.save(tmp_path / "model")
    size = (tmp_path / "model").stat().st_size
    del checkpoint
    tracemalloc.start()
    try:
        loaded = Checkpoint.load(tmp_path / "model")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert loaded.model.hidden == 512
    assert size < peak < 1.3 * size + 2**20


# ── What must not be written, because it could not be read ───────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", ["weights", "training"])
def test_weights_that_are_not_finite_are_not_saved_over_those_that_are(
    value: float, place: str, tmp_path: Path
) -> None:
    path = tmp_path / "resume"
    checkpoint = make(training=True)
    checkpoint.save(path)
    assert checkpoint.training is not None
    owner = checkpoint.weights if place == "weights" else checkpoint.training.tensors
    next(iter(owner.values()))[..., -1] = value
    with pytest.raises(CheckpointError, match="holds NaN or infinite values: train again with a lower learning rate"):
        checkpoint.save(path)
    assert same(Checkpoint.load(path), make(training=True))


def changed(change: dict[str, Any], **options: Any) -> Checkpoint:
    checkpoint = make(**options)
    weights = dict(checkpoint.weights) | change
    return replace(checkpoint, weights={name: array for name, array in weights.items() if array is not None})


@pytest.mark.parametrize(
    ("checkpoint", "message"),
    [
        (changed({"output.bias": None}), "lacks output.bias of its 1-layer lstm"),
        (changed({"output.bias": ramp((4,))}), r"output.bias is float32 \(4,\); its settings call for float32 \(3,\)"),
        (changed({"output.bias": ramp((3,), "<f8")}), r"output.bias is float64 \(3,\)"),
        (changed({"output.bias": ramp((3,), ">f4")}), r"output.bias is >f4 \(3,\)"),
        (changed({"extra": ramp((3,))}), r"tensor 'extra' \(float32\) does not belong to a 1-layer lstm"),
        (changed({"training.x": ramp((3,))}), r"tensor 'training.x' \(float32\) does not belong"),
        (changed({"training.x": ramp((3,), "<i2")}, training=True), r"tensor 'training.x' \(int16\) does not belong"),
        (replace(make(), provenance={"sources": ["x"] * 200_000}), "has about 20.... values; at most 131072 are read"),
        (replace(make(), provenance={"sources": "x" * 2**23}), "its header is .* bytes long; at most 8388608 are read"),
    ],
)
def test_what_could_not_be_loaded_is_not_saved(checkpoint: Checkpoint, message: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=message):
        checkpoint.save(tmp_path / "model")
    assert os.listdir(tmp_path) == []
